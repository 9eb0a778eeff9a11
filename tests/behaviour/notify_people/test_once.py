"""Nobody is notified twice, except after a kill between sending and noting."""

import re
from contextlib import closing
from itertools import count
from typing import Any

import pytest

from behaviour.measuring.measured import Measured
from behaviour.notify_people.people import EVERYBODY, People
from behaviour.rows import rows
from local_stack.cluster_data import Held
from local_stack.connections import connect
from local_stack.faults import Hang, Reset
from local_stack.readers import READERS
from local_stack.running import Running
from local_stack.wire import Call, Fault, Phase
from local_stack.world import World
from notify_people.channels.channel import Channel
from notify_people.channels.sent_table import SentTable
from unit.notify_people.messages import RESTORE, event

ENDED = event("flex-failed")
ITEM = (f"restore/{RESTORE}", Channel.SLACK)
ONCE = {"slack": 1}


@pytest.fixture(autouse=True)
def only_slack(people: People) -> None:
    people.start(NOTIFY_CHANNELS="slack", NOTIFY_CHANGES="all")


def notes(call: Call) -> bool:
    """True if this update notes what was sent."""
    return b"sentAt" in call.body


@pytest.mark.campaign
@pytest.mark.parametrize("phase", ["before", "after"])
def test_after_a_kill_at_any_call_everybody_is_told(people: People, phase: Phase) -> None:
    """Twice only if the kill is between the sending and the note."""
    people.start()
    for number in count():
        message = event(restoreId=f"{number:024x}")
        with people.dying(number, phase) as calls:
            people.handle(message)
        if len(calls) <= number:
            break
        people.start()
        people.now += 61
        assert people.handle(message) == []

        told, last = people.told(), calls[number]
        is_sending = last.service in READERS or last.operation == "Publish"
        may_repeat = is_sending if phase == "after" else notes(last)
        assert set(told) == set(EVERYBODY), f"{dict(told)} after a kill {phase} {last}"
        assert told.total() - 5 == may_repeat, f"{dict(told)} after a kill {phase} {last}"

    assert number == 15, "the claim, the sending and the note of five channels"


def test_a_message_that_is_delivered_again_after_days_is_sent_to_nobody(people: People) -> None:
    for days in (0, 13):
        people.now += days * 86_400
        people.start()
        assert people.handle(ENDED) == []
    assert people.told() == EVERYBODY
    assert people.reported() == ({"sent": 5, "sent already": 5}, [])

    name = people.resources["SentNoticesTable"]
    items = people.aws.client("dynamodb").scan(TableName=name)["Items"]
    assert {item["channel"]["S"] for item in items} == set(EVERYBODY)
    assert {item["sequence"]["N"] for item in items} == {"50002"}
    assert {item["expiresAt"]["N"] for item in items} == {"1829560000"}, "400 days later"


def test_a_difference_that_is_delivered_again_is_said_once_beside_the_end_of_its_restore(
    people: People,
) -> None:
    """The functions that watch and measure publish the messages."""
    people.start(NOTIFY_CHANGES="all", RESTORE_TEST_COUNTS="measured")
    with closing(connect(people)) as by, World(people, by) as world:
        measured = Measured(world)
        measured.target.hold("sales", Held(600_000, 12, 30), measured.ended_at)
        assert measured.deliver()
        ended, differs = people.notices.bodies()

    for days in (0, 1, 13):
        people.now += days * 86_400
        people.start(NOTIFY_CHANGES="all", RESTORE_TEST_COUNTS="measured")
        assert people.handle(ended, differs, differs) == []

    ((_, text),) = people.emails()
    assert re.findall(r"^- (.+)$", text, re.MULTILINE)[:2] == [
        "Restored data differs: orders -> copy",
        "Restore completed: orders -> copy in 20 min",
    ]
    assert "sales (documents: 600,000 instead of 1,200,000; indexes: 30 instead of 31)" in text
    assert people.told() == {"chat": 2, "slack": 2, "teams": 2}


def test_only_a_kill_between_sending_and_noting_repeats_a_notice(people: People) -> None:
    with people.aws.wire.inject(Fault("dynamodb", "UpdateItem", notes, action=Reset(), times=None)):
        assert people.handle(ENDED) == [0]
    assert people.told() == ONCE

    people.now += 56
    assert people.handle(ENDED) == [0]
    assert people.told() == {}
    people.now += 2
    assert people.handle(ENDED) == people.handle(ENDED) == []
    assert people.told() == ONCE
    assert people.reported()[1] == ["SentTableError", "SendingElsewhereError"]


UNSURE = {"hangs": Hang(30), "answer-lost": Reset()}


@pytest.mark.parametrize("action", rows(UNSURE, "answer-lost"))
def test_nothing_newer_overtakes_a_message_that_the_topic_may_still_send(
    people: People, action: Any
) -> None:
    people.start(people.session(is_patient=True), NOTIFY_CHANNELS="email")
    with people.aws.wire.inject(Fault("sns", "Publish", action=action)):
        assert people.handle(ENDED, deadline=people.deadline(2.6)) == [0]

    assert people.handle(event(sequence=3)) == [0]
    assert people.told() == {}
    people.now += 61
    assert people.handle(event(sequence=3)) == []
    assert people.told() == {"email": 1}


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
    with people.posts.wire.hold("slack") as gate:
        first = Running(lambda: people.handle(ENDED))
        first.start()
        gate.wait_for(1)
        assert people.handle(second) == [0]
        gate.open()
        assert first.end() == []

    assert people.handle(second) == []
    (only,) = people.posts.got("slack")
    assert "FAILED" in only["text"]


def table(people: People, ahead: int = 0) -> SentTable:
    """The table, written by another environment, whose clock is ahead."""
    name = people.resources["SentNoticesTable"]
    return SentTable(people.session().client("dynamodb"), name, now=lambda: people.now + ahead)


@pytest.mark.parametrize("ahead", rows({"released-soon": 0, "ahead": 3600}, "ahead"))
def test_a_claim_of_another_environment_does_not_last(people: People, ahead: int) -> None:
    other = table(people, ahead)
    other.claim(*ITEM, 10_001, "other", people.deadline())
    people.on_wait = lambda: other.release(*ITEM, "other", people.deadline())

    assert people.handle(ENDED) == []
    assert people.told() == ONCE
    assert len(people.waits) == (0 if ahead else 1)


def test_only_its_owner_releases_a_claim_and_no_note_replaces_a_newer_one(people: People) -> None:
    other = table(people)
    other.note(*ITEM, 10_001, people.deadline())
    other.claim(*ITEM, 60_000, "other", people.deadline())
    other.release(*ITEM, "the claim of another", people.deadline())
    assert people.handle(ENDED) == [0]

    other.note(*ITEM, 60_000, people.deadline())
    other.note(*ITEM, 10_001, people.deadline())
    assert people.handle(ENDED) == []
    assert people.told() == {}
