"""The alarms and the dashboard of template.yaml. behaviour/telemetry/test_alarms.py raises them."""

import json
import re
from typing import Any

import pytest

from contract.deployed_template import READERS, Json, Stack, source_template
from contract.documents import ROOT, page, rows, section, table
from contract.test_template import LONGEST_STACK_NAME, longest_names, secret
from local_stack.aws_metrics import documented
from local_stack.cloudwatch import Alarm, Metric
from restore_watch.model.restore_status import RestoreStatus

TOPIC = "arn:aws:sns:us-east-1:111122223333:alarms"
OBJECTIVES = {"RtoMinutes": "60", "RpoMinutes": "1440"}
ALL = {
    **READERS,
    **OBJECTIVES,
    "AlarmTopicArn": TOPIC,
    "CreateDashboard": "yes",
}
STACK = Stack(**ALL)
ALARMS = STACK.of_type("AWS::CloudWatch::Alarm")
OF_PEOPLE = {"NoticeDeadLetterQueueAlarm", "NoticeQueueAlarm", "EmailSubscriptionAlarm"}
OF_AWS = {
    *("RequestDeadLetterQueueAlarm", "OnFailureQueueAlarm", "RequestQueueAlarm"),
    "MeasureDeadLetterQueueAlarm",
    "FunctionErrorsAlarm",
}

each_alarm = pytest.mark.parametrize("said", ALARMS.values(), ids=ALARMS)


def own_metrics() -> dict[str, set[str]]:
    """The dimensions of each metric of the functions, from the docs."""
    described = rows(section(page("operations"), "Metrics"))
    return {name: set(row.cells[-1].split(", ")) for row in described for name in row.names}


def alarms(name: str = "atlas-restore-watch", /, **parameters: str) -> Json:
    return Stack(name, **parameters).of_type("AWS::CloudWatch::Alarm")


def metrics_of(said: Json) -> list[Metric]:
    return list(Alarm(said).metrics.values())


def shown() -> list[Metric]:
    """What the dashboard shows: each line has a namespace, a name, and dimensions by pairs."""
    body = json.loads(STACK.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    lines = (one for each in body["widgets"] for one in each["properties"].get("metrics", ()))
    words = ([one for one in line if isinstance(one, str)] for line in lines)
    return [
        Metric(namespace, name, frozenset(zip(pairs[::2], pairs[1::2], strict=True)))
        for namespace, name, *pairs in words
    ]


@pytest.mark.parametrize(
    ("given", "more", "fewer"),
    [
        ({}, set(), set()),
        ({"Metrics": "no"}, set(), ALARMS.keys() - OF_PEOPLE - OF_AWS),
        ({"NotifyEmail": "ops@example.com"}, OF_PEOPLE, set()),
        ({"RtoMinutes": "45"}, {"RtoAlarm"}, set()),
        ({"RpoMinutes": "45"}, {"RpoAlarm"}, set()),
        (
            {**ALL, "CreateAlarms": "no"},
            set(),
            ALARMS.keys() - OF_PEOPLE - {"RtoAlarm", "RpoAlarm"},
        ),
    ],
    ids=["usual", "of AWS", "people", "RTO", "RPO", "none"],
)
def test_there_are_the_usual_alarms_and_those_that_are_asked_for(
    given: dict[str, str], more: set[str], fewer: set[str]
) -> None:
    usual = ALARMS.keys() - OF_PEOPLE - {"RtoAlarm", "RpoAlarm"}

    assert alarms(**given).keys() == (usual | more) - fewer


def test_an_alarm_or_the_dashboard_reads_each_metric_that_is_written() -> None:
    pattern = r'"(\w+)"\]?(?::| =) \(MetricUnit\.'
    sources = (path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    written = {name for text in sources for name in re.findall(pattern, text)}
    read = [metric for said in ALARMS.values() for metric in metrics_of(said)] + shown()
    own = {metric.name for metric in read if metric.namespace == "AtlasRestoreWatch"}

    assert written == own == own_metrics().keys()


def test_without_metrics_no_alarm_reads_them() -> None:
    left = alarms(Metrics="no", **READERS).values()

    assert "AtlasRestoreWatch" not in {one.namespace for said in left for one in metrics_of(said)}


def test_thresholds_are_those_that_the_operator_gives() -> None:
    given = alarms(RtoMinutes="45", RpoMinutes="90")

    assert given["RpoAlarm"]["Threshold"] == "90"


@pytest.mark.parametrize(
    "minutes", source_template()["Parameters"]["SweepMinutes"]["AllowedValues"]
)
def test_the_schedule_and_its_alarm_follow_the_minutes_between_two_sweeps(minutes: str) -> None:
    """The alarm comes after three missed sweeps, and a minute more because metrics arrive late."""
    stack = Stack(SweepMinutes=minutes)
    schedule = stack.properties("RestoreWatchFunctionSchedule")["ScheduleExpression"]
    alarm, periods = stack.properties("NoSweepAlarm"), str(3 * int(minutes) + 1)

    assert schedule == f"rate({minutes} minute{'s' * (minutes != '1')})"
    assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == periods
    # As long, a change that the topic refuses again and again stays an alarm between two sweeps.
    assert stack.properties("PendingAlarm")["EvaluationPeriods"] == periods


def test_an_alarm_tells_the_topic_when_it_is_raised_and_when_it_is_over() -> None:
    for said in ALARMS.values():
        assert said["AlarmActions"] == said["OKActions"] == [TOPIC]
    by_webhook = {"NotifySecretArn": READERS["NotifySecretArn"]}
    for said in alarms(**by_webhook, **OBJECTIVES).values():
        assert said.keys().isdisjoint({"AlarmActions", "OKActions", "InsufficientDataActions"})


def test_without_a_topic_of_the_operators_own_every_alarm_is_mailed_to_the_address() -> None:
    for said in alarms(**READERS, **OBJECTIVES).values():
        assert said["AlarmActions"] == said["OKActions"] == ["AlarmTopic"]


@pytest.mark.parametrize(
    "given",
    [{"CreateAlarms": "no"}, {"AlarmTopicArn": TOPIC}, {"NotifyEmail": ""}],
    ids=["no alarms", "a topic of the operator's own", "no address"],
)
def test_a_topic_that_no_alarm_is_mailed_by_is_not_made(given: dict[str, str]) -> None:
    made = Stack(**{**READERS, **given}).resources.keys()

    assert made.isdisjoint({"AlarmTopic", "AlarmTopicPolicy", "AlarmSubscription"})


def test_what_the_last_sweep_found_stays_and_no_sweep_is_an_alarm_without_data() -> None:
    by_data: dict[str, set[str]] = {}
    for name, said in ALARMS.items():
        by_data.setdefault(said["TreatMissingData"], set()).add(name)

    assert by_data.pop("ignore") == {
        *("DegradedAlarm", "CredentialsExpireAlarm", "EmailSubscriptionAlarm")
    }
    assert by_data.pop("breaching") == {"NoSweepAlarm"}
    assert by_data.keys() == {"notBreaching"}


def test_every_name_begins_with_that_of_the_stack() -> None:
    """CloudWatch has one set of dashboards for all regions of an account."""
    made = Stack("drills", **ALL)
    names = {one["AlarmName"] for one in made.of_type("AWS::CloudWatch::Alarm").values()}

    assert len(names) == len(ALARMS)
    assert all(name.startswith("drills ") and name.isascii() for name in names)
    assert made.only("AWS::CloudWatch::Dashboard")["DashboardName"] == "drills-us-east-1"


def test_every_description_is_short_enough_with_the_longest_names() -> None:
    """CloudWatch takes 1024 characters: AlarmDescription of PutMetricAlarm."""
    longest = longest_names(STACK) | {"AtlasSecretArn": secret(189)}
    described = alarms(LONGEST_STACK_NAME, **ALL | longest)

    assert described.keys() == ALARMS.keys()
    assert all(100 < len(said["AlarmDescription"]) <= 1024 for said in described.values())
    assert "${" not in str(described)


@each_alarm
def test_an_alarm_looks_at_metrics_that_exist(said: Json) -> None:
    for metric in metrics_of(said):
        dimensions = dict(metric.dimensions)
        if metric.namespace == "AtlasRestoreWatch":
            assert own_metrics()[metric.name] == dimensions.keys()
            assert dimensions["service"] == "atlas-restore-watch"
            assert dimensions.get("status", "FAILED") in list(RestoreStatus)
        else:
            (resource,) = dimensions.values()
            assert resource.partition(".")[0] in STACK.resources
            assert metric == documented(metric.namespace, metric.name, resource)


@pytest.mark.fault("F92")
def test_every_dead_letter_queue_has_an_alarm() -> None:
    watched = {
        resource.partition(".")[0]
        for said in ALARMS.values()
        for metric in metrics_of(said)
        if metric.name == "ApproximateNumberOfMessagesVisible"
        for _, resource in metric.dimensions
    }
    queues = STACK.of_type("AWS::SQS::Queue")

    assert watched == {name for name in queues if "DeadLetter" in name or "OnFailure" in name}


def test_a_dashboard_is_made_on_request() -> None:
    assert not Stack().of_type("AWS::CloudWatch::Dashboard")
    for parameters in ({}, READERS):
        wanted = Stack(CreateDashboard="yes", **parameters)
        body = wanted.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
        widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
        assert "${" not in body
        assert {one["properties"]["region"] for one in widgets} == {"us-east-1"}


def test_the_dashboard_shows_metrics_and_queues_that_exist() -> None:
    for metric in shown():
        if metric.namespace == "AtlasRestoreWatch":
            assert own_metrics()[metric.name] == dict(metric.dimensions).keys()
        else:
            (resource,) = dict(metric.dimensions).values()
            assert metric == documented(metric.namespace, metric.name, resource)

    assert own_metrics().keys() < {metric.name for metric in shown()}


def test_the_docs_have_every_alarm_in_its_own_words_and_every_widget() -> None:
    def words(value: str | Json) -> str:
        text = value if isinstance(value, str) else value["Fn::Sub"]
        return re.sub(r"\$\{([\w.]+)\}", lambda name: f"`{name[1].partition('.')[0]}`", text)

    said = {
        words(one["AlarmName"]).removeprefix("${AWS::StackName} "): words(one["AlarmDescription"])
        for one in (each["Properties"] for each in source_template()["Resources"].values())
        if "AlarmName" in one
    }
    body = STACK.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    titles = {one["properties"]["title"] for one in json.loads(body)["widgets"]}

    assert len(said) == len(ALARMS)
    assert dict(table(section(page("operations"), "Alarms"))[2:]) == said
    assert {cells[0] for cells in table(section(page("operations"), "Dashboard"))[2:]} == titles


def test_the_first_hour_names_each_alarm_that_waits_for_a_metric_of_once_or_twice_a_day() -> None:
    described = rows(section(page("operations"), "Metrics"))
    seldom = {name for row in described if "ce a day" in row.cells[2] for name in row.names}
    waits = {
        said["AlarmName"].removeprefix("atlas-restore-watch ")
        for said in ALARMS.values()
        if said["TreatMissingData"] == "ignore"
        and seldom & {metric.name for metric in metrics_of(said)}
    }

    (row,) = (
        row for row in table(section(page("deploying"), "The first hour")) if "`OK`" in row[1]
    )
    assert waits == {*re.findall(r"\*([^*]+)\*", row[1])}
