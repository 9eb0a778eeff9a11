"""What one invocation does: read the event, check every job it names, answer its caller."""

from collections.abc import Mapping
from typing import Any

from restore_watch.deadline import Deadline
from restore_watch.errors import InvalidEventError, RestoreWatchError
from restore_watch.event import (
    OneTarget,
    QueueBatch,
    QueueRecord,
    RefusedTarget,
    SeveralTargets,
    parse,
)
from restore_watch.restore_job import RestoreTarget
from restore_watch.telemetry import Telemetry
from restore_watch.watch import CheckResult, RestoreWatch


class Application:
    """Answers invocations; tells the telemetry what came of every check."""

    def __init__(self, watch: RestoreWatch, telemetry: Telemetry) -> None:
        self._watch = watch
        self._telemetry = telemetry

    def answer(self, event: object, deadline: Deadline) -> Mapping[str, Any]:
        """
        Return the result of the invocation, plain JSON.

        - One target: its result, or its error raised.
        - Several: `results` and `failures`; the first error raised when every one failed.
        - An SQS batch: `batchItemFailures`, the records to deliver again.
        """
        try:
            match self._parse(event):
                case OneTarget(target):
                    return self._check(target, deadline).as_json()
                case SeveralTargets() as several:
                    return self._check_several(several, deadline)
                case QueueBatch(records):
                    again = [record for record in records if not self._succeeds(record, deadline)]
                    return {
                        "batchItemFailures": [
                            {"itemIdentifier": record.message_id} for record in again
                        ]
                    }
        finally:
            self._telemetry.flush()

    def _parse(self, event: object) -> OneTarget | SeveralTargets | QueueBatch:
        try:
            return parse(event)
        except InvalidEventError as error:
            self._telemetry.failed(error)
            raise

    def _check(self, target: RestoreTarget | RefusedTarget, deadline: Deadline) -> CheckResult:
        if isinstance(target, RefusedTarget):
            self._telemetry.failed(target.error)
            raise target.error
        try:
            result = self._watch.check(target, deadline)
        except RestoreWatchError as error:
            self._telemetry.failed(error, target)
            raise
        self._telemetry.checked(target, result)
        return result

    def _check_several(self, several: SeveralTargets, deadline: Deadline) -> Mapping[str, Any]:
        results: list[Mapping[str, Any]] = []
        errors: list[RestoreWatchError] = []
        failures: list[Mapping[str, Any]] = []
        for target in several.targets:
            try:
                results.append(self._check(target, deadline).as_json())
            except RestoreWatchError as error:
                errors.append(error)
                failures.append(
                    {
                        "target": target.as_json(),
                        "error": type(error).__name__,
                        "message": str(error),
                    }
                )
        if not results:
            raise errors[0]
        return {"results": results, "failures": failures}

    def _succeeds(self, record: QueueRecord, deadline: Deadline) -> bool:
        """Whether a record is done with; one target that fails brings all of it back."""
        try:
            match record.request:
                case InvalidEventError() as error:
                    self._telemetry.failed(error)
                    return False
                case OneTarget(target):
                    self._check(target, deadline)
                    return True
                case SeveralTargets() as several:
                    return not self._check_several(several, deadline)["failures"]
        except RestoreWatchError:
            return False
