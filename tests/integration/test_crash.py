"""The process is really killed at each step of a check: nothing is lost, the item converges."""

from threading import Thread
from typing import NamedTuple

import pytest

from integration.watching import (
    check,
    item_of,
    received,
    statuses,
    stored,
    target,
    wait_until,
)
from local_stack.atlas import EmulatedRestore
from local_stack.runtime import Invocation
from local_stack.stack import LocalStack
from local_stack.wire import Call, Close, Fault, Phase


class Moment(NamedTuple):
    """Where the process dies: at a call, before or after its effect."""

    operation: str
    phase: Phase
    words: bytes = b""

    def is_meant(self, call: Call) -> bool:
        return call.operation == self.operation and self.words in call.body


AFTER_ATLAS = Moment("flex", "after")
BEFORE_WRITE = Moment("UpdateItem", "before", b"list_append")
AFTER_WRITE = Moment("UpdateItem", "after", b"list_append")
BEFORE_PUBLISH = Moment("Publish", "before")
AFTER_PUBLISH = Moment("Publish", "after")
BEFORE_ACKNOWLEDGE = Moment("UpdateItem", "before", b'"SET #publishedSequence')
AFTER_ACKNOWLEDGE = Moment("UpdateItem", "after", b'"SET #publishedSequence')

# How often the change is published in all, and whether it is the next check that records it.
CRASHES = {
    "after-atlas-answered": (AFTER_ATLAS, 1, True),
    "before-the-write": (BEFORE_WRITE, 1, True),
    "between-write-and-publish": (AFTER_WRITE, 1, False),
    "between-publish-and-acknowledge": (AFTER_PUBLISH, 2, False),
    "after-the-acknowledge": (AFTER_ACKNOWLEDGE, 1, False),
}


def killed(stack: LocalStack, restore: EmulatedRestore, moment: Moment) -> Invocation:
    """Check a restore in a process that dies at this moment, its last call with it."""
    wire = stack.atlas.wire if moment.operation == "flex" else stack.aws.wire
    answers: list[Invocation] = []
    with wire.hold(phase=moment.phase, when=moment.is_meant) as gate:
        check = Thread(target=lambda: answers.append(stack.invoke(target(restore, "flex"))))
        check.start()
        gate.wait_for(1, timeout=20)
        stack.new_environments()
        # What was held has no sender any more, and must not take effect after its death.
        fault = Fault(action=Close(), phase=moment.phase, when=moment.is_meant)
        with wire.inject(fault) as injected:
            gate.open()
            wait_until(lambda: injected.hits > 0)
    check.join()
    (answer,) = answers
    return answer


@pytest.mark.parametrize(("moment", "publications", "records"), CRASHES.values(), ids=CRASHES)
def test_a_crash_loses_nothing(
    stack: LocalStack, group: str, moment: Moment, publications: int, *, records: bool
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    crash = killed(stack, restore, moment)
    after, later = (check(stack, restore, "flex").result for _ in range(2))
    messages = received(stack)

    assert crash.crashed
    assert after["status"] == "COMPLETED"
    assert after["changed"] is records
    assert later["changed"] is False
    assert [message.event["id"] for message in messages] == [
        f"{restore.restore_id}:COMPLETED"
    ] * publications
    assert messages == messages[:1] * publications
    assert_converged(stack, restore, 1)


def assert_converged(stack: LocalStack, restore: EmulatedRestore, changes: int) -> None:
    item = stored(stack, restore)
    assert item["status"] == restore.step
    assert item["sequence"] == item["publishedSequence"] == len(item["history"]) == changes
    assert "openShard" not in item
    assert "expiresAt" in item


def test_publishes_again_when_killed_before_the_publish(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    killed(stack, restore, BEFORE_PUBLISH)
    item = stored(stack, restore)

    assert (item["status"], item["sequence"], item["publishedSequence"]) == ("PENDING", 1, 0)
    assert "openShard" in item
    assert received(stack) == []

    check(stack, restore, "flex")
    assert statuses(received(stack)) == ["PENDING"]
    assert stored(stack, restore)["publishedSequence"] == 1


def test_publishes_the_same_again_when_killed_before_the_acknowledge(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    killed(stack, restore, BEFORE_ACKNOWLEDGE)
    first = received(stack)
    assert stored(stack, restore)["publishedSequence"] == 0

    check(stack, restore, "flex")
    assert received(stack) == first
    assert len(first) == 1


def test_a_job_at_its_end_stays_open_while_its_change_is_pending(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    killed(stack, restore, BEFORE_PUBLISH)
    item = stored(stack, restore)

    assert item["status"] == "COMPLETED"
    assert "openShard" in item
    assert "expiresAt" not in item


def test_nothing_is_stored_when_killed_before_the_write(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    killed(stack, restore, BEFORE_WRITE)

    assert item_of(stack, restore) is None
    assert received(stack) == []


def test_what_a_crash_left_pending_is_published_before_what_came_later(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    killed(stack, restore, BEFORE_PUBLISH)
    restore.advance()
    killed(stack, restore, BEFORE_PUBLISH)
    restore.run_to_end()
    check(stack, restore, "flex")
    messages = received(stack)

    assert statuses(messages) == ["PENDING", "QUEUED", "COMPLETED"]
    assert [message.event["data"]["sequence"] for message in messages] == [1, 2, 3]
    assert [message.event["data"]["previousStatus"] for message in messages] == [
        None,
        "PENDING",
        "QUEUED",
    ]
    assert_converged(stack, restore, 3)


def test_a_crash_amid_several_publications_repeats_them_from_the_first(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    killed(stack, restore, BEFORE_PUBLISH)
    restore.run_to_end()
    killed(stack, restore, Moment("Publish", "before", b"COMPLETED"))
    first = received(stack)
    check(stack, restore, "flex")

    assert statuses(first) == ["PENDING"]
    assert statuses(received(stack)) == ["PENDING", "COMPLETED"]
    assert_converged(stack, restore, 2)


def test_a_process_that_is_killed_takes_no_other_with_it(stack: LocalStack, group: str) -> None:
    first, second = (stack.atlas.start_restore(group, f"c-{n}", "flex") for n in range(2))
    killed(stack, first, BEFORE_PUBLISH)
    check(stack, second, "flex")

    assert [message.event["subject"] for message in received(stack)] == [second.restore_id]
    assert stored(stack, first)["publishedSequence"] == 0
