"""What an environment remembers of open jobs between its sweeps."""

from unittest.mock import ANY

import pytest

from restore_watch.errors import AtlasUnavailableError
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.memory_of_jobs import (
    FAILS_LONG,
    LISTS_REMEMBERED,
    MISSED_APART,
    RECORDED_TIME,
    USELESS_TIME,
    SweepMemory,
)
from unit.open_jobs import open_job
from unit.scripted_atlas import Clock

FIRST, SECOND, THIRD = map(open_job, range(3))


@pytest.fixture
def memory(clock: Clock) -> SweepMemory:
    return SweepMemory(clock)


# Moments


def test_jobs_are_ordered_by_when_they_were_asked_about_the_unasked_first(
    memory: SweepMemory, clock: Clock
) -> None:
    memory.settled(FIRST)  # recorded by a list of its cluster, but never asked about
    for job in (THIRD, SECOND):
        memory.asked(job)
        clock.now += 1

    assert memory.longest_unasked_first([SECOND, THIRD, FIRST]) == [FIRST, THIRD, SECOND]


def test_jobs_that_were_never_asked_about_come_in_any_order(memory: SweepMemory) -> None:
    """So a job that kills its environment is not the first to be asked about every time."""
    jobs = [open_job(number) for number in range(50)]

    assert memory.longest_unasked_first(jobs) != jobs
    assert len(memory.longest_unasked_first(jobs)) == 50


def test_a_job_that_was_only_asked_about_is_not_settled(memory: SweepMemory, clock: Clock) -> None:
    memory.asked(FIRST)
    assert memory.last_settled(FIRST) is None

    memory.settled(FIRST)
    settled_at = clock.now
    clock.now += 5
    memory.asked(FIRST)
    assert memory.last_settled(FIRST) == settled_at


def test_a_missed_job_is_settled_and_how_long_it_is_missed_counts_from_the_first_404(
    memory: SweepMemory, clock: Clock
) -> None:
    seconds = []
    for _ in range(3):
        seconds.append(memory.missed(FIRST))
        assert memory.last_settled(FIRST) == clock.now
        clock.now += 300

    assert seconds == [0, 300, 600]


def test_another_answer_ends_what_is_heard_of_a_missing_job(
    memory: SweepMemory, clock: Clock
) -> None:
    memory.missed(FIRST)
    clock.now += 900
    memory.settled(FIRST)

    assert memory.missed(FIRST) == 0


def test_after_the_clock_was_set_back_a_job_is_missed_anew(
    memory: SweepMemory, clock: Clock
) -> None:
    memory.missed(FIRST)
    clock.now -= 1000

    assert memory.missed(FIRST) == 0
    clock.now += 60
    assert memory.missed(FIRST) == 60


def test_after_a_long_time_without_an_answer_a_job_is_missed_anew(
    memory: SweepMemory, clock: Clock
) -> None:
    waits = (0, MISSED_APART, MISSED_APART + 1, 300)
    seconds = []
    for wait in waits:
        clock.now += wait
        seconds.append(memory.missed(FIRST))

    assert seconds == [0, MISSED_APART, 0, 300]


def test_jobs_that_are_no_longer_open_are_forgotten(memory: SweepMemory) -> None:
    for job in (FIRST, SECOND):
        memory.settled(job)

    memory.keep_only({SECOND.key})

    assert [memory.last_settled(job) for job in (FIRST, SECOND)] == [None, ANY]
    assert memory.last_settled(SECOND) is not None


def test_a_failure_of_a_jobs_own_endpoint_lasts_until_that_endpoint_answers(
    memory: SweepMemory, clock: Clock
) -> None:
    job, error = open_job(), AtlasUnavailableError("down")
    memory.failed(job, error)
    clock.now += FAILS_LONG - 1
    assert memory.lasting_failure(job) is None
    clock.now += 1
    memory.settled(job)

    assert memory.lasting_failure(job) is error
    memory.answered_alone(job)
    assert memory.lasting_failure(job) is None


def test_a_recorded_job_is_known_for_two_hours(memory: SweepMemory, clock: Clock) -> None:
    memory.recorded(FIRST.key)
    clock.now += RECORDED_TIME - 1
    assert [memory.is_recorded(job.key) for job in (FIRST, SECOND)] == [True, False]

    clock.now += 1
    assert not memory.is_recorded(FIRST.key)
    assert RECORDED_TIME == 7200


# Lists


def test_the_jobs_of_a_list_take_turns_to_be_asked_about_alone(
    memory: SweepMemory, clock: Clock
) -> None:
    turns = []
    for alone in (True, True, True, False, True):
        clock.now += 60
        (job,) = memory.turns([FIRST, SECOND, THIRD])
        turns.append(job)
        memory.asked(job, alone=alone)

    assert turns == [FIRST, SECOND, THIRD, FIRST, FIRST]


def test_the_jobs_whose_own_endpoints_fail_come_instead_the_longest_unasked_one_first(
    memory: SweepMemory, clock: Clock
) -> None:
    for job in (THIRD, SECOND):
        clock.now += 60
        memory.asked(job, alone=True)
        memory.failed(job, AtlasUnavailableError("503"))

    assert memory.turns([FIRST, SECOND, THIRD]) == (THIRD, SECOND)
    assert [memory.fails(job) for job in (FIRST, SECOND)] == [False, True]


def test_a_list_that_was_of_no_use_twice_is_not_asked_for_within_an_hour(
    memory: SweepMemory, clock: Clock
) -> None:
    memory.list_was(FIRST, useful=False)
    assert memory.list_helps([FIRST])

    memory.list_was(FIRST, useful=False)
    assert not memory.list_helps([FIRST])
    assert USELESS_TIME == 3600

    clock.now += 3599
    assert not memory.list_helps([FIRST])
    clock.now += 2
    assert memory.list_helps([FIRST])


def test_a_list_that_was_of_use_starts_anew(memory: SweepMemory) -> None:
    for useful in (False, True, False):
        memory.list_was(FIRST, useful=useful)

    assert memory.list_helps([FIRST])


def test_while_a_job_waits_for_a_turn_of_its_own_the_list_of_its_cluster_is_not_asked_for(
    memory: SweepMemory,
) -> None:
    memory.left_out(SECOND)
    assert [memory.list_helps([one, THIRD]) for one in (FIRST, SECOND)] == [True, False]

    memory.asked(SECOND)
    assert memory.list_helps([FIRST, SECOND, THIRD])


def test_each_cluster_and_kind_has_its_own_list(memory: SweepMemory) -> None:
    for _ in range(2):
        memory.list_was(FIRST, useful=False)
    others = [open_job(cluster="carts"), open_job(kind=RestoreKind.DEDICATED)]

    assert [memory.list_helps([one]) for one in (FIRST, SECOND, *others)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_limited_number_of_lists_is_remembered(memory: SweepMemory) -> None:
    jobs = [open_job(cluster=f"orders-{number}") for number in range(LISTS_REMEMBERED + 1)]
    for job in jobs * 2:
        memory.list_was(job, useful=False)

    assert sum(not memory.list_helps([job]) for job in jobs) <= LISTS_REMEMBERED
