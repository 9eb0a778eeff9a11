"""
Each alarm of the template is raised by the condition it is for, and none in a healthy hour.

They are evaluated over what the functions really write, and over what AWS's services would count of
what happens in the local stack. The dashboard shows the same metrics.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from contract.deployed_template import READERS, Stack
from integration.operating import GROUP, Operation, alarms
from integration.test_pending import refuse_publications
from local_stack.atlas import in_group
from local_stack.aws import aws_error
from local_stack.cloudwatch import Metric, Metrics
from local_stack.faults import Answer, Ask
from local_stack.loopback import Line
from local_stack.restores import date
from local_stack.stack import CREDENTIALS, FUNCTION, PEOPLE
from local_stack.wire import Fault

pytestmark = pytest.mark.timeout(60)

OBJECTIVES = {"RtoMinutes": "30", "RpoMinutes": "90"}

WITHOUT_SWEEPS = {"NoSweepMinutes": "0"}
"""For what has nothing to do with sweeps."""

TOPIC = "StatusChangesTopic.TopicName"

NOBODYS_JOB = {
    "groupId": GROUP,
    "clusterName": "orders",
    "restoreId": "6948d5f2a07c3be41f9d6280",
    "kind": "flex",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Operation]:
    with pytest.MonkeyPatch.context() as environment, Operation() as operation:
        for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
            environment.setenv(name, operation.environment[name])
        environment.setenv("AWS_ENDPOINT_URL", operation.aws.url)
        yield operation


# What goes wrong


@dataclass(frozen=True)
class Announcing:
    """Atlas answers as usual, and announces the end of the endpoint."""

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        sunset = ("Sunset", "Sun, 1 Mar 2027 00:00:00 GMT")
        return Answer(answer.status, (*answer.headers, sunset), answer.body)


def the_schedule_is_disabled(stack: Operation) -> None:
    stack.is_scheduled = False
    stack.minutes(4)


def the_service_account_is_deleted(stack: Operation) -> None:
    stack.atlas.remove_credential(CREDENTIALS["service_account"]["client_id"])
    stack.minutes(6)


def the_secret_cannot_be_read(stack: Operation) -> None:
    denied = aws_error("secretsmanager", "AccessDeniedException")
    stack.aws.wire.inject(Fault(action=denied, operation="GetSecretValue", times=None))
    stack.start()
    stack.minutes(6)


def the_address_is_taken_off_the_access_list(stack: Operation) -> None:
    stack.atlas.behaviour.refused_address = "203.0.113.9"
    stack.minutes(6)


def a_project_does_not_answer(stack: Operation) -> None:
    stack.atlas.wire.inject(Fault(action=Answer(503), when=in_group(GROUP), times=None))
    stack.minutes(5)


def the_topic_refuses_a_change(stack: Operation) -> None:
    stack.atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING"])
    with refuse_publications(stack):
        stack.minutes(7)


def a_request_fails_five_times(stack: Operation) -> None:
    stack.requests.send(NOBODYS_JOB)
    for _ in range(6):
        stack.requests.deliver()
    stack.minute()


def an_event_fails_three_times(stack: Operation) -> None:
    stack.send(NOBODYS_JOB)
    stack.minutes(4)


def nobody_takes_requests(stack: Operation) -> None:
    stack.takes_requests = False
    stack.requests.send(NOBODYS_JOB)
    stack.minute()
    stack.pass_time(15)
    stack.minute()


def callers_send_bad_events(stack: Operation) -> None:
    stack.is_scheduled = False
    for _ in range(11):
        stack.invoke({})
        stack.minute()


def the_function_is_throttled(stack: Operation) -> None:
    stack.throttled = {FUNCTION}
    stack.minutes(6)


def leave_out_everything(stack: Operation) -> None:
    """Give each subscription of the topic a filter policy that no message meets."""
    sns = stack.aws.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=stack.topic_arn)["Subscriptions"]:
        sns.set_subscription_attributes(
            SubscriptionArn=one["SubscriptionArn"],
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps({"clusterName": ["another"]}),
        )


def nobody_is_subscribed(stack: Operation) -> None:
    sns = stack.aws.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=stack.topic_arn)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    stack.atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING"])
    stack.minutes(7)


def a_subscriber_refuses_what_another_leaves_out(stack: Operation) -> None:
    leave_out_everything(stack)
    stack.atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING"])
    stack.minute()
    stack.measured.put("AWS/SNS", "NumberOfNotificationsFailed", TOPIC)
    stack.minutes(7)


def the_schedule_may_not_invoke(stack: Operation) -> None:
    stack.are_delivered = False
    stack.minute()


def other_tools_use_up_the_limit(stack: Operation) -> None:
    stack.atlas.keep_bucket(GROUP, "events", 0)
    stack.minutes(11)


def atlas_announces_a_sunset(stack: Operation) -> None:
    stack.atlas.wire.inject(Fault(action=Announcing(), operation="events"))
    stack.minute()


def a_restore_runs_for_long(stack: Operation) -> None:
    stack.atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING"])
    stack.minute()
    stack.pass_time(30)
    stack.minute()


def a_restore_took_long(stack: Operation) -> None:
    restore = stack.atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    stack.minute()
    stack.pass_time(30)
    restore.advance()
    stack.minute()


def an_old_snapshot_is_restored(stack: Operation) -> None:
    restore = stack.atlas.start_restore(GROUP, "sales", "dedicated")
    restore.set(timestamp=date(stack.now() - timedelta(minutes=91)))
    stack.minute()


def a_restore_completes(stack: Operation) -> None:
    stack.takes_notices = False
    restore = stack.atlas.start_restore(GROUP, "orders", "flex")
    restore.run_to_end()
    stack.minute()


def a_webhook_is_revoked(stack: Operation) -> None:
    stack.posts.wire.inject(Fault(service="slack", action=Answer(404), times=None))
    a_restore_completes(stack)
    for _ in range(6):
        stack.notices.deliver()
    stack.minute()


def nobody_takes_messages_for_people(stack: Operation) -> None:
    """The trigger is disabled, or the function may not run."""
    a_restore_completes(stack)
    stack.pass_time(15)
    stack.minute()


def deliver_twice(stack: Operation) -> None:
    """Six minutes are the visibility timeout of the queue."""
    a_restore_completes(stack)
    stack.notices.deliver()
    stack.minutes(6)
    stack.notices.deliver()
    stack.minute()


def people_cannot_start(stack: Operation) -> None:
    stack.start_people(NOTIFY_CHANGES="everything")
    deliver_twice(stack)


def people_are_throttled(stack: Operation) -> None:
    stack.throttled = {PEOPLE}
    deliver_twice(stack)


@dataclass(frozen=True)
class Case:
    """What happens, which alarm it raises, and which ones besides."""

    alarm: str
    happens: Callable[[Operation], None]
    besides: frozenset[str] = frozenset()
    parameters: dict[str, str] = field(default_factory=dict)


NO_SWEEP = frozenset({"NoSweepAlarm"})
UNSEEN = frozenset({"DegradedAlarm"})

CASES = [
    Case("NoSweepAlarm", the_schedule_is_disabled),
    Case("CredentialsAlarm", the_service_account_is_deleted),
    Case("CredentialsAlarm", the_secret_cannot_be_read, NO_SWEEP),
    Case("AccessListAlarm", the_address_is_taken_off_the_access_list, UNSEEN),
    Case("DegradedAlarm", a_project_does_not_answer),
    Case("PendingAlarm", the_topic_refuses_a_change),
    Case("RequestDeadLetterQueueAlarm", a_request_fails_five_times),
    Case("OnFailureQueueAlarm", an_event_fails_three_times),
    Case("RequestQueueAlarm", nobody_takes_requests, parameters=WITHOUT_SWEEPS),
    Case("FunctionErrorsAlarm", callers_send_bad_events, parameters=WITHOUT_SWEEPS),
    Case("FunctionThrottlesAlarm", the_function_is_throttled, NO_SWEEP),
    Case("NobodyReachedAlarm", nobody_is_subscribed),
    Case("NobodyReachedAlarm", a_subscriber_refuses_what_another_leaves_out),
    Case("ScheduleDroppedAlarm", the_schedule_may_not_invoke),
    Case("AtlasThrottlesAlarm", other_tools_use_up_the_limit, UNSEEN),
    Case("SunsetAlarm", atlas_announces_a_sunset),
    Case("RtoAlarm", a_restore_runs_for_long, parameters=OBJECTIVES | WITHOUT_SWEEPS),
    Case("RtoAlarm", a_restore_took_long, parameters=OBJECTIVES | WITHOUT_SWEEPS),
    Case("RpoAlarm", an_old_snapshot_is_restored, parameters=OBJECTIVES),
    Case("NoticeDeadLetterQueueAlarm", a_webhook_is_revoked),
    Case("NoticeQueueAlarm", nobody_takes_messages_for_people, parameters=WITHOUT_SWEEPS),
    Case("NotifyPeopleErrorsAlarm", people_cannot_start),
    Case("NotifyPeopleThrottlesAlarm", people_are_throttled),
]


def test_every_alarm_of_the_template_has_a_case() -> None:
    assert {case.alarm for case in CASES} == alarms(**OBJECTIVES).keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.happens.__name__)
def test_an_alarm_is_raised_by_the_condition_it_is_for(running: Operation, case: Case) -> None:
    stack = running.begin(**case.parameters)
    stack.minute()
    assert stack.raised == set()

    case.happens(stack)

    assert stack.raised == {case.alarm} | case.besides


def test_what_filter_policies_leave_out_raises_no_alarm(running: Operation) -> None:
    stack = running.begin()
    leave_out_everything(stack)
    stack.minute()
    stack.atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING"])
    stack.minutes(7)

    assert stack.raised == set()


@pytest.mark.parametrize("minutes", [1, 4])
def test_a_message_that_is_delivered_minutes_later_raises_no_alarm(
    running: Operation, minutes: int
) -> None:
    stack = running.begin()
    stack.measured.put("AWS/SNS", "NumberOfMessagesPublished", TOPIC)
    stack.minutes(minutes)
    stack.measured.put("AWS/SNS", "NumberOfNotificationsDelivered", TOPIC)
    stack.minutes(7)

    assert stack.raised == set()


@pytest.mark.parametrize("late", [60, 180, 240])
def test_a_delivery_that_is_counted_minutes_late_raises_no_alarm(late: int) -> None:
    """Published in the last second of a minute, and delivered in the next one."""
    alarm = alarms()["NobodyReachedAlarm"]
    known = Metrics()
    known.put(alarm.metrics["published"], 59, 1)
    states = set()
    for now in range(60, 1200, 60):
        if now == 60 + late:
            known.put(alarm.metrics["delivered"], 61, 1)
        states.add(alarm.evaluate(known, now))

    assert states == {"OK"}


@pytest.mark.parametrize("second", [0, 20, 45, 59])
def test_a_subscriber_that_refuses_what_another_gets_raises_no_alarm(second: int) -> None:
    """SNS counts each attempt at an HTTPS endpoint; it tries again for a minute."""
    alarm = alarms()["NobodyReachedAlarm"]
    known = Metrics()
    known.put(alarm.metrics["published"], second, 1)
    known.put(alarm.metrics["delivered"], second, 1)
    for attempt in range(4):
        known.put(alarm.metrics["failed"], second + 20 * attempt + 1, 1)

    assert {alarm.evaluate(known, now) for now in range(60, 1200, 60)} == {"OK"}


def test_a_sweep_that_fails_once_raises_no_alarm(running: Operation) -> None:
    stack = running.begin()
    stack.minutes(2)
    stack.is_scheduled = False
    stack.minutes(2)
    stack.is_scheduled = True
    stack.minutes(2)

    assert stack.raised == set()


def test_one_bad_minute_raises_no_alarm(running: Operation) -> None:
    stack = running.begin()
    stack.minute()
    stack.throttled = {FUNCTION, PEOPLE}
    stack.minute()
    stack.throttled = set()
    stack.atlas.behaviour.refused_address = "203.0.113.9"
    stack.minute()
    stack.atlas.behaviour.refused_address = None
    stack.atlas.keep_bucket(GROUP, "events", 0)
    stack.minute()
    stack.atlas.release_bucket(GROUP, "events")
    denied = aws_error("secretsmanager", "AccessDeniedException")
    with stack.aws.wire.inject(Fault(action=denied, operation="GetSecretValue", times=None)):
        stack.start()
        stack.minute()
    stack.start_people(NOTIFY_CHANGES="everything")
    stack.atlas.start_restore(GROUP, "orders", "flex").run_to_end()
    stack.invoke({})
    stack.minute()
    stack.start_people()
    stack.minutes(3)

    assert stack.raised == set()


# A healthy hour


@dataclass(frozen=True)
class Hour:
    """What was left of an hour in which all went well."""

    begun: float
    ended: float
    metrics: Metrics
    raised: frozenset[str]
    states: frozenset[str]
    emails: tuple[str, ...]


@pytest.fixture(scope="module")
def hour(running: Operation) -> Hour:
    """Restores begin, end and fail, a download becomes ready and expires, people are told."""
    stack = running.begin(RtoMinutes="60", RpoMinutes="120")
    begun = stack.now().timestamp()
    stack.minute()
    atlas = stack.atlas
    timeline = ["running", "download-ready", "expired"]
    download = atlas.start_restore(
        GROUP, "sales", "dedicated", delivery_type="download", timeline=timeline
    )
    stack.minutes(2)
    download.advance()
    flex = atlas.start_restore(GROUP, "orders", "flex")
    for _ in range(3):
        stack.minute()
        flex.advance()
    stack.requests.send(flex.event)
    stack.send(download.event)
    automated = atlas.start_restore(GROUP, "sales", "dedicated")
    stack.minutes(4)
    automated.advance()
    failing = atlas.start_restore(GROUP, "orders", "flex", timeline=["RUNNING", "FAILED"])
    stack.minutes(3)
    failing.advance()
    stack.minutes(52)
    download.advance()
    stack.minutes(2)
    return Hour(
        begun,
        stack.now().timestamp(),
        stack.metrics,
        frozenset(stack.raised),
        frozenset(alarm.state for alarm in stack.alarms.values()),
        tuple(subject for subject, _ in stack.emails()),
    )


def test_in_a_healthy_hour_no_alarm_is_raised(hour: Hour) -> None:
    ends = {"COMPLETED", "FAILED", "EXPIRED"}

    assert hour.raised == set()
    assert hour.states == {"OK"}
    assert hour.ended - hour.begun > 3600
    assert ends <= {dict(one.dimensions).get("status") for one in hour.metrics.known()}
    assert [subject.partition(":")[0] for subject in hour.emails] == [
        "Download ready",
        "Restore completed",
        "Restore completed",
        "Restore FAILED",
        "Download link expired",
    ]


@pytest.mark.parametrize("second", [20, 40])
@pytest.mark.parametrize(("late", "further"), [(0, 0), (60, 2), (60, 5)])
def test_no_alarm_is_raised_whenever_cloudwatch_looks_and_metrics_arrive(
    hour: Hour, second: int, late: int, further: int
) -> None:
    """Metrics may arrive a minute late, and AWS does not say at how many periods it looks."""
    looking = alarms(further, RtoMinutes="60", RpoMinutes="120")
    raised = set()
    now = hour.begun + second + 300
    while now < hour.ended:
        arrived = hour.metrics.before(now - late)
        raised |= {name for name, one in looking.items() if one.evaluate(arrived, now) == "ALARM"}
        now += 60

    assert raised == set()


# The dashboard


@pytest.fixture(scope="module")
def troubled(running: Operation) -> Metrics:
    """The metrics of what does not happen in a healthy hour."""
    stack = running.begin()
    stack.log.seek(0)
    stack.log.truncate()
    stack.invoke(NOBODYS_JOB)
    stack.atlas.keep_bucket(GROUP, "events", 0)
    stack.minute()
    return stack.metrics


def shown(**parameters: str) -> list[dict[str, Any]]:
    """The widgets of the dashboard, of which CloudWatch reads JSON."""
    dashboard = Stack(**parameters).only("AWS::CloudWatch::Dashboard")
    widgets: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return widgets


def metrics_of(widget: dict[str, Any]) -> Iterator[Callable[[Metric], bool]]:
    """For each metric or search of a widget, whether it shows a metric."""
    for line in widget["properties"].get("metrics", []):
        if isinstance(line[0], dict):
            yield search(line[0]["expression"])
        else:
            namespace, name, *pairs = [one for one in line if isinstance(one, str)]
            dimensions = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
            yield Metric(namespace, name, dimensions).__eq__


def search(expression: str) -> Callable[[Metric], bool]:
    """
    Whether a search finds a metric.

    "CloudWatch search expression syntax", Amazon CloudWatch User Guide: the schema, then properties
    that must all fit, and in parentheses some of which one must.
    """
    found = re.fullmatch(r"SEARCH\('\{(.+?)\} (.+?)( \(.+\))?', '\w+', \d+\)", expression)
    assert found, expression
    namespace, *names = found[1].split(",")
    needed = set(re.findall(r'(\w+)="(.+?)"', found[2]))
    either = set(re.findall(r'(\w+)="(.+?)"', found[3] or ""))

    def finds(metric: Metric) -> bool:
        pairs = {("MetricName", metric.name), *metric.dimensions}
        is_schema = metric.namespace == namespace and {
            name for name, _ in metric.dimensions
        } == set(names)
        return is_schema and needed <= pairs and (not either or bool(either & pairs))

    return finds


def test_every_metric_on_the_dashboard_is_emitted(hour: Hour, troubled: Metrics) -> None:
    emitted = hour.metrics.known() | troubled.known()

    for widget in shown(**READERS):
        for shows in metrics_of(widget):
            assert any(map(shows, emitted)), widget["properties"]["title"]


def test_the_dashboard_shows_what_an_operator_asks_first(hour: Hour, troubled: Metrics) -> None:
    emitted = hour.metrics.known() | troubled.known()
    seen = {
        metric.name
        for widget in shown(**READERS)
        for shows in metrics_of(widget)
        for metric in emitted
        if shows(metric)
    }

    assert {
        "SuccessfulSweeps",
        "FailedChecks",
        "OpenJobs",
        "PendingChanges",
        "StatusChanges",
        "RestoreDuration",
        "DetectionLatency",
        "AtlasCalls",
        "AtlasThrottles",
        "RateLimitRemaining",
        "ApproximateNumberOfMessagesVisible",
    } <= seen


def test_the_queues_on_the_dashboard_are_those_of_the_stack() -> None:
    def queues(**parameters: str) -> set[str]:
        text = json.dumps(shown(**parameters))
        return set(re.findall(r"(\w+)\.QueueName", text))

    assert queues() == {"RequestQueue", "RequestDeadLetterQueue", "OnFailureQueue"}
    assert queues(**READERS) == queues() | {"NoticeQueue", "NoticeDeadLetterQueue"}


def test_the_last_failures_are_read_from_what_the_functions_log(
    running: Operation, troubled: Metrics
) -> None:
    assert troubled.known()
    failures = [json.loads(line) for line in running.log.getvalue().splitlines()]
    failure = next(one for one in failures if one["level"] == "ERROR" and "restore_id" in one)
    (widget,) = (one for one in shown(**READERS) if one["type"] == "log")
    query = widget["properties"]["query"]
    fields = re.search(r"fields (.+?) \|", query)
    assert fields
    named = set(re.findall(r"\b[a-z_]+\b", fields[1])) - {"coalesce", "as", "text"}

    assert re.findall(r"SOURCE '(\w+)'", query) == ["LogGroup", "NotifyPeopleLogGroup"]
    assert named - {"timestamp"} <= failure.keys()
    assert "level = 'ERROR'" in query
    (alone,) = (one for one in shown() if one["type"] == "log")
    assert re.findall(r"SOURCE '(\w+)'", alone["properties"]["query"]) == ["LogGroup"]
