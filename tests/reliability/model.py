"""
The promise as a model: whatever fails, and whenever, no recorded change is lost.

A restore moves on; checks run, race, die at any I/O step and meet any fault at any I/O step, in any
order Hypothesis can think of. The code is ours and real, and so are the sockets, the conditional
write, the topic and the subscriber's queue. What holds is read from outside: from what the queue
received and what the table holds once everything works again.
"""

import itertools
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import ClassVar

from botocore.config import Config
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from local_stack.in_process import Clients, clients, cold_start
from local_stack.restores import EmulatedRestore, object_id
from local_stack.stack import LocalStack, Received
from local_stack.wire import (
    Action,
    Answer,
    Call,
    Close,
    Fault,
    Gate,
    Phase,
    Reset,
    Truncate,
    Wire,
)
from reliability.judgement import (
    judge_answer,
    judge_messages,
    judge_secrecy,
    judge_table,
    status_of,
)
from restore_watch.check import CheckResult, JobChecker
from restore_watch.deadline import Deadline
from restore_watch.errors import RestoreWatchError
from restore_watch.restore_job import RestoreKind, RestoreTarget

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

SLOTS = 3
"""Execution environments that may be at work at once."""

IO_STEPS = 6
"""A cold check that changes something makes six calls: secret, token, job, write, publish, note."""

WRITE, PUBLISH, NOTE = range(3)
"""The calls among these that leave something behind."""

TIME_LIMIT = 20.0
"""Seconds after which a check that has not ended breaks I6; with skipped waits it takes 0.05."""

ONE_TRY = Config(
    connect_timeout=15, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1}
)
"""
What fails, fails at once: that a call is repeated is tested apart from what is lost.

No fault here is a silence, so a timeout is the machine's: a crowded one once let moto take more
than five seconds.
"""

TOKEN_LIFE = timedelta(minutes=50)

_JSON = {"Content-Type": "application/json"}
ATLAS_FAULTS: dict[str, Action] = {
    "500": Answer(500, _JSON, '{"error": 500, "errorCode": "UNEXPECTED_ERROR"}'),
    "503 html": Answer(503, {"Content-Type": "text/html"}, "<html>busy</html>"),
    "429": Answer(429, {**_JSON, "Retry-After": "3"}, "{}"),
    "401": Answer(401, _JSON, '{"error": 401, "errorCode": "USER_UNAUTHORIZED"}'),
    "404": Answer(404, _JSON, '{"error": 404, "errorCode": "RESOURCE_NOT_FOUND"}'),
    "200 html": Answer(200, {"Content-Type": "text/html"}, "<html>hello</html>"),
    "200 empty": Answer(200, _JSON, ""),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}
AWS_FAULTS: dict[str, Action] = {
    "500": Answer(500),
    "503": Answer(503),
    "400 without a word": Answer(400),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}
SERVICES = ("atlas", "secretsmanager", "dynamodb", "sns")

phases: st.SearchStrategy[Phase] = st.sampled_from(["before", "after"])
slots = st.integers(0, SLOTS - 1)
steps = st.integers(0, IO_STEPS - 1)
pairs = st.lists(slots, min_size=2, max_size=2, unique=True)
deaths: st.SearchStrategy[tuple[int, Phase]] = st.sampled_from(
    [(WRITE, "after"), (PUBLISH, "before"), (PUBLISH, "after")]
)
"""Where a check dies that has recorded a change and not acknowledged it."""


@st.composite
def flex_jobs(draw: st.DrawFn) -> tuple[RestoreKind, str, list[str]]:
    """Any part of Atlas's order, perhaps with a new word, an end, and one that contradicts it."""
    early = [word for word in ("PENDING", "QUEUED", "RUNNING") if draw(st.booleans())]
    word = draw(st.sampled_from([[], [], ["PAUSED"]]))
    end = draw(
        st.sampled_from([[], ["COMPLETED"], ["COMPLETED"], ["FAILED"], ["FAILED", "COMPLETED"]])
    )
    return RestoreKind.FLEX, "RESTORE", [*early, *word, *end] or ["RUNNING"]


dedicated_jobs = st.sampled_from(
    [
        (RestoreKind.DEDICATED, delivery_type, timeline)
        for delivery_type, timeline in (
            ("automated", ["running", "finished"]),
            ("automated", ["running", "failed"]),
            ("automated", ["running", "cancelled"]),
            ("download", ["running", "download-ready", "expired"]),
            ("download", ["running", "expired"]),
            ("download", ["running", "cancelled"]),
        )
    ]
)


class Clock:
    """A wall clock that moves on by a millisecond at every look, and otherwise as it is told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = datetime.now(UTC)
        self.ahead = 0.0

    def __call__(self) -> datetime:
        with self._lock:
            self._now += timedelta(milliseconds=1)
            return self._now

    def jump(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self.ahead += abs(seconds)


class NthCall:
    """Matches the n-th call (from 0) of an environment, counted over both wires."""

    def __init__(self, made: Callable[[Call], bool], n: int) -> None:
        self._made = made
        self._left = n
        self.struck = False

    def __call__(self, call: Call) -> bool:
        if self.struck or not self._made(call):
            return False
        self._left -= 1
        self.struck = self._left < 0
        return self.struck


class Check(threading.Thread):
    """One check under way, and how it ended."""

    def __init__(self, check: Callable[[], CheckResult]) -> None:
        super().__init__(daemon=True)
        self._check = check
        self.outcome: CheckResult | BaseException

    def run(self) -> None:
        try:
            self.outcome = self._check()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the model judges it
            self.outcome = error


@cache
def _clients_of(stack: LocalStack) -> list[Clients]:
    """Dear to make, so they serve every example on this stack."""
    return [clients(stack, ONE_TRY) for _ in range(SLOTS)]


class RestoreModel(RuleBasedStateMachine):
    """`stack` is started by whoever runs the model; every example has a restore of its own."""

    stack: ClassVar[LocalStack]
    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.outcomes: list[CheckResult | BaseException] = []
        self.statuses: list[str] = []
        self.messages: list[Received] = []
        self._receiving = threading.Lock()
        self.disturbed = False
        self.broken = False
        self.starts = 0
        self.left = 0
        self.restore: EmulatedRestore
        self.target: RestoreTarget
        self.stack.forget_calls()
        self.stack.atlas.behaviour.lift_limits()
        self._pool = _clients_of(self.stack)
        self.watches = [self.environment(slot) for slot in range(SLOTS)]

    def environment(self, slot: int) -> JobChecker:
        """A cold start in this slot. Broken copies of the code begin here."""
        self.starts += 1
        return cold_start(self.stack, self._pool[slot], now=self.clock, sleep=self.clock.jump)

    # What Atlas does

    @initialize(job=st.one_of(flex_jobs(), dedicated_jobs), named=st.booleans())
    def a_restore_begins(self, job: tuple[RestoreKind, str, list[str]], *, named: bool) -> None:
        kind, delivery_type, timeline = job
        self.restore = self.stack.atlas.start_restore(
            GROUP,
            f"{kind}-cluster",
            kind.value,
            # A minute old, so that a 404 is an answer and not a job that may still appear.
            restore_id=object_id(self.clock() - timedelta(minutes=2)),
            delivery_type=delivery_type,
            timeline=timeline,
        )
        self.left = len(timeline) - 1
        self.statuses = [status_of(self.restore.step)]
        self.target = RestoreTarget.model_validate(
            self.restore.event | {"kind": kind if named else None}
        )

    @precondition(lambda self: self.left)
    @rule()
    def atlas_moves_on(self) -> None:
        self._move_on()

    @precondition(lambda self: self.left)
    @rule(slot=slots, death=st.none() | deaths)
    def atlas_moves_on_before_a_check(self, slot: int, death: tuple[int, Phase] | None) -> None:
        """The check has something to record, and may die of it: changes pile up."""
        self._move_on()
        with self._death(slot, *death, among=_has_effect) if death else nullcontext():
            self._run(slot)

    def _move_on(self) -> None:
        self.left -= 1
        self.statuses.append(status_of(self.restore.advance()))

    # What our side does

    @rule(slot=slots)
    def check(self, slot: int) -> None:
        self._run(slot)

    @rule(slot=slots)
    def cold_start(self, slot: int) -> None:
        self.watches[slot] = self.environment(slot)

    @rule(slot=slots, readings=st.integers(0, 12))
    def check_with_little_time(self, slot: int, readings: int) -> None:
        """The time left runs out after so many looks at it."""
        looks = itertools.count()
        self._run(slot, Deadline(2.0, lambda: 2.0 * (next(looks) >= readings)))

    @rule(seconds=st.sampled_from([-3600.0, -5.0, -0.5, 1.0, 250.0, 400.0, 3100.0]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.clock.jump(seconds)

    # What fails

    @rule(
        slot=slots,
        step=steps,
        phase=phases,
        at_atlas=st.sampled_from(sorted(ATLAS_FAULTS)),
        at_aws=st.sampled_from(sorted(AWS_FAULTS)),
    )
    def check_meets_a_fault(
        self, slot: int, step: int, phase: Phase, at_atlas: str, at_aws: str
    ) -> None:
        """The n-th call fails: instead of its effect, or after it and instead of its answer."""
        nth = NthCall(self._pool[slot].made, step)
        with ExitStack() as faults:
            for wire, action in self._wires(ATLAS_FAULTS[at_atlas], AWS_FAULTS[at_aws]):
                faults.enter_context(wire.inject(Fault(when=nth, phase=phase, action=action)))
            self._run(slot)
        self._note("fault", nth.struck, phase)

    @rule(slot=slots, step=steps, phase=phases)
    def environment_dies(self, slot: int, step: int, phase: Phase) -> None:
        with self._death(slot, step, phase):
            self._run(slot)

    @rule(
        service=st.sampled_from(SERVICES),
        at_atlas=st.sampled_from(sorted(ATLAS_FAULTS)),
        at_aws=st.sampled_from(sorted(AWS_FAULTS)),
    )
    def a_service_breaks(self, service: str, at_atlas: str, at_aws: str) -> None:
        self.disturbed = self.broken = True
        action = ATLAS_FAULTS[at_atlas] if service == "atlas" else AWS_FAULTS[at_aws]
        for wire, its_action in self._wires(action, action):
            wire.inject(Fault(service=service, times=None, action=its_action))

    @precondition(lambda self: self.broken)
    @rule()
    def faults_clear(self) -> None:
        self._heal()

    @rule()
    def atlas_revokes_every_token(self) -> None:
        self.disturbed = True
        self.stack.atlas.expire_tokens()

    @rule(
        racing=st.lists(slots, min_size=2, max_size=SLOTS, unique=True),
        order=st.lists(st.integers(0, 5), min_size=12, max_size=24),
        moves_at=st.none() | st.integers(0, 12),
    )
    def checks_race(self, racing: list[int], order: list[int], moves_at: int | None) -> None:
        """
        Checks overlap, let on one by one at every request and every answer, in drawn order.

        Atlas may move on meanwhile.
        """
        checks = [self._check(slot) for slot in racing]
        mine = [self._pool[slot].made for slot in racing]
        with ExitStack() as gates:
            held = [
                gates.enter_context(
                    wire.hold(phase=phase, when=lambda call: any(made(call) for made in mine))
                )
                for wire in (self.stack.atlas.wire, self.stack.aws.wire)
                for phase in ("before", "after")
            ]
            for check, made in zip(checks, mine, strict=True):
                check.start()
                _settle([check], [made], held)
            for number, turn in enumerate(itertools.chain(order, itertools.repeat(0))):
                if number == moves_at and self.left:
                    self._move_on()
                waiting = _settle(checks, mine, held)
                if not any(check.is_alive() for check in checks):
                    break
                gate, call = waiting[turn % len(waiting)]
                gate.release_call(call)
        for check in checks:
            self._ended(check)
        self.tally["races"] += 1

    @precondition(lambda self: self.left)
    @rule(pair=pairs)
    def a_slow_check_writes_last(self, pair: list[int]) -> None:
        """It holds what Atlas said before another check recorded something newer."""
        slow, fast = pair
        with self._slow(slow, WRITE, "before"):
            self._move_on()
            self._run(fast)

    @precondition(lambda self: self.left)
    @rule(
        pair=pairs,
        held=st.sampled_from([(WRITE, "after"), (PUBLISH, "before"), (NOTE, "before")]),
        death=deaths,
    )
    def environment_dies_beside_a_slow_check(
        self, pair: list[int], held: tuple[int, Phase], death: tuple[int, Phase]
    ) -> None:
        """What it leaves pending is newer than what the slow check has recorded."""
        self._die_beside(pair, held, death)

    @precondition(lambda self: self.left)
    @rule(pair=pairs, death=st.sampled_from([(WRITE, "after"), (PUBLISH, "before")]))
    def environment_dies_ahead_of_a_slow_check(
        self, pair: list[int], death: tuple[int, Phase]
    ) -> None:
        """What it leaves pending is all the slow check finds, when it comes to write."""
        self._die_beside(pair, (WRITE, "before"), death)

    def _die_beside(
        self, pair: list[int], held: tuple[int, Phase], death: tuple[int, Phase]
    ) -> None:
        slow, dying = pair
        if self.left > 1:
            self._move_on()
        with self._slow(slow, *held):
            self._move_on()
            with self._death(dying, *death, among=_has_effect):
                self._run(dying)

    # How a check is run and judged

    def _check(self, slot: int, deadline: Deadline | None = None) -> Check:
        watch = self.watches[slot]

        def answered() -> CheckResult:
            result = watch.check(self.target, deadline or Deadline.after(30))
            judge_answer(result.as_json(), self._received())
            return result

        return Check(answered)

    def _run(self, slot: int, deadline: Deadline | None = None) -> None:
        check = self._check(slot, deadline)
        check.run()
        self._ended(check)

    def _ended(self, check: Check) -> None:
        if check.ident is not None:
            check.join(TIME_LIMIT)
            assert not check.is_alive(), "I6: a check did not end"
        if isinstance(check.outcome, AssertionError):
            raise check.outcome
        if isinstance(check.outcome, BaseException):
            assert isinstance(check.outcome, RestoreWatchError), f"I6: {check.outcome!r}"
        self.outcomes.append(check.outcome)
        self.tally["checks"] += 1
        self.tally[type(check.outcome).__name__] += 1

    def _wires(self, at_atlas: Action, at_aws: Action) -> Sequence[tuple[Wire, Action]]:
        return ((self.stack.atlas.wire, at_atlas), (self.stack.aws.wire, at_aws))

    @contextmanager
    def _slow(self, slot: int, step: int, phase: Phase) -> Iterator[None]:
        """Within the block a check in this slot is held at its n-th call that has an effect."""
        made = self._pool[slot].made
        check = self._check(slot)
        nth = NthCall(lambda call: made(call) and _has_effect(call), step)
        with self.stack.aws.wire.hold(phase=phase, when=nth) as gate:
            check.start()
            _settle([check], [made], [gate])
            yield
        self._ended(check)
        self.tally["overtaken" if nth.struck else "not overtaken"] += 1

    @contextmanager
    def _death(
        self, slot: int, step: int, phase: Phase, among: Callable[[Call], bool] = lambda _: True
    ) -> Iterator[None]:
        """Within the block nothing has an effect from the n-th call on; after it, a cold start."""
        made = self._pool[slot].made
        nth = NthCall(lambda call: made(call) and among(call), step)
        with ExitStack() as faults:
            for wire, gone in self._wires(Close(), Close()):
                faults.enter_context(wire.inject(Fault(when=nth, phase=phase, action=gone)))
                dead = Fault(when=lambda call: nth.struck and made(call), times=None, action=gone)
                faults.enter_context(wire.inject(dead))
            yield
        self.cold_start(slot)
        self._note("death", nth.struck, phase)

    def _heal(self) -> None:
        self.broken = False
        self.stack.atlas.wire.heal()
        self.stack.aws.wire.heal()

    def _note(self, what: str, struck: bool, phase: Phase) -> None:  # noqa: FBT001
        self.disturbed |= struck
        self.tally[f"{what} {phase}" if struck else f"{what} after the end"] += 1

    def teardown(self) -> None:
        """Everything works again; after two checks all that was promised must hold."""
        self._heal()
        if not hasattr(self, "restore"):
            return
        tokens_before_repair = self.stack.atlas.wire.count(operation="token")
        self.cold_start(0)
        for _ in range(2):
            self._run(0)
            last = self.outcomes[-1]
            assert not isinstance(last, BaseException), f"I4: a check failed: {last!r}"
        received = self._received()
        item = self.stack.item(GROUP, self.restore.cluster, self.restore.restore_id)
        assert item is not None
        judge_table(item, self.statuses, self.restore.delivery_type)
        duplicates = judge_messages(item, received)
        judge_secrecy([repr(item), repr(received), *map(_text, self.outcomes)])
        self._judge_traffic(tokens_before_repair)
        self.tally["examples"] += 1
        self.tally["changes"] += len(item["history"])
        self.tally["duplicates"] += duplicates

    def _received(self) -> list[Received]:
        """All that the subscriber has got of this restore, in order."""
        with self._receiving:
            self.messages += [
                message
                for message in self.stack.received()
                if message.event["subject"] == self.restore.restore_id
            ]
            return list(self.messages)

    def _judge_traffic(self, tokens: int) -> None:
        """One token for each environment and 50 minutes, unless something went wrong with it."""
        if not self.disturbed:
            lives = 1 + max(0.0, self.clock.ahead / TOKEN_LIFE.total_seconds())
            assert tokens <= self.starts * (1 + lives), "I7: a storm of token requests"


def _has_effect(call: Call) -> bool:
    """Whether a call leaves something behind."""
    return call.service in {"dynamodb", "sns"}


def _text(outcome: CheckResult | BaseException) -> str:
    if isinstance(outcome, BaseException):
        return "".join(traceback.format_exception(outcome))
    return repr(outcome.as_json())


def _settle(
    checks: Sequence[Check], mine: Sequence[Callable[[Call], bool]], gates: Sequence[Gate]
) -> list[tuple[Gate, Call]]:
    """Wait until each check is held at a gate or has ended; return what is held, in order."""
    until = time.monotonic() + TIME_LIMIT
    while time.monotonic() < until:
        held = [(gate, call) for gate in gates for call in gate.held]
        waiting = [[one for one in held if made(one[1])] for made in mine]
        # A call that an earlier check left behind at its deadline may be held here as well.
        if all(calls or not check.is_alive() for check, calls in zip(checks, waiting, strict=True)):
            return [one for calls in waiting for one in calls]
        time.sleep(0.0002)
    raise AssertionError("I6: a check neither asks anything nor ends")
