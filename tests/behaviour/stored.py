"""One job's item: through the table's own code, and as DynamoDB's own API shows it."""

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from foundation.deadline import Deadline
from local_stack.aws import REGION
from local_stack.stack import LocalStack
from restore_watch.event.target_fields import read_target
from restore_watch.model.measurement import Count, Measurement, Outcome
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.validation import Validation, Verdict
from restore_watch.table.job_item import Recorded
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs
from strategies import plain_job

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
AT_ONCE = 32

ONE_TRY = Config(
    max_pool_connections=AT_ONCE,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""No retry hides a refusal; the long timeout is for a busy machine."""


def client_of(stack: LocalStack) -> Any:
    session = boto3.Session("AKIAENVIRONMENTTABLE", "in-process", region_name=REGION)
    return session.client("dynamodb", endpoint_url=stack.aws.url, config=ONE_TRY)


def soon() -> Deadline:
    return Deadline.after(60)


class Stored:
    """The item of a job of a new project. Moments are minutes after noon."""

    def __init__(self, stack: LocalStack, client: Any) -> None:
        self.client = client
        self.table_name = stack.table_name
        self.table = RestoreJobsTable(client, stack.table_name)
        self.index = OpenJobs(client, stack.table_name)
        self._stack = stack
        self._job = plain_job(group_id=secrets.token_hex(12))
        self.key = {
            "cluster": {"S": f"{self._job.group_id}/orders"},
            "restoreId": {"S": self._job.restore_id},
        }

    # By the code of the function

    def record(self, status: str, minute: float = 0, **fields: Any) -> Recorded:
        return self.record_job(
            plain_job(group_id=self._job.group_id, status=RestoreStatus(status), **fields), minute
        )

    def record_job(self, job: RestoreJob, minute: float = 0) -> Recorded:
        job = replace(job, group_id=self._job.group_id)
        return self.table.record(job, NOON + timedelta(minutes=minute), soon())

    def recall(self) -> Recorded | None:
        return self.table.recall(read_target(self._job.as_json()), soon())

    def validate(self, recorded: Recorded, detail: str, minute: float = 0) -> Recorded | None:
        """Append a validation with this detail, if the item is as it was read."""
        found = Validation(verdict=Verdict.PASSED, detail=detail)
        return self.table.validate(recorded, found, NOON + timedelta(minutes=minute), soon())

    def measure(self, recorded: Recorded, databases: int, minute: float = 0) -> Recorded | None:
        """Append a measurement of so many databases, if the item is as it was read."""
        all_match = Count(found=databases, expected=databases)
        found = Measurement(outcome=Outcome.MATCHES, databases=all_match)
        return self.table.measure(recorded, found, NOON + timedelta(minutes=minute), soon())

    def acknowledge(self, recorded: Recorded, up_to: int = 0) -> None:
        """Acknowledge all changes, or those up to this sequence number."""
        last = recorded.history[up_to - 1]
        self.table.acknowledge(recorded, soon(), last=last)

    def entries(self) -> list[OpenJob]:
        """What a sweep reads in the index about this project."""
        read = self.index.iterate_jobs(soon(), datetime.now(UTC))
        return [one for one in read if one.target.group_id == self._job.group_id]

    def entry(self) -> OpenJob:
        (entry,) = self.entries()
        return entry

    # By DynamoDB's own API

    def find(self) -> dict[str, Any] | None:
        return self._stack.get(self.key["cluster"]["S"], self.key["restoreId"]["S"])

    def item(self) -> dict[str, Any]:
        item = self.find()
        assert item is not None
        return item

    def put(self, **attributes: str) -> None:
        """Put an item with these texts and no other attribute."""
        texts = {name: {"S": text} for name, text in attributes.items()}
        self.client.put_item(TableName=self.table_name, Item={**self.key, **texts})

    def update(self, expression: str, **how: Any) -> None:
        self.client.update_item(
            TableName=self.table_name, Key=self.key, UpdateExpression=expression, **how
        )

    def delete(self) -> None:
        self.client.delete_item(TableName=self.table_name, Key=self.key)


def at_once[T](works: Sequence[Callable[[], T]]) -> list[T]:
    """Run all at the same moment."""
    ready = threading.Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        ready.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begin, works))
