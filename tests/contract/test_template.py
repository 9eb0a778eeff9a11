"""The parameters, variables, outputs and names of template.yaml."""

import json
import re
from functools import cache

import pytest
from botocore.session import get_session

from contract.deployed_template import CHECKOUT, EVERYTHING, READERS, Stack, source_template
from contract.deployed_template import SECRET as GIVEN_SECRET
from restore_watch.report.period import Schedule
from restore_watch.report.restores.what_a_restore_proves import Rung

PARAMETERS = source_template()["Parameters"]
IDS = ["0123456789abcdef01234567"] * 100


@cache
def place(service: str) -> str:
    """The beginning of the longest ARN of a service in any region."""
    session = get_session()
    places = (
        f"arn:{partition}:{service}:{region}:111122223333:"
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    )
    return max(places, key=len)


def secret(characters: int) -> str:
    return place("secretsmanager") + f"secret:{'n' * characters}-a1B2c3"


# What is accepted

SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"
KMS = "arn:aws:kms:eu-central-1:111122223333:"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alarms"
MINUTES = (["0", "1", "60", "9999999"], ["", "00", "0.0", "-0", "060", "0.5", "1e3", "10000000"])

VALUES: dict[str, tuple[list[str], list[str]]] = {
    "AtlasSecretArn": (
        [
            SECRET + "atlas-a1B2c3",
            SECRET.replace("aws", "aws-us-gov") + "a/b-ZZZZZZ",
            # The six characters are random: they can be a word.
            SECRET + "atlas/restore-watch-status",
            SECRET + "rds!atlas+=.@_-000000",
            secret(189),
        ],
        [
            *("", "atlas", secret(190), SECRET.replace("arn:aws:", "arn:awsome:") + "atlas-a1B2c3"),
            *(SECRET + name for name in ("atlas", "atlas/restore-watch", "atlas/restore-watch-")),
            *(SECRET + name for name in ("-a1B2c3", "*", "atlas-??????", "*-a1B2c3")),
            *(SECRET + name for name in ("atlas a-a1B2c3", "atlas-a1B2c3 ")),
        ],
    ),
    "KmsKeyArn": (
        ["", KMS + "key/0123", KMS + "key/mrk-0123456789abcdef"],
        ["alias/atlas", KMS + "alias/atlas"],
    ),
    "AtlasProjectIds": (["", "all", ",".join(IDS), " , ".join(IDS)], [",".join([*IDS, IDS[0]])]),
    "NotifySecretArn": (["", secret(512)], [secret(513)]),
    "NotifyChanges": (["all", " , ".join(["progressed"] * 10)], ["", ",".join(["ready"] * 11)]),
    "RestoreTestTag": (
        ["", "tier=production", "a b=c d", f"{'k' * 128}={'v' * 128}"],
        ["tier", "=production", "tier=", " =a", "a= ", "a=b=c", "a='b'", "k" * 129 + "=v"],
    ),
    "SubnetIds": (
        ["subnet-0a1b2c3d,subnet-0123456789abcdef0"],
        ["subnet-0a1b2c3d, subnet-0a1b2c3e"],
    ),
    "SecurityGroupIds": (["sg-0123456789abcdef0"], ["default"]),
    # CloudFormation compares texts: `0.0` as a number would be an alarm that always rings.
    "RtoMinutes": MINUTES,
    "RpoMinutes": MINUTES,
    "AlarmTopicArn": (
        ["", TOPIC, "arn:aws-us-gov:sns:us-gov-west-1:111122223333:Ops_Alarms"],
        ["alarms", f"{TOPIC}.fifo", f"{TOPIC}:6b1d5e0f", TOPIC.replace("sns", "sqs")],
    ),
    "PermissionsBoundaryArn": (
        [
            "arn:aws:iam::111122223333:policy/boundaries/team-a",
            "arn:aws-us-gov:iam::aws:policy/PowerUserAccess",
        ],
        [
            "PowerUserAccess",
            *(f"arn:aws:iam::111122223333:{name}" for name in ("role/boundary", "policy/")),
        ],
    ),
    "NamePrefix": (
        ["", "acme-prod", "a" + "b" * 31],
        ["a", "-a", "a-", "1a", "a_b", "a b", "ä-b", "a" + "b" * 32],
    ),
}
CHOICES = {
    # The credentials are sent only to MongoDB.
    "AtlasBaseUrl": ["https://cloud.mongodb.com", "https://cloud.mongodbgov.com"],
    "Report": ["off", *Schedule],
    "RestoreTestCounts": [Rung.RESTORED, Rung.MEASURED, Rung.VERIFIED],
}
RANGES = {
    "MemorySize": (512, 256, 10240),
    "RestoreTestDays": (90, 1, 400),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_parameter_accepts_and_rejects(name: str) -> None:
    accepted, rejected = VALUES[name]
    pattern = re.compile(PARAMETERS[name]["AllowedPattern"])

    assert [value for value in accepted if not pattern.search(value)] == []
    assert [value for value in rejected if pattern.search(value)] == []


def test_choices_and_ranges_are_those_that_the_functions_accept() -> None:
    assert {name: PARAMETERS[name]["AllowedValues"] for name in CHOICES} == CHOICES
    assert {
        name: tuple(PARAMETERS[name][key] for key in ("Default", "MinValue", "MaxValue"))
        for name in RANGES
    } == RANGES


def test_every_parameter_is_explained_in_the_console() -> None:
    """`sam deploy --guided` asks for them in the same order, those that most people set first."""
    interface = source_template()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    constrained = {
        name
        for name, one in PARAMETERS.items()
        if one.keys() & {"AllowedPattern", "MinValue", "MaxValue"}
    }

    assert grouped == list(PARAMETERS)
    assert sorted(grouped) == sorted(interface["ParameterLabels"])
    assert all(one["Description"] for one in PARAMETERS.values())
    assert all(PARAMETERS[name]["ConstraintDescription"] for name in constrained)
    assert {name for name, one in PARAMETERS.items() if "Default" not in one} == {"AtlasSecretArn"}


@pytest.mark.parametrize(
    ("refused_by", "given"),
    [
        pytest.param(set(), {}, id="defaults"),
        pytest.param(set(), {"SubnetIds": "x", "SecurityGroupIds": "y"}, id="whole network"),
        pytest.param({"WholeNetworkOrNone"}, {"SubnetIds": "x"}, id="subnets alone"),
        pytest.param({"WholeNetworkOrNone"}, {"SecurityGroupIds": "y"}, id="groups alone"),
        pytest.param(set(), {"RtoMinutes": "1", "RpoMinutes": "1"}, id="objectives"),
        pytest.param(set(), {"Metrics": "no"}, id="no metrics"),
        pytest.param(
            {"ObjectivesHaveMetrics"}, {"Metrics": "no", "RtoMinutes": "1"}, id="RTO, no metrics"
        ),
        pytest.param(
            {"ObjectivesHaveMetrics"}, {"Metrics": "no", "RpoMinutes": "1"}, id="RPO, no metrics"
        ),
        pytest.param(set(), {"RestoreTestCounts": "measured"}, id="measurements count"),
        pytest.param(
            set(), {"RestoreTestCounts": "verified", "Measure": "no"}, id="verdicts, not measured"
        ),
        pytest.param(
            {"MeasurementsAreMade"},
            {"RestoreTestCounts": "measured", "Measure": "no"},
            id="measurements count, not measured",
        ),
    ],
)
def test_parameters_that_do_not_fit_together_are_rejected(
    refused_by: set[str], given: dict[str, str]
) -> None:
    assert Stack(**given).refused_by() == refused_by


# The functions

OF_ALL = {
    "ATLAS_BASE_URL": "https://cloud.mongodb.com",
    "POWERTOOLS_SERVICE_NAME": "drills",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "METRICS": "yes",
}
OF_PEOPLE = {"EMAIL_TOPIC_ARN": "EmailTopic", "CHAT_TOPIC_ARN": "ChatTopic"}
OF_WATCH = OF_ALL | {
    "ATLAS_SECRET_ID": GIVEN_SECRET,
    "TABLE_NAME": "RestoreJobsTable",
    "TOPIC_ARN": "StatusChangesTopic",
    "ATLAS_PROJECT_IDS": "all",
    "RTO_MINUTES": "60",
}
ONLY_WATCH = OF_PEOPLE | {
    "HOT_ROUNDS": "no",
    "MEASURE": "yes",
    "SCHEDULE_GROUP": "ScheduleGroup",
}
VARIABLES = {
    "RestoreWatchFunction": OF_WATCH | ONLY_WATCH,
    "ReportFunction": OF_WATCH
    | {
        "REPORT_BUCKET": "ReportBucket",
        "REPORT": "weekly",
        "RESTORE_TEST_DAYS": "90",
        "RESTORE_TEST_TAG": "tier=production",
        "RESTORE_TEST_COUNTS": "restored",
        "RPO_MINUTES": "0",
    },
    "MeasureFunction": OF_WATCH,
    "NotifyPeopleFunction": OF_ALL
    | OF_PEOPLE
    | {
        "ALARM_TOPIC_ARN": "AlarmTopic",
        "SENT_TABLE_NAME": "SentNoticesTable",
        "NOTIFY_CHANGES": "ended,ready,degraded,recovered,validated,expiring,report",
        "RESTORE_TEST_COUNTS": "restored",
        "NOTIFY_SECRET_ID": READERS["NotifySecretArn"],
    },
}


def variables(stack: Stack, function: str) -> dict[str, str]:
    found: dict[str, str] = stack.properties(function)["Environment"]["Variables"]
    return found


@pytest.mark.parametrize(
    ("function", "modules"),
    [
        ("RestoreWatchFunction", ["restore_watch/settings.py"]),
        (
            "ReportFunction",
            ["restore_watch/settings.py", "restore_watch/report/report_settings.py"],
        ),
        ("MeasureFunction", ["restore_watch/settings.py"]),
        ("NotifyPeopleFunction", ["notify_people/settings.py"]),
    ],
    ids=["watch", "report", "measure", "people"],
)
def test_a_function_gets_the_variables_that_it_reads_with_the_values_of_the_stack(
    function: str, modules: list[str]
) -> None:
    """Two stacks in one account write their metrics to one namespace, as different services."""
    given = {"AtlasProjectIds": "all", "SweepMinutes": "5"}
    given |= {"RestoreTestTag": "tier=production", "RtoMinutes": "60"}
    stack = Stack("drills", **READERS, **given, LogLevel="DEBUG")
    read_by = (*modules, "foundation/environment.py")
    source = "".join((CHECKOUT / "functions" / name).read_text() for name in read_by)

    assert variables(stack, function) == VARIABLES[function]
    assert [name for name in VARIABLES[function] if f'"{name}"' not in source] == []
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    by_lambda = {"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"}
    is_door = function in {"ReportFunction", "MeasureFunction"}
    unused = ONLY_WATCH.keys() if is_door else set()
    assert read - VARIABLES[function].keys() <= {"NOTIFY_CHANNELS", *by_lambda, *unused}
    # A channel that nobody asks for has an empty variable.
    assert not variables(Stack(NotifyEmail="ops@example.com"), function).get("CHAT_TOPIC_ARN")


LONGEST = {
    **{name: max(VALUES[name][0], key=len) for name in ("AtlasSecretArn", "AtlasProjectIds")},
    **{name: max(VALUES[name][0], key=len) for name in ("NotifySecretArn", "NotifyChanges")},
    **{name: max(VALUES[name][0], key=len) for name in ("RestoreTestTag", "RtoMinutes")},
    **{name: max(CHOICES[name], key=len) for name in ("AtlasBaseUrl", "Report")},
    "RestoreTestCounts": max(CHOICES["RestoreTestCounts"], key=len),
    "RestoreTestDays": "400",
    "RpoMinutes": "9999999",
    "NotifyEmail": "ops@example.com",
    "NotifyChat": "yes",
    "LogLevel": "WARNING",
    "Measure": "yes",
    "Metrics": "yes",
}


@pytest.mark.parametrize("function", VARIABLES)
def test_the_longest_environment_that_the_template_allows_fits(function: str) -> None:
    """Lambda takes 4,096 bytes of all variables of a function, as compact JSON with their names."""
    stack = Stack(LONGEST_STACK_NAME, **LONGEST)
    names = longest_names(stack)
    given = {name: names.get(value, value) for name, value in variables(stack, function).items()}
    assert len(json.dumps(given, separators=(",", ":"))) < 4096
    if "ATLAS_PROJECT_IDS" in given:
        # Without blanks, whatever the operator gives.
        assert given["ATLAS_PROJECT_IDS"] == ",".join(IDS)


def test_every_parameter_in_an_environment_has_a_longest_value() -> None:
    resources = source_template()["Resources"].values()
    given = [one["Properties"].get("Environment") for one in resources if "Properties" in one]

    assert set(re.findall(r"'Ref': '(\w+)'", str(given))) & PARAMETERS.keys() <= LONGEST.keys()


def test_the_layer_supports_the_processor_of_every_function() -> None:
    stack = Stack(**READERS)
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function["Architectures"] == ["arm64"]
        assert function["Layers"] == list(stack.of_type(LAYER))
    assert "arm64" in stack.only(LAYER)["CompatibleArchitectures"]


# Names

NAMED = {
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 140),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::Scheduler::ScheduleGroup": ("Name", 64),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
"""The property that names a resource, by type, and the most characters that AWS accepts in it."""

BUCKET = "AWS::S3::Bucket"
"""The name of a bucket has no capital letters, which a prefix may have."""

LONGEST_STACK_NAME = "s" * 128


def longest_names(stack: Stack) -> dict[str, str]:
    """
    The longest value that each reference to a resource may have.

    "Name type", AWS CloudFormation User Guide: the stack, the logical id and a random part with
    hyphens between them, cut where the service takes no more. The `Ref` of a topic is its ARN.
    """
    names = {}
    for logical_id, resource in stack.resources.items():
        kind = resource["Type"]
        longest = 63 if kind == BUCKET else NAMED.get(kind, ("", 255))[1]
        name = f"{LONGEST_STACK_NAME}-{logical_id}-{'R' * 13}"[:longest]
        names[logical_id] = place("sns") + name if kind == "AWS::SNS::Topic" else name
        names[f"{logical_id}.QueueName"] = name
    return names


# SAM itself fills in the name of the layer, from parameters that it is not given here.
LAYER = "AWS::Lambda::LayerVersion"


def named(stack: Stack) -> list[tuple[str, str | None]]:
    """The type and the name of each resource that can have one."""
    return [
        (kind, properties.get(NAMED[kind][0]))
        for kind in NAMED
        for properties in stack.of_type(kind).values()
    ]


def test_a_prefix_begins_every_name_and_the_longest_one_fits() -> None:
    prefix, region = "a" + "b" * 31, "ap-northeast-1"
    names = named(Stack(NamePrefix=prefix, **{"AWS::Region": region}, **EVERYTHING, **READERS))

    assert len(set(names)) == len(names)
    for kind, name in names:
        assert kind == LAYER or str(name).startswith(f"{prefix}-")
        assert len(str(name)) <= NAMED[kind][1]
        # A role's name is unique in the account, in all its regions together.
        assert kind != "AWS::IAM::Role" or str(name).endswith(f"-{region}")


def test_without_a_prefix_no_resource_has_a_fixed_name() -> None:
    """A fixed name prevents a second stack, and for a role it requires CAPABILITY_NAMED_IAM."""
    stack = Stack("drills", **READERS)

    assert {name for kind, name in named(stack) if kind != LAYER} == {None}
    assert stack.only(LAYER)["LayerName"] == "drills-layer"
    layer = source_template()["Resources"]["DependenciesLayer"]["Properties"]["LayerName"]
    with_prefix = {"Fn::Join": ["-", [{"Ref": "NamePrefix"}, "layer"]]}
    assert layer["Fn::If"][:2] == ["HasNamePrefix", with_prefix]
    # The name of an export is unique in an account and region.
    assert all("Export" not in output for output in stack.outputs.values())


def test_every_type_that_takes_a_name_has_one() -> None:
    """A schedule is named within its group. Alarms and dashboards are not named by the prefix."""
    # Imported here, because it takes half a second.
    from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # noqa: PLC0415
        PROVIDER_SCHEMA_MANAGER,
    )

    def takes_a_name(resource_type: str) -> bool:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
        fixed = {path.rpartition("/")[2] for path in schema.get("createOnlyProperties", [])}
        own = {"Name", f"{resource_type.rpartition('::')[2]}Name", "LayerName"}
        return bool(fixed & own & schema["properties"].keys())

    kinds = {one["Type"] for one in Stack(**EVERYTHING, **READERS).resources.values()}
    others = {"AWS::Scheduler::Schedule", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"}
    assert set(filter(takes_a_name, kinds)) - others == {*NAMED, BUCKET}
    assert "BucketName" not in Stack(**EVERYTHING, NamePrefix="acme").only(BUCKET)


def test_a_stack_that_is_deployed_again_gives_its_table_another_name() -> None:
    """The table of the stack that was deleted still has its name."""
    arn = "arn:aws:cloudformation:us-east-1:111122223333:stack/rw/0f1e2d3c-4b5a-6978"
    stack = Stack(NamePrefix="acme", **{"AWS::StackId": arn})

    assert stack.properties("RestoreJobsTable")["TableName"] == "acme-restore-jobs-0f1e2d3c"


def test_the_outputs_name_what_a_caller_a_subscriber_and_an_operator_use() -> None:
    always = {
        "FunctionName": "RestoreWatchFunction",
        "FunctionArn": "RestoreWatchFunction.Arn",
        "AwaitRestoreStateMachineArn": "AwaitRestoreStateMachine",
        "TableName": "RestoreJobsTable",
        "TopicArn": "StatusChangesTopic",
        "RequestQueueUrl": "RequestQueue",
        "RequestQueueArn": "RequestQueue.Arn",
        "RequestDeadLetterQueueUrl": "RequestDeadLetterQueue",
        "RequestDeadLetterQueueArn": "RequestDeadLetterQueue.Arn",
        "OnFailureQueueUrl": "OnFailureQueue",
        "OnFailureQueueArn": "OnFailureQueue.Arn",
        "LogGroupName": "LogGroup",
    }
    of_report = {"ReportFunctionName": "ReportFunction", "ReportBucketName": "ReportBucket"}
    of_measurements = {
        "MeasureFunctionName": "MeasureFunction",
        "MeasureQueueArn": "MeasureQueue.Arn",
        "MeasureDeadLetterQueueArn": "MeasureDeadLetterQueue.Arn",
        "MeasureLogGroupName": "MeasureLogGroup",
    }
    of_people = {
        "EmailTopicArn": "EmailTopic",
        "ChatTopicArn": "ChatTopic",
        "AlarmEmailTopicArn": "AlarmTopic",
        "NoticeQueueArn": "NoticeQueue.Arn",
        "NoticeDeadLetterQueueArn": "NoticeDeadLetterQueue.Arn",
        "NotifyPeopleFunctionName": "NotifyPeopleFunction",
        "NotifyPeopleLogGroupName": "NotifyPeopleLogGroup",
    }

    for stack, expected in (
        (Stack(Report="off", Measure="no"), always),
        (Stack(**READERS), always | of_report | of_measurements | of_people),
    ):
        assert {name: output["Value"] for name, output in stack.outputs.items()} == expected
        assert all(output["Description"] for output in stack.outputs.values())
