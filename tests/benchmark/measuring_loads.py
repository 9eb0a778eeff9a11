"""
What sweeps, restores and notices need, measured for the README's table of costs.

    python -m benchmark.measuring_loads

writes loads.toml, beside this file, in about a minute; `make docs` computes the table from it. Both
functions run in the real runtime, the emulated Atlas `FAR` away. Sweeps find each restore by
themselves and follow it to its end, with `HotSeconds=0`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from benchmark.cold_start import MeasuredRuntime
from benchmark.loads import FIGURES, Notice, Restore, Sweeps
from benchmark.prepared_index import size_of
from benchmark.processor import MEGABYTES_OF_ONE_VCPU
from benchmark.sweep_report import entry_bytes
from benchmark.sweeping import FAR
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.function_queue import FunctionQueue
from local_stack.runtime import RuntimePool
from local_stack.stack import LocalStack, from_function
from local_stack.wire import Call

ROUNDS = 10

LISTED_LONG_AGO = timedelta(minutes=20)
"""A project that was listed so long ago is listed again."""

GROUPS = [f"6a1f3c9e5b7d204e8c{number:06x}" for number in range(10)]
CLUSTERS_OF_EACH = 10

RESTORES: dict[str, tuple[Kind, str, tuple[str, ...]]] = {
    "flex": ("flex", "RESTORE", ("PENDING", "QUEUED", "RUNNING", "COMPLETED")),
    "automated": ("dedicated", "automated", ("running", "finished")),
    "download": ("dedicated", "download", ("running", "download-ready", "expired")),
}


@dataclass(frozen=True)
class Did:
    """What one invocation needed, as it was seen from outside."""

    seconds: float
    calls: tuple[Call, ...]
    log_bytes: int
    metrics: frozenset[str]

    def count(self, service: str, operation: str = "") -> int:
        return sum(
            call.service == service and operation in {"", call.operation} for call in self.calls
        )

    @property
    def questions(self) -> int:
        return self.count("atlas") - self.count("atlas", "token")

    @property
    def updates_of_jobs(self) -> int:
        """Bookkeeping has no slash in its key."""
        return sum(
            "/" in json.loads(call.body)["Key"]["cluster"]["S"]
            for call in self.calls
            if call.operation == "UpdateItem"
        )


@dataclass
class Function:
    """A function in its own runtime, and what its invocations needed since they were taken."""

    stack: LocalStack
    runtime: MeasuredRuntime
    _did: list[Did] = field(default_factory=list)

    def invoke(self, event: Any) -> Any:
        """Its processor time is stretched to the share of a processor that its memory buys."""
        self.stack.forget_calls()
        self.runtime.logs()
        begun = self.runtime.cpu_seconds
        answer = self.runtime.invoke(event)
        assert answer.error_type is None, answer
        cpu = self.runtime.cpu_seconds - begun
        share = self.runtime.environment.memory_megabytes / MEGABYTES_OF_ONE_VCPU
        logs = self.runtime.logs()
        aws = filter(from_function, self.stack.aws.wire.calls)
        self._did.append(
            Did(
                seconds=max(0.0, answer.milliseconds / 1000 - cpu) + cpu / share,
                calls=(*self.stack.atlas.wire.calls, *aws),
                log_bytes=len(logs.encode()),
                metrics=frozenset(metrics_of(logs)),
            )
        )
        return answer

    def take(self) -> list[Did]:
        did, self._did = self._did, []
        return did


def metrics_of(logs: str) -> Iterator[str]:
    """Each metric with the values of its dimensions: CloudWatch counts them separately."""
    for line in logs.splitlines():
        if '"_aws"' in line:
            said = json.loads(line)
            for directive in said["_aws"]["CloudWatchMetrics"]:
                for metric in directive["Metrics"]:
                    for names in directive["Dimensions"]:
                        values = [said[name] for name in sorted(names)]
                        yield " ".join((metric["Name"], *values))


@dataclass
class World:
    """A stack that watches projects and tells people by e-mail."""

    stack: LocalStack
    watch: Function
    people: Function

    def sweep(self) -> None:
        """Sweep, and deliver what waits for people."""
        result = self.watch.invoke({"action": "sweep"}).result
        assert result["failures"] == [], result
        queue = self.stack.resources["NoticeQueue"]
        while FunctionQueue(self.stack.aws, queue, self.people.invoke).deliver():
            pass

    def sweeps(self, *, listing: bool = False) -> Sweeps:
        """Measure sweeps of an environment that is warm, each with a listing or all without."""
        self.sweep()
        self.watch.take()
        for _ in range(ROUNDS):
            if listing:
                self.forget_listings()
            self.sweep()
        did = self.watch.take()
        books = [item for item in self._items() if "/" not in item["cluster"]["S"]]
        return Sweeps(
            seconds=round(median(one.seconds for one in did), 4),
            questions=median(one.questions for one in did),
            log_bytes=round(median(one.log_bytes for one in did)),
            metrics=len(frozenset().union(*(one.metrics for one in did))),
            bookkeeping_bytes=sum(map(size_of_item, books)),
        )

    def restore(self, kind: Kind, delivery_type: str, timeline: tuple[str, ...]) -> Restore:
        """Follow a restore that nobody names."""
        self.sweep()
        self.sweep()
        idle = self.watch.take()[-1]
        self.people.take()
        began = self.begin(kind, delivery_type=delivery_type, timeline=timeline)
        self.follow(began)
        did, told = self.watch.take(), self.people.take()
        item = self.item(began)
        return Restore(
            changes=int(item["sequence"]["N"]),
            notices=sum(one.count("sns") for one in told),
            updates=sum(one.updates_of_jobs for one in did),
            item_bytes=size_of_item(item),
            log_bytes=sum(one.log_bytes - idle.log_bytes for one in did),
            metrics=len(frozenset().union(*(one.metrics for one in did)) - idle.metrics),
        )

    def begin(self, kind: Kind, number: int = 0, **fields: Any) -> EmulatedRestore:
        """Let a restore begin. The next sweep lists its project."""
        self.forget_listings()
        return self.stack.atlas.start_restore(GROUPS[0], f"{kind}-{number}", kind, **fields)

    def follow(self, restore: EmulatedRestore) -> None:
        """Sweep after each step of a restore, to its end."""
        self.sweep()
        for _ in _steps(restore):
            self.sweep()

    def notice(self) -> Notice:
        """Let restores run, and compare messages of which people hear with others."""
        self.people.take()
        for number in range(ROUNDS):
            self.follow(self.begin("flex", number % CLUSTERS_OF_EACH // 2))
        told = self.people.take()
        notices = [one for one in told if one.count("sns")]
        others = [one for one in told if not one.count("sns")]
        return Notice(
            message_seconds=round(median(one.seconds for one in others), 4),
            notice_seconds=round(median(one.seconds for one in notices), 4),
            message_log_bytes=round(median(one.log_bytes for one in others)),
            notice_log_bytes=round(median(one.log_bytes for one in notices)),
            writes=round(median(one.count("dynamodb", "UpdateItem") for one in notices)),
            metrics=len(frozenset().union(*(one.metrics for one in notices))),
        )

    def item(self, restore: EmulatedRestore) -> dict[str, Any]:
        """The item of a restore."""
        (item,) = (one for one in self._items() if one["restoreId"]["S"] == restore.restore_id)
        return item

    def _items(self) -> list[dict[str, Any]]:
        client = self.stack.aws.client("dynamodb")
        items: list[dict[str, Any]] = client.scan(TableName=self.stack.table_name)["Items"]
        return items

    def forget_listings(self) -> None:
        """Let every project have been listed long ago."""
        long_ago = (datetime.now(UTC) - LISTED_LONG_AGO).isoformat().replace("+00:00", "Z")
        for item in self._items():
            if "listedAt" in item:
                self.stack.aws.client("dynamodb").update_item(
                    TableName=self.stack.table_name,
                    Key={name: item[name] for name in ("cluster", "restoreId")},
                    UpdateExpression="SET listedAt = :at",
                    ExpressionAttributeValues={":at": {"S": long_ago}},
                )


def _steps(restore: EmulatedRestore) -> Iterator[str]:
    while True:
        try:
            yield restore.advance()
        except LookupError:
            return


def size_of_item(item: dict[str, Any]) -> int:
    """Bytes of an item with lists and maps: each of their entries takes one more."""
    size = 0
    for name, value in item.items():
        ((kind, inner),) = value.items()
        if kind == "M":
            size += len(name) + 3 + size_of_item(inner)
        elif kind == "L":
            size += len(name) + 3 + sum(size_of_item({"": one}) + 1 for one in inner)
        else:
            size += size_of({name: value})
    return size


@contextmanager
def world(projects: int, clusters_of_each: int) -> Iterator[World]:
    """A new stack; half of the clusters of each project are Flex ones."""
    groups = GROUPS[:projects]
    parameters = {
        "AtlasProjectIds": ",".join(groups),
        "HotSeconds": "0",
        "NotifyEmail": "ops@example.com",
    }
    with LocalStack(parameters=parameters) as stack:
        stack.atlas.behaviour.latency = FAR
        for group in groups:
            for number in range(clusters_of_each // 2):
                stack.atlas.add_cluster(group, f"flex-{number}", "flex")
                stack.atlas.add_cluster(group, f"dedicated-{number}", "dedicated")
        with _measured(stack, stack.pool) as watch, _measured(stack, stack.people) as people:
            yield World(stack, watch, people)


@contextmanager
def _measured(stack: LocalStack, pool: RuntimePool) -> Iterator[Function]:
    with MeasuredRuntime(pool.runtimes[0].environment) as runtime:
        yield Function(stack, runtime)


def measure() -> dict[str, Any]:
    """Measure everything, by the names of `benchmark.loads.Figures`."""
    figures: dict[str, Any] = {"date": datetime.now(UTC).date(), "entry_bytes": entry_bytes()}
    with world(1, CLUSTERS_OF_EACH) as one:
        figures["idle"] = one.sweeps()
        figures["listing"] = one.sweeps(listing=True)
        young = one.begin("flex")
        figures["young"] = one.sweeps()
        one.follow(young)
        for name, restore in RESTORES.items():
            figures[name] = one.restore(*restore)
        figures["notice"] = one.notice()
    with world(10, CLUSTERS_OF_EACH) as ten:
        figures["idle_10"] = ten.sweeps()
        figures["listing_10"] = ten.sweeps(listing=True)
    return figures


def as_toml(figures: dict[str, Any]) -> str:
    """The file: values first, then a table for each thing that was measured."""
    lines = [
        "# Written by `python -m benchmark.measuring_loads`; benchmark/loads.py says what each is."
    ]
    lines += [f"{name} = {one}" for name, one in figures.items() if not is_dataclass(one)]
    for name, one in figures.items():
        if is_dataclass(one) and not isinstance(one, type):
            lines += ["", f"[{name}]", *(f"{key} = {value}" for key, value in asdict(one).items())]
    return "\n".join((*lines, ""))


if __name__ == "__main__":
    FIGURES.write_text(as_toml(measure()))
