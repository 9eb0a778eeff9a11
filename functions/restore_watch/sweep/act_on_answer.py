"""
How a sweep acts on Atlas's answer about an open job.

The index has the known state. An unchanged job costs no call to AWS; a change takes the
one path of every change, the same as in a check by name.
"""

from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime
from functools import partial
from itertools import count
from random import shuffle
from threading import Lock
from typing import TYPE_CHECKING

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.service import service
from foundation.timed_call import LEAST_TIME
from restore_watch.check.check import result_of
from restore_watch.check.outbox import Outbox
from restore_watch.errors import NotificationPendingError, RestoreWatchError
from restore_watch.model.restore_job import RestoreJob, RestoreTarget
from restore_watch.model.status_change import utc_text
from restore_watch.sweep.cadence import FORGOTTEN, REFUSED, is_forgotten, is_past_its_link, left_at
from restore_watch.sweep.run import Run
from restore_watch.table.job_item import Recorded
from restore_watch.table.open_job import JobKey, OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.threads.workers import Workers

if TYPE_CHECKING:
    from restore_watch.model.validation import Entry

REFUSALS = 3
"""After so many refusals by the topic, a sweep leaves what is pending to the next one."""

MISSED_TIME = 900.0
"""Seconds without another answer after which an environment believes that a job is gone."""


class TopicRefusals:
    """Counts the refusals of one sweep. Any thread may use it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.are_too_many = False

    def add(self) -> None:
        """The topic refused a message."""
        self.are_too_many |= next(self._numbers) >= REFUSALS


@service
class Follower:
    """
    Follows the open jobs of one sweep. Any thread may use it. What fails is a failure of the sweep.

    A list and a job's own endpoint show the same change at the same time, so each job has a lock in
    `acting`: its change is published once.
    """

    run: Run
    outbox: Outbox
    open_jobs: OpenJobs
    refusals: TopicRefusals
    acting: dict[JobKey, Lock] = field(default_factory=dict)

    def publish_pending(self, job: OpenJob, deadline: Deadline) -> None:
        """Publish what is pending for a job, from the table alone."""
        try:
            published = self.outbox.publish_pending(job.target, deadline)
        except RestoreWatchError as error:
            self._failed(job, error)
        else:
            self.run.known[job.key] = replace(job, published=job.sequence, is_unanswered=False)
            self.run.tally.published_for(job, len(published))

    def answered(self, job: OpenJob, answer: RestoreJob, begun: datetime) -> bool:
        """
        Atlas said this in answer to a question that was asked at `begun`.

        Only news costs a call to AWS. True if the table has it.
        """
        with self.acting.setdefault(job.key, Lock()):
            known = self.run.known.get(job.key)
            if known is None and self.run.memory.is_recorded(job.key):
                return True
            return self._act(known or job, answer, begun)

    def found(self, answer: RestoreJob, target: RestoreTarget, begun: datetime) -> bool:
        """
        A list showed a job that no sweep knew, in answer to a question that was asked at `begun`.

        True if it is in the table now, whether it was there before or not.
        """
        job = OpenJob(target, answer.kind)
        with self.acting.setdefault(job.key, Lock()):
            if self.run.memory.is_recorded(job.key):
                return True
            try:
                known = self._settle(job, answer, begun)
            except RestoreWatchError as error:
                self._failed(job, error)
                if not isinstance(error, NotificationPendingError):
                    return False
            else:
                self.run.memory.settled(known)
            self.run.memory.recorded(job.key)
            return True

    def missed(self, job: OpenJob, *, is_refused: bool = False) -> None:
        """Atlas does not know the job, or refuses it in a project that is no longer watched."""
        now = self.run.now()
        missed_for = self.run.memory.missed(job)
        after, reason = FORGOTTEN, "Atlas does not know it"
        if is_refused:
            after, reason = REFUSED, "Atlas refuses it, and its project is no longer watched"
        try:
            if job.missing_since is None:
                self.open_jobs.note_missing(job, now, self.run.ending)
                self._note(replace(job, missing_since=now))
            elif is_past_its_link(job, now):
                self._leave(job, self.open_jobs.drop_expired_link, "its link has expired")
            elif is_forgotten(job, now, after) and missed_for >= MISSED_TIME:
                self._leave(job, self.open_jobs.drop_missing, reason)
        except RestoreWatchError as error:
            self._failed(job, error)

    def _act(self, job: OpenJob, answer: RestoreJob, begun: datetime) -> bool:
        try:
            if job.missing_since is not None:
                self.open_jobs.clear_missing(job, self.run.ending)
                job = self._note(replace(job, missing_since=None))
            if job.may_become(answer):
                job = self._settle(job, answer, begun)
            else:
                job = self._move_link(job, answer)
                self.run.telemetry.report_unchanged(job.target)
            self.run.memory.settled(job)
            if not job.pending:
                self.run.tally.succeeded_for(job)
            if is_past_its_link(job, self.run.now()):
                self._leave(job, self.open_jobs.drop_expired_link, "its link has expired")
        except RestoreWatchError as error:
            self._failed(job, error)
            return isinstance(error, NotificationPendingError)
        return True

    def _settle(self, job: OpenJob, answer: RestoreJob, begun: datetime) -> OpenJob:
        """Record the answer, and publish what is pending unless the topic refuses too often."""
        recorded = self.outbox.record(answer, begun, self.run.ending)
        if recorded.change is not None:
            is_found = job.sequence == 0 and len(recorded.history) == 1
            self.run.tally.changed_one(found=is_found)
        job = self._note_recorded(job, answer, recorded, recorded.published)
        published: tuple[Entry, ...] = ()
        if recorded.pending and not self.refusals.are_too_many:
            published = self.outbox.publish(recorded, self.run.ending)
            self.run.tally.published_for(job, len(published))
            job = self._note_recorded(job, answer, recorded, len(recorded.history))
        result = result_of(job.target, answer, recorded, published)
        self.run.telemetry.report_result(job.target, result)
        return job

    def _note_recorded(
        self, job: OpenJob, answer: RestoreJob, recorded: Recorded, published: int
    ) -> OpenJob:
        job = job.as_stored(
            recorded.job, len(recorded.history), published, recorded.history[-1].observed_at
        )
        job = replace(job, answered_word=answer.atlas_status)
        if recorded.job.terminal and not recorded.job.is_ready_download:
            self.run.known.pop(job.key, None)
            self.run.memory.recorded(job.key)
            return job
        return self._note(job)

    def _move_link(self, job: OpenJob, answer: RestoreJob) -> OpenJob:
        """A download that is prepared again has a new link. That is not a change of status."""
        expires_at = answer.expiration_date
        if expires_at is None or not job.has_newer_link(answer):
            return job
        self.open_jobs.move_link(job, expires_at, self.run.ending)
        return self._note(replace(job, expiration_date=expires_at))

    def _failed(self, job: OpenJob, error: RestoreWatchError) -> None:
        if isinstance(error, TimeBudgetExceededError):
            self.run.tally.not_settled(job)
            return
        if isinstance(error, NotificationPendingError):
            self.refusals.add()
            self.run.memory.refused(job)
        self.run.tally.failed(job, error)

    def _note(self, job: OpenJob) -> OpenJob:
        self.run.known[job.key] = job
        return job

    def _leave(self, job: OpenJob, leave: Callable[[OpenJob, Deadline], bool], reason: str) -> None:
        """
        Take a job out of the index. Workflows that wait for it are told so before.

        They are not if the job was found or has changed meanwhile.
        """
        has_left = leave(job, self.run.ending)
        if not has_left:
            is_left = partial(_is_as_known, job)
            if self.outbox.end_waits(job.target, is_left, self.run.ending, left_at(job)):
                has_left = leave(job, self.run.ending)
        if has_left:
            self.run.known.pop(job.key, None)
            self.run.telemetry.report_dropped_job(job.target, reason)


def publish_pending(run: Run, follower: Follower, workers: Workers, deadline: Deadline) -> None:
    """
    Publish what is pending, until the topic refuses too often.

    The topic may refuse the messages of some jobs for ever: those that it refused last come last.
    Then workflows that may be due an answer get it, so that neither service holds up the other.
    """
    pending = [job for job in run.open_jobs() if job.pending or job.is_unanswered]
    shuffle(pending)
    pending.sort(key=lambda job: (not job.pending, run.memory.last_refused(job)))

    def publish(job: OpenJob) -> None:
        is_in_vain = job.pending and follower.refusals.are_too_many
        if not is_in_vain and deadline.remaining() > LEAST_TIME:
            follower.publish_pending(job, deadline)

    workers.each(pending, publish, deadline)


def _is_as_known(job: OpenJob, recorded: Recorded) -> bool:
    """Nothing was found, moved or changed meanwhile, and nothing is pending: only waits hold it."""
    return (
        recorded.published == len(recorded.history) == job.sequence
        and recorded.missing_since == (job.missing_since and utc_text(job.missing_since))
        and recorded.job.expiration_date == job.expiration_date
    )
