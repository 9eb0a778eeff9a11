"""Nobody is notified twice, except after a kill between sending and noting."""

import threading

import pytest

from integration.notify_people.people import People, errors
from local_stack.faults import Reset
from local_stack.readers import Readers
from local_stack.wire import Call, Fault
from notify_people.channels.sent_table import CLAIM_TIME
from unit.notify_people.messages import event

ENDED = event("flex-failed")


def notes(call: Call) -> bool:
    """True if this update notes what was sent."""
    return b"sentAt" in call.body


def test_only_a_kill_between_sending_and_noting_repeats_a_notice(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    people.start(NOTIFY_CHANNELS="slack")
    with people.aws.wire.inject(Fault("dynamodb", "UpdateItem", notes, action=Reset(), times=None)):
        assert people.deliver(ENDED) == [0]
    assert len(readers.got("slack")) == 1

    assert people.deliver(ENDED) == [0]
    people.now += CLAIM_TIME + 1
    assert people.deliver(ENDED) == []
    assert people.deliver(ENDED) == []

    assert len(readers.got("slack")) == 2
    assert errors(capsys) == ["SentTableError", "SendingElsewhereError"]


def test_a_note_whose_answer_was_lost_repeats_nothing(people: People, readers: Readers) -> None:
    people.start(NOTIFY_CHANNELS="slack")
    lost = Fault("dynamodb", "UpdateItem", notes, action=Reset(), phase="after")
    with people.aws.wire.inject(lost):
        assert people.deliver(ENDED) == []

    assert people.deliver(ENDED) == []
    assert len(readers.got("slack")) == 1


def test_a_claim_whose_answer_was_lost_keeps_nobody_from_sending(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANNELS="slack")
    lost = Fault("dynamodb", "UpdateItem", action=Reset(), phase="after")
    with people.aws.wire.inject(lost):
        assert people.deliver(ENDED) == []

    assert len(readers.got("slack")) == 1


def test_without_the_table_nothing_is_sent(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    with people.aws.wire.inject(Fault("dynamodb", action=Reset(), times=None)):
        assert people.deliver(ENDED) == [0]

    assert readers.wire.calls == ()
    assert set(errors(capsys)) == {"SentTableError"}
    assert people.deliver(ENDED) == []


def test_two_invocations_with_the_same_message_send_it_once(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANNELS="slack")
    failed: list[int] = []
    with readers.wire.hold("slack") as gate:
        first = threading.Thread(target=lambda: failed.extend(people.deliver(ENDED)))
        first.start()
        gate.wait_for(1)

        assert people.deliver(ENDED) == [0]
        gate.open()
        first.join()

    assert failed == []
    assert people.deliver(ENDED) == []
    assert len(readers.got("slack")) == 1


def test_an_older_message_waits_for_a_newer_one_that_is_being_sent(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANNELS="slack", NOTIFY_CHANGES="all")
    with readers.wire.hold("slack") as gate:
        newer = threading.Thread(target=lambda: people.deliver(ENDED))
        newer.start()
        gate.wait_for(1)

        assert people.deliver(event("flex-started")) == [0]
        gate.open()
        newer.join()

    assert people.deliver(event("flex-started")) == []
    (only,) = readers.got("slack")
    assert "FAILED" in only["text"]
