"""
What finding restores costs in calls to Atlas, and how long it takes, in accelerated time.

Half of the clusters are Flex, half dedicated; a dedicated one has two lists. A sweep comes every
minute. Calls are counted until each project was listed once, which is every 15 minutes, after the
sweeps that the starts of the active restores woke. Without a listing, the minimum is a call for
each project and each active cluster. 100 restores of each kind begin at any moment of two hours,
collection restores run 30 minutes; how long real ones do was never recorded. Nobody names them. A
first message counts from the start of its restore.
"""

import math
from dataclasses import dataclass

from bench.accelerated import BEGIN, Accelerated, side_by_side
from bench.report import Report, Row, Target
from bench.timelines import percentile
from local_stack.atlas import Kind

CYCLE = 15
"""Sweeps, one a minute: each project is listed once in as many minutes."""

LISTED_AT_ONCE = 100
"""So many projects are listed in one sweep, if nothing has woken them."""

RESTORES = 100
ARRIVALS = 7200.0
COLLECTION_RUNS = 1800.0

TICK = 65.0
"""Seconds within which a restore with an event has its first message: one tick, and five."""

LISTING = 15 * 60 + TICK
"""The same without an event: it waits for the next listing."""

AIMS: dict[Kind, float] = {"flex": TICK, "dedicated": TICK, "collection": LISTING}


@dataclass(frozen=True)
class Estate:
    """So many clusters in so many projects. In `active` of them a restore runs."""

    projects: int
    clusters: int
    active: int = 0

    @property
    def name(self) -> str:
        what = f"{self.clusters:,} clusters in {self.projects:,} projects"
        return f"{what}, {self.active:,} active" if self.active else f"{what}, idle"

    @property
    def least_calls(self) -> int:
        """Calls a minute that nothing can do without: one for each project and active cluster."""
        return self.projects + self.active

    @property
    def groups(self) -> list[str]:
        return [f"6a1f3c9e5b7d204e8c{number:06x}" for number in range(self.projects)]

    @property
    def places(self) -> list[tuple[str, str, Kind]]:
        """The clusters. Projects take turns, so that all have the same number."""
        kinds: tuple[Kind, Kind] = ("flex", "dedicated")
        groups = self.groups
        return [
            (groups[number % self.projects], f"orders-{number}", kinds[number // self.projects % 2])
            for number in range(self.clusters)
        ]


ESTATES = tuple(
    Estate(projects, clusters, active)
    for projects, clusters in ((1, 1), (10, 100), (1_000, 10_000))
    for active in (0, max(1, clusters // 100))
)


@dataclass(frozen=True)
class Calls:
    """Calls to Atlas in a sweep without a listing, and a minute on average, listings included."""

    estate: Estate
    quiet: int
    average: float
    most: int

    @property
    def row(self) -> Row:
        calls = (self.estate.least_calls, self.quiet)
        cells = (f"{one:,}" for one in (*calls, round(self.average, 1), self.most))
        return (self.estate.name, *cells)


def count_calls(estate: Estate) -> Calls:
    """Sweep once a minute until each project was listed once more, after the first time."""
    with Accelerated(0, estate.groups) as world:
        for place in estate.places:
            world.stack.atlas.add_cluster(*place)
        sweep = world.sweeping()

        def calls() -> int:
            """Wait for the next minute, and sweep."""
            minute = math.ceil((world.clock.at - BEGIN) / 60)
            world.clock.sleep(BEGIN + 60 * minute - world.clock.at)
            world.stack.forget_calls()
            sweep(world.clock.at)
            return len(world.stack.atlas.wire.calls)

        calls()
        for place in estate.places[: estate.active]:
            world.stack.atlas.start_restore(*place)
        for _ in range(3):  # the events of the starts wake their projects twice
            calls()
        # Many projects take turns, at first over several sweeps.
        turns = math.ceil(estate.projects / LISTED_AT_ONCE) - 1
        totals = sorted(calls() for _ in range(CYCLE + turns))
    for_listings = sum(total - totals[0] for total in totals)
    return Calls(estate, totals[0], totals[0] + for_listings / CYCLE, totals[-1])


def time_first_messages(kind: Kind) -> list[float]:
    """Let restores begin at any moment, and sweep until each was reported. Return the seconds."""
    estate = Estate(projects=3, clusters=12)
    of_kind = [one for one in estate.places if (one[2] == "flex") == (kind == "flex")]
    begun: dict[str, float] = {}
    first: dict[str, float] = {}
    with Accelerated(10, estate.groups) as world:
        for place in estate.places:
            world.stack.atlas.add_cluster(*place)

        def begin() -> None:
            group, name, _ = world.random.choice(of_kind)
            restore = world.stack.atlas.start_restore(group, name, kind)
            begun[restore.restore_id] = world.clock.at
            if kind == "collection":
                world.clock.plan(world.clock.at + COLLECTION_RUNS, restore.run_to_end)

        schedule = world.schedule()
        for _ in range(RESTORES):
            world.clock.plan(BEGIN + 120 + ARRIVALS * world.random.random(), begin)
        world.clock.sleep(120 + ARRIVALS)
        while begun.keys() - first.keys():
            world.clock.sleep(60)
            for event_id, at in world.published.items():
                first.setdefault(event_id.partition(":")[0], at)
        schedule.end()
    return [first[restore_id] - at for restore_id, at in begun.items()]


def measure() -> Report:
    """Count and time everything."""
    counted = side_by_side(count_calls, *ESTATES)
    found = dict(zip(AIMS, side_by_side(time_first_messages, *AIMS), strict=True))
    surplus = max(one.quiet - one.estate.least_calls for one in counted)
    late = {kind: percentile(seconds, 0.95) for kind, seconds in found.items()}
    report = Report(
        Target.at_most(0, "Atlas calls of a sweep beyond the minimum, nothing listed", surplus),
        *(
            Target.at_most(aim, f"start to first message, 95 of 100, {kind}", late[kind], " s", 1)
            for kind, aim in AIMS.items()
        ),
    )
    head: Row = ("calls to Atlas a minute", "minimum", "nothing listed", "on average", "most")
    report.table(head, *(one.row for one in counted))
    head = ("start to first message, nobody named it", "median", "95 of 100", "longest")
    shares = (0.5, 0.95, 1)
    rows = ([percentile(seconds, share) for share in shares] for seconds in found.values())
    cells = ([f"{one:.1f} s" for one in row] for row in rows)
    report.table(head, *((kind, *row) for kind, row in zip(found, cells, strict=True)))
    return report
