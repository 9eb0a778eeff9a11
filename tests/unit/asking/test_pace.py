"""Which calls a sweep may take from a bucket that others use as well, and from a broken project."""

from collections.abc import Iterable

import pytest

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Subject
from restore_watch.asking.pace import Pace, Permission
from restore_watch.atlas import families
from restore_watch.atlas.families import DEDICATED_JOBS, FLEX_JOBS
from restore_watch.atlas.rate_limits import Bucket
from unit.records import DOWN, LIMITED, NO_JOB, NO_ROLE, NOT_ALLOWED, OTHER_GROUP, asked
from unit.scripted_atlas import GROUP

FLEX, DEDICATED = (Bucket(GROUP, family) for family in (FLEX_JOBS, DEDICATED_JOBS))
ELSEWHERE = Bucket(OTHER_GROUP, FLEX_JOBS)
PROJECTS = Bucket(None, families.PROJECTS)


def pace_with(*shares: float | None) -> Pace:
    """A pace to which Atlas names these shares in turn, and then always the last one."""
    left = list(shares) or [None]
    return Pace(lambda _bucket: left.pop(0) if len(left) > 1 else left[0])


def read(pace: Pace, bucket: Bucket, error: ApplicationError | None = None) -> None:
    """A question about a job, or for the list of projects, has ended."""
    pace.read_record(asked(Subject.in_bucket(bucket), error))


def takes(pace: Pace, bucket: Bucket, *, to_find: bool = False) -> bool:
    return pace.take_call(bucket, to_find=to_find) is Permission.GIVEN


def allowed(pace: Pace, buckets: Iterable[Bucket]) -> list[bool]:
    return [takes(pace, one) for one in buckets]


# The reserve


@pytest.mark.parametrize(
    ("shares", "allows"),
    [
        ([None], [True, True]),
        ([1.0], [True, True]),
        ([0.5], [True, True]),
        ([0.499], [True, False]),
        ([0.0], [True, False]),
        ([0.1, 0.1, 0.9], [True, False, True]),
    ],
    ids=["unknown", "full", "half", "less", "nothing", "filled again"],
)
def test_after_the_first_call_calls_stop_while_less_than_half_is_left(
    shares: list[float | None], allows: list[bool]
) -> None:
    assert allowed(pace_with(*shares), [FLEX] * len(allows)) == allows


def test_the_first_call_from_each_bucket_is_always_allowed() -> None:
    buckets = (FLEX, DEDICATED, ELSEWHERE)

    assert allowed(pace_with(0.0), buckets * 2) == [True] * 3 + [False] * 3


def test_the_first_call_to_find_others_is_allowed_beside_the_first_about_known_jobs() -> None:
    """Following many known jobs cannot blind the watch for others, nor the other way round."""
    pace = pace_with(0.0)

    assert [takes(pace, FLEX, to_find=one) for one in (False, True)] == [True, True]
    assert [takes(pace, FLEX, to_find=one) for one in (False, True)] == [False, False]


@pytest.mark.parametrize("first", [True, False], ids=["to find", "to ask"])
def test_the_reserve_stops_calls_of_both_purposes(*, first: bool) -> None:
    pace = pace_with(0.9, 0.9, 0.4, 0.4)
    for to_find in (first, not first):
        assert takes(pace, FLEX, to_find=to_find)

    assert not any(takes(pace, FLEX, to_find=to_find) for to_find in (True, False))


# Starved buckets


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
    """The answers say what is left after each call. One more call is wanted."""
    said: list[float | None] = [None]
    pace = Pace(lambda _bucket: said[-1])
    for share in answers:
        if takes(pace, FLEX):
            said.append(share)
            read(pace, FLEX)
    takes(pace, FLEX)

    assert pace.starved_buckets() == ([FLEX] if is_starved else [])


@pytest.mark.parametrize("calls", [1, 2], ids=["all that was due was asked", "one was left out"])
def test_what_is_left_out_of_a_later_round_does_not_starve_a_bucket(calls: int) -> None:
    pace = pace_with(0.1)
    for _ in range(calls):
        if takes(pace, FLEX):
            read(pace, FLEX)
    pace.begin_round()

    assert not takes(pace, FLEX)
    assert pace.starved_buckets() == ([FLEX] if calls == 2 else [])


def test_calls_that_are_under_way_at_once_do_not_starve_their_bucket() -> None:
    share = 1.0
    pace = Pace(lambda _bucket: share)
    for _ in range(8):
        takes(pace, FLEX)
    for share in (0.9, 0.8, 0.3, 0.2):  # noqa: B007 - the pace reads it
        read(pace, FLEX)

    assert not takes(pace, FLEX)
    assert pace.starved_buckets() == []


def test_each_bucket_is_starved_by_itself() -> None:
    shares = {FLEX: 0.1, DEDICATED: 0.9}
    pace = Pace(shares.get)
    for bucket in (FLEX, DEDICATED, ELSEWHERE) * 2:
        if takes(pace, bucket):
            read(pace, bucket)

    assert pace.starved_buckets() == [FLEX]


def test_a_bucket_that_refuses_or_is_silent_is_not_starved() -> None:
    pace = pace_with(0.1)
    for _ in range(3):
        read(pace, FLEX, NO_ROLE)
        read(pace, ELSEWHERE, DOWN)

    assert allowed(pace, (FLEX, ELSEWHERE) * 2) == [False] * 4
    assert pace.starved_buckets() == []


# Silences and refusals

type Happened = list[tuple[Bucket, ApplicationError | None]]

ANSWERED: Happened = [(FLEX, None)]
SILENT: Happened = [(FLEX, DOWN)] * 3
REFUSED: Happened = [(FLEX, NO_ROLE)] * 6
# Each row: how questions ended, and which calls are allowed then, in this order.
HAPPENED: dict[str, tuple[Happened, dict[Bucket, bool]]] = {
    "two silences": (SILENT[:2], {FLEX: True}),
    "three silences": (SILENT, {FLEX: False, DEDICATED: False, ELSEWHERE: True}),
    "silences of two endpoints": (
        [(bucket, DOWN) for bucket in (FLEX, DEDICATED, FLEX)],
        {DEDICATED: False},
    ),
    "an answer between silences": ([*SILENT[:2], *ANSWERED, *SILENT[:2]], {FLEX: True}),
    # Many questions are under way at once: their answers may come after three silences.
    "a late answer": ([*SILENT, *ANSWERED], {FLEX: True}),
    "a late 404": ([*SILENT, (FLEX, NO_JOB)], {FLEX: True}),
    "limits": ([(FLEX, LIMITED)] * 3, {FLEX: True}),
    "two refusals": (REFUSED[:2], {FLEX: True}),
    "three refusals": (REFUSED[:3], {FLEX: False, DEDICATED: True, ELSEWHERE: True}),
    "three refusals of an address": ([(FLEX, NOT_ALLOWED)] * 3, {FLEX: False}),
    "refusals of single jobs before an answer": ([*REFUSED, *ANSWERED], {FLEX: True}),
    "refusals of single jobs after an answer": ([*ANSWERED, *REFUSED], {FLEX: True}),
    "a silent list of projects": ([(PROJECTS, DOWN)] * 3, {PROJECTS: False, FLEX: True}),
}


@pytest.mark.fault("F99")
@pytest.mark.parametrize(("happened", "allows"), HAPPENED.values(), ids=HAPPENED)
def test_what_was_silent_or_refuses_three_times_is_left_alone(
    happened: Happened, allows: dict[Bucket, bool]
) -> None:
    pace = pace_with()
    for bucket, error in happened:
        read(pace, bucket, error)

    assert {bucket: takes(pace, bucket) for bucket in allows} == allows


def test_a_silent_project_gets_one_question_in_each_later_round_and_all_after_its_answer() -> None:
    pace = pace_with()
    for _ in range(3):
        read(pace, FLEX, DOWN)

    pace.begin_round()
    assert [takes(pace, FLEX), takes(pace, DEDICATED, to_find=True)] == [True, False]
    read(pace, FLEX)
    assert takes(pace, DEDICATED)
