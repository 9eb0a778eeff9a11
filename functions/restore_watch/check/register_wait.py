"""Registering a workflow that waits for a restore job, top to bottom: store, publish, answer."""

from contextlib import suppress

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.check.check import JobChecker
from restore_watch.errors import NotificationPendingError, TableUnavailableError, TooManyWaitsError
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.results import CheckResult, Registration
from restore_watch.model.workflow_wait import WAITS_LIMIT, Wait
from restore_watch.table.job_item import Recorded


class WaitRegistrar:
    """Registers workflows. Each is answered once its wait is over, here or by a sweep."""

    def __init__(self, checker: JobChecker) -> None:
        self._checker = checker
        self._outbox = checker.outbox

    def register(self, target: RestoreTarget, wait: Wait, deadline: Deadline) -> Registration:
        """
        Store that the workflow waits. If its wait is over already, it is answered at once.

        One write stores the token and returns the job, so no end is missed. A job that the
        table does not know is checked first. Raises TooManyWaitsError, and otherwise as a check.
        """
        first_check = None
        recorded = self._store(target, wait, deadline)
        if recorded is None:
            first_check = self._check(target, deadline)
            recorded = self._store(target, wait, deadline)
        if recorded is not None and wait not in recorded.waits:
            # Workflows whose wait is over free their places.
            self._publish(recorded, deadline)
            recorded = self._store(target, wait, deadline)
        if recorded is None:
            msg = "this restore job was deleted from the table meanwhile; try again"
            raise TableUnavailableError(msg)
        if wait not in recorded.waits:
            msg = f"{WAITS_LIMIT} workflows wait for this restore job, and no more may"
            raise TooManyWaitsError(msg)
        # The wait is stored, so the workflow waits.
        self._publish(recorded, deadline)
        return Registration(recorded.job, wait.until, first_check)

    def _store(self, target: RestoreTarget, wait: Wait, deadline: Deadline) -> Recorded | None:
        return self._outbox.table.wait(target, wait, self._outbox.clock.now(), deadline)

    def _publish(self, recorded: Recorded, deadline: Deadline) -> None:
        """Publish and answer. If that fails, a sweep does it."""
        with suppress(NotificationPendingError, TableUnavailableError, TimeBudgetExceededError):
            self._checker.publish(recorded, deadline)

    def _check(self, target: RestoreTarget, deadline: Deadline) -> CheckResult | None:
        """Check the job. Even if its change cannot be published, the table knows the job then."""
        with suppress(NotificationPendingError):
            return self._checker.check(target, deadline)
        return None
