"""How open jobs are grouped and ordered, and what a list says of a job that is missing."""

from datetime import timedelta
from typing import Any

import pytest

from restore_watch.model.marks import Part
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.sweep.acting.list_actions import ShownJobs
from restore_watch.sweep.following.follow_task import FollowTask
from restore_watch.sweep.following.order_of_jobs import grouped_jobs
from restore_watch.sweep.log import Fate
from restore_watch.sweep.memory_of_jobs import JobMemory
from strategies import plain_job
from unit.open_jobs import NOON, open_job
from unit.records import (
    COLLECTION,
    DEDICATED,
    DOWN,
    FLEX,
    LIMITED,
    OTHER_GROUP,
    about,
    acted,
    left,
    of_list,
)
from unit.scripted_atlas import GROUP, Clock

NOBODY: Any = None
"""Whoever does the tasks: here, nobody."""

SECOND = timedelta(seconds=1)
ORDERS = (GROUP, Part(FLEX, "orders"))


@pytest.mark.parametrize(
    ("whole", "lacks"),
    [
        (ShownJobs(*ORDERS, NOON, is_whole=True), True),
        (ShownJobs(*ORDERS, NOON), False),
        (ShownJobs(*ORDERS, NOON - SECOND, is_whole=True), False),
    ],
    ids=["without it", "not read to its end", "read before it was first seen"],
)
def test_a_list_lacks_a_job_if_it_was_read_to_its_end_after_the_job_was_seen(
    whole: ShownJobs, *, lacks: bool
) -> None:
    assert whole.lacks(open_job(first_observed_at=NOON)) is lacks


@pytest.mark.parametrize(
    "words",
    [("RUNNING", "COMPLETED"), ("COMPLETED", "RUNNING")],
    ids=["the later one last", "the later one first"],
)
def test_of_a_job_that_a_list_shows_twice_the_later_status_counts(words: tuple[str, str]) -> None:
    """If pages shift while they are read, two of them show the job."""
    shown = ShownJobs(*ORDERS, NOON)
    for word in words:
        shown.add(plain_job(status=RestoreStatus(word)))

    assert [job.status for job in shown.jobs.values()] == [RestoreStatus.COMPLETED]


def test_jobs_are_asked_about_the_longest_unasked_first_and_before_them_the_unasked_in_any_order(
    clock: Clock,
) -> None:
    """So a job that kills its environment is not the first to be asked about every time."""
    memory = JobMemory(clock)
    jobs = [open_job(number, cluster=f"orders-{number}") for number in range(50)]
    assert [group[0] for group in grouped_jobs(jobs, memory)] != jobs

    first, second, third, *_ = jobs
    memory.read_record(acted(first, Fate.SETTLED))  # by a list, but it was never asked about
    for record in (about(third, DOWN), of_list(second), left(third), about(third, LIMITED)):
        memory.read_record(record)
        clock.now += 1

    groups = grouped_jobs([second, third, first], memory)
    assert groups == [(first,), (third,), (second,)]


def test_jobs_are_grouped_by_cluster_and_kind() -> None:
    jobs = [
        open_job(1, cluster="carts"),
        open_job(2),
        open_job(3, cluster="carts"),
        open_job(4, kind=DEDICATED),
        open_job(5, OTHER_GROUP),
        open_job(6, kind=None),
        open_job(7),
        open_job(8, kind=COLLECTION),
    ]

    grouped = grouped_jobs(jobs, JobMemory(Clock()))

    numbers = sorted(sorted(jobs.index(job) + 1 for job in group) for group in grouped)
    assert numbers == [[1, 3], [2, 7], [4], [5], [6], [8]]
    tasks = [FollowTask(group, NOBODY) for group in grouped]
    assert sorted(task.kind for task in tasks) == [COLLECTION, DEDICATED, *[FLEX] * 4]
