"""Which worker sweeps a project, and where it looks for the open jobs of its projects."""

import pytest

from restore_watch.model.shares import WORKERS, Worker
from restore_watch.table.job_item import OPEN_SHARDS, open_shard
from restore_watch.table.open_jobs import shards_of

PROJECTS = [f"6a1f3c9e5b7d204e{number:08x}" for number in range(500)]


@pytest.mark.parametrize("count", WORKERS)
def test_each_project_has_one_worker_which_looks_where_its_jobs_are(count: int) -> None:
    workers = [Worker(number, count) for number in range(count)]

    for project in PROJECTS:
        (worker,) = (one for one in workers if one.has(project))
        assert open_shard(project) in shards_of(worker)
    assert sum(len(shards_of(one)) for one in workers) == max(count, len(OPEN_SHARDS))


def test_a_worker_keeps_half_of_its_projects_when_their_number_doubles() -> None:
    halves = [one for one in PROJECTS if Worker(2, 4).has(one) or Worker(3, 4).has(one)]

    assert halves == [one for one in PROJECTS if Worker(1, 2).has(one)]
