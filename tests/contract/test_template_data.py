"""How template.yaml stores, encrypts and deletes data."""

import pytest

from contract.deployed_template import EVERYTHING, Call, Json, Stack, granted, verdict

# Those that SNS accepts in the policy of a topic; it rejects sns:*.
TOPIC_ACTIONS = (
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)


def policies_of_queues() -> dict[str, list[Json]]:
    """The statements by queue. SQS keeps one policy for each queue: the last that is set."""
    statements: dict[str, list[Json]] = {}
    for policy in Stack().of_type("AWS::SQS::QueuePolicy").values():
        (queue,) = policy["Queues"]
        assert queue not in statements
        statements[queue] = policy["PolicyDocument"]["Statement"]
    return statements


def policy_of_the_topic() -> list[Json]:
    policy = Stack().only("AWS::SNS::TopicPolicy")
    statements: list[Json] = policy["PolicyDocument"]["Statement"]
    assert policy["Topics"] == ["StatusChangesTopic"]
    return statements


def test_the_key_of_the_table_is_cluster_and_restore_job() -> None:
    assert Stack().properties("RestoreJobsTable")["KeySchema"] == [
        {"AttributeName": "cluster", "KeyType": "HASH"},
        {"AttributeName": "restoreId", "KeyType": "RANGE"},
    ]


def test_a_sparse_index_holds_the_progress_of_every_open_job() -> None:
    """A change of the projection replaces the index, so it holds all that a sweep will read."""
    (index,) = Stack().properties("RestoreJobsTable")["GlobalSecondaryIndexes"]

    assert index["IndexName"] == "OpenJobs"
    assert index["KeySchema"] == [
        {"AttributeName": "openShard", "KeyType": "HASH"},
        {"AttributeName": "restoreId", "KeyType": "RANGE"},
    ]
    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    assert set(index["Projection"]["NonKeyAttributes"]) == {
        "kind",
        "status",
        "atlasStatus",
        "deliveryType",
        "expirationDate",
        "restoreScheduledDate",
        "firstObservedAt",
        "observedAt",
        "sequence",
        "publishedSequence",
        "missingSince",
        "unansweredSince",
    }


def test_only_an_item_with_an_expiry_is_deleted() -> None:
    expiry = Stack().properties("RestoreJobsTable")["TimeToLiveSpecification"]

    assert expiry == {"AttributeName": "expiresAt", "Enabled": True}


def test_the_table_is_kept_when_the_stack_is_deleted() -> None:
    table = Stack().resources["RestoreJobsTable"]

    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table["UpdateReplacePolicy"] == "Retain"


def test_the_table_is_encrypted_restorable_and_billed_on_demand() -> None:
    table = Stack().properties("RestoreJobsTable")

    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_every_queue_is_encrypted() -> None:
    queues = Stack().of_type("AWS::SQS::Queue")

    assert set(queues) == {"RequestQueue", "RequestDeadLetterQueue", "OnFailureQueue"}
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())


@pytest.mark.parametrize(
    ("given", "key"), [("", "alias/aws/sns"), (EVERYTHING["TopicKmsKeyArn"],) * 2]
)
def test_the_topic_is_encrypted_with_or_without_a_customer_managed_key(
    given: str, key: str
) -> None:
    topic = Stack(TopicKmsKeyArn=given).properties("StatusChangesTopic")

    assert topic["KmsMasterKeyId"] == key


def test_log_lines_expire_because_the_function_cannot_make_another_log_group() -> None:
    stack = Stack(LogRetentionDays="90")
    function = stack.properties("RestoreWatchFunction")

    assert function["LoggingConfig"]["LogGroup"] == "LogGroup"
    assert stack.properties("LogGroup")["RetentionInDays"] == "90"
    assert "logs:CreateLogGroup" not in granted(stack.properties("RestoreWatchFunctionRole"))


@pytest.mark.parametrize("queue", ["RequestQueue", "RequestDeadLetterQueue", "OnFailureQueue"])
@pytest.mark.parametrize("principal", ["arn:aws:iam::111122223333:root", "events.amazonaws.com"])
@pytest.mark.parametrize("action", ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:PurgeQueue"])
def test_a_queue_denies_every_call_without_tls(queue: str, principal: str, action: str) -> None:
    rule = {"aws:SourceArn": "RestoreWatchFunctionRequest.Arn"}

    def answer(*, tls: str) -> str | None:
        context = {**rule, "aws:SecureTransport": tls}
        return verdict(
            policies_of_queues()[queue], Call(action, f"{queue}.Arn", principal, context)
        )

    assert answer(tls="false") == "Deny"
    assert answer(tls="true") != "Deny"


@pytest.mark.parametrize("action", TOPIC_ACTIONS)
def test_the_topic_denies_every_call_without_tls(action: str) -> None:
    owner = {"AWS:SourceOwner": "111122223333"}

    def answer(*, tls: str) -> str | None:
        context = {**owner, "aws:SecureTransport": tls}
        return verdict(policy_of_the_topic(), Call(action, "StatusChangesTopic", "anyone", context))

    assert answer(tls="false") == "Deny"
    assert answer(tls="true") != "Deny"


@pytest.mark.parametrize("action", ["sns:Publish", "sns:Subscribe"])
@pytest.mark.parametrize(
    ("owner", "answer"), [("111122223333", "Allow"), ("444455556666", None), (None, None)]
)
def test_the_topic_lets_only_its_own_account_publish_and_subscribe(
    action: str, owner: str | None, answer: str | None
) -> None:
    """The default policy, which this one replaces, does the same; alarms of the account need it."""
    context = {"AWS:SourceOwner": owner} if owner else {}
    call = Call(action, "StatusChangesTopic", "cloudwatch.amazonaws.com", context)

    assert verdict(policy_of_the_topic(), call) == answer


def test_the_policy_of_the_topic_names_only_actions_that_sns_accepts_there() -> None:
    for statement in policy_of_the_topic():
        assert set(statement["Action"]) <= set(TOPIC_ACTIONS)


def test_every_statement_of_a_policy_has_a_unique_name() -> None:
    for statements in [*policies_of_queues().values(), policy_of_the_topic()]:
        names = [statement["Sid"] for statement in statements]
        assert len(set(names)) == len(names)
