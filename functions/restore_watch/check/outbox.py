"""
The outbox: every change is recorded, published, sent to waiting workflows, and acknowledged.

A function that dies in between leaves the change pending. The next one publishes it, with the same
id.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from foundation.clock import Clock
from foundation.deadline import Deadline
from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.aws.restore_messages import message_of_job
from restore_watch.aws.status_changes_topic import StatusChangesTopic
from restore_watch.aws.step_functions import StepFunctions
from restore_watch.check.tag_reader import TagReader
from restore_watch.model.history_entry import HistoryEntry
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.status_change import StatusChange
from restore_watch.model.workflow_wait import TaskAnswer, Wait, WaitError, answer_to, is_given_up
from restore_watch.table.job_item import Recorded
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.project_names import ProjectNames
from restore_watch.telemetry.rto_of_clusters import ListedCluster
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.time_limits import PUBLISHING_TIME, QUESTION_TIME

PATIENCE = (0.1, 0.2, 0.4)
"""Seconds before each look at a change that another check publishes in tens of milliseconds."""


@dataclass(frozen=True)
class Outbox:
    """Every change of checks and sweeps goes through it. Any thread may use it."""

    table: RestoreJobsTable
    topic: StatusChangesTopic
    workflows: StepFunctions
    telemetry: Telemetry
    clock: Clock
    names: ProjectNames
    tags: TagReader

    def record(self, job: RestoreJob, begun: datetime, deadline: Deadline) -> Recorded:
        """Record the answer to a question of `begun`, once no other check is publishing it."""
        observed_at = self.clock.now()
        recorded = self.table.record(job, observed_at, deadline)
        for pause in PATIENCE:
            # An older change was left behind by a check that died. If clocks disagree, the cost is
            # a short wait or a second message.
            is_older = recorded.history[-1].observed_at < begun
            if recorded.change or not recorded.pending or is_older:
                break
            deadline.require(pause, "wait for the check that publishes this change")
            self.clock.sleep(pause)
            recorded = self.table.record(job, observed_at, deadline)
        return recorded

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[HistoryEntry, ...]:
        """Publish what is pending, in order, acknowledge it, and answer the waits that are over."""
        last: HistoryEntry | None = None
        name = self._project_name(recorded, deadline)
        try:
            for entry in recorded.pending:
                self.topic.publish(message_of_job(entry, name), deadline)
                self.telemetry.report_publication(entry, recorded)
                last = entry
        except ApplicationError:
            if last is not None:
                with suppress(ApplicationError):  # the first failure is the one to report
                    self.table.acknowledge(recorded, deadline, last=last)
            raise
        answers = [answer_to(wait, recorded.job, recorded.seen) for wait in recorded.waits]
        due = [answer for answer in answers if answer is not None]
        self._send(due, recorded, last, deadline)
        self._report_late_ends(recorded, deadline)
        return recorded.pending

    def _project_name(self, recorded: Recorded, deadline: Deadline) -> str | None:
        """Return the name for the messages that are pending."""
        if not recorded.pending:
            return None
        return self.names.name_of(recorded.job.group_id, deadline)

    def _report_late_ends(self, recorded: Recorded, deadline: Deadline) -> None:
        """Report by how much a restore was late whose end was published now."""
        for entry in recorded.pending:
            if isinstance(entry, StatusChange) and entry.job.status is RestoreStatus.COMPLETED:
                job = entry.job
                cluster = ListedCluster.of_jobs((job.group_id, job.cluster_name), job.kind)
                self.tags.read_tags_of(cluster, deadline)
                self.telemetry.report_late_end(job, cluster)

    def publish_pending(
        self, target: RestoreTarget, deadline: Deadline
    ) -> tuple[HistoryEntry, ...]:
        """Publish the pending entries of a job, from the table alone. Return them."""
        recorded = self.table.recall(target, deadline)
        return self.publish(recorded, deadline) if recorded else ()

    def end_waits(
        self,
        target: RestoreTarget,
        is_dropped: Callable[[Recorded], bool],
        deadline: Deadline,
        dropped_at: datetime | None,
    ) -> bool:
        """
        Answer all workflows that wait for a job, if nobody follows it any more since `dropped_at`.

        A workflow that was due an answer gets that answer. True if workflows waited, and all of
        them are answered or given up.
        """
        recorded = self.table.recall(target, deadline)
        if recorded is None or not recorded.waits or not is_dropped(recorded):
            return False
        recorded = replace(recorded, unanswered_since=dropped_at or recorded.unanswered_since)
        answers = [
            answer_to(wait, recorded.job, recorded.seen) or TaskAnswer(wait, WaitError.NOT_FOLLOWED)
            for wait in recorded.waits
        ]
        return self._send(answers, recorded, None, deadline)

    def _send(
        self,
        answers: Sequence[TaskAnswer],
        recorded: Recorded,
        last: HistoryEntry | None,
        deadline: Deadline,
    ) -> bool:
        """Send the answers, and acknowledge what was done. True if none has to be sent again."""
        taken: list[Wait] = []
        since = recorded.unanswered_since
        due_for = self.clock.now() - since if since else timedelta()
        sending = deadline.earlier(PUBLISHING_TIME).within(QUESTION_TIME)
        with suppress(TimeBudgetExceededError):  # a sweep sends the others
            for answer in answers:
                is_taken = self._send_answer(answer, recorded.job, due_for, sending)
                if is_taken:
                    taken.append(answer.wait)
        is_due = len(taken) < len(answers)
        if answers or last is not None or recorded.is_unanswered:
            due_since = self.clock.now() if is_due else None
            self.table.acknowledge(
                recorded, deadline, last=last, answered=taken, due_since=due_since
            )
        return not is_due

    def _send_answer(
        self, answer: TaskAnswer, job: RestoreJob, due_for: timedelta, deadline: Deadline
    ) -> bool:
        """Send an answer. True if it need not be sent again."""
        refusal = self.workflows.answer(answer, job, deadline)
        if refusal is None:
            self.telemetry.report_workflow_answer(answer, job)
            return True
        given_up = is_given_up(refusal.code, due_for)
        self.telemetry.report_unsent_answer(refusal, job, given_up=given_up)
        return given_up
