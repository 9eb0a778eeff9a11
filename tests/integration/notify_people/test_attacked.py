"""What an attack from outside once showed: how channels, clocks and texts kept people waiting."""

import socket
import threading
from typing import Any

import boto3
import pytest

from foundation.deadline import Deadline
from golden.notify_people.cases import RESTORE, STACK
from integration.notify_people.people import People, errors
from local_stack.aws import REGION
from local_stack.faults import Answer, Delay, Hang
from local_stack.readers import Readers
from local_stack.wire import Fault
from notify_people.channels.channel import Channel
from notify_people.channels.sent_table import SentTable
from unit.notify_people.messages import event

ENDED = event("flex-failed")
DEGRADED, RECOVERED = (
    event(f"project-{state}-AtlasForbiddenError") for state in ("degraded", "recovered")
)

pytestmark = pytest.mark.timeout(60)


def failed_restores(count: int) -> list[dict[str, Any]]:
    ids = (f"6b4a0f8000000000000{number:05d}" for number in range(count))
    return [event("flex-failed", restoreId=restore_id) for restore_id in ids]


def actions(readers: Readers) -> list[str]:
    """What was done to pages of this version, whose keys name the stack."""
    own = f"atlas-restore-watch/{STACK}/"
    return [
        page["event_action"] for page in readers.got("pager") if page["dedup_key"].startswith(own)
    ]


@pytest.mark.campaign
def test_two_channels_that_hang_cost_the_others_nothing(people: People, readers: Readers) -> None:
    hanging = [Fault(name, action=Hang(30), times=None) for name in ("slack", "teams")]
    with readers.wire.inject(hanging[0]), readers.wire.inject(hanging[1]):
        failed = people.deliver(*failed_restores(10), seconds=12)

    assert failed == list(range(10))
    assert len(readers.got("pager")) == len(people.emails()) == len(people.chat()) == 10


def test_a_secret_that_cannot_be_read_costs_the_topics_nothing(people: People) -> None:
    hanging = Fault("secretsmanager", action=Hang(30), times=None)
    with people.aws.wire.inject(hanging):
        failed = people.deliver(*failed_restores(5), seconds=20)

    assert failed == list(range(5))
    assert len(people.emails()) == len(people.chat()) == 5


@pytest.mark.parametrize(
    "address",
    ["TODO", "https://hooks..slack.com/services/T", f"https://{'a' * 70}.com/x", ["https://x.com"]],
    ids=["no address", "two dots", "long label", "list"],
)
def test_a_wrong_key_of_the_secret_concerns_its_channel_alone(
    people: People, readers: Readers, address: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    people.put_secret(**(readers.secret | {"slack_webhook_url": address}))
    people.start()

    assert people.deliver(ENDED) == [0]
    assert len(readers.got("pager")) == len(readers.got("teams")) == len(people.emails()) == 1
    assert errors(capsys) == ["SecretError"]


def test_a_call_that_was_left_behind_opens_no_page_after_its_recovery(
    people: People, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookup of a name hangs, and goes on when the recovery was sent."""
    people.start(NOTIFY_CHANNELS="pager")
    look_up, go_on = socket.getaddrinfo, threading.Event()
    port = int(readers.url.rpartition(":")[2])
    hangs = iter([True])

    def slow(host: Any, number: Any, *how: Any, **more: Any) -> Any:
        if number == port and next(hangs, False):
            go_on.wait(30)
        return look_up(host, number, *how, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert people.deliver(DEGRADED, seconds=7) == [0]
    assert people.deliver(RECOVERED) == []
    go_on.set()
    assert people.deliver(DEGRADED) == []

    assert actions(readers) == ["resolve"]


@pytest.mark.campaign
def test_a_slow_webhook_that_takes_the_notice_is_asked_once(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANNELS="teams")
    with readers.wire.inject(Fault("teams", action=Delay(6), phase="after")):
        assert people.deliver(ENDED) == []

    assert len(readers.got("teams")) == 1


def test_the_end_of_a_restore_that_is_recorded_anew_is_sent(
    people: People, readers: Readers
) -> None:
    """Its item was deleted, so its changes are counted from 1 again."""
    people.start(NOTIFY_CHANGES="all", NOTIFY_CHANNELS="slack")
    people.deliver(event("flex-started"))
    people.deliver(event("flex-failed", sequence=1, previousStatus=None))

    assert ["FAILED" in one["text"] for one in readers.got("slack")] == [False, True]


def test_a_download_that_failed_after_it_was_ready_is_sent_although_recorded_anew(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANNELS="slack")
    people.deliver(event("flex-download-ready", sequence=3))
    people.deliver(event("flex-download-ready", sequence=2, status="FAILED", succeeded=False))

    assert ["FAILED" in one["text"] for one in readers.got("slack")] == [False, True]


def test_the_page_of_an_unknown_end_is_closed_when_it_turns_out_well(
    people: People, readers: Readers
) -> None:
    people.deliver(event("flex-unknown-end", sequence=2))
    people.deliver(event("flex-completed", sequence=3, previousStatus="UNKNOWN"))

    assert actions(readers) == ["trigger", "resolve"]


def test_a_page_is_closed_although_nobody_wants_to_hear_of_recoveries(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANGES="ended,ready,degraded")
    people.deliver(DEGRADED)
    people.deliver(RECOVERED)

    assert actions(readers) == ["trigger", "resolve"]
    assert len(people.emails()) == 1


def test_a_download_that_is_known_to_be_ready_closes_its_page_although_nobody_hears_of_it(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANGES="ended,degraded,recovered")
    people.deliver(event("flex-unknown-end", deliveryType="DOWNLOAD", sequence=2))
    people.deliver(event("flex-download-ready", previousStatus="UNKNOWN", sequence=3))

    assert actions(readers) == ["trigger", "resolve"]
    assert len(people.emails()) == 1


def test_a_link_that_expired_does_not_close_the_page_of_an_unknown_end(
    people: People, readers: Readers
) -> None:
    people.deliver(event("flex-unknown-end", deliveryType="DOWNLOAD", sequence=2))
    people.deliver(event("flex-download-link-expired", previousStatus="UNKNOWN", sequence=3))

    assert actions(readers) == ["trigger"]


def test_an_unknown_end_that_is_recorded_anew_is_sent(people: People, readers: Readers) -> None:
    people.start(NOTIFY_CHANGES="all", NOTIFY_CHANNELS="slack")
    people.deliver(event("flex-unknown-end", sequence=3, terminal=False))
    people.deliver(event("flex-unknown-end", sequence=1, previousStatus=None))

    assert len(readers.got("slack")) == 2


def test_a_topic_that_answers_late_gets_one_message(people: People) -> None:
    late = Fault("sns", "Publish", action=Delay(4), phase="after", times=None)
    people.start(NOTIFY_CHANNELS="email")
    with people.aws.wire.inject(late):
        assert people.deliver(ENDED) == []

    assert len(people.emails()) == 1


@pytest.mark.campaign
def test_a_secret_that_was_read_is_used_while_it_cannot_be_read_again(
    people: People, readers: Readers
) -> None:
    people.deliver(ENDED)
    people.now += 400
    hanging = Fault("secretsmanager", action=Hang(30), times=None)
    with people.aws.wire.inject(hanging):
        assert people.deliver(*failed_restores(8), seconds=30) == []

    assert len(readers.got("pager")) == len(people.chat()) == 9


def test_a_misspelt_key_of_the_secret_is_reported(
    people: People, readers: Readers, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = readers.secret
    people.put_secret(**keys | {"slack_webook_url": keys.pop("slack_webhook_url")})
    people.start()

    assert people.deliver(ENDED) == [0]
    assert len(readers.got("pager")) == 1
    assert errors(capsys) == ["SecretError"]


def test_a_notice_that_a_channel_cannot_take_does_not_keep_others_from_it(
    people: People, readers: Readers
) -> None:
    first, *others = failed_restores(4)
    poison = first["data"]["restoreId"].encode()
    refusal = Fault("teams", action=Answer(502), when=lambda call: poison in call.body, times=None)
    with readers.wire.inject(refusal):
        assert people.deliver(first, *others) == [0]

    assert len(readers.got("teams")) == 3


def test_a_claim_of_a_clock_that_is_ahead_does_not_last(people: People, readers: Readers) -> None:
    people.start(NOTIFY_CHANNELS="pager")
    session = boto3.Session("AKIAPEOPLEPEOPLEPEOPLE", "people", region_name=REGION)
    ahead = SentTable(session.client("dynamodb"), people.table, now=lambda: people.now + 3600)
    ahead.claim(f"restore/{RESTORE}", Channel.PAGER, 50_002, Deadline.after(10))

    assert people.deliver(ENDED) == []
    assert actions(readers) == ["trigger"]


def test_a_notice_waits_for_another_about_the_same_subject(
    people: People, readers: Readers
) -> None:
    people.start(NOTIFY_CHANNELS="pager")
    session = boto3.Session("AKIAPEOPLEPEOPLEPEOPLE", "people", region_name=REGION)
    other = SentTable(session.client("dynamodb"), people.table, now=lambda: people.now)
    _, claim = other.claim(f"restore/{RESTORE}", Channel.PAGER, 10_001, Deadline.after(10))
    people.on_wait = lambda: other.release(
        f"restore/{RESTORE}", Channel.PAGER, claim, Deadline.after(10)
    )

    assert people.deliver(ENDED) == []
    assert (actions(readers), len(people.waits)) == (["trigger"], 1)
