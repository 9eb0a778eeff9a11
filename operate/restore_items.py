"""The items of restore jobs, page by page, read and never written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operate.aws import Aws
from operate.errors import OperateError

_KEY = ("cluster", "restoreId")

type Item = Mapping[str, Any]
"""An item in DynamoDB's types."""


def read_pages(
    aws: Aws, table: str, group_id: str | None, cluster_name: str | None
) -> Iterator[tuple[int, list[Item]]]:
    """
    Yield, for each page, the number of items read, and the jobs of the project or cluster in it.

    A cluster is one partition, which is queried; everything else is a scan. Reads are consistent.
    They cost twice as much, which is cents for 100,000 jobs, and show even an item that was stored
    a second ago. Raises OperateError.
    """
    if cluster_name is None:
        prefix = f"{group_id or ''}/"
        for items in _read(aws, table, "scan"):
            yield len(items), [one for one in items if _is_job(one, prefix)]
        return
    for items in _read(
        aws,
        table,
        "query",
        KeyConditionExpression="#cluster = :cluster",
        ExpressionAttributeNames={"#cluster": "cluster"},
        ExpressionAttributeValues={":cluster": {"S": f"{group_id}/{cluster_name}"}},
    ):
        yield len(items), list(items)


def _read(aws: Aws, table: str, operation: str, **what: Any) -> Iterator[Sequence[Item]]:
    fixes = {
        "ResourceNotFoundException": f"There is no table {table} in {aws.region}. Name it with "
        "TABLE=..., and its region with AWS_REGION=...",
        "ValidationException": _not_ours(table),
    }
    what |= {"TableName": table, "ConsistentRead": True}
    while True:
        page = aws.ask("dynamodb", operation, "Items", fixes=fixes, **what)
        items: Sequence[Item] = page["Items"]
        if any("S" not in item.get(name, ()) for item in items for name in _KEY):
            raise OperateError(_not_ours(table))
        yield items
        if not page.get("LastEvaluatedKey"):
            return
        what["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _is_job(item: Item, prefix: str) -> bool:
    """The partition key of a job has a slash, that of bookkeeping has none."""
    partition: str = item["cluster"]["S"]
    return partition.startswith(prefix) if prefix != "/" else "/" in partition


def _not_ours(table: str) -> str:
    return f"The table {table} is not the table of restore jobs: the stack's output TableName is"
