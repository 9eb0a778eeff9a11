"""What people get in the end, through the real runtime: from Atlas to chat, e-mail and pager."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.people import CHANNELS, GROUP, PeopleStack
from local_stack.canaries import CANARIES
from local_stack.faults import Answer
from local_stack.readers import Reader
from local_stack.template import STACK_NAME
from local_stack.wire import Fault
from restore_watch.aws.cloud_events import watch_cloud_event
from restore_watch.model.outage import Trouble, WatchChange, WatchState

pytestmark = pytest.mark.timeout(120)

KEYS = f"atlas-restore-watch/{STACK_NAME}"
"""How the keys of this stack's pages begin."""

EVERYBODY = dict.fromkeys(CHANNELS, 1)


@pytest.fixture(scope="module")
def people_stack() -> Iterator[PeopleStack]:
    with PeopleStack() as stack:
        yield stack


@pytest.fixture
def people(people_stack: PeopleStack) -> Iterator[PeopleStack]:
    yield people_stack
    people_stack.begin_anew()


def watch_message(state: WatchState) -> dict[str, Any]:
    """What a sweep publishes of a project that it cannot see, or sees again."""
    since = datetime(2026, 10, 5, 12, tzinfo=UTC)
    trouble = Trouble(since, "AtlasUnauthorizedError", "Atlas answered 401: no role")
    change = WatchChange(state, GROUP, trouble, since + timedelta(minutes=9), since, 2)
    return watch_cloud_event(change, GROUP)


def test_a_restore_is_one_thread_in_chat_and_one_email_at_its_end(people: PeopleStack) -> None:
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


def test_a_failed_restore_reaches_every_channel_and_pages_once(people: PeopleStack) -> None:
    restore = people.fail_a_restore()
    people.deliver()

    assert people.pages() == [("trigger", f"{KEYS}/restore/{restore.restore_id}")]
    assert people.told() == EVERYBODY


def test_a_degraded_project_is_one_page_that_is_resolved(people: PeopleStack) -> None:
    for state in (WatchState.DEGRADED, WatchState.RECOVERED):
        people.notices.send(watch_message(state))
        people.deliver()

    (opened, first), (closed, second), _ = people.pages()
    assert (opened, closed) == ("trigger", "resolve")
    assert first == second


def test_a_recovery_that_overtakes_leaves_no_page_open(people: PeopleStack) -> None:
    for state in (WatchState.RECOVERED, WatchState.DEGRADED):
        people.notices.send(watch_message(state))
        people.deliver()

    assert "trigger" not in {action for action, _ in people.pages()}
    assert people.told()["email"] == 1


def test_a_redelivery_tells_nobody_again(people: PeopleStack) -> None:
    people.fail_a_restore()
    (message,) = [one for one in people.received() if one.event["data"]["terminal"]]
    people.deliver()
    people.told()

    people.notices.send(message.event, message.event)
    people.deliver()

    assert people.told() == {}
    assert people.notices.waiting() == people.dead() == 0


def test_a_verdict_on_the_restored_data_reaches_every_channel_once(people: PeopleStack) -> None:
    restore = people.fail_a_restore()
    people.deliver()
    people.told()
    event = {"action": "record-validation", **restore.event, "verdict": "FAILED"}
    for _ in range(2):
        people.invoke(event).result  # noqa: B018
        people.deliver()

    key = f"{KEYS}/validation/{restore.restore_id}/3"
    assert people.pages() == [("trigger", key)]
    assert people.told() == EVERYBODY
    assert people.notices.waiting() == people.dead() == 0


def test_a_test_notification_reaches_every_channel(people: PeopleStack) -> None:
    people.invoke({"action": "test-notification"}).result  # noqa: B018
    people.deliver()

    assert [action for action, _ in people.pages()] == ["trigger", "resolve"]
    assert all("TEST" in subject for subject, _ in people.emails())
    assert people.told() == {"chat": 1, "slack": 1, "teams": 1, "pager": 2}


@pytest.mark.parametrize("status", [429, 500])
def test_a_webhook_that_is_busy_for_a_moment_gets_its_notice_and_the_others_theirs_once(
    people: PeopleStack, status: int
) -> None:
    busy = Answer(status, {"Retry-After": "1"} if status == 429 else {}, "busy")
    people.posts.wire.inject(Fault(service="slack", action=busy))
    people.fail_a_restore()
    people.deliver()

    assert people.told() == EVERYBODY
    assert people.posts.wire.count("slack") == 2


@pytest.mark.parametrize(
    ("reader", "refusal"),
    [("slack", Answer(429, {"Retry-After": "60"})), ("teams", Answer(404))],
    ids=["busy for long", "revoked"],
)
def test_a_webhook_that_takes_nothing_leaves_the_message_in_the_dead_letter_queue(
    people: PeopleStack, reader: Reader, refusal: Answer
) -> None:
    """It is asked once in each delivery, and there are five; the others are told once."""
    fault = people.posts.wire.inject(Fault(service=reader, action=refusal, times=None))
    people.fail_a_restore()
    people.deliver()

    assert people.told() == {name: 1 for name in CHANNELS if name != reader}
    assert people.dead() == 1
    assert people.posts.wire.count(reader) == 5

    fault.remove()
    dead = people.aws.client("sqs").receive_message(
        QueueUrl=people.resources["NoticeDeadLetterQueue"]
    )
    people.notices.send(dead["Messages"][0]["Body"])
    people.deliver()
    assert people.told() == {reader: 1}, "once the webhook works, only it gets the notice"


def test_no_secret_reaches_a_log_or_the_table(people: PeopleStack) -> None:
    people.posts.wire.inject(Fault(service="slack", action=Answer(403), times=None))
    people.fail_a_restore()
    people.deliver()
    table = people.aws.client("dynamodb").scan(TableName=people.resources["SentNoticesTable"])
    said = people.people.logs() + json.dumps(table["Items"])

    assert "slack answered 403" in said
    assert not [word for word in CANARIES if word in said]
