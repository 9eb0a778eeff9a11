"""
What a report of a week needs: ten clusters in each project, half of them Flex.

Each has completed restores of a year behind it, of which the table and Atlas know the same. Atlas
is 100 ms away, in a process of its own, with its real rate limits; the table is answered from
prepared pages. The function has its share of a processor. Atlas alone: the calls take so long, as
many at once as the memory bears.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.far_atlas import FarAtlas, far_atlas
from bench.open_jobs import Fleet, Past
from bench.prepared_table import Item, PreparedTable, Units, size_of
from bench.processor import share_of
from bench.report import Report, Row, Target
from bench.runtime import Did, Function, MeasuredRuntime
from bench.scale import SECONDS_AWAY
from foundation.clock import utc_text
from local_stack.stack import LocalStack
from restore_watch.threads.how_many_threads import threads_for

PASTS = (
    Past(Fleet(0, projects=100, idle=1_000), each=20),
    Past(Fleet(0, projects=1_000, idle=10_000), each=2),
)


@dataclass(frozen=True)
class Reported:
    """A report of the fleet. `asked` counts calls to Atlas, without those for a token."""

    past: Past
    megabytes: int
    did: Did
    asked: int
    units: Units
    peak_megabytes: float

    @property
    def clusters(self) -> int:
        return self.past.fleet.idle

    @property
    def row(self) -> Row:
        alone = self.asked * SECONDS_AWAY / threads_for(self.megabytes)
        seconds = (f"{amount:.1f} s" for amount in (self.did.seconds, alone, self.did.cpu_seconds))
        calls = f"{self.asked / self.clusters:.2f}"
        name = f"{self.clusters:,} clusters, {self.clusters * self.past.each:,} restores"
        return (name, *seconds, f"{self.peak_megabytes:.0f} MB", calls, f"{self.units.read:,.0f}")


def measure() -> Report:
    """Measure a report of each fleet, in a new environment."""
    first, second = reported(PASTS)
    calls = max(fleet.asked / fleet.clusters for fleet in (first, second))
    report = Report(
        Target.at_most(60, f"{first.clusters:,} clusters", first.did.seconds, " s", 1),
        Target.at_most(900, f"{second.clusters:,} clusters", second.did.seconds, " s", 1),
        Target.at_most(512, "resident memory", second.peak_megabytes, " MB"),
        Target.at_most(3, "calls to Atlas for each cluster", calls, digits=2),
    )
    head: Row = ("a report", "seconds", "Atlas alone", "CPU", "memory", "calls a cluster", "read")
    report.table(head, first.row, second.row)
    return report


def reported(pasts: Iterable[Past]) -> list[Reported]:
    """Make a report of each."""
    with LocalStack() as stack, far_atlas(SECONDS_AWAY) as atlas:
        item = recorded(stack)
        return [report_of(stack, atlas, past, item) for past in pasts]


def recorded(stack: LocalStack) -> Item:
    """What the function stores of a restore that it has followed, and of a verdict on its data."""
    place, began = ("6a1f3c9e5b7d204e8c61f0a3", "a-cluster"), datetime.now(UTC) - timedelta(hours=1)
    restore = stack.atlas.start_restore(*place, "dedicated", at=began)
    stack.invoke(restore.event).result  # noqa: B018 - raises if it failed
    restore.run_to_end()
    stack.invoke(restore.event).result  # noqa: B018 - raises if it failed
    verdict = {"verdict": "PASSED", "validatedBy": "smoke-tests"}
    stack.invoke({"action": "record-validation", **restore.event, **verdict}).result  # noqa: B018 - raises if it failed
    (item,) = stack.aws.client("dynamodb").scan(TableName=stack.table_name)["Items"]
    stored: dict[str, Any] = item
    return stored


def report_of(stack: LocalStack, atlas: FarAtlas, past: Past, item: Item) -> Reported:
    """Make the report that the schedule asks for. Everything can be read, and is tested."""
    atlas.furnish(past.fleet, lift_limits=False)
    atlas.add_past(past)
    table = PreparedTable(())
    table.put(past.fleet.projects_listed(datetime.now(UTC)))
    table.put_ended(past.items(item), size_of(item))
    environment = stack.reports.runtimes[0].environment
    of_atlas = {"ATLAS_BASE_URL": atlas.url(), "ATLAS_PROJECT_IDS": "all"}
    environment = replace(environment, variables={**environment.variables, **of_atlas})
    with ExitStack() as blocks:
        share = blocks.enter_context(share_of(environment.memory_megabytes))
        runtime = blocks.enter_context(MeasuredRuntime(environment))
        blocks.enter_context(stack.aws.wire.inject(table.fault))
        runtime.invoke({})  # refused, but then there is a process to hold
        blocks.enter_context(runtime.held_by(share.throttle))
        atlas.take_calls()
        table.take_units()
        tick = {"action": "report", "scheduledTime": utc_text(datetime.now(UTC))}
        did = Function(stack, runtime).measure(tick)
        states = did.answer.result["counts"]["clusters"]
        assert states["tested"] == sum(states.values()) == past.fleet.idle, states
        calls = atlas.take_calls()
        asked = calls.total() - calls["token"]
        megabytes = environment.memory_megabytes
        return Reported(past, megabytes, did, asked, table.take_units(), runtime.peak_megabytes)
