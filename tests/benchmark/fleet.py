"""Open restore jobs in large numbers: in Atlas, and in the table as the function records them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from local_stack.clock import Clock
from local_stack.restores import EmulatedRestore, StatusRestore
from local_stack.stack import LocalStack
from restore_watch.atlas.read_restore_job import read_job
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreTarget
from restore_watch.model.status_change import utc_text
from restore_watch.table.job_item import history_entry, key, open_shard, state_of

AGE = timedelta(hours=2)
"""At this age jobs are not hot any more, but are asked about in every sweep."""

PROJECTS = 20
"""With 500 jobs each, 10,000 jobs stay within Atlas's real rate limits, minute by minute."""

_BATCH = 25
"""Items that one call of BatchWriteItem may put."""

_serialize = TypeSerializer().serialize


@dataclass(frozen=True)
class Fleet:
    """So many running Flex restores, in clusters with the same number of jobs each."""

    jobs: int
    jobs_of_cluster: int = 1
    age: timedelta = AGE

    @property
    def clusters(self) -> int:
        return self.jobs // self.jobs_of_cluster

    @property
    def name(self) -> str:
        return f"{self.jobs:,} jobs in {self.clusters:,} clusters"

    @property
    def least_calls(self) -> int:
        """The calls to Atlas of a sweep: a list for each cluster, and one of its jobs in turn."""
        return self.clusters if self.jobs_of_cluster == 1 else 2 * self.clusters

    def restores(self) -> list[EmulatedRestore]:
        """Make the restores. Projects take turns, so that all have the same number."""
        scheduled = datetime.now(UTC) - self.age
        clock = Clock(scheduled)
        return [
            _running(number, cluster=number // self.jobs_of_cluster, clock=clock)
            for number in range(self.jobs)
        ]


def _running(number: int, cluster: int, clock: Clock) -> EmulatedRestore:
    moment = int(clock().timestamp())
    group = f"6a1f3c9e5b7d204e8c61{cluster % PROJECTS:04x}"
    restore = StatusRestore(
        group_id=group,
        cluster=f"orders-{cluster:05}",
        restore_id=f"{moment:08x}{number:016x}",
        delivery_type="RESTORE",
        target_group=group,
        target_cluster=f"orders-{cluster:05}-restored",
        snapshot_id=f"{moment - 3600:08x}{number:016x}",
        snapshot_at=clock() - timedelta(hours=1),
        timeline=("PENDING", "QUEUED", "RUNNING", "COMPLETED"),
        clock=clock,
    )
    restore.advance()
    restore.advance()
    return restore


def recorded(restore: EmulatedRestore, observed_at: datetime | None = None) -> dict[str, Any]:
    """
    Return the item, in DynamoDB's types, of a job first seen as it is, and published.

    It was seen a second after it was scheduled, unless another moment is given.
    """
    observed_at = observed_at or restore.scheduled + timedelta(seconds=1)
    state = state_of(_as_answered(restore))
    observed = utc_text(observed_at)
    attributes = {
        **{name: value for name, value in state.items() if value is not None},
        "firstObservedAt": observed,
        "observedAt": observed,
        "history": [history_entry(state, restore.restore_id, observed_at)],
        "sequence": 1,
        "publishedSequence": 1,
        "openShard": open_shard(_as_answered(restore)),
    }
    plain = {name: _serialize(value) for name, value in attributes.items()}
    return key(restore.group_id, restore.cluster, restore.restore_id) | plain


def store(stack: LocalStack, restores: Iterable[EmulatedRestore]) -> None:
    """Put the items of the restores into the stack's table."""
    client = stack.aws.client("dynamodb")
    for some in batched(restores, _BATCH, strict=False):
        puts = [{"PutRequest": {"Item": item}} for item in map(recorded, some)]
        answer = client.batch_write_item(RequestItems={stack.table_name: puts})
        assert not answer["UnprocessedItems"]


def _as_answered(restore: EmulatedRestore) -> RestoreJob:
    target = RestoreTarget.model_validate(restore.event)
    return read_job(restore.body("flex"), target, RestoreKind.FLEX)
