"""The steps by which jobs are found: tasks on the agenda of a sweep. Pure."""

from collections.abc import Collection, Container, Hashable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Self

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.pages import FIRST_PAGE, PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import RestoreWatchError
from restore_watch.model.marks import Part
from restore_watch.table.open_job import JobKey

NOTHING_READ = datetime.max.replace(tzinfo=UTC)
"""Every job was created before this moment."""


@dataclass(frozen=True)
class Call:
    """One step of finding jobs, a task on the agenda. An earlier try may have had an `error`."""

    tries: int = field(default=0, kw_only=True)
    error: RestoreWatchError | None = field(default=None, kw_only=True)

    @property
    def keys(self) -> tuple[JobKey, ...]:
        """It is put on the agenda once."""
        return ()

    def without(self, _busy: Container[Hashable]) -> Self | None:
        """Nobody else does the same."""
        return self


@dataclass(frozen=True)
class ProjectsPage(Call):
    """Read a page of the list of projects. `shown` are the projects of the pages before."""

    number: int = 1
    shown: tuple[str, ...] = ()

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return Bucket(None, AtlasList.PROJECTS)


@dataclass(frozen=True)
class Wake(Call):
    """Ask for the newest restore events of a project, and list it if that shows a reason."""

    group_id: str

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return Bucket(self.group_id, AtlasList.EVENTS)


@dataclass(frozen=True)
class ClustersPage(Call):
    """Read a list of clusters, Flex or dedicated ones: one page has all that Atlas allows."""

    group_id: str
    which: AtlasList

    @property
    def belongs_to(self) -> AtlasList:
        """The list or part that is read to the end once no such step is left."""
        return self.which

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return Bucket(self.group_id, self.which)


@dataclass(frozen=True)
class JobsPage(Call):
    """
    Read a page of a cluster's jobs. `last` is the creation of the oldest if they descend.

    The pages before it have shown the `known` jobs.
    """

    group_id: str
    part: Part
    at: PageAt = FIRST_PAGE
    last: datetime | None = NOTHING_READ
    known: frozenset[str] = frozenset()

    def after(self, at: PageAt, last: datetime | None, new: Collection[str]) -> Self:
        """The page after one that showed these new jobs."""
        known = self.known.union(new)
        return replace(self, at=at.next, last=last, known=known, tries=0, error=None)

    @property
    def belongs_to(self) -> Part:
        """The list or part that is read to the end once no such step is left."""
        return self.part

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return Bucket(self.group_id, self.part.kind)


type ListingStep = ClustersPage | JobsPage

type FindStep = ProjectsPage | Wake | ListingStep
