"""
The listing of one project in one sweep: its steps, and the parts that it has read. No I/O.

A step is one call to Atlas. Lists are read one page after the other. Reading stops early only if
everything read so far descends by creation and reaches back far enough: nobody documents the order
of a list.
"""

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import shuffle
from threading import Lock
from typing import Protocol, Self

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Subject
from restore_watch.asking.list_pages import MORE_CLUSTERS, NOTHING_NEW, NOTHING_YET, ListPages, Stop
from restore_watch.atlas.clusters_to_watch import ClustersToWatch
from restore_watch.atlas.entries import ListEntry
from restore_watch.atlas.families import LISTED_KINDS, Family, jobs_of
from restore_watch.atlas.pages import Page
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    UnexpectedAtlasResponseError,
    UnforeseenError,
)
from restore_watch.model.marks import Part
from restore_watch.sweep.finding.finding_step import Step
from restore_watch.sweep.finding.memory_of_projects import Clusters
from restore_watch.sweep.finding.parts_read import PartsRead
from restore_watch.sweep.finding.wanted_parts import WantedParts
from restore_watch.sweep.jobs_of_interest import Interest

NOTHING_READ = datetime.max.replace(tzinfo=UTC)
"""Every job was created before this moment."""

UNREAD_AT_MOST = timedelta(days=1)
"""A cluster that its list does not show, and that could not be read for so long, is gone."""


class StepReader(Protocol):
    """
    Whoever takes the steps of listings: `ListingReader`, which needs their classes.

    So this file imports nothing of that one.
    """

    def ask_for_clusters_page(self, step: "ClustersPage") -> "Sequence[ListingStep]":
        """Take such a step. Return the steps that follow."""

    def ask_for_jobs_page(self, step: "JobsPage") -> "Sequence[ListingStep]":
        """Take such a step. Return the steps that follow."""

    def postpone_step(self, step: "ListingStep") -> None:
        """Leave a step to the next sweep."""

    def note_unforeseen(self, step: "ListingStep", error: UnforeseenError) -> None:
        """Our own code failed about a step."""


@dataclass(frozen=True)
class ListingStep(Step):
    """A step of the listing of a project, which reads a list of clusters or jobs."""

    listing: "ProjectListing" = field(repr=False, compare=False)

    @property
    @abstractmethod
    def reads(self) -> Family | Part:
        """What the step reads, or a page of it."""

    @property
    @abstractmethod
    def last_turn_and_mark(self) -> tuple[float, datetime]:
        """When it was read last, in Unix seconds, and up to when its jobs are known."""

    def postpone(self) -> None:
        """Leave the step to the next sweep."""
        self.listing.reader.postpone_step(self)

    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about the step."""
        self.listing.reader.note_unforeseen(self, error)


@dataclass(frozen=True)
class ClustersPage(ListingStep):
    """Read a list of clusters, Flex or dedicated ones: one page has all that Atlas allows."""

    which: Family

    @property
    def reads(self) -> Family:
        """The list of clusters."""
        return self.which

    @property
    def last_turn_and_mark(self) -> tuple[float, datetime]:
        """Lists of clusters come first."""
        wanted = self.listing.wanted
        kinds = wanted.kinds_in(self.which)
        return -math.inf, min(wanted.marks.mark_of(Part(kind)) for kind in kinds)

    @property
    def subject(self) -> Subject:
        """The list of clusters."""
        return Subject.in_bucket(Bucket(self.listing.wanted.group_id, self.which))

    def do(self) -> Sequence[ListingStep]:
        """Ask for the list."""
        return self.listing.reader.ask_for_clusters_page(self)


@dataclass(frozen=True)
class JobsPage(ListingStep):
    """
    Read a page of the jobs of a cluster, the `part`, after these `pages`.

    `last` is the creation of the oldest job so far if they descend.
    """

    part: Part
    pages: ListPages = NOTHING_YET
    last: datetime | None = NOTHING_READ

    def after(self, pages: ListPages, last: datetime | None) -> Self:
        """The step after these pages."""
        return replace(self, pages=pages, last=last, tries=0, error=None)

    @property
    def reads(self) -> Part:
        """The jobs of the cluster."""
        return self.part

    @property
    def last_turn_and_mark(self) -> tuple[float, datetime]:
        """The clusters take turns."""
        wanted = self.listing.wanted
        return wanted.last_turn(self.part), wanted.marks.mark_of(self.part)

    @property
    def turn(self) -> Part:
        """The clusters take turns."""
        return self.part

    @property
    def subject(self) -> Subject:
        """The list of the cluster's jobs."""
        return Subject.jobs_of_cluster(self.listing.wanted.group_id, self.part)

    def do(self) -> Sequence[ListingStep]:
        """Ask for the page."""
        return self.listing.reader.ask_for_jobs_page(self)


class ProjectListing:
    """
    Reads what is `wanted`. Any thread may use it. The `reader` takes its steps.

    It `began` when Atlas answered the question before, or else the first one: by its clock, but
    never in our future.
    """

    def __init__(
        self, wanted: WantedParts, reader: StepReader, began: datetime | None = None
    ) -> None:
        self.wanted = wanted
        self.reader = reader
        self._lock = Lock()
        self._began = began and min(began, wanted.now)
        # The parts that have had a step, and how many steps of each list or part are open.
        self._begun: set[Part] = set()
        self._open_steps: Counter[Family | Part] = Counter()
        # What could not be read, or not to the end, and why: there may be no error.
        self._unread: set[Family | Part] = set()
        self._errors: dict[Family | Part, ApplicationError] = {}
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
    def failures(self) -> Mapping[Family | Part, ApplicationError]:
        """Why lists of clusters, or of a cluster's jobs, could not be read."""
        with self._lock:
            return self._errors.copy()

    def first_steps(self) -> list[ListingStep]:
        """Return the steps to begin with."""
        remembered = self.wanted.remembered
        with self._lock:
            steps = self._begin_parts(self.wanted.single)
            for which in {jobs_of(kind).clusters for kind in self.wanted.kinds}:
                if which in remembered:
                    parts = self.wanted.parts_in(which, remembered[which])
                    steps += self._begin_parts(parts)
                else:
                    self._open_steps[which] += 1
                    steps.append(ClustersPage(self, which))
            return self._in_order(steps)

    def note_clusters_page(
        self, step: ClustersPage, page: Page, shown: ClustersToWatch
    ) -> list[ListingStep]:
        """A list of clusters was read. Return the steps that follow."""
        problem = MORE_CLUSTERS if page.has_next else shown.problem
        if problem:
            self.note_failure(step, UnexpectedAtlasResponseError(problem))
        with self._lock:
            self._note_began(page)
            self._gone.update(Part(kind, name) for name in shown.free for kind in LISTED_KINDS)
            self._names[step.which] = shown.names
            parts = self.wanted.parts_in(step.which, shown.names)
            return self._in_order(self._begin_parts(parts))

    def note_jobs_page(
        self, step: JobsPage, page: Page, entries: Sequence[ListEntry]
    ) -> list[ListingStep]:
        """A page with these entries was read. Return the next page, if it is to be read too."""
        last = step.last
        for entry in entries:
            last = entry.created_at if last and entry.created_at <= last else None
        wanted = self.wanted
        listed_since = Interest.beyond(wanted.marks, step.part, wanted.now).listed_since
        # A single job shows no order.
        is_enough = last is not None and len(page.entries) > 1 and last < listed_since
        pages = step.pages.after(page, [entry.id for entry in entries])
        if pages.stop is Stop.NOTHING_NEW:
            self.note_failure(step, UnexpectedAtlasResponseError(NOTHING_NEW))
        elif is_enough:
            pages = pages.enough()
        steps: list[ListingStep] = []
        if pages.stop is None:
            steps.append(step.after(pages, last))
        with self._lock:
            self._note_began(page)
            self._open_steps[step.part] += len(steps)
        return steps

    def note_failure(self, step: ListingStep, error: ApplicationError) -> None:
        """The list or part of a step could not be read, or not all of it."""
        with self._lock:
            self._unread.add(step.reads)
            self._errors[step.reads] = error

    def note_gone(self, part: Part) -> None:
        """Atlas answers that it knows no such cluster, or no such jobs of it."""
        with self._lock:
            self._gone.add(part)

    def finish_step(self, step: ListingStep, *, is_read: bool = True) -> bool:
        """Count a step as taken, after the steps that follow are known. True if it was the last."""
        with self._lock:
            self._open_steps[step.reads] -= 1
            if not is_read:
                self._unread.add(step.reads)
            return not self._open_steps.total()

    def parts_read(self) -> PartsRead:
        """Return what was read so far."""
        with self._lock:
            left = {part for part in self._begun if not self._is_read(part)}
            unread = {part for part in left if not self._is_gone_or_lost(part)}
            read = self._begun - unread
            for kind in self.wanted.kinds:
                if self._is_read(jobs_of(kind).clusters):
                    read.add(Part(kind))
                else:
                    unread.add(Part(kind))
            is_full = self.wanted.kinds >= set(LISTED_KINDS)
            return PartsRead(self._began, frozenset(read), frozenset(unread), is_full)

    def _is_read(self, what: Family | Part) -> bool:
        """Whether no step of a list or part is open or went wrong."""
        return not self._open_steps[what] and what not in self._unread

    def _is_gone_or_lost(self, part: Part) -> bool:
        """
        Whether nothing more can be read of a part that was not read.

        Its list does not show the cluster. Atlas does not know it either, or it could not be read
        for too long.
        """
        which = jobs_of(part.kind).clusters
        names = self._names.get(which)
        if names is None or not self._is_read(which) or part.cluster_name in names:
            return False
        unread_for = self.wanted.now - self.wanted.marks.mark_of(part)
        return part in self._gone or unread_for > UNREAD_AT_MOST

    def _begin_parts(self, parts: Iterable[Part]) -> list[ListingStep]:
        """Open a step for each part that has had none in this listing. Return these steps."""
        new = [part for part in parts if part not in self._begun]
        self._begun.update(new)
        for part in new:
            self._open_steps[part] += 1
        return [JobsPage(self, part) for part in new]

    def _in_order(self, steps: list[ListingStep]) -> list[ListingStep]:
        """
        Parts that were asked for lately come last, those that stayed behind longest before others.

        The rest is shuffled. So little time is not always spent on the same clusters, and one that
        cannot be read does not keep others from it.
        """
        shuffle(steps)
        return sorted(steps, key=lambda step: step.last_turn_and_mark)

    def _note_began(self, page: Page) -> None:
        if self._began is None:
            self._began = min(page.date or self.wanted.now, self.wanted.now)
