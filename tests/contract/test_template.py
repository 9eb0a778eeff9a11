"""The function, the parameters, the rules and the outputs of template.yaml."""

import re
import tomllib

import pytest

from contract.deployed_template import CHECKOUT, Stack, source_template
from contract.deployed_template import SECRET as DEFAULT_SECRET
from restore_watch import __version__

SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"
KMS = "arn:aws:kms:eu-central-1:111122223333:"
PARAMETERS = source_template()["Parameters"]


def environment(stack: Stack) -> dict[str, str]:
    """The environment variables of the function."""
    variables: dict[str, str] = stack.properties("RestoreWatchFunction")["Environment"]["Variables"]
    return variables


def test_the_function_gets_exactly_the_variables_that_it_reads() -> None:
    readers = ("restore_watch/settings.py", "foundation/environment.py")
    settings = "".join((CHECKOUT / "functions" / name).read_text() for name in readers)
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', settings))

    assert set(environment(Stack())) == read


def test_every_variable_has_the_value_of_its_parameter_or_resource() -> None:
    stack = Stack(
        "restore-watch",
        AtlasProjectIds="all",
        HotSeconds="5",
        RateLimitReserve="0.25",
        LogLevel="DEBUG",
    )

    assert environment(stack) == {
        "ATLAS_SECRET_ID": DEFAULT_SECRET,
        "ATLAS_BASE_URL": "https://cloud.mongodb.com",
        "TABLE_NAME": "RestoreJobsTable",
        "TOPIC_ARN": "StatusChangesTopic",
        "ATLAS_PROJECT_IDS": "all",
        "HOT_SECONDS": "5",
        "RATE_LIMIT_RESERVE": "0.25",
        "SCHEDULE_GROUP": "ScheduleGroup",
        "EMAIL_TOPIC_ARN": "",
        "CHAT_TOPIC_ARN": "",
        "POWERTOOLS_SERVICE_NAME": "restore-watch",
        "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }


@pytest.mark.parametrize("name", ["atlas-restore-watch", "restore-watch-of-the-other-team"])
def test_logs_and_metrics_name_the_stack_as_their_service(name: str) -> None:
    """Two stacks in one account write their metrics to one namespace."""
    assert environment(Stack(name))["POWERTOOLS_SERVICE_NAME"] == name


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_layer_supports_each_processor_that_the_operator_may_choose(architecture: str) -> None:
    stack = Stack(Architecture=architecture)
    ((layer_id, layer),) = stack.of_type("AWS::Lambda::LayerVersion").items()

    assert stack.properties("RestoreWatchFunction")["Architectures"] == [architecture]
    assert stack.properties("RestoreWatchFunction")["Layers"] == [layer_id]
    assert architecture in layer["CompatibleArchitectures"]
    assert architecture in PARAMETERS["Architecture"]["AllowedValues"]


def test_lambda_traces_the_function() -> None:
    assert Stack().properties("RestoreWatchFunction")["TracingConfig"] == {"Mode": "Active"}


def test_no_resource_has_a_fixed_name() -> None:
    """A fixed name prevents a second stack, and for a role it requires CAPABILITY_NAMED_IAM."""
    stack = Stack()
    named = {
        f"{logical_id}.{name}"
        for logical_id, resource in stack.resources.items()
        for name in ("Name", "RoleName", "TableName", "TopicName", "QueueName", "LogGroupName")
        if name in resource.get("Properties", {})
    }

    # Its group, which has no fixed name, is this stack's own.
    assert named == {"RestoreWatchFunctionSchedule.Name"}
    assert "FunctionName" not in stack.properties("RestoreWatchFunction")


def test_the_layer_is_named_after_the_stack() -> None:
    layer = Stack("restore-watch").only("AWS::Lambda::LayerVersion")

    assert layer["LayerName"].startswith("restore-watch-")


def test_no_output_is_exported() -> None:
    """The name of an export is unique in an account and region."""
    assert all("Export" not in output for output in Stack().outputs.values())


def test_every_parameter_has_a_description() -> None:
    assert all(parameter["Description"] for parameter in PARAMETERS.values())


def test_only_the_secret_has_no_default() -> None:
    required = {name for name, parameter in PARAMETERS.items() if "Default" not in parameter}

    assert required == {"AtlasSecretArn"}


def test_every_pattern_and_range_is_explained_in_words() -> None:
    unexplained = {
        name
        for name, parameter in PARAMETERS.items()
        if parameter.keys() & {"AllowedPattern", "MinValue", "MaxValue"}
        and not parameter.get("ConstraintDescription")
    }

    assert unexplained == set()


def test_every_default_meets_its_own_constraints() -> None:
    for parameter in PARAMETERS.values():
        default = parameter.get("Default")
        if default is None:
            continue

        assert re.search(parameter.get("AllowedPattern", ""), str(default))
        assert default in parameter.get("AllowedValues", [default])
        if parameter["Type"] == "Number":
            assert default >= parameter.get("MinValue", default)
            assert default <= parameter.get("MaxValue", default)


def test_the_console_shows_every_parameter_once_in_a_group_and_with_a_label() -> None:
    interface = source_template()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(PARAMETERS)
    assert set(interface["ParameterLabels"]) == set(PARAMETERS)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("AtlasSecretArn", SECRET + "atlas-a1B2c3"),
        ("AtlasSecretArn", SECRET.replace("aws", "aws-us-gov") + "a/b-ZZZZZZ"),
        # The six characters are random: they can be a word.
        ("AtlasSecretArn", SECRET + "atlas/restore-watch-status"),
        ("AtlasSecretArn", SECRET + "rds!atlas+=.@_-000000"),
        ("AtlasSecretKmsKeyArn", KMS + "key/mrk-0123456789abcdef"),
        ("RequestSource", "ops.restores"),
        ("RequestSource", "com.example/restores_2"),
        ("ScheduleExpression", "cron(0/5 * * * ? *)"),
        ("SubnetIds", "subnet-0a1b2c3d,subnet-0123456789abcdef0"),
        ("SecurityGroupIds", "sg-0123456789abcdef0"),
    ],
)
def test_a_parameter_accepts(parameter: str, value: str) -> None:
    assert re.search(PARAMETERS[parameter]["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("AtlasSecretArn", ""),
        ("AtlasSecretArn", "atlas"),
        ("AtlasSecretArn", SECRET + "atlas"),
        ("AtlasSecretArn", SECRET + "atlas/restore-watch"),
        ("AtlasSecretArn", SECRET + "atlas/restore-watch-"),
        ("AtlasSecretArn", SECRET + "-a1B2c3"),
        ("AtlasSecretArn", SECRET + "*"),
        ("AtlasSecretArn", SECRET + "atlas-??????"),
        ("AtlasSecretArn", SECRET + "*-a1B2c3"),
        ("AtlasSecretArn", SECRET + "atlas a-a1B2c3"),
        ("AtlasSecretArn", SECRET + "atlas-a1B2c3 "),
        ("AtlasSecretArn", SECRET.replace("arn:aws:", "arn:awsome:") + "atlas-a1B2c3"),
        ("AtlasSecretKmsKeyArn", "alias/atlas"),
        ("TopicKmsKeyArn", KMS + "alias/atlas"),
        ("RequestSource", "aws.events"),
        ("RequestSource", "ops restores"),
        ("RequestSource", "o" * 257),
        ("ScheduleExpression", "every minute"),
        ("SubnetIds", "subnet-0a1b2c3d, subnet-0a1b2c3e"),
    ],
)
def test_a_parameter_rejects(parameter: str, value: str) -> None:
    assert not re.search(PARAMETERS[parameter]["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("parameter", "default", "least", "most"),
    [("HotSeconds", 10, 0, 50), ("RateLimitReserve", 0.5, 0, 1), ("MemorySize", 512, 256, 10240)],
)
def test_a_number_has_the_range_that_the_function_accepts(
    parameter: str, default: float, least: float, most: float
) -> None:
    assert PARAMETERS[parameter]["Type"] == "Number"
    assert PARAMETERS[parameter]["Default"] == default
    assert PARAMETERS[parameter]["MinValue"] == least
    assert PARAMETERS[parameter]["MaxValue"] == most


def test_no_parameter_names_a_restore_job() -> None:
    """An event names a job, once; the schedule follows it from then on."""
    assert PARAMETERS.keys().isdisjoint({"GroupId", "ClusterName", "RestoreId", "Kind"})
    assert set(source_template()["Rules"]) == {"RoomBesideQueueAndSweep", "WholeNetworkOrNone"}


def test_the_credentials_are_sent_only_to_mongodb() -> None:
    assert PARAMETERS["AtlasBaseUrl"]["AllowedValues"] == [
        "https://cloud.mongodb.com",
        "https://cloud.mongodbgov.com",
    ]


@pytest.mark.parametrize(
    ("rule", "given", "accepted"),
    [
        ("WholeNetworkOrNone", (), True),
        ("WholeNetworkOrNone", ("SubnetIds", "SecurityGroupIds"), True),
        ("WholeNetworkOrNone", ("SubnetIds",), False),
        ("WholeNetworkOrNone", ("SecurityGroupIds",), False),
    ],
)
def test_parameters_that_belong_together_are_given_together(
    rule: str, given: tuple[str, ...], *, accepted: bool
) -> None:
    assert Stack(**dict.fromkeys(given, "given")).accepted_by(rule) is accepted


@pytest.mark.parametrize(
    ("reserved", "accepted"),
    [("0", True), ("1", False), ("2", False), ("3", False), ("4", True), ("10", True)],
)
def test_reserved_concurrency_exceeds_what_the_queue_and_the_sweep_use(
    reserved: str, *, accepted: bool
) -> None:
    stack = Stack(ReservedConcurrency=reserved)
    queue = stack.only("AWS::Lambda::EventSourceMapping")["ScalingConfig"]["MaximumConcurrency"]

    assert queue == 2
    assert stack.accepted_by("RoomBesideQueueAndSweep") is accepted


def test_every_rule_has_a_description() -> None:
    for rule in source_template()["Rules"].values():
        assert all(assertion["AssertDescription"] for assertion in rule["Assertions"])


def test_the_outputs_name_what_a_caller_a_subscriber_and_an_operator_use() -> None:
    outputs = Stack().outputs

    assert {name: output["Value"] for name, output in outputs.items()} == {
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
    assert all(output["Description"] for output in outputs.values())


def test_the_published_application_has_the_version_licence_and_readme_of_the_project() -> None:
    application = source_template()["Metadata"]["AWS::ServerlessRepo::Application"]
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert application["SemanticVersion"] == __version__
    assert "version" in project["dynamic"]
    assert application["Name"] == project["name"]
    assert application["SpdxLicenseId"] == project["license"]
    assert (CHECKOUT / application["LicenseUrl"]).is_file()
    assert (CHECKOUT / application["ReadmeUrl"]).is_file()
