"""What a sweep knows of a job: read from the index, and compared with Atlas's answer."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from restore_watch.model.status_change import StatusChange, is_new_unknown
from restore_watch.table.job_item import history_entry, key, open_shard, state_of
from restore_watch.table.open_job import read_open_job
from strategies import jobs, plain_job, statuses
from unit.open_jobs import NOON, open_job, ready_download
from unit.scripted_atlas import GROUP, RESTORE

_serialize = TypeSerializer().serialize

PROJECTED = {
    "openShard",
    "kind",
    "status",
    "atlasStatus",
    "deliveryType",
    "expirationDate",
    "restoreScheduledDate",
    "firstObservedAt",
    "observedAt",
    "sequence",
    "publishedSequence",
    "missingSince",
}


def entry_of(job: RestoreJob, observed_at: datetime = NOON, **fields: Any) -> dict[str, Any]:
    """The entry of the index for a job that was recorded once and published."""
    item = history_entry(state_of(job), job.restore_id, observed_at) | {
        "firstObservedAt": "2026-05-04T11:00:00.000000Z",
        "sequence": 1,
        "publishedSequence": 1,
        "openShard": open_shard(job),
    }
    projected = {name: value for name, value in (item | fields).items() if name in PROJECTED}
    return key(job.group_id, job.cluster_name, job.restore_id) | {
        name: _serialize(value) for name, value in projected.items()
    }


def without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


# Reading


def test_an_entry_of_the_index_is_read() -> None:
    job = plain_job(
        atlas_status="RUNNING",
        expiration_date="2026-05-04T18:00:00Z",
        restore_scheduled_date="2026-05-04T10:00:00Z",
    )
    read = read_open_job(
        entry_of(job, missingSince="2026-05-04T11:30:00.000000Z", sequence=3), NOON
    )

    assert read == open_job(
        target=read.target if read else None,
        expiration_date=NOON + timedelta(hours=6),
        scheduled_at=NOON - timedelta(hours=2),
        first_observed_at=NOON - timedelta(hours=1),
        observed_at=NOON,
        sequence=3,
        published=1,
        missing_since=NOON - timedelta(minutes=30),
    )
    assert read.key == (GROUP, "orders", RESTORE)
    assert read.pending == 2


@given(jobs(), st.integers(0, 30), st.integers(0, 30))
def test_what_the_table_writes_is_read_from_the_index(
    job: RestoreJob, sequence: int, published: int
) -> None:
    read = read_open_job(entry_of(job, sequence=sequence, publishedSequence=published), NOON)

    assert read is not None
    assert (read.kind, read.status, read.atlas_status) == (job.kind, job.status, job.atlas_status)
    assert read.expiration_date == job.expiration_date
    assert read.scheduled_at == job.restore_scheduled_date
    assert read.is_ready_download is job.is_ready_download
    assert read.has_ended is job.status.ends
    assert (read.sequence, read.pending) == (sequence, max(0, sequence - published))
    asked_by_name = {RestoreKind.TENANT, RestoreKind.COLLECTION}
    assert read.target.kind == (job.kind if job.kind in asked_by_name else None)


def test_an_entry_with_nothing_but_its_key_is_read() -> None:
    read = read_open_job(key(GROUP, "orders", RESTORE), NOON)

    assert read is not None
    assert (read.kind, read.status, read.observed_at, read.pending) == (None, None, None, 0)
    assert read.can_change
    assert not read.has_ended


ODD: dict[str, tuple[str, dict[str, Any], Any]] = {
    "kind of another version": ("kind", {"S": "serverless"}, None),
    "kind of another type": ("kind", {"N": "1"}, None),
    "status of another version": ("status", {"S": "VERIFYING"}, None),
    "status that is a number": ("status", {"N": "1"}, None),
    "date that is text": ("observed_at", {"S": "yesterday"}, None),
    "date that is empty": ("observed_at", {"S": ""}, None),
    "date that is a number": ("observed_at", {"N": "5"}, None),
    "date without a zone": ("observed_at", {"S": "2026-05-04T12:00:00"}, NOON),
    "date in another zone": ("observed_at", {"S": "2026-05-04T14:00:00+02:00"}, NOON),
    "number that is text": ("sequence", {"S": "three"}, 0),
    "number with a fraction": ("sequence", {"N": "1.5"}, 0),
    "number below zero": ("sequence", {"N": "-1"}, 0),
    "delivery type that is null": ("delivery_type", {"NULL": True}, None),
}
ATTRIBUTES = {
    "kind": "kind",
    "status": "status",
    "observed_at": "observedAt",
    "sequence": "sequence",
    "delivery_type": "deliveryType",
}


@pytest.mark.parametrize(("field", "stored", "read"), ODD.values(), ids=ODD)
def test_an_attribute_that_this_version_cannot_read_is_unknown(
    field: str, stored: dict[str, Any], read: Any
) -> None:
    job = read_open_job(entry_of(plain_job()) | {ATTRIBUTES[field]: stored}, NOON)

    assert getattr(job, field) == read


@pytest.mark.parametrize(
    ("kind", "is_foreign"),
    [({"S": "serverless"}, True), ({"S": "flex"}, False), ({"N": "1"}, False), (None, False)],
    ids=str,
)
def test_a_job_of_a_kind_that_only_another_version_knows_is_not_asked_about(
    kind: dict[str, Any] | None, *, is_foreign: bool
) -> None:
    entry = entry_of(plain_job(), sequence=2)
    job = read_open_job({**entry, "kind": kind} if kind else without(entry, "kind"), NOON)

    assert job is not None
    assert (job.is_foreign, job.can_change) == (is_foreign, not is_foreign)
    assert job.pending == 1


@pytest.mark.parametrize(
    ("cluster", "restore"),
    [("sweeps", "lease"), (GROUP, RESTORE), (f"{GROUP}/", RESTORE), (f"{GROUP}/orders", "lease")],
)
def test_a_key_that_names_no_job_is_not_read(cluster: str, restore: str) -> None:
    assert read_open_job({"cluster": {"S": cluster}, "restoreId": {"S": restore}}, NOON) is None


# What it can become


@pytest.mark.parametrize("status", RestoreStatus)
def test_a_job_that_has_ended_cannot_change_unless_it_is_a_ready_download(
    status: RestoreStatus,
) -> None:
    assert open_job(status=status).can_change is not status.ends
    download = open_job(status=status, delivery_type="download")
    assert download.can_change is (not status.ends or status is RestoreStatus.COMPLETED)


def test_a_ready_download_is_recognised_in_both_spellings() -> None:
    assert ready_download().is_ready_download
    assert ready_download(delivery_type="download").is_ready_download
    assert not ready_download(delivery_type=None).is_ready_download


stored_statuses = st.none() | statuses
download_types = st.sampled_from(["RESTORE", "DOWNLOAD", "download", None])


@given(stored_statuses, download_types, jobs())
def test_whenever_the_table_would_record_a_known_status_it_is_asked(
    stored: RestoreStatus | None, delivery_type: str | None, answer: RestoreJob
) -> None:
    """The table refuses every status that `may_replace` does not name, and none that it does."""
    job = open_job(status=stored, delivery_type=delivery_type)
    would_record = stored is None or stored in answer.may_replace

    if answer.status is RestoreStatus.UNKNOWN is stored:
        return
    assert job.may_become(answer) is would_record


words = st.sampled_from(["PAUSED", "RESUMED", "WAITING"])
finish_dates = st.none() | st.just(NOON)


@st.composite
def unknown_jobs(draw: st.DrawFn) -> RestoreJob:
    return plain_job(
        status=RestoreStatus.UNKNOWN,
        atlas_status=draw(words),
        restore_finished_date=draw(finish_dates),
    )


@given(st.lists(unknown_jobs(), min_size=1, max_size=4), unknown_jobs())
def test_whenever_a_further_unknown_word_is_new_the_table_is_asked(
    states: list[RestoreJob], answer: RestoreJob
) -> None:
    history: list[StatusChange] = []
    for state in states:
        if not history or is_new_unknown(state, history):
            history.append(StatusChange(state, None, len(history) + 1, NOON))
    job = open_job(status=RestoreStatus.UNKNOWN, atlas_status=history[-1].job.atlas_status)

    assert job.may_become(answer) or not is_new_unknown(answer, history)


@pytest.mark.parametrize("known_by", ["atlas_status", "answered_word"])
def test_the_same_unknown_word_is_not_asked_of_the_table_unless_the_job_has_finished(
    known_by: str,
) -> None:
    words: dict[str, Any] = {"atlas_status": "OTHER", known_by: "PAUSED"}
    job = open_job(status=RestoreStatus.UNKNOWN, **words)
    paused = plain_job(status=RestoreStatus.UNKNOWN, atlas_status="PAUSED")

    assert not job.may_become(paused)
    assert job.may_become(paused.model_copy(update={"restore_finished_date": NOON}))
    assert job.may_become(paused.model_copy(update={"atlas_status": "RESUMED"}))


@given(stored_statuses, jobs(), st.integers(1, 9), st.integers(0, 9))
def test_what_was_recorded_is_what_is_known(
    stored: RestoreStatus | None, answer: RestoreJob, sequence: int, published: int
) -> None:
    before = open_job(status=stored, sequence=3, published=2)
    later = NOON + timedelta(minutes=5)

    known = before.now_recorded(answer, sequence, published, later)

    assert (known.status, known.kind, known.sequence, known.pending) == (
        answer.status,
        answer.kind,
        sequence,
        max(0, sequence - published),
    )
    assert known.expiration_date == answer.expiration_date
    assert known.observed_at == (later if sequence > 3 else NOON)
    assert known.first_observed_at == before.first_observed_at
    if answer.status is not RestoreStatus.UNKNOWN:
        assert not known.may_become(answer)
