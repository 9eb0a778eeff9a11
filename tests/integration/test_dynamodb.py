"""
What the table's code expects of DynamoDB, asked of moto and of Amazon's own DynamoDB Local.

The product's promises rest on one conditional write, so two implementations have to agree on it.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.deadline import Deadline
from integration.tables import NOON, ONE_TRY, Job, Stored, code, key_of
from local_stack.dynamodb_local import DynamoDBLocal
from local_stack.in_process import clients
from observed_stack import ObservedStack
from restore_watch.errors import TableUnavailableError
from restore_watch.model.fields import TEXT_LIMIT
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.table.job_item import Recorded
from restore_watch.table.jobs import RestoreJobsTable
from strategies import plain_job


def test_a_failed_condition_returns_the_whole_item(stored: Stored, job: Job) -> None:
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

    answer = stored.client.get_item(TableName=stored.stack.table_name, Key=key_of(job("RUNNING")))
    assert code(refused) == "ConditionalCheckFailedException"
    assert refused.value.response["Item"] == answer["Item"]  # type: ignore[typeddict-item]


def test_an_absent_attribute_is_not_in_any_list(stored: Stored, job: Job) -> None:
    """The second half of the condition alone, on an item of which only a part is left."""
    stored.put_key_only(job("RUNNING"))

    stored.update(
        job("RUNNING"),
        "SET seen = :running",
        ConditionExpression="NOT #status IN (:running)",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":running": {"S": "RUNNING"}},
    )

    assert stored.item(job("RUNNING"))["seen"] == "RUNNING"


def test_an_absent_number_is_not_less_than_one(stored: Stored, job: Job) -> None:
    stored.put_key_only(job("RUNNING"))

    with pytest.raises(ClientError) as refused:
        stored.update(
            job("RUNNING"),
            "SET publishedSequence = :one",
            ConditionExpression="publishedSequence < :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    assert code(refused) == "ConditionalCheckFailedException"


def test_an_item_that_is_too_large_is_refused(stored: Stored, job: Job) -> None:
    """DynamoDB's limit is 409,600 bytes, moto's 405,000 without nesting; this is above both."""
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

    # moto measures the item only after it has written it.
    assert stored.stack.aws.dynamodb is None or stored.item(job("PENDING")) == before


def test_a_reserved_name_is_refused(stored: Stored, job: Job) -> None:
    """For this reason every name has a placeholder."""
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
def test_an_unused_placeholder_is_refused(stored: Stored, job: Job, unused: dict[str, Any]) -> None:
    how = {"ExpressionAttributeValues": {":one": {"N": "1"}}, **unused}

    with pytest.raises(ClientError) as refused:
        stored.update(job("RUNNING"), "SET seen = :one", **how)

    assert code(refused) == "ValidationException"


def test_a_missing_table_is_reported(stored: Stored, job: Job) -> None:
    elsewhere = RestoreJobsTable(stored.client, "elsewhere")

    with pytest.raises(TableUnavailableError, match="ResourceNotFoundException"):
        elsewhere.record(job("RUNNING"), NOON, Deadline.after(60))


# Any sequence of writes


@dataclass(frozen=True)
class Write:
    """One call of the table's code. `of` chooses the result that is acknowledged."""

    what: str
    job: RestoreJob
    minute: int
    of: int

    def play(self, stored: Stored, results: list[Recorded]) -> None:
        if self.what == "record":
            results.append(stored.record(self.job, self.minute))
        elif self.what == "recall":
            recalled = stored.recall(self.job)
            results.extend([recalled] if recalled else [])
        elif self.what == "delete":
            stored.delete(self.job)
        elif results:
            stored.acknowledge(results[self.of % len(results)])


writes = st.builds(
    Write,
    st.sampled_from(["record", "record", "record", "acknowledge", "recall", "delete"]),
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
    """Return the results of the writes, and the item after each of them."""
    results: list[Recorded] = []
    items = []
    for write in sequence:
        write.play(stored, results)
        items.append(stored.find(write.job) or {})
    stored.delete(plain_job())
    return results, items


def test_moto_and_dynamodb_local_agree_on_any_sequence_of_writes(
    stack: ObservedStack, dynamodb_local: DynamoDBLocal
) -> None:
    made = clients(stack, ONE_TRY)
    stored = Stored.by(made, stack)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(writes, min_size=1, max_size=8))
    def agree(sequence: list[Write]) -> None:
        # moto has the table as well, and answers if DynamoDB Local is not set.
        stack.aws.dynamodb = None
        by_moto = played(stored, sequence)
        stack.aws.dynamodb = dynamodb_local
        assert played(stored, sequence) == by_moto

    with stack.storing_in(dynamodb_local):
        agree()
    made.close()
