"""
Thousands of open jobs, and the index OpenJobs with them, answered from prepared pages.

moto takes seconds for a Query over 2,000 items, so a sweep would measure moto. The pages are what
DynamoDB would send: the projected attributes of the items, in the order of the sort key, 1 MB each.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from local_stack.stack import ROOT, LocalStack
from local_stack.wire import Answer, Call, Fault
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.table.job_item import OPEN_SHARDS, open_shard

type Item = Mapping[str, Mapping[str, Any]]
"""An item, in DynamoDB's types."""

PROJECTS = 20
"""With 500 jobs each, 10,000 jobs stay within Atlas's real rate limits, minute by minute."""

_PAGE_BYTES = 1_000_000
_KEYS = ("cluster", "restoreId", "openShard")


@dataclass(frozen=True)
class Fleet:
    """
    So many running Flex restores, in clusters with the same number of jobs each.

    They are so old that they are not hot any more, but are asked about in every sweep.
    """

    jobs: int
    jobs_of_cluster: int = 1
    began: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    )

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

    @property
    def targets(self) -> list[dict[str, str]]:
        """What names each job. Projects take turns, so that all have the same number."""
        return [
            {
                "groupId": f"6a1f3c9e5b7d204e8c61{cluster % PROJECTS:04x}",
                "clusterName": f"orders-{cluster:05}",
                "restoreId": f"{int(self.began.timestamp()):08x}{number:016x}",
            }
            for number in range(self.jobs)
            for cluster in (number // self.jobs_of_cluster,)
        ]

    def entries(self, item: Item) -> Iterator[Item]:
        """The index, if the function has recorded each job as this one, when it began."""
        began = {"S": self.began.isoformat().replace("+00:00", "Z")}
        projected = {name: item[name] for name in item.keys() & _projection()}
        for target in self.targets:
            yield projected | {
                "cluster": {"S": f"{target['groupId']}/{target['clusterName']}"},
                "restoreId": {"S": target["restoreId"]},
                "openShard": {"S": open_shard(RestoreTarget.model_validate(target))},
                "firstObservedAt": began,
                "observedAt": began,
            }


def _projection() -> set[str]:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    (index,) = template["Resources"]["RestoreJobsTable"]["Properties"]["GlobalSecondaryIndexes"]
    return set(index["Projection"]["NonKeyAttributes"])


@contextmanager
def prepared_index(stack: LocalStack, entries: Iterable[Item]) -> Iterator[None]:
    """Within the block, a Query on the index answers with these entries; all else is moto's."""
    shards = defaultdict[str, list[Item]](list)
    for entry in entries:
        shards[entry["openShard"]["S"]].append(entry)
    with ExitStack() as faults:
        for shard in OPEN_SHARDS:
            shards[shard].sort(key=lambda entry: str(entry["restoreId"]["S"]))
            size = max(map(size_of, shards[shard]), default=1)
            pages = list(batched(shards[shard], _PAGE_BYTES // size, strict=False)) or [()]
            for number, page in enumerate(pages):
                fault = Fault(
                    action=_answer(page, number + 1 if number + 1 < len(pages) else None),
                    service="dynamodb",
                    operation="Query",
                    when=partial(_asks, shard, number),
                    times=None,
                )
                faults.enter_context(stack.aws.wire.inject(fault))
        yield


def _answer(page: tuple[Item, ...], following: int | None) -> Answer:
    said: dict[str, Any] = {"Count": len(page), "ScannedCount": len(page), "Items": page}
    if following:
        last = {name: page[-1][name] for name in _KEYS}
        said["LastEvaluatedKey"] = last | {"restoreId": {"S": str(following)}}
    return Answer.json(200, said, content_type="application/x-amz-json-1.0")


def _asks(shard: str, page: int, call: Call) -> bool:
    """Whether this call asks for this page."""
    query = json.loads(call.body)
    start = query.get("ExclusiveStartKey", {}).get("restoreId", {}).get("S", "0")
    value = query["ExpressionAttributeValues"][":value"]["S"]
    return "IndexName" in query and (value, start) == (shard, str(page))


def size_of(item: Item) -> int:
    """Bytes of an item by DynamoDB's rules. Each entry of a list or map takes one more."""
    size = 0
    for name, value in item.items():
        ((kind, inner),) = value.items()
        if kind == "M":
            size += len(name) + 3 + size_of(inner)
        elif kind == "L":
            size += len(name) + 3 + sum(size_of({"": one}) + 1 for one in inner)
        else:
            size += len(name) + len(str(inner))
    return size
