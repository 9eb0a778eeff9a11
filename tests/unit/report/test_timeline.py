"""Where the page draws a restore: to scale if it can, and within the drawing in any case."""

from datetime import timedelta

import pytest

from restore_watch.report.files.timeline import (
    NARROWEST_BAD_BAR,
    NARROWEST_BAR,
    SCHEDULED_AT,
    Timeline,
)

HOUR = 3600.0
WIDTH = 320
"""Of the drawing, in report.html."""

LEFT_EDGE = 4
"""Room for the mark of a snapshot."""


@pytest.mark.parametrize("rto", [None, timedelta(hours=10)], ids=["without an RTO", "with an RTO"])
@pytest.mark.parametrize(
    "seconds", [[10 * HOUR] * 20, [HOUR] * 17 + [5 * HOUR] * 3], ids=["all alike", "three longer"]
)
def test_at_least_nine_of_ten_restores_are_drawn_to_scale(
    seconds: list[float], rto: timedelta | None
) -> None:
    timeline = Timeline.of([], seconds, rpo=None, rto=rto)

    assert sum(map(timeline.cuts_bar, seconds)) <= len(seconds) // 10


@pytest.mark.parametrize(
    ("seconds", "is_cut"),
    [(HOUR, False), (HOUR + 1, True), (100 * HOUR, True)],
    ids=["just to scale", "a second longer", "much longer"],
)
def test_what_is_too_long_is_drawn_to_the_edge_and_cut(seconds: float, *, is_cut: bool) -> None:
    timeline = Timeline(HOUR, HOUR, None, None)

    assert timeline.cuts_bar(seconds) == timeline.cuts_snapshot(seconds) == is_cut
    assert SCHEDULED_AT + timeline.bar_width(seconds, is_bad=False) == WIDTH
    assert timeline.snapshot_at(seconds) == LEFT_EDGE


@pytest.mark.parametrize(
    ("is_bad", "width"),
    [(False, NARROWEST_BAR), (True, NARROWEST_BAD_BAR)],
    ids=["to be seen", "with room for its cross"],
)
def test_the_bar_of_a_short_restore_is_wide_enough(width: float, *, is_bad: bool) -> None:
    assert Timeline(HOUR, HOUR, None, None).bar_width(1, is_bad=is_bad) == width


@pytest.mark.parametrize(
    ("seconds", "objective", "shown"),
    [
        ([], None, 60),
        ([], timedelta(seconds=10), 60),
        ([], timedelta(hours=1), 5_040),
        ([1_000] * 10, None, 1_250),
        ([100] * 8 + [10_000] * 2, None, 600),
        ([1_000] * 10, timedelta(seconds=800), 1_250),
        ([4 * HOUR] * 10, timedelta(hours=1), 10_800),
    ],
    ids=[
        "nothing",
        "a short objective",
        "the objective",
        "all alike",
        "two much longer",
        "longer than the objective",
        "much longer than the objective",
    ],
)
def test_a_timeline_shows_so_many_seconds(
    seconds: list[float], objective: timedelta | None, shown: float
) -> None:
    timeline = Timeline.of(seconds, seconds, rpo=objective, rto=objective)

    assert timeline == Timeline(shown, shown, objective, objective)


def test_what_is_drawn_to_scale_has_one_digit() -> None:
    timeline = Timeline(HOUR, HOUR, None, None)

    assert (timeline.snapshot_at(711), timeline.bar_width(711, is_bad=False)) == (105.1, 37.5)
