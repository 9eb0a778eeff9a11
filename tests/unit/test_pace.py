"""Which calls a sweep may take from a bucket that others use as well, and from a broken project."""

import pytest

from restore_watch.atlas.rate_limits import Bucket
from restore_watch.pace import SILENCES, Pace
from restore_watch.restore_job import RestoreKind
from unit.scripted_atlas import GROUP

FLEX, DEDICATED = (Bucket(GROUP, kind) for kind in (RestoreKind.FLEX, RestoreKind.DEDICATED))
ELSEWHERE = Bucket("5f0000000000000000000a02", RestoreKind.FLEX)


@pytest.mark.parametrize(
    ("share", "goes_on"),
    [(None, True), (1.0, True), (0.5, True), (0.499, False), (0.0, False)],
)
def test_calls_stop_when_less_than_the_reserve_is_left(
    share: float | None, *, goes_on: bool
) -> None:
    pace = Pace(0.5, lambda _bucket, _since: share, since=0.0)

    assert pace.allows(FLEX)
    assert pace.allows(FLEX) is goes_on


def test_the_first_call_from_each_bucket_is_always_allowed() -> None:
    pace = Pace(0.5, lambda _bucket, _since: 0.0, since=0.0)

    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [True] * 3
    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [False] * 3


def test_without_a_reserve_calls_go_on_until_atlas_refuses() -> None:
    pace = Pace(0.0, lambda _bucket, _since: 0.0, since=0.0)

    assert all(pace.allows(FLEX) for _ in range(3))


def test_calls_go_on_when_the_bucket_has_filled_again() -> None:
    shares = iter([0.1, 0.1, 0.9])
    pace = Pace(0.5, lambda _bucket, _since: next(shares), since=0.0)

    assert [pace.allows(FLEX) for _ in range(3)] == [True, False, True]


def test_only_what_atlas_said_in_this_sweep_counts() -> None:
    asked: list[tuple[Bucket, float]] = []

    def share_left(bucket: Bucket, since: float) -> None:
        asked.append((bucket, since))

    Pace(0.5, share_left, since=7.0).allows(DEDICATED)

    assert asked == [(DEDICATED, 7.0)]


# Silences and refusals


@pytest.fixture
def pace() -> Pace:
    return Pace(0.5, lambda _bucket, _since: None, since=0.0)


def test_after_three_silences_in_a_row_a_project_is_left_alone(pace: Pace) -> None:
    for _ in range(SILENCES):
        assert pace.allows(FLEX)
        pace.silent(FLEX)

    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [False, False, True]


def test_silences_of_all_endpoints_of_a_project_count_together(pace: Pace) -> None:
    for bucket in (FLEX, DEDICATED, FLEX):
        pace.silent(bucket)

    assert not pace.allows(DEDICATED)


def test_an_answer_between_silences_starts_the_count_anew(pace: Pace) -> None:
    for happens in (pace.silent, pace.silent, pace.answered, pace.silent, pace.silent):
        happens(FLEX)

    assert pace.allows(FLEX)


def test_a_late_answer_opens_a_silent_project_again(pace: Pace) -> None:
    """Many questions are under way at once: their answers may come after three silences."""
    for _ in range(SILENCES):
        pace.silent(FLEX)
    pace.answered(FLEX)

    assert pace.allows(FLEX)


def test_after_a_refusal_only_these_endpoints_of_the_project_are_left_alone(pace: Pace) -> None:
    pace.refused(FLEX)

    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [False, True, True]
    pace.answered(FLEX)
    assert not pace.allows(FLEX)
