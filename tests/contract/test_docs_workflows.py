"""The page on workflows says what waiting costs, and how soon a workflow goes on."""

from datetime import timedelta

from benchmark.wait_table import with_table
from benchmark.waits import HOT_LATENCY, SWEEP_EVERY
from contract.documents import README, page, section
from restore_watch.sweep.cadence import EVERY_SWEEP, HOT, SLOW

COSTS = section(page("workflows"), "What waiting costs")


def test_the_table_of_what_waiting_costs_is_computed() -> None:
    text = page("workflows")

    assert with_table(text) == text, "out of date; `make docs` computes it"


def test_how_soon_a_workflow_goes_on_is_as_the_readme_says() -> None:
    half, most = HOT_LATENCY

    assert f"half within {half} s, 95 of 100 within {most} s" in section(
        README.read_text(), "Figures"
    )


def test_later_is_as_the_cadence_has_it() -> None:
    said = " ".join(COSTS.split())

    assert timedelta(minutes=30) == HOT
    assert timedelta(hours=6) == EVERY_SWEEP
    assert (SWEEP_EVERY, SLOW) == (60, 300)
    assert "*Later* is after half an hour without a change" in said
    assert "after six hours, the watch asks every five minutes" in said
