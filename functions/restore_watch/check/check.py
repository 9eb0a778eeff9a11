"""One check of one restore job, top to bottom: ask, record, publish."""

from foundation.deadline import Deadline
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import NotificationPendingError, RestoreWatchError
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.status_change import (
    event_id,
    has_room_for_unknown,
    is_contradiction,
    is_new_unknown,
)
from restore_watch.model.validation import Entry
from restore_watch.outbox import Outbox
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
        except RestoreWatchError as error:
            self._publish_before(error, target, deadline)
            raise
        recorded = self.outbox.record(job, begun, deadline)
        return result_of(target, job, recorded, self.publish(recorded, deadline))

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[Entry, ...]:
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
        self, error: RestoreWatchError, target: RestoreTarget, deadline: Deadline
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
        except RestoreWatchError as failure:
            error.add_note(f"Pending changes were not published: {failure}")


def result_of(
    target: RestoreTarget, job: RestoreJob, recorded: Recorded, published: tuple[Entry, ...]
) -> CheckResult:
    """Return the result of the check of a job."""
    stored, change, changes = recorded.job, recorded.change, recorded.changes
    is_surplus = is_new_unknown(job, changes) and not has_room_for_unknown(job, changes)
    asked_tenant = target.kind is RestoreKind.TENANT
    return CheckResult(
        # If the status is the same, Atlas's latest answer has newer details.
        job=job if event_id(job) == event_id(stored) else stored,
        previous_status=change.previous_status if change else stored.status,
        changed=change is not None,
        sequence=len(recorded.history),
        published=published,
        contradiction=job.status if is_contradiction(job, changes) else None,
        unrecorded_word=job.atlas_status if is_surplus else None,
        successor=job.kind if asked_tenant and job.kind is not RestoreKind.TENANT else None,
        seen=recorded.seen,
    )
