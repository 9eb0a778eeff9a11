"""Checks and invocations in the model's world: how they run, end, and are judged as they end."""

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from foundation.deadline import Deadline
from local_stack.wire import Call, Gate, Phase
from reliability.disturbances import NthCall, Predicate
from reliability.judgement import judge_answer, judge_done, judge_published, pending_ids
from reliability.sweep_judgement import may_have_left
from reliability.token_judgement import due_of
from reliability.world import World
from reliability.world_parts import Job
from restore_watch.errors import RestoreWatchError
from restore_watch.model.results import CheckResult

TIME_LIMIT = 20.0
"""Seconds after which a check that has not ended breaks I6; with skipped waits it takes 0.05."""

INVOCATION = 30.0
"""Seconds of one invocation, skipped waits included."""

SLACK = 2.0
"""Seconds by which a crowded machine may be late."""

MAY_LEAVE_PENDING = {
    "NotificationPendingError",
    "TableUnavailableError",
    "TimeBudgetExceededError",
}
"""A caller tries again after one of these; after any other error nothing is pending."""


class Check(threading.Thread):
    """One check or sweep under way, and how it ended."""

    def __init__(self, check: Callable[[], CheckResult | Mapping[str, Any]]) -> None:
        super().__init__(daemon=True)
        self._check = check
        self.outcome: CheckResult | Mapping[str, Any] | BaseException

    def run(self) -> None:
        try:
            self.outcome = self._check()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the model judges it
            self.outcome = error

    def end(self, what: str) -> CheckResult | Mapping[str, Any] | BaseException:
        """Wait for the end of `what` this is. Return the outcome, which must be of a known form."""
        if self.ident is not None:
            self.join(TIME_LIMIT)
            assert not self.is_alive(), f"I6: a {what} did not end"
        if isinstance(self.outcome, AssertionError):
            raise self.outcome
        if isinstance(self.outcome, BaseException):
            assert isinstance(self.outcome, RestoreWatchError), f"I6: {self.outcome!r}"
        return self.outcome


@dataclass
class Begun:
    """
    A check that began, and what was recorded by then.

    `is_hurried` is true if it got too little time, `calls` is the number of earlier calls to AWS.
    """

    job: Job
    slot: int
    check: Check
    before: Mapping[str, Any] | None
    deletions: int
    deadline: Deadline
    is_hurried: bool
    calls: int


class Checks:
    """Runs checks and invocations in a world. `tally` counts how they ended."""

    def __init__(self, world: World, tally: Counter[str]) -> None:
        self.world = world
        self.tally = tally
        self.outcomes: list[CheckResult | BaseException | Mapping[str, Any]] = []
        self._dying: dict[int, NthCall] = {}

    # One check

    def begin(self, slot: int, job: Job, deadline: Deadline | None = None) -> Begun:
        """Prepare a check; the caller runs or starts it."""
        world = self.world
        environment = world.environments[slot]
        world.begin(slot)
        deletions = len(job.deleted)
        by = deadline or Deadline.after(INVOCATION, lambda: world.uptime)

        def answered() -> CheckResult:
            result = environment.checker.check(job.target, by)
            item = world.item(job)
            if item is not None and len(job.deleted) == deletions:
                judge_answer(result.as_json(), item, world.received(job))
            return result

        return Begun(
            job=job,
            slot=slot,
            check=Check(answered),
            before=world.item(job),
            deletions=deletions,
            deadline=by,
            is_hurried=deadline is not None,
            calls=len(world.stack.aws.wire.calls),
        )

    def run(self, slot: int, job: Job, deadline: Deadline | None = None) -> None:
        """Run one check to its end, with no other check making progress beside it."""
        begun = self.begin(slot, job, deadline)
        begun.check.run()
        self.end(begun)
        if self.is_dead(slot):
            return
        item = self.world.item(job)
        self._judge_acknowledged(begun, item)
        if isinstance(begun.check.outcome, CheckResult):
            judge_done(item, job.last, may_have_left=self.may_have_left(item))
            self._judge_answered(begun, item)

    def may_have_left(self, item: Mapping[str, Any] | None) -> bool:
        """The item is of a ready download whose link has expired."""
        return may_have_left(item, self.world.clock.latest)

    def end(self, begun: Begun, *, is_late: bool = False) -> None:
        """Wait for a check's end, and judge what it leaves. `is_late` excuses when it ends."""
        outcome = begun.check.end("check")
        if not (begun.is_hurried or is_late):
            late = self.world.uptime - begun.deadline.at
            assert late < SLACK, "I6: a check ended after its deadline"
        self.outcomes.append(outcome)
        self.tally["checks"] += 1
        self.tally[f"check: {type(outcome).__name__}"] += 1
        error = type(outcome).__name__ if isinstance(outcome, BaseException) else None
        self._judge_pending(begun, error)

    def _judge_pending(self, begun: Begun, error: str | None) -> None:
        excused = error is not None and (
            error in MAY_LEAVE_PENDING
            or begun.is_hurried
            or self.table_failed(begun.slot, begun.calls)
        )
        if excused or self.is_dead(begun.slot) or len(begun.job.deleted) > begun.deletions:
            return
        self.judge_pending(begun.job, begun.before)

    def judge_pending(self, job: Job, before: Mapping[str, Any] | None) -> None:
        """`before` is the item as it was when a check of the job began."""
        pending = pending_ids(before)
        if pending:
            judge_published(pending, self.world.received(job))

    def _judge_acknowledged(self, begun: Begun, item: Mapping[str, Any] | None) -> None:
        """What was published before a failure is acknowledged, if the table can be reached."""
        if item is None or begun.is_hurried or self.table_failed(begun.slot, begun.calls):
            return
        published = sum(
            call.service == "sns" and not self.world.disturbances.met(call)
            for call in self._calls(begun.slot, begun.calls)
        )
        before = int(begun.before["publishedSequence"]) if begun.before else 0
        assert item["publishedSequence"] >= before + published, (
            "I8: what was published before a failure is not acknowledged"
        )

    def _judge_answered(self, begun: Begun, item: Mapping[str, Any] | None) -> None:
        """A check that succeeded has answered everyone whose wait is over, if it could."""
        calls = self._calls(begun.slot, begun.calls)
        failed = [
            one for one in calls if one.service == "states" and self.world.disturbances.met(one)
        ]
        due = due_of(item)
        assert failed or not due, f"W3: a check leaves a workflow without an answer: {due}"

    def table_failed(self, slot: int, since: int) -> bool:
        """A call to the table failed since so many calls to AWS."""
        calls = self._calls(slot, since)
        return any(
            call.service == "dynamodb" and self.world.disturbances.met(call) for call in calls
        )

    def _calls(self, slot: int, since: int) -> list[Call]:
        made = self.world.made(slot)
        return [call for call in self.world.stack.aws.wire.calls[since:] if made(call)]

    def is_dying(self, slot: int) -> bool:
        """Death may come within this block."""
        return slot in self._dying

    def is_dead(self, slot: int) -> bool:
        return slot in self._dying and self._dying[slot].struck

    # What disturbs it

    @contextmanager
    def slow(self, slot: int, job: Job, step: int, phase: Phase) -> Iterator[None]:
        """Within the block a check in this slot is held at its n-th call that has an effect."""
        made = self.world.made(slot)
        begun = self.begin(slot, job)
        nth = NthCall(lambda call: made(call) and has_effect(call), step)
        with self.world.stack.aws.wire.hold(phase=phase, when=nth) as gate:
            begun.check.start()
            settle([begun.check], [made], [gate])
            yield
        self.end(begun)
        self.tally["overtaken" if nth.struck else "not overtaken"] += 1

    @contextmanager
    def death(
        self, slot: int, step: int, phase: Phase, among: Callable[[Call], bool] = lambda _: True
    ) -> Iterator[None]:
        """Within the block nothing has an effect from the n-th call on; after it, a cold start."""
        made = self.world.made(slot)
        nth = NthCall(lambda call: made(call) and among(call), step)
        self._dying[slot] = nth
        with self.world.disturbances.death(made, nth, phase):
            yield
        del self._dying[slot]
        self.world.cold_start(slot)
        self.tally[f"death {phase}" if nth.struck else "death after the end"] += 1


def has_effect(call: Call) -> bool:
    """The call leaves something behind."""
    return call.service in {"dynamodb", "sns", "states"}


def text(outcome: object) -> str:
    """Everything that an outcome says, with its traceback."""
    if isinstance(outcome, BaseException):
        return "".join(traceback.format_exception(outcome))
    return repr(outcome.as_json() if isinstance(outcome, CheckResult) else outcome)


def settle(
    checks: Sequence[threading.Thread], made: Sequence[Predicate], gates: Sequence[Gate]
) -> list[tuple[Gate, Call]]:
    """Wait until each check is held at a gate or has ended; return what is held, in order."""
    until = time.monotonic() + TIME_LIMIT
    while time.monotonic() < until:
        held = [(gate, call) for gate in gates for call in gate.held]
        waiting = [[one for one in held if by(one[1])] for by in made]
        # A call that an earlier check left behind at its deadline may be held here as well.
        if all(calls or not check.is_alive() for check, calls in zip(checks, waiting, strict=True)):
            return [one for calls in waiting for one in calls]
        time.sleep(0.0002)
    raise AssertionError("I6: a check neither asks anything nor ends")
