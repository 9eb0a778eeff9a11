"""
How long it takes from a change in Atlas to its message, in accelerated time.

90 jobs begin at any moment of an hour, a third of each kind: Flex restores (50, 61 and 3,421 s:
shortest, median, longest), automated restores (186, 232 and 375 s) and downloads until the link
(152, 189 and 3,324 s). Each is named once; the sweep that its check starts begins a second later. A
round of questions takes 0.4 s. Changes of a hot job count: there was one in the 30 minutes before.
Followed: a sweep had begun between naming and change; until then, nothing asks about the job.
"""

from collections.abc import Iterator
from functools import partial

from bench.accelerated import BEGIN, Accelerated
from bench.report import Report, Target
from bench.timelines import Timeline, draw_timelines, percentile
from local_stack.atlas import EmulatedRestore

OF_EACH = 30
"""Jobs of each kind."""

ARRIVALS = 3600.0
"""Seconds in which they begin."""

HOT = 1800.0
"""Seconds without a change after which a job is not hot any more."""

START_SECONDS = 1.0
"""From a check to the sweep that it starts: the queue of Lambda, and most environments are warm."""

_STATUSES = {"finished": "COMPLETED", "download-ready": "COMPLETED"}


def detect() -> Iterator[tuple[float, bool]]:
    """
    Let every job come to its end, and a few sweeps more.

    Yield the seconds from each change of a hot job to its message, and whether it was followed.
    """
    jobs = list[tuple[float, Timeline, EmulatedRestore]]()
    with Accelerated() as world:
        timelines = draw_timelines(world.random, OF_EACH)
        check = world.checking()

        def begin(number: int, at: float, timeline: Timeline) -> None:
            restore = world.stack.atlas.start_restore(
                f"6a1f3c9e5b7d204e8c61f0a{number % 3}",
                f"orders-{number}",
                "flex" if timeline.kind == "Flex" else "dedicated",
                delivery_type="download" if timeline.kind == "download" else None,
            )
            jobs.append((at, timeline, restore))
            for after, _ in timeline.steps:
                world.clock.plan(at + after, restore.advance)
            check(restore.event)
            for _ in world.stack.taken():
                world.clock.start(at + START_SECONDS, schedule.sweep)

        ends = list[float]()
        for number, timeline in enumerate(timelines):
            at = BEGIN + world.random.random() * ARRIVALS
            ends.append(at + timeline.duration)
            world.clock.plan(at, partial(begin, number, at, timeline))
        schedule = world.schedule()
        world.clock.sleep(max(ends) - BEGIN)
        world.clock.sleep(420)  # a job that is not hot any more is asked within 5 minutes
        schedule.end()
    for begun, timeline, restore in jobs:
        before, first_sweep = begun, min(at for at in world.swept if at > begun)
        for after, step in timeline.steps:
            moment, event_id = begun + after, f"{restore.restore_id}:{_STATUSES.get(step, step)}"
            published = world.published.get(event_id)
            if published is not None and moment - before < HOT:
                yield max(0.0, published - moment), first_sweep < moment
            before = moment
        assert event_id in world.published, "an end was not published"


def measure() -> Report:
    """Measure with the default of SweepMinutes."""
    hot = list(detect())
    late = {
        "all": [seconds for seconds, _ in hot],
        "followed": [seconds for seconds, is_followed in hot if is_followed],
    }
    half, most = ({name: percentile(late[name], share) for name in late} for share in (0.5, 0.95))
    report = Report(
        Target.at_most(6, "change to message, median", half["all"], " s", 1),
        Target.at_most(15, "change to message, 95 of 100", most["all"], " s", 1),
    )
    rows = ((name, f"{len(late[name])}", f"{half[name]:.1f}", f"{most[name]:.1f}") for name in late)
    report.table(("seconds from change to message", "changes", "median", "95 of 100"), *rows)
    return report
