"""
The index OpenJobs with thousands of entries, answered from prepared pages.

moto takes seconds for a Query over 2,000 items, so a sweep would measure moto. The pages are what
DynamoDB would send: the projected attributes of the items, in the order of the sort key, 1 MB each.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from local_stack.stack import ROOT, LocalStack
from local_stack.wire import Answer, Call, Fault
from restore_watch.table.job_item import OPEN_SHARDS

type Item = Mapping[str, Mapping[str, Any]]
"""An item, in DynamoDB's types."""

PAGE_BYTES = 1_000_000
"""A page of a Query has at most 1 MB."""

_KEYS = ("cluster", "restoreId", "openShard")


@dataclass(frozen=True)
class Page:
    """A page of the entries of one shard, and the number of the next one."""

    shard: str
    number: int
    entries: tuple[Item, ...]
    is_last: bool

    @property
    def answer(self) -> Answer:
        """What DynamoDB answers to the Query of this page."""
        said: dict[str, Any] = {"Count": len(self.entries), "ScannedCount": len(self.entries)}
        said["Items"] = self.entries
        if not self.is_last:
            last = self.entries[-1]
            mark = {"restoreId": {"S": str(self.number + 1)}}
            said["LastEvaluatedKey"] = {name: last[name] for name in _KEYS} | mark
        return Answer.json(200, said, content_type="application/x-amz-json-1.0")

    def is_asked(self, call: Call) -> bool:
        """Whether this call asks for this page."""
        query = json.loads(call.body)
        start = query.get("ExclusiveStartKey", {}).get("restoreId", {}).get("S", "0")
        shard = query["ExpressionAttributeValues"][":value"]["S"]
        return "IndexName" in query and (shard, start) == (self.shard, str(self.number))


def projected(item: Item) -> Item:
    """Return the attributes of an item that the index has, by the template."""
    return {name: value for name, value in item.items() if name in _projection()}


@cache
def _projection() -> frozenset[str]:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    (index,) = template["Resources"]["RestoreJobsTable"]["Properties"]["GlobalSecondaryIndexes"]
    return frozenset({*_KEYS, *index["Projection"]["NonKeyAttributes"]})


def size_of(item: Item) -> int:
    """Bytes of an item of texts and numbers, by DynamoDB's rules. A number counts as its text."""
    return sum(len(name) + len(str(*value.values())) for name, value in item.items())


def pages(items: Iterable[Item]) -> Iterator[Page]:
    """Distribute the entries over the pages of their shards."""
    shards: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        shards[item["openShard"]["S"]].append(item)
    for shard in OPEN_SHARDS:
        entries = sorted(shards[shard], key=lambda entry: str(entry["restoreId"]["S"]))
        groups = list(_groups(entries)) or [()]
        for number, group in enumerate(groups):
            yield Page(shard, number, group, is_last=number == len(groups) - 1)


def _groups(entries: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    group, size = list[Item](), 0
    for entry in entries:
        if group and size + size_of(entry) > PAGE_BYTES:
            yield tuple(group)
            group, size = [], 0
        group.append(entry)
        size += size_of(entry)
    if group:
        yield tuple(group)


@contextmanager
def prepared_index(stack: LocalStack, entries: Iterable[Item]) -> Iterator[None]:
    """Within the block, a Query on the index answers with these entries; all else is moto's."""
    wire = stack.aws.wire
    with ExitStack() as faults:
        for page in pages(entries):
            fault = Fault(
                action=page.answer,
                service="dynamodb",
                operation="Query",
                when=page.is_asked,
                times=None,
            )
            faults.enter_context(wire.inject(fault))
        yield
