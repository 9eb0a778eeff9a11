"""coverage.csv: a line for each cluster, with its state and what the state rests on. Pure."""

from restore_watch.report.files.coverage_columns import COLUMNS, cluster_facts
from restore_watch.report.files.csv_text import csv_file, csv_line
from restore_watch.report.report import Report


def coverage_csv(report: Report) -> str:
    """Return the file, with the worst clusters first; only its head if no project is watched."""
    lines: list[str] = []
    for judged in report.coverage.in_order:
        facts = cluster_facts(report, judged)
        lines.append(csv_line(facts[column] for column in COLUMNS))
    return csv_file(COLUMNS, lines)
