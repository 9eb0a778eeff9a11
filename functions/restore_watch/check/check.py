"""One check of one restore job, top to bottom: ask, record, publish."""

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.atlas.session import AtlasSession
from restore_watch.check.check_result import check_result
from restore_watch.check.outbox import Outbox
from restore_watch.errors import NotificationPendingError
from restore_watch.model.history_entry import HistoryEntry
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.table.job_item import Recorded
from restore_watch.time_limits import PUBLISHING_TIME, QUESTION_TIME


class JobChecker:
    """Checks restore jobs. One object serves an execution environment, from any thread."""

    def __init__(self, atlas: AtlasSession, outbox: Outbox) -> None:
        self.atlas = atlas
        self.outbox = outbox
        self._has_new = False

    def check(
        self, target: RestoreTarget, deadline: Deadline, *, patient: bool = True
    ) -> CheckResult:
        """
        Ask Atlas for the job, and publish its status if that changed.

        Once this returns, every change up to `sequence` is published. If the job cannot be fetched,
        pending changes are published first, and then the error is raised.

        Without `patient`, the question takes QUESTION_TIME at most, and it does not wait and ask
        Atlas again after a transient error.
        """
        begun = self.outbox.clock.now()
        asking = deadline.earlier(PUBLISHING_TIME)
        try:
            job = self.atlas.restore_job(
                target, asking if patient else asking.within(QUESTION_TIME), patient=patient
            )
        except ApplicationError as error:
            self._publish_before(error, target, deadline)
            raise
        recorded = self.outbox.record(job, begun, deadline)
        return check_result(target, job, recorded, self.publish(recorded, deadline))

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[HistoryEntry, ...]:
        """
        Publish what is pending for a job, and answer workflows.

        An open job is new until its first message is acknowledged. So if a check failed or died,
        the next check finds the job new too.
        """
        if recorded.published == 0 and not recorded.job.terminal:
            self._has_new = True
        return self.outbox.publish(recorded, deadline)

    def take_new(self) -> bool:
        """Return whether a job was new since the last call, whatever became of it."""
        has_new, self._has_new = self._has_new, False
        return has_new

    def _publish_before(
        self, error: ApplicationError, target: RestoreTarget, deadline: Deadline
    ) -> None:
        """
        Publish the pending changes of a job that could not be fetched.

        Raises NotificationPendingError instead of `error`, because the caller has to try again. Any
        other failure becomes a note on `error`, and is logged with it.
        """
        try:
            recorded = self.outbox.table.recall(target, deadline)
            if recorded is not None:
                self.publish(recorded, deadline)
        except NotificationPendingError as pending:
            raise pending from error
        except ApplicationError as failure:
            error.add_note(f"Pending changes were not published: {failure}")
