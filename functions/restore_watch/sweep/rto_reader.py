"""
Reads the tags of the clusters whose restores are running.

A tag `rto` says when a restore is late. The lists of clusters that are read to find jobs show most
of them. What fails here fails and degrades nothing: the RTO of the stack counts then, and the next
tick reads again.
"""

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.asking.questions import Questions
from restore_watch.atlas.entries import cluster_entries
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.kind_of_cluster import ClusterKey
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.sweep.run import Run
from restore_watch.telemetry.isolation import isolated
from restore_watch.telemetry.rto_of_clusters import RtoOfClusters
from restore_watch.threads.workers import Workers

READING_TIME = 3.0
"""Seconds that reading the lists may take."""

LEFT_TIME = 3.0
"""Seconds that are left for the end of the sweep."""


@dataclass(frozen=True)
class RtoReader:
    """Reads the tags for one sweep."""

    run: Run
    questions: Questions
    atlas: AtlasSession
    workers: Workers

    def read_tags(self) -> None:
        """Read the lists of clusters whose tags are needed, as far as time and the pace allow."""
        wanted: defaultdict[Bucket, set[ClusterKey]] = defaultdict(set)
        for job in self.run.open_jobs():
            cluster = job.target.cluster
            if job.is_running and job.kind and self._objectives.needs_tags_of(cluster):
                bucket = Bucket(job.target.group_id, jobs_of(job.kind).clusters)
                wanted[bucket].add(cluster)
        deadline = self.run.ending.earlier(LEFT_TIME).within(READING_TIME)
        read = partial(self._read_list, deadline=deadline)
        self.workers.each(wanted.items(), read, deadline)

    def _read_list(self, wanted: tuple[Bucket, set[ClusterKey]], deadline: Deadline) -> None:
        bucket, clusters = wanted
        group_id = bucket.group_id or ""
        if not self.questions.take_call(bucket):
            return
        with suppress(ApplicationError), isolated(self.run.telemetry, group_id=group_id):
            page = self.atlas.clusters(group_id, bucket.family, deadline)
            self._objectives.note_clusters(group_id, cluster_entries(page, bucket.family).readable)
            for cluster in clusters:
                self._objectives.note_missing(cluster)

    @property
    def _objectives(self) -> RtoOfClusters:
        return self.run.telemetry.objectives
