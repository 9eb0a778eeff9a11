"""What the fault campaign stands on: a world of its own for each test, over real sockets."""

import itertools
import json
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from botocore.config import Config

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import TEST_KEY_ID, key_id_of
from local_stack.canaries import CANARIES
from local_stack.clock import Clock
from local_stack.faults import Ask
from local_stack.in_process import Clients, clients, cold_start
from local_stack.loopback import HungUp, Line
from local_stack.runtime import Invocation
from local_stack.stack import CREDENTIALS, Credentials, LocalStack, Received
from local_stack.wire import Action, Answer, Call, Fault, Gate, Injected, Phase, Selection, Wire
from restore_watch.check import CheckResult, JobChecker
from restore_watch.composition import AWS_CONFIG
from restore_watch.deadline import Deadline
from restore_watch.restore_job import RestoreKind, RestoreTarget

ONE_TRY = AWS_CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
"""The function's own clients but for their tries: what is retried is tested apart."""

AWS_TRIES = 3

PLENTY = 30.0
"""Seconds left to a check whose deadline is not what is tested."""

UNCHANGED = (False, 1, 1, 0)
"""Nothing changed, one change is recorded and known to be published, and none is published now."""

SLACK = 0.5
"""Seconds by which a busy machine may be late: as many as the function keeps back of its time."""

_names = itertools.count(1)


def _calls(text: bytes) -> Callable[[Call], bool]:
    return lambda call: text in call.body


# What a check that finds a change does, in this order.
SECRET = Selection("secretsmanager", "GetSecretValue")
TOKEN = Selection("atlas", "token")
ATLAS = Selection("atlas", "flex")
RECORD = Selection("dynamodb", "UpdateItem", _calls(b"list_append"))
PUBLISH = Selection("sns", "Publish")
ACKNOWLEDGE = Selection("dynamodb", "UpdateItem", _calls(b'"SET #publishedSequence'))

STEPS = {
    "secret": SECRET,
    "token": TOKEN,
    "atlas": ATLAS,
    "record": RECORD,
    "publish": PUBLISH,
    "acknowledge": ACKNOWLEDGE,
}

# The same for other kinds of restore job.
DEDICATED = Selection("atlas", "dedicated")
TENANT = Selection("atlas", "tenant")


class Stored(NamedTuple):
    """What matters of an item: the last status, how many changes led to it, how many are out."""

    status: str
    sequence: int
    published: int


@dataclass(frozen=True)
class Headed:
    """The app's own answer, with these headers besides."""

    headers: Mapping[str, str]

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        return Answer(answer.status, (*answer.headers, *self.headers.items()), answer.body)


class Tools:
    """
    What is dear to make, once for many tests.

    `hasty` clients try each call to AWS once, `patient` ones as often as the function does.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.hasty = clients(stack, ONE_TRY)
        self.patient = clients(stack)
        self.watched: dict[Kind, tuple[str, str, str]] = {}
        self.secret_changed = True

    def close(self) -> None:
        for one in (self.hasty, self.patient):
            one.http.close()
            for client in (one.secretsmanager, one.dynamodb, one.sns):
                client.close()


class Campaign:
    """
    One test's world: its jobs, its clocks, and everything that came out of it.

    `naps` are the waits between attempts: nothing waits, the clocks are moved on instead.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.stack = tools.stack
        self.hasty = tools.hasty
        self.patient = tools.patient
        self.atlas = tools.stack.atlas
        self.aws = tools.stack.aws
        self.group = secrets.token_hex(12)
        self.clock = Clock()
        self.naps: list[float] = []
        self.said: list[str] = []
        self._jobs: list[EmulatedRestore] = []
        self._received: dict[str, list[Received]] = {}
        self._passed = 0.0

    # Before and after a test

    def begin(self) -> None:
        """Everything as new; only the names of AWS resources and the runtime's process stay."""
        self.atlas.clear()
        self.aws.wire.heal()
        account, key = CREDENTIALS["service_account"], CREDENTIALS["api_key"]
        self.atlas.add_service_account(account["client_id"], account["client_secret"])
        self.atlas.add_api_key(key["public_key"], key["private_key"])
        # Every test's environments ask for tokens of their own, within one real hour.
        self.atlas.behaviour.token_limit = 10_000
        self.atlas.behaviour.token_requests_per_minute = 10_000
        if self._tools.secret_changed:
            self.use("service_account")
            self._tools.secret_changed = False
        self.stack.forget_calls()
        if "pool" in vars(self.stack):
            self.stack.logs()

    def end(self) -> None:
        """No secret may have come out anywhere: this is part of every case."""
        self.atlas.wire.heal()
        self.aws.wire.heal()
        self._atlas_clock.advance(-self._passed)
        if any(call.operation == "Publish" for call in self.aws.wire.calls):
            self._receive()
        messages = [message for found in self._received.values() for message in found]
        written = any(call.operation == "UpdateItem" for call in self.aws.wire.calls)
        items = [self.item(job) for job in self._jobs] if written else []
        logs = self.stack.logs() if "pool" in vars(self.stack) else ""
        text = "\n".join([*self.said, *map(str, messages), *map(str, items), logs])
        assert [canary for canary in CANARIES if canary in text] == []

    # The world

    def job(self, kind: Kind = "flex", cluster: str | None = None, **how: Any) -> EmulatedRestore:
        """A restore of its own cluster, unless one is named."""
        name = cluster or f"cluster-{next(_names)}"
        job = self.atlas.start_restore(self.group, name, kind, **how)
        self._jobs.append(job)
        return job

    def watched_job(self, kind: Kind = "flex") -> EmulatedRestore:
        """A restore at its first status, which is stored and published already."""
        if kind not in self._tools.watched:
            job = self.atlas.start_restore(self.group, f"watched-{kind}", kind)
            self.check(job)
            self._receive()
            self._tools.watched[kind] = (job.group_id, job.cluster, job.restore_id)
            self.stack.forget_calls()
            return job
        group, cluster, restore_id = self._tools.watched[kind]
        return self.atlas.start_restore(group, cluster, kind, restore_id=restore_id)

    def finished_job(self, kind: Kind = "flex", **how: Any) -> EmulatedRestore:
        """A restore that is done and that nobody has looked at yet."""
        job = self.job(kind, **how)
        job.run_to_end()
        return job

    def use(self, credentials: Credentials) -> None:
        """The secret holds these from now on."""
        self.put_secret(CREDENTIALS[credentials])

    def put_secret(self, value: Mapping[str, Any] | str | bytes) -> None:
        self.stack.put_secret(value)
        self._tools.secret_changed = True

    def pass_time(self, seconds: float) -> None:
        """Time passes for Atlas and for us."""
        self.clock.advance(seconds)
        self._atlas_clock.advance(seconds)
        self._passed += seconds

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.pass_time(seconds)

    def inject(
        self,
        step: Selection,
        action: Action,
        *,
        phase: Phase = "before",
        times: int | None = 1,
        skip: int = 0,
    ) -> Injected:
        fault = Fault(
            service=step.service,
            operation=step.operation,
            when=step.when,
            action=action,
            phase=phase,
            times=times,
            skip=skip,
        )
        return self.wire(step).inject(fault)

    @contextmanager
    def hold(
        self,
        step: Selection,
        phase: Phase = "before",
        when: Callable[[Call], bool] = lambda _: True,
    ) -> Iterator[Gate]:
        """Calls of this step stop here."""

        def meant(call: Call) -> bool:
            return (step.when is None or step.when(call)) and when(call)

        with self.wire(step).hold(step.service, step.operation, phase=phase, when=meant) as gate:
            yield gate

    def wire(self, step: Selection) -> Wire:
        return self.atlas.wire if step.service == "atlas" else self.aws.wire

    def heal(self) -> None:
        self.atlas.wire.heal()
        self.aws.wire.heal()

    # What is done in it

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.naps)

    def environment(self, by: Clients | None = None, **how: Any) -> JobChecker:
        """A cold start in this process; one try of each call to AWS unless others are named."""
        return cold_start(
            self.stack, by or self.hasty, **{"now": self.clock, "sleep": self.nap, **how}
        )

    def check(
        self,
        job: EmulatedRestore | RestoreTarget,
        watch: JobChecker | None = None,
        seconds: float = PLENTY,
    ) -> CheckResult:
        """A check by an environment of its own, unless one is named."""
        found = job if isinstance(job, RestoreTarget) else target(job)
        return (watch or self.environment()).check(found, Deadline.after(seconds, self.monotonic))

    def recheck(
        self, job: EmulatedRestore | RestoreTarget, watch: JobChecker | None = None
    ) -> tuple[bool, int, int, int]:
        """What the next check of a watched job comes to; UNCHANGED when nothing is amiss."""
        result = self.check(job, watch)
        item = self.stack.item(result.job.group_id, result.job.cluster_name, result.job.restore_id)
        assert item is not None
        numbers = int(item["sequence"]), int(item["publishedSequence"])
        return result.changed, *numbers, self.count(PUBLISH)

    def refused[E: Exception](
        self,
        kind: type[E],
        job: EmulatedRestore | RestoreTarget,
        watch: JobChecker | None = None,
        seconds: float = PLENTY,
    ) -> E:
        """The error that a check raises, which has to be of this very class."""
        with pytest.raises(kind) as caught:
            self.check(job, watch, seconds)
        assert caught.type is kind
        self.said.append("".join(traceback.format_exception(caught.value)))
        return caught.value

    def invoke(self, job: EmulatedRestore) -> Invocation:
        """A check in the real Lambda runtime."""
        invocation = self.stack.invoke(event(job))
        self.said.append(json.dumps(invocation.payload))
        return invocation

    @contextmanager
    def killed(self, step: Selection, phase: Phase) -> Iterator[None]:
        """SIGKILL for the runtime at this step; "before" keeps the step from having an effect."""

        def kill(call: Call, at: Phase) -> None:
            if at == phase and step.covers(call):
                self.stack.pool.restart()
                if phase == "before":
                    raise HungUp

        with self.wire(step).listen(kill):
            yield

    # What came out of it

    def calls(self) -> list[str]:
        """What was called since the calls were last forgotten, in order."""
        own = (call for call in self.aws.wire.calls if key_id_of(call) != TEST_KEY_ID)
        calls = sorted((*self.atlas.wire.calls, *own), key=lambda call: call.arrived)
        return [_name(call) for call in calls]

    def count(self, step: Selection) -> int:
        return sum(step.covers(call) for call in self.wire(step).calls)

    def item(self, job: EmulatedRestore) -> dict[str, Any] | None:
        return self.stack.item(job.group_id, job.cluster, job.restore_id)

    def stored(self, job: EmulatedRestore) -> Stored | None:
        item = self.item(job)
        if item is None:
            return None
        return Stored(item["status"], int(item["sequence"]), int(item["publishedSequence"]))

    def messages(self, job: EmulatedRestore) -> list[Received]:
        """Everything a subscriber has received of this job, in order."""
        self._receive()
        return self._received.setdefault(job.restore_id, [])

    def _receive(self) -> None:
        for message in self.stack.received():
            self._received.setdefault(message.event["subject"], []).append(message)

    def published(self, job: EmulatedRestore) -> list[str]:
        """The event ids received, in order, less what they all begin with."""
        prefix = f"{job.restore_id}:"
        ids = [message.event["id"] for message in self.messages(job)]
        assert all(one.startswith(prefix) for one in ids)
        return [one.removeprefix(prefix) for one in ids]

    @property
    def _atlas_clock(self) -> Clock:
        assert isinstance(self.atlas.clock, Clock)
        return self.atlas.clock


def target(job: EmulatedRestore, kind: RestoreKind | None = None, **how: Any) -> RestoreTarget:
    """What a caller would name; without a kind, Atlas has to tell it."""
    return RestoreTarget.model_validate({**event(job), "kind": kind, **how})


def event(job: EmulatedRestore, **more: Any) -> dict[str, Any]:
    return job.event | more


def concerns(job: EmulatedRestore) -> Callable[[Call], bool]:
    """Whether a call is about this job."""
    return lambda call: job.restore_id in call.path or job.restore_id.encode() in call.body


def _name(call: Call) -> str:
    if call.operation == "UpdateItem":
        for name in ("record", "acknowledge"):
            if STEPS[name].covers(call):
                return name
    named = {"GetSecretValue": "secret", "Publish": "publish"}
    return named.get(call.operation, call.operation)
