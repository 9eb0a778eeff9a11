"""How a sweep reads the list of a cluster's jobs to follow known ones."""

from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Subject
from restore_watch.asking.list_pages import ListPages, Stop
from restore_watch.asking.nothing_to_read import has_nothing_to_read
from restore_watch.asking.questions import Questions
from restore_watch.atlas.pages import PageAt, page_for
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import RestoreJobNotFoundError
from restore_watch.sweep.acting.list_actions import ListActions, ShownJobs
from restore_watch.sweep.following.follow_task import FollowTask, JobList, Search
from restore_watch.sweep.run import Run

NEWER_JOBS = 20
"""A list is asked for this many more jobs than are wanted: newer ones come first."""

ALL_JOBS = PageAt(size=250)
"""The first page of a list that is read to its end because of one job."""


@dataclass(frozen=True)
class JobLists:
    """
    Reads the lists of clusters' jobs in one sweep. Any thread may use it.

    `wholes`: the lists that were read to their ends for jobs whose own endpoints do not know them:
    all such jobs of a cluster cost one list. `reading` has a lock for each.
    """

    run: Run
    questions: Questions
    atlas: AtlasSession
    list_actions: ListActions
    wholes: dict[JobList, ShownJobs] = field(default_factory=dict)
    reading: dict[JobList, Lock] = field(default_factory=dict)

    def read_for(self, task: FollowTask, shown: ShownJobs) -> None:
        """
        Read as many pages as may show the jobs of the task.

        Pages are read as long as they show more of the jobs. A last job is asked about by its id,
        which never takes more than one call.
        """
        wanted = _ids(task)
        pages = ListPages(page_for(len(task.jobs) + NEWER_JOBS))
        while pages.stop is None:
            pages = self._read_page(task, shown, pages)
            is_last_left = len(wanted - shown.jobs.keys()) <= 1
            if is_last_left or not pages.new & wanted:
                pages = pages.enough()
            pages = self._with_call_for_next_page(task, pages)

    def search(self, task: Search) -> ShownJobs:
        """
        Read a list until it shows the job of the task, and act on its news.

        A list that was read to its end is not read again.
        """
        with self.reading.setdefault(task.list, Lock()):
            whole = self.wholes.get(task.list)
            if whole is not None:
                return whole
            shown = self._read_for_search(task)
            if shown.is_whole:
                self.wholes[task.list] = shown
        self.list_actions.act_on_news(shown)
        return shown

    def _read_for_search(self, task: Search) -> ShownJobs:
        shown = ShownJobs(task.list.group_id, task.list.part, asked_at=self.run.now())
        try:
            pages = self._read_until_shown(task, shown)
        except ApplicationError as error:
            if isinstance(error, RestoreJobNotFoundError) or has_nothing_to_read(error):
                shown.is_whole, shown.unreadable = True, []
            # Any other failure is in the log of the sweep. Earlier pages count all the same, and
            # the next sweep looks again for a job that they do not show.
            return shown
        shown.is_whole = pages.stop is Stop.END
        return shown

    def _read_until_shown(self, task: Search, shown: ShownJobs) -> ListPages:
        """Read the list until it shows the job, or to its end. Return the pages."""
        pages = ListPages(ALL_JOBS)
        while pages.stop is None:
            pages = self._read_page(task, shown, pages)
            if not _ids(task) - shown.jobs.keys():
                pages = pages.enough()
            pages = self._with_call_for_next_page(task, pages)
        return pages

    def _read_page(self, task: FollowTask, shown: ShownJobs, pages: ListPages) -> ListPages:
        cluster = task.jobs[0].target.cluster
        of_list = Subject.of_shortcut(task.bucket, task.jobs[0].target.cluster_name)
        ask = partial(self.atlas.page_of_jobs, cluster, task.kind, pages.at)
        page = self.questions.ask(of_list, ask)
        entries = self.list_actions.read_page(page, shown)
        return pages.after(page, [entry.id for entry in entries])

    def _with_call_for_next_page(self, task: FollowTask, pages: ListPages) -> ListPages:
        """Take a call for the next page, if one is to be read. Without a call, none is."""
        if pages.stop is None and not self.questions.take_call(task.bucket):
            return pages.enough()
        return pages


def _ids(task: FollowTask) -> set[str]:
    return {job.target.restore_id for job in task.jobs}
