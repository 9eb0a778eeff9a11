"""The alarms and the dashboard of template.yaml: what they look at, what they say, and limits."""

import inspect
import json
import re
from typing import Any

import pytest

from contract.deployed_template import EVERYTHING, READERS, Json, Stack, source_template
from contract.documents import page, rows, section, table
from local_stack.aws_metrics import documented
from local_stack.cloudwatch import Alarm, Metric
from local_stack.metric_math import ids
from operate.objectives import seconds
from restore_watch import errors
from restore_watch.model.restore_job import RestoreStatus

TOPIC = "arn:aws:sns:us-east-1:111122223333:alarms"
OBJECTIVES = {"RtoMinutes": "60", "RpoMinutes": "1440"}
ALL = {**READERS, **OBJECTIVES, "AlarmTopicArn": TOPIC}
OF_PEOPLE = {
    "NoticeDeadLetterQueueAlarm",
    "NoticeQueueAlarm",
    "NotifyPeopleErrorsAlarm",
    "NotifyPeopleThrottlesAlarm",
}
OWN = "AtlasRestoreWatch"


def alarms(name: str = "atlas-restore-watch", /, **parameters: str) -> Json:
    return Stack(name, **parameters).of_type("AWS::CloudWatch::Alarm")


ALARMS = alarms(**ALL)

each_alarm = pytest.mark.parametrize("said", ALARMS.values(), ids=ALARMS)


def metrics_of(said: Json) -> list[Metric]:
    return list(Alarm(said).metrics.values())


def math_of(said: Json) -> dict[str, str]:
    """The expressions by their ids."""
    entries = said.get("Metrics", [])
    return {one["Id"]: one["Expression"] for one in entries if "Expression" in one}


# Which there are


def test_the_usual_alarms_are_made_unless_the_operator_wants_none() -> None:
    assert alarms().keys() == ALARMS.keys() - OF_PEOPLE - {"RtoAlarm", "RpoAlarm"}
    assert alarms(**ALL, CreateAlarms="no") == {}


def test_alarms_about_people_need_a_reader() -> None:
    assert alarms(NotifyEmail="ops@example.com").keys() - alarms().keys() == OF_PEOPLE


@pytest.mark.parametrize(
    ("parameter", "alarm"), [("RtoMinutes", "RtoAlarm"), ("RpoMinutes", "RpoAlarm")]
)
def test_an_objective_is_an_alarm(parameter: str, alarm: str) -> None:
    added = alarms(**{parameter: "45"})

    assert added.keys() - alarms().keys() == {alarm}
    assert added[alarm]["Threshold"] == "45"


@pytest.mark.parametrize("parameter", OBJECTIVES)
def test_nothing_but_0_is_no_objective(parameter: str) -> None:
    """CloudFormation compares texts: `0.0` as a number would be an alarm that always rings."""
    said = source_template()["Parameters"][parameter]

    assert said["Type"] == "String"
    assert said["Default"] == "0"
    assert alarms(**{parameter: "0"}).keys() == alarms().keys()
    for text in ("0", "1", "60", "9999999"):
        assert re.search(said["AllowedPattern"], text)
        assert seconds(text) == int(text) * 60
    for text in ("", "00", "0.0", "-0", "060", "0.5", "1e3", "soon", "10000000"):
        assert not re.search(said["AllowedPattern"], text)


def test_the_alarm_about_sweeps_has_its_own_minutes() -> None:
    said = alarms(NoSweepMinutes="16")["NoSweepAlarm"]

    assert said["EvaluationPeriods"] == said["DatapointsToAlarm"] == "16"
    assert alarms().keys() - alarms(NoSweepMinutes="0").keys() == {"NoSweepAlarm"}


@each_alarm
def test_an_alarm_tells_the_topic_when_it_is_raised_and_when_it_is_over(said: Json) -> None:
    assert said["AlarmActions"] == said["OKActions"] == [TOPIC]


def test_without_a_topic_no_alarm_has_an_action() -> None:
    for said in alarms(**READERS, **OBJECTIVES).values():
        assert said.keys().isdisjoint({"AlarmActions", "OKActions", "InsufficientDataActions"})


@pytest.mark.parametrize(
    ("arn", "accepted"),
    [
        ("", True),
        (TOPIC, True),
        ("arn:aws-us-gov:sns:us-gov-west-1:111122223333:Ops_Alarms", True),
        ("alarms", False),
        (f"{TOPIC}.fifo", False),
        ("arn:aws:sns:us-east-1:111122223333:alarms:6b1d5e0f", False),
        ("arn:aws:sqs:us-east-1:111122223333:alarms", False),
    ],
)
def test_the_topic_of_alarms_is_a_standard_topic(arn: str, *, accepted: bool) -> None:
    pattern = source_template()["Parameters"]["AlarmTopicArn"]["AllowedPattern"]

    assert bool(re.search(pattern, arn)) is accepted


# What they say


def test_two_stacks_have_no_name_in_common() -> None:
    def names(stack: str) -> list[str]:
        made = Stack(stack, **ALL)
        dashboard = made.only("AWS::CloudWatch::Dashboard")["DashboardName"]
        return [dashboard, *(one["AlarmName"] for one in alarms(stack, **ALL).values())]

    one, other = names("restore-watch"), names("restore-watch-drills")
    assert len({*one, *other}) == 2 * len(one)
    assert all(name.startswith("restore-watch") and name.isascii() for name in one)


def test_the_dashboards_of_two_regions_have_different_names() -> None:
    """CloudWatch has one set of dashboards for all regions of an account."""
    name = Stack("drills").only("AWS::CloudWatch::Dashboard")["DashboardName"]

    assert name == "drills-us-east-1"
    assert re.fullmatch(r"[\w-]{1,255}", name)


@each_alarm
def test_an_alarm_says_what_it_means_and_what_to_do(said: Json) -> None:
    text = said["AlarmDescription"]

    assert 100 < len(text) < 700
    assert text.count(". ") + 1 >= 2
    assert "${" not in text


def longest_names(stack: str) -> dict[str, str]:
    """
    The longest name that CloudFormation makes for each resource of a stack, and of the secret.

    "Name type", AWS CloudFormation User Guide: the stack, the logical id and a random part with
    hyphens between them, cut where the service takes no more. The `Ref` of a topic is its ARN.
    """
    limits = {
        "AWS::Lambda::Function": 64,
        "AWS::SQS::Queue": 80,
        "AWS::Scheduler::ScheduleGroup": 64,
    }
    account = "us-gov-west-1:111122223333"
    names = {"AtlasSecretArn": f"arn:aws-us-gov:secretsmanager:{account}:secret:{'s' * 512}-a1B2c3"}
    for logical_id, resource in Stack(**ALL).resources.items():
        kind = resource["Type"]
        name = f"{stack}-{logical_id}-{'r' * 13}"[: limits.get(kind, 255)]
        is_topic = kind == "AWS::SNS::Topic"
        names[logical_id] = f"arn:aws-us-gov:sns:{account}:{name}" if is_topic else name
        names[f"{logical_id}.QueueName"] = name
    return names


def test_every_description_is_short_enough_with_the_longest_names() -> None:
    """CloudWatch takes 1024 characters: AlarmDescription of PutMetricAlarm."""
    stack = "s" * 128
    described = alarms(stack, **ALL | longest_names(stack))
    lengths = {name: len(said["AlarmDescription"]) for name, said in described.items()}

    assert {name: length for name, length in lengths.items() if length > 1024} == {}
    assert lengths.keys() == ALARMS.keys()
    assert max(lengths.values()) > len(stack) + 500


def test_the_docs_have_the_alarms_with_their_own_words() -> None:
    def words(value: str | Json) -> str:
        text = value if isinstance(value, str) else value["Fn::Sub"]
        return re.sub(r"\$\{([\w.]+)\}", lambda name: f"`{name[1].partition('.')[0]}`", text)

    said = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName} "): words(
            resource["Properties"]["AlarmDescription"]
        )
        for resource in source_template()["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    described = {
        cells[0]: cells[1]
        for cells in table(section(page("operations"), "Alarms"))
        if len(cells) == 2 and cells[0] in said
    }

    assert described == said
    assert len(said) == len(ALARMS)


def test_the_docs_say_how_much_the_alarms_look_at() -> None:
    """CloudWatch bills an alarm by its metrics."""
    text = section(page("operations"), "Alarms")
    looked_at = sum(len(metrics_of(said)) for said in alarms().values())

    assert f"{len(alarms())} alarms look at {looked_at} metrics" in text


# What they look at


def own_metrics() -> dict[str, set[str]]:
    """The dimensions of each metric of the functions, from the docs."""
    described = rows(section(page("operations"), "Metrics"))
    return {
        name: set(row.cells[-1].split(", "))
        for row in described
        if len(row.cells) == 2
        for name in row.names
    }


def is_emitted(metric: Metric) -> bool:
    dimensions = dict(metric.dimensions)
    raised = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    return (
        own_metrics()[metric.name] == dimensions.keys()
        and dimensions["service"] == "atlas-restore-watch"
        and dimensions.get("error", "AtlasError") in raised
        and dimensions.get("status", "FAILED") in list(RestoreStatus)
    )


@each_alarm
def test_an_alarm_looks_at_metrics_that_exist(said: Json) -> None:
    stack = Stack(**ALL)
    for metric in metrics_of(said):
        if metric.namespace == OWN:
            assert is_emitted(metric)
        else:
            ((_, resource),) = metric.dimensions
            assert resource.partition(".")[0] in stack.resources
            assert metric == documented(metric.namespace, metric.name, resource)


def test_every_dead_letter_queue_has_an_alarm() -> None:
    watched = {
        resource.partition(".")[0]
        for said in ALARMS.values()
        for metric in metrics_of(said)
        if metric.name == "ApproximateNumberOfMessagesVisible"
        for _, resource in metric.dimensions
    }
    queues = Stack(**ALL).of_type("AWS::SQS::Queue")

    assert watched == {name for name in queues if "DeadLetter" in name or "OnFailure" in name}


@each_alarm
def test_cloudwatch_accepts_the_alarm(said: Json) -> None:
    """PutMetricAlarm: the limits of an alarm, and those of one with metric math."""
    sources = [one["MetricStat"] for one in said.get("Metrics", []) if "MetricStat" in one]
    periods = {int(one["Period"]) for one in sources or [said]}
    (period,) = periods

    assert period % 60 == 0
    assert period * int(said["EvaluationPeriods"]) <= 24 * 3600
    assert 1 <= int(said["DatapointsToAlarm"]) <= int(said["EvaluationPeriods"])
    assert len(said.get("Metrics", [])) <= 10
    known = {one["Id"] for one in said.get("Metrics", [])}
    for expression in math_of(said).values():
        assert ids(expression) <= known
    assert all(re.fullmatch(r"[a-z]\w*", name) for name in known)


def test_the_longest_time_without_a_sweep_is_a_day() -> None:
    assert source_template()["Parameters"]["NoSweepMinutes"]["MaxValue"] == 24 * 60


# The dashboard


def test_the_dashboard_is_made_unless_the_operator_wants_none() -> None:
    assert Stack().of_type("AWS::CloudWatch::Dashboard")
    assert not Stack(CreateDashboard="no").of_type("AWS::CloudWatch::Dashboard")


@pytest.mark.parametrize("parameters", [{}, READERS], ids=["nobody", "people"])
def test_the_dashboard_is_json_that_fills_its_grid(parameters: dict[str, str]) -> None:
    body = Stack(**parameters).only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    widgets: list[dict[str, Any]] = json.loads(body)["widgets"]

    assert "${" not in body
    assert sum(widget["width"] for widget in widgets) % 24 in {0, 16}
    for widget in widgets:
        assert widget["properties"]["title"]
        assert widget["properties"]["region"] == "us-east-1"


def test_the_docs_name_every_widget() -> None:
    text = section(page("operations"), "Dashboard")
    body = Stack().only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    titles = {widget["properties"]["title"] for widget in json.loads(body)["widgets"]}

    assert {cells[0] for cells in table(text)[2:]} == titles


# The limits of CloudFormation: "CloudFormation quotas", AWS CloudFormation User Guide


def test_the_template_is_within_the_limits_of_cloudformation() -> None:
    stack = Stack(**EVERYTHING, **ALL)
    source = source_template()

    assert len(json.dumps(source)) < 1_000_000 / 4
    assert len(stack.resources) < 500 / 2
    assert len(source["Parameters"]) < 200 / 2
    assert len(source["Outputs"]) < 200 / 2
    for parameter in source["Parameters"].values():
        assert len(parameter["Description"]) < 4000
