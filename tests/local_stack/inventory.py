"""What a test can do to what is in the emulated Atlas: projects, clusters, jobs, events."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from local_stack.behaviour import ListOrder
from local_stack.clock import Clock
from local_stack.cluster_data import ClusterData, Held
from local_stack.clusters import OF_DEDICATED, Clusters
from local_stack.projects import EmulatedCluster, Project
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import CLASSES, EmulatedRestore, Kind, defaults_of, object_id
from local_stack.snapshots import EmulatedSnapshot, Order, SnapshotStatus


class Inventory(Clusters):
    def empty(self) -> None:
        """Remove every project and event."""
        for state in (
            self._projects,
            self._restores,
            self._snapshots,
            self._orders,
            self._listed_as,
            self._additions,
        ):
            state.clear()
        self.events.clear()

    # Projects and clusters

    def add_project(self, group_id: str) -> Project:
        """Add a project if it is missing."""
        with self._lock:
            made = Project(group_id, self.now(), f"Project {group_id[-4:]}")
            return self._projects.setdefault(group_id, made)

    def remove_project(self, group_id: str) -> None:
        """From now on the project is unknown. Added again, it has no clusters and no events."""
        with self._lock:
            for name in list(self._projects[group_id].clusters):
                self.remove_cluster(group_id, name)
            del self._projects[group_id]
            self.events.remove(group_id)

    def hide_project(self, group_id: str) -> None:
        """From now on, the list of projects does not show it; all else goes on."""
        self._projects[group_id].is_listed = False

    def show_project(self, group_id: str) -> None:
        """The list of projects shows a hidden project again."""
        self._projects[group_id].is_listed = True

    def add_cluster(self, group_id: str, name: str, kind: Kind) -> EmulatedCluster:
        """
        Add a cluster, and its project if that is missing.

        Adding it again with another kind upgrades it; its restore jobs stay.
        """
        kind = "dedicated" if kind in OF_DEDICATED else kind
        with self._lock:
            made = EmulatedCluster(group_id, name, kind, self.now())
            cluster = self.add_project(group_id).clusters.setdefault(name, made)
            cluster.kind = kind
            return cluster

    def remove_cluster(self, group_id: str, name: str) -> None:
        """From now on the cluster is unknown. Added again, it has no jobs."""
        with self._lock:
            del self._projects[group_id].clusters[name]
            for state in (self._restores, self._snapshots, self._orders, self._additions):
                state.pop((group_id, name), None)

    def hold(
        self,
        group_id: str,
        name: str,
        databases: Mapping[str, Held],
        since: datetime | None = None,
    ) -> ClusterData:
        """
        Let a dedicated cluster hold these databases, and add it if it is missing.

        It holds them since a moment, which may be past, or since the cluster was made.
        """
        with self._lock:
            cluster = self.add_cluster(group_id, name, "dedicated")
            for database, held in databases.items():
                cluster.data.hold(database, held, since or cluster.created)
            return cluster.data

    def add_snapshot(
        self,
        group_id: str,
        cluster: str,
        *,
        status: SnapshotStatus = "completed",
        age: timedelta = timedelta(hours=1),
        kind: Kind = "dedicated",
    ) -> EmulatedSnapshot:
        """Add a snapshot, listed after earlier ones, and its cluster if it is missing."""
        created = self.now() - age
        snapshot = EmulatedSnapshot(
            group_id, cluster, object_id(created), created, status, is_flex=kind == "flex"
        )
        with self._lock:
            self._add_missing(group_id, cluster, kind)
            self._snapshots[group_id, cluster].append(snapshot)
        return snapshot

    # Restore jobs

    def restores(self, group_id: str, cluster: str) -> list[EmulatedRestore]:
        """Return a cluster's jobs, of whoever started them."""
        with self._lock:
            return list(self._restores[group_id, cluster].values())

    def restore_from(self, group_id: str, cluster: str, order: Order) -> EmulatedRestore:
        """Do what a request for a restore asks for. Raise Refusal if that cannot be done."""
        for snapshot in self.snapshots_of(group_id, cluster):
            if snapshot.snapshot_id == order.snapshot_id and snapshot.status == "completed":
                break
        else:
            detail, names = "There is no such snapshot.", [f"Snapshot {order.snapshot_id}"]
            raise Refusal(atlas_error(404, "RESOURCE_NOT_FOUND", detail, names))
        self._check("dedicated", order.target_group, order.target_cluster)
        return self.start_restore(
            group_id,
            cluster,
            "dedicated",
            target_group=order.target_group,
            target_cluster=order.target_cluster,
            snapshot_id=snapshot.snapshot_id,
            snapshot_age=self.now() - snapshot.created,
            timeline=self.behaviour.restore_timeline,
        )

    def start_restore(
        self,
        group_id: str,
        cluster: str,
        kind: Kind,
        *,
        restore_id: str | None = None,
        delivery_type: str | None = None,
        target_group: str | None = None,
        target_cluster: str | None = None,
        snapshot_id: str | None = None,
        snapshot_age: timedelta = timedelta(hours=1),
        timeline: Sequence[str] | None = None,
        at: datetime | None = None,
    ) -> EmulatedRestore:
        """
        Return a new job at the first step of its timeline. Adds project and cluster if missing.

        With `at` it began then; its next steps are taken at the time of the call as always.
        """
        began = at or self.now()
        default, steps = defaults_of(kind, delivery_type)
        with self._lock:
            self.events.started(group_id, kind, began)
            restore = CLASSES[kind](
                group_id=group_id,
                cluster=cluster,
                restore_id=restore_id or object_id(began),
                delivery_type=delivery_type or default,
                target_group=target_group or group_id,
                target_cluster=target_cluster or f"{cluster}-restored",
                snapshot_id=snapshot_id or object_id(began - snapshot_age),
                snapshot_at=began - snapshot_age,
                timeline=steps if timeline is None else timeline,
                clock=Clock(began),
                on_step=partial(self.events.stepped, kind),
            )
            restore.clock = self.now
            self._add_missing(group_id, cluster, kind)
            self.show_restore(restore)
        return restore

    def add_ended_restores(
        self,
        group_id: str,
        cluster: str,
        kind: Kind,
        count: int,
        *,
        newest: datetime | None = None,
        apart: timedelta = timedelta(hours=1),
    ) -> list[EmulatedRestore]:
        """Return new jobs that have ended, newest first. Without `newest` that is a day old."""
        newest = newest or self.now() - timedelta(days=1)
        restores = []
        for number in range(count):
            began = newest - number * apart
            restore = self.start_restore(group_id, cluster, kind, at=began)
            restore.run_to_end_at(began + timedelta(minutes=1))
            restores.append(restore)
        return restores

    def hide_restore(self, restore: EmulatedRestore) -> None:
        """From now on the job is unknown; its cluster stays."""
        with self._lock:
            self._restores[restore.group_id, restore.cluster].pop(restore.restore_id, None)

    def show_restore(self, restore: EmulatedRestore) -> None:
        """A hidden job is known again, at the step it has reached."""
        with self._lock:
            self._restores[restore.group_id, restore.cluster][restore.restore_id] = restore

    # What lists show

    def order_list(self, group_id: str, cluster: str, order: ListOrder) -> None:
        """From now on, the lists of this cluster's jobs have this order."""
        self._orders[group_id, cluster] = order

    def lag_lists(self, restore: EmulatedRestore) -> None:
        """From now on, lists show the job as it is now; a GET shows how it goes on."""
        self._listed_as[restore] = restore.frozen()

    def omit_from_lists(self, restore: EmulatedRestore) -> None:
        """From now on, lists do not show the job; a GET does."""
        self._listed_as[restore] = None

    def catch_up_lists(self, restore: EmulatedRestore) -> None:
        """Lists show the job again, at the step it has reached."""
        self._listed_as.pop(restore, None)

    def add_to_list(self, group_id: str, cluster: str, kind: Kind, entry: Any) -> None:
        """From now on, this list shows `entry`, any JSON, before its jobs."""
        with self._lock:
            self._additions[group_id, cluster].setdefault(kind, []).append(entry)

    # Events

    def add_event(
        self, group_id: str, event_type: str, *, at: datetime | None = None, **fields: Any
    ) -> None:
        """Add an event of any type to a project, and the project if it is missing."""
        with self._lock:
            self.add_project(group_id)
            self.events.add(group_id, event_type, at or self.now(), **fields)

    def _add_missing(self, group_id: str, cluster: str, kind: Kind) -> None:
        if cluster not in self.add_project(group_id).clusters:
            self.add_cluster(group_id, cluster, kind)
