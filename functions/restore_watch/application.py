"""What one invocation does: read the event, check the jobs it names or sweep, return the result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from restore_watch.actions import Diagnose, FindNewest, RecordValidation, Sweep, TestNotification
from restore_watch.check import TIME_SHARE, CheckResult, JobChecker
from restore_watch.deadline import Deadline
from restore_watch.errors import AtlasError, InvalidEventError, RestoreWatchError
from restore_watch.event import (
    OneTarget,
    QueueBatch,
    RefusedTarget,
    Request,
    SeveralTargets,
    Target,
    WaitForJob,
    parse,
)
from restore_watch.lease import SWEEP_TIME
from restore_watch.newest import NewestRestore
from restore_watch.registration import WaitRegistrar
from restore_watch.restore_job import RestoreTarget
from restore_watch.sweep import Sweeper
from restore_watch.telemetry import Telemetry
from restore_watch.validating import ValidationRecorder
from restore_watch.waiting import Wait

CHECK_TIME = 60.0
"""Seconds that an invocation takes at most, unless it is a sweep: somebody may wait for it."""

ROUNDS = 3
"""One of several targets is checked this many times at most."""


@dataclass(frozen=True)
class Failure:
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


type Outcome = CheckResult | Failure

type Diagnosis = Callable[[Diagnose, Deadline], Mapping[str, Any]]
"""Says what works and what does not."""


class Application:
    """Answers invocations, and reports every check to the telemetry."""

    def __init__(
        self, checker: JobChecker, sweeper: Sweeper, telemetry: Telemetry, diagnosis: Diagnosis
    ) -> None:
        self._checker = checker
        self._sweeper = sweeper
        self._diagnosis = diagnosis
        self._telemetry = telemetry

    def answer(
        self, event: object, deadline: Deadline, request_id: str | None = None
    ) -> Mapping[str, Any]:
        """
        Return the result of the invocation, plain JSON.

        `request_id` is Lambda's id of the invocation, which its retries of the invocation share.

        - One target: its result. If its check fails, the error is raised.
        - One target with a task token: the job as it is known now.
        - Several: `results` and `failures`. The first error is raised if every check failed; for an
          EventBridge event, if any check failed.
        - An SQS batch: `batchItemFailures`, the records to deliver again.
        - A sweep: its counts and failures (`restore_watch.sweep`).
        - A test notification: its `messageId`.
        - A diagnosis: its checks (`restore_watch.diagnosis.doctor`).
        - A validation: the job, what was recorded of it, and whether that is new.
        """
        try:
            request = self._parse(event)
            longest = SWEEP_TIME if isinstance(request, Sweep) else CHECK_TIME
            return self._result(request, deadline.within(longest), request_id)
        finally:
            self._telemetry.flush()

    def _result(
        self, request: Request, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        match request:
            case OneTarget(target):
                result = self._answer_one(target, deadline)
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
            case FindNewest(group_id, cluster_name):
                result = self._find_newest(group_id, cluster_name, deadline)
            case RecordValidation() as report:
                result = self._record_validation(report, deadline, request_id)
        return result

    def _sweep(self, sweep: Sweep, deadline: Deadline) -> Mapping[str, Any]:
        try:
            return self._sweeper.sweep(sweep, deadline)
        except RestoreWatchError as error:
            self._telemetry.failed(error)
            raise

    def _test_notification(self, deadline: Deadline) -> Mapping[str, Any]:
        try:
            message_id = self._checker.topic.publish_test(self._checker.now(), deadline)
        except RestoreWatchError as error:
            self._telemetry.failed(error)
            raise
        self._telemetry.test_published(message_id)
        return {"messageId": message_id}

    def _diagnose(self, wanted: Diagnose, deadline: Deadline) -> Mapping[str, Any]:
        diagnosis = self._diagnosis(wanted, deadline)
        self._telemetry.diagnosed(diagnosis["checks"])
        return diagnosis

    def _find_newest(
        self, group_id: str, cluster_name: str, deadline: Deadline
    ) -> Mapping[str, Any]:
        try:
            return NewestRestore(self._checker).find(group_id, cluster_name, deadline)
        except RestoreWatchError as error:
            self._telemetry.failed(error)
            raise

    def _register(self, target: RestoreTarget, wait: Wait, deadline: Deadline) -> Mapping[str, Any]:
        try:
            registration = WaitRegistrar(self._checker).register(target, wait, deadline)
        except RestoreWatchError as error:
            self._telemetry.failed(error, target)
            raise
        self._telemetry.registered(target, registration)
        return registration.as_json()

    def _record_validation(
        self, request: RecordValidation, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        recorder = ValidationRecorder(self._checker)
        try:
            result = recorder.record(request.target, request.validation, deadline, request_id)
        except RestoreWatchError as error:
            self._telemetry.failed(error, request.target)
            raise
        self._telemetry.validated(request.target, result)
        return result.as_json()

    def _parse(self, event: object) -> Request:
        try:
            return parse(event)
        except InvalidEventError as error:
            self._telemetry.failed(error)
            raise

    def _answer_one(self, target: Target, deadline: Deadline) -> Mapping[str, Any]:
        (outcome,) = self._check_all([target], deadline)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.as_json()

    def _answer_several(self, several: SeveralTargets, deadline: Deadline) -> Mapping[str, Any]:
        outcomes = self._check_all(several.targets, deadline)
        failures = [one for one in outcomes if isinstance(one, Failure)]
        results = [one for one in outcomes if isinstance(one, CheckResult)]
        if failures and (several.all_must_succeed or not results):
            raise failures[0].error
        return {
            "results": [one.as_json() for one in results],
            "failures": [one.as_json() for one in failures],
        }

    def _answer_queue(self, batch: QueueBatch, deadline: Deadline) -> Mapping[str, Any]:
        """A record fails if the check of any of its targets fails."""
        targets = [target for record in batch.records for target in record.targets]
        outcomes = iter(self._check_all(targets, deadline))
        failed: list[str] = []
        for record in batch.records:
            own = list(islice(outcomes, len(record.targets)))
            if any(isinstance(outcome, Failure) for outcome in own):
                failed.append(record.message_id)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _check_all(self, targets: Sequence[Target], deadline: Deadline) -> list[Outcome]:
        """
        Check the targets one after the other, and return their outcomes in the same order.

        The check of a single target may wait and ask Atlas again. Several targets are checked in
        rounds, without waiting: after a transient error, a target is checked again in the next
        round, so that it does not use up the time of the others.
        """
        if len(targets) == 1:
            outcome = self._check(targets[0], deadline)
            self._report(targets[0], outcome)
            return [outcome]
        outcomes: dict[int, Outcome] = {}
        waiting = list(range(len(targets)))
        for rounds_left in reversed(range(ROUNDS)):
            again: list[int] = []
            for place in waiting:
                share = deadline.within(TIME_SHARE)
                outcomes[place] = self._check(targets[place], share, patient=False)
                if rounds_left and _may_succeed_later(outcomes[place]):
                    again.append(place)
                else:
                    self._report(targets[place], outcomes[place])
            waiting = again
        return [outcomes[place] for place in range(len(targets))]

    def _check(self, target: Target, deadline: Deadline, *, patient: bool = True) -> Outcome:
        if isinstance(target, RefusedTarget):
            return Failure(target, target.error)
        try:
            return self._checker.check(target, deadline, patient=patient)
        except RestoreWatchError as error:
            return Failure(target, error)

    def _report(self, target: Target, outcome: Outcome) -> None:
        if isinstance(target, RefusedTarget):
            self._telemetry.failed(target.error)
        elif isinstance(outcome, Failure):
            self._telemetry.failed(outcome.error, target)
        else:
            self._telemetry.checked(target, outcome)


def _may_succeed_later(outcome: Outcome) -> bool:
    return (
        isinstance(outcome, Failure)
        and isinstance(outcome.error, AtlasError)
        and outcome.error.transient
    )
