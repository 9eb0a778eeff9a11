"""
How a sweep acts on Atlas's answer about an open job.

The index has the known state. An unchanged job costs no call to AWS; a change takes the
one path of every change, the same as in a check by name.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from foundation.clock import utc_text
from foundation.deadline import Deadline
from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.check.check_result import check_result
from restore_watch.check.outbox import Outbox
from restore_watch.errors import NotificationPendingError
from restore_watch.model.history_entry import HistoryEntry
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.sweep.acting.when_to_stop_following import (
    FORGOTTEN,
    REFUSED,
    dropped_at,
    is_forgotten,
    is_past_its_link,
)
from restore_watch.sweep.log import Acted, Fate
from restore_watch.sweep.run import Run
from restore_watch.sweep.topic_refusals import TopicRefusals
from restore_watch.table.job_item import Recorded
from restore_watch.table.open_job import JobKey, OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.isolation import isolated
from restore_watch.telemetry.telemetry import names_of


@dataclass(frozen=True)
class JobActions:
    """
    Acts on what Atlas says about jobs in one sweep. Any thread may use it.

    What fails is a failure of the sweep. A list and a job's own endpoint show the same change at
    the same time, so each job has a lock in `acting`: its change is published once.
    """

    run: Run
    outbox: Outbox
    open_jobs: OpenJobs
    refusals: TopicRefusals
    acting: dict[JobKey, Lock] = field(default_factory=dict)

    def act_on_known(self, job: OpenJob, answer: RestoreJob, asked_at: datetime) -> bool:
        """Act on an answer about an open job, asked for at `asked_at`. True if the table has it."""
        with self.acting.setdefault(job.key, Lock()):
            known = self.run.known.get(job.key)
            if known is not None:
                return self._act(known, answer, asked_at)
            if self.run.memory.is_recorded(job.key):
                return True  # another answer has shown its end meanwhile
            # The sweep has stopped following it meanwhile, but Atlas knows it after all.
            return self._act(job, answer, asked_at)

    def take_in(self, answer: RestoreJob, asked_at: datetime) -> bool:
        """Record a job that a list showed and no sweep knew. True if stored, now or before."""
        names = answer.group_id, answer.cluster_name, answer.restore_id
        job = OpenJob(RestoreTarget.listed(*names, answer.kind), answer.kind)
        with self.acting.setdefault(job.key, Lock()):
            if self.run.memory.is_recorded(job.key):
                return True
            try:
                with self.isolated(job):
                    known = self._settle(job, answer, asked_at)
            except ApplicationError as error:
                self.note_failure(job, error)
                if not isinstance(error, NotificationPendingError):
                    return False
            else:
                self.append(known, Fate.SETTLED, known.pending)
            self.append(job, Fate.RECORDED)
            return True

    def act_on_missing(self, job: OpenJob, *, is_refused: bool = False) -> None:
        """
        Follow a job that Atlas does not know for a while, and then no longer.

        Or one that Atlas refuses, in a project that is no longer watched.
        """
        after, reason = FORGOTTEN, "Atlas does not know it"
        if is_refused:
            after, reason = REFUSED, "Atlas refuses it, and its project is no longer watched"
        with self.acting.setdefault(job.key, Lock()):
            known, now = self.run.known.get(job.key), self.run.now()
            if known is None:
                return  # another answer has shown its end meanwhile
            self.append(known, Fate.MISSED)
            try:
                with self.isolated(known):
                    self._miss(known, now, after, reason)
            except ApplicationError as error:
                self.note_failure(known, error)

    def _miss(self, job: OpenJob, now: datetime, after: timedelta, reason: str) -> None:
        if job.missing_since is None:
            self.open_jobs.note_missing(job, now, self.run.ending)
            self.note(replace(job, missing_since=now))
        elif is_past_its_link(job, now):
            self._drop(job, self.open_jobs.drop_expired_link, "its link has expired")
        elif is_forgotten(job, now, self.run.memory.remembered(job.key).missed_for, after):
            self._drop(job, self.open_jobs.drop_missing, reason, after)

    def _act(self, job: OpenJob, answer: RestoreJob, asked_at: datetime) -> bool:
        try:
            with self.isolated(job):
                self._act_on_answer(job, answer, asked_at)
        except ApplicationError as error:
            self.note_failure(job, error)
            return isinstance(error, NotificationPendingError)
        return True

    def _act_on_answer(self, job: OpenJob, answer: RestoreJob, asked_at: datetime) -> None:
        if job.missing_since is not None:
            self.open_jobs.clear_missing(job, self.run.ending)
            job = self.note(replace(job, missing_since=None))
        if job.may_become(answer):
            job = self._settle(job, answer, asked_at)
        else:
            job = self._move_link(job, answer)
            self.run.telemetry.report_unchanged(job.target)
        self.append(job, Fate.SETTLED, job.pending)
        if is_past_its_link(job, self.run.now()):
            self._drop(job, self.open_jobs.drop_expired_link, "its link has expired")

    def _settle(self, job: OpenJob, answer: RestoreJob, asked_at: datetime) -> OpenJob:
        """Record the answer, and publish what is pending unless the topic refuses too often."""
        recorded = self.outbox.record(answer, asked_at, self.run.ending)
        if recorded.change is not None:
            is_found = job.sequence == 0 and len(recorded.history) == 1
            self.append(job, Fate.FOUND if is_found else Fate.CHANGED)
        job = _as_recorded(job, answer, recorded)
        # A job that has ended, if only by its finish date, is none of the open jobs any more. A
        # ready download is: it may still expire.
        is_over = recorded.job.terminal and not recorded.job.is_ready_download
        if is_over:
            self.run.known.pop(job.key, None)
            self.append(job, Fate.RECORDED)
        else:
            self.note(job)
        sent: tuple[HistoryEntry, ...] = ()
        if recorded.pending and not self.refusals.are_too_many:
            send = partial(self.outbox.publish, recorded, self.run.ending)
            sent = self.send_pending(job, send)
            job = replace(job, published=job.sequence)
            if not is_over:
                self.note(job)
        self.run.telemetry.report_check(check_result(job.target, answer, recorded, sent))
        return job

    def _move_link(self, job: OpenJob, answer: RestoreJob) -> OpenJob:
        """A download that is prepared again has a new link. That is not a change of status."""
        expires_at = answer.expiration_date
        if expires_at is None or not job.has_newer_link(answer):
            return job
        self.open_jobs.move_link(job, expires_at, self.run.ending)
        return self.note(replace(job, expiration_date=expires_at))

    def isolated(self, job: OpenJob) -> AbstractContextManager[None]:
        """Within the block, an error that nobody foresaw is a failure of this job alone."""
        return isolated(self.run.telemetry, **names_of(job.target))

    def send_pending(
        self, job: OpenJob, send: Callable[[], tuple[HistoryEntry, ...]]
    ) -> tuple[HistoryEntry, ...]:
        """Publish what is pending of a job. Return it. Raises what `send` raises."""
        in_a_row = self.refusals.in_a_row
        try:
            published = send()
        except NotificationPendingError:
            self.refusals.count_refusal(in_a_row)
            raise
        if published:
            self.refusals.note_acceptance()
        self.append(job, Fate.PUBLISHED, len(published))
        return published

    def note_failure(self, job: OpenJob, error: ApplicationError) -> None:
        """What was to be done about a job failed."""
        fate = Fate.LATE if isinstance(error, TimeBudgetExceededError) else Fate.FAILED
        self.run.log.append(Acted(job.target.group_id, job.key, fate, error=error))

    def append(self, job: OpenJob, fate: Fate, messages: int = 0) -> None:
        """Append to the log what became of a job."""
        self.run.log.append(Acted(job.target.group_id, job.key, fate, messages))

    def note(self, job: OpenJob) -> OpenJob:
        """Keep what is known of a job now."""
        self.run.known[job.key] = job
        return job

    def _drop(
        self,
        job: OpenJob,
        drop: Callable[[OpenJob, Deadline], bool],
        reason: str,
        after: timedelta = FORGOTTEN,
    ) -> None:
        """
        Take a job out of the index. Workflows that wait for it are told so before.

        They are not if the job was found or has changed meanwhile. `after`: how long a job that
        Atlas does not know, or refuses, was followed.
        """
        if drop(job, self.run.ending):
            self._stop_following(job, reason)
            return
        # Workflows may wait for it: then the table keeps it until they are told.
        is_as_known = partial(_is_as_known, job)
        since = dropped_at(job, after)
        if not self.outbox.end_waits(job.target, is_as_known, self.run.ending, since):
            return
        if drop(job, self.run.ending):
            self._stop_following(job, reason)

    def _stop_following(self, job: OpenJob, reason: str) -> None:
        self.run.known.pop(job.key, None)
        self.run.telemetry.report_dropped_job(job.target, reason)


def _as_recorded(job: OpenJob, answer: RestoreJob, recorded: Recorded) -> OpenJob:
    """Return the job as the table has it after this answer."""
    stored = job.as_stored(
        recorded.job,
        changes=len(recorded.history),
        published=recorded.published,
        at=recorded.history[-1].observed_at,
    )
    return replace(stored, answered_word=answer.atlas_status)


def _is_as_known(job: OpenJob, recorded: Recorded) -> bool:
    """Nothing was found, moved or changed meanwhile, and nothing is pending: only waits hold it."""
    return (
        recorded.published == len(recorded.history) == job.sequence
        and recorded.missing_since == (job.missing_since and utc_text(job.missing_since))
        and recorded.job.expiration_date == job.expiration_date
    )
