"""Thousands of clusters and open jobs, as Atlas and the table have them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from boto3.dynamodb.types import TypeSerializer

from bench.prepared_table import Item
from foundation.clock import utc_text
from foundation.retention import expires_at
from local_stack.atlas import Kind
from local_stack.restores import date
from restore_watch.atlas.families import CLUSTER_LISTS, EVENTS, LISTED_JOBS, TENANT_JOBS
from restore_watch.atlas.families import PROJECTS as PROJECT_LIST
from restore_watch.model.marks import Marks
from restore_watch.table.open_shards import open_shard
from restore_watch.table.project_item import marks_as_values
from restore_watch.table.stored_fields import project_key

PROJECTS = 20
"""With 500 jobs each, 10,000 jobs stay within Atlas's real rate limits, minute by minute."""

_READABLE = {str(one) for one in (*LISTED_JOBS, TENANT_JOBS, PROJECT_LIST, EVENTS, *CLUSTER_LISTS)}
_serialize = TypeSerializer().serialize


@dataclass(frozen=True)
class Fleet:
    """
    So many running Flex restores, in clusters with the same number of jobs each.

    They are so old that they are not hot any more, but are asked about in every sweep. With `idle`
    clusters beside these `busy` ones, half are dedicated. Each project has as many as any other.
    """

    jobs: int
    jobs_of_cluster: int = 1
    projects: int = PROJECTS
    idle: int = 0
    began: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    )

    @property
    def busy(self) -> int:
        return self.jobs // self.jobs_of_cluster

    @property
    def name(self) -> str:
        jobs = f"{self.jobs:,} jobs in {self.busy:,} clusters" if self.jobs else "idle"
        return f"{self.projects:,} projects, {jobs}" if self.idle else jobs

    @cached_property
    def groups(self) -> Sequence[str]:
        return [f"6a1f3c9e5b7d204e8c61{number:04x}" for number in range(self.projects)]

    @property
    def places(self) -> Iterator[tuple[str, str, Kind]]:
        """Project, name and kind of each cluster, those with jobs first."""
        clusters = self.busy + self.idle
        flex = max(self.busy, clusters // 2)
        for number in range(clusters):
            group = self.groups[number % self.projects]
            yield group, f"orders-{number:05}", "flex" if number < flex else "dedicated"

    @property
    def targets(self) -> Iterator[dict[str, str]]:
        """What names each job."""
        for (group, name, _), cluster in zip(self.places, range(self.busy), strict=False):
            for number in range(self.jobs_of_cluster):
                job = cluster * self.jobs_of_cluster + number
                restore_id = f"{int(self.began.timestamp()):08x}{job:016x}"
                yield {"groupId": group, "clusterName": name, "restoreId": restore_id}

    def least_calls(self, listed: int) -> int:
        """
        The calls to Atlas of a sweep: one for each job.

        With idle clusters, projects are watched: one call for each. So many of them are `listed`
        by two lists of clusters, one list of jobs for a Flex cluster, and two for a dedicated one.
        """
        lists = sum(2 if kind == "dedicated" else 1 for _, _, kind in self.places)
        of_listing = 2 + lists // self.projects
        return self.jobs + (self.projects + listed * of_listing if self.idle else 0)

    def entries(self, entry: Item) -> Iterator[Item]:
        """The index, if the function has recorded each job as that of this entry, at its start."""
        began = {"S": self.began.isoformat().replace("+00:00", "Z")}
        for target in self.targets:
            yield {
                **entry,
                "cluster": {"S": f"{target['groupId']}/{target['clusterName']}"},
                "restoreId": {"S": target["restoreId"]},
                "openShard": {"S": open_shard(target["restoreId"])},
                "firstObservedAt": began,
                "observedAt": began,
            }

    def projects_listed(self, at: datetime) -> Iterator[Item]:
        """What sweeps remember of the projects, if each was listed at that moment."""
        values = {
            **marks_as_values(Marks(at, at)),
            "listedAt": utc_text(at),
            "readable": _READABLE,
            "expiresAt": expires_at(at),
        }
        stored = {name: _serialize(value) for name, value in values.items()}
        return (project_key(group_id) | stored for group_id in self.groups)


@dataclass(frozen=True)
class Past:
    """What lies behind a fleet: so many restores of `each` cluster in a year, all completed."""

    fleet: Fleet
    each: int
    took: timedelta = timedelta(minutes=40)

    @property
    def began(self) -> datetime:
        """When all clusters were made."""
        return self.fleet.began - timedelta(days=600)

    @property
    def restores(self) -> Iterator[tuple[tuple[str, str, Kind], str, datetime]]:
        """The cluster, the id and the beginning of each."""
        for number, place in enumerate(self.fleet.places):
            for turn in range(self.each):
                # Before the week that a report is about may have ended: it ends on a Sunday.
                days = timedelta(days=8 + number % 7 + turn * 350 / self.each)
                began = (self.fleet.began - days).replace(microsecond=0)
                yield place, f"{int(began.timestamp()):08x}{number:08x}{turn:08x}", began

    def items(self, item: Item) -> Iterator[str]:
        """The items, in JSON, if the function has recorded each restore as this one."""
        text = json.dumps(item)
        group, _, name = item["cluster"]["S"].partition("/")
        for (group_id, cluster, kind), restore_id, began in self.restores:
            new = {
                group: group_id,
                name: cluster,
                item["restoreId"]["S"]: restore_id,
                item["kind"]["S"]: kind,
                item["restoreScheduledDate"]["S"]: date(began),
                item["restoreFinishedDate"]["S"]: date(began + self.took),
            }
            yield re.sub("|".join(map(re.escape, new)), lambda found: new[found[0]], text)  # noqa: B023 - used at once
