"""
Checks the jobs that an invocation names: a single job with patience, several at the same time.

Several share the threads of sweeps, so a slow project cannot hold up the others. No thread waits
for a rate limit: after a transient error, a target is checked again after all others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from foundation.deadline import Deadline
from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.check.check import JobChecker
from restore_watch.check.order_of_targets import OrderOfTargets
from restore_watch.errors import AtlasError
from restore_watch.event.request import OneTarget, QueueBatch
from restore_watch.event.several_targets import RefusedTarget, SeveralTargets, Target
from restore_watch.model.restore_target import RestoreKind, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.workflow_wait import Wait, answer_to
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
    error: ApplicationError

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

    @property
    def is_answered(self) -> bool:
        """Whether Atlas gave an answer that may last."""
        return isinstance(self.error, AtlasError) and not self.error.transient


type Outcome = CheckResult | FailedCheck


@dataclass(frozen=True)
class _CheckTask(Task):
    """A task of the agenda: ask about a target. No two threads ask about one target at once."""

    target: RestoreTarget

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.target.group_id, jobs_of(self.target.kind or RestoreKind.FLEX))


@dataclass(frozen=True)
class BatchChecker:
    """Checks the targets of invocations, and reports each. One object serves an environment."""

    checker: JobChecker
    workers: Workers
    telemetry: Telemetry
    order: OrderOfTargets = field(default_factory=OrderOfTargets)

    def check(self, records: Sequence[Sequence[Target]], deadline: Deadline) -> list[list[Outcome]]:
        """
        Check the targets of these records. Return and report their outcomes in this order.

        A single target may wait and ask Atlas again. A target that is named twice is asked about
        once; its second outcome is "nothing changed".
        """
        jobs = self.order.order(records)
        if sum(map(len, records)) == 1:
            known = {job: self._check(job, deadline, patient=True) for job in jobs}
        else:
            known = self._check_at_once(jobs, deadline.earlier(REPORTING_TIME))
            self.order.note_delivery(_answered(known))
        late = deadline.exceeded("ask Atlas")
        named: set[Target] = set()
        outcomes: list[list[Outcome]] = []
        for record in records:
            of_record: list[Outcome] = []
            for target in record:
                outcome = _outcome_of(target, known, late)
                if target in named:
                    outcome = _outcome_of_repetition(outcome)
                named.add(target)
                self._report(target, outcome)
                of_record.append(outcome)
            outcomes.append(of_record)
        return outcomes

    def result_of_one(self, request: OneTarget, deadline: Deadline) -> Mapping[str, Any]:
        """Check the target of an event. Return the result, or raise the error of the check."""
        ((outcome,),) = self.check([[request.target]], deadline)
        if isinstance(outcome, FailedCheck):
            raise outcome.error
        result, until = outcome.as_json(), request.until
        if until is not None:
            answer = answer_to(Wait("", until), outcome.job, outcome.seen)
            result |= {"waitUntil": until, "waitIsOver": answer is not None}
        return result

    def result_of_several(self, several: SeveralTargets, deadline: Deadline) -> Mapping[str, Any]:
        """
        Check the targets of an event. Return the results and the failures.

        The first error is raised if every check failed or, where all must succeed, any check.
        """
        (outcomes,) = self.check([several.targets], deadline)
        failures = [outcome for outcome in outcomes if isinstance(outcome, FailedCheck)]
        results = [outcome for outcome in outcomes if isinstance(outcome, CheckResult)]
        if failures and (several.all_must_succeed or not results):
            raise failures[0].error
        return {
            "results": [result.as_json() for result in results],
            "failures": [failure.as_json() for failure in failures],
        }

    def batch_item_failures(self, batch: QueueBatch, deadline: Deadline) -> list[dict[str, str]]:
        """
        Check the targets of the records of a queue. Return the records that Lambda delivers again.

        A record fails if the check of any of its targets fails.
        """
        outcomes = self.check([record.targets for record in batch.records], deadline)
        failures = []
        for record, outcomes_of_record in zip(batch.records, outcomes, strict=True):
            if any(isinstance(outcome, FailedCheck) for outcome in outcomes_of_record):
                failures.append({"itemIdentifier": record.message_id})
        return failures

    def _check_at_once(
        self, jobs: Sequence[RestoreTarget], deadline: Deadline
    ) -> dict[RestoreTarget, Outcome]:
        """Check in rounds, in each round the targets that may succeed now."""
        outcomes: dict[RestoreTarget, Outcome] = {}

        def check(task: _CheckTask) -> Iterable[_CheckTask]:
            outcomes[task.target] = self._check(task.target, deadline, patient=False)
            return ()

        agenda: Agenda[_CheckTask] = Agenda(
            self.workers.at_once,
            allows=lambda _: True,
            skip=lambda _: None,
            is_over=lambda: deadline.remaining() < LEAST_EXCHANGE,
        )
        threads = self.workers.start(agenda, check, len(jobs))
        try:
            # A round has each target once. The next begins when all are done, or no time is left.
            for _ in range(ROUNDS):
                agenda.add(map(_CheckTask, jobs))
                agenda.wait_until_done(deadline.remaining())
                jobs = _to_check_again(outcomes.copy())
        finally:
            agenda.close()
            self.workers.join(threads, deadline)
        # A thread that was left behind may still add an outcome to the original.
        return outcomes.copy()

    def _check(self, target: RestoreTarget, deadline: Deadline, *, patient: bool) -> Outcome:
        try:
            with isolated(self.telemetry, **names_of(target)):
                return self.checker.check(target, deadline, patient=patient)
        except ApplicationError as error:
            return FailedCheck(target, error)

    def _report(self, target: Target, outcome: Outcome) -> None:
        if isinstance(target, RefusedTarget):
            self.telemetry.report_failure(target.error)
        elif isinstance(outcome, FailedCheck):
            self.telemetry.report_failure(outcome.error, target)
        else:
            self.telemetry.report_check(outcome)


def _answered(outcomes: Mapping[RestoreTarget, Outcome]) -> list[RestoreTarget]:
    """Return the targets for which Atlas gave an answer, good or bad, that may last."""
    answered = []
    for target, outcome in outcomes.items():
        if isinstance(outcome, CheckResult) or outcome.is_answered:
            answered.append(target)
    return answered


def _to_check_again(outcomes: Mapping[RestoreTarget, Outcome]) -> list[RestoreTarget]:
    """Return the targets whose check failed and may succeed a moment later."""
    again = []
    for target, outcome in outcomes.items():
        if isinstance(outcome, FailedCheck) and outcome.may_pass:
            again.append(target)
    return again


def _outcome_of(
    target: Target, known: Mapping[RestoreTarget, Outcome], late: TimeBudgetExceededError
) -> Outcome:
    """Return what became of a target. `late`: the error of a target that was not reached."""
    if isinstance(target, RefusedTarget):
        return FailedCheck(target, target.error)
    return known.get(target) or FailedCheck(target, late)


def _outcome_of_repetition(outcome: Outcome) -> Outcome:
    """Return the outcome of a target that is named again: nothing is new then."""
    if isinstance(outcome, FailedCheck):
        return outcome
    status = outcome.job.status
    return replace(outcome, previous_status=status, changed=False, published=())
