"""What reaches people: one restore, a degraded watch and a test, over real sockets."""

from typing import Any

import pytest

from golden.notify_people.cases import PROJECT, RESTORE, STACK
from integration.notify_people.people import People, batch, counted, output
from local_stack.readers import Readers
from notify_people.channels.channel import Channel
from unit.notify_people.messages import event

STARTED = event("flex-started")
ENDED = event("flex-failed")
DEGRADED = event("project-degraded-AtlasForbiddenError")
RECOVERED = event("project-recovered-AtlasForbiddenError")


def test_one_restore_is_one_thread_in_chat_one_email_and_one_page(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    people.start(NOTIFY_CHANGES="all")

    assert people.deliver(STARTED) == []
    assert people.deliver(ENDED) == []

    chat = people.chat()
    assert [one["content"]["title"].split()[1:3] for one in chat] == [
        ["Restore", "started:"],
        ["Restore", "FAILED:"],
    ]
    assert {one["metadata"]["threadId"] for one in chat} == {f"{STACK}/{RESTORE}"}
    assert [one["Subject"] for one in people.emails()][1:] == [
        "Restore FAILED: production -> staging after 42 min"
    ]
    assert len(readers.got("slack")) == len(readers.got("teams")) == 2
    (page,) = readers.got("pager")
    assert page["event_action"] == "trigger"
    assert page["dedup_key"] == f"atlas-restore-watch/{STACK}/restore/{RESTORE}"
    assert people.sent() == {
        (f"restore/{RESTORE}", channel): 50_002
        for channel in ("chat", "email", "slack", "teams", "pager")
    }
    assert counted(output(capsys)) == {"NoticesSent": 9}


def test_by_default_only_the_end_of_a_restore_is_sent(people: People) -> None:
    assert people.deliver(STARTED, ENDED) == []

    assert len(people.emails()) == 1
    assert set(people.sent().values()) == {50_002}


def test_a_degraded_watch_opens_a_page_and_a_recovered_one_closes_it(
    people: People, readers: Readers
) -> None:
    assert people.deliver(DEGRADED) == []
    assert people.deliver(RECOVERED) == []

    key, of_1_0_0 = (f"atlas-restore-watch/{name}watch/{PROJECT}" for name in (f"{STACK}/", ""))
    assert [(one["event_action"], one["dedup_key"]) for one in readers.got("pager")] == [
        ("trigger", key),
        ("resolve", key),
        ("resolve", of_1_0_0),
    ]


def test_a_page_that_closed_first_is_not_opened_afterwards(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert people.deliver(RECOVERED) == []
    output(capsys)

    assert people.deliver(DEGRADED) == []

    assert [one["event_action"] for one in readers.got("pager")] == ["resolve"] * 2
    assert counted(output(capsys)) == {"NoticesDropped": 5}


def test_a_test_reaches_every_channel_whatever_is_wanted(people: People, readers: Readers) -> None:
    people.start(NOTIFY_CHANGES="recovered")

    assert people.deliver(event("test")) == []

    assert [one["event_action"] for one in readers.got("pager")] == ["trigger", "resolve"]
    assert len(readers.got("slack")) == len(readers.got("teams")) == 1
    assert people.chat()[0]["metadata"]["threadId"] == f"{STACK}/test-{STACK}"
    assert people.emails()[0]["Subject"].startswith("TEST of Atlas Restore Watch")


def test_only_channels_that_are_set_up_get_notices(people: People, readers: Readers) -> None:
    people.put_secret(slack_webhook_url=readers.address("slack"))
    people.start(EMAIL_TOPIC_ARN="")

    assert people.deliver(ENDED) == []

    assert {channel for _, channel in people.sent()} == {"chat", "slack"}


def test_topics_need_no_secret(people: People) -> None:
    people.start(NOTIFY_SECRET_ID="")

    assert people.deliver(ENDED) == []

    assert {channel for _, channel in people.sent()} == {"chat", "email"}
    assert people.aws.wire.count("secretsmanager") == 0


def test_channels_that_are_named_are_the_only_ones(people: People) -> None:
    people.start(NOTIFY_CHANNELS="email,teams")

    assert people.deliver(ENDED) == []

    assert {channel for _, channel in people.sent()} == {"email", "teams"}


@pytest.mark.parametrize("days", [0, 13])
def test_a_message_that_is_delivered_again_is_sent_to_nobody(
    people: People, readers: Readers, days: int, capsys: pytest.CaptureFixture[str]
) -> None:
    people.deliver(ENDED)
    people.chat(), people.emails(), output(capsys)
    readers.wire.clear()
    people.now += days * 86_400
    people.start()

    assert people.deliver(ENDED) == []

    assert (people.chat(), people.emails(), readers.wire.calls) == ([], [], ())
    assert counted(output(capsys)) == {}


def test_an_older_message_is_dropped_and_counted_on_each_channel(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    people.start(NOTIFY_CHANGES="all")
    people.deliver(ENDED)
    output(capsys)

    assert people.deliver(STARTED) == []

    assert len(readers.got("slack")) == 1
    # Nobody is paged for a start, so the pager has nothing to drop.
    assert counted(output(capsys)) == {"NoticesDropped": len(Channel) - 1}


def test_a_message_that_is_none_fails_and_leaves_the_others_alone(
    people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    assert people.deliver("not JSON", ENDED, event() | {"type": "another"}) == [0, 2]

    assert len(people.emails()) == 1
    lines = output(capsys)
    assert counted(lines) == {"NoticesSent": 5, "NoticesFailed": 2}
    assert {line.get("error") for line in lines} >= {"InvalidMessageError"}


def test_the_handler_answers_lambda(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in people.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPEOPLEPEOPLEPEOPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "people")

    from notify_people.handler import lambda_handler  # noqa: PLC0415 - it works at import

    context: Any = Context()
    assert lambda_handler(batch(ENDED, "no"), context) == {
        "batchItemFailures": [{"itemIdentifier": "1"}]
    }
    assert len(people.emails()) == 1


class Context:
    """What the handler asks of Lambda's context."""

    function_name = "people"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:people"
    aws_request_id = "request"
    tenant_id = None

    def get_remaining_time_in_millis(self) -> int:
        return 60_000
