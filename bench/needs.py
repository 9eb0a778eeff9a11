"""
What the functions need, measured for the tables of costs in the docs.

    PYTHONPATH=functions:tests:. python -m bench.needs

writes loads.toml and waits.toml, beside this file, in three minutes. docs/costs.md has the formula
that makes dollars of them. The functions run in the real runtime, Atlas 100 ms away. Sweeps find
each restore by themselves and follow it to its end, with `SweepMinutes=2`: there are no hot rounds.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from bench import figures, fleet_report
from bench.figures import (
    TOKEN_CHARACTERS,
    Asked,
    Loads,
    Measuring,
    Notice,
    Restore,
    Sweeps,
    Waited,
    Waits,
)
from bench.prepared_table import Item, size_of
from bench.runtime import Did, Function, MeasuredRuntime
from bench.sweeps import tick
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.clock import Clock
from local_stack.cluster_data import Held
from local_stack.function_queue import FunctionQueue, sqs_record
from local_stack.stack import LocalStack

ROUNDS = 10
CLUSTERS_OF_KIND = 5
"""Clusters of each kind in a project."""

DATABASES = {f"database-{number:02}": Held(100_000, 10, 11) for number in range(12)}
"""Of a restore that is measured."""

DOWNLOAD: dict[str, Any] = {
    "delivery_type": "download",
    "timeline": ("running", "download-ready", "expired"),
}
ENDS = ("COMPLETED", "finished", "expired")
GROUPS = tuple(f"6a1f3c9e5b7d204e8c{number:06x}" for number in range(10))


class World:
    """A stack that watches projects and tells people by e-mail."""

    def __init__(self, stack: LocalStack, watch: Function, people: Function) -> None:
        self.watch = watch
        self._people = people
        self._stack = stack
        self._dynamodb = stack.aws.client("dynamodb")

    def sweeps(self, *, listing: bool = False) -> Sweeps:
        """Measure sweeps of an environment that is warm, each with a listing or all without."""
        self.sweep()
        self.watch.take()
        for _ in range(ROUNDS):
            if listing:
                self._forget_listings()
            self.sweep()
        did = self.watch.take()
        books = [item for item in self._items() if "/" not in item["cluster"]["S"]]
        return Sweeps(
            seconds=_seconds(self.watch, did),
            log_bytes=_log_bytes(did),
            metrics=_metrics(did),
            bookkeeping_bytes=sum(map(size_of, books)),
        )

    def restore(self, kind: Kind, **how: Any) -> Restore:
        """Follow a restore that nobody names. What idle sweeps need is not its own."""
        self.sweep()
        self.sweep()
        idle = self.watch.take()[-1]
        self._people.take()
        began = self.begin(kind, **how)
        self.follow(began)
        did = self.watch.take()
        item = self._item(began)
        return Restore(
            changes=int(item["sequence"]["N"]),
            notices=sum(invocation.count("sns") for invocation in self._people.take()),
            updates=_updates(did),
            item_bytes=size_of(item),
            log_bytes=sum(invocation.log_bytes - idle.log_bytes for invocation in did),
            metrics=_metrics(did) - len(idle.metrics),
        )

    def notice(self) -> Notice:
        """Let restores run, and compare messages of which people hear with others."""
        self._people.take()
        for number in range(ROUNDS):
            self.follow(self.begin("flex", number % CLUSTERS_OF_KIND))
        told = self._people.take()
        notices = [invocation for invocation in told if invocation.count("sns")]
        others = [invocation for invocation in told if not invocation.count("sns")]
        return Notice(
            message_seconds=_seconds(self._people, others),
            notice_seconds=_seconds(self._people, notices),
            message_log_bytes=_log_bytes(others),
            notice_log_bytes=_log_bytes(notices),
            writes=round(
                median(invocation.count("dynamodb", "UpdateItem") for invocation in notices)
            ),
            metrics=_metrics(notices),
        )

    def waited(self) -> Waited:
        """Compare a restore for which a workflow waits with a restore for which none does."""
        plain, _ = self._followed(waits=False)
        did, size = self._followed(waits=True)
        began = self._found()
        self.watch.take()
        for number in range(ROUNDS):
            self.watch.measure(_waiting(began, number))
        registered = self.watch.take()
        self.follow(began)
        logged = sum(invocation.log_bytes for invocation in did)
        more_log = logged - sum(invocation.log_bytes for invocation in plain)
        return Waited(
            seconds=_seconds(self.watch, registered),
            log_bytes=max(0, more_log),
            updates=_updates(did) - _updates(plain),
            other_updates=_updates(plain),
            item_bytes=size,
        )

    def asked(self) -> Asked:
        """Ask about a restore that has not changed."""
        began = self._found()
        self.sweep()
        self.watch.take()
        for _ in range(ROUNDS):
            self.watch.measure(began.event | {"kind": "flex"})
        did = self.watch.take()
        item = self._item(began)
        self.follow(began)
        return Asked(
            seconds=_seconds(self.watch, did),
            questions=median(
                invocation.count("atlas") - invocation.count("atlas", "token") for invocation in did
            ),
            log_bytes=_log_bytes(did),
            updates=round(_updates(did) / ROUNDS),
            item_bytes=size_of(item),
        )

    def sweep(self) -> None:
        """Sweep, and deliver what waits for people."""
        did = self.watch.measure(tick())
        assert did.answer.result["failures"] == [], did.answer
        queue = self._stack.resources["NoticeQueue"]
        deliver = FunctionQueue(
            self._stack.aws, queue, lambda event: self._people.measure(event).answer
        ).deliver
        while deliver():
            pass

    def begin(self, kind: Kind, number: int = 0, **how: Any) -> EmulatedRestore:
        """Let a restore begin. The next sweep lists its project."""
        self._forget_listings()
        return self._stack.atlas.start_restore(GROUPS[0], f"{kind}-{number}", kind, **how)

    def follow(self, restore: EmulatedRestore) -> None:
        """Sweep after each step of a restore, to its end."""
        self.sweep()
        while restore.step not in ENDS:
            restore.advance()
            self.sweep()

    def _found(self) -> EmulatedRestore:
        """A restore that a sweep has found."""
        began = self.begin("flex")
        self.sweep()
        return began

    def _followed(self, *, waits: bool) -> tuple[list[Did], int]:
        """Follow a restore to its end. Also the bytes of its item at its second status."""
        self.sweep()
        self.watch.take()
        began = self._found()
        if waits:
            self.watch.measure(_waiting(began))
        began.advance()
        self.sweep()
        size = size_of(self._item(began))
        self.follow(began)
        return self.watch.take(), size

    def _forget_listings(self) -> None:
        """Let every project have been listed so long ago that it is listed again."""
        at = datetime.now(UTC) - timedelta(minutes=20)
        long_ago = {"S": at.isoformat().replace("+00:00", "Z")}
        for item in self._items():
            if "listedAt" in item:
                self._dynamodb.put_item(
                    TableName=self._stack.table_name, Item=item | {"listedAt": long_ago}
                )

    def _item(self, restore: EmulatedRestore) -> Item:
        (item,) = (item for item in self._items() if item["restoreId"]["S"] == restore.restore_id)
        return item

    def _items(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._dynamodb.scan(TableName=self._stack.table_name)["Items"]
        return items


def measure_measuring() -> Measuring:
    """Measure restores by what the queue delivers: before Atlas has figures, and afterwards."""
    clock = Clock()
    with LocalStack(clock=clock) as stack:
        warmer, *restores = _completed_half_an_hour_ago(stack, clock)
        stack.atlas.behaviour.latency = 0.1
        with MeasuredRuntime(stack.measurer.runtimes[0].environment) as runtime:
            function = Function(stack, runtime)
            function.measure(_delivery(warmer, 1))
            stack.atlas.behaviour.figures_late = 1800
            early = [function.measure(_delivery(restore, 1)) for restore in restores]
            stack.atlas.behaviour.figures_late = 0
            late = [function.measure(_delivery(restore, 2)) for restore in restores]
        items = stack.aws.client("dynamodb").scan(TableName=stack.table_name)["Items"]
    return Measuring(
        databases=len(DATABASES),
        seconds=_seconds(function, [*early, *late]),
        log_bytes=_log_bytes([*early, *late]),
        updates=round(_updates(late) / len(late)),
        other_updates=round(_updates(early) / len(early)),
        item_bytes=max(size_of(item) for item in items),
    )


def _completed_half_an_hour_ago(stack: LocalStack, clock: Clock) -> list[EmulatedRestore]:
    """A restore in each project, which the table knows. The snapshot is hours older."""
    clock.advance(-12 * 3600)
    sources = [stack.atlas.hold(group, "orders", DATABASES) for group in GROUPS]
    targets = [stack.atlas.hold(group, "orders-copy", {}) for group in GROUPS]
    clock.advance(11 * 3600)
    hours = timedelta(hours=6)
    restores = [
        stack.atlas.start_restore(
            group, "orders", "dedicated", target_cluster="orders-copy", snapshot_age=hours
        )
        for group in GROUPS
    ]
    clock.advance(1800)
    for restore, source, target in zip(restores, sources, targets, strict=True):
        restore.run_to_end()
        target.become(source, restore.snapshot_at, clock())
    clock.be_true()
    for restore in restores:
        stack.invoke(restore.event).result  # noqa: B018 - raises if it failed
    return restores


def _delivery(restore: EmulatedRestore, number: int) -> dict[str, Any]:
    """What the queue delivers of a restore, for the first time or another."""
    message = json.dumps({"data": restore.event | {"kind": "dedicated"}})
    return {"Records": [sqs_record(restore.restore_id, message, number)]}


def _waiting(restore: EmulatedRestore, number: int = 0) -> dict[str, str]:
    token = f"{number}".rjust(TOKEN_CHARACTERS, "x")
    return restore.event | {"kind": "flex", "taskToken": token}


def _seconds(function: Function, did: Sequence[Did]) -> float:
    """Billed seconds: processor time is stretched to the share that the memory buys."""
    return round(median(invocation.seconds_at(function.share) for invocation in did), 4)


def _log_bytes(did: Sequence[Did]) -> int:
    return round(median(invocation.log_bytes for invocation in did))


def _metrics(did: Sequence[Did]) -> int:
    return len(frozenset[str]().union(*(invocation.metrics for invocation in did)))


def _updates(did: Sequence[Did]) -> int:
    """Writes to the items of jobs. Bookkeeping has no slash in its key."""
    return sum(
        "/" in json.loads(call.body)["Key"]["cluster"]["S"]
        for invocation in did
        for call in invocation.calls
        if call.operation == "UpdateItem"
    )


@contextmanager
def world(projects: int) -> Iterator[World]:
    """A new stack with ten clusters in each project, half of them Flex."""
    groups = GROUPS[:projects]
    parameters = {"SweepMinutes": "2", "NotifyEmail": "ops@example.com"}
    with LocalStack(parameters=parameters | {"AtlasProjectIds": ",".join(groups)}) as stack:
        stack.atlas.behaviour.latency = 0.1
        for group in groups:
            for number in range(CLUSTERS_OF_KIND):
                stack.atlas.add_cluster(group, f"flex-{number}", "flex")
                stack.atlas.add_cluster(group, f"dedicated-{number}", "dedicated")
        watch, people = (pool.runtimes[0].environment for pool in (stack.pool, stack.people))
        with MeasuredRuntime(watch) as watching, MeasuredRuntime(people) as telling:
            yield World(stack, Function(stack, watching), Function(stack, telling))


def measure_loads() -> Loads:
    """Measure what the table of docs/costs.md is computed from."""
    with world(1) as small:
        idle, listing = small.sweeps(), small.sweeps(listing=True)
        began = small.begin("flex")
        young = small.sweeps()
        small.follow(began)
        flex, automated = small.restore("flex"), small.restore("dedicated")
        download = small.restore("dedicated", **DOWNLOAD)
        notice = small.notice()
    with world(10) as ten:
        idle_10, listing_10 = ten.sweeps(), ten.sweeps(listing=True)
    return Loads(
        datetime.now(UTC).date(),
        *(idle, listing, young),
        *(flex, automated, download),
        notice,
        *(idle_10, listing_10),
        measure_measuring(),
        fleet_report.measure_first(),
    )


def measure_waits() -> Waits:
    """Measure what the table of docs/workflows.md is computed from."""
    with world(1) as small:
        return Waits(datetime.now(UTC).date(), small.waited(), small.asked())


if __name__ == "__main__":
    figures.LOADS.write_text(figures.as_toml(measure_loads()))
    figures.WAITS.write_text(figures.as_toml(measure_waits()))
