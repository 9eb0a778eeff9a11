"""What a sweep knows of a job: read from the index, and compared with Atlas's answer."""

from collections import Counter
from collections.abc import Mapping
from copy import replace
from datetime import timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import example, given
from hypothesis import strategies as st

from restore_watch.errors import TableUnavailableError
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.table.job_item import history_entry, key_of
from restore_watch.table.open_job import OpenJob, read_open_job
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.table.open_shards import open_shard
from strategies import jobs, plain_job, statuses
from unit.open_jobs import NOON, open_job, ready_download, restore_id
from unit.scripted_atlas import GROUP, RESTORE, Clock
from unit.stubbed_aws import Refusal, dynamodb

_serialize = TypeSerializer().serialize
HOUR = timedelta(hours=1)


def entry_of(job: RestoreJob, **fields: Any) -> dict[str, Any]:
    """The entry of the index for a job that was recorded once and published, but for the fields."""
    item = history_entry(job, NOON) | {
        "firstObservedAt": "2026-05-04T11:00:00.000000Z",
        "sequence": 1,
        "publishedSequence": 1,
        "openShard": open_shard(job.restore_id),
    }
    stored = {name: _serialize(value) for name, value in (item | fields).items()}
    return stored | key_of(job)


def read(entry: dict[str, Any]) -> OpenJob:
    job = read_open_job(entry, NOON)
    assert job is not None
    return job


# Reading


@given(jobs(), st.integers(0, 30), st.integers(0, 30))
def test_what_the_table_writes_is_read_from_the_index(
    job: RestoreJob, sequence: int, published: int
) -> None:
    known = read(entry_of(job, sequence=sequence, publishedSequence=published))

    assert (known.kind, known.status, known.atlas_status) == (
        *(job.kind, job.status, job.atlas_status),
    )
    assert known.expiration_date == job.expiration_date
    assert known.scheduled_at == job.restore_scheduled_date
    assert known.is_ready_download is job.is_ready_download
    assert known.has_ended is job.status.ends
    # More cannot be published than there is: nothing is known then.
    pending = sequence - published if published <= sequence else sequence
    assert (known.sequence, known.pending) == (sequence, pending)
    asked_by_name = {RestoreKind.TENANT, RestoreKind.COLLECTION}
    assert known.target.kind == (job.kind if job.kind in asked_by_name else None)


def test_an_entry_with_nothing_but_its_key_is_read() -> None:
    known = read(key_of(plain_job()))

    assert known == OpenJob(known.target, None)
    assert known.can_change
    assert not known.has_ended


SOON = NOON + timedelta(minutes=10)

ODD: dict[str, tuple[str, dict[str, Any], str, Any]] = {
    "kind of another version": ("kind", {"S": "serverless"}, "kind", None),
    "kind of another type": ("kind", {"N": "1"}, "kind", None),
    "status of another version": ("status", {"S": "VERIFYING"}, "status", None),
    "status that is a number": ("status", {"N": "1"}, "status", None),
    "date that is text": ("observedAt", {"S": "yesterday"}, "observed_at", None),
    "date that is empty": ("observedAt", {"S": ""}, "observed_at", None),
    "date that is a number": ("observedAt", {"N": "5"}, "observed_at", None),
    "date without a zone": ("observedAt", {"S": "2026-05-04T12:00:00"}, "observed_at", NOON),
    "date in a zone": ("observedAt", {"S": "2026-05-04T14:00:00+02:00"}, "observed_at", NOON),
    "date of a fast clock": ("observedAt", {"S": "2026-05-04T12:10:00Z"}, "observed_at", SOON),
    "date that lies ahead": ("observedAt", {"S": "2026-05-04T12:10:01Z"}, "observed_at", None),
    "number that is text": ("sequence", {"S": "three"}, "sequence", 0),
    "number with a fraction": ("sequence", {"N": "1.5"}, "sequence", 0),
    "number below zero": ("sequence", {"N": "-1"}, "sequence", 0),
    "delivery type that is null": ("deliveryType", {"NULL": True}, "delivery_type", None),
    # A job of a kind that only another version knows is not asked about.
    "foreign kind": ("kind", {"S": "serverless"}, "is_foreign", True),
    "known kind": ("kind", {"S": "flex"}, "is_foreign", False),
    "kind that is a number": ("kind", {"N": "1"}, "is_foreign", False),
}


@pytest.mark.parametrize(("name", "stored", "field", "value"), ODD.values(), ids=ODD)
def test_an_attribute_that_this_version_cannot_read_is_unknown(
    name: str, stored: dict[str, Any], field: str, value: Any
) -> None:
    known = read(entry_of(plain_job()) | {name: stored})

    assert getattr(known, field) == value
    assert known.can_change is not known.is_foreign


@pytest.mark.parametrize(
    ("cluster", "restore"),
    [("sweeps", "lease"), (GROUP, RESTORE), (f"{GROUP}/", RESTORE), (f"{GROUP}/orders", "lease")],
)
def test_a_key_that_names_no_job_is_not_read(cluster: str, restore: str) -> None:
    assert read_open_job({"cluster": {"S": cluster}, "restoreId": {"S": restore}}, NOON) is None


# What it can become


@pytest.mark.parametrize("delivery_type", ["RESTORE", "DOWNLOAD", "download", None])
@pytest.mark.parametrize("status", RestoreStatus)
def test_a_job_that_has_ended_cannot_change_unless_it_is_a_ready_download(
    status: RestoreStatus, delivery_type: str | None
) -> None:
    job = open_job(status=status, delivery_type=delivery_type)
    is_ready = status == "COMPLETED" and delivery_type in {"DOWNLOAD", "download"}

    assert job.is_ready_download is is_ready
    assert job.can_change is (not status.ends or is_ready)


@pytest.mark.parametrize(
    ("known", "answered", "is_newer"),
    [(NOON, NOON + HOUR, True), (None, NOON, True), (NOON, NOON, False), (NOON, None, False)],
    ids=["later", "first", "the same", "none"],
)
def test_a_link_that_moved_and_a_job_that_was_missed_are_news(
    known: Any, answered: Any, *, is_newer: bool
) -> None:
    job = ready_download(expiration_date=known)
    ready = plain_job(status="COMPLETED", delivery_type="DOWNLOAD", expiration_date=answered)

    assert job.has_newer_link(ready) is job.is_news(ready) is is_newer
    assert replace(job, missing_since=NOON).is_news(ready)


stored_statuses = st.none() | statuses


# A ready download that is cancelled: no later status, and a change all the same.
@example(
    RestoreStatus.COMPLETED, "DOWNLOAD", plain_job(status="CANCELLED", delivery_type="DOWNLOAD")
)
@given(stored_statuses, st.sampled_from(["RESTORE", "DOWNLOAD", "download", None]), jobs())
def test_whenever_the_table_would_record_a_known_status_it_is_asked(
    stored: RestoreStatus | None, delivery_type: str | None, answer: RestoreJob
) -> None:
    """The table refuses every status that `may_replace` does not name, and none that it does."""
    job = open_job(status=stored, delivery_type=delivery_type)
    would_record = stored is None or stored in answer.may_replace

    if answer.status is RestoreStatus.UNKNOWN is stored:
        return
    assert job.may_become(answer) is would_record


@pytest.mark.parametrize("known_by", ["atlas_status", "answered_word"])
def test_the_same_unknown_word_is_not_asked_of_the_table_unless_the_job_has_finished(
    known_by: str,
) -> None:
    words: dict[str, Any] = {"atlas_status": "OTHER", known_by: "PAUSED"}
    job = open_job(status=RestoreStatus.UNKNOWN, **words)
    paused = plain_job(status=RestoreStatus.UNKNOWN, atlas_status="PAUSED")

    assert not job.may_become(paused)
    assert job.may_become(replace(paused, restore_finished_date=NOON))
    assert job.may_become(replace(paused, atlas_status="RESUMED"))


@given(stored_statuses, jobs(), st.integers(1, 9), st.integers(0, 9))
def test_what_was_recorded_is_what_is_known(
    stored: RestoreStatus | None, answer: RestoreJob, sequence: int, published: int
) -> None:
    before = open_job(status=stored, sequence=3, published=2)
    later = NOON + timedelta(minutes=5)

    known = before.as_stored(answer, sequence, published, later)

    assert known == replace(
        before,
        kind=answer.kind,
        status=answer.status,
        atlas_status=answer.atlas_status,
        delivery_type=answer.delivery_type,
        expiration_date=answer.expiration_date,
        scheduled_at=answer.restore_scheduled_date,
        observed_at=later,
        sequence=sequence,
        published=published,
    )
    if answer.status is not RestoreStatus.UNKNOWN:
        assert not known.may_become(answer)


# Pages of the index, which no emulator has as small as this


class PagedIndex:
    """An index with a job on the first and third page of each shard; the others are empty."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str | None]] = Counter()
        self.refusal: Refusal | None = None

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert parameters["IndexName"] == "OpenJobs"
        shard = parameters["ExpressionAttributeValues"][":value"]["S"]
        start = parameters.get("ExclusiveStartKey", {}).get("restoreId", {}).get("S")
        self.asked[shard, start] += 1
        if self.refusal and start:
            raise self.refusal
        page = 0 if start is None else int(start[-2:], 16) // 16 + 1
        if page == 3:
            return {"Items": []}
        job = restore_id(16 * page + int(shard))
        item = {"cluster": {"S": f"{GROUP}/orders"}, "restoreId": {"S": job}}
        return {"Items": [] if page == 1 else [item], "LastEvaluatedKey": item}


def test_every_page_of_every_shard_is_read_once(clock: Clock) -> None:
    """Also those after an empty one, which DynamoDB may answer although others follow."""
    index = PagedIndex()
    table = OpenJobs(dynamodb(index), "restore-jobs")
    jobs = list(table.iterate_jobs(clock.deadline(), NOON))

    expected = {restore_id(16 * page + int(shard)) for page in (0, 2) for shard in "0123"}
    assert {job.target.restore_id for job in jobs} == expected
    assert len(jobs) == 8
    assert len(index.asked) == index.asked.total() == 16


def test_a_page_that_is_refused_fails_the_whole_read(clock: Clock) -> None:
    """Half of the open jobs would look like all of them."""
    index = PagedIndex()
    index.refusal = Refusal("AccessDeniedException")

    with pytest.raises(TableUnavailableError, match="AccessDeniedException"):
        list(OpenJobs(dynamodb(index), "restore-jobs").iterate_jobs(clock.deadline(), NOON))
