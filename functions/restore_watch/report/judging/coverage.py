"""The clusters that Atlas lists, each with its state, and what could not be read. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from restore_watch.model.restore_target import ClusterKey
from restore_watch.report.cluster import Cluster
from restore_watch.report.fleet.fleet import Fleet
from restore_watch.report.judging.cluster_state import Judged, State
from restore_watch.report.period import LONG_AGO
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread


@dataclass(frozen=True)
class Coverage:
    """
    Which clusters had a restore test.

    `is_configured`: False if the operator names no project. `clusters`: every cluster that Atlas
    lists. `watched_projects`: how many Atlas was asked about. `unread_projects`: why clusters of a
    project could not be listed; "" for the list of projects. `unwatched_projects`: the ids of those
    that the credentials see and the stack does not watch; None if that could not be read.
    """

    is_configured: bool
    clusters: Sequence[Judged]
    watched_projects: int
    project_names: Mapping[str, str]
    unread_projects: Mapping[str, WhyUnread]
    snapshots: Mapping[ClusterKey, Snapshot]
    unwatched_projects: Sequence[str] | None = None

    @classmethod
    def of(cls, fleet: Fleet, judged: Sequence[Judged] | None) -> Self:
        """
        Return the coverage of these clusters, of which the fleet has the snapshots.

        `judged` is None if the operator names no project.
        """
        snapshots: dict[ClusterKey, Snapshot] = {}
        clusters = judged or ()
        for each in clusters:
            snapshot = fleet.snapshots.get((*each.cluster.key, each.cluster.kind))
            if snapshot is not None:
                snapshots[each.cluster.key] = snapshot
        unwatched = sorted(fleet.project_names.keys() - fleet.projects)
        return cls(
            is_configured=judged is not None,
            clusters=clusters,
            watched_projects=len(fleet.projects),
            project_names={key: name for key, name in fleet.project_names.items() if name},
            unread_projects=fleet.unread_projects,
            snapshots=snapshots,
            unwatched_projects=unwatched if fleet.has_all_projects else None,
        )

    @property
    def states(self) -> Mapping[State, int]:
        """How many clusters are in each state."""
        numbers = Counter(judged.state for judged in self.clusters)
        return {state: numbers[state] for state in State}

    @property
    def required(self) -> list[Judged]:
        """The clusters that need a test."""
        return [judged for judged in self.clusters if judged.state.needs_test]

    @cached_property
    def in_order(self) -> list[Judged]:
        """Every cluster by state: the worst first, and those of a state that is well by name."""
        return sorted(self.clusters, key=self._place)

    def _place(self, judged: Judged) -> tuple[object, ...]:
        """Its state; then, if that is bad, for how long it has been so; then its name."""
        cluster = judged.cluster
        has_good, since = False, LONG_AGO
        if judged.state.is_bad:
            has_good = judged.good is not None
            # Without any good test, an older cluster is worse.
            known_since = judged.good.ended_at if judged.good else cluster.created_at
            since = known_since or LONG_AGO
        state = list(State).index(judged.state)
        return state, has_good, since, self.project_name(cluster.group_id), cluster.key

    @property
    def was_fully_read(self) -> bool:
        """Whether every list, and every cluster that needs a test, was read as a whole."""
        if self.unread_projects:
            return False
        return not any(self.not_read(judged) for judged in self.required)

    @property
    def watches_nothing(self) -> bool:
        """Whether the stack watches no project, by its own words or by Atlas's list of all."""
        return self.watched_projects == 0

    @cached_property
    def by_key(self) -> Mapping[ClusterKey, Cluster]:
        """The clusters by project and name."""
        return {judged.cluster.key: judged.cluster for judged in self.clusters}

    def not_read(self, judged: Judged) -> WhyUnread | None:
        """Return why the cluster's restores or its snapshots could not be read, or not all."""
        if judged.unread is not None:
            return judged.unread
        snapshot = self.snapshots.get(judged.cluster.key)
        return snapshot.unread if snapshot is not None else None

    def lacks_tag(self, tag: tuple[str, str]) -> bool:
        """Whether there are clusters, and none has the tag. It may be mistyped."""
        if not self.clusters:
            return False
        return not any(tag in judged.cluster.tags.items() for judged in self.clusters)

    def project_name(self, group_id: str) -> str:
        """The project's name if Atlas shows it, otherwise its id."""
        return self.project_names.get(group_id) or group_id
