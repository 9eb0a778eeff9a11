"""
How a sweep finds restore jobs that nobody named, in the projects that it watches.

1. Wake: one call for each project asks for its newest restore events (`wake`).
2. List: a woken project is listed by its clusters (`listing`).
3. Observe: its entries take the one path for what Atlas says (`observe`).
4. Mark: parts that were read to the end are known up to the moment at which the listing began.
"""

from collections.abc import Iterable

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.entries import UNWATCHED, shown_clusters
from restore_watch.errors import (
    AtlasError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.sweep.answers import has_nothing_to_read
from restore_watch.sweep.find.calls import FindCalls, asked_by
from restore_watch.sweep.find.listing import ProjectListing
from restore_watch.sweep.find.steps import (
    ClustersPage,
    FindStep,
    JobsPage,
    ListingStep,
    ProjectsPage,
    Wake,
)
from restore_watch.sweep.find.unread import set_aside
from restore_watch.sweep.find.wake import Waking
from restore_watch.sweep.find.watched_projects import WatchedProjects
from restore_watch.sweep.observe import Observer, Shown
from restore_watch.sweep.run import Run

_LIST_NOT_READ = "The sweep could not read the list of projects to its end"


class Finder:
    """
    Takes the steps of one sweep. Any thread may use it. What fails is a failure of the sweep.

    `listed` has the projects of which everything was read.
    """

    def __init__(
        self, run: Run, calls: FindCalls, watched: WatchedProjects, observer: Observer
    ) -> None:
        self.watched = watched
        self.waking = Waking(run, calls, watched)
        self._run = run
        self._observer = observer
        self._calls = calls
        self._listings: dict[str, ProjectListing] = {}
        self.listed: set[str] = set()

    def first_steps(self) -> list[FindStep]:
        """Return the steps to begin with."""
        return self.waking.first_steps()

    def allows(self, step: FindStep) -> bool:
        """Whether the sweep may make the call of this step now."""
        return self._run.pace.allows(step.bucket, to_find=True)

    def skip(self, step: FindStep) -> None:
        """Leave a step to the next sweep. It makes no call to AWS."""
        match step:
            case ProjectsPage():
                self.watched.all_projects.failure = TimeBudgetExceededError(_LIST_NOT_READ)
            case ClustersPage() | JobsPage():
                listing = self._listings[step.group_id]
                if step.error is not None:
                    listing.fails(step, step.error)
                listing.finished(step, is_read=False)

    def take(self, step: FindStep) -> Iterable[FindStep]:
        """Take a step. Return those that follow from it."""
        match step:
            case ProjectsPage():
                return self.waking.list_projects(step)
            case Wake():
                return self._wake(step)
            case ClustersPage():
                return self._list_clusters(step)
            case JobsPage():
                return self._list_jobs(step)

    def unfinished(self) -> list[ProjectListing]:
        """Return the listings that the sweep could not end."""
        return [one for one in list(self._listings.values()) if not one.has_ended]

    def end(self, listing: ProjectListing) -> None:
        """Store how far a listing came, once."""
        if not listing.ends():
            return
        group_id, memory = listing.group_id, self._calls.memory
        memory.clusters_are(group_id, listing.cluster_names)
        read = listing.read()
        aside = set_aside(self._calls, self._run.projects[group_id], listing)
        failing = listing.failures.keys() - aside
        memory.tried(group_id, read=read.read, failing=failing, aside=aside)
        unread = read.unread - aside
        # After a listing, the marks say what is still to be read.
        if not read.is_listing:
            memory.read_again(group_id, unread)
        self.watched.store(group_id, listing.wanted.marks, read)
        # Parts that the credentials may not read cannot be listed.
        if read.is_listing and not unread:
            self.listed.add(group_id)

    def _wake(self, step: Wake) -> Iterable[FindStep]:
        again, listing = self.waking.wake(step)
        if listing is None:
            return again
        steps = listing.first_steps()
        self._listings[listing.group_id] = listing
        if not steps:
            self.end(listing)
        return steps

    def _list_clusters(self, step: ClustersPage) -> Iterable[FindStep]:
        listing, begun = self._listings[step.group_id], self._run.asking.clock()
        try:
            page = self._calls.clusters(step)
        except RestoreWatchError as error:
            return self._again(step, error, begun)
        shown = shown_clusters(page, step.which)
        for name in shown.unwatched:
            odd = UnexpectedAtlasResponseError(UNWATCHED)
            self._run.telemetry.report_unread_cluster(step.group_id, name, odd)
        more = listing.clusters_shown(step, page, shown)
        failure = listing.failures.get(step.which)
        if failure is not None:
            self._run.outcomes.failed(asked_by(step), failure)
            self._calls.found_failing(listing.group_id, None, failure)
        self._finished(step)
        return more

    def _list_jobs(self, step: JobsPage) -> Iterable[FindStep]:
        listing, part, begun = self._listings[step.group_id], step.part, self._run.asking.clock()
        asked_at, shown = self._run.now(), Shown()
        try:
            page = self._calls.restore_jobs(step)
        except RestoreWatchError as error:
            if isinstance(error, RestoreJobNotFoundError) or has_nothing_to_read(error):
                listing.note_gone(part)
            if has_nothing_to_read(error):
                self._finished(step)
                return ()
            return self._again(step, error, begun)
        self._observer.read(page, step.group_id, part, shown)
        if shown.unreadable:
            listing.fails(step, UnexpectedAtlasResponseError(shown.unreadable[0].problem))
        more = listing.jobs_shown(step, page, shown.entries)
        news = self._observer.news(shown, step.group_id, part, asked_at)
        is_taken = self._observer.take(news)
        self._finished(step, is_read=is_taken)
        return more

    def _again(
        self, step: ClustersPage | JobsPage, error: RestoreWatchError, begun: float
    ) -> Iterable[FindStep]:
        again = self._calls.again(step, error, begun)
        if not again:
            if isinstance(error, AtlasError):
                self._listings[step.group_id].fails(step, error)
            else:
                self._calls.found_failing(step.group_id, None, error)
            self._finished(step, is_read=False)
        return again

    def _finished(self, step: ListingStep, *, is_read: bool = True) -> None:
        listing = self._listings[step.group_id]
        if listing.finished(step, is_read=is_read):
            self.end(listing)
