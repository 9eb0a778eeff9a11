"""
The stack in operation, minute by minute, by a clock that the test moves.

Both functions run in this process. What they write, and what their queues, topic and schedule do,
becomes metrics, over which the alarms of the template are evaluated at the end of each minute.
"""

import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self, override

from behaviour.notify_people.people import NotifyingStack
from contract.deployed_template import READERS, Stack
from foundation.deadline import Deadline
from foundation.environment import wants_metrics
from local_stack.aws_metrics import AwsMetrics, depth
from local_stack.cloudwatch import FURTHER_PERIODS, Alarm, Metrics
from local_stack.connections import connect
from local_stack.function_queue import FunctionQueue
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import FUNCTION, MEASURE, PEOPLE
from local_stack.world import World
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.measuring.measurer import Measurer
from restore_watch.settings import objective_of

if TYPE_CHECKING:
    from local_stack.environment import Environment
    from notify_people.application import Application

MINUTE = 60.0

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

QUEUES = (
    "RequestQueue",
    "RequestDeadLetterQueue",
    "OnFailureQueue",
    "MeasureQueue",
    "MeasureDeadLetterQueue",
    "NoticeQueue",
    "NoticeDeadLetterQueue",
)

RETRIES = (60.0, 120.0)
"""Seconds that Lambda waits before it repeats an asynchronous invocation that has failed."""

THROTTLED = Invocation(Outcome.ERROR, {"errorType": "TooManyRequestsException"}, 0)


class Operation(NotifyingStack):
    """
    A stack that watches one project and notifies people on every channel.

    A test says what fails: the schedule (`is_scheduled`), the triggers of the two queues, and the
    functions that Lambda does not start (`throttled`). `raised` has the alarms that were raised
    since `begin`.
    """

    def __init__(self) -> None:
        super().__init__({"AtlasProjectIds": GROUP})
        self._environment: Environment

    @override
    def __enter__(self) -> Self:
        super().__enter__()
        by = replace(connect(self), http=http_client(self._report_sunset))
        self._blocks.callback(by.close)
        self.world = self._blocks.enter_context(World(self, by))
        return self

    def begin(self, **parameters: str) -> Self:
        """Make everything anew. Alarms and metrics are those of a stack with these parameters."""
        self.posts.clear()
        self.reset()
        self._turn_off_triggers()
        self.atlas.add_project(GROUP)
        self.atlas.add_cluster(GROUP, "orders", "flex")
        self.atlas.add_cluster(GROUP, "sales", "dedicated")
        self.is_scheduled = True
        self.takes_requests = self.takes_notices = True
        self.throttled: set[str] = set()
        self.world.pass_time(-self.now() % MINUTE)
        self.metrics = Metrics()
        self.measured = AwsMetrics(self.metrics, self.now)
        self.alarms = alarms(**parameters)
        self._wanted = {"METRICS": parameters.get("Metrics", "yes")}
        self._rto = objective_of(float(parameters.get("RtoMinutes", 0)))
        self.raised: set[str] = set()
        self._retries: list[tuple[float, int, Any]] = []
        self.start()
        self.start_people()
        return self

    def start(self) -> None:
        """Start the function that watches, with nothing cached."""
        self._environment = self.world.environment(
            project_ids=(GROUP,),
            metrics=wants_metrics(self._wanted["METRICS"]),
            rto=self._rto,
        )

    def start_people(self, **variables: str) -> None:
        """Start the function that notifies people with its next message, with other variables."""
        self._people: Application | None = None
        self._variables = variables | self._wanted

    def now(self) -> float:
        return self.world.clock().timestamp()

    # What happens

    def minutes(self, count: int) -> None:
        for _ in range(count):
            self.minute()

    def minute(self) -> None:
        """A minute passes. At its end CloudWatch evaluates the alarms."""
        end = self.now() + MINUTE
        if self.is_scheduled:
            self.send(self.function.scheduled_event(self.world.clock()))
        for due in [one for one in self._retries if one[0] <= self.now()]:
            self._retries.remove(due)
            self._attempt(*due)
        if self.takes_requests and depth(self.resources["RequestQueue"])[0]:
            self.requests.deliver()
        if self.takes_notices and depth(self.resources["NoticeQueue"])[0]:
            self.notices.deliver()
        self.measured.look_at_queues({name: self.resources[name] for name in QUEUES})
        self.world.pass_time(max(0.0, end - self.now()))
        for name, alarm in self.alarms.items():
            if alarm.evaluate(self.metrics, end) == "ALARM":
                self.raised.add(name)

    def pass_time(self, minutes: float) -> None:
        """Time passes without a sweep, and nobody looks at the alarms."""
        self.world.pass_time(minutes * MINUTE)

    def send(self, event: Any) -> None:
        """Invoke the function asynchronously, as the schedule and the rule do."""
        self._attempt(self.now(), 1, event)

    @override
    def invoke(self, event: Any) -> Invocation:
        seconds = self.function.timeout_seconds - 0.5
        return self._run(FUNCTION, lambda: self._environment.answer(event, seconds))

    def check_email(self) -> None:
        """The schedule has the subscriptions of e-mail looked at."""
        self._notify(self.email_check)

    @property
    def requests(self) -> FunctionQueue:
        return FunctionQueue(self.aws, self.resources["RequestQueue"], self.invoke)

    @property
    @override
    def notices(self) -> FunctionQueue:
        return FunctionQueue(self.aws, self.resources["NoticeQueue"], self._notify)

    @property
    @override
    def measurements(self) -> FunctionQueue:
        url = self.resources["MeasureQueue"]
        self.aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
        return FunctionQueue(self.aws, url, self._measure)

    # How it works

    def _report_sunset(self, sunset: str) -> None:
        self._environment.telemetry.report_sunset(sunset)

    def _turn_off_triggers(self) -> None:
        """`FunctionQueue` polls instead of moto."""
        client = self.aws.client("lambda")
        for one in client.list_event_source_mappings()["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=one["UUID"], Enabled=False)

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
            self._people = self._people or self.application(
                self.now, self.world.pass_time, self.session(), **self._variables
            )
            return self._people.answer(event, Deadline.after(MINUTE, self.now))

        return self._run(PEOPLE, answer)

    def _measure(self, event: Any) -> Invocation:
        measurer = Measurer(self._environment.wires)
        return self._run(MEASURE, lambda: measurer.answer(event, Deadline.after(MINUTE, self.now)))

    def _run(self, function: str, answer: Callable[[], Mapping[str, Any]]) -> Invocation:
        """Run a function as Lambda does, and put its errors."""
        if function in self.throttled:
            return THROTTLED
        outcome = Outcome.RESULT
        with redirect_stdout(io.StringIO()) as printed:
            try:
                payload = answer()
            except Exception as error:  # noqa: BLE001 - Lambda makes an error of any
                payload = {"errorType": type(error).__name__, "errorMessage": str(error)}
                outcome = Outcome.ERROR
        for line in printed.getvalue().splitlines():
            self.metrics.put_line(line, self.now())
        self.measured.put("AWS/Lambda", "Errors", function, int(outcome is Outcome.ERROR))
        return Invocation(outcome, payload, 0)


def alarms(further_periods: int = FURTHER_PERIODS, /, **parameters: str) -> dict[str, Alarm]:
    """New alarms of a stack that notifies people, by their logical ids."""
    said = _properties(tuple(sorted(parameters.items())))
    return {name: Alarm(properties, further_periods) for name, properties in said}


@cache
def _properties(parameters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, Any], ...]:
    stack = Stack(**READERS, **dict(parameters))
    return tuple(stack.of_type("AWS::CloudWatch::Alarm").items())
