"""One check of one restore job, top to bottom: ask, record, publish, acknowledge."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from cachetools import LRUCache

from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.step_functions import Workflows
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    NotificationPendingError,
    RestoreWatchError,
    TimeBudgetExceededError,
)
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.status_change import (
    has_room_for_unknown,
    is_contradiction,
    is_new_unknown,
)
from restore_watch.model.validation import Entry
from restore_watch.model.wait import TaskAnswer, Wait, answer_to, left_behind
from restore_watch.table.job_item import Recorded
from restore_watch.table.jobs import Acknowledgement, RestoreJobsTable

PUBLISHING_TIME = 4.0
"""
Seconds that a check reserves for the table and the topic; Atlas cannot use them up.

Nor can Step Functions: what was published is acknowledged while it hangs.
"""

TIME_SHARE = 6.0
"""
Seconds that a question about one of several jobs may take, and so may its answers to workflows.

In recordings Atlas takes 0.4 s.
"""

PATIENCE = (0.1, 0.2, 0.4)
"""
Seconds to wait before each new look at a change that another check is publishing.

Within a region, publishing and acknowledging takes tens of milliseconds.
"""

REPORTS_REMEMBERED = 1000
"""Contradictions and unrecorded words that are remembered, so that each is reported once."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class JobChecker:
    """Checks restore jobs. One object serves an execution environment, from any thread."""

    def __init__(
        self,
        atlas: AtlasSession,
        table: RestoreJobsTable,
        topic: StatusChangesTopic,
        workflows: Workflows,
        *,
        on_published: Callable[[Entry, Recorded], None] = lambda _entry, _recorded: None,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.atlas = atlas
        self.table = table
        self.topic = topic
        self.workflows = workflows
        self.on_published = on_published
        self.now = now
        self.sleep = sleep
        self._lock = Lock()
        self._reported: LRUCache[tuple[str, str], bool] = LRUCache(REPORTS_REMEMBERED)

    def check(
        self, target: RestoreTarget, deadline: Deadline, *, patient: bool = True
    ) -> CheckResult:
        """
        Ask Atlas for the job, and publish its status if that changed.

        Once this returns, every change up to `sequence` is published. A check that is interrupted
        leaves its change pending; the next check publishes it, with the same id. If the job cannot
        be fetched, pending changes are published first, and then the error is raised.

        Without `patient`, the question takes its TIME_SHARE at most, and it does not wait and ask
        Atlas again after a transient error.
        """
        begun = self.now()
        asking = deadline.earlier(PUBLISHING_TIME)
        try:
            job = self.atlas.restore_job(
                target, asking if patient else asking.within(TIME_SHARE), patient=patient
            )
        except RestoreWatchError as error:
            self._publish_before(error, target, deadline)
            raise
        recorded = self.record(job, begun, deadline)
        published = self.publish(recorded, deadline)
        return self.result(target, job, recorded, published)

    def publish_pending(self, target: RestoreTarget, deadline: Deadline) -> tuple[Entry, ...]:
        """Publish what is pending for a job, from the table alone. Return what was published."""
        recorded = self.table.recall(target, deadline)
        return self.publish(recorded, deadline) if recorded else ()

    def record(self, job: RestoreJob, begun: datetime, deadline: Deadline) -> Recorded:
        """
        Record what Atlas answered to a question that was asked at `begun`.

        If another check is publishing the change now, let it finish.
        """
        observed_at = self.now()
        recorded = self.table.record(job, observed_at, deadline)
        for pause in PATIENCE:
            if not _is_published_elsewhere(recorded, begun):
                break
            deadline.require(pause, "wait for the check that publishes this change")
            self.sleep(pause)
            recorded = self.table.record(job, observed_at, deadline)
        return recorded

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[Entry, ...]:
        """
        Publish what is pending, in order, and answer the workflows whose wait is over.

        Acknowledge what was published, even if one fails.
        """
        last: Entry | None = None
        try:
            for entry in recorded.pending:
                self.topic.publish(entry, deadline)
                self.on_published(entry, recorded)
                last = entry
        except RestoreWatchError:
            if last is not None:
                with suppress(RestoreWatchError):  # the first failure is the one to report
                    self.table.acknowledge(recorded, Acknowledgement(last), deadline)
            raise
        if recorded.waits or recorded.is_unanswered:
            self._answer(recorded, last, deadline)
        elif last is not None:
            self.table.acknowledge(recorded, Acknowledgement(last), deadline)
        return recorded.pending

    def end_waits(
        self,
        target: RestoreTarget,
        is_left: Callable[[Recorded], bool],
        deadline: Deadline,
        left_at: datetime | None = None,
    ) -> bool:
        """
        Answer all workflows that wait for a job, if nobody follows it any more since `left_at`.

        A workflow that was due an answer gets that one. True if there were some, and all have been
        told or are given up.
        """
        recorded = self.table.recall(target, deadline)
        if recorded is None or not recorded.waits or not is_left(recorded):
            return False
        recorded = replace(recorded, unanswered_since=left_at or recorded.unanswered_since)
        answers = [
            answer_to(wait, recorded.job, recorded.seen) or left_behind(wait)
            for wait in recorded.waits
        ]
        return self._send(answers, recorded, None, deadline)

    def _answer(self, recorded: Recorded, last: Entry | None, deadline: Deadline) -> None:
        answers = (answer_to(wait, recorded.job, recorded.seen) for wait in recorded.waits)
        self._send([one for one in answers if one is not None], recorded, last, deadline)

    def _send(
        self,
        answers: Sequence[TaskAnswer],
        recorded: Recorded,
        last: Entry | None,
        deadline: Deadline,
    ) -> bool:
        """Send the answers and acknowledge. True if none of them has to be sent again."""
        taken: list[Wait] = []
        since = recorded.unanswered_since
        due_for = self.now() - since if since else timedelta()
        sending = deadline.earlier(PUBLISHING_TIME).within(TIME_SHARE)
        with suppress(TimeBudgetExceededError):  # a sweep sends the others
            taken.extend(
                answer.wait
                for answer in answers
                if self.workflows.answer(answer, recorded.job, sending, due_for)
            )
        is_due = len(taken) < len(answers)
        if answers or last is not None or recorded.is_unanswered:
            done = Acknowledgement(last, tuple(taken), self.now() if is_due else None)
            self.table.acknowledge(recorded, done, deadline)
        return not is_due

    def _publish_before(
        self, error: RestoreWatchError, target: RestoreTarget, deadline: Deadline
    ) -> None:
        """
        Publish what is pending for a job that could not be fetched.

        Raises NotificationPendingError instead of `error`, because the caller has to try again. Any
        other failure becomes a note on `error`, and is logged with it.
        """
        try:
            self.publish_pending(target, deadline)
        except NotificationPendingError as pending:
            raise pending from error
        except RestoreWatchError as failure:
            error.add_note(f"Pending changes were not published: {failure}")

    def result(
        self,
        target: RestoreTarget,
        job: RestoreJob,
        recorded: Recorded,
        published: tuple[Entry, ...],
    ) -> CheckResult:
        """Return what the check of a job has found."""
        stored, change, changes = recorded.job, recorded.change, recorded.changes
        contradicts = is_contradiction(job, changes)
        surplus = is_new_unknown(job, changes) and not has_room_for_unknown(job, changes)
        asked_tenant = target.kind is RestoreKind.TENANT
        return CheckResult(
            # If the status is the same, Atlas's latest answer has newer details.
            job=job if _says_the_same(job, stored) else stored,
            previous_status=change.previous_status if change else stored.status,
            changed=change is not None,
            sequence=len(recorded.history),
            published=published,
            contradiction=job.status if contradicts and self._is_news(job, job.status) else None,
            unrecorded_word=(
                job.atlas_status if surplus and self._is_news(job, job.atlas_status) else None
            ),
            successor=job.kind if asked_tenant and job.kind is not RestoreKind.TENANT else None,
            seen=recorded.seen,
        )

    def _is_news(self, job: RestoreJob, what: str | None) -> bool:
        report = (job.restore_id, what or "")
        with self._lock:
            is_news = report not in self._reported
            self._reported[report] = True
        return is_news


def _is_published_elsewhere(recorded: Recorded, begun: datetime) -> bool:
    """
    Another check recorded the newest change after this one began, and is publishing it.

    An older pending change counts as left behind by a check that died. If clocks disagree, the cost
    is a short wait or a second message.
    """
    overlaps = bool(recorded.pending) and recorded.history[-1].observed_at >= begun
    return overlaps and recorded.change is None


def _says_the_same(job: RestoreJob, stored: RestoreJob) -> bool:
    if job.status is not stored.status:
        return False
    is_unknown = job.status is RestoreStatus.UNKNOWN
    return not is_unknown or (job.atlas_status, job.terminal) == (
        stored.atlas_status,
        stored.terminal,
    )
