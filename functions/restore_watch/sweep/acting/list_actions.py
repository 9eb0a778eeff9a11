"""
How a sweep acts on the entries of the lists of clusters' jobs.

Each entry is compared with what is known. If a known job has news, that is recorded. If an unknown
job is of interest, it is taken in. Anything else costs nothing. Rank and the conditional write
decide, so an older observation does no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from restore_watch.atlas.entries import ListEntry, Unreadable, job_entries
from restore_watch.atlas.pages import Page
from restore_watch.atlas.read_restore_job import read_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.sweep.acting.job_actions import JobActions
from restore_watch.sweep.jobs_of_interest import Interest
from restore_watch.sweep.log import Acted, Fate
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import JobKey


@dataclass
class ShownJobs:
    """
    The jobs on pages of the list of `part`, a cluster, that was asked for at `asked_at`.

    `jobs`: the known jobs and the unknown ones of interest, by id. `unreadable`: entries of
    interest that cannot be read.
    """

    group_id: str
    part: Part
    asked_at: datetime
    jobs: dict[str, RestoreJob] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    def key(self, restore_id: str) -> JobKey:
        """The key of a job on these pages."""
        return self.group_id, self.part.cluster_name or "", restore_id

    def add(self, job: RestoreJob) -> None:
        """Add a job. If pages shift, a list shows it twice: the later status counts."""
        shown = self.jobs.get(job.restore_id)
        if shown is None or job.status.rank > shown.status.rank:
            self.jobs[job.restore_id] = job


@dataclass(frozen=True)
class ListActions:
    """
    Acts on the jobs that pages of a list show. Any thread may use it.

    A job that nobody knows is of interest only in a project that has marks.
    """

    run: Run
    job_actions: JobActions

    def read_page(self, page: Page, shown: ShownJobs) -> Sequence[ListEntry]:
        """
        Add a page to `shown`. Return all its entries that have an id.

        Only jobs that are known or of interest are read.
        """
        kind = shown.part.kind
        entries = job_entries(page, kind)
        interest = self._interest(shown)
        for entry in entries.readable:
            key = shown.key(entry.id)
            is_known = key in self.run.known
            # The id tells when a job was created. That is enough to pass over most of them unread.
            if not is_known and not self._may_be_taken_in(key, entry, interest):
                continue
            try:
                job = read_job(entry.content, RestoreTarget.listed(*key, kind), kind)
            except UnexpectedAtlasResponseError as error:
                shown.unreadable.append(Unreadable(str(error), entry.id, entry.created_at))
                continue
            if is_known or _is_taken_in(job, entry, interest):
                shown.add(job)
        for unreadable in entries.unreadable:
            if _may_hide_a_job(unreadable, interest):
                shown.unreadable.append(unreadable)
        return entries.readable

    def _interest(self, shown: ShownJobs) -> Interest | None:
        """Which unknown jobs count; None in a project that has no marks."""
        project = self.run.projects.get(shown.group_id)
        if project is None or project.marks is None:
            return None
        return Interest.beyond(project.marks, shown.part, self.run.now())

    def _may_be_taken_in(self, key: JobKey, entry: ListEntry, interest: Interest | None) -> bool:
        """Whether an unknown job may be taken in, as far as its id says."""
        if interest is None:
            return False
        return interest.may_take(entry.created_at) and not self.run.memory.is_recorded(key)

    def act_on_news(self, shown: ShownJobs) -> bool:
        """Act on the jobs that have news, as long as time is left. True if the table has all."""
        is_taken = True
        for restore_id, job in shown.jobs.items():
            key = shown.key(restore_id)
            known = self.run.known.get(key)
            if known is not None and not known.is_news(job):
                continue
            if self.run.asking.remaining() <= 0:
                is_taken = False
                if known is not None:
                    self.run.log.append(Acted(shown.group_id, key, Fate.LATE))
            elif known is not None:
                is_taken &= self.job_actions.act_on_known(known, job, shown.asked_at)
            else:
                is_taken &= self.job_actions.take_in(job, shown.asked_at)
        return is_taken


def _is_taken_in(job: RestoreJob, entry: ListEntry, interest: Interest | None) -> bool:
    """Whether an unknown job is taken in, now that it is read. Never in a project without marks."""
    return interest is not None and interest.takes(job, entry.created_at)


def _may_hide_a_job(unreadable: Unreadable, interest: Interest | None) -> bool:
    """
    Whether an entry without an id may be of a job that counts.

    The date of creation decides, so that no old entry blinds for ever. Without a date, or in a
    project without marks, the entry may be of any job.
    """
    if interest is None or unreadable.created_at is None:
        return True
    return interest.may_take(unreadable.created_at)
