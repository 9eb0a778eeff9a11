"""Which jobs a sweep asks about together, and in which order."""

from collections.abc import Iterable
from random import shuffle

from restore_watch.sweep.memory_of_jobs import JobMemory
from restore_watch.table.open_job import OpenJob


def grouped_jobs(jobs: Iterable[OpenJob], memory: JobMemory) -> list[tuple[OpenJob, ...]]:
    """
    Group the jobs by cluster and kind: the group whose first job was asked longest ago comes first.

    Jobs that Atlas was never asked about come before all, in any order. So an environment that dies
    while it asks about some job does not always begin with it.
    """
    ordered = list(jobs)
    shuffle(ordered)
    ordered.sort(key=lambda job: memory.remembered(job.key).asked)
    groups: dict[tuple[object, ...], list[OpenJob]] = {}
    for job in ordered:
        groups.setdefault((*job.target.cluster, job.kind), []).append(job)
    return [tuple(group) for group in groups.values()]
