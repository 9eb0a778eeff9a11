"""What fails is tried again within bounds, and leaves the other channels and notices alone."""

import socket
import threading
from typing import Any

import pytest

from integration.notify_people.people import People
from integration.people import EVERYBODY
from local_stack.aws import aws_error
from local_stack.faults import Action, Answer, Delay, Hang, Reset, Verbatim
from local_stack.wire import Call, Fault
from unit.notify_people.messages import event

ENDED = event("flex-failed")


def failed_restores(count: int) -> list[dict[str, Any]]:
    return [event(restoreId=f"6b4a0f8000000000000{number:05d}") for number in range(count)]


def without(*channels: str) -> dict[str, int]:
    return {name: 1 for name in EVERYBODY if name not in channels}


@pytest.mark.parametrize(
    ("channel", "answer", "error"),
    [
        ("slack", Answer(500), "ChannelUnavailableError"),
        ("teams", Answer(403), "ChannelRefusedError"),
        ("chat", aws_error("sns", "AuthorizationError", status=403), "ChannelRefusedError"),
        ("chat", aws_error("sns", "InternalError", status=500), "ChannelUnavailableError"),
    ],
    ids=["webhook down", "webhook revoked", "topic refuses", "topic down"],
)
def test_one_channel_that_fails_neither_loses_nor_repeats_another(
    people: People, channel: str, answer: Answer, error: str
) -> None:
    def is_channel(call: Call) -> bool:
        return call.service == channel or (channel == "chat" and b"client-markdown" in call.body)

    for wire in (people.aws.wire, people.posts.wire):
        wire.inject(Fault(when=is_channel, action=answer, times=None))
    assert people.handle(ENDED) == [0]
    assert people.told() == without(channel)
    assert people.sent().keys() == without(channel).keys()
    assert people.handle(ENDED) == [0]
    assert people.told() == {}
    assert people.reported() == ({"NoticesSent": 4, "NoticesFailed": 2}, [error] * 2)

    people.aws.wire.heal()
    people.posts.wire.heal()
    assert people.handle(ENDED) == []
    assert people.told() == {channel: 1}


def test_an_outage_is_tried_again_within_bounds(people: People) -> None:
    dated = {"Retry-After": "Thu, 26 Nov 2026 09:14:00 GMT"}
    for answer in (Answer(503, dated), Answer(408), Answer(429)):
        people.posts.wire.inject(Fault("teams", action=answer))
    assert people.handle(ENDED) == []
    assert len(people.waits) == 3
    assert max(people.waits) < 3
    assert people.told() == EVERYBODY

    with people.posts.wire.inject(Fault("pager", action=Answer(500), times=None)) as outage:
        assert people.handle(*failed_restores(3)) == [0, 1, 2]
    assert outage.hits == 8, "four times for each of two notices, and not for the third"


@pytest.mark.parametrize(("seconds", "is_waited_for"), [("3", True), ("9", False)])
def test_a_rate_limit_is_waited_for_or_left_to_the_queue_if_it_is_long(
    people: People, seconds: str, *, is_waited_for: bool
) -> None:
    with people.posts.wire.inject(Fault("slack", action=Answer(429, {"Retry-After": seconds}))):
        assert people.handle(ENDED, seconds=300) == ([] if is_waited_for else [0])

    assert [3 <= wait < 5 for wait in people.waits] == [True] * is_waited_for
    assert people.handle(ENDED) == []
    assert people.told() == EVERYBODY


def test_a_redirect_is_not_followed_and_the_error_says_so(people: People) -> None:
    elsewhere = {"Location": people.posts.address("elsewhere")}
    with people.posts.wire.inject(Fault("slack", action=Answer(301, elsewhere), times=None)):
        assert people.handle(ENDED) == [0]

    assert people.posts.wire.count("slack") == 1
    assert people.posts.calls("elsewhere") == []
    assert "slack answered 301. Redirects are not followed" in people.output.readouterr().out


@pytest.mark.parametrize("action", [Reset(), Verbatim(b"canary-access-token\r\n\r\n")])
def test_what_was_sent_and_not_answered_waits_for_the_next_delivery(
    people: People, action: Action
) -> None:
    """It may have been taken. The pager knows that it is the same, so it is asked again at once."""
    for channel in ("teams", "pager"):
        people.posts.wire.inject(Fault(channel, action=action, phase="after"))
    assert people.handle(ENDED) == [0]

    assert people.told() == EVERYBODY | {"pager": 2}
    assert people.handle(ENDED) == []
    assert people.told() == {"teams": 1}


@pytest.mark.parametrize(
    "action",
    [aws_error("secretsmanager", "AccessDeniedException"), Hang(30)],
    ids=["denied", "hangs"],
)
def test_a_secret_that_cannot_be_read_costs_the_topics_nothing(
    people: People, action: Action
) -> None:
    """It is read once for all notices of a batch."""
    with people.aws.wire.inject(Fault("secretsmanager", action=action, times=None)):
        assert people.handle(*failed_restores(2), seconds=12) == [0, 1]
    assert people.told() == {"chat": 2, "email": 2}

    assert people.handle(*failed_restores(2)) == []
    assert people.told() == {"pager": 2, "slack": 2, "teams": 2}


@pytest.mark.parametrize("key", ["slack_webhook_url", "slack_webook_url"])
def test_a_wrong_value_or_key_in_the_secret_concerns_its_channel_alone(
    people: People, key: str
) -> None:
    others = {name: one for name, one in people.posts.secret.items() if "slack" not in name}
    people.put_people_secret(**others, **{key: "https://hooks..slack.com/services/T"})

    assert people.handle(ENDED) == [0]
    assert people.told() == without("slack")
    assert people.reported()[1] == ["SecretError"]


def test_webhooks_without_an_answer_leave_time_to_the_others(people: People) -> None:
    """The rest of the batch does not wait for them."""
    for channel in ("slack", "teams"):
        people.posts.wire.inject(Fault(channel, action=Hang(30), times=None))
    assert people.handle(*failed_restores(3), seconds=12) == [0, 1, 2]

    assert people.told() == {"pager": 3, "chat": 3, "email": 3}
    assert people.posts.wire.count("slack") == people.posts.wire.count("teams") == 1


def test_a_notice_that_a_channel_cannot_take_does_not_keep_others_from_it(people: People) -> None:
    first, *others = failed_restores(4)
    poison = first["data"]["restoreId"].encode()
    refusal = Fault("teams", action=Answer(502), when=lambda call: poison in call.body, times=None)
    with people.posts.wire.inject(refusal):
        assert people.handle(first, *others) == [0]

    assert people.told()["teams"] == 3


@pytest.mark.parametrize(
    ("channel", "seconds"),
    [("email", 4), pytest.param("teams", 6, marks=pytest.mark.campaign)],
)
def test_a_slow_channel_that_takes_the_notice_gets_it_once(
    people: People, channel: str, seconds: int
) -> None:
    people.start(NOTIFY_CHANNELS=channel)
    for wire, service in ((people.aws.wire, "sns"), (people.posts.wire, "teams")):
        wire.inject(Fault(service, action=Delay(seconds), phase="after", times=None))

    assert people.handle(ENDED) == []
    assert people.told() == {channel: 1}


def test_without_time_nothing_begins(people: People) -> None:
    assert people.handle(ENDED, seconds=0.5) == [0]

    assert people.told() == {}
    assert set(people.reported()[1]) == {"TimeBudgetExceededError"}


def test_a_call_that_was_left_behind_opens_no_page_after_its_recovery(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookup of a name hangs, and goes on when the recovery was sent."""
    people.start(NOTIFY_CHANNELS="pager")
    look_up, go_on = socket.getaddrinfo, threading.Event()
    port = int(people.posts.url.rpartition(":")[2])
    hangs = iter([True])

    def slow(host: Any, number: Any, *how: Any, **more: Any) -> Any:
        if number == port and next(hangs, False):
            go_on.wait(30)
        return look_up(host, number, *how, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    degraded = event("project-degraded")
    assert people.handle(degraded, seconds=7) == [0]
    assert people.handle(event("project-recovered")) == []
    go_on.set()
    assert people.handle(degraded) == []

    assert {action for action, _ in people.pages()} == {"resolve"}
