"""
Each alarm of the template is raised by the condition it is for, and none while all is well.

They are evaluated over what the functions really write, and over what AWS's services would count of
what happens in the local stack.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from behaviour.rows import case, rows
from behaviour.telemetry.operating import GROUP, Operation, alarms
from local_stack.atlas import EmulatedRestore, in_group
from local_stack.aws import aws_error
from local_stack.cloudwatch import Metrics
from local_stack.faults import Answer
from local_stack.restores import date
from local_stack.stack import CREDENTIALS, FUNCTION, PEOPLE
from local_stack.wire import Fault

OBJECTIVES: dict[str, Any] = {"RtoMinutes": "30", "RpoMinutes": "90"}

WITHOUT_SWEEPS: dict[str, Any] = {"SweepMinutes": "60"}
"""For what has nothing to do with sweeps: three hours without them raise no alarm."""

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
    with Operation() as operation:
        yield operation


# What goes wrong


@dataclass(frozen=True)
class Case:
    """What happens, and which alarms are raised so many minutes later."""

    happens: Callable[[Operation], object]
    alarms: set[str]
    minutes: int
    parameters: Mapping[str, str]


CASES: dict[str, Case] = {}


def raises(
    *names: str, minutes: int = 1, **parameters: str
) -> Callable[[Callable[[Operation], object]], None]:
    """Make a case of a function. The stack has these parameters."""

    def note(happens: Callable[[Operation], object]) -> None:
        CASES[happens.__name__] = Case(happens, set(names), minutes, parameters)

    return note


def begin_restore(stack: Operation, *timeline: str) -> EmulatedRestore:
    return stack.atlas.start_restore(GROUP, "orders", "flex", timeline=timeline or ["RUNNING"])


@raises("NoSweepAlarm", minutes=4)
def schedule_is_disabled(stack: Operation) -> None:
    stack.is_scheduled = False


@raises("NoSweepAlarm", minutes=6)
def function_is_throttled(stack: Operation) -> None:
    stack.throttled = {FUNCTION}


@raises("DegradedAlarm", minutes=6)
def account_is_deleted(stack: Operation) -> None:
    stack.atlas.remove_credential(CREDENTIALS["service_account"]["client_id"])


@raises("NoSweepAlarm", minutes=6)
def secret_is_refused(stack: Operation) -> None:
    stack.aws.wire.inject(DENIED)
    stack.start()


@raises("DegradedAlarm", minutes=6)
def address_is_refused(stack: Operation) -> None:
    stack.atlas.behaviour.refused_address = "203.0.113.9"


@raises("DegradedAlarm", minutes=5)
def project_does_not_answer(stack: Operation) -> None:
    stack.atlas.wire.inject(Fault(action=Answer(503), when=in_group(GROUP), times=None))


@raises("DegradedAlarm", minutes=11)
def others_use_up_the_limit(stack: Operation) -> None:
    stack.atlas.keep_bucket(GROUP, "events", 0)


@raises("SunsetAlarm")
def atlas_announces_a_sunset(stack: Operation) -> None:
    sunset = {"Sunset": "Sun, 1 Mar 2027 00:00:00 GMT"}
    events = Answer.json(200, {"results": []}, sunset)
    stack.atlas.wire.inject(Fault(action=events, operation="events"))


@raises("PendingAlarm", minutes=7)
def topic_refuses_a_change(stack: Operation) -> None:
    begin_restore(stack)
    denied = aws_error("sns", "AuthorizationError", status=403)
    stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None))


@raises("RequestDeadLetterQueueAlarm")
def request_fails_five_times(stack: Operation) -> None:
    stack.requests.send(NOBODYS_JOB)
    for _ in range(6):
        stack.requests.deliver()


@raises("RequestQueueAlarm", **WITHOUT_SWEEPS)
def nobody_takes_requests(stack: Operation) -> None:
    stack.takes_requests = False
    stack.requests.send(NOBODYS_JOB)
    stack.minute()
    stack.pass_time(15)


@raises("OnFailureQueueAlarm", minutes=4)
def event_fails_three_times(stack: Operation) -> None:
    stack.send(NOBODYS_JOB)


@raises("FunctionErrorsAlarm")
def callers_send_bad_events(stack: Operation) -> None:
    for _ in range(10):
        stack.invoke({})
        stack.minute()
    stack.invoke({})


@raises("CredentialsExpireAlarm", **WITHOUT_SWEEPS)
def secret_expires_soon(stack: Operation) -> None:
    """A day later, which is when Atlas is asked again, six days and some hours are left."""
    (secret,) = stack.atlas.secrets_of(CREDENTIALS["service_account"]["client_id"])
    secret.expires_at = stack.world.clock() + timedelta(days=7, hours=12)
    stack.pass_time(24 * 60)


@raises("RtoAlarm", **OBJECTIVES, **WITHOUT_SWEEPS)
def restore_runs_for_long(stack: Operation) -> None:
    begin_restore(stack)
    stack.minutes(2)
    assert stack.raised == set()
    stack.pass_time(30)


@raises("RtoAlarm", **OBJECTIVES, **WITHOUT_SWEEPS)
def restore_took_long(stack: Operation) -> None:
    restore = begin_restore(stack, "RUNNING", "COMPLETED")
    stack.minute()
    stack.pass_time(30)
    restore.advance()


@raises("RpoAlarm", **OBJECTIVES)
def old_snapshot_is_restored(stack: Operation) -> None:
    restore = stack.atlas.start_restore(GROUP, "sales", "dedicated")
    restore.set(timestamp=date(stack.world.clock() - timedelta(minutes=91)))


def complete_a_restore(stack: Operation) -> None:
    stack.takes_notices = False
    begin_restore(stack, "RUNNING", "COMPLETED").run_to_end()
    stack.minute()


@raises("NoticeDeadLetterQueueAlarm")
def webhook_is_revoked(stack: Operation) -> None:
    stack.posts.wire.inject(Fault(service="slack", action=Answer(404), times=None))
    complete_a_restore(stack)
    for _ in range(6):
        stack.notices.deliver()


@raises("MeasureDeadLetterQueueAlarm")
def measurement_fails_eight_times(stack: Operation) -> None:
    stack.measurements.send("no message of the topic")
    for _ in range(9):
        stack.measurements.deliver()


@raises("NoticeQueueAlarm", **WITHOUT_SWEEPS)
def nobody_takes_notices(stack: Operation) -> None:
    """The trigger is disabled, or the function may not run."""
    complete_a_restore(stack)
    stack.pass_time(15)


@raises("EmailSubscriptionAlarm")
def email_subscription_is_turned_off(stack: Operation) -> None:
    stack.subscribe_email(1, 0)
    stack.check_email()
    stack.minute()
    assert stack.raised == set()
    stack.aws.wire.heal()
    stack.subscribe_email(0, 1)
    stack.check_email()


def test_every_alarm_of_the_template_has_a_case() -> None:
    every = alarms(**OBJECTIVES).keys()

    assert set.union(*(case.alarms for case in CASES.values())) == every


def by_metrics() -> Iterator[Any]:
    """Each case, and those of alarms on metrics of AWS without metrics of the stack's own."""
    yield from rows(CASES, "schedule_is_disabled", "account_is_deleted", "restore_runs_for_long")
    for name, one in CASES.items():
        if one.alarms & alarms(Metrics="no").keys():
            given = {**one.parameters, "Metrics": "no"}
            yield case(f"{name}-without-metrics", replace(one, parameters=given), when="campaign")


@pytest.mark.parametrize("case", [*by_metrics()])
def test_an_alarm_is_raised_by_the_condition_it_is_for(running: Operation, case: Case) -> None:
    stack = running.begin(**case.parameters)
    stack.minute()
    assert stack.raised == set()

    case.happens(stack)
    stack.minutes(case.minutes)

    assert stack.raised == case.alarms & stack.alarms.keys()


@pytest.mark.campaign
def test_without_metrics_none_is_written_and_refused_credentials_raise_an_alarm_later(
    running: Operation,
) -> None:
    stack = running.begin(Metrics="no")
    begin_restore(stack, "RUNNING", "COMPLETED").run_to_end()
    stack.minute()
    CASES["account_is_deleted"].happens(stack)
    stack.minutes(21)

    assert stack.raised == {"FunctionErrorsAlarm"}
    assert "AtlasRestoreWatch" not in {metric.namespace for metric in stack.metrics.known()}


def changes_of_alarms(stack: Operation, minutes: int, every: int) -> list[tuple[str, str]]:
    """Return each change of an alarm's state in minutes with a sweep in every so many."""
    states = {name: one.state for name, one in stack.alarms.items()}
    changes: list[tuple[str, str]] = []
    for minute in range(minutes):
        stack.is_scheduled = minute % every == 0
        stack.minute()
        now = {name: one.state for name, one in stack.alarms.items()}
        changes += [(name, now[name]) for name in now if now[name] != states[name]]
        states = now
    return changes


def table_refuses(stack: Operation) -> None:
    denied = aws_error("dynamodb", "AccessDeniedException")
    stack.aws.wire.inject(Fault(action=denied, service="dynamodb", times=None))


def one_message_is_refused(stack: Operation) -> None:
    begin_restore(stack)
    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None)):
        stack.minute()


@pytest.mark.parametrize(
    ("happens", "given", "raised"),
    [
        (table_refuses, {"Metrics": "no"}, ["FunctionErrorsAlarm"]),
        (begin_restore, {"RtoMinutes": "30"}, ["RtoAlarm"]),
        (one_message_is_refused, {}, []),
    ],
    ids=["no table", "a long restore", "one refused message"],
)
@pytest.mark.campaign
@pytest.mark.parametrize("every", [5, 10, 60])
def test_an_alarm_is_raised_once_however_seldom_sweeps_are(
    running: Operation,
    every: int,
    happens: Callable[[Operation], object],
    given: dict[str, str],
    raised: list[str],
) -> None:
    stack = running.begin(SweepMinutes=str(every), **given)
    stack.minute()
    happens(stack)

    changes = changes_of_alarms(stack, 8 * every, every)

    assert changes == [(name, "ALARM") for name in raised]


def test_a_stack_that_never_sweeps_raises_the_alarm_about_sweeps() -> None:
    assert alarms()["NoSweepAlarm"].evaluate(Metrics(), 60) == "ALARM"


# What raises none


@pytest.mark.campaign
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


@pytest.mark.campaign
def test_in_a_healthy_half_hour_no_alarm_is_raised(running: Operation) -> None:
    """Restores begin, end and fail, a download becomes ready and expires, people are told."""
    parameters = {"RtoMinutes": "60", "RpoMinutes": "120"}
    stack = running.begin(**parameters)
    begun, atlas = stack.now(), stack.atlas
    stack.subscribe_email(1, 0)
    stack.check_email()
    stack.minute()
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
    stack.minutes(22)
    download.advance()
    stack.minutes(2)

    assert {alarm.state for alarm in stack.alarms.values()} | stack.raised == {"OK"}
    assert [subject.partition(":")[0] for subject, _ in stack.emails()] == [
        "Download ready",
        "Restore completed",
        "Restore completed",
        "Restore FAILED",
        "Download link expired",
    ]
    # Metrics may arrive a minute late, and AWS does not say at how many periods it looks.
    for second, late, further in ((20, 0, 0), (20, 60, 5), (40, 60, 2)):
        looking = alarms(further, **parameters)
        for now in range(int(begun) + second + 300, int(stack.now()), 60):
            arrived = stack.metrics.before(now - late)
            states = {name: alarm.evaluate(arrived, now) for name, alarm in looking.items()}
            assert "ALARM" not in states.values(), states
