"""
The listing of one project in one sweep: its steps, and the parts that it has read. No I/O.

A step is one call to Atlas. Lists are read one page after the other. Reading stops early only if
everything read so far descends by creation and reaches back far enough: nobody documents the order
of a list.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import shuffle
from threading import Lock
from typing import NamedTuple, Self

from restore_watch.asking.asked import Subject
from restore_watch.asking.list_pages import MORE_CLUSTERS, NOTHING_NEW
from restore_watch.atlas.entries import Entry, ShownClusters
from restore_watch.atlas.families import LISTED_KINDS, Family, jobs_of
from restore_watch.atlas.pages import FIRST_PAGE, Page, PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import RestoreWatchError, UnexpectedAtlasResponseError
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.finding.memory_of_projects import Clusters
from restore_watch.sweep.finding.step import Step
from restore_watch.sweep.which_jobs_to_take_in import Interest

NOTHING_READ = datetime.max.replace(tzinfo=UTC)
"""Every job was created before this moment."""

UNREAD_AT_MOST = timedelta(days=1)
"""A cluster that its list does not show, and that could not be read for so long, is gone."""


@dataclass(frozen=True)
class Wanted:
    """
    The parts of a project to read: whole `kinds` of restore jobs, and of other kinds `clusters`.

    Lists of clusters that are `known` are not read again. `last_turn` says when the jobs of a
    cluster were asked for, in Unix seconds.
    """

    group_id: str
    marks: Marks
    now: datetime
    last_turn: Callable[[Part], float]
    kinds: frozenset[RestoreKind] = frozenset(LISTED_KINDS)
    clusters: frozenset[Part] = frozenset()
    known: Clusters = field(default_factory=dict)

    @property
    def single(self) -> set[Part]:
        """The clusters to read by themselves: also those behind that no list may show."""
        behind = {part for part in self.marks.behind if part.kind in self.kinds}
        others = {part for part in self.clusters if part.kind not in self.kinds}
        return others | {part for part in behind if part.cluster_name is not None}

    def parts_in(self, which: Family, names: Iterable[str]) -> list[Part]:
        """The jobs to read of clusters that this list shows."""
        kinds = self.kinds_in(which)
        return [Part(kind, name) for name in dict.fromkeys(names) for kind in kinds]

    def kinds_in(self, which: Family) -> list[RestoreKind]:
        """The kinds to read whose clusters this list shows."""
        shown = (kind for kind in LISTED_KINDS if jobs_of(kind).clusters is which)
        return [kind for kind in shown if kind in self.kinds]


@dataclass(frozen=True)
class ClustersPage(Step):
    """Read a list of clusters, Flex or dedicated ones: one page has all that Atlas allows."""

    listing: "ProjectListing" = field(repr=False, compare=False)
    what: Family

    @property
    def subject(self) -> Subject:
        """The list of clusters."""
        return Subject.in_bucket(Bucket(self.listing.wanted.group_id, self.what))


@dataclass(frozen=True)
class JobsPage(Step):
    """
    Read a page of a cluster's jobs. `last` is the creation of the oldest if they descend.

    The pages before it have shown the `known` jobs.
    """

    listing: "ProjectListing" = field(repr=False, compare=False)
    what: Part
    at: PageAt = FIRST_PAGE
    last: datetime | None = NOTHING_READ
    known: frozenset[str] = frozenset()

    def after(self, at: PageAt, last: datetime | None, new: Collection[str]) -> Self:
        """The page after one that showed these new jobs."""
        known = self.known.union(new)
        return replace(self, at=at.next, last=last, known=known, tries=0, error=None)

    @property
    def waiting(self) -> Part:
        """The clusters take turns."""
        return self.what

    @property
    def subject(self) -> Subject:
        """The list of the cluster's jobs."""
        return Subject.jobs_of_cluster(self.listing.wanted.group_id, self.what)


type ListingStep = ClustersPage | JobsPage


class Read(NamedTuple):
    """The parts that a listing has read in the end. `began`: None if Atlas answered nothing."""

    began: datetime | None
    read: frozenset[Part]
    unread: frozenset[Part]
    is_full: bool

    @property
    def is_listing(self) -> bool:
        """Whether everything was to be read, and something was."""
        return self.is_full and self.began is not None and bool(self.read)

    def marks_after(self, marks: Marks) -> Marks:
        """The project's marks after this listing."""
        if self.began is None or not self.read:
            return marks
        return marks.after_listing(self.began, self.read, self.unread, is_full=self.is_full)


class ProjectListing:
    """
    Reads what is `wanted`. Any thread may use it.

    It `began` when Atlas answered the question before, or else the first one: by its clock, but
    never in our future.
    """

    def __init__(self, wanted: Wanted, began: datetime | None = None) -> None:
        self.wanted = wanted
        self._lock = Lock()
        self._began = began and min(began, wanted.now)
        # The open steps of each list or part that is read, and why some could not be read, or not
        # to the end.
        self._open: Counter[Family | Part] = Counter()
        self._unread: dict[Family | Part, RestoreWatchError | None] = {}
        self._names: dict[Family, list[str]] = {}
        # Parts of which Atlas says that there is nothing. Free clusters have no backups.
        self._gone: set[Part] = set()

    @property
    def cluster_names(self) -> Clusters:
        """The clusters by list, for the lists that were read to the end."""
        with self._lock:
            return {
                which: tuple(dict.fromkeys(names))
                for which, names in self._names.items()
                if self._is_read(which)
            }

    @property
    def failures(self) -> Mapping[Family | Part, RestoreWatchError]:
        """Why lists of clusters, or of a cluster's jobs, could not be read."""
        with self._lock:
            return {what: error for what, error in self._unread.items() if error}

    def first_steps(self) -> list[ListingStep]:
        """Return the steps to begin with."""
        known = self.wanted.known
        with self._lock:
            steps = self._jobs_of(self.wanted.single)
            for which in {jobs_of(kind).clusters for kind in self.wanted.kinds}:
                if which in known:
                    steps += self._jobs_of(self.wanted.parts_in(which, known[which]))
                else:
                    self._open[which] += 1
                    steps.append(ClustersPage(self, which))
            return self._in_order(steps)

    def read_clusters(
        self, step: ClustersPage, page: Page, shown: ShownClusters
    ) -> list[ListingStep]:
        """Read the clusters of a list. Return the steps that follow."""
        problem = MORE_CLUSTERS if page.has_next else shown.problem
        if problem:
            self.note_failure(step, UnexpectedAtlasResponseError(problem))
        with self._lock:
            self._note_began(page)
            self._gone.update(Part(kind, name) for name in shown.free for kind in LISTED_KINDS)
            self._names[step.what] = shown.names
            return self._in_order(self._jobs_of(self.wanted.parts_in(step.what, shown.names)))

    def read_jobs(self, step: JobsPage, page: Page, entries: Iterable[Entry]) -> list[ListingStep]:
        """Read a page with these entries. Return the next page, if another is to be read."""
        last = step.last
        for entry in entries:
            last = entry.created_at if last and entry.created_at <= last else None
        wanted = self.wanted
        reaches_to = Interest.beyond(wanted.marks, step.what, wanted.now).reaches_to
        # A single job shows no order.
        is_enough = last is not None and len(page.entries) > 1 and last < reaches_to
        new = {entry.id for entry in entries} - step.known
        steps: list[ListingStep] = []
        if page.has_next and not new:
            # The same page may follow for ever.
            self.note_failure(step, UnexpectedAtlasResponseError(NOTHING_NEW))
        elif page.has_next and not is_enough:
            steps.append(step.after(page.at, last, new))
        with self._lock:
            self._note_began(page)
            self._open[step.what] += len(steps)
        return steps

    def note_failure(self, step: ListingStep, error: RestoreWatchError) -> None:
        """The list or part of a step could not be read, or not all of it."""
        with self._lock:
            self._unread[step.what] = error

    def note_gone(self, part: Part) -> None:
        """Atlas answers that it knows no such cluster, or no such jobs of it."""
        with self._lock:
            self._gone.add(part)

    def finish_step(self, step: ListingStep, *, is_read: bool = True) -> bool:
        """Count a step as taken, after the steps that follow are known. True if it was the last."""
        with self._lock:
            self._open[step.what] -= 1
            if not is_read:
                self._unread.setdefault(step.what, None)
            return not self._open.total()

    def parts_read(self) -> Read:
        """Return what was read so far."""
        with self._lock:
            parts = {one for one in self._open if isinstance(one, Part)}
            unread = {one for one in parts if not self._is_read(one) and not self._is_over(one)}
            read = parts - unread
            for kind in self.wanted.kinds:
                (read if self._is_read(jobs_of(kind).clusters) else unread).add(Part(kind))
            is_full = self.wanted.kinds >= set(LISTED_KINDS)
            return Read(self._began, frozenset(read), frozenset(unread), is_full)

    def _is_read(self, what: Family | Part) -> bool:
        """Whether no step of a list or part is open or went wrong."""
        return not self._open[what] and what not in self._unread

    def _is_over(self, part: Part) -> bool:
        """A cluster that its list does not show, and that Atlas does not know, is gone."""
        which = jobs_of(part.kind).clusters
        names = self._names.get(which)
        if names is None or part.cluster_name in names or not self._is_read(which):
            return False
        unread_for = self.wanted.now - self.wanted.marks.mark_of(part)
        is_lost = not self._is_read(part) and unread_for > UNREAD_AT_MOST
        return part in self._gone or is_lost

    def _jobs_of(self, parts: Iterable[Part]) -> list[ListingStep]:
        new = [part for part in parts if part not in self._open]
        self._open.update(new)
        return [JobsPage(self, part) for part in new]

    def _in_order(self, steps: list[ListingStep]) -> list[ListingStep]:
        """
        Parts that were asked for lately come last, those that stayed behind longest before others.

        The rest is shuffled. So little time is not always spent on the same clusters, and one that
        cannot be read does not keep others from it.
        """
        shuffle(steps)
        return sorted(steps, key=self._turn_and_mark)

    def _turn_and_mark(self, step: ListingStep) -> tuple[float, datetime]:
        wanted, marks = self.wanted, self.wanted.marks
        if isinstance(step, JobsPage):
            return wanted.last_turn(step.what), marks.mark_of(step.what)
        return -math.inf, min(marks.mark_of(Part(kind)) for kind in wanted.kinds_in(step.what))

    def _note_began(self, page: Page) -> None:
        if self._began is None:
            self._began = min(page.date or self.wanted.now, self.wanted.now)
