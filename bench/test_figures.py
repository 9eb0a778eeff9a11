"""What the figures of the page Costs rest on."""

import tomllib

import pytest

from bench import needs
from bench.figures import (
    LOADS,
    MEASURE_MEGABYTES,
    PEOPLE_MEGABYTES,
    REPORT_MEGABYTES,
    WATCH_MEGABYTES,
)
from contract.deployed_template import source_template


def test_the_memory_is_the_templates() -> None:
    template = source_template()
    people, report, measure = (
        template["Resources"][name]["Properties"]["MemorySize"]
        for name in ("NotifyPeopleFunction", "ReportFunction", "MeasureFunction")
    )

    assert template["Parameters"]["MemorySize"]["Default"] == WATCH_MEGABYTES
    assert (people, report) == (PEOPLE_MEGABYTES, REPORT_MEGABYTES)
    assert measure == MEASURE_MEGABYTES


@pytest.mark.campaign
def test_an_idle_sweep_sends_the_metrics_that_were_measured() -> None:
    """If not: `python -m bench.needs`, and then the tables of the pages."""
    with needs.world(1) as world:
        for _ in range(3):
            world.sweep()
        *_, idle = world.watch.take()

    measured = tomllib.loads(LOADS.read_text())["idle"]["metrics"]
    assert len(idle.metrics) == measured, sorted(idle.metrics)
