"""What clocks, settings and outputs do to a check: F46, F47 and F52."""

import io
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from local_stack.runtime import LambdaRuntime
from local_stack.wire import Answer
from reliability.campaign import PLENTY, Campaign, Headed, Stored, event
from reliability.steps import ATLAS, PUBLISH, TOKEN
from restore_watch.application import Application
from restore_watch.errors import NotificationPendingError, UnexpectedAtlasResponseError
from restore_watch.telemetry.telemetry import Telemetry

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.mark.fault("F46")
def test_an_environment_that_was_frozen_uses_no_old_secret_and_no_old_token(
    campaign: Campaign,
) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.pass_time(3000)
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.calls() == ["secret", "token", "flex", "record", "publish", "acknowledge"]

    campaign.pass_time(3601)
    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.calls() == ["secret", "token", "flex", "record"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F46")
@cases("hours", [-24, 2], ids=str)
def test_a_wrong_clock_costs_at_most_one_retry_for_each_check(
    campaign: Campaign, hours: int
) -> None:
    campaign.clock.advance(hours * 3600)
    job, checker = (
        campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"]),
        campaign.environment(),
    )
    campaign.check(job, checker)
    for _ in range(2):
        campaign.pass_time(3000)
        campaign.expire_tokens()
        job.advance()
        campaign.stack.forget_calls()
        campaign.check(job, checker)
        assert campaign.count(TOKEN) == 1
        assert campaign.count(ATLAS) <= 2

    data = [message.event["data"] for message in campaign.messages(job)]
    assert [one["sequence"] for one in data] == [1, 2, 3]
    assert data[-1]["durationSeconds"] in {5999, 6000, 6001}
    assert data[-1]["detectionLatencySeconds"] >= 0


@pytest.mark.fault("F46")
def test_a_clock_that_steps_back_does_not_change_the_order(campaign: Campaign) -> None:
    job, checker = (
        campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"]),
        campaign.environment(),
    )
    campaign.check(job, checker)
    for _ in range(2):
        campaign.clock.advance(-3600)
        job.advance()
        campaign.check(job, checker)
    history = (campaign.item(job) or {})["history"]
    observed = [entry["observedAt"] for entry in history]
    assert observed == sorted(observed, reverse=True)
    assert [entry["status"] for entry in history] == ["PENDING", "RUNNING", "COMPLETED"]

    data = [message.event["data"] for message in campaign.messages(job)]
    assert [one["sequence"] for one in data] == [1, 2, 3]
    assert all((one["detectionLatencySeconds"] or 0) >= 0 for one in data)
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F46")
def test_a_secret_and_a_token_of_unknown_age_are_not_used(campaign: Campaign) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.clock.advance(-1)
    campaign.stack.forget_calls()
    campaign.check(job, checker)

    assert campaign.calls() == ["secret", "token", "flex", "record"]


@pytest.mark.fault("F46", "F1")
@cases("seconds", [0.1, 61], ids=str)
def test_a_clock_that_steps_back_after_a_crash_delays_by_less_than_a_second(
    campaign: Campaign, seconds: float
) -> None:
    job, checker = campaign.finished_job(), campaign.environment()
    campaign.inject(PUBLISH, Answer(400))
    campaign.refused(NotificationPendingError, job)
    campaign.clock.advance(-seconds)
    campaign.check(job, checker)

    assert sum(campaign.naps) < 1
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F47")
@cases(
    ("name", "value", "said"),
    [
        ("TABLE_NAME", "", "environment variables missing or empty: TABLE_NAME"),
        (
            "POWERTOOLS_LOG_LEVEL",
            "LOUD",
            "POWERTOOLS_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        ),
    ],
    ids=["missing", "wrong"],
)
def test_a_function_with_a_wrong_setting_fails_at_startup_with_one_clear_line(
    campaign: Campaign, name: str, value: str, said: str
) -> None:
    right = campaign.stack.pool.runtimes[0].environment
    wrong = replace(right, variables={**right.variables, name: value})
    with LambdaRuntime(wrong) as runtime:
        answer = runtime.invoke({})
        logs = runtime.logs()

    assert answer.error_type == "ConfigurationError"
    assert answer.error_message == said
    lines = [line for line in logs.splitlines() if "ConfigurationError: " in line]
    assert len(lines) == 1
    assert campaign.calls() == []


class Broken(io.StringIO):
    """An output that nothing can be written to."""

    def write(self, _: str, /) -> int:
        raise OSError(28, "no space left on the device")


@contextmanager
def observed(campaign: Campaign, output: io.StringIO) -> Iterator[Application]:
    """The application, with this output for its log."""
    telemetry = Telemetry(Logger(service=secrets.token_hex(4), stream=output))
    hooks = campaign.hasty.http.event_hooks
    campaign.hasty.http.event_hooks = {
        "response": [
            lambda answer: telemetry.atlas_answered(
                answer.status_code, answer.headers.get("Sunset")
            )
        ]
    }
    try:
        yield campaign.application(telemetry)
    finally:
        campaign.hasty.http.event_hooks = hooks


@pytest.mark.fault("F52")
@pytest.mark.usefixtures("powertools")
@cases("broken", ["logger", "metrics", "both"])
def test_a_check_succeeds_even_if_its_telemetry_cannot_be_written(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    job = campaign.finished_job()
    campaign.inject(ATLAS, Headed({"Sunset": "soon"}))
    with (
        observed(campaign, io.StringIO() if broken == "metrics" else Broken()) as application,
        monkeypatch.context() as outputs,
    ):
        outputs.setattr(sys, "stderr", io.StringIO())
        if broken != "logger":
            outputs.setattr(sys, "stdout", Broken())
        result = application.answer(event(job), Deadline.after(PLENTY))

    assert result["changed"]
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F52")
@pytest.mark.usefixtures("powertools")
def test_an_error_keeps_its_type_even_if_it_cannot_be_logged(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, Answer.json(200, {}))
    with observed(campaign, Broken()) as application, monkeypatch.context() as outputs:
        outputs.setattr(sys, "stderr", io.StringIO())
        outputs.setattr(sys, "stdout", Broken())
        with pytest.raises(UnexpectedAtlasResponseError):
            application.answer(event(job, kind="flex"), Deadline.after(PLENTY))

    assert campaign.check(job).changed
