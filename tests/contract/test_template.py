"""template.yaml as CloudFormation gets it from SAM, and as people meet it in its parameters."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

type Json = dict[str, Any]

CHECKOUT = Path(__file__).parents[2]

SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"
KMS = "arn:aws:kms:eu-central-1:111122223333:"

# X-Ray and the network interfaces of a VPC have no resource that a policy could name beforehand.
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}


@pytest.fixture(scope="module")
def template() -> Json:
    parsed: Json = yaml_parse((CHECKOUT / "template.yaml").read_text())
    return parsed


@pytest.fixture(scope="module")
def stack() -> Json:
    """What CloudFormation creates: the template after SAM's transform."""
    source = yaml_parse((CHECKOUT / "template.yaml").read_text())
    uploaded = "s3://bucket/key"
    source["Resources"]["RestoreWatchFunction"]["Properties"]["CodeUri"] = uploaded
    source["Resources"]["DependenciesLayer"]["Properties"]["ContentUri"] = uploaded
    session = boto3.Session(region_name="us-east-1")
    transformed: Json = Translator({}, Parser(), boto_session=session).translate(source, {})
    return transformed


def properties(stack: Json, logical_id: str) -> Json:
    found: Json = stack["Resources"][logical_id]["Properties"]
    return found


def of_type(stack: Json, resource_type: str) -> Json:
    return {
        logical_id: resource["Properties"]
        for logical_id, resource in stack["Resources"].items()
        if resource["Type"] == resource_type
    }


def arn(logical_id: str) -> Json:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def chosen(value: Any) -> Any:
    """The value when every option is taken."""
    if isinstance(value, dict) and "Fn::If" in value:
        return value["Fn::If"][1]
    return value


def statements(role: Json) -> Iterator[Json]:
    for policy in map(chosen, role.get("Policies", [])):
        yield from map(chosen, policy["PolicyDocument"]["Statement"])


def grants(role: Json) -> dict[str, Any]:
    """Each action that is granted, with the resource it is granted on."""
    granted: dict[str, Any] = {}
    for statement in statements(role):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            resource = statement["Resource"]
            # Two keys may be given; both for kms:Decrypt.
            if action in granted:
                resource = [granted[action], resource]
            granted[action] = resource
    return granted


class TestFunction:
    def test_is_given_exactly_the_environment_it_reads(self, stack: Json) -> None:
        variables = properties(stack, "RestoreWatchFunction")["Environment"]["Variables"]

        assert set(variables) == {
            "ATLAS_SECRET_ID",
            "ATLAS_BASE_URL",
            "TABLE_NAME",
            "TOPIC_ARN",
            "POWERTOOLS_SERVICE_NAME",
            "POWERTOOLS_METRICS_NAMESPACE",
            "POWERTOOLS_LOG_LEVEL",
        }
        assert variables["POWERTOOLS_SERVICE_NAME"] == "atlas-restore-watch"
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "AtlasRestoreWatch"

    def test_runs_on_the_processor_the_operator_chose(self, template: Json, stack: Json) -> None:
        architectures = properties(stack, "RestoreWatchFunction")["Architectures"]

        assert architectures == [{"Ref": "Architecture"}]
        assert template["Parameters"]["Architecture"]["AllowedValues"] == ["arm64", "x86_64"]

    def test_shares_a_layer_that_serves_both_processors(self, stack: Json) -> None:
        ((logical_id, layer),) = of_type(stack, "AWS::Lambda::LayerVersion").items()

        assert properties(stack, "RestoreWatchFunction")["Layers"] == [{"Ref": logical_id}]
        assert layer["CompatibleArchitectures"] == ["arm64", "x86_64"]

    def test_is_traced_by_lambda(self, stack: Json) -> None:
        tracing = properties(stack, "RestoreWatchFunction")["TracingConfig"]

        assert tracing == {"Mode": "Active"}


class TestPermissions:
    def test_let_the_function_do_what_it_does_and_nothing_else(self, stack: Json) -> None:
        granted = grants(properties(stack, "RestoreWatchFunctionRole"))

        assert granted == {
            "secretsmanager:GetSecretValue": {"Ref": "AtlasSecretArn"},
            "kms:Decrypt": [{"Ref": "AtlasSecretKmsKeyArn"}, {"Ref": "TopicKmsKeyArn"}],
            "kms:GenerateDataKey": {"Ref": "TopicKmsKeyArn"},
            "dynamodb:UpdateItem": arn("RestoreJobsTable"),
            "sns:Publish": {"Ref": "StatusChangesTopic"},
            "sqs:ReceiveMessage": arn("RequestQueue"),
            "sqs:DeleteMessage": arn("RequestQueue"),
            "sqs:GetQueueAttributes": arn("RequestQueue"),
            "sqs:SendMessage": arn("OnFailureQueue"),
            "logs:CreateLogStream": arn("LogGroup"),
            "logs:PutLogEvents": arn("LogGroup"),
        } | dict.fromkeys(WITHOUT_RESOURCE, "*")

    def test_name_their_actions_and_resources_in_every_role(self, stack: Json) -> None:
        for role in of_type(stack, "AWS::IAM::Role").values():
            for action, resource in grants(role).items():
                assert "*" not in action
                assert resource != "*" or action in WITHOUT_RESOURCE

    def test_are_widened_by_no_managed_policy(self, stack: Json) -> None:
        for role in of_type(stack, "AWS::IAM::Role").values():
            assert "ManagedPolicyArns" not in role

    def test_reach_a_key_only_when_given_and_through_its_service_alone(self, stack: Json) -> None:
        policy = properties(stack, "RestoreWatchFunctionRole")["Policies"][0]
        through = {
            condition: statement["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"]
            for option in policy["PolicyDocument"]["Statement"]
            if "Fn::If" in option
            for condition, statement, _ in [option["Fn::If"]]
        }

        assert through == {
            "HasSecretKey": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}",
            "HasTopicKey": "sns.${AWS::Region}.${AWS::URLSuffix}",
        }

    def test_to_attach_to_a_vpc_come_with_the_vpc(self, stack: Json) -> None:
        without_vpc, with_vpc = properties(stack, "RestoreWatchFunctionRole")["Policies"]

        assert "PolicyName" in without_vpc
        assert with_vpc["Fn::If"][0] == "InVpc"
        assert properties(stack, "RestoreWatchFunction")["VpcConfig"]["Fn::If"][0] == "InVpc"


class TestTwoStacksInOneAccount:
    def test_share_no_name(self, stack: Json) -> None:
        """A name of our own would also ask for CAPABILITY_NAMED_IAM."""
        named = {
            f"{logical_id}.{name}"
            for logical_id, resource in stack["Resources"].items()
            for name in ("Name", "RoleName", "TableName", "TopicName", "QueueName", "LogGroupName")
            if name in resource["Properties"]
        }

        assert named == set()
        assert "FunctionName" not in properties(stack, "RestoreWatchFunction")

    def test_keep_their_layers_apart(self, stack: Json) -> None:
        (layer,) = of_type(stack, "AWS::Lambda::LayerVersion").values()

        assert "${AWS::StackName}" in layer["LayerName"]["Fn::Sub"]

    def test_export_nothing(self, stack: Json) -> None:
        assert all("Export" not in output for output in stack["Outputs"].values())


class TestParameters:
    def test_are_each_described(self, template: Json) -> None:
        for parameter in template["Parameters"].values():
            assert parameter["Description"]

    def test_ask_for_the_secret_alone(self, template: Json) -> None:
        without_default = {
            name for name, parameter in template["Parameters"].items() if "Default" not in parameter
        }

        assert without_default == {"AtlasSecretArn"}

    def test_say_in_words_what_a_pattern_or_range_asks_for(self, template: Json) -> None:
        wordless = {
            name
            for name, parameter in template["Parameters"].items()
            if parameter.keys() & {"AllowedPattern", "MinValue", "MaxValue"}
            and not parameter.get("ConstraintDescription")
        }

        assert wordless == set()

    def test_have_defaults_that_meet_their_own_constraints(self, template: Json) -> None:
        for parameter in template["Parameters"].values():
            default = parameter.get("Default")
            if default is None:
                continue

            assert re.search(parameter.get("AllowedPattern", ""), str(default))
            assert default in parameter.get("AllowedValues", [default])

    def test_each_stand_in_one_group_under_a_label(self, template: Json) -> None:
        interface = template["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

        assert sorted(grouped) == sorted(template["Parameters"])
        assert set(interface["ParameterLabels"]) == set(template["Parameters"])

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("AtlasSecretArn", SECRET + "atlas-a1B2c3"),
            ("AtlasSecretArn", SECRET.replace("aws", "aws-us-gov") + "a/b-ZZZZZZ"),
            ("AtlasSecretKmsKeyArn", KMS + "key/mrk-0123456789abcdef"),
            ("GroupId", "6a1f3c9e5b7d204e8c61f0a3"),
            ("ClusterName", "Search-Staging"),
            ("ScheduleExpression", "cron(0/5 * * * ? *)"),
            ("SubnetIds", "subnet-0a1b2c3d,subnet-0123456789abcdef0"),
            ("SecurityGroupIds", "sg-0123456789abcdef0"),
        ],
    )
    def test_accept(self, template: Json, parameter: str, value: str) -> None:
        assert re.search(template["Parameters"][parameter]["AllowedPattern"], value)

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("AtlasSecretArn", ""),
            ("AtlasSecretArn", "atlas"),
            ("AtlasSecretArn", SECRET + "atlas"),
            ("AtlasSecretArn", SECRET + "*"),
            ("AtlasSecretKmsKeyArn", "alias/atlas"),
            ("TopicKmsKeyArn", KMS + "alias/atlas"),
            ("GroupId", "6A1F3C9E5B7D204E8C61F0A3"),
            ("RestoreId", "6ac38b14d92e7f05b1a64c3"),
            ("ClusterName", "-orders"),
            ("ClusterName", "orders/../billing"),
            ("ClusterName", "o" * 65),
            ("ScheduleExpression", "every minute"),
            ("SubnetIds", "subnet-0a1b2c3d, subnet-0a1b2c3e"),
        ],
    )
    def test_refuse(self, template: Json, parameter: str, value: str) -> None:
        assert not re.search(template["Parameters"][parameter]["AllowedPattern"], value)

    def test_send_credentials_to_mongodb_alone(self, template: Json) -> None:
        assert template["Parameters"]["AtlasBaseUrl"]["AllowedValues"] == [
            "https://cloud.mongodb.com",
            "https://cloud.mongodbgov.com",
        ]


def holds(condition: Json, values: dict[str, str]) -> bool:
    """Evaluate a rule's condition the way CloudFormation does."""
    match condition:
        case {"Fn::And": parts}:
            return all(holds(part, values) for part in parts)
        case {"Fn::Or": parts}:
            return any(holds(part, values) for part in parts)
        case {"Fn::Not": [part]}:
            return not holds(part, values)
        case {"Fn::Equals": [{"Ref": name}, expected]}:
            return bool(values.get(name, "") == expected)
    pytest.fail(f"a rule uses a function this test does not know: {condition}")


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "given", "accepted"),
        [
            ("OneJobOrNone", (), True),
            ("OneJobOrNone", ("GroupId", "ClusterName", "RestoreId"), True),
            ("OneJobOrNone", ("GroupId", "ClusterName"), False),
            ("OneJobOrNone", ("RestoreId",), False),
            ("WholeNetworkOrNone", (), True),
            ("WholeNetworkOrNone", ("SubnetIds", "SecurityGroupIds"), True),
            ("WholeNetworkOrNone", ("SubnetIds",), False),
            ("WholeNetworkOrNone", ("SecurityGroupIds",), False),
        ],
    )
    def test_take_what_belongs_together_as_a_whole(
        self, template: Json, rule: str, given: tuple[str, ...], *, accepted: bool
    ) -> None:
        (assertion,) = template["Rules"][rule]["Assertions"]

        assert holds(assertion["Assert"], dict.fromkeys(given, "given")) is accepted
        assert assertion["AssertDescription"]

    @pytest.mark.parametrize(
        ("reserved", "accepted"), [("0", True), ("1", False), ("2", False), ("3", True)]
    )
    def test_leave_room_beside_the_queue(
        self, template: Json, reserved: str, *, accepted: bool
    ) -> None:
        (assertion,) = template["Rules"]["RoomBesideTheQueue"]["Assertions"]

        assert holds(assertion["Assert"], {"ReservedConcurrency": reserved}) is accepted


class TestTable:
    def test_is_keyed_by_cluster_and_restore_job(self, stack: Json) -> None:
        table = properties(stack, "RestoreJobsTable")

        assert table["KeySchema"] == [
            {"AttributeName": "cluster", "KeyType": "HASH"},
            {"AttributeName": "restoreId", "KeyType": "RANGE"},
        ]

    def test_finds_open_jobs_in_a_sparse_index(self, stack: Json) -> None:
        (index,) = properties(stack, "RestoreJobsTable")["GlobalSecondaryIndexes"]

        assert index == {
            "IndexName": "OpenJobs",
            "KeySchema": [
                {"AttributeName": "openShard", "KeyType": "HASH"},
                {"AttributeName": "restoreId", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["kind"]},
        }

    def test_forgets_only_what_carries_an_expiry(self, stack: Json) -> None:
        expiry = properties(stack, "RestoreJobsTable")["TimeToLiveSpecification"]

        assert expiry == {"AttributeName": "expiresAt", "Enabled": True}

    def test_outlives_the_stack(self, stack: Json) -> None:
        table = stack["Resources"]["RestoreJobsTable"]

        assert table["DeletionPolicy"] == "RetainExceptOnCreate"
        assert table["UpdateReplacePolicy"] == "Retain"

    def test_is_encrypted_restorable_and_paid_by_use(self, stack: Json) -> None:
        table = properties(stack, "RestoreJobsTable")

        assert table["SSESpecification"]["SSEEnabled"] is True
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["BillingMode"] == "PAY_PER_REQUEST"


class TestNothingIsLostOnTheWayIn:
    def test_a_scheduled_check_that_cannot_be_delivered_is_kept(self, stack: Json) -> None:
        (schedule,) = of_type(stack, "AWS::Scheduler::Schedule").values()
        sender = grants(properties(stack, "RestoreWatchFunctionScheduleRole"))

        assert schedule["Target"]["DeadLetterConfig"] == {"Arn": arn("RequestDeadLetterQueue")}
        assert sender["sqs:SendMessage"] == arn("RequestDeadLetterQueue")

    def test_a_request_that_the_rule_cannot_deliver_is_kept(self, stack: Json) -> None:
        ((rule_id, rule),) = of_type(stack, "AWS::Events::Rule").items()
        policy = properties(stack, "RequestDeadLetterQueuePolicy")
        (statement,) = policy["PolicyDocument"]["Statement"]

        assert rule["Targets"][0]["DeadLetterConfig"] == {"Arn": arn("RequestDeadLetterQueue")}
        assert policy["Queues"] == [{"Ref": "RequestDeadLetterQueue"}]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": arn(rule_id)}}

    def test_a_queued_request_that_fails_again_and_again_is_kept(self, stack: Json) -> None:
        redrive = properties(stack, "RequestQueue")["RedrivePolicy"]

        assert redrive["deadLetterTargetArn"] == arn("RequestDeadLetterQueue")

    def test_an_asynchronous_invocation_that_fails_for_good_is_kept(self, stack: Json) -> None:
        (config,) = of_type(stack, "AWS::Lambda::EventInvokeConfig").values()

        assert config["DestinationConfig"]["OnFailure"]["Destination"] == arn("OnFailureQueue")

    def test_what_is_kept_is_kept_as_long_as_sqs_can(self, stack: Json) -> None:
        fourteen_days = 14 * 24 * 60 * 60

        for queue in ("RequestDeadLetterQueue", "OnFailureQueue"):
            assert properties(stack, queue)["MessageRetentionPeriod"] == fourteen_days

    def test_retries_are_bounded_in_number_and_age(self, stack: Json) -> None:
        (schedule,) = of_type(stack, "AWS::Scheduler::Schedule").values()
        (rule,) = of_type(stack, "AWS::Events::Rule").values()
        (config,) = of_type(stack, "AWS::Lambda::EventInvokeConfig").values()
        an_hour = 3600
        from_schedule = schedule["Target"]["RetryPolicy"]
        from_rule = rule["Targets"][0]["RetryPolicy"]

        for retries in (from_schedule, from_rule, config):
            assert retries["MaximumRetryAttempts"] > 0
            assert retries["MaximumEventAgeInSeconds"] <= an_hour

    def test_a_failed_record_leaves_the_rest_of_its_batch_alone(self, stack: Json) -> None:
        (mapping,) = of_type(stack, "AWS::Lambda::EventSourceMapping").values()

        assert mapping["EventSourceArn"] == arn("RequestQueue")
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_a_batch_does_not_come_back_while_it_is_being_worked_on(self, stack: Json) -> None:
        timeout = properties(stack, "RestoreWatchFunction")["Timeout"]

        assert properties(stack, "RequestQueue")["VisibilityTimeout"] >= 6 * timeout


class TestSchedule:
    def test_stays_still_until_a_job_is_named(self, stack: Json) -> None:
        (schedule,) = of_type(stack, "AWS::Scheduler::Schedule").values()

        assert schedule["State"] == {"Fn::If": ["HasJob", "ENABLED", "DISABLED"]}

    def test_is_every_minute_unless_told_otherwise(self, template: Json) -> None:
        assert template["Parameters"]["ScheduleExpression"]["Default"] == "rate(1 minute)"


class TestStoredData:
    def test_is_encrypted_in_every_queue(self, stack: Json) -> None:
        queues = of_type(stack, "AWS::SQS::Queue")

        assert set(queues) == {"RequestQueue", "RequestDeadLetterQueue", "OnFailureQueue"}
        assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())

    def test_is_encrypted_in_the_topic_with_or_without_a_key_of_ones_own(self, stack: Json) -> None:
        key = properties(stack, "StatusChangesTopic")["KmsMasterKeyId"]

        assert key == {"Fn::If": ["HasTopicKey", {"Ref": "TopicKmsKeyArn"}, "alias/aws/sns"]}

    def test_of_logs_expires_because_no_other_group_can_be_made(self, stack: Json) -> None:
        function = properties(stack, "RestoreWatchFunction")
        granted = grants(properties(stack, "RestoreWatchFunctionRole"))

        assert function["LoggingConfig"]["LogGroup"] == {"Ref": "LogGroup"}
        assert properties(stack, "LogGroup")["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert "logs:CreateLogGroup" not in granted


class TestOutputs:
    def test_name_everything_a_caller_subscriber_or_operator_connects_to(self, stack: Json) -> None:
        assert set(stack["Outputs"]) == {
            "FunctionName",
            "FunctionArn",
            "TableName",
            "TopicArn",
            "RequestQueueUrl",
            "RequestQueueArn",
            "RequestDeadLetterQueueUrl",
            "OnFailureQueueUrl",
            "LogGroupName",
        }
        assert all(output["Description"] for output in stack["Outputs"].values())


class TestApplication:
    def test_is_published_with_its_own_version_licence_and_readme(self, template: Json) -> None:
        application = template["Metadata"]["AWS::ServerlessRepo::Application"]
        project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

        assert application["SemanticVersion"] == project["version"]
        assert application["Name"] == project["name"]
        assert application["SpdxLicenseId"] == project["license"]
        assert (CHECKOUT / application["LicenseUrl"]).is_file()
        assert (CHECKOUT / application["ReadmeUrl"]).is_file()
