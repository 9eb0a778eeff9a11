"""
How long it takes from a change in Atlas to its message, in accelerated time.

90 jobs begin at any moment of an hour, a third of each kind: Flex restores (50, 61 and 3,421 s:
shortest, median, longest), automated restores (186, 232 and 375 s) and downloads until the link
(152, 189 and 3,324 s). Each is named once, at once; the sweep that its check starts begins a second
later. A round of questions takes 0.4 s. Overtaken: the next change came before anybody asked, so
there is no message. Followed: a sweep had begun between naming and change; until then, nothing asks
about the job. Not hot: no change for 30 minutes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from bench.accelerated import BEGIN, Accelerated, side_by_side
from bench.report import Report, Row, Target
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

HOT_SECONDS = (10.0, 0.0)

_STATUSES = {"finished": "COMPLETED", "download-ready": "COMPLETED"}


@dataclass(frozen=True)
class Detection:
    """
    One change, and how many seconds later its message was published.

    `is_hot`: the job was young, or had changed, at most 30 minutes before. `is_followed`: a sweep
    had begun between the moment when the job was named and the change.
    """

    seconds: float
    is_hot: bool
    is_followed: bool


@dataclass(frozen=True)
class Detections:
    """What was detected with one schedule, and how many changes were overtaken by the next."""

    name: str
    seen: tuple[Detection, ...]
    overtaken: int

    @property
    def hot(self) -> list[float]:
        return [one.seconds for one in self.seen if one.is_hot]

    @property
    def row(self) -> Row:
        followed = [one.seconds for one in self.seen if one.is_hot and one.is_followed]
        cold = max(one.seconds for one in self.seen if not one.is_hot)
        overtaken = self.overtaken / (self.overtaken + len(self.seen))
        late = (percentile(some, share) for some in (self.hot, followed) for share in (0.5, 0.95))
        seconds = (f"{one:.1f}" for one in (*late, cold))
        return (self.name, f"{len(self.seen):,}", f"{100 * overtaken:.0f} %", *seconds)


@dataclass
class _Job:
    timeline: Timeline
    begun: float
    restore: EmulatedRestore

    def changes(self) -> Iterator[tuple[float, float, str]]:
        """The moment of each change, that of the one before, and the id of its message."""
        before = self.begun
        for after, step in self.timeline.steps:
            moment = self.begun + after
            yield moment, before, f"{self.restore.restore_id}:{_STATUSES.get(step, step)}"
            before = moment


def detect(hot_seconds: float) -> Detections:
    """Let every job come to its end with this HotSeconds, and a few sweeps more."""
    jobs = list[_Job]()
    with Accelerated(hot_seconds) as world:
        timelines = draw_timelines(world.random, OF_EACH)
        check = world.checking()

        def begin(number: int, at: float, timeline: Timeline) -> None:
            restore = world.stack.atlas.start_restore(
                f"6a1f3c9e5b7d204e8c61f0a{number % 3}",
                f"orders-{number}",
                "flex" if timeline.kind == "Flex" else "dedicated",
                delivery_type="download" if timeline.kind == "download" else None,
            )
            jobs.append(_Job(timeline, at, restore))
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
    return _detections(f"HotSeconds {hot_seconds:g}", jobs, world)


def _detections(name: str, jobs: Iterable[_Job], world: Accelerated) -> Detections:
    seen, overtaken = list[Detection](), 0
    for job in jobs:
        first_sweep = min(at for at in world.swept if at > job.begun)
        for moment, before, event_id in job.changes():
            published = world.published.get(event_id)
            if published is None:
                overtaken += 1
                continue
            late = max(0.0, published - moment)
            seen.append(Detection(late, moment - before < HOT, first_sweep < moment))
        assert event_id in world.published, "an end was not published"
    return Detections(name, tuple(seen), overtaken)


def measure() -> Report:
    """Measure with hot jobs and without."""
    detections = side_by_side(detect, *HOT_SECONDS)
    hot = detections[0].hot
    report = Report(
        Target.at_most(6, "change to message, median", percentile(hot, 0.5), " s", 1),
        Target.at_most(15, "change to message, 95 of 100", percentile(hot, 0.95), " s", 1),
    )
    head = ("change to message, seconds", "changes", "overtaken", "median", "95 of 100")
    more = ("followed: median", "95 of 100", "not hot: at most")
    report.table((*head, *more), *(one.row for one in detections))
    return report
