"""
How a sweep finds restore jobs that nobody named, in the projects that it watches.

1. Wake: one call for each project asks for its newest restore events (`projects`).
2. List: a woken project is listed by its clusters (`listing`).
3. Observe: what its lists show takes the one path for what Atlas says (`observe`).
4. Mark: what was read to the end is known up to the moment at which the listing began.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from threading import Lock

from foundation.errors import TimeBudgetExceededError
from restore_watch.errors import (
    AtlasError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.sweep.answers import has_nothing_to_read
from restore_watch.sweep.find.calls import FindCalls, asked_by
from restore_watch.sweep.find.listing import ProjectListing, Read
from restore_watch.sweep.find.projects import WatchedProjects
from restore_watch.sweep.find.steps import (
    ClustersPage,
    FindStep,
    JobsPage,
    Listed,
    ListingStep,
    ProjectsPage,
    Wake,
)
from restore_watch.sweep.find.unread import set_aside
from restore_watch.sweep.observe import Observed, Observer, Shown
from restore_watch.sweep.run import Run

_LIST_NOT_READ = "The sweep could not read the list of projects to its end"


class Finder:
    """
    Takes the steps of one sweep. Any thread may use it. What fails is a failure of the sweep.

    `listed` has the projects of which everything was read.
    """

    def __init__(
        self, run: Run, calls: FindCalls, watched_projects: WatchedProjects, observer: Observer
    ) -> None:
        self.watched_projects = watched_projects
        self._run = run
        self._observer = observer
        self._calls = calls
        self._projects = calls.projects
        self._memory = calls.memory
        self._known = watched_projects.known
        self._lock = Lock()
        self._listings: dict[str, ProjectListing] = {}
        self._ended: set[str] = set()
        self.listed: set[str] = set()

    def allows(self, step: FindStep) -> bool:
        """Whether the sweep may make the call of this step now."""
        return self._run.pace.allows(step.bucket, to_find=True)

    def skip(self, step: FindStep) -> None:
        """Leave a step to the next sweep. It makes no call to AWS."""
        match step:
            case ProjectsPage():
                self.watched_projects.all_projects.failure = TimeBudgetExceededError(_LIST_NOT_READ)
            case Observed():
                known = self._run.known.get(step.key)
                if known is not None:
                    self._run.tally.not_settled(known)
                if isinstance(step, Listed):
                    self._listing_of(step).finished(step, is_read=False)
            case ClustersPage() | JobsPage():
                listing = self._listing_of(step)
                if step.error is not None:
                    listing.fails(step, step.error)
                listing.finished(step, is_read=False)

    def take(self, step: FindStep) -> Iterable[FindStep]:
        """Take a step. Return those that follow from it."""
        match step:
            case ProjectsPage():
                return self.watched_projects.list_projects(step)
            case Wake():
                return self._wake(step)
            case ClustersPage():
                return self._list_clusters(step)
            case JobsPage():
                return self._list_jobs(step)
            case Observed():
                is_read = self._observer.take(step)
                if isinstance(step, Listed):
                    self._finished(step, is_read=is_read)
                return ()

    def unfinished(self) -> list[ProjectListing]:
        """Return the listings that the sweep could not end."""
        with self._lock:
            return [one for one in self._listings.values() if one.group_id not in self._ended]

    def end(self, listing: ProjectListing) -> None:
        """Store what a listing has read, once."""
        group_id = listing.group_id
        with self._lock:
            if group_id in self._ended:
                return
            self._ended.add(group_id)
        self._memory.clusters_are(group_id, listing.cluster_names)
        read = listing.read()
        aside = set_aside(self._calls, self._known[group_id], listing)
        failing = listing.failures.keys() - aside
        self._memory.tried(group_id, read=read.read, failing=failing, aside=aside)
        unread = read.unread - aside
        # After a listing, the marks say what is still to be read.
        if not read.is_listing:
            self._memory.read_again(group_id, unread)
        self._store(listing, read)
        # What the credentials may not read is nothing that can be listed.
        if read.is_listing and not unread:
            self.listed.add(group_id)

    def _wake(self, step: Wake) -> Iterable[FindStep]:
        again, listing = self.watched_projects.wake(step)
        if listing is None:
            return again
        steps = listing.first_steps(partial(self._memory.last_read, listing.group_id))
        with self._lock:
            self._listings[listing.group_id] = listing
        if not steps:
            self.end(listing)
        return steps

    def _list_clusters(self, step: ClustersPage) -> Iterable[FindStep]:
        listing, begun = self._listing_of(step), self._run.asking.clock()
        try:
            clusters = partial(self._projects.clusters, listing.group_id, step.which)
            page = self._calls.read(step, clusters)
        except RestoreWatchError as error:
            return self._again(step, error, begun)
        more = listing.clusters_shown(step, page)
        failure = listing.failures.get(step.which)
        if failure is not None:
            self._run.outcomes.failed(asked_by(step), failure)
            self._calls.found_failing(listing.group_id, None, failure)
        self._finished(step)
        return more

    def _list_jobs(self, step: JobsPage) -> Iterable[FindStep]:
        listing, part, begun = self._listing_of(step), step.part, self._run.asking.clock()
        name, group_id = part.cluster_name or "", listing.group_id
        self._memory.reading(group_id, part)
        asked_at, shown = self._run.now(), Shown()
        try:
            jobs = partial(self._projects.restore_jobs, group_id, name, part.kind, step.at)
            page = self._calls.read(step, jobs)
        except RestoreWatchError as error:
            if isinstance(error, RestoreJobNotFoundError) or has_nothing_to_read(error):
                listing.note_gone(part)
            if has_nothing_to_read(error):
                self._finished(step)
                return ()
            return self._again(step, error, begun)
        self._observer.read(page, group_id, part, shown)
        if shown.unreadable:
            listing.fails(step, UnexpectedAtlasResponseError(shown.unreadable[0].problem))
        news = self._observer.news(shown, group_id, part, asked_at)
        more = listing.jobs_shown(step, page, shown.entries, news)
        self._finished(step)
        return more

    def _again(
        self, step: ClustersPage | JobsPage, error: RestoreWatchError, begun: float
    ) -> Iterable[FindStep]:
        again = self._calls.again(step, error, begun)
        if not again:
            if isinstance(error, AtlasError):
                self._listing_of(step).fails(step, error)
            else:
                self._calls.found_failing(step.group_id, None, error)
            self._finished(step, is_read=False)
        return again

    def _finished(self, step: ListingStep, *, is_read: bool = True) -> None:
        listing = self._listing_of(step)
        if listing.finished(step, is_read=is_read):
            self.end(listing)

    def _listing_of(self, step: ListingStep) -> ProjectListing:
        with self._lock:
            return self._listings[step.group_id]

    def _store(self, listing: ProjectListing, read: Read) -> None:
        """Move the marks, and remember what could be read. An idle sweep writes nothing."""
        project = self._known[listing.group_id]
        marks = read.moves(listing.marks)
        if not read.is_listing and marks == listing.marks:
            return
        now = self._run.now()
        seen = {str(one) for one in self._run.outcomes.families(project.group_id)}
        readable = seen - project.readable
        try:
            self.watched_projects.bookkeeping.move(
                project, marks, now, readable, self._run.ending, is_full=read.is_listing
            )
        except RestoreWatchError as error:
            self._run.tally.search_failed(project.group_id, None, error)
            return
        self._known[project.group_id] = replace(
            project,
            marks=marks,
            listed_at=now if read.is_listing else project.listed_at,
            readable=project.readable | seen,
        )
