"""What an environment remembers of open jobs between its sweeps, by the records of their logs."""

import pytest

from restore_watch.sweep.log import Fate, Record
from restore_watch.sweep.memory_of_jobs import JobMemory
from unit.open_jobs import open_job
from unit.records import (
    DOWN,
    EVENTS,
    LIMITED,
    NO_FILTER,
    NO_JOB,
    NO_ROLE,
    PENDING,
    about,
    acted,
    asked,
)
from unit.scripted_atlas import Clock

FIRST, SECOND, THIRD = map(open_job, range(3))


@pytest.fixture
def memory(clock: Clock) -> JobMemory:
    return JobMemory(clock)


# Moments


@pytest.mark.parametrize(
    ("waits", "missed"),
    [
        ((0, 300, 300), [0, 300, 600]),
        ((0, 7200, 7201, 300), [0, 7200, 0, 300]),
        ((0, -1000, 60), [0, 0, 60]),
    ],
    ids=["from the first 404", "a long time without an answer", "a clock that was set back"],
)
def test_a_missed_job_is_settled_and_missed_since_the_first_of_the_404s(
    memory: JobMemory, clock: Clock, waits: tuple[int, ...], missed: list[int]
) -> None:
    assert memory.remembered(FIRST.key).missed_for == 0
    seconds = []
    for wait in waits:
        clock.now += wait
        memory.read_record(acted(FIRST, Fate.MISSED))
        seconds.append(memory.remembered(FIRST.key).missed_for)
        assert memory.remembered(FIRST.key).settled == clock.now
    assert seconds == missed

    memory.read_record(acted(FIRST, Fate.SETTLED))  # by another answer
    clock.now += 60
    memory.read_record(acted(FIRST, Fate.MISSED))
    assert memory.remembered(FIRST.key).missed_for == 0


def test_jobs_that_are_no_longer_open_are_forgotten(memory: JobMemory) -> None:
    for job in (FIRST, SECOND):
        memory.read_record(acted(job, Fate.SETTLED))
    memory.read_record(about(THIRD))

    memory.keep_only({SECOND.key, THIRD.key})

    settled = [memory.remembered(job.key).settled is not None for job in (FIRST, SECOND, THIRD)]
    assert settled == [False, True, False]


def test_a_failure_of_a_jobs_own_endpoint_lasts_until_that_endpoint_answers(
    memory: JobMemory, clock: Clock
) -> None:
    memory.read_record(about(FIRST, DOWN))
    clock.now += 99
    assert memory.lasting_failures([FIRST]) == {}
    clock.now += 1
    for record in (about(FIRST, NO_ROLE), acted(FIRST, Fate.SETTLED)):
        memory.read_record(record)

    assert memory.lasting_failures([FIRST, SECOND]) == {FIRST.key: NO_ROLE}
    memory.read_record(about(FIRST, NO_JOB))  # an answer, too
    assert memory.lasting_failures([FIRST]) == {}


def test_a_recorded_job_is_known_for_two_hours(memory: JobMemory, clock: Clock) -> None:
    memory.read_record(acted(FIRST, Fate.RECORDED))
    clock.now += 7199
    assert [memory.is_recorded(job.key) for job in (FIRST, SECOND)] == [True, False]

    clock.now += 1
    assert not memory.is_recorded(FIRST.key)


def test_what_the_topic_refused_is_remembered(memory: JobMemory, clock: Clock) -> None:
    for job, error in ((FIRST, PENDING), (SECOND, DOWN)):
        memory.read_record(acted(job, Fate.FAILED, error=error))

    assert [
        memory.remembered(job.key).topic_refused_at == clock.now for job in (FIRST, SECOND)
    ] == [True, False]


@pytest.mark.parametrize("record", [asked(EVENTS), about(1, NO_JOB), about(1, NO_FILTER)], ids=str)
def test_any_answer_shows_for_ten_minutes_that_atlas_accepts_the_credentials(
    memory: JobMemory, clock: Clock, record: Record
) -> None:
    for error in (DOWN, LIMITED, NO_ROLE):
        memory.read_record(about(1, error))
    assert not memory.was_accepted_lately

    memory.read_record(record)
    accepted = []
    for seconds in (0, 599, 1, -601):
        clock.now += seconds
        accepted.append(memory.was_accepted_lately)
    assert accepted == [True, True, False, False]
