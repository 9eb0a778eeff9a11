"""coverage.csv: a line for each cluster, with its state and what the state rests on. Pure."""

from restore_watch.report.cluster_facts import COLUMNS, cluster_facts
from restore_watch.report.csv_text import csv_file, csv_line
from restore_watch.report.report import Report


def coverage_csv(report: Report) -> str:
    """Return the file, with the worst clusters first; only its head if no project is watched."""
    lines = [csv_line(cluster_facts(report, judged).values()) for judged in report.in_order]
    return csv_file(COLUMNS, lines)
