"""What brings messages to people is broken: the doctor has one line for it, with the fix."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.documents import ROOT, blocks, page, section
from integration.operators import Operator, run_doctor
from integration.people import PeopleStack
from local_stack.aws import ACCOUNT, aws_error
from local_stack.stack import PEOPLE
from local_stack.wire import Fault
from produced import Produced

type Break = Callable[[PeopleStack], Fault | None]
type Run = Callable[..., tuple[int, str]]

pytestmark = [pytest.mark.fault("F92"), pytest.mark.timeout(100)]


@pytest.fixture(scope="module")
def shared() -> Iterator[PeopleStack]:
    with PeopleStack() as stack:
        yield stack


@pytest.fixture
def people(shared: PeopleStack) -> Iterator[PeopleStack]:
    """A stack that notifies people and has swept. Its trigger is there, and polls nothing."""
    shared.aws.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn(shared), FunctionName=shared.resources[PEOPLE]
    )
    shared.tick()
    yield shared
    shared.aws.wire.heal()
    shared.reset()


@pytest.fixture
def doctor(people: PeopleStack, tmp_path: Path, produced: Produced) -> Run:
    environment = Operator(tmp_path, people, produced).environment

    def run(*words: str, columns: int = 80) -> tuple[int, str]:
        return run_doctor(environment | {"COLUMNS": str(columns)}, produced, *words)

    return run


def wrong(printed: str) -> list[str]:
    """The checks that are wrong."""
    return [re.split("  |$", line[7:])[0] for line in printed.splitlines() if line[:5] == "wrong"]


def queue_arn(stack: PeopleStack, name: str = "NoticeQueue") -> str:
    attributes = stack.aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.resources[name], AttributeNames=["QueueArn"]
    )
    return str(attributes["Attributes"]["QueueArn"])


def notify_secret(stack: PeopleStack) -> str:
    listed = stack.aws.client("secretsmanager").list_secrets()["SecretList"]
    return next(str(one["ARN"]) for one in listed if one["Name"] == "notify")


def unsubscribe(stack: PeopleStack, topic: str, endpoint: str) -> None:
    sns = stack.aws.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if re.search(endpoint, one["Endpoint"]):
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


# The mistakes


def may_not_run(stack: PeopleStack) -> None:
    stack.aws.client("lambda").put_function_concurrency(
        FunctionName=stack.resources[PEOPLE], ReservedConcurrentExecutions=0
    )


def trigger_is_disabled(stack: PeopleStack) -> None:
    client = stack.aws.client("lambda")
    for one in client.list_event_source_mappings(EventSourceArn=queue_arn(stack))[
        "EventSourceMappings"
    ]:
        client.update_event_source_mapping(UUID=one["UUID"], Enabled=False)


def trigger_is_deleted(stack: PeopleStack) -> None:
    client = stack.aws.client("lambda")
    for one in client.list_event_source_mappings(EventSourceArn=queue_arn(stack))[
        "EventSourceMappings"
    ]:
        client.delete_event_source_mapping(UUID=one["UUID"])


def queue_is_unsubscribed(stack: PeopleStack) -> None:
    unsubscribe(stack, stack.topic_arn, "Notice")


def subscription_has(stack: PeopleStack, name: str, value: str) -> None:
    sns = stack.aws.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=stack.topic_arn)["Subscriptions"]:
        if one["Endpoint"] == queue_arn(stack):
            sns.set_subscription_attributes(
                SubscriptionArn=one["SubscriptionArn"], AttributeName=name, AttributeValue=value
            )


def messages_are_filtered(stack: PeopleStack) -> None:
    subscription_has(stack, "FilterPolicy", '{"terminal": ["nothing"]}')


def messages_are_not_raw(stack: PeopleStack) -> None:
    subscription_has(stack, "RawMessageDelivery", "false")


def last_reader_of_mail_is_gone(stack: PeopleStack) -> None:
    unsubscribe(stack, stack.resources["EmailTopic"], "")


def a_message_was_given_up(stack: PeopleStack) -> None:
    stack.aws.client("sqs").send_message(
        QueueUrl=stack.resources["NoticeDeadLetterQueue"], MessageBody="{}"
    )


def a_request_was_given_up(stack: PeopleStack) -> None:
    stack.aws.client("sqs").send_message(
        QueueUrl=stack.resources["RequestDeadLetterQueue"], MessageBody="{}"
    )


def secret_is_deleted(stack: PeopleStack) -> None:
    stack.aws.client("secretsmanager").delete_secret(SecretId=notify_secret(stack))


def secret_is_gone(stack: PeopleStack) -> None:
    stack.aws.client("secretsmanager").delete_secret(
        SecretId=notify_secret(stack), ForceDeleteWithoutRecovery=True
    )


def webhook_is_a_placeholder(stack: PeopleStack) -> None:
    stack.aws.client("secretsmanager").put_secret_value(
        SecretId=notify_secret(stack), SecretString='{"slack_webhook_url": "TODO"}'
    )


def key_is_mistyped(stack: PeopleStack) -> None:
    held = {"slack_webhook_url": "https://hooks.slack.com/services/T/B/1", "teams_url": "TODO"}
    stack.aws.client("secretsmanager").put_secret_value(
        SecretId=notify_secret(stack), SecretString=json.dumps(held)
    )


def topic_is_deleted(stack: PeopleStack) -> None:
    stack.aws.client("sns").delete_topic(TopicArn=stack.topic_arn)


MISTAKES: list[tuple[Break, str, str]] = [
    (may_not_run, "people: function", "aws lambda delete-function-concurrency"),
    (trigger_is_disabled, "people: trigger", "aws lambda update-event-source-mapping --enabled"),
    (trigger_is_deleted, "people: trigger", "aws lambda create-event-source-mapping"),
    (queue_is_unsubscribed, "people: subscription", "aws sns subscribe --topic-arn"),
    (
        messages_are_filtered,
        "people: subscription",
        "--attribute-name FilterPolicy --attribute-value '{}'",
    ),
    (
        messages_are_not_raw,
        "people: subscription",
        "--attribute-name RawMessageDelivery --attribute-value true",
    ),
    (last_reader_of_mail_is_gone, "subscriptions of the e-mail topic", "aws sns subscribe"),
    (
        a_message_was_given_up,
        "dead letters: NoticeDeadLetterQueue",
        "aws sqs start-message-move-task --source-arn",
    ),
    (
        a_request_was_given_up,
        "dead letters: RequestDeadLetterQueue",
        "aws sqs start-message-move-task --source-arn",
    ),
    (secret_is_deleted, "people: secret", "aws secretsmanager restore-secret --secret-id"),
    (secret_is_gone, "people: secret", "set NotifySecretArn"),
    (webhook_is_a_placeholder, "people: secret", "docs/people.md"),
    (key_is_mistyped, "people: secret", "docs/people.md"),
    (topic_is_deleted, "topic", "docs/troubleshooting.md"),
]


def test_a_stack_that_reaches_everybody_has_nothing_wrong(doctor: Run) -> None:
    status, printed = doctor()

    assert (status, wrong(printed)) == (0, [])
    assert "Nothing is wrong" in printed


@pytest.mark.parametrize(
    ("breaks", "check", "fix"), MISTAKES, ids=lambda one: getattr(one, "__name__", "")
)
def test_one_mistake_is_one_line_with_its_fix(
    people: PeopleStack, doctor: Run, breaks: Break, check: str, fix: str
) -> None:
    breaks(people)

    status, printed = doctor()

    assert (status, wrong(printed)) == (1, [check])
    assert fix in printed
    assert "TODO" not in printed


def test_a_trigger_that_is_made_again_is_that_of_the_template(
    people: PeopleStack, doctor: Run
) -> None:
    trigger_is_deleted(people)

    lines = [line.strip() for line in doctor()[1].splitlines()]
    given = options(shlex.split(next(line for line in lines if line.startswith("aws lambda"))))

    template = yaml_parse((ROOT / "template.yaml").read_text())
    properties = template["Resources"]["NotifyPeopleFunction"]["Properties"]
    (trigger,) = [one["Properties"] for one in properties["Events"].values()]
    assert given == {
        "function-name": people.resources[PEOPLE],
        "event-source-arn": queue_arn(people),
        "batch-size": str(trigger["BatchSize"]),
        "function-response-types": " ".join(trigger["FunctionResponseTypes"]),
        "scaling-config": f"MaximumConcurrency={trigger['ScalingConfig']['MaximumConcurrency']}",
    }
    assert trigger.keys() == {"Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig"}


def test_a_filter_that_was_removed_holds_nothing_back(people: PeopleStack, doctor: Run) -> None:
    subscription_has(people, "FilterPolicy", "{}")

    assert wrong(doctor()[1]) == []


def repair(stack: PeopleStack) -> None:
    """Do what `SNS answered NotFound` of docs/troubleshooting.md says, command by command."""
    text = section(page("troubleshooting"), "SNS answered NotFound")
    names = {
        "<TopicArn>": stack.topic_arn,
        "<name>": stack.topic_arn.rpartition(":")[2],
        "<account>": ACCOUNT,
        "<NoticeQueueArn>": queue_arn(stack),
        "<NoticeDeadLetterQueueArn>": queue_arn(stack, "NoticeDeadLetterQueue"),
    }
    for name, value in names.items():
        text = text.replace(name, value)
    policy, attributes = blocks(text, "json")
    create, *changes, subscribe = [
        shlex.split(line) for line in "".join(blocks(text, "sh")).splitlines() if "aws" in line
    ]
    sns = stack.aws.client("sns")
    sns.create_topic(Name=options(create)["name"])
    for given in map(options, changes):
        is_file = given["attribute-value"].startswith("file://")
        sns.set_topic_attributes(
            TopicArn=given["topic-arn"],
            AttributeName=given["attribute-name"],
            AttributeValue=policy if is_file else given["attribute-value"],
        )
    given = options(subscribe)
    sns.subscribe(
        TopicArn=given["topic-arn"],
        Protocol=given["protocol"],
        Endpoint=given["notification-endpoint"],
        Attributes=json.loads(attributes),
    )


def options(words: list[str]) -> dict[str, str]:
    return {
        name.removeprefix("--"): value for name, value in zip(words[3::2], words[4::2], strict=True)
    }


def test_the_page_makes_a_deleted_topic_again_with_everything_that_it_had(
    people: PeopleStack, doctor: Run
) -> None:
    before = people.aws.client("sns").get_topic_attributes(TopicArn=people.topic_arn)["Attributes"]
    topic_is_deleted(people)
    people.aws.client("sns").create_topic(Name=people.topic_arn.rpartition(":")[2])
    assert wrong(doctor()[1]) == ["topic"]

    repair(people)

    after = people.aws.client("sns").get_topic_attributes(TopicArn=people.topic_arn)["Attributes"]
    assert json.loads(after["Policy"]) == json.loads(before["Policy"])
    assert after["KmsMasterKeyId"] == before["KmsMasterKeyId"]
    assert wrong(doctor()[1]) == []
    sns = people.aws.client("sns")
    (made,) = [
        sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
        for one in sns.list_subscriptions_by_topic(TopicArn=people.topic_arn)["Subscriptions"]
        if one["Endpoint"] == queue_arn(people)
    ]
    assert made["RawMessageDelivery"] == "true"
    assert json.loads(made["RedrivePolicy"]) == {
        "deadLetterTargetArn": queue_arn(people, "NoticeDeadLetterQueue")
    }


def test_what_the_operator_may_not_ask_is_not_a_mistake(people: PeopleStack, doctor: Run) -> None:
    denied = {
        "GetQueueUrl": "sqs",
        "GetSecretValue": "secretsmanager",
        "ListSubscriptionsByTopic": "sns",
    }
    with ExitStack() as faults:
        for operation, service in denied.items():
            action = aws_error(service, "AccessDeniedException")
            faults.enter_context(
                people.aws.wire.inject(
                    Fault(action=action, operation=operation, when=by_operator, times=None)
                )
            )
        status, printed = doctor(columns=200)

    assert (status, wrong(printed)) == (0, [])
    assert "is there. Its form was not looked at: secretsmanager:GetSecretValue" in printed
    assert "Give these credentials the policy of docs/operations.md" in printed


def by_operator(call: Any) -> bool:
    return "AKIAOPERATOR" in call.headers.get("Authorization", "")
