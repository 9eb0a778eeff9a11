"""
Checks the jobs that an invocation names: a single job with patience, several at the same time.

Several share the threads of sweeps, so a slow project cannot hold up the others. No thread waits
for a rate limit: after a transient error, a target is checked again after all others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain
from random import sample
from typing import Any, NamedTuple

from cachetools import LRUCache

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.plain_class import plain_class
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.check.check import JobChecker
from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.event.event import RefusedTarget, Target
from restore_watch.model.restore_job import RestoreKind, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.telemetry.isolation import isolated
from restore_watch.telemetry.telemetry import Telemetry, names_of
from restore_watch.threads.agenda import Agenda, Task
from restore_watch.threads.workers import Workers

ROUNDS = 3
"""Each of several targets is checked this many times at most."""

REPORTING_TIME = 2.0
"""Seconds that are kept for reporting the outcomes, 1,000 at most."""


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

    @property
    def may_pass(self) -> bool:
        """Whether another check may succeed a moment later."""
        return isinstance(self.error, AtlasError) and self.error.transient


type Outcome = CheckResult | FailedCheck


class DeliveryOrder:
    """
    The order in which an environment asks about the targets of a delivery.

    AWS delivers targets again that were not reached. So the targets that this environment never had
    an answer about come first, then the targets answered longest ago, counted in deliveries. The
    rest is random, because another environment must not stop at the same target.
    """

    def __init__(self) -> None:
        self._deliveries = 0
        self._answered: LRUCache[RestoreTarget, int] = LRUCache(2000)  # two full batches

    def of_targets(self, records: Sequence[Sequence[Target]]) -> list[RestoreTarget]:
        """Return the named jobs, each once; those of a record together: one missed fails it."""
        shuffled = [sample(record, len(record)) for record in sample(records, len(records))]
        targets = chain.from_iterable(shuffled)
        jobs = dict.fromkeys(target for target in targets if isinstance(target, RestoreTarget))
        return sorted(jobs, key=lambda target: self._answered.get(target, 0))

    def note_delivery(self, outcomes: Mapping[RestoreTarget, Outcome]) -> None:
        """Remember the targets for which Atlas gave an answer, good or bad, that may last."""
        self._deliveries += 1
        for target, outcome in outcomes.items():
            if isinstance(outcome, CheckResult) or (
                isinstance(outcome.error, AtlasError) and not outcome.may_pass
            ):
                self._answered[target] = self._deliveries


@plain_class
class _Check(Task):
    """A task of the agenda: ask about a target. No two threads ask about one target at once."""

    target: RestoreTarget

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.target.group_id, jobs_of(self.target.kind or RestoreKind.FLEX))


@plain_class
class BatchChecker:
    """Checks the targets of invocations, and reports each. One object serves an environment."""

    checker: JobChecker
    workers: Workers
    telemetry: Telemetry
    order: DeliveryOrder = field(default_factory=DeliveryOrder)

    def check(self, records: Sequence[Sequence[Target]], deadline: Deadline) -> list[list[Outcome]]:
        """
        Check the targets of these records. Return and report their outcomes in this order.

        A single target may wait and ask Atlas again. A target that is named twice is asked about
        once; its second outcome is "nothing changed".
        """
        jobs = self.order.of_targets(records)
        if sum(map(len, records)) == 1:
            known = {job: self._check(job, deadline, patient=True) for job in jobs}
        else:
            known = self._check_at_once(jobs, deadline.earlier(REPORTING_TIME))
            self.order.note_delivery(known)
        late = deadline.exceeded("ask Atlas")
        return [[self._report(target, known, late) for target in record] for record in records]

    def _check_at_once(
        self, jobs: Sequence[RestoreTarget], deadline: Deadline
    ) -> dict[RestoreTarget, Outcome]:
        """Check in rounds, in each round the targets that may succeed now."""
        outcomes: dict[RestoreTarget, Outcome] = {}

        def check(task: _Check) -> Iterable[_Check]:
            outcomes[task.target] = self._check(task.target, deadline, patient=False)
            return ()

        agenda: Agenda[_Check] = Agenda(
            self.workers.at_once,
            allows=lambda _: True,
            skip=lambda _: None,
            is_over=lambda: deadline.remaining() < LEAST_EXCHANGE,
        )
        threads = self.workers.start(agenda, check, len(jobs))
        try:
            # A round has each target once. The next begins when all are done, or no time is left.
            for _ in range(ROUNDS):
                agenda.add(map(_Check, jobs))
                agenda.wait_until_done(deadline.remaining())
                jobs = [
                    job
                    for job, outcome in outcomes.copy().items()
                    if isinstance(outcome, FailedCheck) and outcome.may_pass
                ]
        finally:
            agenda.close()
            self.workers.join(threads, deadline)
        # A thread that was left behind may still add an outcome to the original.
        return outcomes.copy()

    def _check(self, target: RestoreTarget, deadline: Deadline, *, patient: bool) -> Outcome:
        try:
            with isolated(self.telemetry, **names_of(target)):
                return self.checker.check(target, deadline, patient=patient)
        except RestoreWatchError as error:
            return FailedCheck(target, error)

    def _report(
        self, target: Target, known: dict[RestoreTarget, Outcome], late: TimeBudgetExceededError
    ) -> Outcome:
        """Report and return the outcome of a target. Nothing is new when it is named again."""
        if isinstance(target, RefusedTarget):
            self.telemetry.report_failure(target.error)
            return FailedCheck(target, target.error)
        outcome = known.get(target) or FailedCheck(target, late)
        if isinstance(outcome, FailedCheck):
            self.telemetry.report_failure(outcome.error, target)
        else:
            self.telemetry.report_check(outcome)
            status = outcome.job.status
            known[target] = replace(outcome, previous_status=status, changed=False, published=())
        return outcome
