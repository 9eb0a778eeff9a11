"""
Diagnoses a stack by calls that its functions may not make. Changes nothing.

Looks at the policies of customer managed keys, at the way of messages to people, and for dead
letters.
"""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from foundation.json_text import read_json
from notify_people.channels.secret import read_secret
from notify_people.errors import SecretError
from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.errors import OperateError, RefusedError
from restore_watch.diagnosis.aws_fixes import GONE, MAKE_TOPIC_AGAIN
from restore_watch.diagnosis.line import Line, bad, good, unsure


def look(check: str, find: Callable[[str], Line], *, gone: str) -> Line:
    """
    Return the line that `find` returns for the check. Without an answer, the result is unknown.

    `gone` is the fix if AWS has no such thing.
    """
    try:
        return find(check)
    except OperateError as error:
        if isinstance(error, RefusedError) and error.code in GONE:
            return bad(check, "was deleted", gone)
        return unsure(check, str(error))


# Keys

NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")
"""SNS needs these from a publisher to its topic, and itself for an encrypted queue."""


def key_policies(aws: Aws, stack: DeployedStack) -> Iterator[Line]:
    """
    Look at the key of the topics, and at the key of the queue of people.

    Conditions are not looked at, so an Allow here may still be refused. IAM's own simulator takes
    the policy of a resource for a user only, not for a role: SimulatePrincipalPolicy, IAM API
    Reference.
    """
    stack_key = stack.parameters.get("KmsKeyArn", "")
    topic_key = stack.parameters.get("TopicKmsKeyArn") or stack_key
    gone = "Deploy the stack with another TopicKmsKeyArn or KmsKeyArn"

    def find_for_function(check: str) -> Line:
        name = stack.output("FunctionName")
        held = aws.ask("lambda", "get_function_configuration", FunctionName=name)
        return _key_policy(aws, topic_key, names_of_role(held["Role"]), check)

    if topic_key:
        yield look("key policy: function", find_for_function, gone=gone)
    if stack_key and stack.outputs.get("NoticeQueueArn"):
        find_for_sns = partial(_key_policy, aws, stack_key, ["sns.amazonaws.com"])
        yield look("key policy: SNS", find_for_sns, gone=gone)


def _key_policy(aws: Aws, key: str, principals: list[str], check: str) -> Line:
    policy = aws.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
    try:
        lacking = missing_actions(policy["Policy"], principals)
    except ValueError as error:
        return unsure(check, str(error))
    if lacking:
        fix = f"Add the statements of docs/security.md to the policy of the key {key}"
        return bad(check, f"does not allow {' and '.join(lacking)}", fix)
    return good(check, "allows what is needed; conditions were not looked at")


def missing_actions(policy: str, principals: Iterable[str]) -> list[str]:
    """Return the actions that no statement allows to any of the principals. Raises ValueError."""
    try:
        statements = _listed(read_json(policy)["Statement"])
        names = {"*", *principals}
        return [action for action in NEEDED if not _is_allowed(statements, action, names)]
    except (AttributeError, LookupError, TypeError):
        raise ValueError("the policy of the key is in a form that is not known") from None


def names_of_role(arn: str) -> list[str]:
    """Return the names by which a policy may mean a role: its ARN, and names of its account."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    return [arn, account, f"arn:{partition}:iam::{account}:root"]


def _is_allowed(statements: list[Any], action: str, names: set[str]) -> bool:
    applying = [statement for statement in statements if _applies(statement, action, names)]
    effects = {part["Effect"] for part in applying if not part.get("Condition")}
    return "Deny" not in effects and any(part["Effect"] == "Allow" for part in applying)


def _applies(statement: Mapping[str, Any], action: str, names: set[str]) -> bool:
    given = statement.get("Principal", {})
    groups = given.values() if isinstance(given, dict) else [given]
    is_action = any(
        fnmatchcase(action.lower(), pattern.lower())
        for pattern in _listed(statement.get("Action", []))
    )
    return is_action and any(name in names for group in groups for name in _listed(group))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# The way of messages to people

MAKE_AGAIN = (
    "Messages that wait for people are lost by this, with both queues. "
    "Change the parameters to NotifyEmail= NotifyChat=no NotifySecretArn= and then back"
)

TRIGGER_OPTIONS = (
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
class WayToPeople:
    """Looks at the function, its trigger, its queue and its secret in a stack with notices."""

    aws: Aws
    stack: DeployedStack

    def lines(self) -> Iterator[Line]:
        """Yield a line for each part; nothing if the stack notifies nobody."""
        if "NoticeQueueArn" not in self.stack.outputs:
            return
        yield look("people: function", self._concurrency, gone=MAKE_AGAIN)
        yield look("people: trigger", self._trigger, gone=MAKE_AGAIN)
        yield look("people: subscription", self._subscription, gone=MAKE_TOPIC_AGAIN)
        if self.stack.parameters.get("NotifySecretArn"):
            fix = "Make the secret again, and set NotifySecretArn to its ARN"
            yield look("people: secret", self._webhooks, gone=fix)

    def _concurrency(self, check: str) -> Line:
        name = self.stack.output("NotifyPeopleFunctionName")
        answer = self.aws.ask("lambda", "get_function_concurrency", FunctionName=name)
        if answer.get("ReservedConcurrentExecutions") != 0:
            return good(check, "may run")
        command = f"aws lambda delete-function-concurrency --function-name {name}"
        fix = f"Let it run again:\n{command}"
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
                f"--event-source-arn {queue} {TRIGGER_OPTIONS}"
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
        """Look at the filter of the subscription, and at the form of its messages."""
        answer = self.aws.ask("sns", "get_subscription_attributes", SubscriptionArn=arn)
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
        described = self.aws.ask("secretsmanager", "describe_secret", SecretId=secret)
        if described.get("DeletedDate"):
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


# Dead letters

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class _Queue(NamedTuple):
    """A dead-letter queue: its content, and outputs for its source and the log with the cause."""

    holds: str
    log: str
    source: str | None = None


_QUEUES = {
    "RequestDeadLetterQueue": _Queue(
        "requests that failed for good", "LogGroupName", source="RequestQueueArn"
    ),
    "OnFailureQueue": _Queue("invocations that failed for good", "LogGroupName"),
    "NoticeDeadLetterQueue": _Queue(
        "messages for people that were not sent",
        "NotifyPeopleLogGroupName",
        source="NoticeQueueArn",
    ),
}


def dead_letters(aws: Aws, stack: DeployedStack) -> Iterator[Line]:
    """Yield a line for each queue that is not known to be empty, or a line for all of them."""
    gone = "Delete the stack and deploy it again: the table is kept"
    lines = [
        look(f"dead letters: {name}", partial(_content, aws, stack, name, queue), gone=gone)
        for name, queue in _QUEUES.items()
        if f"{name}Arn" in stack.outputs
    ]
    wanting = [line for line in lines if line.ok is not True]
    yield from wanting
    if lines and not wanting:
        yield good("dead letters", "there are none")


def _content(aws: Aws, stack: DeployedStack, output: str, queue: _Queue, check: str) -> Line:
    arn = stack.outputs[f"{output}Arn"]
    *_, account, name = arn.split(":", 5)
    url = aws.ask("sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account)
    attributes = aws.ask(
        "sqs", "get_queue_attributes", QueueUrl=url["QueueUrl"], AttributeNames=list(_COUNTS)
    ).get("Attributes", {})
    count = sum(int(attributes.get(name, 0)) for name in _COUNTS)
    if not count:
        return good(check, "is empty")
    fix = f"Fix the cause, which the log group {stack.outputs.get(queue.log, queue.log)} names. "
    if queue.source:
        fix += (
            "Then move them back:\n"
            f"aws sqs start-message-move-task --source-arn {arn} "
            f"--destination-arn {stack.outputs[queue.source]}"
        )
    else:
        fix += "docs/operations.md says how to invoke the function with them again"
    return bad(check, f"{queue.holds}: {count}", fix)
