"""
The listing of one project in one sweep: which steps it takes, and what was read in the end. No I/O.

A step is one call to Atlas, or one observation to act on. Lists are read one page after the other.
Reading stops early only if everything read so far descends by creation and reaches back far enough:
nobody documents the order of a list.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import shuffle
from threading import Lock

from restore_watch.atlas.endpoints import CLUSTER_LISTS, AtlasList
from restore_watch.atlas.entries import Entry, cluster_entries, is_free
from restore_watch.atlas.pages import NOTHING_NEW, Page
from restore_watch.errors import RestoreWatchError, UnexpectedAtlasResponseError
from restore_watch.model.marks import Interest, Marks, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.steps import ClustersPage, JobsPage, Listed, ListingStep
from restore_watch.sweep.observe import Observed

LISTED_KINDS = (RestoreKind.FLEX, RestoreKind.DEDICATED, RestoreKind.COLLECTION)
"""Atlas retired the lists of tenant jobs; those jobs are in the lists of Flex clusters."""

MORE_CLUSTERS = "Atlas shows more clusters of a project than one page holds"
"""
A page holds 500, and a project may have 100.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/operation/operation-setgrouplimit
"""

UNREAD_AT_MOST = timedelta(days=1)
"""A cluster that its list does not show, and that could not be read for so long, is gone."""


type Clusters = Mapping[AtlasList, Sequence[str]]
"""The names of clusters by list, as Atlas showed them."""


@dataclass(frozen=True)
class Read:
    """
    What a listing has read in the end.

    `began` is None if Atlas answered nothing.
    """

    began: datetime | None
    read: frozenset[Part]
    unread: frozenset[Part]
    is_full: bool

    @property
    def is_listing(self) -> bool:
        """Whether everything was to be read, and something was."""
        return self.is_full and self.began is not None and bool(self.read)

    def moves(self, marks: Marks) -> Marks:
        """The project's marks after this listing."""
        if self.began is None or not self.read:
            return marks
        return marks.moved(self.began, self.read, self.unread, is_full=self.is_full)


class ProjectListing:
    """
    Reads whole `kinds` of restore jobs, and of other kinds those `clusters`. Any thread may use it.

    Lists of clusters that are `known` are not read again. The listing `began` when
    Atlas answered the question before, or else the first one: by its clock, but never in our
    future.
    """

    def __init__(
        self,
        group_id: str,
        marks: Marks,
        now: datetime,
        *,
        kinds: Iterable[RestoreKind] = LISTED_KINDS,
        clusters: Iterable[Part] = (),
        known: Clusters | None = None,
        began: datetime | None = None,
    ) -> None:
        self.group_id = group_id
        self.marks = marks
        self.kinds = frozenset(kinds)
        self._now = now
        self._clusters = [part for part in clusters if part.kind not in self.kinds]
        self._known = known or {}
        self._lock = Lock()
        self._began = began and min(began, now)
        self._last_read: Callable[[Part], float] = _never
        # Steps that are not finished, by what they belong to.
        self._open: Counter[AtlasList | Part] = Counter()
        self._unread: set[AtlasList | Part] = set()
        self._failures: dict[AtlasList | Part, RestoreWatchError] = {}
        self._parts: set[Part] = set(self._clusters)
        self._names: dict[AtlasList, list[str]] = {}
        # Parts of which Atlas says that there is nothing. Free clusters have no backups.
        self._gone: set[Part] = set()
        # A page that is read while the list grows repeats jobs of the one before.
        self._taken: set[tuple[Part, str]] = set()

    @property
    def is_full(self) -> bool:
        """Whether it reads everything that the project has."""
        return self.kinds >= set(LISTED_KINDS)

    @property
    def cluster_names(self) -> Clusters:
        """The clusters by list, for the lists that were read to the end."""
        with self._lock:
            return {
                which: tuple(dict.fromkeys(names))
                for which, names in self._names.items()
                if self._is_complete(which)
            }

    def first_steps(self, last_read: Callable[[Part], float] | None = None) -> list[ListingStep]:
        """
        Return the steps to begin with: those that have stayed behind longest come first.

        `last_read` says when the jobs of a cluster were read, in Unix seconds. Those that were read
        lately come last: a cluster that cannot be read does not keep others from it.
        """
        with self._lock:
            self._last_read = last_read or _never
            # What stayed behind is read even if the list of clusters leaves it out.
            behind = {part for part in self.marks.behind if part.kind in self.kinds}
            clusters = {part for part in behind if part.cluster_name is not None}
            self._parts.update(clusters)
            steps: list[ListingStep] = [
                JobsPage(self.group_id, part) for part in (*self._clusters, *clusters)
            ]
            for which in sorted({CLUSTER_LISTS[kind] for kind in self.kinds}):
                if which in self._known:
                    steps += self._jobs_of(which, self._known[which])
                else:
                    steps.append(ClustersPage(self.group_id, which))
            return self._opened(self._in_order(steps))

    def clusters_shown(self, step: ClustersPage, page: Page) -> list[ListingStep]:
        """Atlas showed the clusters of a list. Return the steps that follow from it."""
        entries = cluster_entries(page, step.which)
        free = [one.id for one in entries.readable if is_free(one.content)]
        names = [one.id for one in entries.readable if one.id not in free]
        if entries.unreadable:
            self.fails(step, UnexpectedAtlasResponseError(entries.unreadable[0].problem))
        if page.has_next:
            self.fails(step, UnexpectedAtlasResponseError(MORE_CLUSTERS))
        with self._lock:
            self._note_began(page)
            self._gone.update(Part(kind, name) for name in free for kind in LISTED_KINDS)
            self._names[step.which] = names
            return self._opened(self._in_order(self._jobs_of(step.which, names)))

    def jobs_shown(
        self, step: JobsPage, page: Page, entries: Iterable[Entry], news: Iterable[Observed]
    ) -> list[ListingStep]:
        """Atlas showed a page with these entries. Return the steps that follow, for news too."""
        last = step.last
        for entry in entries:
            last = entry.created_at if last and entry.created_at <= last else None
        reaches_to = Interest.beyond(self.marks, step.part, self._now).reaches_to
        # A single job shows no order.
        is_enough = last is not None and len(page.entries) > 1 and last < reaches_to
        new = {entry.id for entry in entries} - step.known
        with self._lock:
            self._note_began(page)
            steps: list[ListingStep] = [
                Listed(one.part, one.target, one.job, one.asked_at)
                for one in news
                if self._is_first(one)
            ]
            if page.has_next and not new:
                # The same page may follow for ever.
                self._fail(step, UnexpectedAtlasResponseError(NOTHING_NEW))
            elif page.has_next and not is_enough:
                steps.append(step.after(page.at, last, new))
            return self._opened(steps)

    def fails(self, step: ListingStep, error: RestoreWatchError) -> None:
        """What a step belongs to could not be read, or not all of it."""
        with self._lock:
            self._fail(step, error)

    @property
    def failures(self) -> Mapping[AtlasList | Part, RestoreWatchError]:
        """Why lists of clusters, or of a cluster's jobs, could not be read."""
        with self._lock:
            return dict(self._failures)

    def note_gone(self, part: Part) -> None:
        """Atlas answers that it knows no such cluster, or no such jobs of it."""
        with self._lock:
            self._gone.add(part)

    def finished(self, step: ListingStep, *, is_read: bool = True) -> bool:
        """A step was taken, and what follows from it is known. True if it was the last one."""
        with self._lock:
            self._open[step.belongs_to] -= 1
            if not is_read:
                self._unread.add(step.belongs_to)
            return not self._open.total()

    def read(self) -> Read:
        """What was read so far, by parts."""
        with self._lock:
            open_ones = {what for what, count in self._open.items() if count}
            left = self._unread | open_ones
            unread = {part for part in self._parts if part in left and not self._is_over(part)}
            read = self._parts - unread
            for kind in self.kinds:
                is_unread = CLUSTER_LISTS[kind] in left
                (unread if is_unread else read).add(Part(kind))
            return Read(self._began, frozenset(read), frozenset(unread), self.is_full)

    def _fail(self, step: ListingStep, error: RestoreWatchError) -> None:
        self._unread.add(step.belongs_to)
        self._failures[step.belongs_to] = error

    def _kinds_in(self, which: AtlasList) -> list[RestoreKind]:
        """The kinds to read whose clusters this list shows."""
        return [
            kind for kind in LISTED_KINDS if kind in self.kinds and CLUSTER_LISTS[kind] is which
        ]

    def _is_complete(self, which: AtlasList) -> bool:
        return which in self._names and not self._open[which] and which not in self._unread

    def _is_over(self, part: Part) -> bool:
        """A cluster that its list does not show, and that Atlas does not know, is gone."""
        which = CLUSTER_LISTS[part.kind]
        is_shown = part.cluster_name in self._names.get(which, ())
        is_lost = part in self._unread and self._now - self.marks.of(part) > UNREAD_AT_MOST
        return (part in self._gone or is_lost) and self._is_complete(which) and not is_shown

    def _jobs_of(self, which: AtlasList, names: Iterable[str]) -> list[ListingStep]:
        parts = [
            Part(kind, name)
            for name in dict.fromkeys(names)
            for kind in self._kinds_in(which)
            if Part(kind, name) not in self._parts
        ]
        self._parts.update(parts)
        return [JobsPage(self.group_id, part) for part in parts]

    def _in_order(self, steps: list[ListingStep]) -> list[ListingStep]:
        """The rest is shuffled, so that little time is not always spent on the same clusters."""
        shuffle(steps)
        return sorted(steps, key=lambda step: (self._last_tried(step), self._mark_of(step)))

    def _last_tried(self, step: ListingStep) -> float:
        return -math.inf if isinstance(step, ClustersPage) else self._last_read(step.part)

    def _mark_of(self, step: ListingStep) -> datetime:
        if not isinstance(step, ClustersPage):
            return self.marks.of(step.part)
        return min(self.marks.of(Part(kind)) for kind in self._kinds_in(step.which))

    def _opened(self, steps: list[ListingStep]) -> list[ListingStep]:
        for step in steps:
            self._open[step.belongs_to] += 1
        return steps

    def _note_began(self, page: Page) -> None:
        if self._began is None:
            self._began = min(page.date or self._now, self._now)

    def _is_first(self, observed: Observed) -> bool:
        """Whether this job is acted on for the first time, and note it."""
        count = len(self._taken)
        self._taken.add((observed.part, observed.target.restore_id))
        return len(self._taken) > count


def _never(_: Part) -> float:
    return -math.inf
