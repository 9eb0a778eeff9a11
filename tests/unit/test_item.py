"""The form of a restore job's item: what is written, and what is read back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.errors import TableUnavailableError
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import (
    OPEN_SHARDS,
    Recorded,
    history_entry,
    key,
    open_shard,
    read_item,
    state_of,
)
from restore_watch.table.stored_fields import RETENTION, expires_at
from strategies import changes, jobs, plain_job

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FIRST = "2026-05-04T11:58:00.000000Z"

histories = st.lists(changes(), max_size=6).map(tuple)
# Later dates cannot be added to the retention.
moments = st.datetimes(max_value=datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def stored(*entries: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """An item in DynamoDB's types. Its state is that of the last entry."""
    item = {
        "history": list(entries),
        "publishedSequence": 0,
        "firstObservedAt": FIRST,
        **entries[-1],
        **attributes,
    }
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items() if value is not ...}


PENDING_ENTRY = history_entry(
    state_of(plain_job(status=RestoreStatus.PENDING)), plain_job().restore_id, NOON
)
DONE = plain_job(
    status=RestoreStatus.COMPLETED, restore_finished_date="2026-05-04T12:00:30Z", delivery_type=None
)
DONE_ENTRY = history_entry(state_of(DONE), DONE.restore_id, NOON + timedelta(minutes=1))


@given(histories, st.data())
def test_every_change_is_either_published_or_pending(
    history: tuple[StatusChange, ...], data: st.DataObject
) -> None:
    published = data.draw(st.integers(0, len(history)))

    pending = Recorded(plain_job(), history, published, FIRST).pending

    assert history[:published] + pending == history


def test_the_key_of_an_item_identifies_its_job() -> None:
    assert key("5f0000000000000000000a01", "orders", "6b4a0f800000000000000b01") == {
        "cluster": {"S": "5f0000000000000000000a01/orders"},
        "restoreId": {"S": "6b4a0f800000000000000b01"},
    }


@given(jobs())
def test_the_stored_state_is_the_whole_job_without_its_id(job: RestoreJob) -> None:
    assert state_of(job) | {"restoreId": job.restore_id} == job.as_json()


@given(jobs(), moments)
def test_an_entry_of_the_history_holds_the_whole_change(job: RestoreJob, moment: datetime) -> None:
    entry = history_entry(state_of(job), job.restore_id, moment)

    assert None not in entry.values()
    recorded = read_item(stored(entry))
    assert recorded.history == (StatusChange(job, None, 1, moment),)
    assert recorded.job == job


@settings(max_examples=20)
@given(jobs())
def test_jobs_are_spread_over_the_open_shards(job: RestoreJob) -> None:
    shards = {open_shard(job.model_copy(update={"restore_id": f"{n:024x}"})) for n in range(16)}

    assert shards == set(OPEN_SHARDS)
    assert open_shard(job) in shards


def test_an_item_expires_after_the_retention() -> None:
    assert expires_at(NOON) == (NOON + RETENTION).timestamp()


def test_sequences_and_previous_statuses_come_from_the_history() -> None:
    recorded = read_item(stored(PENDING_ENTRY, DONE_ENTRY, publishedSequence=1))

    first, second = recorded.changes
    assert (first.sequence, first.previous_status) == (1, None)
    assert (second.sequence, second.previous_status) == (2, RestoreStatus.PENDING)
    assert second.observed_at == NOON + timedelta(minutes=1)
    assert recorded.pending == (second,)
    assert recorded.job == DONE
    assert recorded.first_observed_at == FIRST


def test_a_check_recognises_the_entry_that_it_wrote() -> None:
    item = stored(PENDING_ENTRY, DONE_ENTRY)

    assert read_item(item).change is None
    assert read_item(item, DONE_ENTRY).change == read_item(item).history[1]
    # Another check observed the same status at another moment.
    assert read_item(item, history_entry(state_of(DONE), DONE.restore_id, NOON)).change is None


def test_an_item_of_an_older_version_is_read() -> None:
    recorded = read_item(stored(PENDING_ENTRY, publishedSequence=..., firstObservedAt=...))

    assert (recorded.published, recorded.first_observed_at) == (0, None)


def test_attributes_of_a_newer_version_are_ignored() -> None:
    item = stored(PENDING_ENTRY | {"added": "x"}, added={"nested": [1, None]}, openShard="1")

    assert read_item(item).history == read_item(stored(PENDING_ENTRY)).history


def test_a_status_of_a_newer_version_is_unknown() -> None:
    later = PENDING_ENTRY | {"status": "PAUSED", "atlasStatus": "PAUSED"}

    assert read_item(stored(later)).job.status is RestoreStatus.UNKNOWN


DAMAGED: dict[str, dict[str, Any]] = {
    "no history": stored(PENDING_ENTRY, history=...),
    "empty history": stored(PENDING_ENTRY, history=[]),
    "history of another type": stored(PENDING_ENTRY, history="none"),
    "entry of another type": stored(PENDING_ENTRY, history=["~|~"]),
    "entry without a date": stored(PENDING_ENTRY, history=[{**PENDING_ENTRY, "observedAt": "~|~"}]),
    "entry of the year 9999": stored(
        PENDING_ENTRY, history=[{**PENDING_ENTRY, "observedAt": "9999-12-31T00:00:00Z"}]
    ),
    "entry without a status": stored(PENDING_ENTRY, history=[{**PENDING_ENTRY, "status": None}]),
    "no status": stored(PENDING_ENTRY, status=...),
    "unknown kind": stored(PENDING_ENTRY, kind="~|~"),
    "no job": stored(PENDING_ENTRY, groupId=...),
    "number of another type": stored(PENDING_ENTRY, publishedSequence="~|~"),
    "unknown type": stored(PENDING_ENTRY) | {"history": {"X": "~|~"}},
    "nothing": {},
}


@pytest.mark.parametrize("item", DAMAGED.values(), ids=DAMAGED)
def test_an_item_that_cannot_be_read_is_an_error_that_quotes_nothing(item: dict[str, Any]) -> None:
    with pytest.raises(TableUnavailableError, match="this version cannot read") as refused:
        read_item(item)

    assert "~|~" not in str(refused.value)
    assert refused.value.__cause__ is None
