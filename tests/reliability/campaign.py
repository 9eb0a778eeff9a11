"""The world of one fault test: its own jobs, clocks and messages, over real sockets.

None of our own code is replaced. Atlas and AWS are servers on this machine, and a fault is injected
into their traffic.
"""

import itertools
import json
import re
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from botocore.config import Config

from foundation.deadline import Deadline
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import TEST_KEY_ID, key_id_of
from local_stack.canaries import CANARIES
from local_stack.clock import Clock
from local_stack.faults import Ask
from local_stack.in_process import Clients, clients, cold_start, no_diagnosis, sweeper_of
from local_stack.loopback import HungUp, Line
from local_stack.runtime import Invocation
from local_stack.stack import CREDENTIALS, Credentials, LocalStack, Received
from local_stack.wire import Action, Answer, Call, Fault, Gate, Injected, Phase, Selection, Wire
from reliability.steps import ACCOUNT, API_KEY, PUBLISH, STEPS
from restore_watch.application import Application
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.network import http_client
from restore_watch.atlas.session import AtlasSession
from restore_watch.check.check import JobChecker
from restore_watch.composition import AWS_CONFIG
from restore_watch.model.restore_job import RestoreKind, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

ONE_TRY = AWS_CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
"""The function's own configuration with one try: botocore's retries have tests of their own."""

AWS_TRIES = 3

PLENTY = 30.0
"""Seconds left to a check whose deadline is not tested."""

UNCHANGED = (False, 1, 1, 0)
"""Nothing changed; one change is recorded and acknowledged; nothing was published by this check."""

SLACK = 0.5
"""Seconds by which a busy machine may be late; the function reserves as many for its answer."""


KINDS: tuple[Kind, ...] = ("flex", "dedicated")

_names = itertools.count(1)


class Stored(NamedTuple):
    """The main facts of an item: status, number of changes, and number of published changes."""

    status: str
    sequence: int
    published: int


@dataclass(frozen=True)
class Headed:
    """The emulator's own answer with these additional headers."""

    headers: Mapping[str, str]

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        return Answer(answer.status, (*answer.headers, *self.headers.items()), answer.body)


class Tools:
    """Expensive objects, made once for each module.

    `hasty` clients try each call to AWS once, `patient` ones as often as the function does.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.hasty = clients(stack, ONE_TRY)
        self.patient = clients(stack)
        self.recorded: dict[Kind, tuple[str, str, str]] = {}
        self.secret_changed = True

    def close(self) -> None:
        """Close the connections, and restore Atlas's own behaviour and limits."""
        self.stack.atlas.clear()
        self.hasty.close()
        self.patient.close()


class Campaign:
    """
    The world of one test: its jobs, its clocks, and everything that it produced.

    Nothing sleeps: `naps` collects the waits, and the clocks advance instead.
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
        self._spoils_runtime = False

    # Before and after a test

    def begin(self) -> None:
        """Make everything new, except AWS's resources and the runtime's process."""
        self.atlas.clear()
        self.aws.wire.heal()
        self.atlas.add_service_account(ACCOUNT["client_id"], ACCOUNT["client_secret"])
        self.atlas.add_api_key(API_KEY["public_key"], API_KEY["private_key"])
        # Each test's environments request tokens, all of them within one real hour.
        self.atlas.behaviour.token_limit = 10_000
        self.atlas.behaviour.token_requests_per_minute = 10_000
        if self._tools.secret_changed:
            self.use("service_account")
            self._tools.secret_changed = False
        for kind in KINDS:
            if kind not in self._tools.recorded:
                self._tools.recorded[kind] = self._recorded(kind)
        self.stack.forget_calls()
        if "pool" in vars(self.stack):
            self.stack.logs()

    def end(self) -> None:
        """Restore what the test changed, and assert that no secret leaked, as every case does."""
        self.heal()
        self._atlas_clock.advance(-self._passed)
        if any(call.operation == "Publish" for call in self.aws.wire.calls):
            self._receive()
        messages = [message for found in self._received.values() for message in found]
        written = any(call.operation == "UpdateItem" for call in self.aws.wire.calls)
        items = self._items() if written else []
        logs = self.stack.logs() if "pool" in vars(self.stack) else ""
        text = "\n".join([*self.said, *map(str, messages), *map(str, items), logs])
        if self._spoils_runtime:
            restart_runtime(self.stack)
        assert [canary for canary in CANARIES if canary in text] == []

    def _items(self) -> list[dict[str, Any]]:
        """The items of the test's jobs, as the API gives them."""
        client, table = self.aws.client("dynamodb"), self.stack.table_name
        return [
            item
            for some in itertools.batched(map(item_key, self._jobs), 100, strict=False)
            for item in client.batch_get_item(RequestItems={table: {"Keys": some}})["Responses"][
                table
            ]
        ]

    # The world

    def job(self, kind: Kind = "flex", cluster: str | None = None, **how: Any) -> EmulatedRestore:
        """Start a restore, in a new cluster unless one is named."""
        name = cluster or f"cluster-{next(_names)}"
        job = self.atlas.start_restore(self.group, name, kind, **how)
        self._jobs.append(job)
        return job

    def recorded_job(self, kind: Kind = "flex") -> EmulatedRestore:
        """A restore whose first status is recorded and published already."""
        group, cluster, restore_id = self._tools.recorded[kind]
        return self.atlas.start_restore(group, cluster, kind, restore_id=restore_id)

    def _recorded(self, kind: Kind) -> tuple[str, str, str]:
        job = self.atlas.start_restore(self.group, f"recorded-{kind}", kind)
        self.check(job)
        self._receive()
        return job.group_id, job.cluster, job.restore_id

    def finished_job(self, kind: Kind = "flex", **how: Any) -> EmulatedRestore:
        """A restore that has ended and was never checked."""
        job = self.job(kind, **how)
        job.run_to_end()
        return job

    def use(self, credentials: Credentials) -> None:
        """Store these credentials in the secret."""
        self.put_secret(CREDENTIALS[credentials])

    def put_secret(self, value: Mapping[str, Any] | str | bytes) -> None:
        self.stack.put_secret(value)
        self._tools.secret_changed = True

    def expire_tokens(self) -> None:
        """Expire every token, also those that the runtime holds."""
        self.atlas.expire_tokens()
        self._spoils_runtime = True

    def new_runtime(self) -> None:
        """Restart the runtime now, and after the test, so that it remembers nothing of it."""
        restart_runtime(self.stack)
        self._spoils_runtime = True

    def pass_time(self, seconds: float) -> None:
        """Advance the clocks of Atlas and of the code."""
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
        """Hold the calls of this step until the gate lets them go."""

        def meant(call: Call) -> bool:
            return (step.when is None or step.when(call)) and when(call)

        with self.wire(step).hold(step.service, step.operation, phase=phase, when=meant) as gate:
            yield gate

    def wire(self, step: Selection) -> Wire:
        return self.atlas.wire if step.service == "atlas" else self.aws.wire

    def heal(self) -> None:
        self.atlas.wire.heal()
        self.aws.wire.heal()

    # Checks

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.naps)

    def environment(self, by: Clients | None = None, **how: Any) -> JobChecker:
        """A cold start in this process, with `hasty` clients unless others are named."""
        return cold_start(
            self.stack, by or self.hasty, **{"now": self.clock, "sleep": self.nap, **how}
        )

    def application(
        self, telemetry: Telemetry, by: Clients | None = None, **sweeping: Any
    ) -> Application:
        """A cold start in this process, from the event to its answer."""
        by = by or self.hasty
        checker = self.environment(by)
        sweeper = sweeper_of(self.stack, by, checker, telemetry, **sweeping)
        return Application(checker, sweeper, Workers(), telemetry, no_diagnosis)

    def check(
        self,
        job: EmulatedRestore | RestoreTarget,
        checker: JobChecker | None = None,
        seconds: float = PLENTY,
    ) -> CheckResult:
        """Check the job, in a new environment unless a checker is named."""
        found = job if isinstance(job, RestoreTarget) else target(job)
        return (checker or self.environment()).check(found, Deadline.after(seconds, self.monotonic))

    def recheck(
        self, job: EmulatedRestore | RestoreTarget, checker: JobChecker | None = None
    ) -> tuple[bool, int, int, int]:
        """Check again: `changed`, `sequence`, `publishedSequence`, and publications so far."""
        result = self.check(job, checker)
        item = self.stack.item(result.job.group_id, result.job.cluster_name, result.job.restore_id)
        assert item is not None
        numbers = int(item["sequence"]), int(item["publishedSequence"])
        return result.changed, *numbers, self.count(PUBLISH)

    def refused[E: Exception](
        self,
        kind: type[E],
        job: EmulatedRestore | RestoreTarget,
        checker: JobChecker | None = None,
        seconds: float = PLENTY,
    ) -> E:
        """Check, and return the error, which must be of exactly this class."""
        with pytest.raises(kind) as caught:
            self.check(job, checker, seconds)
        assert caught.type is kind
        self.said.append("".join(traceback.format_exception(caught.value)))
        return caught.value

    def invoke(self, job: EmulatedRestore) -> Invocation:
        """Check in the real Lambda runtime."""
        return self.invoke_with(event(job))

    def invoke_with(self, given: Any) -> Invocation:
        """Invoke the built function in the real Lambda runtime."""
        invocation = self.stack.invoke(given)
        self.said.append(json.dumps(invocation.payload))
        return invocation

    @contextmanager
    def killed(self, step: Selection, phase: Phase) -> Iterator[None]:
        """Kill the runtime at this step; "before" prevents the step's effect."""

        def kill(call: Call, at: Phase) -> None:
            if at == phase and step.covers(call):
                self.stack.pool.restart()
                if phase == "before":
                    raise HungUp

        with self.wire(step).listen(kill):
            yield

    # Results

    def calls(self) -> list[str]:
        """The calls since they were last forgotten, in order."""
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
        """Every message that a subscriber received about this job, in order."""
        return self.messages_about(job.restore_id)

    def messages_about(self, subject: str) -> list[Received]:
        """Every message that a subscriber received about this subject, in order."""
        self._receive()
        return self._received.setdefault(subject, [])

    def _receive(self) -> None:
        for message in self.stack.received():
            self._received.setdefault(message.event["subject"], []).append(message)

    def published(self, job: EmulatedRestore) -> list[str]:
        """The event ids received about this job, in order, without the job's id."""
        prefix = f"{job.restore_id}:"
        ids = [message.event["id"] for message in self.messages(job)]
        assert all(one.startswith(prefix) for one in ids)
        return [one.removeprefix(prefix) for one in ids]

    @property
    def _atlas_clock(self) -> Clock:
        assert isinstance(self.atlas.clock, Clock)
        return self.atlas.clock


def target(job: EmulatedRestore, kind: RestoreKind | None = None, **how: Any) -> RestoreTarget:
    """The target that a caller names; without a kind, it is found out."""
    return RestoreTarget.model_validate({**event(job), "kind": kind, **how})


def event(job: EmulatedRestore, **more: Any) -> dict[str, Any]:
    return job.event | more


def requested(*targets: Mapping[str, Any]) -> dict[str, Any]:
    """The event that EventBridge delivers for these targets."""
    return {"detail-type": "Atlas Restore Watch Requested", "detail": {"targets": [*targets]}}


def record(name: str, body: object) -> dict[str, str]:
    """A record of an SQS batch. Text is its body, everything else becomes JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {"messageId": name, "eventSource": "aws:sqs", "body": text}


def always[T](cases: Mapping[str, T], *names: str) -> list[Any]:
    """The cases as parameters: those that are named run always, the others in `make campaign`."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            id=name,
            marks=[] if name in names else [pytest.mark.campaign],
        )
        for name, case in cases.items()
    ]


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds + SLACK


@contextmanager
def checker_at(campaign: Campaign, url: str) -> Iterator[JobChecker]:
    """A cold start that finds Atlas at another address."""
    with http_client() as http:
        checker = campaign.environment()
        clock = checker.outbox.clock
        client = AtlasClient(url, http, now=clock.unix, sleep=clock.sleep)
        checker.atlas = AtlasSession(client, checker.atlas.credentials)
        yield checker


def restart_runtime(stack: LocalStack) -> None:
    """Make the next invocation a cold start, if the runtime has been used at all."""
    if "pool" in vars(stack):
        stack.new_environments()


def log_lines(stack: LocalStack, level: str | None = None) -> list[dict[str, Any]]:
    """The new log lines of the function, of one level or all, with its metrics."""
    lines = [json.loads(line) for line in stack.logs().splitlines() if line.startswith("{")]
    return [line for line in lines if level in {None, line.get("level")}]


def rewrite(
    campaign: Campaign, job: EmulatedRestore, expression: str, **values: Mapping[str, Any]
) -> None:
    """Update the job's item, as another version of the function or an operator would."""
    given = {f":{name}": value for name, value in values.items()}
    campaign.aws.client("dynamodb").update_item(
        TableName=campaign.stack.table_name,
        Key=item_key(job),
        UpdateExpression=expression,
        ExpressionAttributeNames={f"#{name}": name for name in re.findall(r"#(\w+)", expression)},
        **({"ExpressionAttributeValues": given} if given else {}),
    )


def delete_item(campaign: Campaign, job: EmulatedRestore) -> None:
    campaign.aws.client("dynamodb").delete_item(
        TableName=campaign.stack.table_name, Key=item_key(job)
    )


def item_key(job: EmulatedRestore) -> dict[str, Any]:
    return {
        "cluster": {"S": f"{job.group_id}/{job.cluster}"},
        "restoreId": {"S": job.restore_id},
    }


def concerns(job: EmulatedRestore) -> Callable[[Call], bool]:
    """True for the calls that name this job."""
    return lambda call: job.restore_id in call.path or job.restore_id.encode() in call.body


def _name(call: Call) -> str:
    if call.operation == "UpdateItem":
        for name in ("validate", "record", "recall", "acknowledge"):
            if STEPS[name].covers(call):
                return name
    named = {"GetSecretValue": "secret", "Publish": "publish"}
    return named.get(call.operation, call.operation)
