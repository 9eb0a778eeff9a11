"""What is counted of finding, in a small estate, and that the report can be printed."""

import io

import pytest
from rich.console import Console

from benchmark.find_report import FindReport
from benchmark.finding import ESTATES, Calls, Estate, Found, count_calls

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("active", [0, 1])
def test_a_sweep_that_lists_nothing_makes_the_least_calls(active: int) -> None:
    calls = count_calls(Estate(projects=2, clusters=4, active=active))

    assert calls.quiet == calls.estate.least_calls == 2 + active
    # Two lists of clusters for each project; two of jobs for a dedicated cluster, one for Flex.
    assert calls.listing == 2 + active + 2 * 2 + 2 * 2 + 2 * 1
    assert calls.average == pytest.approx(2 + active + 10 / 15)


def test_every_figure_is_printed_with_its_target() -> None:
    calls = [Calls(estate, estate.least_calls, 1234.5, 18_000) for estate in ESTATES]
    found = [Found("flex", (30.0, 60.0)), Found("collection", (400.0, 2000.0))]
    report = FindReport(calls, found)
    output = io.StringIO()

    report.show(Console(file=output, width=120))

    assert [target.met for target in report.targets()] == [True, True, False]
    assert "10,000 clusters in 1,000 projects, 100 active" in output.getvalue()
    assert "1,234.5" in output.getvalue()
