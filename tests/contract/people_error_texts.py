"""
Every error text of `notify_people`, made by its real code.

Only AWS, webhooks and clocks are played.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools import Logger

from contract.error_text_cases import (
    SECRET_FAILURES,
    TABLE_FAILURES,
    TOPIC_FAILURES,
    JumpingClock,
    logged,
    raised,
)
from contract.error_texts import ErrorText
from foundation.deadline import Deadline
from local_stack.faults import Action, Answer, Close, Hang
from local_stack.readers import Readers
from local_stack.wire import Fault
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Channels, Topics
from notify_people.channels.secret import NotifySecret, read_secret
from notify_people.channels.sent_table import SentTable
from notify_people.channels.webhooks import Webhooks
from notify_people.errors import NotifyPeopleError
from notify_people.message import read_message
from notify_people.notifier import Batch, Notifier
from notify_people.selection import DEFAULT_CHANGES
from notify_people.settings import Settings
from notify_people.telemetry import Telemetry
from unit.notify_people.messages import event, notice
from unit.stubbed_aws import Answer as Play
from unit.stubbed_aws import Refusal, dynamodb, secrets_manager, sns

TOPIC = "arn:aws:sns:eu-central-1:123456789012:chat"


def people_error_texts() -> Iterator[ErrorText]:
    yield from _settings()
    yield from _secret()
    yield from _messages()
    yield from _webhooks()
    yield from _aws()
    yield from _logs()


ENVIRONMENT = {
    "SENT_TABLE_NAME": "sent",
    "CHAT_TOPIC_ARN": TOPIC,
    "POWERTOOLS_SERVICE_NAME": "restore-watch",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


def _settings() -> Iterator[ErrorText]:
    for name, value in {
        "SENT_TABLE_NAME": "",
        "POWERTOOLS_LOG_LEVEL": "LOUD",
        "EMAIL_TOPIC_ARN": f"{TOPIC}.fifo",
        "PAGERDUTY_BASE_URL": "http://events.pagerduty.com",
        "CHAT_TOPIC_ARN": "",
        "NOTIFY_CHANNELS": "smoke",
        "NOTIFY_CHANGES": "none",
    }.items():
        yield from raised(partial(Settings.from_environment, ENVIRONMENT | {name: value}))
    slack = ENVIRONMENT | {"NOTIFY_CHANNELS": "slack"}
    yield from raised(lambda: Settings.from_environment(slack))


def _secret() -> Iterator[ErrorText]:
    def read(play: Play, deadline: Deadline | None = None) -> object:
        secret = NotifySecret(secrets_manager(play), "notify/restore-watch")
        return secret.read(deadline or Deadline.after(60))

    def of(channel: Channel, **values: object) -> str:
        return read_secret(json.dumps(values)).of(channel)

    for failure in SECRET_FAILURES:
        yield from raised(partial(read, _fails(failure)))
    yield from raised(
        lambda: read(lambda _: {}),
        lambda: read(_is_late, Deadline.after(60, JumpingClock(3))),
        lambda: read_secret("[]"),
        lambda: read_secret("{}"),
        lambda: of(Channel.SLACK, pagerduty_routing_key="0" * 32),
        lambda: of(Channel.SLACK, slack_webhook_urls="https://one.test"),
        lambda: of(Channel.SLACK, slack_webhook_url2="https://one.test"),
        lambda: of(Channel.SLACK, slack_webhook_url="https://one.test/..."),
        lambda: of(Channel.PAGER, pagerduty_routing_key="0"),
        lambda: of(Channel.TEAMS, teams_webhook_url="http://one.test"),
    )


def _fails(failure: Exception) -> Play:
    def fail(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise failure

    return fail


def _is_late(_: Mapping[str, Any]) -> Mapping[str, Any]:
    time.sleep(0.05)
    return {}


def _messages() -> Iterator[ErrorText]:
    yield from raised(
        lambda: read_message("<html>"),
        lambda: read_message(json.dumps(event() | {"type": "another"})),
        lambda: read_message(json.dumps(event(sequence=0))),
    )


def _webhooks() -> Iterator[ErrorText]:
    with Readers() as readers:
        address, webhooks = readers.address("slack"), Webhooks(sleep=lambda _: None)

        def post(channel: Channel, action: Action, deadline: Deadline) -> None:
            with readers.wire.inject(Fault("slack", action=action, times=None)):
                webhooks.post(channel, address, {}, deadline)

        for channel in (Channel.PAGER, Channel.SLACK, Channel.TEAMS):
            for status in (302, 400, 404, 429, 503):
                yield from raised(partial(post, channel, Answer(status), Deadline.after(60)))
        yield from raised(
            lambda: post(Channel.SLACK, Close(), Deadline.after(60)),
            lambda: post(Channel.SLACK, Hang(0.1), Deadline.after(60, JumpingClock(2))),
        )


def _aws() -> Iterator[ErrorText]:
    def publish(play: Play, deadline: Deadline) -> None:
        Topics(sns(play)).publish(Channel.CHAT, TOPIC, "-", deadline)

    def note(play: Play, deadline: Deadline) -> None:
        SentTable(dynamodb(play), "sent").note("restore/1", Channel.CHAT, 1, deadline)

    for call, failures in ((publish, TOPIC_FAILURES), (note, TABLE_FAILURES)):
        for failure in failures:
            yield from raised(partial(call, _fails(failure), Deadline.after(60)))
        yield from raised(
            partial(call, lambda _: {}, Deadline.after(60)),
            partial(call, _is_late, Deadline.after(60, JumpingClock(2))),
            partial(call, _is_late, Deadline.after(0.1)),
        )
    claimed = {"sequence": {"N": "1"}, "claimedBy": {"S": "another"}}
    taken = Refusal("ConditionalCheckFailedException", Item=claimed)
    sent = SentTable(dynamodb(_fails(taken)), "sent")
    yield from raised(lambda: sent.claim("restore/1", Channel.CHAT, 2, Deadline.after(60)))


def _notifier(logger: Logger, play: Play) -> Notifier:
    """A notifier whose only channel is that of chat, on an SNS that answers so."""
    channels = Channels(
        topics=Topics(sns(play)),
        webhooks=Webhooks(),
        secret=NotifySecret(secrets_manager(play), None),
        topic_arns={Channel.CHAT: TOPIC},
        pagerduty_base_url="https://events.pagerduty.com",
        named=None,
    )
    sent = SentTable(dynamodb(lambda _: {"ResponseMetadata": {}}), "sent")
    return Notifier(channels, sent, Telemetry(logger), DEFAULT_CHANGES, lambda _: notice())


def _logs() -> Iterator[ErrorText]:
    def notify(logger: Logger, play: Play, batch: Batch) -> None:
        with suppress(NotifyPeopleError):
            _notifier(logger, play).notify(json.dumps(event()), Deadline.after(60), batch)

    with patch.dict(os.environ, POWERTOOLS_METRICS_NAMESPACE="Tested"):
        yield from logged(
            lambda logger: notify(logger, _fails(ZeroDivisionError()), Batch()),
            lambda logger: notify(logger, _is_late, Batch(silent={Channel.CHAT})),
            lambda logger: Telemetry(logger).dropped(Channel.CHAT, notice()),
            lambda logger: Telemetry(logger).crashed(ZeroDivisionError()),
        )
    with patch.dict(os.environ):
        os.environ.pop("POWERTOOLS_METRICS_NAMESPACE", None)
        yield from logged(lambda logger: Telemetry(logger).sent(Channel.CHAT, notice()))
