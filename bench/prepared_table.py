"""
The large parts of the table, answered at the wire: open jobs, projects, and what a Scan reads.

moto takes seconds for a Query over 2,000 items, so a sweep would measure moto. A page is what
DynamoDB would send: items in the order of the sort key, 1 MB of them. All else is moto's.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from threading import Lock, local
from typing import Any, NamedTuple

from local_stack.faults import Answer, Ask
from local_stack.loopback import Line
from local_stack.wire import Call, Fault

type Item = Mapping[str, Mapping[str, Any]]
"""An item, in DynamoDB's types."""

_PAGE_BYTES = 1_000_000
_READ_BYTES, _WRITE_BYTES = 4096, 1024
_KEYS = ("cluster", "restoreId", "openShard")


class Units(NamedTuple):
    """Of capacity: 4 KB read, 8 KB of an index, or 1 KB written."""

    read: float = 0.0
    written: float = 0.0


class PreparedTable:
    """
    The entries of the index, which stay, and the items of projects, which sweeps change.

    A Scan shows the restores that have ended. It counts units, also of the writes that moto
    answers: each of 1 KB at most, and not indexed.
    """

    def __init__(self, entries: Iterable[Item]) -> None:
        shards = defaultdict[str, list[Item]](list)
        for entry in entries:
            shards[entry["openShard"]["S"]].append(entry)
        self._shards = {shard: _pages(some, 0.5) for shard, some in shards.items()}
        self._projects: dict[str, dict[str, Any]] = {}
        self._ended: list[tuple[str, float]] = _pages((), 1)
        self._asked = local()
        self._lock = Lock()
        self._units = Units()
        # To be injected into the wire of AWS.
        self.fault = Fault(action=self, service="dynamodb", when=self._takes, times=None)

    def put(self, projects: Iterable[Item]) -> None:
        """Store the items of projects."""
        self._projects |= {item["restoreId"]["S"]: dict(item) for item in projects}

    def put_ended(self, items: Iterable[str], size: int) -> None:
        """Store the items of restores, in JSON, each of this size."""
        batches = list(batched(items, _PAGE_BYTES // size, strict=False))
        self._ended = []
        for number, batch in enumerate(batches, start=1):
            said: dict[str, Any] = {"Count": len(batch), "ScannedCount": len(batch)}
            if number < len(batches):
                said["LastEvaluatedKey"] = {"cluster": {"S": "-"}, "restoreId": {"S": str(number)}}
            body = f'{json.dumps(said)[:-1]}, "Items": [{",".join(batch)}]}}'
            self._ended.append((body, math.ceil(len(batch) * size / _READ_BYTES)))

    def take_units(self) -> Units:
        """Return what was read and written since the last call of this method."""
        units, self._units = self._units, Units()
        return units

    def _takes(self, call: Call) -> bool:
        """Whether `play`, which follows in the same thread, answers this call."""
        said = self._asked.said = json.loads(call.body)
        if call.operation != "UpdateItem":
            return call.operation in {"Query", "Scan"}
        is_ours = said["Key"]["restoreId"]["S"] in self._projects
        self._count(written=not is_ours)
        return is_ours

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        said = self._asked.said
        answer = self._update(said) if "Key" in said else self._read(said, ask)
        return Answer(200, {"Content-Type": "application/x-amz-json-1.0"}, answer)

    def _read(self, query: Any, ask: Ask) -> str:
        number = int(query.get("ExclusiveStartKey", {}).get("restoreId", {}).get("S", 0))
        values = {value["S"] for value in query.get("ExpressionAttributeValues", {}).values()}
        if not values:
            pages = self._ended
        elif "IndexName" in query:
            pages = self._shards.get(*values) or _pages((), 0.5)
        else:
            # moto has the others, such as the lease, on the first page.
            others = () if number else json.loads(ask().body)["Items"]
            pages = _pages([*others, *self._projects.values()], 1)
        body, units = pages[number]
        self._count(read=units)
        return body

    def _update(self, update: Any) -> str:
        """Sweeps alone write, one after the other: the condition is met."""
        item = self._projects[update["Key"]["restoreId"]["S"]]
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        sets, _, removed = update["UpdateExpression"].partition("REMOVE")
        item |= {names[name]: values[value] for name, value in re.findall(r"(#\w+) = (:\w+)", sets)}
        for name in re.findall(r"#\w+", removed):
            item.pop(names[name], None)
        self._count(written=math.ceil(size_of(item) / _WRITE_BYTES))
        return json.dumps({"Attributes": item})

    def _count(self, *, read: float = 0, written: float = 0) -> None:
        with self._lock:
            self._units = Units(self._units.read + read, self._units.written + written)


def _pages(items: Sequence[Item], of_4_kilobytes: float) -> list[tuple[str, float]]:
    """The pages of a Query, each with its units: one without items costs as much as one of 4 KB."""
    ordered = sorted(items, key=lambda item: str(item["restoreId"]["S"]))
    size = max(map(size_of, ordered), default=1)
    batches = list(batched(ordered, _PAGE_BYTES // size, strict=False)) or [()]
    pages = list[tuple[str, float]]()
    for batch in batches:
        said: dict[str, Any] = {"Count": len(batch), "ScannedCount": len(batch), "Items": batch}
        if batch is not batches[-1]:
            last = {name: batch[-1][name] for name in _KEYS if name in batch[-1]}
            said["LastEvaluatedKey"] = last | {"restoreId": {"S": str(len(pages) + 1)}}
        kilobytes = math.ceil(sum(map(size_of, batch)) / _READ_BYTES)
        pages.append((json.dumps(said), of_4_kilobytes * max(1, kilobytes)))
    return pages


def size_of(item: Item) -> int:
    """Bytes of an item by DynamoDB's rules. Each entry of a list or map takes one more."""
    size = 0
    for name, value in item.items():
        ((kind, inner),) = value.items()
        if kind == "M":
            size += len(name) + 3 + size_of(inner)
        elif kind == "L":
            size += len(name) + 3 + sum(size_of({"": part}) + 1 for part in inner)
        else:
            size += len(name) + len(str(inner))
    return size
