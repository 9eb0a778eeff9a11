"""What the table says of a restore, and how it is judged by RTO and RPO."""

from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import utc_text
from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.report.files.restores_csv import line_of_restore
from restore_watch.report.restores.restore_evidence import RestoreEvidence
from restore_watch.report.restores.stored_restores import UnreadableItemError, read_evidence
from strategies import json_values, plain_job
from unit.report.stored import NOON, item_of, verdict_on

HOUR = timedelta(hours=1)
SECRET_URL = "https://restore-1.downloads.example.net:27017/token/restore.tar.gz"

serialize = TypeSerializer().serialize


AN_HOUR = Objectives(rto=HOUR, rpo=HOUR)


def evidence_of(item: dict[str, Any]) -> RestoreEvidence:
    return read_evidence(item, NOON)


@pytest.fixture
def item() -> dict[str, Any]:
    """A restore that completed; its second change is not published."""
    running = plain_job(restore_scheduled_date=NOON - timedelta(hours=1))
    done = replace(running, status=RestoreStatus.COMPLETED, restore_finished_date=NOON)
    return item_of(running, done)


def test_a_restore_begins_when_it_was_scheduled_or_else_when_its_id_was_made(
    item: dict[str, Any],
) -> None:
    when_made = datetime.fromtimestamp(0x6B4A0F80, UTC)

    assert evidence_of(item).restore.began == NOON - timedelta(hours=1)
    assert evidence_of(item_of(plain_job())).restore.began == when_made


@pytest.mark.parametrize(("minutes", "met"), [(5, None), (60, None), (61, False)])
def test_an_open_job_that_atlas_no_longer_knows_is_judged_by_when_it_was_known(
    minutes: int, *, met: bool | None
) -> None:
    began = NOON - timedelta(days=90)
    missing = utc_text(began + timedelta(minutes=minutes))
    item = item_of(plain_job(restore_scheduled_date=began)) | {"missingSince": {"S": missing}}

    facts = evidence_of(item).facts(AN_HOUR)
    assert facts["rtoMet"] is met
    assert facts["missingSince"] == missing


def test_no_download_url_of_a_hand_written_item_is_repeated(item: dict[str, Any]) -> None:
    for entry in item["history"]["L"]:
        for name in ("deliveryType", "atlasStatus", "targetDeploymentItemName"):
            entry["M"][name] = {"S": SECRET_URL}
        entry["M"]["snapshotUrl"] = {"S": SECRET_URL}
    verdict = verdict_on(plain_job(), detail=f"read {SECRET_URL}", validatedBy=SECRET_URL)
    item["history"]["L"].append(verdict)

    read = evidence_of(item)
    facts = read.facts(AN_HOUR)
    said = (facts, read.newest_validation, line_of_restore(read, facts))
    assert "example.net" not in repr(said)


def test_a_verdict_has_the_names_of_its_message_and_whether_it_is_published(
    item: dict[str, Any],
) -> None:
    """Others than the function may write a longer text into the table."""
    job = evidence_of(item).restore.job
    item["history"]["L"].append(verdict_on(job, detail="x" * 1001, validatedBy="drill"))

    assert evidence_of(item).validations == [
        {
            "id": "6b4a0f800000000000000b01:VALIDATION:3",
            "published": False,
            "sequence": 3,
            "observedAt": "2026-05-04T12:00:00.000000Z",
            "verdict": "PASSED",
            "validatedBy": "drill",
            "detail": "x" * 1000,
            "validatedAt": None,
        }
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"history": None},
        {"history": {"L": []}},
        {"restoreScheduledDate": {"S": "soon"}},
        {"restoreId": {"S": "not-an-id"}},
        {"cluster": {"S": "no-project/orders"}},
        {"cluster": {"S": "5f0000000000000000000a02/orders"}},
        {"kind": {"S": "a kind of a newer version"}},
        {"publishedSequence": {"S": "many"}},
        {"missingSince": {"N": "1"}},
    ],
    ids=lambda change: next(f"{name}-{value}"[:40] for name, value in change.items()),
)
def test_an_item_in_another_form_is_unreadable(
    item: dict[str, Any], change: dict[str, Any]
) -> None:
    changed = {name: value for name, value in (item | change).items() if value is not None}

    with pytest.raises(UnreadableItemError):
        evidence_of(changed)


def test_an_item_with_a_verdict_and_no_status_is_unreadable(item: dict[str, Any]) -> None:
    with pytest.raises(UnreadableItemError):
        evidence_of(item | {"history": {"L": [verdict_on(plain_job())]}})


@given(
    st.sampled_from(["history", "restoreScheduledDate", "status", "missingSince", "validation"]),
    json_values(st.none() | st.booleans() | st.integers(-9, 9) | st.text()),
)
def test_any_other_value_is_read_or_unreadable(name: str, value: Any) -> None:
    item, verdict = item_of(plain_job()), verdict_on(plain_job())
    if name == "validation":
        item["history"]["L"].append(verdict)
    (verdict["M"] if name == "validation" else item)[name] = serialize(value)
    try:
        evidence = evidence_of(item)
    except UnreadableItemError:
        return
    assert evidence.facts(AN_HOUR)["restoreId"] == item["restoreId"]["S"]
    assert bool(evidence.newest_validation) == (name == "validation")


# The objectives


def job(status: str, minutes: int | None = None, **fields: object) -> RestoreJob:
    """A job that was scheduled at noon, and that has finished after these minutes."""
    finished = None if minutes is None else NOON + timedelta(minutes=minutes)
    return plain_job(
        status=status, restore_scheduled_date=NOON, restore_finished_date=finished, **fields
    )


def rto_met(*jobs: RestoreJob, after: float = 24, rto: timedelta | None = HOUR) -> bool | None:
    """Judge a restore with these states, so many hours after noon."""
    return Objectives(rto=rto).rto_met(jobs, NOON, NOON + timedelta(hours=after))


@pytest.mark.parametrize(("minutes", "met"), [(59, True), (60, True), (61, False)])
def test_a_restore_meets_the_rto_if_it_completes_in_time(minutes: int, *, met: bool) -> None:
    assert rto_met(job("RUNNING"), job("COMPLETED", minutes)) is met


def test_a_restore_that_ended_before_it_began_neither_meets_nor_misses_the_rto() -> None:
    assert rto_met(job("RUNNING"), job("COMPLETED", -1)) is None


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_restore_that_ends_otherwise_misses_the_rto(status: str) -> None:
    assert rto_met(job("RUNNING"), job(status, 1)) is False
    assert rto_met(job(status)) is False


@pytest.mark.parametrize("status", ["PENDING", "QUEUED", "RUNNING", "UNKNOWN"])
def test_an_open_restore_misses_the_rto_when_its_time_is_over(status: str) -> None:
    assert rto_met(job(status), after=0.99) is None
    assert rto_met(job(status), after=1.01) is False


def test_an_end_that_nobody_knows_or_without_a_date_is_not_judged() -> None:
    assert rto_met(job("UNKNOWN", 1, atlas_status="PARTLY")) is None
    assert rto_met(job("COMPLETED", delivery_type="download")) is None


@pytest.mark.parametrize("end", ["EXPIRED", "CANCELLED", "FAILED"])
def test_a_download_is_judged_by_when_it_was_ready(end: str) -> None:
    ready = job("COMPLETED", 5, delivery_type="DOWNLOAD")

    assert rto_met(ready, job(end, 90, delivery_type="DOWNLOAD")) is True


def test_nothing_is_judged_without_an_objective() -> None:
    assert rto_met(job("COMPLETED", 1), rto=None) is None
    assert Objectives().rpo_met(of_snapshot(1)) is None


def of_snapshot(age: int | None, **fields: object) -> RestoreJob:
    """A job whose snapshot was so many seconds old."""
    taken = None if age is None else NOON - timedelta(seconds=age)
    return job("COMPLETED", 1, snapshot_finished_date=taken, **fields)


@pytest.mark.parametrize(
    ("age", "met"),
    [(3599, True), (3600, True), (3601, False), (0, True), (None, None), (-60, None)],
)
def test_a_snapshot_meets_the_rpo_if_it_is_young_enough(age: int | None, met: object) -> None:
    assert Objectives(rpo=HOUR).rpo_met(of_snapshot(age)) is met


@pytest.mark.parametrize("word", ["pointInTime", "POINTINTIME"])
@pytest.mark.parametrize("age", [60, 72_000])
def test_the_rpo_of_a_restore_to_a_point_in_time_is_not_judged(word: str, age: int) -> None:
    """Its data are newer than its snapshot."""
    assert Objectives(rpo=HOUR).rpo_met(of_snapshot(age, delivery_type=word)) is None
