"""
The stack in operation, minute by minute, by a clock that the test moves.

Both functions run in this process. What they write, and what their queues, topic and schedule do,
becomes metrics, over which the alarms of the template are evaluated at the end of each minute.
"""

import io
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self, override

import boto3
from aws_lambda_powertools import Logger

from contract.deployed_template import READERS, Stack
from foundation.deadline import Deadline
from foundation.deadline import Deadline as PeopleDeadline
from local_stack.aws import REGION
from local_stack.aws_metrics import AwsMetrics, depth
from local_stack.clock import Clock
from local_stack.cloudwatch import FURTHER_PERIODS, Alarm, Metrics
from local_stack.function_queue import FunctionQueue
from local_stack.in_process import Clients, clients, cold_start, no_diagnosis, sweeper_of
from local_stack.readers import Readers
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import FUNCTION, PEOPLE, LocalStack
from notify_people import composition as people
from notify_people.notifier import Notifier as NotifyPeople
from notify_people.settings import Settings as PeopleSettings
from restore_watch.application import Application
from restore_watch.settings import Settings
from restore_watch.table.lease import SweepLease
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

MINUTE = 60.0

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

QUEUES = (
    "RequestQueue",
    "RequestDeadLetterQueue",
    "OnFailureQueue",
    "NoticeQueue",
    "NoticeDeadLetterQueue",
)

RETRIES = (60.0, 120.0)
"""Seconds that Lambda waits before it repeats an asynchronous invocation that has failed."""

THROTTLED = Invocation(Outcome.ERROR, {"errorType": "TooManyRequestsException"}, 0)

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)


class Operation(LocalStack):
    """
    A stack that watches one project and notifies people on every channel.

    A test says what fails: the schedule (`is_scheduled`), its invocations (`are_delivered`), the
    triggers of the two queues, and the functions that Lambda does not start (`throttled`). `raised`
    has the alarms that were raised since `begin`.
    """

    def __init__(self) -> None:
        self.now = Clock(NOON)
        self.posts = Readers()
        super().__init__(parameters={"AtlasProjectIds": GROUP}, clock=self.now, readers=self.posts)
        self.log = io.StringIO()
        # A logger keeps the stream that was set when its service was first named.
        self._logger = Logger(service=secrets.token_hex(8), stream=self.log, location=None)
        self._telemetry = Telemetry(self._logger)
        self._following = ExitStack()
        self._by: Clients

    @override
    def __enter__(self) -> Self:
        super().__enter__()
        self._by = clients(self, telemetry=self._telemetry)
        self._blocks.callback(self._by.close)
        return self

    def begin(self, **parameters: str) -> Self:
        """Make everything anew. The alarms are those of a stack with these parameters."""
        self._following.close()
        self.posts.clear()
        self.reset()
        self._turn_off_triggers()
        self.atlas.add_project(GROUP)
        self.atlas.add_cluster(GROUP, "orders", "flex")
        self.atlas.add_cluster(GROUP, "sales", "dedicated")
        self.is_scheduled = self.are_delivered = True
        self.takes_requests = self.takes_notices = True
        self.throttled: set[str] = set()
        self.metrics = Metrics()
        self.measured = AwsMetrics(self.aws, self.metrics, self._seconds)
        self._following.enter_context(self.measured.follow("StatusChangesTopic", self.topic_arn))
        self.alarms = alarms(**parameters)
        self.raised: set[str] = set()
        self._retries: list[tuple[float, int, Any]] = []
        self._next_tick = self._seconds() + MINUTE
        self.start()
        self.start_people()
        return self

    def start(self) -> None:
        """Start the function that watches, with nothing cached."""
        self._restore_watch = self._start()

    def start_people(self, **variables: str) -> None:
        """Start the function that notifies people with its next message, with other variables."""
        self._people: NotifyPeople | None = None
        self._variables = variables

    # What happens

    def minutes(self, count: int) -> None:
        for _ in range(count):
            self.minute()

    def minute(self) -> None:
        """A minute passes. At its end CloudWatch evaluates the alarms."""
        end = self._next_tick = self._seconds() + MINUTE
        if self.is_scheduled:
            self._tick()
        self._retry()
        if self.takes_requests and depth(self.resources["RequestQueue"])[0]:
            self.requests.deliver()
        if self.takes_notices and depth(self.resources["NoticeQueue"])[0]:
            self.notices.deliver()
        self.measured.look_at_queues({name: self.resources[name] for name in QUEUES})
        self.now.advance(max(0.0, end - self._seconds()))
        for name, alarm in self.alarms.items():
            if alarm.evaluate(self.metrics, end) == "ALARM":
                self.raised.add(name)

    def pass_time(self, minutes: float) -> None:
        """Time passes without a sweep, and nobody looks at the alarms."""
        self.now.advance(minutes * MINUTE)

    def send(self, event: Any) -> None:
        """Invoke the function asynchronously, as the schedule and the rule do."""
        self._attempt(self._seconds(), 1, event)

    @override
    def invoke(self, event: Any) -> Invocation:
        return self._run(FUNCTION, lambda: self._restore_watch.answer(event, self._deadline()))

    @property
    def requests(self) -> FunctionQueue:
        return FunctionQueue(self.aws, self.resources["RequestQueue"], self.invoke)

    @property
    @override
    def notices(self) -> FunctionQueue:
        return FunctionQueue(self.aws, self.resources["NoticeQueue"], self._notify)

    # How it works

    def _turn_off_triggers(self) -> None:
        """`FunctionQueue` polls instead of moto."""
        client = self.aws.client("lambda")
        for one in client.list_event_source_mappings()["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=one["UUID"], Enabled=False)

    def _tick(self) -> None:
        self.measured.put("AWS/Scheduler", "InvocationAttemptCount", "ScheduleGroup")
        if self.are_delivered:
            self.send(self.function.scheduled_event(self.now()))
        else:
            # The template asks for no retry.
            self.measured.put("AWS/Scheduler", "InvocationDroppedCount", "ScheduleGroup")

    def _retry(self) -> None:
        for due in [one for one in self._retries if one[0] <= self._seconds()]:
            self._retries.remove(due)
            self._attempt(*due)

    def _attempt(self, at: float, attempt: int, event: Any) -> None:
        """Invoke the function; if it fails, again later; after the last time keep a record."""
        invocation = self.invoke(event)
        if invocation is THROTTLED:
            # It does not count as an attempt, and is repeated for an hour.
            self._retries.append((at + MINUTE, attempt, event))
        elif invocation.outcome is Outcome.RESULT:
            return
        elif attempt <= len(RETRIES):
            self._retries.append((at + RETRIES[attempt - 1], attempt + 1, event))
        else:
            record = {"requestPayload": event, "responsePayload": invocation.payload}
            FunctionQueue(self.aws, self.resources["OnFailureQueue"], self.invoke).send(record)

    def _notify(self, event: Any) -> Invocation:
        def answer() -> Mapping[str, Any]:
            self._people = self._people or self._start_people()
            return self._people.answer(event, PeopleDeadline.after(MINUTE, self._seconds))

        return self._run(PEOPLE, answer)

    def _run(self, function: str, answer: Callable[[], Mapping[str, Any]]) -> Invocation:
        """Run a function as Lambda does, and put Lambda's metrics."""
        if function in self.throttled:
            self.measured.put("AWS/Lambda", "Throttles", function)
            return THROTTLED
        self.measured.put("AWS/Lambda", "Invocations", function)
        self.measured.put("AWS/Lambda", "Throttles", function, 0)
        began = self._seconds()
        with redirect_stdout(_Lines(lambda line: self.metrics.put_line(line, self._seconds()))):
            payload, outcome = self._outcome(answer)
        self.measured.put("AWS/Lambda", "Errors", function, int(outcome is Outcome.ERROR))
        return Invocation(outcome, payload, (self._seconds() - began) * 1000)

    def _outcome(self, answer: Callable[[], Mapping[str, Any]]) -> tuple[Any, Outcome]:
        try:
            return answer(), Outcome.RESULT
        except Exception as error:  # noqa: BLE001 - Lambda makes an error of any
            return {"errorType": type(error).__name__, "errorMessage": str(error)}, Outcome.ERROR

    def _start(self) -> Application:
        """What `restore_watch.composition` makes of the template's variables, with this clock."""
        settings = Settings.from_environment(self.environment)
        checker = cold_start(
            self,
            self._by,
            now=self.now,
            sleep=self._sleep,
            on_published=self._telemetry.published,
        )
        sweeper = sweeper_of(
            self,
            self._by,
            checker,
            self._telemetry,
            hot_seconds=settings.hot_seconds,
            rate_limit_reserve=settings.rate_limit_reserve,
            project_ids=settings.project_ids,
        )
        return Application(checker, sweeper, Workers(), self._telemetry, no_diagnosis)

    def _sleep(self, seconds: float) -> None:
        """A wait of a sweep takes no time. If the next tick comes meanwhile, its sweep waits."""
        self.now.advance(seconds)
        if self.is_scheduled and self.are_delivered and self._seconds() >= self._next_tick:
            lease = SweepLease(
                self._by.dynamodb, self.table_name, now=self._seconds, sleep=_leave_waiting
            )
            with suppress(_WaitsError):
                lease.take(self.now(), self._deadline())

    def _start_people(self) -> NotifyPeople:
        """What `notify_people.composition` makes of the template's variables, with this clock."""
        given = self._environment_of(self._made.functions[PEOPLE])
        # Only as a link to click: of Atlas's console, which the emulator has not.
        given |= {"ATLAS_BASE_URL": "https://cloud.mongodb.com", **self._variables}
        session = boto3.Session("AKIAPEOPLEPEOPLEPEOPLE", "people", region_name=REGION)
        return people.compose(
            PeopleSettings.from_environment(given),
            self._logger,
            session,
            now=self._seconds,
            sleep=self.now.advance,
        )

    def _deadline(self) -> Deadline:
        return Deadline.after(self.function.timeout_seconds - 0.5, self._seconds)

    def _seconds(self) -> float:
        return self.now().timestamp()


def alarms(further_periods: int = FURTHER_PERIODS, /, **parameters: str) -> dict[str, Alarm]:
    """New alarms of a stack that notifies people, by their logical ids."""
    said = _properties(tuple(sorted(parameters.items())))
    return {name: Alarm(properties, further_periods) for name, properties in said}


@cache
def _properties(parameters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, Any], ...]:
    stack = Stack(**READERS, **dict(parameters))
    return tuple(stack.of_type("AWS::CloudWatch::Alarm").items())


class _WaitsError(Exception):
    """A sweep waits for the lease. The test goes on with the one that has it."""


def _leave_waiting(_seconds: float) -> None:
    raise _WaitsError


class _Lines(io.TextIOBase):
    """Takes the lines that are printed, each when it is written."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = ""

    @override
    def write(self, text: str, /) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)
