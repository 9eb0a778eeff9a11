"""Which calls a sweep may take from a bucket that others use as well, and from a broken project."""

import pytest

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.rate_limit_pace import REFUSALS, SILENCES, STARVED, Pace
from unit.scripted_atlas import GROUP

FLEX, DEDICATED = (Bucket(GROUP, kind) for kind in (RestoreKind.FLEX, RestoreKind.DEDICATED))


def never(_: Bucket) -> bool:
    return False


ELSEWHERE = Bucket("5f0000000000000000000a02", RestoreKind.FLEX)


@pytest.mark.parametrize(
    ("share", "goes_on"),
    [(None, True), (1.0, True), (0.5, True), (0.499, False), (0.0, False)],
)
def test_calls_stop_when_less_than_the_reserve_is_left(
    share: float | None, *, goes_on: bool
) -> None:
    pace = Pace(0.5, lambda _bucket, _since: share, since=0.0, waits=never)

    assert pace.allows(FLEX)
    assert pace.allows(FLEX) is goes_on


def test_the_first_call_from_each_bucket_is_always_allowed() -> None:
    pace = Pace(0.5, lambda _bucket, _since: 0.0, since=0.0, waits=never)

    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [True] * 3
    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [False] * 3


def test_without_a_reserve_calls_go_on_until_atlas_refuses() -> None:
    pace = Pace(0.0, lambda _bucket, _since: 0.0, since=0.0, waits=never)

    assert all(pace.allows(FLEX) for _ in range(3))


def test_calls_go_on_when_the_bucket_has_filled_again() -> None:
    shares = iter([0.1, 0.1, 0.9])
    pace = Pace(0.5, lambda _bucket, _since: next(shares), since=0.0, waits=never)

    assert [pace.allows(FLEX) for _ in range(3)] == [True, False, True]


def test_only_what_atlas_said_in_this_sweep_counts() -> None:
    asked: list[tuple[Bucket, float]] = []

    def share_left(bucket: Bucket, since: float) -> None:
        asked.append((bucket, since))

    Pace(0.5, share_left, since=7.0, waits=never).allows(DEDICATED)

    assert asked == [(DEDICATED, 7.0)]


# Two purposes


def test_the_first_call_to_find_others_is_allowed_beside_the_first_about_known_jobs() -> None:
    """Following many known jobs cannot blind the watch for others, nor the other way round."""
    pace = Pace(0.5, lambda _bucket, _since: 0.0, since=0.0, waits=never)

    assert [pace.allows(FLEX, to_find=one) for one in (False, True)] == [True, True]
    assert [pace.allows(FLEX, to_find=one) for one in (False, True)] == [False, False]


@pytest.mark.parametrize("first", [True, False], ids=["to find", "to ask"])
def test_the_reserve_stops_calls_of_both_purposes(*, first: bool) -> None:
    shares = iter([0.9, 0.9, 0.4, 0.4])
    pace = Pace(0.5, lambda _bucket, _since: next(shares), since=0.0, waits=never)
    for to_find in (first, not first):
        assert pace.allows(FLEX, to_find=to_find)

    assert not any(pace.allows(FLEX, to_find=to_find) for to_find in (True, False))


# Starved buckets


def starved(*answers: float | None, reserve: float = 0.5) -> frozenset[Bucket]:
    """The starved buckets after calls with answers that say what is left, and one more wanted."""
    said: list[float | None] = []
    pace = Pace(reserve, lambda _bucket, _since: said[-1] if said else None, since=0.0, waits=never)
    for share in answers:
        if pace.allows(FLEX):
            said.append(share)
            pace.answered(FLEX)
    pace.allows(FLEX)
    return pace.starved


@pytest.mark.parametrize(
    ("answers", "is_starved"),
    [
        ((), False),
        ((0.1,), True),
        ((0.3, 0.2, 0.1), True),
        ((None, 0.1), True),
        ((None, None), False),
        ((0.5, 0.1), False),
        ((0.9, 0.4), False),
    ],
    ids=[
        "no call",
        "the first answer says so",
        "all answers say so",
        "the second answer says so",
        "Atlas does not say",
        "used up by this sweep, from the reserve",
        "used up by this sweep",
    ],
)
def test_a_bucket_is_starved_if_too_little_was_left_from_the_start_for_a_call(
    answers: tuple[float | None, ...], *, is_starved: bool
) -> None:
    assert starved(*answers) == ({FLEX} if is_starved else frozenset())


def test_without_a_reserve_no_bucket_is_starved() -> None:
    assert starved(0.0, 0.0, reserve=0.0) == frozenset()


@pytest.mark.parametrize(
    ("share", "is_starved"), [(STARVED, False), (STARVED - 0.01, True)], ids=["nobody", "others"]
)
def test_with_a_reserve_of_everything_a_bucket_is_starved_if_others_have_used_it(
    share: float, *, is_starved: bool
) -> None:
    """A sweep's own calls leave less than everything."""
    assert starved(share, reserve=1.0) == ({FLEX} if is_starved else frozenset())


def test_what_is_left_out_of_a_later_round_does_not_starve_a_bucket() -> None:
    """All that was due was asked before."""
    pace = Pace(0.5, lambda _bucket, _since: 0.1, since=0.0, waits=never)
    pace.allows(FLEX)
    pace.answered(FLEX)
    pace.begin_round()

    assert not pace.allows(FLEX)
    assert pace.starved == frozenset()


def test_a_bucket_that_was_starved_before_a_later_round_stays_so() -> None:
    pace = Pace(0.5, lambda _bucket, _since: 0.1, since=0.0, waits=never)
    for _ in range(2):
        if pace.allows(FLEX):
            pace.answered(FLEX)
    pace.begin_round()

    assert pace.starved == {FLEX}


def test_calls_that_are_under_way_at_once_do_not_starve_their_bucket() -> None:
    share = 1.0
    pace = Pace(0.5, lambda _bucket, _since: share, since=0.0, waits=never)
    for _ in range(8):
        pace.allows(FLEX)
    for share in (0.9, 0.8, 0.3, 0.2):  # noqa: B007 - the pace reads it
        pace.answered(FLEX)

    assert not pace.allows(FLEX)
    assert pace.starved == frozenset()


def test_each_bucket_is_starved_by_itself() -> None:
    shares = {FLEX: 0.1, DEDICATED: 0.9}
    pace = Pace(0.5, lambda bucket, _since: shares.get(bucket), since=0.0, waits=never)
    for bucket in (FLEX, DEDICATED, ELSEWHERE) * 2:
        if pace.allows(bucket):
            pace.answered(bucket)

    assert pace.starved == {FLEX}


def test_a_bucket_that_refuses_or_is_silent_is_not_starved() -> None:
    pace = Pace(0.5, lambda _bucket, _since: 0.1, since=0.0, waits=never)
    for _ in range(SILENCES):
        pace.refused(FLEX)
        pace.silent(ELSEWHERE)

    assert not any(pace.allows(one) for one in (FLEX, ELSEWHERE) * 2)
    assert pace.starved == frozenset()


# Silences and refusals


@pytest.fixture
def pace() -> Pace:
    return Pace(0.5, lambda _bucket, _since: None, since=0.0, waits=never)


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


def test_a_silent_project_gets_one_question_in_each_later_round(pace: Pace) -> None:
    for _ in range(SILENCES):
        pace.silent(FLEX)

    pace.begin_round()

    assert [pace.allows(FLEX), pace.allows(DEDICATED, to_find=True)] == [True, False]


def test_an_answer_in_a_later_round_permits_all_other_questions(pace: Pace) -> None:
    for _ in range(SILENCES):
        pace.silent(FLEX)
    pace.begin_round()
    pace.allows(FLEX)
    pace.answered(FLEX)

    assert pace.allows(DEDICATED)


@pytest.mark.parametrize("happens", ["answered", "silent"])
def test_a_project_answers_until_its_last_question_was_not(pace: Pace, happens: str) -> None:
    assert pace.answers(GROUP)
    pace.silent(FLEX)
    getattr(pace, happens)(DEDICATED)

    assert pace.answers(GROUP) is (happens == "answered")
    assert pace.answers(ELSEWHERE.group_id)


def test_the_list_of_projects_is_left_alone_by_itself(pace: Pace) -> None:
    projects = Bucket(None, AtlasList.PROJECTS)
    for _ in range(SILENCES):
        pace.silent(projects)

    assert [pace.allows(one, to_find=True) for one in (projects, FLEX)] == [False, True]


def test_after_three_refusals_only_these_endpoints_of_the_project_are_left_alone(
    pace: Pace,
) -> None:
    for _ in range(REFUSALS):
        assert pace.allows(FLEX)
        pace.refused(FLEX)

    assert [pace.allows(one) for one in (FLEX, DEDICATED, ELSEWHERE)] == [False, True, True]


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_refusals_of_single_jobs_stop_nothing_once_the_family_has_answered(
    pace: Pace, *, is_before: bool
) -> None:
    for answers in (is_before, not is_before):
        if answers:
            pace.answered(FLEX)
        else:
            for _ in range(2 * REFUSALS):
                pace.refused(FLEX)

    assert pace.allows(FLEX)


# What Atlas asks for with a 503


def test_while_atlas_asks_to_wait_a_sweep_makes_one_call_in_the_family() -> None:
    pace = Pace(0.0, lambda _bucket, _since: 1.0, since=0.0, waits=lambda one: one == FLEX)

    assert [pace.allows(FLEX, to_find=one) for one in (True, False, True)] == [True, False, False]
    pace.begin_round()
    assert not pace.allows(FLEX)
    assert pace.allows(DEDICATED)
    assert pace.starved == frozenset()


def test_calls_go_on_when_the_time_that_atlas_asked_for_is_over() -> None:
    waits = iter([True, True, False])
    pace = Pace(0.5, lambda _bucket, _since: None, since=0.0, waits=lambda _: next(waits))

    assert [pace.allows(FLEX) for _ in range(3)] == [True, False, True]
