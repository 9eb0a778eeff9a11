"""Nothing secret is shown, and only the receiver sees the address of its webhook."""

import itertools
from pathlib import Path

import pytest

from foundation.deadline import Deadline
from integration.notify_people.people import People
from local_stack.aws import aws_error
from local_stack.canaries import CANARIES
from local_stack.faults import Action, Answer, Reset, Verbatim
from local_stack.loopback import LoopbackServer
from local_stack.wire import Fault
from notify_people.channels.channel import Channel
from notify_people.channels.webhooks import Webhooks
from notify_people.errors import ChannelUnavailableError
from produced import Produced
from reliability.certificates import Authority
from unit.notify_people.messages import event


def test_a_proxy_of_the_environment_is_not_used(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would see the address of the webhook."""
    with LoopbackServer(people.posts.wire) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        address = "http://127.0.0.2:9/slack"
        with pytest.raises(ChannelUnavailableError):
            Webhooks(sleep=people.waits.append).post(Channel.SLACK, address, {}, Deadline.after(5))

    assert people.posts.wire.calls == ()


def test_a_webhook_with_a_certificate_that_nobody_trusts_gets_nothing(
    people: People, tmp_path: Path
) -> None:
    with LoopbackServer(people.posts.wire, tls=Authority.make(tmp_path).server()) as server:
        people.put_people_secret(slack_webhook_url=f"{server.url}/slack/{CANARIES[0]}")
        assert people.handle(event()) == [0]

    assert people.posts.wire.calls == ()
    assert people.reported()[1] == ["ChannelUnavailableError"]


def everything_fails(people: People) -> None:
    """Fail at every step, while every answer quotes the secrets."""
    quoted = " ".join([*CANARIES, people.posts.address("slack")])
    sequences = itertools.count(6)
    actions: list[Action] = [
        Answer(404, {"X-Quoted": quoted}, quoted),
        Answer(302, {"Location": people.posts.address("slack")}, quoted),
        Answer(502, {"Retry-After": quoted}, quoted),
        Verbatim(f"{quoted}\r\n\r\n".encode()),
        Reset(),
    ]
    for action in actions:
        with people.posts.wire.inject(Fault(action=action, times=None)):
            assert people.handle(event(sequence=next(sequences))) == [0]
    with people.aws.wire.inject(
        Fault("sns", action=aws_error("sns", "NotFound", quoted, 404), times=None)
    ):
        assert people.handle(event(sequence=next(sequences))) == [0]
    people.put_people_secret(slack_webhook_url=f"http://{quoted}", pagerduty_routing_key=quoted)
    assert people.handle(event(sequence=next(sequences))) == [0]
    assert people.handle(event(sequence=quoted, restoreId=quoted), quoted) == [0, 1]


def test_no_secret_is_in_a_log_an_item_or_a_message(people: People, produced: Produced) -> None:
    url = f"https://restore.example.net/{CANARIES[0]}/restore.tar.gz"
    people.handle(event(targetDeploymentItemName=url, kind=url, deliveryType=url, sequence=5))
    sent = [
        *people.chat(),
        *people.emails(),
        *people.posts.got("slack"),
        *people.posts.got("teams"),
    ]
    pages = [page | {"routing_key": ""} for page in people.posts.got("pager")]
    assert len(sent) == 4
    assert len(pages) == 1

    everything_fails(people)

    logs = people.output.readouterr().out
    produced.add("logs", logs)
    assert "ChannelRefusedError" in logs
    shown = f"{logs}{sent}{pages}{people.sent()}"
    assert [word for word in (*CANARIES, people.posts.url) if word in shown] == []
