"""The drawn timelines have the recorded figures, and polls and percentiles are counted right."""

from random import Random
from statistics import median

import pytest

from benchmark.timelines import (
    AUTOMATED,
    DOWNLOAD,
    FLEX,
    Recorded,
    Timeline,
    draw_timelines,
    percentile,
    polled,
)


@pytest.mark.parametrize("recorded", [FLEX, AUTOMATED, DOWNLOAD])
def test_draws_between_the_shortest_and_the_longest_around_the_median(recorded: Recorded) -> None:
    random = Random(1)  # noqa: S311 - no secret depends on it
    drawn = [recorded.draw(random) for _ in range(4001)]

    assert recorded.shortest <= min(drawn) <= recorded.shortest + 1
    assert median(drawn) == pytest.approx(recorded.median, rel=0.02)
    assert 0.9 * recorded.longest < max(drawn) <= recorded.longest


def test_steps_of_a_flex_restore_are_in_order_and_end_with_its_duration() -> None:
    drawn = draw_timelines(Random(2), 200)  # noqa: S311

    for timeline in drawn:
        moments = [moment for moment, _ in timeline.steps]
        assert moments == sorted(moments)
        assert timeline.duration == moments[-1] > 0
    assert [one.kind for one in drawn[:4]] == ["Flex", "automated", "download", "Flex"]
    assert [step for _, step in drawn[0].steps] == ["QUEUED", "RUNNING", "COMPLETED"]


def test_a_poll_sees_a_change_half_a_period_later_on_average() -> None:
    timelines = [Timeline("automated", ((100.0, "finished"),))] * 4000

    seconds = list(polled(timelines, 60, Random(3)))  # noqa: S311

    assert len(seconds) == 4000
    assert sum(seconds) / len(seconds) == pytest.approx(30, abs=1)
    assert 0 <= min(seconds) < max(seconds) < 60


def test_a_poll_does_not_see_a_change_that_the_next_one_has_replaced() -> None:
    timelines = [Timeline("Flex", ((10.0, "QUEUED"), (11.0, "RUNNING"), (400.0, "COMPLETED")))]

    assert len(list(polled(timelines * 500, 300, Random(4)))) < 2 * 500 + 20  # noqa: S311


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.95, 95), (0.0, 1), (1.0, 100), (0.991, 100)]
)
def test_percentiles(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.95) == 7.0
