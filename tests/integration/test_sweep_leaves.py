"""When a job leaves the index, when it does not, and how it comes back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from foundation.deadline import Deadline
from integration.open_index import HOUR, Index, soon
from integration.tables import NOON, Job, Stored, at_once
from restore_watch.model.restore_job import RestoreJob
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs

type Leaving = Callable[[OpenJobs, OpenJob, Deadline], bool]


@pytest.fixture
def index(stored: Stored) -> Index:
    return Index(stored)


def ready(job: Job, **fields: Any) -> RestoreJob:
    """A download that is ready."""
    return job("COMPLETED", delivery_type="DOWNLOAD", **fields)


def test_a_job_that_is_forgotten_leaves_the_index_and_its_item_stays(
    index: Index, job: Job
) -> None:
    known = index.miss(job("RUNNING"))

    assert index.open_jobs.forget(known, soon())
    assert index.entry(job("RUNNING")) is None
    assert index.stored.item(job("RUNNING"))["status"] == "RUNNING"
    assert index.open_jobs.forget(known, soon())


def find_it(index: Index, known: OpenJob) -> None:
    index.open_jobs.found(known, soon())


def find_and_miss_it_again(index: Index, known: OpenJob) -> None:
    index.open_jobs.found(known, soon())
    index.open_jobs.missed(known, NOON + HOUR, soon())


@pytest.mark.parametrize("meanwhile", [find_it, find_and_miss_it_again])
def test_a_job_that_was_found_meanwhile_is_not_forgotten(
    index: Index, job: Job, meanwhile: Callable[[Index, OpenJob], None]
) -> None:
    known = index.miss(job("RUNNING"))
    meanwhile(index, known)

    assert not index.open_jobs.forget(known, soon())
    assert index.entry(job("RUNNING")) is not None


@pytest.mark.parametrize("date", [NOON, NOON + timedelta(microseconds=1500), None], ids=str)
def test_a_ready_download_leaves_the_index_after_its_link(
    index: Index, job: Job, date: datetime | None
) -> None:
    known = index.settle(ready(job, expiration_date=date))
    assert known.expiration_date == date

    assert index.open_jobs.leave_link(known, soon())
    assert index.entry(ready(job)) is None
    assert index.open_jobs.leave_link(known, soon())


@pytest.mark.parametrize("before", [NOON, None], ids=str)
def test_a_ready_download_whose_link_moved_meanwhile_does_not_leave(
    index: Index, job: Job, before: datetime | None
) -> None:
    known = index.settle(ready(job, expiration_date=before))
    index.open_jobs.move_link(known, NOON + HOUR, soon())

    assert not index.open_jobs.leave_link(known, soon())
    moved = index.known(ready(job))
    assert moved == replace(known, expiration_date=NOON + HOUR)
    assert index.open_jobs.leave_link(moved, soon())


@pytest.mark.parametrize("date", [NOON + HOUR, NOON + timedelta(microseconds=1500)], ids=str)
def test_a_link_that_moved_is_stored_in_the_form_in_which_a_change_stores_it(
    index: Index, job: Job, date: datetime
) -> None:
    known = index.settle(ready(job, expiration_date=NOON - HOUR))
    index.open_jobs.move_link(known, date, soon())

    item = index.stored.item(ready(job))
    assert item["expirationDate"] == ready(job, expiration_date=date).as_json()["expirationDate"]
    recorded = index.stored.record(ready(job, expiration_date=date), minute=1)
    assert (recorded.change, recorded.pending) == (None, ())


def test_the_link_of_a_download_that_has_changed_stays(index: Index, job: Job) -> None:
    known = index.settle(ready(job, expiration_date=NOON))
    index.stored.record(job("FAILED", delivery_type="DOWNLOAD"), minute=1)
    before = index.stored.item(ready(job))

    index.open_jobs.move_link(known, NOON + HOUR, soon())

    assert index.stored.item(ready(job)) == before


@pytest.mark.parametrize("leave", [OpenJobs.forget, OpenJobs.leave_link])
def test_a_job_does_not_leave_while_something_is_pending(
    index: Index, job: Job, leave: Leaving
) -> None:
    index.stored.record(ready(job))
    index.open_jobs.missed(index.known(ready(job)), NOON, soon())

    assert not leave(index.open_jobs, index.known(ready(job)), soon())
    assert index.entry(ready(job)) is not None


@pytest.mark.parametrize("leave", [OpenJobs.forget, OpenJobs.leave_link])
def test_a_job_that_has_changed_does_not_leave(index: Index, job: Job, leave: Leaving) -> None:
    known = index.miss(job("QUEUED"))
    index.settle(job("RUNNING"), minute=1)

    assert not leave(index.open_jobs, known, soon())
    assert index.entry(job("RUNNING")) is not None


@pytest.mark.parametrize("leave", [OpenJobs.forget, OpenJobs.leave_link])
def test_leaving_does_not_make_an_item(index: Index, job: Job, leave: Leaving) -> None:
    known = index.miss(job("RUNNING"))
    index.stored.delete(job("RUNNING"))

    assert leave(index.open_jobs, known, soon())
    assert index.stored.find(job("RUNNING")) is None


@pytest.mark.parametrize("status", ["RUNNING", "QUEUED"])
def test_a_job_that_left_the_index_is_in_it_again_once_it_is_named(
    index: Index, job: Job, status: str
) -> None:
    """Also if Atlas's answer is no change, or is older than what is stored."""
    known = index.miss(job("RUNNING"))
    assert index.open_jobs.forget(known, soon())

    recorded = index.stored.record(job(status), minute=5)

    assert recorded.change is None
    assert index.known(job("RUNNING")) == replace(known, missing_since=None)
    assert "missingSince" not in index.stored.item(job("RUNNING"))


def test_a_job_that_left_the_index_and_then_changes_is_in_it_again(index: Index, job: Job) -> None:
    assert index.open_jobs.forget(index.miss(job("QUEUED")), soon())

    assert index.settle(job("RUNNING"), minute=5).status == "RUNNING"


def test_a_job_that_has_ended_stays_out_of_the_index(index: Index, job: Job) -> None:
    index.stored.acknowledge(index.stored.record(job("COMPLETED")))
    before = index.stored.item(job("COMPLETED"))

    index.stored.record(job("COMPLETED"), minute=5)

    assert index.stored.item(job("COMPLETED")) == before


def test_a_ready_download_that_left_the_index_stays_out_until_it_changes(
    index: Index, job: Job
) -> None:
    assert index.open_jobs.leave_link(index.settle(ready(job)), soon())
    index.stored.record(ready(job), minute=5)
    assert index.entry(ready(job)) is None

    index.stored.record(job("FAILED", delivery_type="DOWNLOAD"), minute=6)
    assert index.known(job("FAILED")).pending == 1


def test_a_job_that_changes_while_it_is_named_again_is_opened_by_its_change(
    index: Index, job: Job
) -> None:
    assert index.open_jobs.forget(index.miss(job("QUEUED")), soon())

    at_once(
        [
            partial(index.stored.record, job(status), minute)
            for minute, status in enumerate(("QUEUED", "RUNNING") * 4)
        ]
    )

    assert index.known(job("RUNNING")).status == "RUNNING"
