"""What a failure shows: the end of all that the test wrote, without metrics."""

import pytest

LAST_LINES = 30

_METRICS = '{"_aws":'
"""A line of metrics begins so."""


def shorten(report: pytest.TestReport) -> None:
    """Leave out metrics, and all but the last lines, of what the test printed and logged."""
    shown = ((title, _end_of(text)) for title, text in report.sections)
    report.sections = [(title, text) for title, text in shown if text]


def _end_of(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(_METRICS)]
    left_out = len(lines) - LAST_LINES
    first = [f"({left_out} lines are left out)"] if left_out > 0 else []
    return "".join(f"{line}\n" for line in first + lines[-LAST_LINES:])
