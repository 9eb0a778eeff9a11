"""How often a sweep asks about a job: hot jobs every ten seconds, old ones every five minutes."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count, cycle, pairwise
from typing import Any

import pytest

from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.aws import aws_error
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.jumping_clock import ClockOfWorld, Schedule
from local_stack.steps import FLEX, QUESTION, about
from local_stack.wire import Selection
from local_stack.world import SKIPPED, World, within


def test_an_old_job_is_asked_about_every_five_minutes(
    world: World, environment: Environment
) -> None:
    world.recorded_job()

    checked = [environment.tick(minutes)["checked"] for minutes in (354, 1, 12, 1, 2, 2)]
    assert checked == [1, 1, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("age", "seconds", "questions"),
    rows(
        {
            "30-s": (0, 30, 3),
            "60-s": (0, 60, 6),
            "125-s": (0, 125, 12),
            "29-min-old": (29, 60, 6),
            "31-min-old": (31, 60, 1),
        },
        "125-s",
        "29-min-old",
        "31-min-old",
    ),
)
def test_a_hot_job_is_asked_about_every_ten_seconds_as_long_as_the_invocation_lasts(
    world: World, age: float, seconds: float, questions: int
) -> None:
    """For 110 s at most: by then the next sweep goes on."""
    world.recorded_job()
    environment = world.environment(hot_rounds=True)
    world.pass_time(age * 60)
    begun = world.uptime()

    assert environment.sweep(seconds=seconds)["checked"] == 1
    assert world.count(FLEX) == questions
    assert 10 * (questions - 1) <= world.uptime() - begun < 10 * questions


def test_the_hot_rounds_end_with_the_job_and_ask_about_nothing_else(world: World) -> None:
    ready = world.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
    world.check(ready)
    job = world.recorded_job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    asked = count()

    with world.whenever(
        within(FLEX, about(job.restore_id)), lambda: next(asked) % 2 and job.advance()
    ):
        result = world.environment(hot_rounds=True).sweep()

    assert (result["checked"], result["changed"], result["published"]) == (2, 2, 2)
    assert sorted(world.asked([job, ready])) == [0, 0, 0, 0, 1]


# Another sweep

NOTES: dict[str, tuple[int | str, int]] = {
    "waits": (12, 2),
    "has waited": (-1, 6),
    "waits for years": (10**9, 6),
    "has the lease": ("another", 2),
}
"""The end of its wait in seconds, or the owner of the lease; and the questions of the first."""


@pytest.mark.parametrize(("note", "questions"), NOTES.values(), ids=NOTES)
def test_hot_rounds_end_when_another_sweep_waits_or_has_the_lease(
    world: World, note: int | str, questions: int
) -> None:
    world.recorded_job()
    asked = count(1)

    def write_note() -> None:
        if next(asked) == 2:
            if isinstance(note, str):
                world.rewrite_lease(owner=note)
            else:
                world.rewrite_lease(waitingUntil=round(world.clock().timestamp()) + note)

    with world.whenever(FLEX, write_note):
        world.environment(hot_rounds=True).sweep()
    assert world.count(FLEX) == questions


def test_hot_rounds_go_on_although_nobody_can_read_who_waits(world: World) -> None:
    world.recorded_job()
    refused = aws_error("dynamodb", "AccessDeniedException")
    with world.inject(Selection("dynamodb", "UpdateItem"), refused, times=5, skip=1):
        world.environment(hot_rounds=True).sweep()

    assert world.count(FLEX) == 6
    assert "owner" not in world.lease


# Ticks at any second of their minute

PHASES = {
    "the same second": [5.0] * 5,
    "just before a round": [0.0, 9.5, 19.0, 28.5, 38.0],
    "within the first round": [59.0, 0.0, 1.0, 2.0, 3.0],
    "two at once": [0.0, 50.0, 59.9, 0.0, 0.1],
    "late, then early": [55.0, 5.0, 55.0, 5.0],
    "any": [31.4, 15.9, 26.5, 35.8, 9.7, 9.3],
    "any other": [2.7, 18.2, 8.1, 28.4, 59.0, 45.2],
    "two minutes apart": [0.0, 59.9, 0.0, 59.9],
}
"""Seconds after its minute at which each tick fires."""

LONGEST = 11.5
"""Seconds between questions: the pause of two rounds, and a waiting sweep's look at the lease."""


class Minutes:
    """Ticks, their results, and the moments at which Atlas was asked about a hot job."""

    def __init__(self, world: World, by: Connections) -> None:
        self.world = world
        self.clock = ClockOfWorld(world)
        self.asked: list[float] = []
        self.results: list[tuple[float | None, Any]] = []
        self._begun = world.clock(), world.uptime()
        self._connections = cycle((world.connections, by))

    def environment(self) -> Callable[[float | None], None]:
        """One that sweeps, for a tick if any."""
        environment = self.world.environment(
            next(self._connections), hot_rounds=True, sleep=self.clock.sleep
        )

        def sweep(minute: float | None) -> None:
            at, seconds = self._begun
            result: Any
            try:
                if minute is None:
                    result = environment.follow(124.5)
                else:
                    result = environment.sweep(at + timedelta(seconds=minute - seconds), 124.5)
            except ApplicationError as error:
                result = error
            self.results.append((minute, result))

        return sweep

    def pass_by(self, phases: list[float], starts: Iterable[float] = ()) -> float:
        """Let such ticks and started sweeps come. Return the longest gap between two questions."""
        at = iter(phases)
        with self.world.whenever(QUESTION, lambda: self.asked.append(self.world.uptime())):
            schedule = Schedule(self.clock, self.environment, lambda: next(at, 1e9))
            for seconds in starts:
                self.clock.start(self.clock.at + seconds, schedule.sweep)
            self.clock.sleep(60 * len(phases))
            schedule.end()
        return max(after - before for before, after in pairwise(self.asked))

    def swept(self) -> list[float]:
        """The ticks that were swept: each once. Of two that wait, the newer one may be alone."""
        ticks = [(tick, result) for tick, result in self.results if tick is not None]
        swept = [tick for tick, result in ticks if result != SKIPPED]
        assert len({*swept}) == len(swept)
        assert all(any(0 <= one - tick < 61 for one in swept) for tick, _ in ticks)
        return swept


@pytest.fixture
def minutes(world: World, patient: Connections) -> Minutes:
    world.recorded_job(timeline=["RUNNING", "COMPLETED"])
    return Minutes(world, patient)


@pytest.mark.fault("F95", "F84")
@pytest.mark.parametrize("phases", rows(PHASES, "just before a round", campaign=()))
def test_hot_jobs_are_asked_without_a_gap_wherever_in_its_minute_a_tick_fires(
    minutes: Minutes, phases: list[float]
) -> None:
    begun = minutes.clock.at
    assert minutes.pass_by(phases) <= LONGEST
    assert minutes.asked[-1] - begun >= 60 * (len(phases) - 1) + phases[-1] + 100
    swept = minutes.swept()

    # AWS delivers the last one again.
    minutes.environment()(swept[-1])
    assert minutes.results[-1] == (swept[-1], SKIPPED)


@pytest.mark.fault("F95", "S1", "F103")
@pytest.mark.parametrize(
    ("phase", "starts"),
    rows(
        {
            "some": (10.0, [12.0, 58.5, 72.0, 75.0, 131.0]),
            "one after the other": (7.3, [2.0 * n + 0.37 for n in range(90)]),
        },
        "some",
    ),
)
def test_sweeps_that_checks_start_leave_no_gap_and_take_no_tick_away(
    minutes: Minutes, phase: float, starts: list[float]
) -> None:
    assert minutes.pass_by([phase] * 3, starts) <= LONGEST
    assert len(minutes.swept()) == 3
