"""What invokes the functions, what is kept of a failure, and how data is stored and encrypted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.events.models import EventPattern
from moto.sns.utils import FilterPolicyMatcher

from contract.deployed_template import CHECKOUT, EVERYTHING, READERS, Stack
from restore_watch.measuring.measure_request import DELIVERIES
from restore_watch.report.period import Schedule
from restore_watch.report.report_request import ReportRequest, read_event

KEY = EVERYTHING["KmsKeyArn"]
STACK = Stack(**READERS, LogRetentionDays="90")

# What stays as it is, because something in AWS would be lost, late or open otherwise


def retries(attempts: int, seconds: int) -> dict[str, int]:
    return {"MaximumRetryAttempts": attempts, "MaximumEventAgeInSeconds": seconds}


def redrive(queue: str, deliveries: int = 5) -> dict[str, Any]:
    return {"deadLetterTargetArn": f"{queue}.Arn", "maxReceiveCount": deliveries}


SETTINGS: dict[str, dict[str, Any]] = {
    "RestoreWatchFunctionSchedule": {
        "State": "ENABLED",
        "ScheduleExpression": "rate(1 minute)",
        "GroupName": "ScheduleGroup",
        # The next sweep comes soon and does the work of one that was not delivered.
        "Target.RetryPolicy": retries(0, 60),
        "Target.DeadLetterConfig": None,
        "Target.RoleArn": "ScheduleRole.Arn",
    },
    "RestoreWatchFunctionRequest": {
        "Targets.0.RetryPolicy": retries(20, 3600),
        "Targets.0.DeadLetterConfig": {"Arn": "RequestDeadLetterQueue.Arn"},
    },
    "RestoreWatchFunctionEventInvokeConfig": {
        **retries(2, 3600),
        "DestinationConfig.OnFailure.Destination": "OnFailureQueue.Arn",
    },
    "RestoreWatchFunctionRequestQueue": {
        "EventSourceArn": "RequestQueue.Arn",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig.MaximumConcurrency": 2,
    },
    # A report that is not made is missed, whether Lambda or EventBridge Scheduler gave up.
    "ReportFunctionSchedule": {
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "GroupName": "ScheduleGroup",
        "Name": "report",
        "Target.Arn": "ReportFunction.Arn",
        "Target.RoleArn": "ScheduleRole.Arn",
        "Target.RetryPolicy": retries(185, 24 * 3600),
    },
    "ReportFunctionEventInvokeConfig": {
        **retries(2, 6 * 3600),
        "DestinationConfig.OnFailure.Destination": "OnFailureQueue.Arn",
    },
    "ReportFunction": {
        "Handler": "restore_watch.report_handler.lambda_handler",
        "Timeout": 900,
        "MemorySize": 1024,
        "Role": "ReportFunctionRole.Arn",
        "VpcConfig": None,
        "LoggingConfig.LogGroup": "LogGroup",
    },
    "ReportBucket": {
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "OwnershipControls.Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}],
        "LifecycleConfiguration": None,
    },
    "NotifyPeopleFunctionNotices": {
        "EventSourceArn": "NoticeQueue.Arn",
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig.MaximumConcurrency": 2,
    },
    # SQS starts a move only from a queue that is the dead-letter queue of another queue. A batch
    # stays invisible for six times the time-out of its function.
    "RequestQueue": {"RedrivePolicy": redrive("RequestDeadLetterQueue"), "VisibilityTimeout": 750},
    "NoticeQueue": {"RedrivePolicy": redrive("NoticeDeadLetterQueue"), "VisibilityTimeout": 360},
    # Atlas has figures after minutes, or an hour. After the sixth delivery, only our fault is left.
    "MeasureQueue": {
        "DelaySeconds": 900,
        "VisibilityTimeout": 900,
        "RedrivePolicy": redrive("MeasureDeadLetterQueue", DELIVERIES + 2),
    },
    "MeasureFunctionRestores": {
        "EventSourceArn": "MeasureQueue.Arn",
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig.MaximumConcurrency": 2,
    },
    "MeasureFunction": {
        "Handler": "restore_watch.measure_handler.lambda_handler",
        "Timeout": 120,
        "Role": "MeasureFunctionRole.Arn",
        "VpcConfig": None,
        "LoggingConfig.LogGroup": "MeasureLogGroup",
    },
    "MeasureLogGroup": {"RetentionInDays": "90"},
    "MeasureSubscription": {
        "TopicArn": "StatusChangesTopic",
        "Protocol": "sqs",
        "Endpoint": "MeasureQueue.Arn",
        "RawMessageDelivery": True,
        "RedrivePolicy": {"deadLetterTargetArn": "MeasureDeadLetterQueue.Arn"},
    },
    "RestoreWatchFunction": {
        "Timeout": 125,
        "VpcConfig": None,
        "LoggingConfig.LogGroup": "LogGroup",
    },
    "NotifyPeopleFunction": {"Timeout": 60, "LoggingConfig.LogGroup": "NotifyPeopleLogGroup"},
    "LogGroup": {"RetentionInDays": "90"},
    "NotifyPeopleLogGroup": {"RetentionInDays": "90"},
    # Messages arrive as they are, and none is lost on the way.
    "NoticeSubscription": {
        "TopicArn": "StatusChangesTopic",
        "Protocol": "sqs",
        "Endpoint": "NoticeQueue.Arn",
        "RawMessageDelivery": True,
        "RedrivePolicy": {"deadLetterTargetArn": "NoticeDeadLetterQueue.Arn"},
    },
    "EmailSubscription": {
        "TopicArn": "EmailTopic",
        "Protocol": "email",
        "Endpoint": "ops@example.com",
    },
    "AlarmSubscription": {
        "TopicArn": "AlarmTopic",
        "Protocol": "email",
        "Endpoint": "ops@example.com",
    },
    "RestoreJobsTable": {
        "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": True},
        "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": True,
        "BillingMode": "PAY_PER_REQUEST",
    },
    "SentNoticesTable": {
        "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": True},
    },
}


@pytest.mark.parametrize("logical_id", SETTINGS)
def test_a_resource_is_set_as_it_has_to_be(logical_id: str) -> None:
    def value(path: str) -> Any:
        found: Any = STACK.properties(logical_id)
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else found.get(step)
        return found

    assert {path: value(path) for path in SETTINGS[logical_id]} == SETTINGS[logical_id]


def test_the_rule_answers_requests_of_every_source_and_no_other_event() -> None:
    """The event is that of events/."""
    pattern = EventPattern.load(json.dumps(STACK.only("AWS::Events::Rule")["EventPattern"]))
    event: Any = json.loads((CHECKOUT / "events" / "eventbridge-request.json").read_text())

    assert pattern.matches_event(event)
    assert pattern.matches_event(event | {"source": "anything"})
    assert not pattern.matches_event(event | {"detail-type": "Another Request"})


def test_every_queue_keeps_a_message_for_14_days_the_most_that_sqs_allows() -> None:
    """A message that is moved to a dead-letter queue keeps its age, so the first queue counts."""
    queues = STACK.of_type("AWS::SQS::Queue").values()

    assert [queue["MessageRetentionPeriod"] for queue in queues] == [14 * 24 * 60 * 60] * 7


def test_the_index_holds_all_that_a_sweep_reads_of_an_open_job() -> None:
    """CloudFormation changes no projection: another attribute needs another index."""
    (index,) = STACK.properties("RestoreJobsTable")["GlobalSecondaryIndexes"]

    assert (index["IndexName"], index["Projection"]["ProjectionType"]) == ("OpenJobs", "INCLUDE")
    assert set(index["Projection"]["NonKeyAttributes"]) == {
        *("kind", "status", "atlasStatus", "deliveryType", "expirationDate"),
        *("restoreScheduledDate", "firstObservedAt", "observedAt", "sequence"),
        *("publishedSequence", "missingSince", "unansweredSince"),
    }


def test_only_the_jobs_and_the_reports_are_kept_when_the_stack_is_deleted() -> None:
    """The bucket's policy too: without it, the kept bucket would take calls without TLS."""
    kept = {
        name: (one["DeletionPolicy"], one["UpdateReplacePolicy"])
        for name, one in STACK.resources.items()
        if one.get("DeletionPolicy", "Delete") != "Delete"
    }

    assert kept == dict.fromkeys(
        ("RestoreJobsTable", "ReportBucket", "ReportBucketPolicy"),
        ("RetainExceptOnCreate", "Retain"),
    )


@pytest.mark.parametrize(
    ("report", "expression"),
    [
        ("daily", "cron(0 6 * * ? *)"),
        ("weekly", "cron(0 6 ? * MON *)"),
        ("monthly", "cron(0 6 1 * ? *)"),
    ],
)
def test_a_report_is_made_as_often_as_is_asked_for(report: str, expression: str) -> None:
    """At 06:00 UTC, after the period that it closes. The function reads what the schedule sends."""
    stack = Stack(Report=report)
    schedule = stack.properties("ReportFunctionSchedule")
    sent, moment = schedule["Target"]["Input"], datetime(2026, 12, 1, 6, tzinfo=UTC)
    event = json.loads(sent.replace("<aws.scheduler.scheduled-time>", moment.isoformat()))
    given = stack.properties("ReportFunction")["Environment"]["Variables"]["REPORT"]
    read = read_event(event, Schedule(given), moment + timedelta(hours=1))

    assert isinstance(read, ReportRequest)
    assert (schedule["ScheduleExpression"], read.publishes) == (expression, True)
    assert read.asked_at == moment
    assert "ScheduleExpressionTimezone" not in schedule


def test_the_report_has_the_code_of_the_watch_and_without_it_nothing_is_made() -> None:
    watch, report = (STACK.properties(name) for name in ("RestoreWatchFunction", "ReportFunction"))
    same = ("Code", "Layers", "Runtime", "Architectures")
    assert [watch[name] for name in same] == [report[name] for name in same]

    without = Stack(Report="off", **READERS)
    assert not [name for name in without.resources if "Report" in name]
    assert without.resources.keys() < Stack(**READERS).resources.keys()


def test_what_measures_has_the_code_of_the_watch_and_without_it_nothing_is_made() -> None:
    watch, measure = (
        STACK.properties(name) for name in ("RestoreWatchFunction", "MeasureFunction")
    )
    same = ("Code", "Layers", "Runtime", "Architectures")
    assert [watch[name] for name in same] == [measure[name] for name in same]

    without = Stack(Measure="no", **READERS)
    assert not [name for name in without.resources if "Measure" in name]
    assert not [name for name in without.outputs if "Measure" in name]
    assert "easure" not in json.dumps([without.resources, without.outputs])
    # All else is the same. The watch is told alone, for its doctor, and its role has nothing more.
    made = Stack(**READERS).resources
    told = [
        one["RestoreWatchFunction"]["Properties"]["Environment"]["Variables"].pop("MEASURE")
        for one in (made, without.resources)
    ]
    assert told == ["yes", "no"]
    assert without.resources == {name: made[name] for name in without.resources}
    assert {
        name for name in made.keys() - without.resources.keys() if "Measure" not in name
    } == set()


@pytest.mark.parametrize(
    ("attributes", "is_measured"),
    [
        ({"kind": "dedicated", "deliveryType": "automated"}, True),
        ({"kind": "dedicated", "deliveryType": "pointInTime"}, True),
        ({"kind": "dedicated", "deliveryType": "download"}, False),
        ({"kind": "collection"}, True),
        ({"kind": "flex", "deliveryType": "RESTORE"}, False),
        ({"kind": "tenant", "deliveryType": "RESTORE"}, False),
        ({"kind": "dedicated", "deliveryType": "automated", "status": "RUNNING"}, False),
        ({"kind": "dedicated", "deliveryType": "automated", "status": "FAILED"}, False),
        ({"kind": "dedicated", "type": "atlas-restore-watch.validation-recorded.v1"}, False),
        ({"kind": "dedicated", "type": "atlas-restore-watch.restore-measured.v1"}, False),
    ],
    ids=str,
)
def test_the_queue_gets_the_completed_restores_that_are_measured(
    attributes: dict[str, str], *, is_measured: bool
) -> None:
    usual = {"type": "atlas-restore-watch.status-changed.v1", "status": "COMPLETED"}
    given = {
        name: {"Type": "String", "Value": value} for name, value in (usual | attributes).items()
    }
    policy = STACK.properties("MeasureSubscription")["FilterPolicy"]

    assert FilterPolicyMatcher(policy, "MessageAttributes").matches(given, "") is is_measured


@pytest.mark.parametrize("function", ["RestoreWatchFunction", "ReportFunction", "MeasureFunction"])
def test_a_function_that_asks_atlas_is_in_a_vpc_with_subnets(function: str) -> None:
    assert Stack(**EVERYTHING).properties(function)["VpcConfig"] == {
        "SubnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"],
        "SecurityGroupIds": ["sg-0a1b2c3d"],
    }


# What is made for people


def test_each_reader_has_made_what_it_needs_and_nobody_nothing() -> None:
    without = Stack(NotifyChanges="all").resources.keys()
    topics_of_people = {"EmailTopic", "AlarmTopic", "ChatTopic"}
    assert not [name for name in without if "Noti" in name or name in topics_of_people]

    for reader, topics in (
        ({"NotifyEmail": "ops@example.com"}, {"EmailTopic", "AlarmTopic"}),
        ({"NotifyChat": "yes"}, {"ChatTopic"}),
        ({"NotifySecretArn": READERS["NotifySecretArn"]}, set[str]()),
    ):
        made = Stack(**reader).resources.keys() - without
        assert "NotifyPeopleFunction" in made
        assert made & topics_of_people == topics


# Encryption

# The property that names the key, by type of resource.
ENCRYPTED = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::S3::Bucket": "BucketEncryption",
}
OF_TABLES = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}


def by(key: str | None) -> dict[str, Any]:
    """The encryption of a bucket: by S3's own key, or by a key with few calls of KMS."""
    how = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    rule = {"ServerSideEncryptionByDefault": how} | ({"BucketKeyEnabled": True} if key else {})
    return {"ServerSideEncryptionConfiguration": [rule]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ({"SSEEnabled": True}, None, "alias/aws/sns", None, by(None))),
        ({"KmsKeyArn": KEY}, (OF_TABLES, KEY, KEY, KEY, by(KEY))),
    ],
    ids=["keys of AWS", "a key"],
)
def test_everything_that_holds_data_is_encrypted_with_the_key_that_is_given(
    given: dict[str, str], expected: tuple[Any, ...]
) -> None:
    """SQS refuses a queue with two kinds of encryption."""
    stack = Stack(**given, **READERS)

    for (kind, name), key in zip(ENCRYPTED.items(), expected, strict=True):
        made = {id_: one.get(name) for id_, one in stack.of_type(kind).items()}
        # CloudWatch cannot publish under the AWS managed key of SNS.
        if key == "alias/aws/sns":
            assert made.pop("AlarmTopic") is None
        assert {id_: given for id_, given in made.items() if given != key} == {}
    for queue in stack.of_type("AWS::SQS::Queue").values():
        assert queue.get("SqsManagedSseEnabled") is (None if "KmsKeyArn" in given else True)
