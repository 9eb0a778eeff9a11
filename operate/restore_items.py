"""The items of restore jobs, page by page, read and never written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from operate.aws_refusal import called
from operate.errors import OperateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY = ("cluster", "restoreId")

type Item = Mapping[str, Any]
"""An item in DynamoDB's types."""


class RestoreItems:
    """
    The table of restore jobs. Its pages leave out what is not a job.

    Reads are consistent. They cost twice as much, which is cents for 100,000 jobs, and what was
    stored a second ago is in the evidence.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, policy_page: str) -> None:
        self._client = client
        self._table_name = table_name
        self._policy_page = policy_page

    def pages(
        self, group_id: str | None = None, cluster_name: str | None = None
    ) -> Iterator[tuple[int, list[Item]]]:
        """
        Yield for each page how many items were read, and those of the project or cluster.

        A cluster is one partition, which is queried; everything else is a scan. Raises
        OperateError.
        """
        if cluster_name is None:
            prefix = f"{group_id or ''}/"
            for items in self._read("Scan"):
                yield len(items), [one for one in items if _is_job(one, prefix)]
            return
        for items in self._read(
            "Query",
            KeyConditionExpression="#cluster = :cluster",
            ExpressionAttributeNames={"#cluster": "cluster"},
            ExpressionAttributeValues={":cluster": {"S": f"{group_id}/{cluster_name}"}},
        ):
            yield len(items), list(items)

    def _read(self, operation: str, **what: Any) -> Iterator[Sequence[Item]]:
        call = self._client.query if operation == "Query" else self._client.scan
        table = self._table_name
        while True:
            page = called(
                f"dynamodb:{operation}",
                call,
                "Items",
                policy_page=self._policy_page,
                fixes={
                    "ResourceNotFoundException": f"There is no table {table} in "
                    f"{self._client.meta.region_name}. Name it with TABLE=..., and its region with "
                    "AWS_REGION=...",
                    "ValidationException": _not_ours(table),
                },
                TableName=table,
                ConsistentRead=True,
                **what,
            )
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
