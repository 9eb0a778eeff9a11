"""The table's code, and beside it the same table as DynamoDB's own API shows it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from foundation.deadline import Deadline
from local_stack.in_process import Clients
from local_stack.stack import LocalStack
from restore_watch.model.restore_job import RestoreJob, RestoreTarget
from restore_watch.model.validation import Validation, Verdict
from restore_watch.table.job_item import OPEN_SHARDS, Acknowledgement, Recorded, key
from restore_watch.table.jobs import RestoreJobsTable

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

CHECKS_AT_ONCE = 32

ONE_TRY = Config(
    max_pool_connections=CHECKS_AT_ONCE,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""No retry hides a refusal; the long timeout is for a busy machine."""

type Job = Callable[..., RestoreJob]
"""Returns the job of a test at a status."""


@dataclass(frozen=True)
class Stored:
    """A table with both views on it."""

    table: RestoreJobsTable
    stack: LocalStack
    client: Any

    @classmethod
    def by(cls, made: Clients, stack: LocalStack) -> "Stored":
        return cls(RestoreJobsTable(made.dynamodb, stack.table_name), stack, made.dynamodb)

    # By the code of the function

    def record(self, job: RestoreJob, minute: int = 0) -> Recorded:
        return self.table.record(job, NOON + timedelta(minutes=minute), Deadline.after(60))

    def validate(self, recorded: Recorded, detail: str, minute: int = 0) -> Recorded | None:
        """Append a validation with this detail, if the item is as it was read."""
        at, found = (
            NOON + timedelta(minutes=minute),
            Validation(verdict=Verdict.PASSED, detail=detail),
        )
        return self.table.validate(recorded, found, at, Deadline.after(60))

    def recall(self, job: RestoreJob) -> Recorded | None:
        target = RestoreTarget.model_validate(job.as_json())
        return self.table.recall(target, Deadline.after(60))

    def acknowledge(self, recorded: Recorded, up_to: int | None = None) -> None:
        """Acknowledge all changes, or those up to this sequence number."""
        last = recorded.history[(up_to or len(recorded.history)) - 1]
        self.table.acknowledge(recorded, Acknowledgement(last), Deadline.after(60))

    # By DynamoDB's own API

    def find(self, job: RestoreJob) -> dict[str, Any] | None:
        return self.stack.item(job.group_id, job.cluster_name, job.restore_id)

    def item(self, job: RestoreJob) -> dict[str, Any]:
        item = self.find(job)
        assert item is not None
        return item

    def put_key_only(self, job: RestoreJob) -> None:
        """Put an item without any attribute."""
        self.client.put_item(TableName=self.stack.table_name, Item=key_of(job))

    def delete(self, job: RestoreJob) -> None:
        self.client.delete_item(TableName=self.stack.table_name, Key=key_of(job))

    def update(self, job: RestoreJob, expression: str, **how: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.update_item(
            TableName=self.stack.table_name, Key=key_of(job), UpdateExpression=expression, **how
        )
        return answer

    def open_jobs(self, job: RestoreJob) -> list[dict[str, Any]]:
        """Return what the index of open jobs holds of this job's project."""
        return [
            item
            for shard in OPEN_SHARDS
            for item in self.client.query(
                TableName=self.stack.table_name,
                IndexName="OpenJobs",
                KeyConditionExpression="openShard = :shard",
                ExpressionAttributeValues={":shard": {"S": str(shard)}},
            )["Items"]
            if item["cluster"]["S"].startswith(job.group_id)
        ]


def key_of(job: RestoreJob) -> dict[str, Any]:
    return key(job.group_id, job.cluster_name, job.restore_id)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def at_once[T](works: Sequence[Callable[[], T]]) -> list[T]:
    """Run all at the same moment."""
    ready = threading.Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        ready.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begin, works))
