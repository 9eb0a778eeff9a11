"""What triggers the function of template.yaml, and where a failed request is kept."""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from contract.deployed_template import READERS, Call, Stack, granted, verdict

DEAD_LETTERS = "RequestDeadLetterQueue.Arn"


def test_the_schedule_asks_for_a_sweep_and_says_when_it_was_due() -> None:
    """EventBridge Scheduler puts the time in the place of the word in angle brackets."""
    target = Stack().only("AWS::Scheduler::Schedule")["Target"]

    assert json.loads(target["Input"]) == {
        "action": "sweep",
        "scheduledTime": "<aws.scheduler.scheduled-time>",
    }


def test_the_schedule_is_always_on() -> None:
    assert Stack().only("AWS::Scheduler::Schedule")["State"] == "ENABLED"


def test_a_sweep_that_cannot_be_delivered_is_neither_repeated_nor_kept() -> None:
    """The next one comes soon and does its work."""
    stack = Stack()
    target = stack.only("AWS::Scheduler::Schedule")["Target"]

    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert "DeadLetterConfig" not in target
    assert "sqs:SendMessage" not in granted(stack.properties("ScheduleRole"))


def test_only_the_rule_may_send_to_the_dead_letter_queue() -> None:
    allowed = [
        statement
        for policy in Stack().of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]

    assert [statement["Principal"] for statement in allowed] == [
        {"Service": "events.amazonaws.com"}
    ]
    assert [statement["Resource"] for statement in allowed] == [DEAD_LETTERS]


def test_a_request_that_the_rule_cannot_deliver_is_kept() -> None:
    stack = Stack()
    ((rule_id, rule),) = stack.of_type("AWS::Events::Rule").items()
    policy = stack.properties("RequestDeadLetterQueuePolicy")

    def sent_by(rule_arn: str) -> str | None:
        return verdict(
            policy["PolicyDocument"]["Statement"],
            Call(
                "sqs:SendMessage", DEAD_LETTERS, "events.amazonaws.com", {"aws:SourceArn": rule_arn}
            ),
        )

    assert rule["Targets"][0]["DeadLetterConfig"] == {"Arn": DEAD_LETTERS}
    assert policy["Queues"] == ["RequestDeadLetterQueue"]
    assert sent_by(f"{rule_id}.Arn") == "Allow"
    assert sent_by("AnotherRule.Arn") is None


def test_a_queued_request_that_fails_again_and_again_is_kept() -> None:
    redrive = Stack().properties("RequestQueue")["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"] == DEAD_LETTERS


def test_sqs_can_move_kept_requests_from_the_dead_letter_queue_to_the_request_queue() -> None:
    """SQS starts a move only from a queue that is the dead-letter queue of another queue."""
    stack = Stack()
    redrives = [
        queue.get("RedrivePolicy", {}) for queue in stack.of_type("AWS::SQS::Queue").values()
    ]
    dead_letter_queues = {redrive.get("deadLetterTargetArn") for redrive in redrives}

    assert stack.outputs["RequestDeadLetterQueueArn"]["Value"] in dead_letter_queues
    assert stack.outputs["RequestQueueArn"]["Value"] == "RequestQueue.Arn"


def test_an_asynchronous_invocation_that_fails_on_every_retry_is_kept() -> None:
    config = Stack().only("AWS::Lambda::EventInvokeConfig")

    assert config["DestinationConfig"]["OnFailure"]["Destination"] == "OnFailureQueue.Arn"


def test_every_queue_keeps_a_message_for_14_days_the_most_that_sqs_allows() -> None:
    """A message that is moved to a dead-letter queue keeps its age, so the first queue counts."""
    queues = Stack(**READERS).of_type("AWS::SQS::Queue").values()

    assert [queue["MessageRetentionPeriod"] for queue in queues] == [14 * 24 * 60 * 60] * 5


def test_retries_of_a_request_are_limited_in_number_and_age() -> None:
    stack = Stack()
    an_hour = 3600

    for retries in (
        stack.only("AWS::Events::Rule")["Targets"][0]["RetryPolicy"],
        stack.only("AWS::Lambda::EventInvokeConfig"),
    ):
        assert retries["MaximumRetryAttempts"] > 0
        assert retries["MaximumEventAgeInSeconds"] <= an_hour


def test_a_failed_record_does_not_fail_the_rest_of_its_batch() -> None:
    mapping = Stack().only("AWS::Lambda::EventSourceMapping")

    assert mapping["EventSourceArn"] == "RequestQueue.Arn"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_batch_stays_invisible_while_the_function_works_on_it() -> None:
    stack = Stack()
    timeout = stack.properties("RestoreWatchFunction")["Timeout"]

    assert stack.properties("RequestQueue")["VisibilityTimeout"] >= 6 * timeout


def test_the_schedule_runs_every_minute_by_default() -> None:
    assert Stack().only("AWS::Scheduler::Schedule")["ScheduleExpression"] == "rate(1 minute)"


@pytest.mark.parametrize(
    ("request_source", "source", "detail_type", "answered"),
    [
        ("", "ops.restores", "Atlas Restore Watch Requested", True),
        ("", "anything", "Atlas Restore Watch Requested", True),
        ("", "anything", "Another Request", False),
        ("ops.restores", "ops.restores", "Atlas Restore Watch Requested", True),
        ("ops.restores", "ops.restores", "Another Request", False),
        ("ops.restores", "ops.restores.test", "Atlas Restore Watch Requested", False),
        ("ops.restores", "anything", "Atlas Restore Watch Requested", False),
    ],
)
def test_the_rule_matches_any_source_or_only_the_given_source(
    request_source: str, source: str, detail_type: str, *, answered: bool
) -> None:
    """Two stacks in one account can each have a separate source."""
    rule = Stack(RequestSource=request_source).only("AWS::Events::Rule")
    pattern = EventPattern.load(json.dumps(rule["EventPattern"]))
    event: Any = {"source": source, "detail-type": detail_type, "detail": {}}

    assert pattern.matches_event(event) is answered
