"""
The listing of one project in one sweep: its steps, and the parts that it has read. No I/O.

A step is one call to Atlas. Lists are read one page after the other. Reading stops early only if
everything read so far descends by creation and reaches back far enough: nobody documents the order
of a list.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from random import shuffle
from threading import Lock

from restore_watch.atlas.endpoints import CLUSTER_LISTS, AtlasList
from restore_watch.atlas.entries import Entry, ShownClusters
from restore_watch.atlas.pages import NOTHING_NEW, Page
from restore_watch.errors import RestoreWatchError, UnexpectedAtlasResponseError
from restore_watch.model.jobs_of_interest import Interest
from restore_watch.model.marks import Part
from restore_watch.sweep.find.listing_scope import LISTED_KINDS, Clusters, Wanted
from restore_watch.sweep.find.progress import Progress, Read
from restore_watch.sweep.find.steps import ClustersPage, JobsPage, ListingStep

MORE_CLUSTERS = "Atlas shows more clusters of a project than one page holds"
"""
A page holds 500, and a project may have 100.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/operation/operation-setgrouplimit
"""

UNREAD_AT_MOST = timedelta(days=1)
"""A cluster that its list does not show, and that could not be read for so long, is gone."""


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
        self._progress = Progress(wanted.single)
        self._names: dict[AtlasList, list[str]] = {}
        # Parts of which Atlas says that there is nothing. Free clusters have no backups.
        self._gone: set[Part] = set()
        self._has_ended = False

    @property
    def group_id(self) -> str:
        """The project."""
        return self.wanted.group_id

    @property
    def cluster_names(self) -> Clusters:
        """The clusters by list, for the lists that were read to the end."""
        with self._lock:
            return {
                which: tuple(dict.fromkeys(names))
                for which, names in self._names.items()
                if self._progress.is_read(which)
            }

    @property
    def failures(self) -> Mapping[AtlasList | Part, RestoreWatchError]:
        """Why lists of clusters, or of a cluster's jobs, could not be read."""
        with self._lock:
            return dict(self._progress.failures)

    def first_steps(self) -> list[ListingStep]:
        """Return the steps to begin with."""
        group_id, known = self.group_id, self.wanted.known
        with self._lock:
            steps: list[ListingStep] = [JobsPage(group_id, part) for part in self._progress.parts]
            for which in {CLUSTER_LISTS[kind] for kind in self.wanted.kinds}:
                if which in known:
                    steps += self._jobs_of(which, known[which])
                else:
                    steps.append(ClustersPage(group_id, which))
            return self._progress.opened(self._in_order(steps))

    def clusters_shown(
        self, step: ClustersPage, page: Page, shown: ShownClusters
    ) -> list[ListingStep]:
        """Atlas showed the clusters of a list. Return the steps that follow from it."""
        if shown.problem:
            self.fails(step, UnexpectedAtlasResponseError(shown.problem))
        if page.has_next:
            self.fails(step, UnexpectedAtlasResponseError(MORE_CLUSTERS))
        with self._lock:
            self._note_began(page)
            self._gone.update(Part(kind, name) for name in shown.free for kind in LISTED_KINDS)
            self._names[step.which] = shown.names
            return self._progress.opened(self._in_order(self._jobs_of(step.which, shown.names)))

    def jobs_shown(self, step: JobsPage, page: Page, entries: Iterable[Entry]) -> list[ListingStep]:
        """Atlas showed a page with these entries. Return the next page, if one is to be read."""
        last = step.last
        for entry in entries:
            last = entry.created_at if last and entry.created_at <= last else None
        wanted = self.wanted
        reaches_to = Interest.beyond(wanted.marks, step.part, wanted.now).reaches_to
        # A single job shows no order.
        is_enough = last is not None and len(page.entries) > 1 and last < reaches_to
        new = {entry.id for entry in entries} - step.known
        steps: list[ListingStep] = []
        if page.has_next and not new:
            # The same page may follow for ever.
            self.fails(step, UnexpectedAtlasResponseError(NOTHING_NEW))
        elif page.has_next and not is_enough:
            steps.append(step.after(page.at, last, new))
        with self._lock:
            self._note_began(page)
            return self._progress.opened(steps)

    def fails(self, step: ListingStep, error: RestoreWatchError) -> None:
        """The list or part of a step could not be read, or not all of it."""
        with self._lock:
            self._progress.fails(step, error)

    def note_gone(self, part: Part) -> None:
        """Atlas answers that it knows no such cluster, or no such jobs of it."""
        with self._lock:
            self._gone.add(part)

    def finished(self, step: ListingStep, *, is_read: bool = True) -> bool:
        """A step was taken, and what follows from it is known. True if it was the last one."""
        with self._lock:
            return self._progress.finished(step, is_read=is_read)

    def ends(self) -> bool:
        """Whether it ends now. It ends once."""
        with self._lock:
            had_ended, self._has_ended = self._has_ended, True
            return not had_ended

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._has_ended

    def read(self) -> Read:
        """The parts that were read so far."""
        with self._lock:
            progress, kinds = self._progress, self.wanted.kinds
            unread = {
                part
                for part in progress.parts
                if not progress.is_read(part) and not self._is_over(part)
            }
            read = progress.parts - unread
            for kind in kinds:
                is_read = progress.is_read(CLUSTER_LISTS[kind])
                (read if is_read else unread).add(Part(kind))
            return Read(self._began, frozenset(read), frozenset(unread), self.wanted.is_full)

    def _is_over(self, part: Part) -> bool:
        """A cluster that its list does not show, and that Atlas does not know, is gone."""
        which = CLUSTER_LISTS[part.kind]
        names = self._names.get(which)
        if names is None or part.cluster_name in names or not self._progress.is_read(which):
            return False
        unread_for = self.wanted.now - self.wanted.marks.mark_of(part)
        is_lost = not self._progress.is_read(part) and unread_for > UNREAD_AT_MOST
        return part in self._gone or is_lost

    def _jobs_of(self, which: AtlasList, names: Iterable[str]) -> list[ListingStep]:
        parts = [
            Part(kind, name)
            for name in dict.fromkeys(names)
            for kind in self.wanted.kinds_in(which)
            if Part(kind, name) not in self._progress.parts
        ]
        self._progress.parts.update(parts)
        return [JobsPage(self.group_id, part) for part in parts]

    def _in_order(self, steps: list[ListingStep]) -> list[ListingStep]:
        """
        Parts that were asked for lately come last, those that stayed behind longest before others.

        The rest is shuffled. So little time is not always spent on the same clusters, and one that
        cannot be read does not keep others from it.
        """
        shuffle(steps)
        return sorted(steps, key=lambda step: (self._last_asked(step), self._mark_of(step)))

    def _last_asked(self, step: ListingStep) -> float:
        return -math.inf if isinstance(step, ClustersPage) else self.wanted.last_asked(step.part)

    def _mark_of(self, step: ListingStep) -> datetime:
        marks = self.wanted.marks
        if not isinstance(step, ClustersPage):
            return marks.mark_of(step.part)
        return min(marks.mark_of(Part(kind)) for kind in self.wanted.kinds_in(step.which))

    def _note_began(self, page: Page) -> None:
        if self._began is None:
            self._began = min(page.date or self.wanted.now, self.wanted.now)
