"""What sweeps read and write, against moto and Amazon's own DynamoDB Local."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from integration.open_index import HOUR, Index, soon
from integration.tables import NOON, Job, Stored, at_once
from restore_watch.errors import TableUnavailableError
from restore_watch.table.job_item import OPEN_SHARDS
from restore_watch.table.lease import KEY, SweepLease
from restore_watch.table.open_jobs import OpenJobs


@pytest.fixture
def index(stored: Stored) -> Index:
    return Index(stored)


# The index


def test_the_index_shows_a_job_as_it_was_recorded(index: Index, job: Job) -> None:
    dates = {"restore_scheduled_date": NOON - HOUR, "expiration_date": NOON + HOUR}
    index.stored.record(job("PENDING", atlas_status="PENDING", **dates))
    index.stored.record(job("RUNNING", atlas_status="RUNNING", **dates), minute=1)

    known = index.known(job("RUNNING"))

    assert (known.kind, known.status, known.atlas_status) == ("flex", "RUNNING", "RUNNING")
    assert (known.sequence, known.pending, known.delivery_type) == (2, 2, "RESTORE")
    assert (known.scheduled_at, known.expiration_date) == (NOON - HOUR, NOON + HOUR)
    assert known.first_observed_at == NOON
    assert known.observed_at == NOON + timedelta(minutes=1)
    assert known.missing_since is None


def test_every_shard_is_read(index: Index, job: Job) -> None:
    ids = [f"6b4a0f80000000000000{number:04x}" for number in range(9)]
    jobs = [job("RUNNING", restore_id=one) for one in ids]
    for one in jobs:
        index.stored.record(one)

    read = [
        one.target.restore_id
        for one in index.open_jobs.read(soon(), datetime.now(UTC))
        if one.target.group_id == jobs[0].group_id
    ]

    assert sorted(read) == ids
    assert len({int(one[-1], 16) % len(OPEN_SHARDS) for one in ids}) == len(OPEN_SHARDS)


def test_an_entry_that_names_no_job_is_passed_over(index: Index, job: Job) -> None:
    key = {"cluster": {"S": "no job"}, "restoreId": {"S": "at all"}}
    table = index.stored.stack.table_name
    index.stored.client.put_item(TableName=table, Item=key | {"openShard": {"S": "0"}})
    known = index.settle(job("RUNNING"))

    assert known in index.open_jobs.read(soon(), datetime.now(UTC))
    index.stored.client.delete_item(TableName=table, Key=key)


# Missed and found


def test_the_moment_since_which_a_job_is_missed_is_stored_once(index: Index, job: Job) -> None:
    known = index.settle(job("RUNNING"))
    for hours in range(3):
        index.open_jobs.missed(known, NOON + hours * HOUR, soon())
    assert index.known(job("RUNNING")).missing_since == NOON

    index.open_jobs.found(known, soon())
    index.open_jobs.found(known, soon())
    assert index.known(job("RUNNING")).missing_since is None

    index.open_jobs.missed(known, NOON + 5 * HOUR, soon())
    assert index.known(job("RUNNING")).missing_since == NOON + 5 * HOUR


def test_a_change_means_that_the_job_is_not_missed(index: Index, job: Job) -> None:
    index.open_jobs.missed(index.settle(job("RUNNING")), NOON, soon())

    index.stored.record(job("COMPLETED"), minute=1)

    assert "missingSince" not in index.stored.item(job("COMPLETED"))


@pytest.mark.parametrize("which", ["changed", "closed", "deleted"])
def test_a_job_that_is_not_as_the_index_said_is_neither_missed_nor_made(
    index: Index, job: Job, which: str
) -> None:
    known = index.settle(job("RUNNING"))
    if which == "changed":
        index.stored.record(job("COMPLETED"), minute=1)
    elif which == "closed":
        assert index.open_jobs.forget(index.miss(job("RUNNING")), soon())
    else:
        index.stored.delete(job("RUNNING"))
    before = index.stored.find(job("RUNNING"))

    index.open_jobs.missed(known, NOON, soon())
    index.open_jobs.found(known, soon())

    assert index.stored.find(job("RUNNING")) == before


# The lease


@pytest.fixture
def lease(index: Index) -> SweepLease:
    stored = index.stored
    stored.client.delete_item(TableName=stored.stack.table_name, Key=KEY)
    return lease_at(stored, NOON)


def lease_at(stored: Stored, now: datetime) -> SweepLease:
    """The lease as an environment sees it at this moment."""
    return SweepLease(
        stored.client, stored.stack.table_name, now=now.timestamp, sleep=lambda _: None
    )


def test_one_of_many_sweeps_gets_the_lease(lease: SweepLease) -> None:
    takes = [partial(lease.take, NOON + timedelta(seconds=n), soon()) for n in range(16)]

    owners = at_once(takes)

    assert sum(owner is not None for owner in owners) == 1


def test_a_lease_is_free_after_it_was_given_back_or_ran_out(
    index: Index, lease: SweepLease
) -> None:
    ticks = [NOON + timedelta(minutes=n) for n in range(4)]
    first = lease.take(ticks[0], soon())
    assert first is not None
    assert lease.take(ticks[1], soon()) is None
    lease.give_back(first, soon())

    assert lease.take(ticks[1], soon()) is not None
    assert lease_at(index.stored, NOON + timedelta(seconds=60)).take(ticks[2], soon()) is None
    later = lease_at(index.stored, NOON + timedelta(seconds=67))
    assert later.take(ticks[1], soon()) is None
    assert later.take(ticks[2], soon()) is not None


def test_a_lease_is_not_an_open_job(index: Index, lease: SweepLease) -> None:
    lease.take(NOON, soon())

    assert all(one.target.cluster_name for one in index.open_jobs.read(soon(), datetime.now(UTC)))
    assert (
        "openShard"
        not in index.stored.client.get_item(TableName=index.stored.stack.table_name, Key=KEY)[
            "Item"
        ]
    )


def test_a_missing_table_or_index_is_reported(index: Index, job: Job) -> None:
    elsewhere = OpenJobs(index.stored.client, "elsewhere")
    known = index.settle(job("RUNNING"))

    with pytest.raises(TableUnavailableError, match="ResourceNotFoundException"):
        elsewhere.read(soon(), NOON)
    with pytest.raises(TableUnavailableError, match="ResourceNotFoundException"):
        elsewhere.missed(known, NOON, soon())
    with pytest.raises(TableUnavailableError, match="ResourceNotFoundException"):
        SweepLease(index.stored.client, "elsewhere").take(None, soon())
