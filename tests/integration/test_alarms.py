"""
Each alarm of the template is raised by the condition it is for, and none in a healthy hour.

They are evaluated over what the functions really write, and over what AWS's services would count of
what happens in the local stack.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from integration.checking import refuse_publications
from integration.operating import GROUP, Operation, alarms
from local_stack.atlas import EmulatedRestore, in_group
from local_stack.aws import aws_error
from local_stack.cloudwatch import Metrics
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

DENIED = Fault(
    action=aws_error("secretsmanager", "AccessDeniedException"),
    operation="GetSecretValue",
    times=None,
)


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


def is_now(**attributes: object) -> Callable[[Operation], None]:
    """Set these attributes of the stack."""

    def change(stack: Operation) -> None:
        for name, value in attributes.items():
            setattr(stack, name, value)

    return change


def begin_restore(stack: Operation, *timeline: str) -> EmulatedRestore:
    return stack.atlas.start_restore(GROUP, "orders", "flex", timeline=timeline or ["RUNNING"])


def delete_account(stack: Operation) -> None:
    stack.atlas.remove_credential(CREDENTIALS["service_account"]["client_id"])


def refuse_the_secret(stack: Operation) -> None:
    stack.aws.wire.inject(DENIED)
    stack.start()


def refuse_address(stack: Operation) -> None:
    stack.atlas.behaviour.refused_address = "203.0.113.9"


def fail_project(stack: Operation) -> None:
    stack.atlas.wire.inject(Fault(action=Answer(503), when=in_group(GROUP), times=None))


def refuse_a_change(stack: Operation) -> None:
    begin_restore(stack)
    refuse_publications(stack)


def fail_a_request(stack: Operation) -> None:
    stack.requests.send(NOBODYS_JOB)
    for _ in range(6):
        stack.requests.deliver()


def leave_requests(stack: Operation) -> None:
    stack.takes_requests = False
    stack.requests.send(NOBODYS_JOB)
    stack.minute()
    stack.pass_time(15)


def send_bad_events(stack: Operation) -> None:
    stack.is_scheduled = False
    for _ in range(10):
        stack.invoke({})
        stack.minute()
    stack.invoke({})


def change_subscriptions(stack: Operation, policy: Mapping[str, list[str]] | None) -> None:
    """Give each subscription of the topic a filter policy, or end it."""
    sns = stack.aws.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=stack.topic_arn)["Subscriptions"]:
        arn = one["SubscriptionArn"]
        if policy is None:
            sns.unsubscribe(SubscriptionArn=arn)
        else:
            sns.set_subscription_attributes(
                SubscriptionArn=arn,
                AttributeName="FilterPolicy",
                AttributeValue=json.dumps(policy),
            )


def end_subscriptions(stack: Operation) -> None:
    change_subscriptions(stack, None)
    begin_restore(stack)


def leave_out_everything(stack: Operation) -> None:
    change_subscriptions(stack, {"clusterName": ["another"]})
    begin_restore(stack)


def leave_out_and_refuse(stack: Operation) -> None:
    leave_out_everything(stack)
    stack.minute()
    stack.measured.put("AWS/SNS", "NumberOfNotificationsFailed", TOPIC)


def run_for_long(stack: Operation) -> None:
    begin_restore(stack)
    stack.minute()
    stack.pass_time(30)


def take_long(stack: Operation) -> None:
    restore = begin_restore(stack, "RUNNING", "COMPLETED")
    stack.minute()
    stack.pass_time(30)
    restore.advance()


def restore_an_old_snapshot(stack: Operation) -> None:
    restore = stack.atlas.start_restore(GROUP, "sales", "dedicated")
    restore.set(timestamp=date(stack.now() - timedelta(minutes=91)))


def complete_a_restore(stack: Operation) -> None:
    stack.takes_notices = False
    begin_restore(stack, "RUNNING", "COMPLETED").run_to_end()
    stack.minute()


def revoke_a_webhook(stack: Operation) -> None:
    stack.posts.wire.inject(Fault(service="slack", action=Answer(404), times=None))
    complete_a_restore(stack)
    for _ in range(6):
        stack.notices.deliver()


def leave_notices(stack: Operation) -> None:
    """The trigger is disabled, or the function may not run."""
    complete_a_restore(stack)
    stack.pass_time(15)


def deliver_twice(stack: Operation) -> None:
    """Six minutes are the visibility timeout of the queue."""
    complete_a_restore(stack)
    stack.notices.deliver()
    stack.minutes(6)
    stack.notices.deliver()


def break_people(stack: Operation) -> None:
    stack.start_people(NOTIFY_CHANGES="everything")
    deliver_twice(stack)


def throttle_people(stack: Operation) -> None:
    stack.throttled = {PEOPLE}
    deliver_twice(stack)


@dataclass(frozen=True)
class Case:
    """What happens, and which alarms are raised some minutes later."""

    alarms: set[str]
    happens: Callable[[Operation], object]
    minutes: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "the schedule is disabled": Case({"NoSweepAlarm"}, is_now(is_scheduled=False), 4),
    "the account is deleted": Case({"CredentialsAlarm"}, delete_account, 6),
    "the secret is refused": Case({"CredentialsAlarm", "NoSweepAlarm"}, refuse_the_secret, 6),
    "the address is refused": Case({"AccessListAlarm", "DegradedAlarm"}, refuse_address, 6),
    "a project does not answer": Case({"DegradedAlarm"}, fail_project, 5),
    "the topic refuses a change": Case({"PendingAlarm"}, refuse_a_change, 7),
    "a request fails five times": Case({"RequestDeadLetterQueueAlarm"}, fail_a_request),
    "an event fails three times": Case(
        {"OnFailureQueueAlarm"}, lambda stack: stack.send(NOBODYS_JOB), 4
    ),
    "nobody takes requests": Case({"RequestQueueAlarm"}, leave_requests, parameters=WITHOUT_SWEEPS),
    "callers send bad events": Case(
        {"FunctionErrorsAlarm"}, send_bad_events, parameters=WITHOUT_SWEEPS
    ),
    "the function is throttled": Case(
        {"FunctionThrottlesAlarm", "NoSweepAlarm"}, is_now(throttled={FUNCTION}), 6
    ),
    "nobody is subscribed": Case({"NobodyReachedAlarm"}, end_subscriptions, 7),
    "one refuses what another leaves out": Case({"NobodyReachedAlarm"}, leave_out_and_refuse, 7),
    "the schedule may not invoke": Case({"ScheduleDroppedAlarm"}, is_now(are_delivered=False)),
    "others use up the limit": Case(
        {"AtlasThrottlesAlarm", "DegradedAlarm"},
        lambda stack: stack.atlas.keep_bucket(GROUP, "events", 0),
        11,
    ),
    "atlas announces a sunset": Case(
        {"SunsetAlarm"},
        lambda stack: stack.atlas.wire.inject(Fault(action=Announcing(), operation="events")),
    ),
    "a restore runs for long": Case(
        {"RtoAlarm"}, run_for_long, parameters=OBJECTIVES | WITHOUT_SWEEPS
    ),
    "a restore took long": Case({"RtoAlarm"}, take_long, parameters=OBJECTIVES | WITHOUT_SWEEPS),
    "an old snapshot is restored": Case(
        {"RpoAlarm"}, restore_an_old_snapshot, parameters=OBJECTIVES
    ),
    "a webhook is revoked": Case({"NoticeDeadLetterQueueAlarm"}, revoke_a_webhook),
    "nobody takes notices": Case({"NoticeQueueAlarm"}, leave_notices, parameters=WITHOUT_SWEEPS),
    "people cannot start": Case({"NotifyPeopleErrorsAlarm"}, break_people),
    "people are throttled": Case({"NotifyPeopleThrottlesAlarm"}, throttle_people),
    "policies leave out a message": Case(set(), leave_out_everything, 7),
}


def test_every_alarm_of_the_template_has_a_case() -> None:
    assert set.union(*(case.alarms for case in CASES.values())) == alarms(**OBJECTIVES).keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alarm_is_raised_by_the_condition_it_is_for(running: Operation, name: str) -> None:
    case = CASES[name]
    stack = running.begin(**case.parameters)
    stack.minute()
    assert stack.raised == set()

    case.happens(stack)
    stack.minutes(case.minutes)

    assert stack.raised == case.alarms


def test_a_stack_that_never_sweeps_raises_the_alarm_about_sweeps() -> None:
    assert alarms()["NoSweepAlarm"].evaluate(Metrics(), 60) == "ALARM"


# What raises none


LATE = [[(59, "published", 59), (61 + late, "delivered", 61)] for late in (0, 120, 180)]
SLOW = [[(0, "published", 0), (seconds, "delivered", seconds)] for seconds in (60, 240)]
# SNS counts each attempt at an HTTPS endpoint; it tries again for a minute.
REFUSED = [
    [(at, "published", at), (at, "delivered", at)]
    + [(at + wait, "failed", at + wait) for wait in (1, 21, 41, 61)]
    for at in (0, 20, 45, 59)
]


@pytest.mark.parametrize("values", [*LATE, *SLOW, *REFUSED], ids=str)
def test_a_message_that_somebody_gets_raises_no_alarm(values: list[tuple[int, str, int]]) -> None:
    """For each value of a metric, the second in which CloudWatch gets it, and its own second."""
    alarm = alarms()["NobodyReachedAlarm"]
    known, states = Metrics(), set()
    for now in range(60, 1200, 60):
        for got, name, at in values:
            if now - 60 <= got < now:
                known.put(alarm.metrics[name], at, 1)
        states.add(alarm.evaluate(known, now))

    assert states == {"OK"}


def test_a_bad_minute_of_each_kind_raises_no_alarm(running: Operation) -> None:
    stack = running.begin()
    stack.minute()
    stack.throttled = {FUNCTION, PEOPLE}
    stack.minute()
    stack.throttled, stack.is_scheduled = set(), False
    stack.minute()
    stack.is_scheduled = True
    stack.atlas.behaviour.refused_address = "203.0.113.9"
    stack.minute()
    stack.atlas.behaviour.refused_address = None
    stack.atlas.keep_bucket(GROUP, "events", 0)
    stack.minute()
    stack.atlas.release_bucket(GROUP, "events")
    with stack.aws.wire.inject(DENIED):
        stack.start()
        stack.minute()
    stack.start_people(NOTIFY_CHANGES="everything")
    begin_restore(stack, "RUNNING", "COMPLETED").run_to_end()
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
    states: set[str]
    emails: list[str]


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
    failing = begin_restore(stack, "RUNNING", "FAILED")
    stack.minutes(3)
    failing.advance()
    stack.minutes(52)
    download.advance()
    stack.minutes(2)
    return Hour(
        begun,
        stack.now().timestamp(),
        stack.metrics,
        {alarm.state for alarm in stack.alarms.values()} | stack.raised,
        [subject.partition(":")[0] for subject, _ in stack.emails()],
    )


def test_in_a_healthy_hour_no_alarm_is_raised(hour: Hour) -> None:
    assert hour.states == {"OK"}
    assert hour.ended - hour.begun > 3600
    assert hour.emails == [
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
