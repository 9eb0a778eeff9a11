"""
Checks the jobs that an invocation names: one with patience, several at the same time.

Several share the threads of sweeps, so a slow project cannot hold up the others. No thread waits
for a rate limit: after a transient error, a target is checked again after all others.
"""

from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NamedTuple

from foundation.deadline import Deadline
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.check.batch_order import Turns
from restore_watch.check.check import JobChecker
from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.event.event import RefusedTarget, Target
from restore_watch.model.restore_job import RestoreKind, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.agenda import Agenda
from restore_watch.threads.workers import THREADS, Workers

ROUNDS = 3
"""One of several targets is checked this many times at most."""

REPORTING_TIME = 2.0
"""Seconds that are kept for reporting targets that were not reached, 1,000 at most."""


class FailedCheck(NamedTuple):
    """A target whose check failed, and why."""

    target: Target
    error: RestoreWatchError

    def as_json(self) -> dict[str, Any]:
        """The failure in the result of several targets."""
        return {
            "target": self.target.as_json(),
            "error": type(self.error).__name__,
            "message": str(self.error),
        }


type Outcome = CheckResult | FailedCheck


@dataclass(frozen=True)
class _Check:
    """A task of the agenda: ask about a target. No two threads ask about the same one at once."""

    target: RestoreTarget
    tries: int = 0

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.target.group_id, self.target.kind or RestoreKind.FLEX)

    @property
    def keys(self) -> tuple[RestoreTarget]:
        return (self.target,)

    def without(self, busy: Container[Hashable]) -> "_Check | None":
        return None if self.target in busy else self


class _Delivery:
    """
    The outcomes so far of the targets of one event or batch. Any thread may use it.

    `report` is called once for each place where a target is named.
    """

    def __init__(
        self, targets: Sequence[Target], report: Callable[[Target, Outcome], None]
    ) -> None:
        self._report = report
        self._lock = Lock()
        self._is_over = False
        self._targets = targets
        self._times = Counter(targets)
        self._last: dict[Target, Outcome] = {}
        self._again: dict[Target, _Check] = {}
        for target in self._times:
            if isinstance(target, RefusedTarget):
                self._settle(target, FailedCheck(target, target.error))

    def checked(self, check: _Check, outcome: Outcome) -> None:
        """Keep the outcome, unless it comes too late. A failure that may not last is not final."""
        with self._lock:
            if self._is_over:
                return
            if isinstance(outcome, FailedCheck) and _may_succeed_later(outcome, check.tries + 1):
                self._again[check.target] = replace(check, tries=check.tries + 1)
                self._last[check.target] = outcome
            else:
                self._again.pop(check.target, None)
                self._settle(check.target, outcome)

    @property
    def again(self) -> list[_Check]:
        """The checks to repeat after all others."""
        with self._lock:
            return list(self._again.values())

    @property
    def answered(self) -> list[RestoreTarget]:
        """The targets for which Atlas gave an answer, good or bad, that is not transient."""
        with self._lock:
            return [
                target
                for target, outcome in self._last.items()
                if isinstance(target, RestoreTarget) and _is_answer(outcome)
            ]

    def end(self, not_reached: RestoreWatchError) -> list[Outcome]:
        """Return the outcome at each place. A target without one fails with `not_reached`."""
        with self._lock:
            self._is_over = True
            for target in self._times:
                if target not in self._last:
                    self._settle(target, FailedCheck(target, not_reached))
                elif target in self._again:
                    self._settle(target, self._last[target])
            outcomes = {target: iter(self._outcomes_of(target)) for target in self._times}
        return [next(outcomes[target]) for target in self._targets]

    def _settle(self, target: Target, outcome: Outcome) -> None:
        self._last[target] = outcome
        for one in self._outcomes_of(target):
            self._report(target, one)

    def _outcomes_of(self, target: Target) -> list[Outcome]:
        """Return an outcome for each time that the target is named."""
        first, others = self._last[target], self._times[target] - 1
        return [first, *[_repeated(first)] * others]


def _may_succeed_later(failure: FailedCheck, tries: int) -> bool:
    return tries < ROUNDS and isinstance(failure.error, AtlasError) and failure.error.transient


def _is_answer(outcome: Outcome) -> bool:
    if isinstance(outcome, CheckResult):
        return True
    return isinstance(outcome.error, AtlasError) and not outcome.error.transient


def _repeated(outcome: Outcome) -> Outcome:
    """Return the outcome of a second check right after this one: nothing new."""
    if isinstance(outcome, FailedCheck):
        return outcome
    return replace(
        outcome,
        previous_status=outcome.job.status,
        changed=False,
        published=(),
        contradiction=None,
        unrecorded_word=None,
    )


class BatchChecker:
    """Checks the targets of invocations, and reports each. One object serves an environment."""

    def __init__(self, checker: JobChecker, workers: Workers, telemetry: Telemetry) -> None:
        self._checker = checker
        self._workers = workers
        self._telemetry = telemetry
        self._turns: Turns[RestoreTarget] = Turns()

    def check(self, records: Sequence[Sequence[Target]], deadline: Deadline) -> list[Outcome]:
        """
        Check the targets of these records. Return their outcomes in the order of the targets.

        A single target may wait and ask Atlas again. A target that is named twice is asked about
        once; its second outcome is "nothing changed".
        """
        targets = [target for record in records for target in record]
        if len(targets) == 1:
            outcome = self._check(targets[0], deadline, patient=True)
            self._report(targets[0], outcome)
            return [outcome]
        delivery = _Delivery(targets, self._report)
        named = [[one for one in record if isinstance(one, RestoreTarget)] for record in records]
        checks = [_Check(target) for target in self._turns.order(named)]
        self._check_at_once(delivery, checks, deadline.earlier(REPORTING_TIME))
        self._turns.answered(delivery.answered)
        return delivery.end(deadline.exceeded("ask Atlas"))

    def _check_at_once(
        self, delivery: _Delivery, checks: Sequence[_Check], deadline: Deadline
    ) -> None:
        """Check in rounds, in each round those that may succeed now."""

        def check(one: _Check) -> Iterable[_Check]:
            delivery.checked(one, self._check(one.target, deadline, patient=False))
            return ()

        agenda: Agenda[_Check] = Agenda(
            THREADS,
            allows=lambda _: True,
            skip=lambda _: None,
            is_over=lambda: deadline.remaining() < LEAST_EXCHANGE,
        )
        threads = self._workers.start(agenda, check, len(checks))
        try:
            while checks and deadline.remaining() >= LEAST_EXCHANGE:
                agenda.add(checks)
                agenda.wait_until_done(deadline.remaining())
                checks = delivery.again
        finally:
            agenda.close()
            self._workers.join(threads, deadline)

    def _check(self, target: Target, deadline: Deadline, *, patient: bool) -> Outcome:
        if isinstance(target, RefusedTarget):
            return FailedCheck(target, target.error)
        try:
            return self._checker.check(target, deadline, patient=patient)
        except RestoreWatchError as error:
            return FailedCheck(target, error)

    def _report(self, target: Target, outcome: Outcome) -> None:
        if isinstance(target, RefusedTarget):
            self._telemetry.report_failure(target.error)
        elif isinstance(outcome, FailedCheck):
            self._telemetry.report_failure(outcome.error, target)
        else:
            self._telemetry.report_check(target, outcome)
