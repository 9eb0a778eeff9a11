"""The partitions of the index OpenJobs, which spread its writes. Pure."""

OPEN_SHARDS = ("0", "1", "2", "3")


def open_shard(restore_id: str) -> str:
    """Return the partition of a job. An ObjectId ends in a counter, so jobs spread evenly."""
    return OPEN_SHARDS[int(restore_id[-1], 16) % len(OPEN_SHARDS)]
