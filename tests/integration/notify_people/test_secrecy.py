"""Nothing secret is shown, and only the receiver sees the address of its webhook."""

import itertools
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from foundation.deadline import Deadline
from integration.notify_people.people import People, errors
from local_stack.aws import aws_error
from local_stack.canaries import CANARIES
from local_stack.faults import Answer, Reset, Verbatim
from local_stack.loopback import LoopbackServer
from local_stack.readers import Readers
from local_stack.wire import Fault
from notify_people.channels.channel import Channel
from notify_people.channels.webhooks import Webhooks
from notify_people.errors import ChannelUnavailableError
from produced import Produced
from reliability.certificates import Authority
from unit.notify_people.messages import event

ENDED = event("flex-failed")


def test_a_proxy_of_the_environment_is_not_used(
    people: People, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would see the address of the webhook."""
    with LoopbackServer(readers.wire) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        address = "http://127.0.0.2:9/slack"
        with pytest.raises(ChannelUnavailableError):
            Webhooks(sleep=people.waits.append).post(Channel.SLACK, address, {}, Deadline.after(5))

    assert readers.wire.calls == ()


def test_a_webhook_with_a_certificate_that_nobody_trusts_gets_nothing(
    people: People, readers: Readers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackServer(readers.wire, tls=Authority.make(tmp_path).server()) as server:
        people.put_secret(slack_webhook_url=f"{server.url}/slack/{CANARIES[0]}")

        assert people.deliver(ENDED) == [0]

    assert readers.wire.calls == ()
    assert errors(capsys) == ["ChannelUnavailableError"]


def everything_fails(people: People, readers: Readers) -> None:
    """Fail at every step, while every answer quotes the secrets."""
    quoted = " ".join([*CANARIES, readers.address("slack")])
    answers: list[Any] = [
        Answer(HTTPStatus.NOT_FOUND, {"X-Quoted": quoted}, quoted),
        Answer(HTTPStatus.FOUND, {"Location": readers.address("slack")}, quoted),
        Answer(HTTPStatus.BAD_GATEWAY, {"Retry-After": quoted}, quoted),
        Verbatim(quoted.encode()),
        Reset(),
    ]
    sequences = itertools.count(6)
    for action in answers:
        for channel in ("slack", "teams", "pager"):
            with readers.wire.inject(Fault(channel, action=action, times=None)):
                assert people.deliver(event(sequence=next(sequences))) == [0]
    people.put_secret(slack_webhook_url=f"http://{quoted}", pagerduty_routing_key=quoted)
    people.start()
    assert people.deliver(event(sequence=next(sequences))) == [0]
    assert people.deliver(event(sequence=quoted, restoreId=quoted), quoted) == [0, 1]
    with people.aws.wire.inject(
        Fault("sns", action=aws_error("sns", "NotFound", quoted, 404), times=None)
    ):
        assert people.deliver(event(sequence=next(sequences))) == [0]


def test_no_secret_is_in_a_log_an_item_or_a_message(
    people: People,
    readers: Readers,
    produced: Produced,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"https://restore.example.net/{CANARIES[0]}/restore.tar.gz"
    people.deliver(event(targetDeploymentItemName=url, kind=url, deliveryType=url, sequence=5))
    sent = [*people.chat(), *people.emails(), *readers.got("slack"), *readers.got("teams")]
    pages = [page | {"routing_key": ""} for page in readers.got("pager")]
    assert sent
    assert pages

    everything_fails(people, readers)

    logs = capsys.readouterr().out
    produced.add("logs", logs)
    shown = f"{logs}{sent}{pages}{people.sent()}"
    assert "ChannelRefusedError" in logs
    assert [word for word in (*CANARIES, readers.url) if word in shown] == []
