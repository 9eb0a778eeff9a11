"""
How long it takes until restores that nobody names are found, in accelerated time.

Half of the clusters are Flex, half dedicated; a dedicated one has two lists. A sweep comes every
minute. 100 restores of each kind begin at any moment of two hours, collection restores run 30
minutes; how long real ones did was never recorded. A first message counts from the start of its
restore. `scale` counts the calls.
"""

from bench.accelerated import BEGIN, Accelerated, side_by_side
from bench.open_jobs import Fleet
from bench.report import Report, Row, Target
from bench.timelines import percentile
from local_stack.atlas import Kind

RESTORES = 100
ARRIVALS = 7200.0
COLLECTION_RUNS = 1800.0

TICK = 65.0
"""Seconds within which a restore with an event has its first message: one tick, and five."""

LISTING = 15 * 60 + TICK
"""The same without an event: it waits for the next listing."""

AIMS: dict[Kind, float] = {"flex": TICK, "dedicated": TICK, "collection": LISTING}


def time_first_messages(kind: Kind) -> list[float]:
    """Let restores begin at any moment, and sweep until each was reported. Return the seconds."""
    fleet = Fleet(0, projects=3, idle=12)
    of_kind = [place for place in fleet.places if (place[2] == "flex") == (kind == "flex")]
    begun: dict[str, float] = {}
    first: dict[str, float] = {}
    with Accelerated(fleet.groups) as world:
        for place in fleet.places:
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
    """Time everything."""
    found = dict(zip(AIMS, side_by_side(time_first_messages, *AIMS), strict=True))
    late = {kind: percentile(seconds, 0.95) for kind, seconds in found.items()}
    name = "start to first message, 95 of 100"
    report = Report(
        *(Target.at_most(aim, f"{name}, {of}", late[of], " s", 1) for of, aim in AIMS.items())
    )
    head: Row = ("start to first message, nobody named it", "median", "95 of 100", "longest")
    shares = (0.5, 0.95, 1)
    rows = ([percentile(seconds, share) for share in shares] for seconds in found.values())
    cells = ([f"{seconds:.1f} s" for seconds in row] for row in rows)
    report.table(head, *((kind, *row) for kind, row in zip(found, cells, strict=True)))
    return report
