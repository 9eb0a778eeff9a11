"""One invocation: read the event, check the jobs it names or sweep, return the result."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.aws.own_function import OwnFunction
from restore_watch.check.batch import BatchChecker
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import (
    Action,
    Diagnose,
    FindNewestRestore,
    RecordValidation,
    TestNotification,
)
from restore_watch.event.request import (
    OneTarget,
    QueueBatch,
    Request,
    WaitForJob,
    read_request,
)
from restore_watch.event.several_targets import SeveralTargets
from restore_watch.event.sweep_request import SweepRequest
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.time_limits import CHECK_TIME, FOLLOWING_TIME, SWEEP_TIME

if TYPE_CHECKING:
    from restore_watch.sweep.sweep import Sweeper


@dataclass(frozen=True)
class Application:
    """Answers invocations, and reports every check. What most do not need is made on first use."""

    checker: JobChecker
    batches: BatchChecker
    telemetry: Telemetry
    own_function: OwnFunction
    hot_rounds: bool
    sweeper: Callable[[], "Sweeper"]
    diagnosis: Callable[[Diagnose, Deadline], Mapping[str, Any]]

    def answer(
        self, event: object, deadline: Deadline, request_id: str | None = None
    ) -> Mapping[str, Any]:
        """
        Return the result of the invocation, plain JSON, which docs/events.md describes.

        Lambda's retries have the same `request_id`. The error of a single target is raised; of
        several, the first error if every check failed or, for an EventBridge event, any check.
        """
        with self._reporting():
            request = read_request(event)
        deadline = deadline.within(SWEEP_TIME if isinstance(request, SweepRequest) else CHECK_TIME)
        try:
            return self._result(request, deadline, request_id)
        finally:
            # A sweep follows the jobs that are new, even if their check failed.
            if self.checker.take_new() and self.hot_rounds:
                self._start_following(deadline.within(FOLLOWING_TIME))

    def _start_following(self, deadline: Deadline) -> None:
        """Start the sweep that follows new jobs. If Lambda does not take it, the next tick does."""
        error = self.own_function.start_sweep(self.checker.outbox.clock.now(), deadline)
        if error is not None:
            self.telemetry.report_unstarted_sweep(error)

    def _result(
        self, request: Request, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        match request:
            case OneTarget():
                return self.batches.result_of_one(request, deadline)
            case SeveralTargets():
                return self.batches.result_of_several(request, deadline)
            case QueueBatch():
                return {"batchItemFailures": self.batches.batch_item_failures(request, deadline)}
        with self._reporting(getattr(request, "target", None)):
            return self._act(request, deadline, request_id)

    @contextmanager
    def _reporting(self, target: RestoreTarget | None = None) -> Iterator[None]:
        """Report an error in the block."""
        try:
            yield
        except ApplicationError as error:
            self.telemetry.report_failure(error, target)
            raise

    def _act(
        self, request: WaitForJob | Action, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        result: Mapping[str, Any]
        match request:
            case WaitForJob(target, wait):
                from restore_watch.check.register_wait import register_wait

                registration = register_wait(self.checker, target, wait, deadline)
                self.telemetry.report_registration(registration)
                result = registration.as_json()
            case RecordValidation():
                from restore_watch.check.record_validation import record_validation

                recorded = record_validation(self.checker, request, deadline, request_id)
                self.telemetry.report_validation(recorded)
                result = recorded.as_json()
            case SweepRequest():
                result = self.sweeper().sweep(request, deadline)
            case FindNewestRestore():
                from restore_watch.check.newest_restore import find_newest_restore

                result = find_newest_restore(self.checker.atlas, request, deadline)
            case TestNotification():
                outbox = self.checker.outbox
                result = {"messageId": outbox.topic.publish_test(outbox.clock.now(), deadline)}
                self.telemetry.report_test(result["messageId"])
            case Diagnose():
                result = self.diagnosis(request, deadline)
                self.telemetry.report_diagnosis(result["checks"])
        return result
