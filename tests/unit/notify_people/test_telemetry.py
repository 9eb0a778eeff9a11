"""What an operator sees. A failure to write it fails nothing."""

import json
import secrets
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from foundation.emitting import MetricsLog
from notify_people.application import Application
from notify_people.channels.channel import Channel
from notify_people.telemetry import Telemetry
from unit.notify_people.messages import STACK, event, notice


@pytest.fixture(autouse=True)
def powertools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")


def telemetry(level: str = "INFO") -> Telemetry:
    # A logger keeps the output stream that was set when its service was first named.
    logger = Logger(service=secrets.token_hex(8), location=None, level=level)
    return Telemetry(logger, MetricsLog())


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_sent_notice_is_logged_with_its_channel(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry().report_sent(Channel.CHAT, notice())

    (log,) = lines(capsys)
    assert (log["channel"], log["order"]) == ("chat", 50_002)


def test_missing_subscriptions_have_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry().count_subscriptions(confirmed=1, pending=2, missing=2)

    metric, log = lines(capsys)
    assert metric["EmailSubscriptionsMissing"] == [2]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert (log["confirmed"], log["pending"]) == (1, 2)


def test_what_nobody_wants_is_logged_only_for_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry().report_unwanted("restore-started")
    telemetry("DEBUG").report_unwanted("restore-started")

    (log,) = lines(capsys)
    assert log["event_type"] == "restore-started"


def test_an_output_that_fails_is_ignored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")

    telemetry().count_subscriptions(confirmed=1, pending=0, missing=0)

    assert capsys.readouterr().out == "telemetry failed: SchemaValidationError\n"


def test_a_bug_at_one_message_leaves_the_others_alone(capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        {"messageId": "bad"},
        {"messageId": "good", "body": json.dumps(event())},
    ]
    unused: Any = None
    application = Application(
        channels=unused,
        delivery=unused,
        telemetry=telemetry(),
        changes=set(),
        measurements_count=False,
        console="https://console",
        stack=STACK,
    )
    answer = application.answer({"Records": records}, Deadline.after(10))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    (log,) = lines(capsys)
    assert (log["message"], log["error"]) == ("This is a bug", "KeyError")
