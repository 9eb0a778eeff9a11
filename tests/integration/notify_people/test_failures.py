"""What fails is tried again within bounds, and leaves the other channels alone."""

import pytest

from golden.notify_people.cases import RESTORE
from integration.notify_people.people import People, counted, errors, output
from local_stack.aws import aws_error
from local_stack.faults import Action, Answer, Close, EndlessHeaders, Hang, Reset, Verbatim
from local_stack.readers import Readers
from local_stack.wire import Call, Fault
from notify_people.channels.webhooks import ATTEMPTS
from unit.notify_people.messages import event

ENDED = event("flex-failed")
SUBJECT = f"restore/{RESTORE}"
OTHERS = ("chat", "email", "teams", "pager")


def test_one_channel_that_fails_neither_loses_nor_repeats_another(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    with readers.wire.inject(Fault("slack", action=Answer(500), times=None)):
        assert people.deliver(ENDED) == [0]
        assert people.sent() == dict.fromkeys(((SUBJECT, one) for one in OTHERS), 50_002)
        assert people.deliver(ENDED) == [0]

    lines = output(capsys)
    assert counted(lines) == {"NoticesSent": 4, "NoticesFailed": 2}
    assert people.deliver(ENDED) == []
    assert len(readers.got("slack")) == len(readers.got("teams")) == 1
    assert len(people.chat()) == len(people.emails()) == len(readers.got("pager")) == 1


def test_a_rate_limit_is_waited_for_as_long_as_it_says(people: People, readers: Readers) -> None:
    fault = Fault("slack", action=Answer(429, {"Retry-After": "3"}))
    with readers.wire.inject(fault):
        assert people.deliver(ENDED) == []

    (wait,) = people.waits
    assert 3 <= wait < 5
    assert len(readers.got("slack")) == 1


def test_a_long_rate_limit_is_left_to_the_queue(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    with readers.wire.inject(Fault("slack", action=Answer(429, {"Retry-After": "9"}))):
        assert people.deliver(ENDED, seconds=300) == [0]

    assert people.waits == []
    assert errors(capsys) == ["ChannelUnavailableError"]
    assert people.deliver(ENDED) == []
    assert len(readers.got("slack")) == 1


@pytest.mark.parametrize(
    "action",
    [
        Answer(500),
        Answer(503, {"Retry-After": "Thu, 26 Nov 2026 09:14:00 GMT"}),
        Answer(408),
        Answer(429),
    ],
    ids=["500", "503 with a date", "408", "429"],
)
def test_an_outage_is_tried_again_within_bounds(
    people: People, readers: Readers, action: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    with readers.wire.inject(Fault("teams", action=action, times=2)):
        assert people.deliver(ENDED) == []
    assert len(people.waits) == 2
    assert len(readers.got("teams")) == 1

    with readers.wire.inject(Fault("pager", action=action, times=None)) as outage:
        assert people.deliver(event("dedicated-failed", sequence=3)) == [0]
        assert outage.hits == ATTEMPTS
    assert errors(capsys) == ["ChannelUnavailableError"]


@pytest.mark.parametrize(
    "action",
    [Reset(), Close(), Verbatim(b"canary-access-token\r\n\r\n")],
    ids=["reset", "closed", "not HTTP"],
)
def test_what_was_sent_and_not_answered_waits_for_the_next_delivery(
    people: People, readers: Readers, action: Action
) -> None:
    """It may have been taken. The pager knows that it is the same, so it is asked again at once."""
    lost = Fault("teams", action=action, phase="after")
    lost_page = Fault("pager", action=action, phase="after")
    with readers.wire.inject(lost), readers.wire.inject(lost_page):
        assert people.deliver(ENDED) == [0]

    assert (len(readers.got("teams")), len(readers.got("pager"))) == (1, 2)
    assert people.deliver(ENDED) == []
    assert (len(readers.got("teams")), len(readers.got("pager"))) == (2, 2)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
@pytest.mark.parametrize("channel", ["slack", "teams", "pager"])
def test_a_revoked_webhook_is_not_tried_again_and_says_what_to_renew(
    people: People,
    readers: Readers,
    channel: str,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    elsewhere = {"Location": readers.address("elsewhere")}
    with readers.wire.inject(Fault(channel, action=Answer(status, elsewhere), times=None)):
        assert people.deliver(ENDED) == [0]

    assert len(readers.calls(channel)) == 1
    assert readers.calls("elsewhere") == []
    (line,) = [line for line in output(capsys) if "error" in line]
    assert line["error"] == "ChannelRefusedError"
    assert line["message"].startswith(f"{channel} answered {status}. ")
    assert (SUBJECT, channel) not in people.sent()


def test_a_webhook_that_was_renewed_gets_what_it_missed(people: People, readers: Readers) -> None:
    revoked = readers.address("slack").replace("/slack/", "/slack/old-")
    people.put_secret(slack_webhook_url=revoked)
    gone = Fault("slack", action=Answer(404), times=None, when=lambda call: "old-" in call.path)
    with readers.wire.inject(gone):
        assert people.deliver(ENDED) == [0]
        people.put_secret(slack_webhook_url=readers.address("slack"))
        people.now += 360

        assert people.deliver(ENDED) == []

    assert len(readers.got("slack")) == 1


@pytest.mark.parametrize("action", [Hang(30), EndlessHeaders()], ids=["hangs", "never ends"])
def test_webhooks_without_an_answer_leave_time_to_the_others(
    people: People, readers: Readers, action: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    with readers.wire.inject(Fault(action=action, times=None)):
        assert people.deliver(ENDED, seconds=12) == [0]

    assert {channel for _, channel in people.sent()} == {"chat", "email"}
    assert errors(capsys) == ["ChannelUnavailableError"] * 3


def test_without_time_nothing_begins(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert people.deliver(ENDED, seconds=0.5) == [0]

    assert readers.wire.calls == ()
    assert set(errors(capsys)) == {"TimeBudgetExceededError"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (aws_error("sns", "AuthorizationError", status=403), "ChannelRefusedError"),
        (aws_error("sns", "NotFound", status=404), "ChannelRefusedError"),
        (aws_error("sns", "Throttling", status=400), "ChannelUnavailableError"),
        (aws_error("sns", "InternalError", status=500), "ChannelUnavailableError"),
    ],
    ids=["forbidden", "no topic", "throttled", "down"],
)
def test_a_topic_that_refuses_leaves_the_other_channels_alone(
    people: People, answer: Answer, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def is_chat(call: Call) -> bool:
        return b"client-markdown" in call.body

    with people.aws.wire.inject(Fault("sns", "Publish", is_chat, action=answer, times=None)):
        assert people.deliver(ENDED) == [0]

    assert errors(capsys) == [error]
    assert {channel for _, channel in people.sent()} == {"email", "slack", "teams", "pager"}
    assert people.deliver(ENDED) == []
    assert len(people.chat()) == len(people.emails()) == 1


def test_a_secret_that_cannot_be_read_leaves_the_topics_alone(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = aws_error("secretsmanager", "AccessDeniedException")
    with people.aws.wire.inject(Fault("secretsmanager", action=denied, times=None)):
        assert people.deliver(ENDED) == [0]

    assert errors(capsys) == ["SecretError"]
    assert {channel for _, channel in people.sent()} == {"chat", "email"}
    assert people.deliver(ENDED) == []
    assert len(readers.got("slack")) == len(people.emails()) == 1
