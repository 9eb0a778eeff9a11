"""The stack under a customer's key: what is encrypted with it, and the key policy of the docs."""

import json
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from contract.deployed_template import (
    EVERYTHING,
    READERS,
    Call,
    Json,
    Stack,
    granted,
    role_statements,
    verdict,
)
from contract.documents import blocks, names, page, section

KEY, TOPIC_KEY = EVERYTHING["KmsKeyArn"], EVERYTHING["TopicKmsKeyArn"]
NAME = "atlas-restore-watch"
ACCOUNT, REGION = "111122223333", "us-east-1"
USE = {"kms:Decrypt", "kms:GenerateDataKey"}

# The property that names the key, by type of resource.
ENCRYPTED = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack(NAME, KmsKeyArn=KEY, **READERS)


def documented(number: int) -> list[Json]:
    """The statements of a policy in the docs, as a reader fills them in."""
    text = blocks(section(page("security"), "Encryption"), "json")[number]
    for placeholder, value in (("account", ACCOUNT), ("region", REGION), ("stack", NAME)):
        text = text.replace(f"<{placeholder}>", value)
    assert "<" not in text
    policy: Json = json.loads(text)
    statements: list[Json] = policy.get("Statement", [policy])
    return statements


def keys(stack: Stack, resource_type: str) -> set[Any]:
    """The value of the property that names the key, of all resources of a type."""
    found = [one.get(ENCRYPTED[resource_type]) for one in stack.of_type(resource_type).values()]
    assert found
    return {json.dumps(one) if isinstance(one, dict) else one for one in found}


def test_a_key_encrypts_every_table_topic_queue_and_log_group(stack: Stack) -> None:
    table = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}

    assert keys(stack, "AWS::DynamoDB::Table") == {json.dumps(table)}
    assert keys(stack, "AWS::SNS::Topic") == {KEY}
    assert keys(stack, "AWS::SQS::Queue") == {KEY}
    assert keys(stack, "AWS::Logs::LogGroup") == {KEY}


def test_a_queue_has_one_kind_of_encryption(stack: Stack) -> None:
    """SQS refuses a queue with both."""
    for one in (stack, Stack(**READERS)):
        for queue in one.of_type("AWS::SQS::Queue").values():
            assert ("KmsMasterKeyId" in queue) is not ("SqsManagedSseEnabled" in queue)


def test_without_a_key_everything_is_encrypted_with_keys_of_aws() -> None:
    stack = Stack(**READERS)

    assert keys(stack, "AWS::DynamoDB::Table") == {json.dumps({"SSEEnabled": True})}
    assert keys(stack, "AWS::SNS::Topic") == {"alias/aws/sns"}
    assert keys(stack, "AWS::SQS::Queue") == keys(stack, "AWS::Logs::LogGroup") == {None}


def test_the_key_of_the_topics_takes_precedence_for_topics_only() -> None:
    stack = Stack(KmsKeyArn=KEY, TopicKmsKeyArn=TOPIC_KEY, **READERS)

    assert keys(stack, "AWS::SNS::Topic") == {TOPIC_KEY}
    assert keys(stack, "AWS::SQS::Queue") == {KEY}


@pytest.mark.parametrize("role", ["RestoreWatchFunctionRole", "NotifyPeopleFunctionRole"])
@pytest.mark.parametrize(
    ("topic_key", "services"),
    [("", {"dynamodb", "logs", "sqs", "sns"}), (TOPIC_KEY, {"dynamodb", "logs", "sqs"})],
)
def test_a_function_uses_the_key_only_through_the_services_it_calls(
    role: str, topic_key: str, services: set[str]
) -> None:
    stack = Stack(KmsKeyArn=KEY, TopicKmsKeyArn=topic_key, **READERS)
    statements = role_statements(stack.properties(role))

    def is_allowed(action: str, service: str, resource: str = KEY) -> bool:
        context = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}
        return verdict(statements, Call(action, resource, context=context)) == "Allow"

    for action in USE:
        assert {
            one
            for one in ("dynamodb", "logs", "sqs", "sns", "s3", "ec2")
            if is_allowed(action, one)
        } == services
        assert not is_allowed(action, "sqs", TOPIC_KEY)
    assert not any(is_allowed("kms:CreateGrant", service) for service in services)


def test_the_schedule_needs_no_key(stack: Stack) -> None:
    assert set(granted(stack.properties("ScheduleRole"))) == {"lambda:InvokeFunction"}


def writing_services(stack: Stack) -> set[str]:
    """The services that write to an encrypted resource with no role of the stack."""
    senders = {
        statement["Principal"]["Service"]
        for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        for policy in stack.of_type(kind).values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]
    }
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    topics = stack.of_type("AWS::SNS::Topic").keys()
    if any(topics & set(alarm.get("AlarmActions", [])) for alarm in alarms):
        senders.add("cloudwatch.amazonaws.com")
    return senders | {f"logs.{REGION}.amazonaws.com"}


def test_the_key_policy_names_every_service_that_writes_and_no_other(stack: Stack) -> None:
    services = {
        statement["Principal"]["Service"]
        for statement in documented(0)
        if "Service" in statement["Principal"]
    }

    assert services == writing_services(stack)
    assert services >= {"events.amazonaws.com", "sns.amazonaws.com"}


def test_the_key_policy_lets_each_service_write_for_this_stack_only() -> None:
    statements = documented(0)

    def may(service: str, *, action: str = "kms:GenerateDataKey", **context: str) -> bool:
        given = {key.replace("__", ":"): value for key, value in context.items()}
        call = Call(action, principal=f"{service}.amazonaws.com", context=given)
        return verdict(statements, call) == "Allow"

    def topic(account: str, name: str) -> dict[str, str]:
        return {"aws__SourceArn": f"arn:aws:sns:{REGION}:{account}:{name}"}

    def log_group(account: str, name: str) -> dict[str, str]:
        arn = f"arn:aws:logs:{REGION}:{account}:log-group:{name}"
        return {"kms__EncryptionContext__aws__logs__arn": arn}

    assert may("sns", **topic(ACCOUNT, f"{NAME}-StatusChangesTopic-1A2B"))
    assert may("sns", action="kms:Decrypt", **topic(ACCOUNT, f"{NAME}-StatusChangesTopic-1A2B"))
    assert not may("sns", **topic(ACCOUNT, "another-topic"))
    assert not may("sns", **topic("444455556666", f"{NAME}-StatusChangesTopic-1A2B"))
    assert may("events")
    assert not may("events", action="kms:CreateGrant")
    assert may(f"logs.{REGION}", **log_group(ACCOUNT, f"{NAME}-LogGroup-3C4D"))
    assert not may(f"logs.{REGION}", **log_group(ACCOUNT, "/aws/lambda/another"))
    assert not may("logs.eu-west-1", **log_group(ACCOUNT, f"{NAME}-LogGroup-3C4D"))


def test_the_key_policy_has_the_policies_of_the_roles_count() -> None:
    statements = documented(0)

    def uses(account: str) -> str | None:
        return verdict(statements, Call("kms:Decrypt", principal=f"arn:aws:iam::{account}:root"))

    assert uses(ACCOUNT) == "Allow"
    assert uses("444455556666") is None


def test_every_statement_of_the_key_policy_is_explained() -> None:
    text = section(page("security"), "Encryption").partition("### Who else")[0]
    explained = names(text.partition("### The key policy")[2])

    assert explained == {statement["Sid"] for statement in documented(0)}


def test_the_statement_for_alarms_is_about_alarms_only() -> None:
    (statement,) = documented(1)

    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


@pytest.mark.parametrize("resource_type", ENCRYPTED)
def test_a_change_of_the_key_replaces_no_resource(resource_type: str) -> None:
    """In AWS's own schema, a property that replaces the resource is a create-only property."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    fixed = {path.split("/")[2] for path in schema["createOnlyProperties"]}

    assert schema["properties"].keys() >= {ENCRYPTED[resource_type]}
    assert ENCRYPTED[resource_type] not in fixed
