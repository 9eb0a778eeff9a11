"""What the roles, the policies of queues and topics, and the key policy of the docs allow."""

import json

import pytest

from contract.deployed_template import (
    EVERYTHING,
    READERS,
    SECRET,
    Call,
    Json,
    Stack,
    granted,
    role_statements,
    transformed_template,
    verdict,
)
from contract.documents import blocks, names, page, quoted, rows, section
from restore_watch.table.stored_fields import project_key
from restore_watch.table.sweep_lease import KEY

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
ALL = Stack(**EVERYTHING, **READERS)
ROLES = ALL.of_type("AWS::IAM::Role")
FUNCTION = role_statements(ROLES["RestoreWatchFunctionRole"])

# The roles

STACK_KEY, ANY_KEY = EVERYTHING["KmsKeyArn"], "arn:aws:kms:us-east-1:*:key/*"
TO_ATTACH_TO_A_VPC = {
    *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    *("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses"),
    "ec2:UnassignPrivateIpAddresses",
}
TO_RECEIVE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
TO_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
TO_ANSWER = {"states:SendTaskSuccess", "states:SendTaskFailure"}
WORKFLOWS = "arn:aws:states:us-east-1:111122223333:stateMachine:*"
SWEEP = "arn:aws:scheduler:us-east-1:111122223333:schedule/ScheduleGroup/sweep"


def each(actions: set[str], *resources: str) -> dict[str, set[str]]:
    return {action: set(resources) for action in actions}


GRANTED = {
    "RestoreWatchFunctionRole": {
        # Exactly the given ARN, so a partial one, given by mistake, gives access to no secret.
        "secretsmanager:GetSecretValue": {SECRET},
        "kms:Decrypt": {ANY_KEY, STACK_KEY},
        **each({"kms:DescribeKey", "kms:GenerateDataKey"}, STACK_KEY),
        "scheduler:GetSchedule": {SWEEP},
        "dynamodb:UpdateItem": {"RestoreJobsTable.Arn"},
        "dynamodb:Query": {"RestoreJobsTable.Arn/index/OpenJobs", "RestoreJobsTable.Arn"},
        **each(TO_ANSWER, WORKFLOWS),
        "sns:Publish": {"StatusChangesTopic"},
        "sns:GetTopicAttributes": {"StatusChangesTopic", "EmailTopic", "ChatTopic"},
        "sns:ListSubscriptionsByTopic": {"StatusChangesTopic", "EmailTopic", "ChatTopic"},
        **each(TO_RECEIVE, "RequestQueue.Arn"),
        "sqs:SendMessage": {"OnFailureQueue.Arn"},
        **each(TO_LOG, "LogGroup.Arn"),
        # A policy cannot name an interface that is not there yet.
        **each(TO_ATTACH_TO_A_VPC, "*"),
    },
    "NotifyPeopleFunctionRole": {
        **each(TO_RECEIVE, "NoticeQueue.Arn"),
        "dynamodb:UpdateItem": {"SentNoticesTable.Arn"},
        "sns:Publish": {"EmailTopic", "ChatTopic"},
        "sns:GetTopicAttributes": {"EmailTopic", "AlarmTopic"},
        "secretsmanager:GetSecretValue": {READERS["NotifySecretArn"]},
        "kms:Decrypt": {ANY_KEY, STACK_KEY},
        **each({"kms:DescribeKey", "kms:GenerateDataKey"}, STACK_KEY),
        **each(TO_LOG, "NotifyPeopleLogGroup.Arn"),
    },
    # It changes nothing but its own bucket, and reads only its own files there.
    "ReportFunctionRole": {
        "secretsmanager:GetSecretValue": {SECRET},
        **each({"dynamodb:Query", "dynamodb:Scan"}, "RestoreJobsTable.Arn"),
        "s3:PutObject": {"ReportBucket.Arn/reports/*", "ReportBucket.Arn/months/*"},
        "s3:GetObject": {"ReportBucket.Arn/reports/*", "ReportBucket.Arn/months/*"},
        "sns:Publish": {"StatusChangesTopic"},
        "kms:Decrypt": {ANY_KEY, STACK_KEY},
        **each({"kms:DescribeKey", "kms:GenerateDataKey"}, STACK_KEY),
        "sqs:SendMessage": {"OnFailureQueue.Arn"},
        **each(TO_LOG, "LogGroup.Arn"),
        **each(TO_ATTACH_TO_A_VPC, "*"),
    },
    # It records and publishes, and reads nothing but what it writes to.
    "MeasureFunctionRole": {
        "secretsmanager:GetSecretValue": {SECRET},
        "dynamodb:UpdateItem": {"RestoreJobsTable.Arn"},
        "sns:Publish": {"StatusChangesTopic"},
        "kms:Decrypt": {ANY_KEY, STACK_KEY},
        **each({"kms:DescribeKey", "kms:GenerateDataKey"}, STACK_KEY),
        **each(TO_RECEIVE, "MeasureQueue.Arn"),
        **each(TO_LOG, "MeasureLogGroup.Arn"),
        **each(TO_ATTACH_TO_A_VPC, "*"),
    },
    "ScheduleRole": each(
        {"lambda:InvokeFunction"},
        *("RestoreWatchFunction.Arn", "NotifyPeopleFunction.Arn", "ReportFunction.Arn"),
    ),
    "AwaitRestoreRole": {"lambda:InvokeFunction": {"RestoreWatchFunction.Arn"}},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_does_and_nothing_else(role: str) -> None:
    assert granted(ROLES[role]) == GRANTED[role]
    assert "ManagedPolicyArns" not in ROLES[role]


def test_only_a_function_that_starts_sweeps_may_invoke_itself() -> None:
    """Those of jobs that are hot once they are named."""
    policy = ALL.only("AWS::IAM::Policy")
    assert policy["Roles"] == ["RestoreWatchFunctionRole"]
    invoke = {"lambda:InvokeFunction": {"RestoreWatchFunction.Arn"}}
    assert granted({"Policies": [policy]}) == invoke
    assert Stack(SweepMinutes="2").of_type("AWS::IAM::Policy") == {}


@pytest.mark.parametrize("role", ROLES)
def test_every_role_gets_the_boundary(role: str) -> None:
    assert ROLES[role]["PermissionsBoundary"] == EVERYTHING["PermissionsBoundaryArn"]
    assert "PermissionsBoundary" not in Stack(**READERS).properties(role)


def test_what_is_not_configured_is_not_allowed() -> None:
    """A key of the stack, a VPC, a channel or a secret."""
    watch = granted(Stack().properties("RestoreWatchFunctionRole"))
    people = granted(Stack(NotifyEmail="ops@example.com").properties("NotifyPeopleFunctionRole"))
    report = granted(Stack().properties("ReportFunctionRole"))
    measure = granted(Stack().properties("MeasureFunctionRole"))

    for role in (watch, report, measure):
        of_keys = {action: keys for action, keys in role.items() if action[:4] in {"kms:", "ec2:"}}
        assert of_keys == {"kms:Decrypt": {ANY_KEY}}
    assert people["sns:Publish"] == {"EmailTopic"}
    assert {"secretsmanager:GetSecretValue", "kms:Decrypt"}.isdisjoint(people)


def test_the_function_may_query_only_the_open_jobs_and_the_bookkeeping_of_sweeps() -> None:
    """A query of the table itself could list the jobs of every cluster that were ever recorded."""
    for resource, partition, answer in (
        ("RestoreJobsTable.Arn/index/OpenJobs", "0", "Allow"),
        ("RestoreJobsTable.Arn/index/Another", "sweeps", None),
        ("RestoreJobsTable.Arn", "sweeps", "Allow"),
        ("RestoreJobsTable.Arn", "6b1d5e0f4c7a92d38e60f17b/orders", None),
        ("RestoreJobsTable.Arn", "sweeps/orders", None),
        ("RestoreJobsTable.Arn", "Sweeps", None),
    ):
        context = {"dynamodb:LeadingKeys": partition}
        assert verdict(FUNCTION, Call("dynamodb:Query", resource, context=context)) == answer
    # A condition for all values holds without any value.
    assert verdict(FUNCTION, Call("dynamodb:Query", "RestoreJobsTable.Arn")) is None
    assert KEY["cluster"]["S"] == project_key(None)["cluster"]["S"] == "sweeps"


def through(
    role: str, key: str, action: str = "kms:Decrypt", *, secret: str | None = None
) -> set[str]:
    """The services through which a role may use a key, for a secret or for what is none."""
    of_secret = {"kms:EncryptionContext:SecretARN": secret} if secret else {}
    by_service = {
        service: of_secret | {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}
        for service in ("dynamodb", "logs", "sqs", "sns", "secretsmanager", "s3", "ec2")
    }
    return {
        service
        for service, context in by_service.items()
        if verdict(role_statements(ROLES[role]), Call(action, key, context=context)) == "Allow"
    }


@pytest.mark.parametrize(
    ("role", "stores"),
    [
        ("RestoreWatchFunctionRole", set()),
        ("NotifyPeopleFunctionRole", set()),
        ("ReportFunctionRole", {"s3"}),
        ("MeasureFunctionRole", set()),
    ],
    ids=["watch", "people", "report", "measure"],
)
def test_a_function_uses_the_key_of_the_stack_only_through_the_services_it_calls(
    role: str, stores: set[str]
) -> None:
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert through(role, STACK_KEY, action) == {"dynamodb", "logs", "sqs", "sns"} | stores


@pytest.mark.parametrize(
    ("role", "own", "other"),
    [
        ("RestoreWatchFunctionRole", SECRET, READERS["NotifySecretArn"]),
        ("NotifyPeopleFunctionRole", READERS["NotifySecretArn"], SECRET),
        ("ReportFunctionRole", SECRET, READERS["NotifySecretArn"]),
        ("MeasureFunctionRole", SECRET, READERS["NotifySecretArn"]),
    ],
)
def test_any_key_decrypts_only_the_secret_of_the_function_and_only_through_secrets_manager(
    role: str, own: str, other: str
) -> None:
    """Also a key of another account. Secrets Manager names the secret to KMS."""
    for account in (ACCOUNT, OTHER_ACCOUNT):
        key = f"arn:aws:kms:us-east-1:{account}:key/6b1d5e0f"
        assert through(role, key, secret=own) == {"secretsmanager"}
        assert through(role, key, secret=other) == through(role, key) == set()
        assert through(role, key, "kms:GenerateDataKey", secret=own) == set()


@pytest.mark.parametrize(
    "role", ["RestoreWatchFunctionRole", "ReportFunctionRole", "MeasureFunctionRole"]
)
def test_only_lambda_manages_network_interfaces_and_never_the_code_of_the_function(
    role: str,
) -> None:
    """A call from a function's code carries the function's ARN; one that Lambda makes does not."""
    function = "arn:aws:lambda:us-east-1:111122223333:function:a-stack-with-a-long-na-5QzXk2pWv1Ba"

    for action in TO_ATTACH_TO_A_VPC | {"ec2:DetachNetworkInterface"}:
        from_code = Call(action, context={"lambda:SourceFunctionArn": function})
        by_lambda = "Allow" if action in TO_ATTACH_TO_A_VPC else None
        verdicts = [verdict(role_statements(ROLES[role]), one) for one in (from_code, Call(action))]
        assert verdicts == ["Deny", by_lambda]


def test_only_schedules_of_this_account_and_group_may_use_the_role_of_the_schedule() -> None:
    trust = ROLES["ScheduleRole"]["AssumeRolePolicyDocument"]["Statement"]
    other_group = "arn:aws:scheduler:us-east-1:111122223333:schedule-group/default"

    for service, account, group, answer in (
        ("scheduler", ACCOUNT, "ScheduleGroup.Arn", "Allow"),
        ("scheduler", OTHER_ACCOUNT, "ScheduleGroup.Arn", None),
        ("scheduler", ACCOUNT, other_group, None),
        ("lambda", ACCOUNT, "ScheduleGroup.Arn", None),
    ):
        context = {"aws:SourceAccount": account, "aws:SourceArn": group}
        call = Call("sts:AssumeRole", principal=f"{service}.amazonaws.com", context=context)
        assert verdict(trust, call) == answer
    nobody = Call("sts:AssumeRole", principal="scheduler.amazonaws.com")
    assert verdict(trust, nobody) is None


def test_the_boundary_shown_allows_exactly_what_the_roles_allow() -> None:
    (policy,) = blocks(section(page("security"), "Permissions boundary"), "json")
    (statement,) = json.loads(policy)["Statement"]
    allowed = {action for role in ROLES.values() for action in granted(role)}

    assert (statement["Effect"], statement["Action"]) == ("Allow", sorted(allowed))


def test_the_permissions_to_deploy_name_every_service_and_whom_a_role_is_passed_to() -> None:
    """The prefix of its permissions is in the type of a resource, but for Step Functions."""
    listed = section(page("deploying"), "Permissions in AWS")
    types = {
        one["Type"].split("::")[1].lower() for one in transformed_template()["Resources"].values()
    }
    made = {{"stepfunctions": "states"}.get(one, one) for one in types}
    trusts = (
        statement["Principal"]["Service"]
        for role in ROLES.values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    )
    (of_iam,) = (row.cells[0] for row in rows(listed) if row.names == ("iam",))

    assert names(listed) == made | {"cloudformation", "s3", "secretsmanager", "ec2", "kms"}
    assert {one for one in quoted(of_iam) if one.endswith(".amazonaws.com")} == set(trusts)


# The policies of queues and topics

# Those that SNS accepts in the policy of a topic; it rejects sns:*.
TOPIC_ACTIONS = {
    *("sns:AddPermission", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes"),
    *("sns:ListSubscriptionsByTopic", "sns:Publish", "sns:RemovePermission", "sns:Subscribe"),
}
QUEUE_ACTIONS = {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:PurgeQueue"}


def resource_policies() -> dict[str, list[Json]]:
    """The statements by queue and topic. AWS keeps one policy of each: the last that is set."""
    policies = [
        (resource, policy["PolicyDocument"]["Statement"])
        for kind, property_ in (("SQS::Queue", "Queues"), ("SNS::Topic", "Topics"))
        for policy in ALL.of_type(f"AWS::{kind}Policy").values()
        for resource in policy[property_]
    ]
    assert len(dict(policies)) == len(policies)
    return dict(policies)


POLICIES = resource_policies()


def test_every_queue_and_two_topics_deny_every_call_without_tls() -> None:
    queues = ALL.of_type("AWS::SQS::Queue")
    assert POLICIES.keys() == {*queues, "StatusChangesTopic", "AlarmTopic"}

    for resource, statements in POLICIES.items():
        arn, actions = (
            (f"{resource}.Arn", QUEUE_ACTIONS) if resource in queues else (resource, TOPIC_ACTIONS)
        )
        for action in actions:
            for tls, expected in (("false", {"Deny"}), ("true", {"Allow", None})):
                context = {"aws:SecureTransport": tls, "AWS:SourceOwner": ACCOUNT}
                assert verdict(statements, Call(action, arn, "anyone", context)) in expected
        assert len({one["Sid"] for one in statements}) == len(statements)


def test_the_bucket_of_reports_denies_every_call_without_tls() -> None:
    (policy,) = ALL.of_type("AWS::S3::BucketPolicy").values()
    statements = policy["PolicyDocument"]["Statement"]

    assert policy["Bucket"] == "ReportBucket"
    for arn, action in (
        ("ReportBucket.Arn", "s3:ListBucket"),
        ("ReportBucket.Arn/reports/2026-11-30/report.html", "s3:GetObject"),
        ("ReportBucket.Arn/months/2026-11/report.json", "s3:PutObject"),
    ):
        for tls, answer in (("false", "Deny"), ("true", None)):
            context = {"aws:SecureTransport": tls}
            assert verdict(statements, Call(action, arn, "anyone", context)) == answer


@pytest.mark.parametrize(
    ("queue", "sender", "source"),
    [
        ("RequestDeadLetterQueue", "events", "RestoreWatchFunctionRequest.Arn"),
        ("NoticeQueue", "sns", "StatusChangesTopic"),
        ("NoticeDeadLetterQueue", "sns", "StatusChangesTopic"),
        ("MeasureQueue", "sns", "StatusChangesTopic"),
        ("MeasureDeadLetterQueue", "sns", "StatusChangesTopic"),
        ("RequestQueue", None, "StatusChangesTopic"),
        ("OnFailureQueue", None, "RestoreWatchFunction.Arn"),
    ],
)
def test_only_the_source_of_a_queue_may_send_to_it_without_a_role(
    queue: str, sender: str | None, source: str
) -> None:
    for given in (source, "another"):
        for service in ("events", "sns", "lambda"):
            context = {"aws:SourceArn": given, "aws:SecureTransport": "true"}
            principal = f"{service}.amazonaws.com"
            call = Call("sqs:SendMessage", f"{queue}.Arn", principal, context)
            is_allowed = verdict(POLICIES[queue], call) == "Allow"
            assert is_allowed is ((service, given) == (sender, source))


def test_the_topic_lets_only_its_own_account_publish_and_subscribe() -> None:
    """The default policy, which this one replaces, does the same; alarms of the account need it."""
    for owner, answer in ((ACCOUNT, "Allow"), (OTHER_ACCOUNT, None), (None, None)):
        context = {"AWS:SourceOwner": owner} if owner else {}
        for action in ("sns:Publish", "sns:Subscribe"):
            call = Call(action, "StatusChangesTopic", "cloudwatch.amazonaws.com", context)
            assert verdict(POLICIES["StatusChangesTopic"], call) == answer


def test_only_alarms_of_this_account_and_region_may_publish_to_their_topic() -> None:
    """Of principals of the account, IAM decides."""
    for service, source, answer in (
        ("cloudwatch", f"cloudwatch:us-east-1:{ACCOUNT}:alarm:drills requests failed", "Allow"),
        ("cloudwatch", f"cloudwatch:us-east-1:{OTHER_ACCOUNT}:alarm:drills", None),
        ("cloudwatch", f"cloudwatch:eu-west-1:{ACCOUNT}:alarm:drills", None),
        ("events", f"cloudwatch:us-east-1:{ACCOUNT}:alarm:drills", None),
    ):
        context = {"aws:SourceArn": f"arn:aws:{source}", "aws:SecureTransport": "true"}
        for action, expected in (("sns:Publish", answer), ("sns:Subscribe", None)):
            call = Call(action, "AlarmTopic", f"{service}.amazonaws.com", context)
            assert verdict(POLICIES["AlarmTopic"], call) == expected


@pytest.mark.parametrize("topic", ["StatusChangesTopic", "AlarmTopic"])
def test_the_policy_of_a_topic_names_only_actions_that_sns_accepts_there(topic: str) -> None:
    (denying,) = [one for one in POLICIES[topic] if one["Effect"] == "Deny"]

    assert set(denying["Action"]) == TOPIC_ACTIONS


# The key policy of the docs


def documented() -> list[Json]:
    """The statements of the policy in the docs, as a reader fills them in."""
    (text,) = blocks(section(page("security"), "Encryption"), "json")
    filled = {"account": ACCOUNT, "region": "us-east-1", "stack": "atlas-restore-watch"}
    for placeholder, value in filled.items():
        text = text.replace(f"<{placeholder}>", value)
    statements: list[Json] = json.loads(text)["Statement"]
    return statements


def test_the_key_policy_names_every_service_that_writes_without_a_role_and_no_other() -> None:
    writing = {
        statement["Principal"]["Service"]
        for statements in POLICIES.values()
        for statement in statements
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]
    }
    named = {one["Principal"]["Service"] for one in documented() if "Service" in one["Principal"]}

    assert named == writing | {"logs.us-east-1.amazonaws.com"}
    text = section(page("security"), "Encryption").partition("### Who else")[0]
    explained = names(text.partition("### The key policy")[2])
    assert explained == {statement["Sid"] for statement in documented()}


TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:atlas-restore-watch-StatusChangesTopic-1A2B"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:atlas-restore-watch-LogGroup-3C4D"
LOG_GROUP = "kms:EncryptionContext:aws:logs:arn"
ALARMS = "cloudwatch.amazonaws.com"
SNS, EVENTS, LOGGING = "sns.amazonaws.com", "events.amazonaws.com", "logs.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("principal", "action", "context", "answer"),
    [
        # The policies of the roles of the account count.
        (f"arn:aws:iam::{ACCOUNT}:root", "Decrypt", {}, "Allow"),
        (f"arn:aws:iam::{OTHER_ACCOUNT}:root", "Decrypt", {}, None),
        (SNS, "GenerateDataKey", {"aws:SourceArn": TOPIC}, "Allow"),
        (SNS, "Decrypt", {"aws:SourceArn": TOPIC}, "Allow"),
        (SNS, "Decrypt", {"aws:SourceArn": TOPIC.replace(ACCOUNT, OTHER_ACCOUNT)}, None),
        (SNS, "Decrypt", {"aws:SourceArn": TOPIC.replace("atlas-", "other-")}, None),
        (EVENTS, "GenerateDataKey", {}, "Allow"),
        (EVENTS, "CreateGrant", {}, None),
        (LOGGING, "GenerateDataKey", {LOG_GROUP: LOGS}, "Allow"),
        (LOGGING, "GenerateDataKey", {LOG_GROUP: LOGS.replace("atlas-", "other-")}, None),
        ("logs.eu-west-1.amazonaws.com", "GenerateDataKey", {LOG_GROUP: LOGS}, None),
        (ALARMS, "GenerateDataKeyWithoutPlaintext", {}, "Allow"),
        (ALARMS, "Decrypt", {}, "Allow"),
        (ALARMS, "CreateGrant", {}, None),
    ],
    ids=[
        "the account",
        "another account",
        "a topic writes",
        "a topic reads",
        "a topic of another account",
        "a topic of another stack",
        "EventBridge writes",
        "EventBridge grants",
        "logs",
        "logs of another stack",
        "logs of another region",
        "alarms write",
        "alarms read",
        "alarms grant",
    ],
)
def test_the_key_policy_lets_services_write_for_this_stack_only(
    principal: str, action: str, context: dict[str, str], answer: str | None
) -> None:
    call = Call(f"kms:{action}", principal=principal, context=context)

    assert verdict(documented(), call) == answer
