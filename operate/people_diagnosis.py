"""Diagnoses the path of messages to people by calls that no function makes. Changes nothing."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from notify_people.channels.secret import read_secret
from notify_people.errors import SecretError
from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.doctor_question import looked
from operate.errors import OperateError
from restore_watch.diagnosis.aws_fixes import MAKE_TOPIC_AGAIN
from restore_watch.diagnosis.line import Line

MAKE_AGAIN = (
    "Messages that wait for people are lost by this, with both queues. "
    "Change the parameters to NotifyEmail= NotifyChat=no NotifySecretArn= and then back"
)

TRIGGER_OPTIONS = (
    "--batch-size 10 --function-response-types ReportBatchItemFailures "
    "--scaling-config MaximumConcurrency=2"
)
"""The options of the trigger in template.yaml."""


class PeopleDiagnosis:
    """Asks with the operator's own credentials about a stack that notifies people."""

    def __init__(self, aws: Aws, stack: DeployedStack) -> None:
        self._aws = aws
        self._topic = stack.outputs.get("TopicArn", "")
        self._queue = stack.outputs.get("NoticeQueueArn", "")
        self._dead_letters = stack.outputs.get("NoticeDeadLetterQueueArn", "")
        self._function = stack.outputs.get("NotifyPeopleFunctionName", "")
        self._secret = stack.parameters.get("NotifySecretArn", "")

    def lines(self) -> Iterator[Line]:
        """Look at the function, its trigger, its queue and its secret."""
        if not self._queue:
            return
        if self._function:
            yield looked("people: function", self._concurrency, gone=MAKE_AGAIN)
            yield looked("people: trigger", self._trigger, gone=MAKE_AGAIN)
        else:
            found = "this version of the stack has no output NotifyPeopleFunctionName"
            yield Line("people: function", ok=None, found=found, fix="Deploy the stack again")
        yield looked("people: subscription", self._subscription, gone=MAKE_TOPIC_AGAIN)
        if self._secret:
            fix = "Make the secret again, and set NotifySecretArn to its ARN"
            yield looked("people: secret", self._webhooks, gone=fix)

    def _concurrency(self, check: str) -> Line:
        answer = self._aws.ask("lambda", "get_function_concurrency", FunctionName=self._function)
        if answer.get("ReservedConcurrentExecutions") == 0:
            fix = (
                "Let it run again:\n"
                f"aws lambda delete-function-concurrency --function-name {self._function}"
            )
            return Line(
                check, ok=False, found="may not run: its reserved concurrency is 0", fix=fix
            )
        return Line(check, ok=True, found="may run")

    def _trigger(self, check: str) -> Line:
        mappings = self._aws.ask(
            "lambda",
            "list_event_source_mappings",
            FunctionName=self._function,
            EventSourceArn=self._queue,
        )["EventSourceMappings"]
        if not mappings:
            fix = (
                "Make the trigger again; the messages that wait are kept:\n"
                f"aws lambda create-event-source-mapping --function-name {self._function} "
                f"--event-source-arn {self._queue} {TRIGGER_OPTIONS}"
            )
            return Line(check, ok=False, found="its queue does not invoke it", fix=fix)
        state = str(mappings[0].get("State"))
        if state == "Enabled":
            return Line(check, ok=True, found="is enabled")
        if not state.startswith("Disabl"):
            return Line(check, ok=None, found=f"is in the state {state}")
        command = f"aws lambda update-event-source-mapping --enabled --uuid {mappings[0]['UUID']}"
        return Line(check, ok=False, found="is disabled", fix=f"Enable it:\n{command}")

    def _subscription(self, check: str) -> Line:
        token: dict[str, Any] = {}
        while True:
            answer = self._aws.ask(
                "sns", "list_subscriptions_by_topic", TopicArn=self._topic, **token
            )
            for one in answer.get("Subscriptions", ()):
                arn = str(one.get("SubscriptionArn"))
                if one.get("Endpoint") == self._queue and arn.startswith("arn:"):
                    return self._attributes(check, arn)
            if not answer.get("NextToken"):
                break
            token = {"NextToken": answer["NextToken"]}
        redrive = json.dumps({"deadLetterTargetArn": self._dead_letters})
        attributes = json.dumps({"RawMessageDelivery": "true", "RedrivePolicy": redrive})
        fix = (
            "Subscribe it again:\n"
            f"aws sns subscribe --topic-arn {self._topic} --protocol sqs --notification-endpoint "
            f"{self._queue} --attributes {shlex.quote(attributes)}"
        )
        found = "the topic does not send to the queue of people"
        return Line(check, ok=False, found=found, fix=fix)

    def _attributes(self, check: str, arn: str) -> Line:
        """Look at the filter of the subscription, and at the form of its messages."""
        held = self._aws.ask("sns", "get_subscription_attributes", SubscriptionArn=arn)[
            "Attributes"
        ]
        if (held.get("FilterPolicy") or "{}") != "{}":
            found, change = "a filter policy holds messages back", ("FilterPolicy", "'{}'")
        elif held.get("RawMessageDelivery") != "true":
            found, change = "the messages are not sent raw", ("RawMessageDelivery", "true")
        else:
            return Line(check, ok=True, found="the topic sends to the queue of people")
        name, value = change
        fix = (
            "Set it as the stack has it:\n"
            f"aws sns set-subscription-attributes --subscription-arn {arn} "
            f"--attribute-name {name} --attribute-value {value}"
        )
        return Line(check, ok=False, found=found, fix=fix)

    def _webhooks(self, check: str) -> Line:
        """Look for the secret, and at the form of its values. No value is shown."""
        described = self._aws.ask("secretsmanager", "describe_secret", SecretId=self._secret)
        if described.get("DeletedDate"):
            fix = f"Restore it:\naws secretsmanager restore-secret --secret-id {self._secret}"
            return Line(check, ok=False, found="is marked for deletion", fix=fix)
        try:
            value = self._aws.ask("secretsmanager", "get_secret_value", SecretId=self._secret).get(
                "SecretString"
            )
        except OperateError as error:
            found = f"is there. Its form was not looked at: {error}"
            return Line(check, ok=None, found=found)
        try:
            held = read_secret(value).values
            problems = [str(one) for one in held.values() if isinstance(one, SecretError)]
        except SecretError as error:
            held, problems = {}, [str(error)]
        if problems:
            fix = "Put the right value into the secret: docs/people.md says where to find it"
            return Line(check, ok=False, found="; ".join(problems), fix=fix)
        return Line(check, ok=True, found=f"has what it needs for {', '.join(held)}")
