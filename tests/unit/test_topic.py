"""The message of a status change: its body, its subject and the attributes to filter by."""

import json

import pytest
from hypothesis import example, given

from restore_watch.aws.cloud_events import cloud_event, message_attributes, subject
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.model.status_change import StatusChange
from strategies import TEXTS, changes, jobs, plain_change, plain_job

MESSAGE_LIMIT = 256 * 1024
"""Bytes that SNS accepts, with the attributes."""

ATTRIBUTES_LIMIT = 10
"""SNS does not deliver a message with more attributes to a queue with raw delivery."""


COMPLETED = plain_change(
    plain_job(status=RestoreStatus.COMPLETED, restore_finished_date="2026-05-04T11:59:01Z"),
    previous_status=RestoreStatus.RUNNING,
    sequence=3,
)


def test_a_message_is_a_cloud_event_with_the_whole_job() -> None:
    assert json.loads(json.dumps(cloud_event(COMPLETED))) == {
        "specversion": "1.0",
        "id": "6b4a0f800000000000000b01:COMPLETED",
        "source": "/groups/5f0000000000000000000a01/clusters/orders",
        "type": "atlas-restore-watch.status-changed.v1",
        "subject": "6b4a0f800000000000000b01",
        "time": "2026-05-04T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "data": {
            **COMPLETED.job.as_json(),
            "previousStatus": "RUNNING",
            "sequence": 3,
            "observedAt": "2026-05-04T12:00:00.000000Z",
            "detectionLatencySeconds": 59.0,
        },
    }


@given(jobs())
def test_the_first_change_has_no_previous_status(job: RestoreJob) -> None:
    change = plain_change(job, previous_status=None, sequence=1)

    assert cloud_event(change)["data"]["previousStatus"] is None
    assert "previousStatus" not in message_attributes(change)


LONG = "\N{GRINNING FACE}" * 10_000


@given(changes())
@example(plain_change(plain_job(status=LONG, **dict.fromkeys(TEXTS, LONG))))
def test_every_message_fits_the_limits_of_sns(change: StatusChange) -> None:
    attributes = message_attributes(change)

    size = len(json.dumps(cloud_event(change)).encode())
    size += sum(
        len((name + value["DataType"] + value["StringValue"]).encode())
        for name, value in attributes.items()
    )
    assert size < MESSAGE_LIMIT / 10


@given(changes())
def test_sns_accepts_every_subject(change: StatusChange) -> None:
    text = subject(change)

    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 100
    assert text[0].isalnum()


def test_a_subject_names_the_status_and_the_cluster() -> None:
    assert subject(COMPLETED) == "Atlas restore COMPLETED: orders"


@given(changes())
def test_sns_accepts_all_attributes(change: StatusChange) -> None:
    attributes = message_attributes(change)

    assert len(attributes) <= ATTRIBUTES_LIMIT
    for value in attributes.values():
        assert set(value) == {"DataType", "StringValue"}
        assert value["DataType"] == "String"
        assert value["StringValue"]
        assert value["StringValue"].isascii()
        assert value["StringValue"].isprintable()


def test_a_message_has_the_documented_attributes() -> None:
    attributes = message_attributes(COMPLETED)

    assert {name: one["StringValue"] for name, one in attributes.items()} == {
        "type": "atlas-restore-watch.status-changed.v1",
        "status": "COMPLETED",
        "previousStatus": "RUNNING",
        "terminal": "true",
        "succeeded": "true",
        "kind": "flex",
        "deliveryType": "RESTORE",
        "groupId": "5f0000000000000000000a01",
        "clusterName": "orders",
    }


def test_a_message_about_an_open_job_has_no_succeeded_value() -> None:
    attributes = message_attributes(plain_change())

    assert attributes["terminal"]["StringValue"] == "false"
    assert "succeeded" not in attributes


@pytest.mark.parametrize(
    "delivery_type", [None, "", "\n", "\N{SNOWMAN}"], ids=["null", "empty", "line feed", "snowman"]
)
def test_a_delivery_type_that_sns_refuses_is_omitted(delivery_type: str | None) -> None:
    change = plain_change(plain_job(delivery_type=delivery_type))

    assert "deliveryType" not in message_attributes(change)
    assert cloud_event(change)["data"]["deliveryType"] == delivery_type
