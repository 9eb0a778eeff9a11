"""How template.yaml stores, encrypts and deletes data."""

import pytest

from contract.deployed_template import EVERYTHING, Stack, granted


def test_the_key_of_the_table_is_cluster_and_restore_job() -> None:
    assert Stack().properties("RestoreJobsTable")["KeySchema"] == [
        {"AttributeName": "cluster", "KeyType": "HASH"},
        {"AttributeName": "restoreId", "KeyType": "RANGE"},
    ]


def test_a_sparse_index_shows_how_far_every_open_job_is() -> None:
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
    }


def test_only_an_item_with_an_expiry_is_deleted() -> None:
    expiry = Stack().properties("RestoreJobsTable")["TimeToLiveSpecification"]

    assert expiry == {"AttributeName": "expiresAt", "Enabled": True}


def test_the_table_is_kept_when_the_stack_is_deleted() -> None:
    table = Stack().resources["RestoreJobsTable"]

    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table["UpdateReplacePolicy"] == "Retain"


def test_the_table_is_encrypted_restorable_and_paid_by_use() -> None:
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
def test_the_topic_is_encrypted_with_or_without_a_key_of_the_customer(given: str, key: str) -> None:
    topic = Stack(TopicKmsKeyArn=given).properties("StatusChangesTopic")

    assert topic["KmsMasterKeyId"] == key


def test_log_lines_expire_because_the_function_cannot_make_another_log_group() -> None:
    stack = Stack(LogRetentionDays="90")
    function = stack.properties("RestoreWatchFunction")

    assert function["LoggingConfig"]["LogGroup"] == "LogGroup"
    assert stack.properties("LogGroup")["RetentionInDays"] == "90"
    assert "logs:CreateLogGroup" not in granted(stack.properties("RestoreWatchFunctionRole"))
