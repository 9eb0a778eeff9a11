"""The messages about jobs and about the watch itself: bodies, subjects and attributes."""

import json
from collections.abc import Mapping
from copy import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given

from restore_watch.aws.restore_messages import message_of_job
from restore_watch.aws.status_changes_topic import StatusChangesTopic
from restore_watch.aws.watch_messages import message_of_watch
from restore_watch.model.history_entry import RecordedMeasurement
from restore_watch.model.status_change import StatusChange
from restore_watch.model.watch_change import Trouble, WatchChange, WatchState
from strategies import TEXTS, changes, plain_change, plain_job, recorded_measurements
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP, Clock
from unit.stubbed_aws import sns

# Jobs


LONG = "\N{GRINNING FACE}" * 10_000


@given(changes())
@example(plain_change(plain_job(status=LONG, **dict.fromkeys(TEXTS, LONG))))
def test_sns_accepts_every_message(change: StatusChange) -> None:
    """256 KB with the attributes, and with raw delivery to a queue at most ten of those."""
    attributes, text = message_of_job(change).sns_attributes, message_of_job(change).subject

    size = len(json.dumps(message_of_job(change).event).encode())
    for name, value in attributes.items():
        assert set(value) == {"DataType", "StringValue"}
        assert value["DataType"] == "String"
        assert value["StringValue"]
        assert value["StringValue"].isascii()
        assert value["StringValue"].isprintable()
        size += len((name + value["DataType"] + value["StringValue"]).encode())
    assert size < 256 * 1024 / 10
    assert len(attributes) <= 10

    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 100
    assert text[0].isalnum()


@given(recorded_measurements)
def test_sns_accepts_every_message_about_a_measurement(measured: RecordedMeasurement) -> None:
    message = message_of_job(measured)

    assert len(json.dumps(message.event).encode()) < 256 * 1024 / 10
    assert set(message.sns_attributes) == {"type", "outcome", "kind", "groupId", "clusterName"}
    assert message.subject.startswith(f"Atlas restore data {measured.measurement.outcome}: ")
    assert len(message.subject) < 100


def attributes_of(change: StatusChange) -> dict[str, str]:
    return {name: one["StringValue"] for name, one in message_of_job(change).sns_attributes.items()}


@pytest.mark.parametrize("delivery_type", [None, "", "\n", "\N{SNOWMAN}"], ids=repr)
def test_a_delivery_type_that_sns_refuses_is_omitted(delivery_type: str | None) -> None:
    change = plain_change(plain_job(delivery_type=delivery_type))

    assert "deliveryType" not in attributes_of(change)
    assert message_of_job(change).event["data"]["deliveryType"] == delivery_type


# The watch

STACK = "restore-watch"
DEGRADED, RECOVERED = WatchState

TROUBLE = Trouble(
    since=NOON, error="AtlasUnavailableError", message="Atlas did not answer", fix="Wait"
)
CHANGE = WatchChange(
    state=DEGRADED,
    group_id=GROUP,
    trouble=TROUBLE,
    at=NOON + timedelta(minutes=3),
    last_success_at=NOON - timedelta(minutes=1),
    open_jobs=2,
)


@pytest.mark.parametrize(
    ("group_id", "fix"),
    [(GROUP, "Give the service account or API key"), (None, "Renew the credentials")],
    ids=["project", "stack"],
)
def test_a_change_that_1_0_0_has_stored_gets_the_fix_of_its_error(
    group_id: str | None, fix: str
) -> None:
    old = Trouble(since=NOON, error="AtlasUnauthorizedError", message="No role")
    change = replace(CHANGE, group_id=group_id, trouble=old)

    assert message_of_watch(change, STACK).event["data"]["fix"].startswith(fix)


@pytest.mark.parametrize("state", WatchState)
@pytest.mark.parametrize("group_id", [GROUP, None], ids=["project", "stack"])
@pytest.mark.parametrize("length", [1, 68, 69, 70, 71, 128])
def test_the_subject_is_shorter_than_a_hundred_characters_for_a_stack_of_any_name(
    clock: Clock, state: WatchState, group_id: str | None, length: int
) -> None:
    sent: list[Mapping[str, Any]] = []

    def accept(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        sent.append(parameters)
        return {"MessageId": "m-1"}

    topic = StatusChangesTopic(sns(accept), "arn", "s" * length)
    change = replace(CHANGE, state=state, group_id=group_id)
    about = message_of_watch(change, topic.stack_name)

    assert topic.publish(about, clock.deadline()) == "m-1"

    (message,) = sent
    whole = f"Atlas restore watch {state}: {group_id or 's' * length}"
    assert (message["TopicArn"], message["Subject"]) == ("arn", whole[:99])
    assert json.loads(message["Message"])["subject"] == (group_id or "s" * length)
    # SNS's protocol has numbered entries.
    attributes = {
        message[name]: message[name.replace("Name", "Value.StringValue")]
        for name in message
        if name.startswith("MessageAttributes") and name.endswith(".Name")
    }
    of_project = {"groupId": group_id} if group_id else {}
    assert attributes == {"type": f"atlas-restore-watch.watch-{state}.v1"} | of_project
