"""What the table says of one restore."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from operate.restore_evidence import (
    Objectives,
    RestoreEvidence,
    UnreadableItemError,
    began_at,
    read_evidence,
)
from restore_watch.model.restore_job import RestoreStatus
from restore_watch.model.status_change import utc_text
from strategies import json_values, plain_job
from unit.operate.restores import NOON, item_of, verdict_on

HOUR = timedelta(hours=1)
SECRET_URL = "https://restore-1.downloads.example.net:27017/token/restore.tar.gz"

serialize = TypeSerializer().serialize


def evidence_of(item: dict[str, Any]) -> RestoreEvidence:
    return read_evidence(item, Objectives(rto=HOUR, rpo=HOUR), NOON)


@pytest.fixture
def item() -> dict[str, Any]:
    """A restore that completed; its second change is not published."""
    running = plain_job(restore_scheduled_date=NOON - timedelta(hours=1))
    done = running.model_copy(
        update={"status": RestoreStatus.COMPLETED, "restore_finished_date": NOON}
    )
    return item_of(running, done)


def test_a_restore_begins_when_it_was_scheduled_or_else_when_its_id_was_made(
    item: dict[str, Any],
) -> None:
    assert began_at(item) == NOON - timedelta(hours=1)
    assert began_at(item_of(plain_job())) == datetime.fromtimestamp(0x6B4A0F80, UTC)


def test_a_verdict_is_no_change_but_has_its_place_in_the_sequence(item: dict[str, Any]) -> None:
    """A download expires after a pipeline has tested it."""
    first, second = item["history"]["L"]
    expired = {"M": {**second["M"], "status": {"S": "EXPIRED"}}}
    said = {"validatedBy": "drill", "detail": "12 of 12", "validatedAt": "2026-05-04T11:30:00Z"}
    verdict = verdict_on(plain_job(status="COMPLETED"), **said)
    item["history"] = {"L": [first, second, verdict, expired]}
    item["publishedSequence"] = {"N": "3"}

    evidence = evidence_of(item)

    assert [
        (one["sequence"], one["status"], one["previousStatus"], one["published"])
        for one in evidence.changes
    ] == [
        (1, "RUNNING", None, True),
        (2, "COMPLETED", "RUNNING", True),
        (4, "EXPIRED", "COMPLETED", False),
    ]
    restore_id = item["restoreId"]["S"]
    assert evidence.validations == (
        {
            "id": f"{restore_id}:VALIDATION:3",
            "published": True,
            "sequence": 3,
            "observedAt": "2026-05-04T12:00:00.000000Z",
            "verdict": "PASSED",
            **said,
        },
    )
    assert evidence.facts["outcome"] == "EXPIRED"


@pytest.mark.parametrize(("minutes", "met"), [(5, None), (60, None), (61, False)])
def test_an_open_job_that_atlas_no_longer_knows_is_judged_by_when_it_was_known(
    minutes: int,
    met: bool | None,  # noqa: FBT001
) -> None:
    began = NOON - timedelta(days=90)
    missing = utc_text(began + timedelta(minutes=minutes))
    item = item_of(plain_job(restore_scheduled_date=began)) | {"missingSince": {"S": missing}}

    evidence = evidence_of(item)
    assert evidence.facts["rtoMet"] is met
    assert evidence.facts["missingSince"] == missing


def test_no_download_url_of_a_hand_written_item_is_repeated(item: dict[str, Any]) -> None:
    for entry in item["history"]["L"]:
        for name in ("deliveryType", "atlasStatus", "targetDeploymentItemName"):
            entry["M"][name] = {"S": SECRET_URL}
        entry["M"]["snapshotUrl"] = {"S": SECRET_URL}
    verdict = verdict_on(plain_job(), detail=f"read {SECRET_URL}", validatedBy=SECRET_URL)
    item["history"]["L"].append(verdict)

    assert "example.net" not in repr(evidence_of(item))


@pytest.mark.parametrize(
    "change",
    [
        {"history": None},
        {"history": {"L": []}},
        {"history": {"S": "text"}},
        {"history": {"L": [{"S": "text"}]}},
        {"history": {"L": [verdict_on(plain_job())]}},
        {"restoreScheduledDate": {"S": "soon"}},
        {"restoreScheduledDate": {"NULL": True}},
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
    assert evidence.facts["restoreId"] == item["restoreId"]["S"]
