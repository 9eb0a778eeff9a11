"""Nobody is notified twice, except after a kill between sending and noting."""

import threading
from typing import Any

import boto3
import pytest

from foundation.deadline import Deadline
from integration.notify_people.people import People
from local_stack.aws import REGION
from local_stack.faults import Hang, Reset
from local_stack.wire import Call, Fault
from notify_people.channels.channel import Channel
from notify_people.channels.sent_table import SentTable
from unit.notify_people.messages import RESTORE, event

ENDED = event("flex-failed")
SUBJECT = f"restore/{RESTORE}"
ONCE = {"slack": 1}


@pytest.fixture(autouse=True)
def only_slack(people: People) -> None:
    people.start(NOTIFY_CHANNELS="slack", NOTIFY_CHANGES="all")


def notes(call: Call) -> bool:
    """True if this update notes what was sent."""
    return b"sentAt" in call.body


def test_only_a_kill_between_sending_and_noting_repeats_a_notice(people: People) -> None:
    with people.aws.wire.inject(Fault("dynamodb", "UpdateItem", notes, action=Reset(), times=None)):
        assert people.handle(ENDED) == [0]
    assert people.told() == ONCE

    people.now += 59
    assert people.handle(ENDED) == [0]
    assert people.told() == {}
    people.now += 2
    assert people.handle(ENDED) == []
    assert people.handle(ENDED) == []
    assert people.told() == ONCE
    assert people.reported()[1] == ["SentTableError", "SendingElsewhereError"]


def test_nothing_newer_overtakes_a_call_that_was_left_behind(people: People) -> None:
    people.start(NOTIFY_CHANNELS="email")
    with people.aws.wire.inject(Fault("sns", "Publish", action=Hang(30))):
        assert people.handle(ENDED, seconds=4) == [0]

    assert people.handle(event(sequence=3)) == [0]
    assert people.told() == {}
    people.now += 61
    assert people.handle(event(sequence=3)) == []
    assert people.told() == {"email": 1}


@pytest.mark.parametrize("when", [notes, None], ids=["note", "claim"])
def test_a_write_whose_answer_was_lost_repeats_nothing(people: People, when: Any) -> None:
    lost = Fault("dynamodb", "UpdateItem", when, action=Reset(), phase="after")
    with people.aws.wire.inject(lost):
        assert people.handle(ENDED) == []

    assert people.handle(ENDED) == []
    assert people.told() == ONCE


def test_without_the_table_nothing_is_sent(people: People) -> None:
    with people.aws.wire.inject(Fault("dynamodb", action=Reset(), times=None)):
        assert people.handle(ENDED) == [0]

    assert people.told() == {}
    assert people.reported()[1] == ["SentTableError"]
    assert people.handle(ENDED) == []


@pytest.mark.parametrize("second", [ENDED, event("flex-started")], ids=["same", "older"])
def test_a_message_waits_for_one_about_the_same_restore_that_is_being_sent(
    people: People, second: dict[str, Any]
) -> None:
    failed: list[int] = []
    with people.posts.wire.hold("slack") as gate:
        first = threading.Thread(target=lambda: failed.extend(people.handle(ENDED)))
        first.start()
        gate.wait_for(1)

        assert people.handle(second) == [0]
        gate.open()
        first.join()

    assert failed == people.handle(second) == []
    (only,) = people.posts.got("slack")
    assert "FAILED" in only["text"]


def table(people: People, ahead: int = 0) -> SentTable:
    """The table, written by another environment, whose clock is ahead."""
    dynamodb = boto3.client("dynamodb", REGION, aws_access_key_id="A", aws_secret_access_key="a")
    name = people.resources["SentNoticesTable"]
    return SentTable(dynamodb, name, now=lambda: people.now + ahead)


@pytest.mark.parametrize("ahead", [0, 3600], ids=["released soon", "of a clock that is ahead"])
def test_a_claim_of_another_environment_does_not_last(people: People, ahead: int) -> None:
    other, item, deadline = table(people, ahead), (SUBJECT, Channel.SLACK), Deadline.after(10)
    _, claim = other.claim(*item, 10_001, deadline)
    people.on_wait = lambda: other.release(*item, claim, deadline)

    assert people.handle(ENDED) == []
    assert people.told() == ONCE
    assert len(people.waits) == (0 if ahead else 1)


def test_only_its_owner_releases_a_claim_and_no_note_replaces_a_newer_one(people: People) -> None:
    other, item, deadline = table(people), (SUBJECT, Channel.SLACK), Deadline.after(10)
    other.claim(*item, 60_000, deadline)
    other.release(*item, "the claim of another", deadline)
    assert people.handle(ENDED) == [0]

    other.note(*item, 60_000, deadline)
    other.note(*item, 10_001, deadline)
    assert people.handle(ENDED) == []
    assert people.told() == {}
