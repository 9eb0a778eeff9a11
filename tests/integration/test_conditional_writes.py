"""
The table's writes, by moto and by Amazon's own DynamoDB Local, which have to agree.

What is promised stands on one conditional write, so what an emulator makes of it is asked twice.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from local_stack.dynamodb_local import DynamoDBLocal
from local_stack.in_process import Clients, clients
from local_stack.stack import LocalStack
from observed_stack import ObservedStack
from restore_watch.deadline import Deadline
from restore_watch.errors import TableUnavailableError
from restore_watch.item import OPEN_SHARDS, RETENTION, Recorded
from restore_watch.restore_job import TEXT_LIMIT, RestoreJob, RestoreStatus
from restore_watch.table import RestoreJobsTable
from strategies import plain_job

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

CHECKS_AT_ONCE = 32

ONE_TRY = Config(
    max_pool_connections=CHECKS_AT_ONCE,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""A refusal is seen as it comes, however busy the machine is."""


@dataclass(frozen=True)
class Stored:
    """The real table's code, and beside it the same table as others see it."""

    table: RestoreJobsTable
    stack: LocalStack
    client: Any

    def record(self, job: RestoreJob, minute: int = 0) -> Recorded:
        return self.table.record(job, NOON + timedelta(minutes=minute), Deadline.after(60))

    def acknowledge(self, recorded: Recorded) -> None:
        self.table.acknowledge(recorded, Deadline.after(60))

    def settle(self, job: RestoreJob, minute: int = 0) -> None:
        self.table.settle(job, NOON + timedelta(minutes=minute), Deadline.after(60))

    def item(self, job: RestoreJob) -> dict[str, Any]:
        item = self.stack.item(*place(job))
        assert item is not None
        return item

    def update(self, job: RestoreJob, expression: str, **how: Any) -> dict[str, Any]:
        """An update of our own, in DynamoDB's own words."""
        answer: dict[str, Any] = self.client.update_item(
            TableName=self.stack.table_name, Key=key(job), UpdateExpression=expression, **how
        )
        return answer

    def open_jobs(self, job: RestoreJob) -> list[dict[str, Any]]:
        """This job's group in all of the sparse index."""
        return [
            item
            for shard in range(OPEN_SHARDS)
            for item in self.client.query(
                TableName=self.stack.table_name,
                IndexName="OpenJobs",
                KeyConditionExpression="openShard = :shard",
                ExpressionAttributeValues={":shard": {"S": str(shard)}},
            )["Items"]
            if item["cluster"]["S"].startswith(job.group_id)
        ]


@pytest.fixture(scope="module", params=["moto", "DynamoDB Local"])
def table_stack(
    module_stack: ObservedStack, request: pytest.FixtureRequest
) -> Iterator[ObservedStack]:
    if request.param == "moto":
        yield module_stack
        return
    with module_stack.storing_in(request.getfixturevalue("dynamodb_local")):
        yield module_stack
        module_stack.settle()


@pytest.fixture(scope="module")
def table_clients(table_stack: ObservedStack) -> Iterator[Clients]:
    made = clients(table_stack, ONE_TRY)
    yield made
    close(made)


@pytest.fixture
def stored(table_stack: ObservedStack, table_clients: Clients) -> Stored:
    table = RestoreJobsTable(table_clients.dynamodb, table_stack.table_name)
    return Stored(table, table_stack, table_clients.dynamodb)


@pytest.fixture
def job(group: str) -> Callable[..., RestoreJob]:
    """The job of this test, at a status."""

    def at(status: str, **fields: Any) -> RestoreJob:
        return plain_job(group_id=group, status=RestoreStatus(status), **fields)

    return at


type Job = Callable[..., RestoreJob]


def close(made: Clients) -> None:
    made.http.close()
    for client in (made.secretsmanager, made.dynamodb, made.sns):
        client.close()


def key(job: RestoreJob) -> dict[str, Any]:
    return {
        "cluster": {"S": f"{job.group_id}/{job.cluster_name}"},
        "restoreId": {"S": job.restore_id},
    }


def place(job: RestoreJob) -> tuple[str, str, str]:
    return job.group_id, job.cluster_name, job.restore_id


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


# Recording


def test_the_first_write_makes_the_item(stored: Stored, job: Job) -> None:
    recorded = stored.record(job("PENDING"))

    item = stored.item(job("PENDING"))
    assert recorded.change is not None
    assert recorded.pending == (recorded.change,)
    assert (item["sequence"], item["publishedSequence"]) == (1, 0)
    assert item["firstObservedAt"] == item["observedAt"] == "2026-05-04T12:00:00.000000Z"
    assert [entry["status"] for entry in item["history"]] == ["PENDING"]


def test_what_is_absent_is_no_attribute(stored: Stored, job: Job) -> None:
    stored.record(job("PENDING"))

    item = stored.item(job("PENDING"))
    assert None not in item.values()
    assert item.keys().isdisjoint({"expiresAt", "succeeded", "durationSeconds", "snapshotId"})


def test_an_attribute_that_became_absent_is_removed(stored: Stored, job: Job) -> None:
    stored.record(job("PENDING", snapshot_id="5f0000000000000000000a0f"))
    assert "snapshotId" in stored.item(job("PENDING"))

    stored.record(job("RUNNING"), minute=1)

    assert "snapshotId" not in stored.item(job("RUNNING"))


def test_numbers_are_exact(stored: Stored, job: Job) -> None:
    times = {"restore_scheduled_date": NOON, "restore_finished_date": NOON + timedelta(hours=1)}
    stored.acknowledge(stored.record(job("COMPLETED", **times)))

    item = stored.item(job("COMPLETED"))
    assert {name: item[name] for name in item if isinstance(item[name], Decimal)} == {
        "sequence": 1,
        "publishedSequence": 1,
        "durationSeconds": 3600,
        "expiresAt": int((NOON + RETENTION).timestamp()),
    }


def test_changes_are_appended_in_order(stored: Stored, job: Job) -> None:
    for minute, status in enumerate(("PENDING", "QUEUED", "RUNNING")):
        recorded = stored.record(job(status), minute)

    item = stored.item(job("RUNNING"))
    assert [change.sequence for change in recorded.pending] == [1, 2, 3]
    assert [entry["status"] for entry in item["history"]] == ["PENDING", "QUEUED", "RUNNING"]
    assert item["firstObservedAt"] == "2026-05-04T12:00:00.000000Z"
    assert item["observedAt"] == "2026-05-04T12:02:00.000000Z"


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_a_refused_write_changes_nothing_and_returns_the_item(
    stored: Stored, job: Job, status: str
) -> None:
    written = stored.record(job("RUNNING"))
    before = stored.item(job("RUNNING"))

    refused = stored.record(job(status), minute=1)

    assert refused == Recorded(written.job, written.history, published=0, change=None)
    assert stored.item(job("RUNNING")) == before


def test_a_refused_condition_brings_the_whole_item_in_its_answer(stored: Stored, job: Job) -> None:
    stored.record(job("RUNNING"))

    with pytest.raises(ClientError) as refused:
        stored.update(
            job("RUNNING"),
            "SET #status = :running",
            ConditionExpression="#status <> :running",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":running": {"S": "RUNNING"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    answer = stored.client.get_item(TableName=stored.stack.table_name, Key=key(job("RUNNING")))
    assert code(refused) == "ConditionalCheckFailedException"
    assert refused.value.response["Item"] == answer["Item"]  # type: ignore[typeddict-item]


def test_a_refused_condition_on_no_item_brings_none(stored: Stored, job: Job) -> None:
    """As when a job was deleted between its record and its acknowledgement."""
    recorded = stored.record(job("RUNNING"))
    stored.client.delete_item(TableName=stored.stack.table_name, Key=key(job("RUNNING")))

    stored.acknowledge(recorded)

    assert stored.stack.item(*place(recorded.job)) is None


def test_a_repeated_write_is_known_as_our_own(stored: Stored, job: Job) -> None:
    """The answer to the first was lost, so it is tried again."""
    first = stored.record(job("RUNNING"))

    assert stored.record(job("RUNNING")) == first


def test_a_status_that_is_absent_is_followed(stored: Stored, job: Job) -> None:
    stored.client.put_item(TableName=stored.stack.table_name, Item=key(job("RUNNING")))

    assert stored.record(job("RUNNING")).change is not None
    assert stored.item(job("RUNNING"))["sequence"] == 1


def test_an_absent_attribute_is_in_no_list(stored: Stored, job: Job) -> None:
    """The condition stands on its second half alone, where a part of an item has survived."""
    stored.client.put_item(TableName=stored.stack.table_name, Item=key(job("RUNNING")))

    stored.update(
        job("RUNNING"),
        "SET seen = :running",
        ConditionExpression="NOT #status IN (:running)",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":running": {"S": "RUNNING"}},
    )

    assert stored.item(job("RUNNING"))["seen"] == "RUNNING"


def test_an_absent_number_is_less_than_none(stored: Stored, job: Job) -> None:
    stored.client.put_item(TableName=stored.stack.table_name, Item=key(job("RUNNING")))

    with pytest.raises(ClientError) as refused:
        stored.update(
            job("RUNNING"),
            "SET publishedSequence = :one",
            ConditionExpression="publishedSequence < :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    assert code(refused) == "ConditionalCheckFailedException"


def test_a_status_of_a_newer_version_is_followed(stored: Stored, job: Job) -> None:
    stored.record(job("RUNNING"))
    stored.update(
        job("RUNNING"),
        "SET #status = :newer",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":newer": {"S": "VERIFYING"}},
    )

    assert stored.record(job("RUNNING"), minute=1).change is not None


# Acknowledging


def test_an_older_acknowledgement_lowers_nothing(stored: Stored, job: Job) -> None:
    older = stored.record(job("PENDING"))
    newer = stored.record(job("RUNNING"), minute=1)
    stored.acknowledge(newer)
    before = stored.item(job("RUNNING"))

    stored.acknowledge(older)

    assert before["publishedSequence"] == 2
    assert stored.item(job("RUNNING")) == before


def test_an_end_leaves_the_index_and_begins_to_expire(stored: Stored, job: Job) -> None:
    running = stored.record(job("RUNNING"))
    stored.acknowledge(running)
    assert stored.open_jobs(job("RUNNING")) == [
        {**key(job("RUNNING")), "openShard": {"S": "1"}, "kind": {"S": "flex"}}
    ]

    completed = stored.record(job("COMPLETED"), minute=1)
    assert len(stored.open_jobs(job("COMPLETED"))) == 1

    stored.acknowledge(completed)
    item = stored.item(job("COMPLETED"))
    assert stored.open_jobs(job("COMPLETED")) == []
    assert "openShard" not in item
    assert item["expiresAt"] == int((NOON + timedelta(minutes=1) + RETENTION).timestamp())


def test_an_end_that_another_followed_is_not_closed(stored: Stored, job: Job) -> None:
    completed = stored.record(job("COMPLETED", delivery_type="download"))
    expired = stored.record(job("EXPIRED", delivery_type="download"), minute=1)
    stored.acknowledge(completed)
    assert stored.item(job("EXPIRED"))["publishedSequence"] == 0

    stored.acknowledge(expired)

    item = stored.item(job("EXPIRED"))
    assert item["publishedSequence"] == 2
    assert "openShard" not in item


def test_an_end_that_lapses_is_opened_again(stored: Stored, job: Job) -> None:
    stored.acknowledge(stored.record(job("COMPLETED", delivery_type="download")))

    stored.record(job("EXPIRED", delivery_type="download"), minute=1)

    assert "expiresAt" not in stored.item(job("EXPIRED"))
    assert len(stored.open_jobs(job("EXPIRED"))) == 1


def test_an_unknown_end_is_settled_once_all_is_published(stored: Stored, job: Job) -> None:
    stored.acknowledge(stored.record(job("UNKNOWN", atlas_status="PAUSED")))
    ended = job("UNKNOWN", atlas_status="PAUSED", restore_finished_date=NOON)

    stored.settle(ended, minute=1)

    item = stored.item(ended)
    assert (item["sequence"], item["terminal"]) == (1, True)
    assert "expiresAt" in item
    assert stored.open_jobs(ended) == []


def test_an_unknown_end_is_not_settled_while_a_change_is_pending(stored: Stored, job: Job) -> None:
    stored.record(job("UNKNOWN", atlas_status="PAUSED"))
    before = stored.item(job("UNKNOWN"))

    stored.settle(job("UNKNOWN", atlas_status="PAUSED", restore_finished_date=NOON), minute=1)

    assert stored.item(job("UNKNOWN")) == before


# Many at once


def at_once[T](works: list[Callable[[], T]]) -> list[T]:
    """All let go at the same moment."""
    ready = threading.Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        ready.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begin, works))


def test_checks_at_once_record_a_change_once(stored: Stored, job: Job) -> None:
    results = at_once([partial(stored.record, job("RUNNING"), n) for n in range(CHECKS_AT_ONCE)])

    (winner,) = [result for result in results if result.change is not None]
    assert all(result.history == winner.history for result in results)
    assert stored.item(job("RUNNING"))["sequence"] == len(winner.history) == 1


def test_checks_at_once_never_take_a_status_back(stored: Stored, job: Job) -> None:
    words = ("PENDING", "QUEUED", "RUNNING", "UNKNOWN", "COMPLETED", "FAILED", "CANCELLED")
    said = [words[n % len(words)] for n in range(CHECKS_AT_ONCE)]

    results = at_once([partial(stored.record, job(word), n) for n, word in enumerate(said)])

    item = stored.item(job("RUNNING"))
    ranks = [RestoreStatus(entry["status"]).rank for entry in item["history"]]
    assert ranks == sorted(set(ranks))
    assert item["sequence"] == len(ranks)
    assert sum(result.change is not None for result in results) == len(ranks)


def test_acknowledgements_at_once_end_at_the_highest(stored: Stored, job: Job) -> None:
    words = ("PENDING", "QUEUED", "RUNNING")
    states = [stored.record(job(word), n) for n, word in enumerate(words)]

    at_once([partial(stored.acknowledge, states[n % 3]) for n in range(CHECKS_AT_ONCE)])

    assert stored.item(job("RUNNING"))["publishedSequence"] == 3


# What DynamoDB refuses


def test_an_item_that_would_outgrow_dynamodb_is_refused_whole(stored: Stored, job: Job) -> None:
    """DynamoDB ends at 409,600 bytes, moto at 405,000 without any nesting; this is past both."""
    stored.record(job("PENDING"))
    stored.update(
        job("PENDING"),
        "SET filler = :filler",
        ExpressionAttributeValues={":filler": {"S": "." * 402_000}},
    )
    before = stored.item(job("PENDING"))
    longest = "\N{OWL}" * TEXT_LIMIT
    texts = ("atlas_status", "delivery_type", "snapshot_id", "target_project_id")

    with pytest.raises(TableUnavailableError, match="ValidationException"):
        stored.record(job("RUNNING", **dict.fromkeys(texts, longest)), minute=1)

    # moto measures the item only once it has written it.
    assert stored.stack.aws.dynamodb is None or stored.item(job("PENDING")) == before


def test_names_that_dynamodb_reserves_are_refused(stored: Stored, job: Job) -> None:
    """Which is why every name is given by a placeholder."""
    with pytest.raises(ClientError) as refused:
        stored.update(
            job("RUNNING"), "SET status = :s", ExpressionAttributeValues={":s": {"S": "RUNNING"}}
        )

    assert code(refused) == "ValidationException"


@pytest.mark.parametrize(
    "unused",
    [
        {"ExpressionAttributeNames": {"#unused": "unused"}},
        {"ExpressionAttributeValues": {":one": {"N": "1"}, ":unused": {"N": "1"}}},
    ],
    ids=["name", "value"],
)
def test_what_no_expression_mentions_is_refused(
    stored: Stored, job: Job, unused: dict[str, Any]
) -> None:
    how = {"ExpressionAttributeValues": {":one": {"N": "1"}}, **unused}

    with pytest.raises(ClientError) as refused:
        stored.update(job("RUNNING"), "SET seen = :one", **how)

    assert code(refused) == "ValidationException"


def test_a_table_that_is_not_there_is_told(stored: Stored, job: Job) -> None:
    elsewhere = RestoreJobsTable(stored.client, "elsewhere")

    with pytest.raises(TableUnavailableError, match="ResourceNotFoundException"):
        elsewhere.record(job("RUNNING"), NOON, Deadline.after(60))


# Any writes at all


@dataclass(frozen=True)
class Write:
    """One call of the table's code; `of` says which result so far is acknowledged."""

    what: str
    job: RestoreJob
    minute: int
    of: int

    def play(self, stored: Stored, results: list[Recorded]) -> None:
        if self.what == "record":
            results.append(stored.record(self.job, self.minute))
        elif self.what == "settle":
            stored.settle(self.job, self.minute)
        elif results:
            stored.acknowledge(results[self.of % len(results)])


writes = st.builds(
    Write,
    st.sampled_from(["record", "record", "acknowledge", "settle"]),
    st.builds(
        plain_job,
        status=st.sampled_from(RestoreStatus),
        atlas_status=st.none() | st.text(max_size=4),
        delivery_type=st.sampled_from([None, "RESTORE", "download"]),
        restore_finished_date=st.none() | st.just(NOON),
    ),
    st.integers(0, 3),
    st.integers(0, 9),
)


def played(stored: Stored, sequence: list[Write]) -> tuple[list[Recorded], list[dict[str, Any]]]:
    """What the writes return, and the item after each of them."""
    results: list[Recorded] = []
    items = []
    for write in sequence:
        write.play(stored, results)
        items.append(stored.stack.item(*place(write.job)) or {})
    stored.client.delete_item(TableName=stored.stack.table_name, Key=key(plain_job()))
    return results, items


def test_both_make_the_same_of_any_writes(
    stack: ObservedStack, dynamodb_local: DynamoDBLocal
) -> None:
    made = clients(stack, ONE_TRY)
    stored = Stored(RestoreJobsTable(made.dynamodb, stack.table_name), stack, made.dynamodb)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(writes, min_size=1, max_size=8))
    def agree(sequence: list[Write]) -> None:
        # moto has the table as well, and answers whenever nothing else does.
        stack.aws.dynamodb = None
        by_moto = played(stored, sequence)
        stack.aws.dynamodb = dynamodb_local
        assert played(stored, sequence) == by_moto

    with stack.storing_in(dynamodb_local):
        agree()
    close(made)
