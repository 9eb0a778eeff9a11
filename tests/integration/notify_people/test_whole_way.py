"""What people get in the end, through the real runtime: from Atlas to chat, e-mail and pager."""

import json

import pytest

from integration.notify_people.people import People
from integration.people import CHANNELS, EVERYBODY, GROUP
from local_stack.canaries import CANARIES
from local_stack.faults import Answer
from local_stack.template import STACK_NAME
from local_stack.wire import Fault

pytestmark = pytest.mark.timeout(120)

KEYS = f"atlas-restore-watch/{STACK_NAME}"
"""How the keys of this stack's pages begin."""


def test_a_restore_is_one_thread_in_chat_and_one_email_at_its_end(people: People) -> None:
    restore = people.atlas.start_restore(GROUP, "orders", "flex", target_cluster="staging")
    people.check(restore)
    people.deliver()
    assert people.told() == {}, "nobody asked for progress"

    restore.run_to_end()
    people.check(restore)
    people.deliver()
    (chat,), ((subject, text),) = people.chat(), people.emails()

    assert chat["metadata"]["threadId"] == f"{STACK_NAME}/{restore.restore_id}"
    assert subject.startswith("Restore completed: orders -> staging")
    assert text.splitlines()[0] == "The snapshot was 60 min old."
    assert people.told() == {"slack": 1, "teams": 1}, "nobody is paged for a good end"
    assert people.notices.waiting() == people.dead() == 0


def test_a_failed_restore_and_a_verdict_on_its_data_reach_every_channel_once(
    people: People,
) -> None:
    restore = people.fail_a_restore()
    people.deliver()
    assert people.pages() == [("trigger", f"{KEYS}/restore/{restore.restore_id}")]
    assert people.told() == EVERYBODY

    event = {"action": "record-validation", **restore.event, "verdict": "FAILED"}
    for _ in range(2):
        people.invoke(event).result  # noqa: B018
        people.deliver()
    assert people.pages() == [("trigger", f"{KEYS}/validation/{restore.restore_id}/3")]
    assert people.told() == EVERYBODY
    assert people.notices.waiting() == people.dead() == 0


def test_a_test_notification_reaches_every_channel(people: People) -> None:
    people.invoke({"action": "test-notification"}).result  # noqa: B018
    people.deliver()

    assert [action for action, _ in people.pages()] == ["trigger", "resolve"]
    assert people.told() == EVERYBODY | {"pager": 2}


def test_a_webhook_that_takes_nothing_leaves_the_message_in_the_dead_letter_queue(
    people: People,
) -> None:
    """
    It is asked once in each delivery, and there are five; the others are told once.

    No secret reaches a log or the table.
    """
    fault = people.posts.wire.inject(Fault(service="teams", action=Answer(404), times=None))
    people.fail_a_restore()
    people.deliver()

    assert people.told() == {name: 1 for name in CHANNELS if name != "teams"}
    assert people.dead() == 1
    assert people.posts.wire.count("teams") == 5
    table = people.aws.client("dynamodb").scan(TableName=people.resources["SentNoticesTable"])
    said = people.people.logs() + json.dumps(table["Items"])
    assert "teams answered 404" in said
    assert not [word for word in CANARIES if word in said]

    fault.remove()
    dead = people.aws.client("sqs").receive_message(
        QueueUrl=people.resources["NoticeDeadLetterQueue"]
    )
    people.notices.send(dead["Messages"][0]["Body"])
    people.deliver()
    assert people.told() == {"teams": 1}, "once the webhook works, only it gets the notice"
