"""What the roles of template.yaml may do."""

import pytest

from contract.deployed_template import (
    EVERYTHING,
    READERS,
    SECRET,
    Call,
    Stack,
    granted,
    role_statements,
    verdict,
)
from restore_watch.table.lease import KEY
from restore_watch.table.project_item import project_key

SECRET_KEY = EVERYTHING["AtlasSecretKmsKeyArn"]
TOPIC_KEY = EVERYTHING["TopicKmsKeyArn"]
STACK_KEY = EVERYTHING["KmsKeyArn"]

TO_ATTACH_TO_A_VPC = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}

# A policy cannot name their resources: X-Ray has none, and an interface does not exist yet.
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"} | TO_ATTACH_TO_A_VPC
RULES_OF_SAMPLING = {"xray:GetSamplingRules", "xray:GetSamplingTargets"}


WORKFLOWS = "arn:aws:states:us-east-1:111122223333:stateMachine:*"
SCHEDULES = "arn:aws:scheduler:us-east-1:111122223333:schedule"


def test_the_function_may_do_what_it_does_and_nothing_else() -> None:
    assert granted(Stack(**EVERYTHING).properties("RestoreWatchFunctionRole")) == {
        "secretsmanager:GetSecretValue": {SECRET},
        "kms:Decrypt": {SECRET_KEY, TOPIC_KEY, STACK_KEY},
        "kms:DescribeKey": {TOPIC_KEY, STACK_KEY},
        "kms:GenerateDataKey": {TOPIC_KEY, STACK_KEY},
        "scheduler:GetSchedule": {f"{SCHEDULES}/ScheduleGroup/sweep"},
        "dynamodb:UpdateItem": {"RestoreJobsTable.Arn"},
        "dynamodb:Query": {"RestoreJobsTable.Arn/index/OpenJobs", "RestoreJobsTable.Arn"},
        "states:SendTaskSuccess": {WORKFLOWS},
        "states:SendTaskFailure": {WORKFLOWS},
        "sns:Publish": {"StatusChangesTopic"},
        "sns:GetTopicAttributes": {"StatusChangesTopic"},
        "sns:ListSubscriptionsByTopic": {"StatusChangesTopic"},
        "sqs:ReceiveMessage": {"RequestQueue.Arn"},
        "sqs:DeleteMessage": {"RequestQueue.Arn"},
        "sqs:GetQueueAttributes": {"RequestQueue.Arn"},
        "sqs:SendMessage": {"OnFailureQueue.Arn"},
        "logs:CreateLogStream": {"LogGroup.Arn"},
        "logs:PutLogEvents": {"LogGroup.Arn"},
    } | {action: {"*"} for action in WITHOUT_RESOURCE}


def test_the_workflow_that_waits_may_invoke_the_function_and_be_traced() -> None:
    """What tracing needs: "IAM policies for AWS X-Ray", AWS Step Functions Developer Guide."""
    assert granted(Stack(**EVERYTHING).properties("AwaitRestoreRole")) == {
        "lambda:InvokeFunction": {"RestoreWatchFunction.Arn"},
        "xray:PutTraceSegments": {"*"},
        "xray:PutTelemetryRecords": {"*"},
    } | {action: {"*"} for action in RULES_OF_SAMPLING}


def test_a_diagnosis_may_look_at_the_topics_of_people() -> None:
    role = Stack(**EVERYTHING, **READERS).properties("RestoreWatchFunctionRole")

    assert granted(role)["sns:ListSubscriptionsByTopic"] == {
        "StatusChangesTopic",
        "EmailTopic",
        "ChatTopic",
    }


@pytest.mark.parametrize(
    ("given", "secret", "answer"),
    [
        ("atlas/restores-a1B2c3", "atlas/restores-a1B2c3", "Allow"),
        # The same name, created again after its deletion.
        ("atlas/restores-a1B2c3", "atlas/restores-x7Y8z9", None),
        # Another secret, with a name that begins with the given name and suffix.
        ("atlas/restores-a1B2c3", "atlas/restores-a1B2c3-x7Y8z9", None),
        # A partial ARN with a name that ends like a full ARN. Secrets Manager reads it as full too.
        ("atlas/restore-status", "atlas/restore-status-a1B2c3", None),
    ],
)
def test_the_function_may_read_only_the_secret_with_the_given_arn(
    given: str, secret: str, answer: str | None
) -> None:
    """A partial ARN, given by mistake, gives access to no secret at all."""
    prefix = "arn:aws:secretsmanager:us-east-1:111122223333:secret:"
    stack = Stack(AtlasSecretArn=prefix + given)
    statements = role_statements(stack.properties("RestoreWatchFunctionRole"))

    assert verdict(statements, Call("secretsmanager:GetSecretValue", prefix + secret)) == answer


@pytest.mark.parametrize(
    ("resource", "partition", "answer"),
    [
        ("RestoreJobsTable.Arn/index/OpenJobs", "0", "Allow"),
        ("RestoreJobsTable.Arn/index/Another", "0", None),
        ("RestoreJobsTable.Arn/index/Another", "sweeps", None),
        ("RestoreJobsTable.Arn", "sweeps", "Allow"),
        ("RestoreJobsTable.Arn", "6b1d5e0f4c7a92d38e60f17b/orders", None),
        ("RestoreJobsTable.Arn", "sweeps/orders", None),
        ("RestoreJobsTable.Arn", "Sweeps", None),
    ],
)
def test_the_function_may_query_only_the_open_jobs_and_the_bookkeeping_of_sweeps(
    resource: str, partition: str, answer: str | None
) -> None:
    """A query of the table itself could list the jobs of every cluster that were ever recorded."""
    stack = Stack(**EVERYTHING)
    (index,) = stack.properties("RestoreJobsTable")["GlobalSecondaryIndexes"]
    statements = role_statements(stack.properties("RestoreWatchFunctionRole"))

    call = Call("dynamodb:Query", resource, context={"dynamodb:LeadingKeys": partition})

    assert index["IndexName"] == "OpenJobs"
    assert verdict(statements, call) == answer


def test_the_partition_that_the_function_may_query_is_that_of_the_bookkeeping() -> None:
    (partition,) = {KEY["cluster"]["S"], project_key(None)["cluster"]["S"]}
    statements = role_statements(Stack().properties("RestoreWatchFunctionRole"))
    (condition,) = [one["Condition"] for one in statements if one["Sid"] == "ReadBookkeeping"]

    assert condition["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": [partition]}


def test_no_query_without_a_partition_is_allowed() -> None:
    """A condition for all values holds without any value."""
    statements = role_statements(Stack().properties("RestoreWatchFunctionRole"))

    assert verdict(statements, Call("dynamodb:Query", "RestoreJobsTable.Arn")) is None


def test_every_role_names_its_actions_and_resources() -> None:
    for role in Stack(**EVERYTHING).of_type("AWS::IAM::Role").values():
        for action, resources in granted(role).items():
            assert "*" not in action
            assert "*" not in resources or action in WITHOUT_RESOURCE | RULES_OF_SAMPLING


def test_no_role_has_a_managed_policy() -> None:
    for role in Stack(**EVERYTHING).of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role


def test_a_key_is_used_only_through_its_own_service() -> None:
    statements = role_statements(Stack(**EVERYTHING).properties("RestoreWatchFunctionRole"))
    services = {"secretsmanager", "sns", "s3"}

    through = {
        key: {
            service
            for service in services
            if verdict(
                statements,
                Call(
                    "kms:Decrypt",
                    key,
                    context={"kms:ViaService": f"{service}.us-east-1.amazonaws.com"},
                ),
            )
        }
        for key in (SECRET_KEY, TOPIC_KEY)
    }

    assert through == {SECRET_KEY: {"secretsmanager"}, TOPIC_KEY: {"sns"}}


def test_the_function_may_not_use_keys_or_a_vpc_that_are_not_configured() -> None:
    actions = granted(Stack().properties("RestoreWatchFunctionRole"))

    assert {action for action in actions if action.startswith(("kms:", "ec2:"))} == set()


def test_the_function_is_in_a_vpc_only_with_subnets() -> None:
    assert "VpcConfig" not in Stack().properties("RestoreWatchFunction")
    assert Stack(**EVERYTHING).properties("RestoreWatchFunction")["VpcConfig"] == {
        "SubnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"],
        "SecurityGroupIds": ["sg-0a1b2c3d"],
    }


@pytest.mark.parametrize("action", sorted(TO_ATTACH_TO_A_VPC | {"ec2:DetachNetworkInterface"}))
def test_only_lambda_manages_network_interfaces_and_never_the_code_of_the_function(
    action: str,
) -> None:
    """A call from a function's code carries the function's ARN; one that Lambda makes does not."""
    statements = role_statements(Stack(**EVERYTHING).properties("RestoreWatchFunctionRole"))
    function = "arn:aws:lambda:us-east-1:111122223333:function:a-stack-with-a-long-na-5QzXk2pWv1Ba"
    from_code = Call(action, context={"lambda:SourceFunctionArn": function})
    from_lambda = Call(action)

    assert verdict(statements, from_code) == "Deny"
    assert verdict(statements, from_lambda) == ("Allow" if action in TO_ATTACH_TO_A_VPC else None)


def test_the_code_needs_no_denied_permission_for_network_interfaces() -> None:
    role = Stack(**EVERYTHING).properties("RestoreWatchFunctionRole")
    function = "arn:aws:lambda:us-east-1:111122223333:function:restore-watch"
    denials = [one for one in role_statements(role) if one["Effect"] == "Deny"]
    context = {"lambda:SourceFunctionArn": function}
    denied = {
        action
        for action, resources in granted(role).items()
        if any(verdict(denials, Call(action, resource, context=context)) for resource in resources)
    }

    assert denied == TO_ATTACH_TO_A_VPC


def test_the_schedule_may_only_invoke_the_function() -> None:
    stack = Stack(**EVERYTHING)

    assert stack.only("AWS::Scheduler::Schedule")["Target"]["RoleArn"] == "ScheduleRole.Arn"
    assert granted(stack.properties("ScheduleRole")) == {
        "lambda:InvokeFunction": {"RestoreWatchFunction.Arn"},
    }


@pytest.mark.parametrize(
    ("service", "account", "group", "answer"),
    [
        ("scheduler", "111122223333", "ScheduleGroup.Arn", "Allow"),
        ("scheduler", "444455556666", "ScheduleGroup.Arn", None),
        (
            "scheduler",
            "111122223333",
            "arn:aws:scheduler:us-east-1:111122223333:schedule-group/default",
            None,
        ),
        ("scheduler", None, None, None),
        ("lambda", "111122223333", "ScheduleGroup.Arn", None),
    ],
)
def test_only_schedules_of_this_account_and_group_may_use_the_role_of_the_schedule(
    service: str, account: str | None, group: str | None, answer: str | None
) -> None:
    stack = Stack()
    trust = stack.properties("ScheduleRole")["AssumeRolePolicyDocument"]["Statement"]
    context = {"aws:SourceAccount": account, "aws:SourceArn": group}
    given = {key: value for key, value in context.items() if value}
    call = Call("sts:AssumeRole", principal=f"{service}.amazonaws.com", context=given)

    assert stack.only("AWS::Scheduler::Schedule")["GroupName"] == "ScheduleGroup"
    assert verdict(trust, call) == answer
