"""A look at one project in Atlas: which of its lists and jobs the credentials can read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from itertools import chain

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.json_text import as_map
from restore_watch.atlas.clusters_to_watch import UNWATCHED, clusters_to_watch
from restore_watch.atlas.entries import Entries, cluster_entries
from restore_watch.atlas.families import (
    CLUSTER_LISTS,
    COLLECTION_JOBS,
    DEDICATED_CLUSTERS,
    DEDICATED_JOBS,
    EVENTS,
    FLEX_CLUSTERS,
    LISTED_JOBS,
    PROCESSES,
    Family,
    JobFamily,
)
from restore_watch.atlas.pages import FIRST_PAGE, Page
from restore_watch.atlas.session import AtlasSession
from restore_watch.diagnosis.line import Line, bad, good, together, unsure
from restore_watch.diagnosis.lines_about_refusals import line_of_refusal, line_of_unmeasured
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
)

CALL_TIME = 6.0
"""Seconds that one question to Atlas may take."""

CLUSTERS_TRIED = 3
"""A cluster that was deleted meanwhile, or has no backups, says nothing about the role."""

OF_DEDICATED = {DEDICATED_JOBS, COLLECTION_JOBS}
"""The families of restore jobs that a dedicated cluster has."""


@dataclass
class ProjectLook:
    """
    What was seen of a project.

    `lines`: the findings. `measuring`: whether restores can be measured, None if nobody asked.
    `clusters`: the names on each list of clusters that could be read.
    `unwatched`: clusters whose names have another form. `without_role`: what Atlas answers with
    401. `are_all`: the lists could be read, and had one page.
    """

    lines: list[Line] = field(default_factory=list)
    measuring: Line | None = None
    clusters: dict[Family, list[str]] = field(default_factory=dict)
    unwatched: list[str] = field(default_factory=list)
    without_role: set[Family] = field(default_factory=set)
    are_all: bool = True

    @property
    def is_without_clusters(self) -> bool:
        """Whether the project has no cluster that could be restored."""
        return self.are_all and not self.unwatched and not any(self.clusters.values())

    @property
    def is_refused_dedicated_jobs(self) -> bool:
        """Whether Atlas refuses the restore jobs of a dedicated cluster for want of a role."""
        return not self.without_role.isdisjoint(OF_DEDICATED)

    @property
    def is_without_dedicated(self) -> bool:
        """Whether the list of dedicated clusters was read, and is empty."""
        return self.clusters.get(DEDICATED_CLUSTERS) == []


def look_at_project(
    session: AtlasSession, group_id: str, now: datetime, deadline: Deadline, *, measures: bool
) -> ProjectLook:
    """
    Look at the lists of a project, and at the jobs of a cluster of each kind.

    `measures`: whether the stack measures restores, which are those of dedicated clusters.
    """
    reader = _Reader(session, group_id, deadline)
    reader.read_events(now)
    names = {which: reader.read_clusters(which) for which in CLUSTER_LISTS}
    for family in LISTED_JOBS:
        reader.read_jobs(family, names[family.clusters])
    look = reader.look
    if measures and look.clusters.get(DEDICATED_CLUSTERS):
        reader.read_processes()
    look.lines = _summed_up(group_id, look)
    return look


class _Reader:
    """Asks about a project. The `look` has what was found, and a line for each refusal."""

    def __init__(self, session: AtlasSession, group_id: str, deadline: Deadline) -> None:
        self.look = ProjectLook()
        self._session = session
        self._group_id = group_id
        self._deadline = deadline

    def read_events(self, now: datetime) -> None:
        self._read(EVENTS, partial(self._session.events, self._group_id, now))

    def read_clusters(self, which: Family) -> list[str]:
        """Read a list of clusters. Return their names, those without backups at the end."""
        page = self._read(which, partial(self._session.clusters, self._group_id, which))
        if page is None or page.has_next:
            self.look.are_all = False
        if page is None:
            return []
        entries = cluster_entries(page, which)
        clusters = clusters_to_watch(entries)
        self.look.clusters[which] = clusters.names
        self.look.unwatched += clusters.unwatched
        without = _without_backups(entries, which)
        with_backups = [name for name in clusters.names if name not in without]
        others = [name for name in clusters.names if name in without]
        return with_backups + others

    def read_jobs(self, family: JobFamily, names: list[str]) -> None:
        """Read the jobs of a cluster, which stands for all: the role is given for the project."""
        for name in names[:CLUSTERS_TRIED]:
            ask = partial(
                self._session.page_of_jobs, (self._group_id, name), family.kind, FIRST_PAGE
            )
            try:
                ask(self._deadline.within(CALL_TIME))
            except (AtlasBadRequestError, RestoreJobNotFoundError):
                continue  # this cluster says nothing, so the next is tried
            except ApplicationError as error:
                self._note(error, family)
            return

    def read_processes(self) -> None:
        """Look whether the processes can be read, whose figures a measurement compares."""
        try:
            self._session.a_process(self._group_id, self._deadline.within(CALL_TIME))
        except ApplicationError as error:
            self.look.measuring = line_of_unmeasured(error)
        else:
            self.look.measuring = good(PROCESSES.name, "can be read, to measure restores")

    def _read(self, family: Family, ask: Callable[[Deadline], Page]) -> Page | None:
        try:
            return ask(self._deadline.within(CALL_TIME))
        except ApplicationError as error:
            self._note(error, family)
            return None

    def _note(self, error: ApplicationError, family: Family) -> None:
        if isinstance(error, AtlasUnauthorizedError):
            self.look.without_role.add(family)
        self.look.lines.append(line_of_refusal(family.name, error, family))


def _summed_up(group_id: str, look: ProjectLook) -> list[Line]:
    """Return the lines about a project: what was refused, or that all could be read."""
    project = f"project {group_id}"
    lines = together(project, look.lines)
    if not lines:
        counts = (f"{which}: {len(names)}" for which, names in look.clusters.items())
        lines = [good(project, f"can be read. {', '.join(counts)}")]
    odd = [unsure(f"cluster {name}", UNWATCHED) for name in look.unwatched]
    measuring = [look.measuring] if look.measuring else []
    return lines + together(project, measuring) + together(project, odd)


def _without_backups(entries: Entries, which: Family) -> set[str]:
    """Return the clusters whose backups Atlas says are off."""
    names = set()
    for name, entry in entries.readable:
        flex = as_map(entry.get("backupSettings")).get("enabled")
        backups = flex if which is FLEX_CLUSTERS else entry.get("backupEnabled")
        if backups is False:
            names.add(name)
    return names


def line_about_cluster(name: str, look: ProjectLook) -> Line:
    """Return the line that says whether a project has a cluster of this name."""
    check = f"cluster {name}"
    for which, names in look.clusters.items():
        if name in names:
            return good(check, f"is among the {which}")
    if not look.are_all:
        return unsure(check, "not all clusters of the project were read")
    close = get_close_matches(name, chain.from_iterable(look.clusters.values()))
    fix = f"Use {' or '.join(close)}" if close else "Use the name that the project's page shows"
    return bad(check, "the project has no cluster of this name", fix)


def line_about_no_cluster() -> Line:
    """Return the line about watched projects that have no cluster which could be restored."""
    return bad(
        "clusters",
        "No watched project has a cluster with backups: there is nothing to watch",
        "If there are clusters, compare the ids in AtlasProjectIds with the addresses of the "
        "projects' pages in Atlas. If there are none yet, this line goes with the first",
    )
