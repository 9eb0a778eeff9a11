"""The tags of the clusters whose restores run are read at the end of a tick, before its metrics."""

from collections import defaultdict
from dataclasses import dataclass
from functools import partial

from foundation.deadline import Deadline
from restore_watch.asking.questions import Questions
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.check.tag_reader import TagReader
from restore_watch.sweep.run import Run
from restore_watch.telemetry.rto_of_clusters import ListedCluster
from restore_watch.threads.workers import Workers

READING_TIME = 3.0
"""Seconds that reading the lists may take."""

LEFT_TIME = 3.0
"""Seconds that are left for the end of the sweep."""


@dataclass(frozen=True)
class TagsOfRunning:
    """Reads the tags for one sweep."""

    run: Run
    questions: Questions
    tags: TagReader
    workers: Workers

    def read(self) -> None:
        """Read the lists of clusters whose tags are needed, as far as time and the pace allow."""
        objectives = self.run.telemetry.objectives
        wanted: defaultdict[Bucket, set[ListedCluster]] = defaultdict(set)
        for job in self.run.open_jobs():
            if not job.is_running or job.kind is None:
                continue
            cluster = ListedCluster.of_jobs(job.target.cluster, job.kind)
            if objectives.needs_tags_of(cluster):
                wanted[cluster.in_list].add(cluster)
        deadline = self.run.ending.earlier(LEFT_TIME).within(READING_TIME)
        read = partial(self._read_list, deadline=deadline)
        self.workers.each(wanted.items(), read, deadline)

    def _read_list(self, wanted: tuple[Bucket, set[ListedCluster]], deadline: Deadline) -> None:
        in_list, clusters = wanted
        if self.questions.take_call(in_list):
            self.tags.read_list(in_list, clusters, deadline)
