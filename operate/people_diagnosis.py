"""The way of messages to people: the function, its trigger, its subscription, its secret."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from foundation.json_text import read_json
from notify_people.channels.notify_secret import read_secret
from notify_people.errors import SecretError
from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.errors import OperateError
from operate.gone import line_even_if_gone
from restore_watch.diagnosis.aws_fixes import MAKE_TOPIC_AGAIN
from restore_watch.diagnosis.line import Line, bad, good, unsure

_TRIGGER_OPTIONS = (
    "--batch-size 10 --function-response-types ReportBatchItemFailures "
    "--scaling-config MaximumConcurrency=2"
)
"""The options of the trigger in template.yaml."""

_ATTRIBUTES = (
    ("FilterPolicy", "{}", "a filter policy holds messages back"),
    ("RawMessageDelivery", "true", "the messages are not sent raw"),
)
"""The attributes of the subscription in template.yaml, and what another value means."""


@dataclass(frozen=True)
class PeopleDiagnosis:
    """The way to people of a stack that notifies people."""

    aws: Aws
    stack: DeployedStack

    def lines(self) -> Iterator[Line]:
        """Yield a line for the function, its trigger, its subscription and its secret."""
        gone = (
            "Messages that wait for people are lost by this, with both queues. Change the "
            "parameters to NotifyEmail= NotifyChat=no NotifySecretArn= and then back"
        )
        yield line_even_if_gone("people: function", self._concurrency, gone)
        yield line_even_if_gone("people: trigger", self._trigger, gone)
        yield line_even_if_gone("people: subscription", self._subscription, MAKE_TOPIC_AGAIN)
        if self.stack.parameters.get("NotifySecretArn"):
            fix = "Make the secret again, and set NotifySecretArn to its ARN"
            yield line_even_if_gone("people: secret", self._webhooks, fix)

    def _concurrency(self, check: str) -> Line:
        name = self.stack.output("NotifyPeopleFunctionName")
        answer = self.aws.ask("lambda", "get_function_concurrency", FunctionName=name)
        if answer.get("ReservedConcurrentExecutions") != 0:
            return good(check, "may run")
        fix = f"Let it run again:\naws lambda delete-function-concurrency --function-name {name}"
        return bad(check, "may not run: its reserved concurrency is 0", fix)

    def _trigger(self, check: str) -> Line:
        name = self.stack.output("NotifyPeopleFunctionName")
        queue = self.stack.output("NoticeQueueArn")
        mappings = self.aws.ask(
            "lambda", "list_event_source_mappings", FunctionName=name, EventSourceArn=queue
        )["EventSourceMappings"]
        if not mappings:
            fix = (
                "Make the trigger again; the messages that wait are kept:\n"
                f"aws lambda create-event-source-mapping --function-name {name} "
                f"--event-source-arn {queue} {_TRIGGER_OPTIONS}"
            )
            return bad(check, "its queue does not invoke it", fix)
        state = str(mappings[0].get("State"))
        if state == "Enabled":
            return good(check, "is enabled")
        if not state.startswith("Disabl"):
            return unsure(check, f"is in the state {state}")
        command = f"aws lambda update-event-source-mapping --enabled --uuid {mappings[0]['UUID']}"
        return bad(check, "is disabled", f"Enable it:\n{command}")

    def _subscription(self, check: str) -> Line:
        topic, queue, dead_letters = map(
            self.stack.output, ("TopicArn", "NoticeQueueArn", "NoticeDeadLetterQueueArn")
        )
        pages = self.aws.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic
        )
        for subscription in chain.from_iterable(pages):
            arn = str(subscription.get("SubscriptionArn"))
            if subscription.get("Endpoint") == queue and arn.startswith("arn:"):
                return self._attributes(check, arn)
        redrive = json.dumps({"deadLetterTargetArn": dead_letters})
        attributes = json.dumps({"RawMessageDelivery": "true", "RedrivePolicy": redrive})
        fix = (
            "Subscribe it again:\n"
            f"aws sns subscribe --topic-arn {topic} --protocol sqs --notification-endpoint "
            f"{queue} --attributes {shlex.quote(attributes)}"
        )
        return bad(check, "the topic does not send to the queue of people", fix)

    def _attributes(self, check: str, arn: str) -> Line:
        answer = self.aws.ask("sns", "get_subscription_attributes", SubscriptionArn=arn)
        if silenced := silenced_projects(answer["Attributes"].get("FilterPolicy")):
            found = f"people do not hear of restores in the projects {', '.join(silenced)}"
            return unsure(check, found, "If that is over, docs/people.md says how to end it")
        for name, value, found in _ATTRIBUTES:
            # SNS does not show an empty filter.
            if (answer["Attributes"].get(name) or "{}") != value:
                fix = (
                    "Set it as the stack has it:\n"
                    f"aws sns set-subscription-attributes --subscription-arn {arn} "
                    f"--attribute-name {name} --attribute-value {shlex.quote(value)}"
                )
                return bad(check, found, fix)
        return good(check, "the topic sends to the queue of people")

    def _webhooks(self, check: str) -> Line:
        """Look for the secret, and at the form of its values. No value is shown."""
        secret = self.stack.parameters["NotifySecretArn"]
        if self.aws.ask("secretsmanager", "describe_secret", SecretId=secret).get("DeletedDate"):
            command = f"aws secretsmanager restore-secret --secret-id {secret}"
            return bad(check, "is marked for deletion", f"Restore it:\n{command}")
        try:
            answer = self.aws.ask("secretsmanager", "get_secret_value", SecretId=secret)
        except OperateError as error:
            return unsure(check, f"is there. Its form was not looked at: {error}")
        try:
            held = read_secret(answer.get("SecretString")).values
            problems = [str(value) for value in held.values() if isinstance(value, SecretError)]
        except SecretError as error:
            held, problems = {}, [str(error)]
        if problems:
            fix = "Put the right value into the secret: docs/people.md says where to find it"
            return bad(check, "; ".join(problems), fix)
        return good(check, f"has what it needs for {', '.join(held)}")


def silenced_projects(policy: str | None) -> list[str]:
    """Return the projects that a filter of docs/people.md silences. Empty for any other filter."""
    projects = re.findall(r'"([0-9a-f]{24})"', policy or "")
    if projects and read_json(policy) == _filter_that_silences(projects):
        return projects
    return []


def _filter_that_silences(projects: list[str]) -> dict[str, Any]:
    of_others = {"groupId": [{"exists": False}, {"anything-but": projects}]}
    of_the_watch = {"type": [{"prefix": "atlas-restore-watch.watch-"}]}
    return {"$or": [of_others, of_the_watch]}
