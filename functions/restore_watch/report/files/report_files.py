"""The files of a report by name. Pure."""

from restore_watch.report.files.coverage_csv import coverage_csv
from restore_watch.report.files.html_page import html_page
from restore_watch.report.files.report_json import report_json
from restore_watch.report.files.restores_csv import line_of_restore, restores_csv
from restore_watch.report.report import Report


def report_files(report: Report) -> dict[str, bytes]:
    """Return the files. The JSON, which has the sums of the others, is the last."""
    lines = [line_of_restore(judged.evidence, judged.facts) for judged in report.judged_restores]
    files = {
        "report.html": html_page(report).encode(),
        "coverage.csv": coverage_csv(report).encode(),
        "restores.csv": restores_csv(lines).encode(),
    }
    files["report.json"] = report_json(report, files).encode()
    return files
