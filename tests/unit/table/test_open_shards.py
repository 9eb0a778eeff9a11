"""Writes of the index OpenJobs are spread."""

from restore_watch.table.open_shards import open_shard


def test_jobs_are_spread_over_four_shards() -> None:
    ids = [f"{number:024x}" for number in (0, 1, 2, 3, 4, 15)]

    assert [open_shard(one) for one in ids] == ["0", "1", "2", "3", "0", "3"]
