"""
How a sweep finds restore jobs that nobody named, in the projects that it watches.

1. Wake: one call for each project asks for its newest restore events (`restore_watch.waking`).
2. List: a woken project is listed by its clusters (`restore_watch.listing`).
3. Take in: what is of interest and not yet in hand takes the one path of every change.
4. Mark: what was read to the end is known up to the moment at which the listing began.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from threading import Lock

from restore_watch.errors import (
    AtlasBadRequestError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    TimeBudgetExceededError,
)
from restore_watch.figures import FindFigures
from restore_watch.find_steps import (
    ClustersPage,
    FindStep,
    JobsPage,
    ListingStep,
    ProjectsPage,
    TakeIn,
    Wake,
)
from restore_watch.listing import ProjectListing, Read
from restore_watch.waking import Waker

_NOTHING_TO_READ = {
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
    "CLUSTER_NOT_FOUND",
    "FEATURE_UNSUPPORTED",
}
"""With these codes Atlas says that a cluster has no restore jobs of a kind, or is gone."""

_BACKUP = "BACKUP"
"""A code with this word, such as BACKUP_CONFIG_NOT_FOUND, says that a cluster has no backups."""

_LIST_NOT_READ = "The sweep could not read the list of projects to its end"


class Finder:
    """
    Takes the steps of one sweep. Any thread may use it. What fails becomes a finding.

    `listed` has the projects of which everything was read.
    """

    def __init__(self, waker: Waker) -> None:
        self.waker = waker
        self._calls = waker.calls
        self._memory = waker.calls.memory
        self._follower = waker.calls.follower
        self._known = waker.known
        self._lock = Lock()
        self._listings: dict[str, ProjectListing] = {}
        self.listed: set[str] = set()

    def allows(self, step: FindStep) -> bool:
        """Whether the sweep may make the call of this step now."""
        reception = self._calls.reception
        is_refused = reception.sight.refuses(step.bucket)
        return not is_refused and reception.pace.allows(step.bucket, to_find=True)

    def skip(self, step: FindStep) -> None:
        """Leave a step to the next sweep. It makes no call to AWS."""
        if isinstance(step, ProjectsPage):
            self.waker.all_projects.failure = TimeBudgetExceededError(_LIST_NOT_READ)
        elif not isinstance(step, Wake):
            step.listing.finished(step, is_read=False)

    def take(self, step: FindStep) -> Iterable[FindStep]:
        """Take a step. Return those that follow from it."""
        match step:
            case ProjectsPage():
                return self.waker.list_projects(step)
            case Wake():
                return self._wake(step)
            case ClustersPage():
                return self._list_clusters(step)
            case JobsPage():
                return self._list_jobs(step)
            case TakeIn():
                self._finished(step, is_read=self._take_in(step))
                return ()

    def unfinished(self) -> list[ProjectListing]:
        """Return the listings that the sweep could not end."""
        with self._lock:
            return list(self._listings.values())

    def end(self, listing: ProjectListing) -> None:
        """Store what a listing has read, once."""
        group_id = listing.group_id
        with self._lock:
            if self._listings.pop(group_id, None) is None:
                return
        self._memory.clusters_are(group_id, listing.cluster_names)
        if listing.entries.problems:
            self._follower.telemetry.unreadable_list(group_id, listing.entries.problems)
        read = listing.read()
        project = self._known[group_id]
        no_role = self._memory.kinds_without_role(group_id, project.readable)
        left = read.unread - self._memory.unanswerable(group_id)
        unread = {part for part in left if part.kind not in no_role}
        # After a listing, the marks say what is still to be read.
        if not read.is_listing:
            self._memory.read_again(group_id, unread)
        self._store(listing, read)
        # A kind that the credentials may not read is nothing that can be listed.
        if read.is_listing and not unread:
            self.listed.add(group_id)

    def figures(self) -> FindFigures:
        """The figures of the sweep."""
        now = self._follower.checker.now()
        # A thread that hangs may still add to it.
        woken = [self._known[one] for one in list(self.waker.woken) if one in self._known]
        waits = [(now - (project.waits_since or now)).total_seconds() for project in woken]
        return FindFigures(
            projects=len(self.waker.woken),
            found=self._follower.findings.found,
            listings=len(self.listed),
            longest_unlisted=max(0.0, *waits, 0.0),
        )

    def _wake(self, step: Wake) -> Iterable[FindStep]:
        again, listing = self.waker.wake(step)
        if listing is None:
            return again
        steps = listing.first_steps(partial(self._memory.last_read, listing.group_id))
        with self._lock:
            self._listings[listing.group_id] = listing
        if not steps:
            self.end(listing)
        return steps

    def _list_clusters(self, step: ClustersPage) -> Iterable[FindStep]:
        listing, begun = step.listing, self._calls.deadline.clock()
        try:
            page = self._calls.read(
                step.bucket,
                lambda atlas, *how: atlas.clusters(listing.group_id, step.which, step.number, *how),
            )
        except RestoreWatchError as error:
            return self._again(step, error, begun)
        more = listing.clusters_shown(step, page)
        self._finished(step)
        return more

    def _list_jobs(self, step: JobsPage) -> Iterable[FindStep]:
        listing, part, begun = step.listing, step.part, self._calls.deadline.clock()
        name = part.cluster_name or ""
        self._memory.reading(listing.group_id, part)
        asked_at = self._follower.checker.now()
        try:
            page = self._calls.read(
                step.bucket,
                lambda atlas, *how: atlas.restore_jobs(
                    listing.group_id, name, part.kind, step.at, *how
                ),
                part,
            )
        except RestoreWatchError as error:
            if isinstance(error, RestoreJobNotFoundError) or _has_nothing_to_read(error):
                listing.note_gone(part)
            if _has_nothing_to_read(error):
                self._part_read(step)
                self._finished(step)
                return ()
            return self._again(step, error, begun)
        self._part_read(step)
        more = listing.jobs_shown(step, page, asked_at)
        self._finished(step)
        return more

    def _take_in(self, step: TakeIn) -> bool:
        key = *step.target.cluster, step.target.restore_id
        if key in self._follower.known or self._memory.is_taken(key):
            return True
        is_taken = self._follower.found(step.job, step.target, step.begun)
        if is_taken:
            self._memory.taken(key)
        return is_taken

    def _part_read(self, step: JobsPage) -> None:
        """Atlas showed the jobs of a cluster, or said that it has no such jobs."""
        group_id = step.listing.group_id
        self._memory.part_was(group_id, step.part, answerable=True)
        self._memory.part_was_refused(group_id, step.part, refused=False)
        self._calls.reception.sight.cluster(step.bucket, str(step.part))

    def _again(
        self, step: ListingStep, error: RestoreWatchError, begun: float
    ) -> Iterable[FindStep]:
        again = self._calls.again(step, error, begun)
        if not again:
            self._finished(step, is_read=False)
        return again

    def _finished(self, step: ListingStep, *, is_read: bool = True) -> None:
        if step.listing.finished(step, is_read=is_read):
            self.end(step.listing)

    def _store(self, listing: ProjectListing, read: Read) -> None:
        """Move the marks, and remember what could be read. An idle sweep writes nothing."""
        project = self._known[listing.group_id]
        marks = read.moves(listing.marks)
        if not read.is_listing and marks == listing.marks:
            return
        now = self._follower.checker.now()
        seen = {str(one) for one in self._calls.reception.sight.seen(project.group_id)}
        readable = seen - project.readable
        try:
            self.waker.bookkeeping.move(
                project, marks, now, readable, self._follower.deadline, is_full=read.is_listing
            )
        except RestoreWatchError as error:
            self._follower.findings.search_failed(project.group_id, None, error)
            return
        self._known[project.group_id] = replace(
            project,
            marks=marks,
            listed_at=now if read.is_listing else project.listed_at,
            readable=project.readable | seen,
        )


def _has_nothing_to_read(error: RestoreWatchError) -> bool:
    if not isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError)):
        return False
    code = error.error_code or ""
    return code in _NOTHING_TO_READ or _BACKUP in code
