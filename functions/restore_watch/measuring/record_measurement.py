"""Recording a measurement, top to bottom: read the item, measure, append, publish."""

from collections.abc import Callable
from typing import NamedTuple

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.check.outbox import Outbox
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.measurement import Measurement
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind, RestoreTarget

_KINDS = {RestoreKind.DEDICATED, RestoreKind.COLLECTION}


class Measured(NamedTuple):
    """
    What came of a delivery.

    `measurement`: None of a restore that nobody measures, or that the table does not know any more.
    `is_new`: whether this delivery recorded it. `comes_again`: the message has to be delivered
    again, because a later try may measure the restore. `error`: what prevented it, if anything did.
    """

    measurement: Measurement | None = None
    is_new: bool = False
    comes_again: bool = False
    error: ApplicationError | None = None


def record_measurement(
    outbox: Outbox,
    target: RestoreTarget,
    measure: Callable[[RestoreJob], Measurement],
    deadline: Deadline,
    *,
    is_last: bool,
) -> Measured:
    """
    Measure the restore unless that is recorded, record it once, and publish what is pending.

    What a later try may find is not recorded before the last delivery. Raises TableUnavailableError
    or NotificationPendingError, after which another delivery goes on.
    """
    recorded = outbox.table.recall(target, deadline)
    if recorded is None or not _is_measured(recorded.job):
        return Measured()
    if recorded.measurement is not None:
        outbox.publish(recorded, deadline)
        return Measured(recorded.measurement.measurement)
    error = None
    try:
        measurement = measure(recorded.job)
    except UnmeasuredError as unmeasured:
        measurement, error = unmeasured.measurement, unmeasured.error
    if measurement.may_pass and not is_last:
        return Measured(measurement, comes_again=True, error=error)
    while recorded is not None and recorded.measurement is None:
        # Nothing is written if another invocation wrote to the job meanwhile: then again.
        recorded = outbox.table.measure(recorded, measurement, outbox.clock.now(), deadline)
    if recorded is None:
        return Measured()
    outbox.publish(recorded, deadline)
    return Measured(measurement, is_new=recorded.written is not None, error=error)


def _is_measured(job: RestoreJob) -> bool:
    """A job that the table does not know as completed gets another message once it does."""
    is_copy = job.kind in _KINDS and not job.is_download
    return is_copy and job.status is RestoreStatus.COMPLETED
