"""What fails is tried again within bounds, and leaves the other channels and notices alone."""

import json
import socket
import threading
import time
from typing import Any

import pytest

from behaviour.notify_people.people import EVERYBODY, People
from behaviour.rows import rows
from foundation.deadline import Deadline
from local_stack.aws import aws_error
from local_stack.canaries import CANARIES
from local_stack.faults import Action, Answer, Hang, Reset, Verbatim
from local_stack.function_queue import FunctionQueue
from local_stack.wire import Call, Fault
from unit.notify_people.messages import event

ENDED = event("flex-failed")


def failed_restores(count: int) -> list[dict[str, Any]]:
    return [event(restoreId=f"6b4a0f8000000000000{number:05d}") for number in range(count)]


def without(channel: str) -> dict[str, int]:
    return {name: 1 for name in EVERYBODY if name != channel}


REFUSED, UNAVAILABLE = "ChannelRefusedError", "ChannelUnavailableError"

QUOTED = " ".join(CANARIES)
"""Every answer quotes the secrets; `people` finds them if they are in a log."""


FAILING = {
    "webhook-down": ("slack", Answer(500, {"Retry-After": QUOTED}, QUOTED), UNAVAILABLE),
    "redirect": ("slack", Answer(301, {"Location": f"/{CANARIES[0]}"}, QUOTED), REFUSED),
    "webhook-revoked": ("teams", Answer(403, {"X-Quoted": QUOTED}, QUOTED), REFUSED),
    "pager": ("pager", Answer(400, {}, QUOTED), REFUSED),
    "topic-refuses": ("chat", aws_error("sns", "AuthorizationError", QUOTED, 403), REFUSED),
    "topic-down": ("chat", aws_error("sns", "InternalError", QUOTED, 500), UNAVAILABLE),
}


@pytest.mark.parametrize(("channel", "answer", "error"), rows(FAILING, "redirect", "topic-down"))
def test_one_channel_that_fails_neither_loses_nor_repeats_another(
    people: People, channel: str, answer: Answer, error: str
) -> None:
    def is_channel(call: Call) -> bool:
        return call.service == channel or (channel == "chat" and b"client-markdown" in call.body)

    for wire in (people.aws.wire, people.posts.wire):
        wire.inject(Fault(when=is_channel, action=answer, times=None))
    assert people.handle(ENDED) == [0]
    assert people.told() == without(channel)
    assert people.handle(ENDED) == [0]
    assert people.told() == {}
    assert people.reported() == ({"sent": 4, "sent already": 4}, [error] * 2)
    assert ("slack answered 301. Redirects are not followed" in people.log.getvalue()) is (
        answer.status == 301
    )

    people.aws.wire.heal()
    people.posts.wire.heal()
    assert people.handle(ENDED) == []
    assert people.told() == {channel: 1}


def test_an_outage_is_tried_again_within_bounds(people: People) -> None:
    for answer in (Answer(503), Answer(408), Answer(429)):
        people.posts.wire.inject(Fault("teams", action=answer))
    assert people.handle(ENDED) == []
    assert len(people.waits) == 4, "the last one is the pause before an e-mail"
    assert max(people.waits) < 3
    assert people.told() == EVERYBODY

    with people.posts.wire.inject(Fault("pager", action=Answer(500), times=None)) as outage:
        assert people.handle(*failed_restores(3)) == [0, 1, 2]
    assert outage.hits == 8, "four times for each of two notices, and not for the third"


@pytest.mark.campaign
@pytest.mark.parametrize(("seconds", "is_waited_for"), [("3", True), ("9", False)])
def test_a_rate_limit_is_waited_for_or_left_to_the_queue_if_it_is_long(
    people: People, seconds: str, *, is_waited_for: bool
) -> None:
    with people.posts.wire.inject(Fault("slack", action=Answer(429, {"Retry-After": seconds}))):
        assert people.handle(ENDED) == ([] if is_waited_for else [0])

    assert sum(3 <= wait < 5 for wait in people.waits) == is_waited_for
    assert people.handle(ENDED) == []
    assert people.told() == EVERYBODY


UNANSWERED = {"reset": Reset(), "no-http": Verbatim(b"canary-access-token\r\n\r\n")}


@pytest.mark.parametrize("action", rows(UNANSWERED, "reset"))
def test_what_was_sent_and_not_answered_waits_for_the_next_delivery(
    people: People, action: Action
) -> None:
    """It may have been taken. The pager knows that it is the same, so it is asked again at once."""
    for channel in ("slack", "teams", "pager"):
        people.posts.wire.inject(Fault(channel, action=action, phase="after"))
    assert people.handle(ENDED) == [0]

    assert people.told() == EVERYBODY | {"pager": 2}
    assert people.handle(ENDED) == []
    assert people.told() == {"slack": 1, "teams": 1}


@pytest.mark.parametrize(
    "action",
    [
        aws_error("secretsmanager", "AccessDeniedException"),
        pytest.param(Hang(30), marks=pytest.mark.campaign),
    ],
    ids=["denied", "hangs"],
)
def test_a_secret_that_cannot_be_read_costs_the_topics_nothing(
    people: People, action: Action
) -> None:
    """It is read once for all notices of a batch."""
    people.start(people.session(is_patient=True))
    with people.aws.wire.inject(Fault("secretsmanager", action=action, times=None)):
        assert people.handle(*failed_restores(2), deadline=Deadline.after(12)) == [0, 1]
    assert people.told() == {"chat": 2, "email": 1}

    assert people.handle(*failed_restores(2)) == []
    assert people.told() == {"pager": 2, "slack": 2, "teams": 2}


def test_a_notice_that_a_channel_cannot_take_does_not_keep_others_from_it(people: People) -> None:
    first, *others = failed_restores(4)
    poison = first["data"]["restoreId"].encode()
    refusal = Fault("teams", action=Answer(502), when=lambda call: poison in call.body, times=None)
    with people.posts.wire.inject(refusal):
        assert people.handle(first, *others) == [0]

    assert people.told()["teams"] == 3


# Time


@pytest.mark.campaign
def test_webhooks_without_an_answer_leave_time_to_the_others(people: People) -> None:
    """The rest of the batch does not wait for them."""
    people.start(NOTIFY_CHANNELS="slack,teams,email")
    for channel in ("slack", "teams"):
        people.posts.wire.inject(Fault(channel, action=Hang(30), times=None))
    assert people.handle(*failed_restores(10), deadline=Deadline.after(8)) == [*range(10)]

    assert people.told() == {"email": 1}
    assert people.posts.wire.count("slack") == people.posts.wire.count("teams") == 1


def test_without_time_nothing_begins(people: People) -> None:
    assert people.handle(ENDED, deadline=people.deadline(0.5)) == [0]

    assert people.told() == {}
    assert set(people.reported()[1]) == {"TimeBudgetExceededError"}


@pytest.mark.campaign
@pytest.mark.parametrize("channel", ["pager", "slack"])
def test_a_call_that_was_left_behind_sends_nothing_after_the_recovery(
    people: People, monkeypatch: pytest.MonkeyPatch, channel: Any
) -> None:
    """It hangs before it is connected, as in the lookup of a name, and goes on too late."""
    people.start(NOTIFY_CHANNELS=channel)
    connect, go_on, left = socket.create_connection, threading.Event(), list[socket.socket]()
    port = int(people.posts.url.rpartition(":")[2])
    hangs = iter([True])

    def slow(address: tuple[str, int], *how: Any, **more: Any) -> socket.socket:
        if address[1] == port and next(hangs, False):
            go_on.wait(30)
            left.append(connect(address, *how, **more))
            return left[0]
        return connect(address, *how, **more)

    def is_over() -> bool:
        return bool(left) and left[0].fileno() == -1

    monkeypatch.setattr(socket, "create_connection", slow)
    degraded = event("project-degraded")
    assert people.handle(degraded, deadline=people.deadline(1.6)) == [0]
    people.now += 2
    assert people.handle(event("project-recovered")) == people.handle(degraded) == []
    sent = people.posts.got(channel)
    go_on.set()
    until = time.monotonic() + 10
    while not is_over() and people.posts.got(channel) == sent and time.monotonic() < until:
        time.sleep(0.001)

    assert people.posts.got(channel) == sent
    assert is_over()


def test_a_webhook_that_takes_nothing_leaves_the_message_in_the_dead_letter_queue(
    people: People,
) -> None:
    """
    The whole way from Atlas, with both functions in the real runtime: five deliveries.

    Nobody asked for progress, and no secret reaches a log or the table.
    """
    fault = people.posts.wire.inject(Fault(service="teams", action=Answer(404), times=None))
    people.fail_a_restore()
    people.deliver()
    assert people.told() == without("teams")
    assert people.posts.wire.count("teams") == 5
    table = people.aws.client("dynamodb").scan(TableName=people.resources["SentNoticesTable"])
    said = people.people.logs() + json.dumps(table["Items"])
    assert "teams answered 404" in said
    assert not [word for word in CANARIES if word in said]

    fault.remove()
    dead = FunctionQueue(people.aws, people.resources["NoticeDeadLetterQueue"], people.invoke)
    (message,) = dead.bodies()
    people.notices.send(message)
    people.deliver()
    assert people.told() == {"teams": 1}, "once the webhook works, only it gets the notice"


def test_the_doctors_advice_for_a_deleted_topic_sends_what_people_missed(
    breakable: People,
) -> None:
    """Nothing that waits for people is published again: it is moved."""
    sns, arn = breakable.aws.client("sns"), breakable.resources["EmailTopic"]
    held = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"][-1]
    sns.delete_topic(TopicArn=arn)
    breakable.fail_a_restore()
    breakable.deliver()
    assert breakable.told() == without("email")

    checks = breakable.invoke({"action": "diagnose"}).result["checks"]
    (fix,) = [one["fix"] for one in checks if one["check"] == "e-mail topic"]
    advice, command = fix.splitlines()
    assert "'SNS answered NotFound'" in advice
    assert "published then" not in advice
    dead = FunctionQueue(
        breakable.aws, breakable.resources["NoticeDeadLetterQueue"], breakable.invoke
    )
    assert command == (
        "aws sqs start-message-move-task --source-arn <NoticeDeadLetterQueueArn> "
        "--destination-arn <NoticeQueueArn>"
    )

    sns.create_topic(Name=arn.rpartition(":")[2])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=held["Endpoint"])
    breakable.deliver()
    assert breakable.told() == {}
    breakable.notices.send(*dead.bodies())  # moto has no StartMessageMoveTask
    breakable.deliver()
    assert breakable.told() == {"email": 1}
