"""Validations in the table, on both engines."""

from datetime import timedelta
from functools import partial

from integration.tables import CHECKS_AT_ONCE, NOON, Job, Stored, at_once
from restore_watch.table.stored_fields import RETENTION


def test_a_validation_is_appended_only_to_the_item_as_it_was_read(stored: Stored, job: Job) -> None:
    done = job("COMPLETED")
    recorded = stored.record(done)
    stored.acknowledge(recorded)

    first = stored.validate(recorded, "a", minute=1)
    late = stored.validate(recorded, "b", minute=2)

    assert first is not None
    assert late is not None
    assert (first.written, late.written) == (first.history[1], None)
    assert late.history == first.history
    item = stored.item(done)
    assert (item["sequence"], item["publishedSequence"]) == (2, 1)
    assert item["status"] == "COMPLETED"
    assert "expiresAt" not in item
    (indexed,) = stored.open_jobs(done)
    assert (indexed["sequence"]["N"], indexed["publishedSequence"]["N"]) == ("2", "1")
    assert indexed["observedAt"]["S"] == "2026-05-04T12:01:00.000000Z"

    stored.acknowledge(first)
    item = stored.item(done)
    assert item["expiresAt"] == int((NOON + timedelta(minutes=1) + RETENTION).timestamp())
    assert stored.open_jobs(done) == []


def test_a_validation_is_not_appended_to_an_item_that_was_deleted_or_recorded_anew(
    stored: Stored, job: Job
) -> None:
    done = job("COMPLETED")
    recorded = stored.record(done)
    stored.delete(done)
    assert stored.validate(recorded, "a") is None
    assert stored.find(done) is None

    stored.record(done, minute=1)
    anew = stored.validate(recorded, "a")
    assert anew is not None
    assert (anew.written, len(anew.history)) == (None, 1)


def test_a_ready_download_stays_open_after_its_validation_is_published(
    stored: Stored, job: Job
) -> None:
    ready = job("COMPLETED", delivery_type="DOWNLOAD")
    recorded = stored.record(ready)
    stored.acknowledge(recorded)
    appended = stored.validate(recorded, "a", minute=1)
    assert appended is not None
    assert "expiresAt" not in stored.item(ready)

    stored.acknowledge(appended)

    item = stored.item(ready)
    assert item["publishedSequence"] == item["sequence"] == 2
    assert {"openShard", "expiresAt"} <= item.keys()

    expired = stored.record(job("EXPIRED", delivery_type="DOWNLOAD"), minute=2)
    assert expired.change is not None
    assert (expired.change.sequence, expired.change.previous_status) == (3, "COMPLETED")


def test_one_of_many_validations_at_once_is_appended(stored: Stored, job: Job) -> None:
    recorded = stored.record(job("COMPLETED"))
    results = at_once(
        [partial(stored.validate, recorded, f"{n}", minute=n) for n in range(CHECKS_AT_ONCE)]
    )

    assert sum(one is not None and one.written is not None for one in results) == 1
    assert stored.item(job("COMPLETED"))["sequence"] == 2
