"""Items of restores as the function writes them, with their keys."""

from datetime import UTC, datetime
from typing import Any

from restore_watch.item import key
from restore_watch.restore_job import RestoreJob
from unit.stubbed_aws import stored_item

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def item_of(
    *states: RestoreJob, published: int = 1, observed_at: datetime = NOON
) -> dict[str, Any]:
    """The item after the job was in these states, a minute each."""
    job = states[-1]
    item = stored_item(*states, published=published, observed_at=observed_at)
    return item | key(job.group_id, job.cluster_name, job.restore_id)
