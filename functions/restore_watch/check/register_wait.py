"""
Registering a workflow that waits for a restore job, top to bottom: store, publish, answer.

A workflow is answered once its wait is over, here or by a sweep.
"""

from contextlib import suppress

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.check.check import JobChecker
from restore_watch.errors import NotificationPendingError, TableUnavailableError, TooManyWaitsError
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.results import Registration
from restore_watch.model.workflow_wait import WAITS_LIMIT, Wait
from restore_watch.table.job_item import Recorded


def register_wait(
    checker: JobChecker, target: RestoreTarget, wait: Wait, deadline: Deadline
) -> Registration:
    """
    Store that the workflow waits. If its wait is over already, it is answered at once.

    One write stores the token and returns the job, so no end is missed. A job that the table does
    not know is checked first. Raises TooManyWaitsError, and otherwise as a check.
    """

    def store() -> Recorded | None:
        outbox = checker.outbox
        return outbox.table.add_wait(target, wait, outbox.clock.now(), deadline)

    first_check = None
    recorded = store()
    if recorded is None:
        # Even if the change of the job cannot be published, the table knows the job then.
        with suppress(NotificationPendingError):
            first_check = checker.check(target, deadline)
        recorded = store()
    if recorded is not None and wait not in recorded.waits:
        # Workflows whose wait is over free their places.
        _publish(checker, recorded, deadline)
        recorded = store()
    if recorded is None:
        msg = "this restore job was deleted from the table meanwhile; try again"
        raise TableUnavailableError(msg)
    if wait not in recorded.waits:
        msg = f"{WAITS_LIMIT} workflows wait for this restore job, and no more may"
        raise TooManyWaitsError(msg)
    # The wait is stored, so the workflow waits.
    _publish(checker, recorded, deadline)
    return Registration(recorded.job, wait.until, first_check)


def _publish(checker: JobChecker, recorded: Recorded, deadline: Deadline) -> None:
    """Publish and answer. If that fails, a sweep does it."""
    with suppress(NotificationPendingError, TableUnavailableError, TimeBudgetExceededError):
        checker.publish(recorded, deadline)
