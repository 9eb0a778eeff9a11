"""The table's conditional writes, in moto and in a DynamoDB that somebody else wrote."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from behaviour.stored import AT_ONCE, NOON, Stored, at_once
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.table.job_item import Recorded

cases = pytest.mark.parametrize

# Recording


def test_later_changes_are_appended_and_replace_the_state(stored: Stored) -> None:
    stored.record("PENDING", snapshot_id="5f0000000000000000000a0f")
    assert "snapshotId" in stored.item()
    stored.record("QUEUED", minute=1)
    recorded = stored.record("RUNNING", minute=2)

    item = stored.item()
    assert [change.sequence for change in recorded.pending] == [1, 2, 3]
    assert [entry["status"] for entry in item["history"]] == ["PENDING", "QUEUED", "RUNNING"]
    assert item["firstObservedAt"] == "2026-05-04T12:00:00.000000Z"
    assert item["observedAt"] == "2026-05-04T12:02:00.000000Z"
    assert "snapshotId" not in item


@cases("status", ["PENDING", "RUNNING"])
def test_a_refused_write_changes_nothing_and_returns_the_item(stored: Stored, status: str) -> None:
    written = stored.record("RUNNING")
    before = stored.item()

    refused = stored.record(status, minute=1)

    assert refused == Recorded(written.job, written.history, 0, written.first_observed_at)
    assert stored.item() == before


def test_a_write_is_recognised_when_it_is_repeated(stored: Stored) -> None:
    """If the answer to a write is lost, botocore sends it again."""
    first = stored.record("RUNNING")

    assert stored.record("RUNNING") == first


def test_each_unknown_word_and_the_first_end_are_recorded_once(stored: Stored) -> None:
    words = [("PAUSED", None), ("RESUMED", None), ("PAUSED", None), ("RESUMED", NOON)]
    for minute, (word, end) in enumerate([*words, ("GONE", None), ("RESUMED", NOON)]):
        recorded = stored.record("UNKNOWN", minute, atlas_status=word, restore_finished_date=end)

    ids = [change.event_id.partition(":")[2] for change in recorded.changes]
    assert ids == ["UNKNOWN:PAUSED", "UNKNOWN:RESUMED", "UNKNOWN:RESUMED:ENDED"]
    assert recorded.change is None
    assert stored.item()["terminal"] is True


# Acknowledging


def test_an_acknowledgement_counts_only_for_the_item_that_was_read(stored: Stored) -> None:
    """A job can be deleted, and recorded again, before its acknowledgement arrives."""
    late = stored.record("COMPLETED")
    stored.delete()
    stored.acknowledge(late)
    assert stored.find() is None

    stored.record("COMPLETED", minute=1)
    stored.acknowledge(late)

    assert stored.item()["publishedSequence"] == 0
    assert "openShard" in stored.item()


def test_an_item_without_the_moment_of_its_first_observation_is_acknowledged(
    stored: Stored,
) -> None:
    """An item that another version wrote may lack what the condition compares."""
    stored.record("RUNNING")
    stored.update("REMOVE firstObservedAt")
    recalled = stored.recall()
    assert recalled is not None

    stored.acknowledge(recalled)

    assert stored.item()["publishedSequence"] == 1


def test_a_ready_download_stays_in_the_index_until_its_end_is_published(stored: Stored) -> None:
    ready = stored.record("COMPLETED", delivery_type="download")
    stored.acknowledge(ready)
    assert len(stored.entries()) == 1
    assert "expiresAt" in stored.item()

    expired = stored.record("EXPIRED", minute=1, delivery_type="download")
    assert "expiresAt" not in stored.item()
    stored.acknowledge(ready)
    assert len(stored.entries()) == 1

    stored.acknowledge(expired)
    assert stored.entries() == []
    assert "expiresAt" in stored.item()


# Validations and measurements


@cases("append", [Stored.validate, Stored.measure], ids=["validation", "measurement"])
def test_an_entry_beside_the_changes_is_appended_only_to_the_item_as_it_was_read(
    stored: Stored, append: Callable[[Stored, Recorded, Any, float], Recorded | None]
) -> None:
    found: type = int if append is Stored.measure else str
    recorded = stored.record("COMPLETED")
    stored.acknowledge(recorded)
    results = at_once([partial(append, stored, recorded, found(n), 1) for n in range(AT_ONCE)])

    (first,) = [one for one in results if one and one.written]
    assert first.written == first.history[1]
    assert {one and one.history for one in results} == {first.history}
    item, entry = stored.item(), stored.entry()
    assert (item["sequence"], item["publishedSequence"], item["status"]) == (2, 1, "COMPLETED")
    assert "expiresAt" not in item
    assert (entry.sequence, entry.pending) == (2, 1)
    assert entry.observed_at == NOON + timedelta(minutes=1)

    stored.acknowledge(first)
    assert stored.entries() == []
    assert "expiresAt" in stored.item()


# Concurrent checks


@pytest.mark.campaign
@cases(
    ("words", "recorded"),
    [
        (["RUNNING"], ["RUNNING"]),
        (["PENDING", "QUEUED", "RUNNING", "COMPLETED", "FAILED"], None),
        (["UNKNOWN:PAUSED", "UNKNOWN:RESUMED", "UNKNOWN:WAITING"], 3 * ["UNKNOWN"]),
    ],
    ids=["same", "different", "unknown"],
)
def test_concurrent_checks_record_each_change_once_and_in_order(
    stored: Stored, words: list[str], recorded: list[str] | None
) -> None:
    def record(number: int) -> Recorded:
        status, _, word = words[number % len(words)].partition(":")
        return stored.record(status, number, atlas_status=word or None)

    results = at_once([partial(record, number) for number in range(AT_ONCE)])

    item = stored.item()
    changes = [(one["status"], one.get("atlasStatus")) for one in item["history"]]
    ranks = [RestoreStatus(status).rank for status, _ in changes]
    assert len(set(changes)) == len(changes) == item["sequence"]
    assert ranks == sorted(ranks)
    assert recorded in (None, [status for status, _ in changes])
    assert sum(result.change is not None for result in results) == len(changes)


# DynamoDB itself


@cases(
    ("expression", "more"),
    [
        ("SET status = :one", {}),
        ("SET seen = :one", {"ExpressionAttributeNames": {"#unused": "unused"}}),
        (
            "SET seen = :one",
            {"ExpressionAttributeValues": {":one": {"N": "1"}, ":unused": {"N": "1"}}},
        ),
    ],
    ids=["reserved-name", "unused-name", "unused-value"],
)
def test_an_expression_that_aws_refuses_is_refused(
    stored: Stored, expression: str, more: dict[str, Any]
) -> None:
    """So the expressions of the table's code cannot pass here and fail at AWS."""
    with pytest.raises(ClientError, match="ValidationException"):
        stored.update(expression, **{"ExpressionAttributeValues": {":one": {"N": "1"}}, **more})
