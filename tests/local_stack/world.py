"""
The world of one test: restores at Atlas, environments in this process, and one clock for all.

Nothing of the product is replaced. Atlas and AWS are servers on this machine, and a fault is
injected into their traffic.
"""

import os
import secrets
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest
from boto3.dynamodb.types import TypeSerializer

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import aws_error
from local_stack.clock import Clock
from local_stack.connections import Connections
from local_stack.environment import PLENTY, Environment, target_of
from local_stack.loopback import HungUp
from local_stack.running import Running
from local_stack.runtime import Invocation
from local_stack.schemas import fits_its_schema
from local_stack.stack import CREDENTIALS, Credentials, LocalStack, Received
from local_stack.steps import PUBLISH, QUESTION
from local_stack.wire import Action, Call, Fault, Gate, Injected, Phase, Selection, Wire
from restore_watch.errors import NotificationPendingError
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.results import CheckResult

STATUS, DEGRADED, RECOVERED = (
    f"atlas-restore-watch.{name}.v1"
    for name in ("status-changed", "watch-degraded", "watch-recovered")
)

_DAY = 86_400
"""Seconds."""
_LOOK = 0.001
"""Seconds that pass when an environment looks at its clock, so that no two looks are the same."""

_names = count(1)


class Stored(NamedTuple):
    """The main facts of an item: status, number of changes, and number of published changes."""

    status: str
    sequence: int
    published: int


SHORT = ["RUNNING", "COMPLETED"]
"""The steps of a restore, by the names of their statuses."""
DONE = Stored("COMPLETED", 2, 2)
"""What is stored of it in the end."""
SKIPPED = {"skipped": True}
"""The result of a sweep that had nothing to do."""
LONG_AGO = "5f0000000000000000000b01"
"""The id of a job of 2020: a 404 for it is final."""


class World:
    """
    Only a test and the waits of the product move the clock, so a slow machine changes nothing.

    `naps` are the seconds that the product has waited. `said` is what it answered and raised. The
    project `group` is the test's own.
    """

    def __init__(self, stack: LocalStack, connections: Connections) -> None:
        self.stack = stack
        self.atlas = stack.atlas
        self.aws = stack.aws
        self.connections = connections
        self.group = secrets.token_hex(12)
        self.naps: list[float] = []
        self.said: list[str] = []
        self.skew = 0.0
        """Seconds by which the environments' clock is ahead of Atlas's."""
        self._received: list[Received] = []
        self._receiving = threading.Lock()
        self._blocks = ExitStack()
        self._is_broken = False
        self._begun: datetime

    def __enter__(self) -> Self:
        # A test's environments ask for more tokens than Atlas gives in an hour.
        self.atlas.behaviour.token_limit = self.atlas.behaviour.token_requests_per_minute = 10**9
        self.clock.stand_still()
        self._blocks.callback(self.clock.be_true)
        self._blocks.callback(self.heal)
        self._blocks.enter_context(_variables(self.stack.environment))
        self._begun = self.clock()
        # Today somebody has looked when the credentials expire: what the table knows of that.
        self.rewrite_stack(credentials={"askedAt": self._begun.isoformat()})
        self.stack.forget_calls()
        self.aws.waiting.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.close()
        if self._is_broken:
            self.stack.reset()

    # Time

    @property
    def clock(self) -> Clock:
        """Atlas's clock."""
        clock = self.atlas.clock
        assert isinstance(clock, Clock)
        return clock

    def now(self) -> datetime:
        """The clock of the environments."""
        self.clock.advance(_LOOK)
        return self.clock() + timedelta(seconds=self.skew)

    def uptime(self) -> float:
        """Seconds since the test began, on a clock that cannot be set back."""
        return (self.clock() - self._begun).total_seconds()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def pass_time_to(self, hour: int) -> None:
        """Go on to the next time that it is this hour in UTC."""
        self.pass_time(_DAY - (self.clock().timestamp() - hour * 3600) % _DAY)

    def nap(self, seconds: float) -> None:
        """What the product does instead of sleeping."""
        self.naps.append(seconds)
        self.pass_time(seconds)

    # What there is

    def job(self, kind: Kind = "flex", cluster: str | None = None, **how: Any) -> EmulatedRestore:
        """A restore that begins now, in a new cluster unless one is named."""
        group = how.pop("group", self.group)
        return self.atlas.start_restore(group, cluster or f"cluster-{next(_names)}", kind, **how)

    def recorded_job(self, kind: Kind = "flex", **how: Any) -> EmulatedRestore:
        """A restore whose first status is recorded and published. Its calls are forgotten."""
        job = self.job(kind, **how)
        self.check(job)
        self.stack.forget_calls()
        return job

    def finished_job(self, kind: Kind = "flex", **how: Any) -> EmulatedRestore:
        """A restore that has ended and was never checked."""
        job = self.job(kind, **how)
        job.run_to_end()
        return job

    def recorded_jobs(
        self, count: int, kind: Kind = "flex", *, clusters: int | None = None, **how: Any
    ) -> list[EmulatedRestore]:
        """Such restores, in as many clusters as restores unless a number is given."""
        names = [f"cluster-{next(_names)}" for _ in range(clusters or count)]
        jobs = [self.job(kind, names[number % len(names)], **how) for number in range(count)]
        checker = self.environment()
        for job in jobs:
            checker.check(target_of(job, kind))
        self.stack.forget_calls()
        return jobs

    def leave_pending(self, job: EmulatedRestore, environment: Environment | None = None) -> None:
        """Check a job and record its change, whose message the topic refuses."""
        with self.inject(PUBLISH, aws_error("sns", "AuthorizationError", status=403), times=None):
            self.refused(NotificationPendingError, job, environment)

    def environment(self, by: Connections | None = None, **how: Any) -> Environment:
        """A cold start."""
        return Environment(self, by or self.connections, **{"sleep": self.nap, **how})

    def watching(self, *projects: str, **how: Any) -> Environment:
        """A cold start that watches these projects, the test's own if none is named."""
        for project in projects or (self.group,):
            self.atlas.add_project(project)
        return self.environment(project_ids=projects or (self.group,), **how)

    # What is done in a new environment unless one is named

    def check(
        self,
        job: EmulatedRestore | RestoreTarget,
        environment: Environment | None = None,
        seconds: float = PLENTY,
    ) -> CheckResult:
        return (environment or self.environment()).check(job, seconds)

    def is_unchanged(self, job: EmulatedRestore, environment: Environment | None = None) -> bool:
        """Check the job. True if that changes and publishes nothing."""
        before = self.stored(job), self.count(PUBLISH)
        is_changed = self.check(job, environment).changed
        return not is_changed and (self.stored(job), self.count(PUBLISH)) == before

    def refused[E: Exception](
        self,
        kind: type[E],
        job: EmulatedRestore | RestoreTarget,
        environment: Environment | None = None,
        seconds: float = PLENTY,
    ) -> E:
        """Check, and return the error, which must be of exactly this class."""
        return self.raised(kind, lambda: self.check(job, environment, seconds))

    def raised[E: Exception](self, kind: type[E], work: Callable[[], object]) -> E:
        """Do this, and return the error, which must be of exactly this class."""
        with pytest.raises(kind) as caught:
            work()
        assert caught.type is kind
        self.said.append("".join(traceback.format_exception(caught.value)))
        return caught.value

    def begin[T](self, work: Callable[[], T]) -> Running[T]:
        """Begin to do this in a thread of its own, while the test goes on."""
        running = Running(work)
        running.start()
        return running

    def invoke(self, event: object) -> Invocation:
        """Invoke the built function in the real Lambda runtime, whose clock is the machine's."""
        given = event.event if isinstance(event, EmulatedRestore) else event
        return self.stack.invoke(given)

    # What goes wrong

    def inject(
        self,
        step: Selection,
        action: Action,
        *,
        phase: Phase = "before",
        times: int | None = 1,
        skip: int = 0,
    ) -> Injected:
        """This happens to the calls of a step, once unless `times` says otherwise."""
        fault = Fault(**vars(step), action=action, phase=phase, times=times, skip=skip)
        return self._wire(step).inject(fault)

    def heal(self) -> None:
        """End every fault."""
        self.atlas.wire.heal()
        self.aws.wire.heal()

    @contextmanager
    def hold(self, step: Selection, phase: Phase = "before") -> Iterator[Gate]:
        """Within the block, the calls of a step stop here until the gate lets them go."""
        with self._wire(step).hold(**vars(step), phase=phase) as gate:
            yield gate

    @contextmanager
    def death(
        self, environment: Environment, step: Selection, phase: Phase = "before"
    ) -> Iterator[None]:
        """
        Within the block, the environment dies when it reaches the step, which it has to.

        From then on, no call of any of its threads has an effect or an answer. "before" prevents
        the effect of the step itself.
        """
        is_dead = threading.Event()

        def strike(call: Call, at: Phase) -> None:
            if not environment.by.made(call):
                return
            if at == phase and step.covers(call):
                is_dead.set()
            if is_dead.is_set():
                raise HungUp

        with self.atlas.wire.listen(strike), self.aws.wire.listen(strike):
            yield
        assert is_dead.is_set()

    @contextmanager
    def whenever(
        self, step: Selection, do: Callable[[], object], phase: Phase = "before"
    ) -> Iterator[None]:
        """Within the block, do this at each call of the step, at one call after the other."""
        one_at_a_time = threading.Lock()

        def act(call: Call, at: Phase) -> None:
            if at == phase and step.covers(call):
                with one_at_a_time:
                    do()

        with self._wire(step).listen(act):
            yield

    def remake_stack(self) -> None:
        """Make the stack again when the test ends, which changes what other tests share."""
        self._is_broken = True

    def put_secret(self, value: Mapping[str, Any] | str | bytes) -> None:
        """Change the secret, until the test ends."""
        self._blocks.callback(self.stack.put_secret, CREDENTIALS[self.stack.credentials])
        self.stack.put_secret(value)

    def use(self, credentials: Credentials) -> None:
        """Store these credentials in the secret, until the test ends."""
        self.put_secret(CREDENTIALS[credentials])

    def own_credentials(self, kind: Credentials = "service_account") -> dict[str, str]:
        """Store new credentials in the secret. What happens to them changes no other test."""
        made = {key: f"{value}-{secrets.token_hex(4)}" for key, value in CREDENTIALS[kind].items()}
        name, secret = made.values()
        is_account = kind == "service_account"
        add = self.atlas.add_service_account if is_account else self.atlas.add_api_key
        add(name, secret)
        self.put_secret(made)
        return made

    # What can be seen from outside

    def calls(self, step: Selection | None = None) -> list[Call]:
        """The calls of environments since they were forgotten, in order; those of a step."""
        calls = (*self.atlas.wire.calls, *self.aws.wire.calls)
        return [
            call
            for call in sorted(calls, key=lambda call: call.arrived)
            if step is None or step.covers(call)
        ]

    def operations(self) -> list[str]:
        """The names of these calls, in order."""
        return [call.operation for call in self.calls()]

    def count(self, step: Selection) -> int:
        return len(self.calls(step))

    def questions(self) -> list[Call]:
        """The calls about restore jobs, clusters and events."""
        return self.calls(QUESTION)

    def asked(self, jobs: Sequence[EmulatedRestore]) -> list[int]:
        """The places of the jobs that Atlas was asked about one by one, in order."""
        paths = [call.path.rpartition("/")[2] for call in self.questions()]
        ids = [job.restore_id for job in jobs]
        return [ids.index(one) for one in paths if one in ids]

    def item(self, job: EmulatedRestore) -> dict[str, Any] | None:
        return self.stack.item(job.group_id, job.cluster, job.restore_id)

    def known_item(self, job: EmulatedRestore) -> dict[str, Any]:
        """The item of a job that the table knows."""
        item = self.item(job)
        assert item is not None
        return item

    def items(self) -> list[dict[str, Any]]:
        """The items of the table, without what it knows of the stack."""
        return [item for item in self.stack.items() if item["restoreId"] != "stack"]

    def stored(self, job: EmulatedRestore) -> Stored | None:
        item = self.item(job)
        if item is None:
            return None
        return Stored(item["status"], int(item["sequence"]), int(item["publishedSequence"]))

    def is_open(self, job: EmulatedRestore) -> bool:
        """True if the index of open jobs has it, so that sweeps follow it."""
        return "openShard" in (self.item(job) or {})

    @property
    def lease(self) -> dict[str, Any]:
        """What the table holds about the lease of sweeps."""
        return self.stack.get("sweeps", "lease") or {}

    def bookkeeping(self, group: str | None = None) -> dict[str, Any]:
        """What the table remembers of a project, the test's own unless one is named."""
        return self.stack.get("sweeps", f"project/{group or self.group}") or {}

    def received(self) -> list[Received]:
        """New messages, each of which fits the schema of its type."""
        with self._receiving:
            new = self.stack.received()
            for message in new:
                fits_its_schema(message.event)
            self._received += new
            return new

    def messages(self, subject: EmulatedRestore | str) -> list[Received]:
        """Every message about a job, a project or the stack, in the order of arrival."""
        self.received()
        name = subject if isinstance(subject, str) else subject.restore_id
        return [one for one in self._received if one.event["subject"] == name]

    def published(self, subject: EmulatedRestore | str) -> list[str]:
        """The ids of these messages, without the subject that each begins with."""
        name = subject if isinstance(subject, str) else subject.restore_id
        ids = [message.event["id"] for message in self.messages(subject)]
        assert all(one.startswith(f"{name}:") for one in ids)
        return [one.removeprefix(f"{name}:") for one in ids]

    def watch_said(self) -> list[tuple[str, str | None]]:
        """Each "degraded" and "recovered" so far, and of which project; None for the stack."""
        self.received()
        events = [one.event for one in self._received if one.event["type"] in {DEGRADED, RECOVERED}]
        return [(one["id"].split(":")[1], one["data"]["groupId"]) for one in events]

    # What somebody does to the table

    def rewrite(self, job: EmulatedRestore, **attributes: Any) -> None:
        """Set attributes of the job's item, as an operator may; None removes one."""
        self._rewrite(item_key(job), attributes)

    def rewrite_bookkeeping(self, group: str | None = None, **attributes: Any) -> None:
        """The same for what the table remembers of a project."""
        name = f"project/{group or self.group}"
        self._rewrite({"cluster": {"S": "sweeps"}, "restoreId": {"S": name}}, attributes)

    def rewrite_stack(self, **attributes: Any) -> None:
        """The same for what the table remembers of the stack."""
        self._rewrite({"cluster": {"S": "sweeps"}, "restoreId": {"S": "stack"}}, attributes)

    def rewrite_lease(self, **attributes: Any) -> None:
        """The same for the lease of sweeps."""
        self._rewrite({"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}, attributes)

    def delete(self, job: EmulatedRestore) -> None:
        self._dynamodb.delete_item(TableName=self.stack.table_name, Key=item_key(job))

    def _rewrite(self, key: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        typed = TypeSerializer().serialize
        changes = {
            name: {"Action": "DELETE"} if value is None else {"Value": typed(value)}
            for name, value in attributes.items()
        }
        self._dynamodb.update_item(
            TableName=self.stack.table_name, Key=key, AttributeUpdates=changes
        )

    @property
    def _dynamodb(self) -> Any:
        return self.aws.client("dynamodb")

    def _wire(self, step: Selection) -> Wire:
        return self.atlas.wire if step.service == "atlas" else self.aws.wire


def item_key(job: EmulatedRestore) -> dict[str, Any]:
    return {
        "cluster": {"S": f"{job.group_id}/{job.cluster}"},
        "restoreId": {"S": job.restore_id},
    }


def within(step: Selection, *others: Selection) -> Selection:
    """The calls of a step that the others cover too."""
    return replace(
        step, when=lambda call: step.covers(call) and all(o.covers(call) for o in others)
    )


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    """Within the block, the variables are set that Powertools reads by itself."""
    names = {name: value for name, value in environment.items() if name.startswith("POWERTOOLS_")}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
