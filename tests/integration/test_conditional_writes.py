"""Recording and acknowledging a change, against moto and Amazon's own DynamoDB Local."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from integration.tables import CHECKS_AT_ONCE, NOON, Job, Stored, at_once, key_of
from restore_watch.model.restore_job import RestoreStatus
from restore_watch.model.status_change import UNKNOWN_LIMIT
from restore_watch.table.job_item import Recorded
from restore_watch.table.stored_fields import RETENTION

# Recording


def test_the_first_write_creates_the_item(stored: Stored, job: Job) -> None:
    recorded = stored.record(job("PENDING"))

    item = stored.item(job("PENDING"))
    assert recorded.change is not None
    assert recorded.pending == (recorded.change,)
    assert (item["sequence"], item["publishedSequence"]) == (1, 0)
    assert item["firstObservedAt"] == item["observedAt"] == "2026-05-04T12:00:00.000000Z"
    assert [entry["status"] for entry in item["history"]] == ["PENDING"]


def test_an_absent_value_is_not_an_attribute(stored: Stored, job: Job) -> None:
    stored.record(job("PENDING"))

    item = stored.item(job("PENDING"))
    assert None not in item.values()
    assert item.keys().isdisjoint({"expiresAt", "succeeded", "durationSeconds", "snapshotId"})


def test_an_attribute_that_becomes_absent_is_removed(stored: Stored, job: Job) -> None:
    stored.record(job("PENDING", snapshot_id="5f0000000000000000000a0f"))
    assert "snapshotId" in stored.item(job("PENDING"))

    stored.record(job("RUNNING"), minute=1)

    assert "snapshotId" not in stored.item(job("RUNNING"))


def test_numbers_are_stored_exactly(stored: Stored, job: Job) -> None:
    times = {"restore_scheduled_date": NOON, "restore_finished_date": NOON + timedelta(hours=1)}
    stored.acknowledge(stored.record(job("COMPLETED", **times)))

    item = stored.item(job("COMPLETED"))
    assert {name: item[name] for name in item if isinstance(item[name], Decimal)} == {
        "sequence": 1,
        "publishedSequence": 1,
        "durationSeconds": 3600,
        "expiresAt": int((NOON + RETENTION).timestamp()),
    }


def test_changes_are_appended_in_order(stored: Stored, job: Job) -> None:
    for minute, status in enumerate(("PENDING", "QUEUED", "RUNNING")):
        recorded = stored.record(job(status), minute)

    item = stored.item(job("RUNNING"))
    assert [change.sequence for change in recorded.pending] == [1, 2, 3]
    assert [entry["status"] for entry in item["history"]] == ["PENDING", "QUEUED", "RUNNING"]
    assert item["firstObservedAt"] == "2026-05-04T12:00:00.000000Z"
    assert item["observedAt"] == "2026-05-04T12:02:00.000000Z"


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_a_refused_write_changes_nothing_and_returns_the_item(
    stored: Stored, job: Job, status: str
) -> None:
    written = stored.record(job("RUNNING"))
    before = stored.item(job("RUNNING"))

    refused = stored.record(job(status), minute=1)

    assert refused == Recorded(written.job, written.history, 0, written.first_observed_at)
    assert stored.item(job("RUNNING")) == before


def test_a_repeated_write_is_recognised(stored: Stored, job: Job) -> None:
    """If the answer to a write is lost, botocore sends it again."""
    first = stored.record(job("RUNNING"))

    assert stored.record(job("RUNNING")) == first


def test_an_item_without_a_status_accepts_any_status(stored: Stored, job: Job) -> None:
    stored.put_key_only(job("RUNNING"))

    assert stored.record(job("RUNNING")).change is not None
    assert stored.item(job("RUNNING"))["sequence"] == 1


def test_a_status_of_a_newer_version_is_replaced(stored: Stored, job: Job) -> None:
    stored.record(job("RUNNING"))
    stored.update(
        job("RUNNING"),
        "SET #status = :newer",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":newer": {"S": "VERIFYING"}},
    )

    assert stored.record(job("RUNNING"), minute=1).change is not None


# Unknown words


def words_of(recorded: Recorded) -> list[str | None]:
    return [change.job.atlas_status for change in recorded.history]


def test_each_unknown_word_is_recorded_once(stored: Stored, job: Job) -> None:
    for minute, word in enumerate(("PAUSED", "RESUMED", "PAUSED", "RESUMED")):
        recorded = stored.record(job("UNKNOWN", atlas_status=word), minute)

    assert words_of(recorded) == ["PAUSED", "RESUMED"]
    assert stored.item(job("UNKNOWN"))["atlasStatus"] == "RESUMED"


def test_the_finish_date_of_an_unknown_word_is_recorded(stored: Stored, job: Job) -> None:
    stored.record(job("UNKNOWN", atlas_status="PAUSED"))
    ended = job("UNKNOWN", atlas_status="PAUSED", restore_finished_date=NOON)
    recorded = stored.record(ended, minute=1)
    stored.acknowledge(recorded)

    assert [change.event_id.partition(":")[2] for change in recorded.history] == [
        "UNKNOWN:PAUSED",
        "UNKNOWN:PAUSED:ENDED",
    ]
    assert stored.item(ended)["terminal"] is True
    assert stored.open_jobs(ended) == []


@pytest.mark.parametrize("is_known", [False, True], ids=["unknown-end", "known-end"])
def test_a_history_that_is_full_of_unknown_words_still_accepts_a_final_status(
    stored: Stored, job: Job, *, is_known: bool
) -> None:
    for number in range(UNKNOWN_LIMIT + 2):
        recorded = stored.record(job("UNKNOWN", atlas_status=f"WORD-{number}"), number)
    assert len(recorded.history) == UNKNOWN_LIMIT - 1
    assert recorded.change is None

    ended = job("UNKNOWN", atlas_status="GONE", restore_finished_date=NOON)
    end = job("COMPLETED") if is_known else ended
    assert stored.record(end, minute=60).change is not None


def test_a_finished_unknown_word_is_not_replaced_by_a_word_without_a_finish_date(
    stored: Stored, job: Job
) -> None:
    stored.record(job("UNKNOWN", atlas_status="GONE", restore_finished_date=NOON))

    assert stored.record(job("UNKNOWN", atlas_status="PAUSED"), minute=1).change is None


# Reading


def test_a_read_returns_the_item_and_changes_nothing(stored: Stored, job: Job) -> None:
    recorded = stored.record(job("RUNNING"))
    before = stored.item(job("RUNNING"))
    read = stored.recall(job("RUNNING"))

    assert read is not None
    assert (read.history, read.pending) == (recorded.history, recorded.pending)
    assert stored.item(job("RUNNING")) == before


def test_a_read_does_not_create_an_item(stored: Stored, job: Job) -> None:
    assert stored.recall(job("RUNNING")) is None
    assert stored.find(job("RUNNING")) is None


# Acknowledging


def test_an_older_acknowledgement_changes_nothing(stored: Stored, job: Job) -> None:
    older = stored.record(job("PENDING"))
    newer = stored.record(job("RUNNING"), minute=1)
    stored.acknowledge(newer)
    before = stored.item(job("RUNNING"))

    stored.acknowledge(older)

    assert before["publishedSequence"] == 2
    assert stored.item(job("RUNNING")) == before


def test_a_part_of_the_changes_can_be_acknowledged(stored: Stored, job: Job) -> None:
    stored.record(job("PENDING"))
    recorded = stored.record(job("COMPLETED"), minute=1)
    stored.acknowledge(recorded, up_to=1)

    item = stored.item(job("COMPLETED"))
    assert item["publishedSequence"] == 1
    assert "expiresAt" not in item
    assert len(stored.open_jobs(job("COMPLETED"))) == 1


def test_an_acknowledgement_does_not_create_an_item(stored: Stored, job: Job) -> None:
    """A job can be deleted between its record and its acknowledgement."""
    recorded = stored.record(job("RUNNING"))
    stored.delete(job("RUNNING"))

    stored.acknowledge(recorded)

    assert stored.find(recorded.job) is None


def test_an_acknowledgement_of_a_deleted_item_does_not_count_for_a_new_one(
    stored: Stored, job: Job
) -> None:
    late = stored.record(job("RUNNING"))
    stored.delete(job("RUNNING"))
    stored.record(job("RUNNING"), minute=1)

    stored.acknowledge(late)

    assert stored.item(job("RUNNING"))["publishedSequence"] == 0


def test_an_item_without_the_moment_of_its_first_observation_is_acknowledged(
    stored: Stored, job: Job
) -> None:
    """An item that another version wrote may lack what the condition compares."""
    stored.record(job("RUNNING"))
    stored.update(job("RUNNING"), "REMOVE firstObservedAt")
    recalled = stored.recall(job("RUNNING"))
    assert recalled is not None

    stored.acknowledge(recalled)

    assert stored.item(job("RUNNING"))["publishedSequence"] == 1


def test_a_finished_job_leaves_the_index_and_begins_to_expire(stored: Stored, job: Job) -> None:
    stored.acknowledge(stored.record(job("RUNNING")))
    (entry,) = stored.open_jobs(job("RUNNING"))
    assert entry.items() >= key_of(job("RUNNING")).items()
    assert entry["openShard"] == {"S": "1"}

    completed = stored.record(job("COMPLETED"), minute=1)
    assert len(stored.open_jobs(job("COMPLETED"))) == 1

    stored.acknowledge(completed)
    item = stored.item(job("COMPLETED"))
    assert stored.open_jobs(job("COMPLETED")) == []
    assert "openShard" not in item
    assert item["expiresAt"] == int((NOON + timedelta(minutes=1) + RETENTION).timestamp())


def test_a_ready_download_stays_in_the_index_until_it_expires(stored: Stored, job: Job) -> None:
    stored.acknowledge(stored.record(job("COMPLETED", delivery_type="download")))
    assert len(stored.open_jobs(job("COMPLETED"))) == 1
    assert "expiresAt" in stored.item(job("COMPLETED"))

    expired = stored.record(job("EXPIRED", delivery_type="download"), minute=1)
    assert "expiresAt" not in stored.item(job("EXPIRED"))

    stored.acknowledge(expired)
    assert stored.open_jobs(job("EXPIRED")) == []
    assert "expiresAt" in stored.item(job("EXPIRED"))


def test_a_job_stays_open_until_its_last_change_is_acknowledged(stored: Stored, job: Job) -> None:
    completed = stored.record(job("COMPLETED", delivery_type="download"))
    expired = stored.record(job("EXPIRED", delivery_type="download"), minute=1)
    stored.acknowledge(completed)
    assert stored.item(job("EXPIRED"))["publishedSequence"] == 0

    stored.acknowledge(expired)

    assert stored.item(job("EXPIRED"))["publishedSequence"] == 2
    assert "openShard" not in stored.item(job("EXPIRED"))


# Concurrent checks


def test_concurrent_checks_record_a_change_once(stored: Stored, job: Job) -> None:
    results = at_once([partial(stored.record, job("RUNNING"), n) for n in range(CHECKS_AT_ONCE)])

    (winner,) = [result for result in results if result.change is not None]
    assert all(result.history == winner.history for result in results)
    assert stored.item(job("RUNNING"))["sequence"] == len(winner.history) == 1


def test_concurrent_checks_never_replace_a_status_with_an_earlier_one(
    stored: Stored, job: Job
) -> None:
    words = ("PENDING", "QUEUED", "RUNNING", "UNKNOWN", "COMPLETED", "FAILED", "CANCELLED")
    said = [words[n % len(words)] for n in range(CHECKS_AT_ONCE)]

    results = at_once([partial(stored.record, job(word), n) for n, word in enumerate(said)])

    item = stored.item(job("RUNNING"))
    ranks = [RestoreStatus(entry["status"]).rank for entry in item["history"]]
    assert ranks == sorted(set(ranks))
    assert item["sequence"] == len(ranks)
    assert sum(result.change is not None for result in results) == len(ranks)


def test_concurrent_checks_record_each_unknown_word_once(stored: Stored, job: Job) -> None:
    words = ("PAUSED", "RESUMED", "WAITING")
    said = [words[n % len(words)] for n in range(CHECKS_AT_ONCE)]

    results = at_once(
        [
            partial(stored.record, job("UNKNOWN", atlas_status=word), n)
            for n, word in enumerate(said)
        ]
    )

    history = stored.item(job("UNKNOWN"))["history"]
    assert sorted(entry["atlasStatus"] for entry in history) == sorted(words)
    assert sum(result.change is not None for result in results) == len(words)


def test_the_highest_of_concurrent_acknowledgements_is_kept(stored: Stored, job: Job) -> None:
    words = ("PENDING", "QUEUED", "RUNNING")
    states = [stored.record(job(word), n) for n, word in enumerate(words)]

    at_once([partial(stored.acknowledge, states[n % 3]) for n in range(CHECKS_AT_ONCE)])

    assert stored.item(job("RUNNING"))["publishedSequence"] == 3
