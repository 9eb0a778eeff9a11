"""One invocation: read the event, check the jobs it names or sweep, return the result."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from foundation.deadline import Deadline
from restore_watch.check.batch import BatchChecker, FailedCheck
from restore_watch.check.check import JobChecker
from restore_watch.check.newest_restore import find_newest_restore
from restore_watch.check.record_validation import record_validation
from restore_watch.check.register_wait import register_wait
from restore_watch.errors import RestoreWatchError
from restore_watch.event.actions import (
    Diagnose,
    FindNewestRestore,
    RecordValidation,
    Sweep,
    TestNotification,
)
from restore_watch.event.event import (
    OneTarget,
    QueueBatch,
    Request,
    SeveralTargets,
    WaitForJob,
    parse,
)
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.workflow_wait import Wait, is_over
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.lease import SWEEP_TIME
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

CHECK_TIME = 60.0
"""Seconds that an invocation takes at most, unless it is a sweep: somebody may wait for it."""

type Diagnosis = Callable[[Diagnose, Deadline], Mapping[str, Any]]
"""Diagnoses the stack. The result has a line for each check."""


class Application:
    """Answers invocations, and reports every check to the telemetry."""

    def __init__(
        self,
        checker: JobChecker,
        sweeper: Sweeper,
        workers: Workers,
        telemetry: Telemetry,
        diagnosis: Diagnosis,
    ) -> None:
        self._checker = checker
        self._batches = BatchChecker(checker, workers, telemetry)
        self._sweeper = sweeper
        self._diagnosis = diagnosis
        self._telemetry = telemetry

    def answer(
        self, event: object, deadline: Deadline, request_id: str | None = None
    ) -> Mapping[str, Any]:
        """
        Return the result of the invocation, plain JSON.

        `request_id` is Lambda's id of the invocation. Lambda's retries have the same id.

        - One target: its result, and with `waitUntil`, whether such a wait would be over. If its
          check fails, the error is raised.
        - One target with a task token: the job as it is known now.
        - Several: `results` and `failures`. The first error is raised if every check failed; for an
          EventBridge event, if any check failed.
        - An SQS batch: `batchItemFailures`, the records to deliver again.
        - An action: its own result, which docs/events.md describes.
        """
        try:
            with self._reporting():
                request = parse(event)
            longest = SWEEP_TIME if isinstance(request, Sweep) else CHECK_TIME
            deadline = deadline.within(longest)
            with self._following(deadline):
                return self._result(request, deadline, request_id)
        finally:
            self._telemetry.flush()

    def _result(
        self, request: Request, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        match request:
            case OneTarget() as one:
                result = self._answer_one(one, deadline)
            case WaitForJob(target, wait):
                result = self._register(target, wait, deadline)
            case SeveralTargets() as several:
                result = self._answer_several(several, deadline)
            case QueueBatch() as batch:
                result = self._answer_queue(batch, deadline)
            case Sweep() as sweep:
                result = self._sweep(sweep, deadline)
            case TestNotification():
                result = self._test_notification(deadline)
            case Diagnose() as wanted:
                result = self._diagnose(wanted, deadline)
            case FindNewestRestore() as wanted:
                result = self._find_newest_restore(wanted, deadline)
            case RecordValidation() as report:
                result = self._record_validation(report, deadline, request_id)
        return result

    @contextmanager
    def _reporting(self, target: RestoreTarget | None = None) -> Iterator[None]:
        """Report an error in the block."""
        try:
            yield
        except RestoreWatchError as error:
            self._telemetry.report_failure(error, target)
            raise

    @contextmanager
    def _following(self, deadline: Deadline) -> Iterator[None]:
        """Let a sweep follow the jobs that are new to the checks in the block, even if it fails."""
        try:
            yield
        finally:
            if self._checker.take_new():
                self._sweeper.start_following(deadline)

    def _sweep(self, sweep: Sweep, deadline: Deadline) -> Mapping[str, Any]:
        with self._reporting():
            return self._sweeper.sweep(sweep, deadline)

    def _test_notification(self, deadline: Deadline) -> Mapping[str, Any]:
        outbox = self._checker.outbox
        with self._reporting():
            message_id = outbox.topic.publish_test(outbox.clock.now(), deadline)
        self._telemetry.report_test(message_id)
        return {"messageId": message_id}

    def _diagnose(self, wanted: Diagnose, deadline: Deadline) -> Mapping[str, Any]:
        diagnosis = self._diagnosis(wanted, deadline)
        self._telemetry.report_diagnosis(diagnosis["checks"])
        return diagnosis

    def _find_newest_restore(
        self, wanted: FindNewestRestore, deadline: Deadline
    ) -> Mapping[str, Any]:
        with self._reporting():
            return find_newest_restore(self._checker.atlas, wanted, deadline)

    def _register(self, target: RestoreTarget, wait: Wait, deadline: Deadline) -> Mapping[str, Any]:
        with self._reporting(target):
            registration = register_wait(self._checker, target, wait, deadline)
        self._telemetry.report_registration(target, registration)
        return registration.as_json()

    def _record_validation(
        self, request: RecordValidation, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        with self._reporting(request.target):
            result = record_validation(
                self._checker, request.target, request.validation, deadline, request_id
            )
        self._telemetry.report_validation(request.target, result)
        return result.as_json()

    def _answer_one(self, one: OneTarget, deadline: Deadline) -> Mapping[str, Any]:
        (outcome,) = self._batches.check([[one.target]], deadline)
        if isinstance(outcome, FailedCheck):
            raise outcome.error
        result, until = outcome.as_json(), one.until
        if until is not None:
            result |= {"waitUntil": until, "waitIsOver": is_over(until, outcome.job, outcome.seen)}
        return result

    def _answer_several(self, several: SeveralTargets, deadline: Deadline) -> Mapping[str, Any]:
        outcomes = self._batches.check([several.targets], deadline)
        failures = [one for one in outcomes if isinstance(one, FailedCheck)]
        results = [one for one in outcomes if isinstance(one, CheckResult)]
        if failures and (several.all_must_succeed or not results):
            raise failures[0].error
        return {
            "results": [one.as_json() for one in results],
            "failures": [one.as_json() for one in failures],
        }

    def _answer_queue(self, batch: QueueBatch, deadline: Deadline) -> Mapping[str, Any]:
        """A record fails if the check of any of its targets fails."""
        records = [record.targets for record in batch.records]
        outcomes = iter(self._batches.check(records, deadline))
        failed: list[str] = []
        for record in batch.records:
            own = list(islice(outcomes, len(record.targets)))
            if any(isinstance(outcome, FailedCheck) for outcome in own):
                failed.append(record.message_id)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
