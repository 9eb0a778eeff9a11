"""Diagnoses a stack by calls that its functions may not make. Changes nothing."""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from typing import Any

from foundation.json_text import read_json
from notify_people.channels.secret import read_secret
from notify_people.errors import SecretError
from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.errors import OperateError
from restore_watch.diagnosis.aws_fixes import GONE, MAKE_TOPIC_AGAIN
from restore_watch.diagnosis.line import Line, bad, good, unsure

_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")
"""SNS needs these from a publisher to its topic, and itself for an encrypted queue."""

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

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

_PEOPLE = "messages for people that were not sent"
_DEAD_LETTER_QUEUES = (
    ("RequestDeadLetterQueue", "requests that failed for good", "LogGroupName", "RequestQueueArn"),
    ("OnFailureQueue", "invocations that failed for good", "LogGroupName", ""),
    ("NoticeDeadLetterQueue", _PEOPLE, "NotifyPeopleLogGroupName", "NoticeQueueArn"),
)
"""Each with its content, and the outputs for the log with the cause, and for its source."""


@dataclass(frozen=True)
class StackDiagnosis:
    """Looks at policies of customer managed keys, the way to people, and for dead letters."""

    aws: Aws
    stack: DeployedStack

    def lines(self) -> Iterator[Line]:
        """Yield a line for each check; without an answer, its result is unknown."""
        yield from self._key_policies()
        if "NoticeQueueArn" in self.stack.outputs:
            yield from self._way_to_people()
        if "AlarmEmailTopicArn" in self.stack.outputs:
            yield _look("alarms: subscriptions", self._hearers_of_alarms, MAKE_TOPIC_AGAIN)
        yield from self._dead_letters()

    def _key_policies(self) -> Iterator[Line]:
        """
        Look at the key of the topics and queues, but at no condition.

        IAM's simulator takes a resource's policy for a user only: its API, SimulatePrincipalPolicy.
        """
        key = self.stack.parameters.get("KmsKeyArn", "")
        if not key:
            return
        gone = "Deploy the stack with another KmsKeyArn"

        def find_for_function(check: str) -> Line:
            name = self.stack.output("FunctionName")
            held = self.aws.ask("lambda", "get_function_configuration", FunctionName=name)
            return self._key_policy(key, names_of_role(held["Role"]), check)

        yield _look("key policy: function", find_for_function, gone)
        if "NoticeQueueArn" in self.stack.outputs:
            find_for_sns = partial(self._key_policy, key, ["sns.amazonaws.com"])
            yield _look("key policy: SNS", find_for_sns, gone)
        if "AlarmEmailTopicArn" in self.stack.outputs:
            find_for_alarms = partial(self._key_policy, key, ["cloudwatch.amazonaws.com"])
            yield _look("key policy: alarms", find_for_alarms, gone)

    def _key_policy(self, key: str, principals: list[str], check: str) -> Line:
        answer = self.aws.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
        lacking = missing_actions(answer["Policy"], principals)
        if lacking:
            fix = f"Add the statements of docs/security.md to the policy of the key {key}"
            return bad(check, f"does not allow {' and '.join(lacking)}", fix)
        return good(check, "allows what is needed; conditions were not looked at")

    def _way_to_people(self) -> Iterator[Line]:
        gone = (
            "Messages that wait for people are lost by this, with both queues. Change the "
            "parameters to NotifyEmail= NotifyChat=no NotifySecretArn= and then back"
        )
        yield _look("people: function", self._concurrency, gone)
        yield _look("people: trigger", self._trigger, gone)
        yield _look("people: subscription", self._subscription, MAKE_TOPIC_AGAIN)
        if self.stack.parameters.get("NotifySecretArn"):
            fix = "Make the secret again, and set NotifySecretArn to its ARN"
            yield _look("people: secret", self._webhooks, fix)

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

    def _hearers_of_alarms(self, check: str) -> Line:
        """Count the subscriptions of the topic by which CloudWatch mails alarms."""
        topic = self.stack.output("AlarmEmailTopicArn")
        pages = self.aws.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic
        )
        arns = [str(one.get("SubscriptionArn")) for one in chain.from_iterable(pages)]
        confirmed = sum(arn.startswith("arn:") for arn in arns)
        waiting = arns.count("PendingConfirmation")
        found = f"{confirmed} confirmed, {waiting} not confirmed"
        if confirmed and not waiting:
            return good(check, found)
        fix = (
            "Open the link in the e-mail of SNS about alarms. If it is older than two days, "
            "subscribe again:\n"
            f"aws sns subscribe --topic-arn {topic} --protocol email "
            "--notification-endpoint <address>"
        )
        return bad(check, found, fix)

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

    def _dead_letters(self) -> Iterator[Line]:
        """Yield a line for each queue that is not known to be empty, or a line for all of them."""
        gone = "Delete the stack and deploy it again: the table is kept"
        lines = [
            _look(f"dead letters: {name}", partial(self._content, arn, *queue), gone)
            for name, *queue in _DEAD_LETTER_QUEUES
            if (arn := self.stack.outputs.get(f"{name}Arn"))
        ]
        wanting = [line for line in lines if line.ok is not True]
        yield from wanting
        if lines and not wanting:
            yield good("dead letters", "there are none")

    def _content(self, arn: str, holds: str, log: str, source: str, check: str) -> Line:
        *_, account, name = arn.split(":", 5)
        url = self.aws.ask("sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account)
        attributes = self.aws.ask(
            "sqs", "get_queue_attributes", QueueUrl=url["QueueUrl"], AttributeNames=list(_COUNTS)
        ).get("Attributes", {})
        count = sum(int(attributes.get(name, 0)) for name in _COUNTS)
        if not count:
            return good(check, "is empty")
        again = "docs/operations.md says how to invoke the function with them again"
        if source:
            again = (
                f"Then move them back:\naws sqs start-message-move-task --source-arn {arn} "
                f"--destination-arn {self.stack.outputs[source]}"
            )
        cause = f"Fix the cause, which the log group {self.stack.outputs.get(log, log)} names"
        return bad(check, f"{holds}: {count}", f"{cause}. {again}")


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


def _look(check: str, find: Callable[[str], Line], gone: str) -> Line:
    """Return the line that `find` returns. `gone` is the fix if AWS has no such thing."""
    try:
        return find(check)
    except OperateError as error:
        return bad(check, "was deleted", gone) if error.code in GONE else unsure(check, str(error))


def missing_actions(policy: str, principals: Iterable[str]) -> list[str]:
    """Return the actions that no statement allows to any of the principals. Raises OperateError."""
    try:
        statements = _listed(read_json(policy)["Statement"])
        names = {"*", *principals}
        return [action for action in _NEEDED if not _is_allowed(statements, action, names)]
    except (AttributeError, LookupError, TypeError):
        raise OperateError("the policy of the key is in a form that is not known") from None


def names_of_role(arn: str) -> list[str]:
    """Return the names by which a policy may mean a role: its ARN, and names of its account."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    return [arn, account, f"arn:{partition}:iam::{account}:root"]


def _is_allowed(statements: list[Any], action: str, names: set[str]) -> bool:
    # A condition may lift a Deny.
    effects = {
        part["Effect"]
        for part in statements
        if _applies(part, action, names)
        and (part["Effect"] == "Allow" or not part.get("Condition"))
    }
    return effects == {"Allow"}


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
