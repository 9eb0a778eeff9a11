"""What a failed test shows of what it wrote."""

import pytest

from failure_report import LAST_LINES, shorten


def test_a_failure_shows_the_end_of_the_log_and_no_metrics() -> None:
    logged = [f"line {number}\n" for number in range(LAST_LINES + 7)]
    report = pytest.TestReport(
        nodeid="test_something",
        location=("test_something.py", 1, "test_something"),
        keywords={},
        outcome="failed",
        longrepr="AssertionError",
        when="call",
        sections=[
            ("Captured stdout call", '{"_aws":{"Timestamp":1}}\n' * 40),
            ("Captured log call", "".join(logged)),
        ],
    )
    shorten(report)

    shown = "(7 lines are left out)\n" + "".join(logged[7:])
    assert report.sections == [("Captured log call", shown)]
