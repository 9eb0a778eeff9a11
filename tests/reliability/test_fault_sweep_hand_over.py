"""Ticks at any second of their minute, while jobs are hot: F95."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, pairwise
from random import Random
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from local_stack.in_process import sweeper_of
from local_stack.jumping_clock import JumpingClock, Schedule
from local_stack.wire import Call, Phase
from reliability.campaign import Campaign
from reliability.sweeping import ANY_QUESTION, SKIPPED, WAIT, Sweeps, death
from restore_watch.errors import RestoreWatchError
from restore_watch.event.actions import Sweep
from restore_watch.table.lease import PAUSE
from restore_watch.telemetry.telemetry import Telemetry

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

HOT_SECONDS = 10.0
NO_GAP = HOT_SECONDS + PAUSE + 0.5
"""Seconds between two questions about a hot job, at most."""

INVOCATION = 124.5
_random = Random(20261125)  # noqa: S311 - no secret depends on it


class Minutes:
    """Ticks, and the moments at which Atlas was asked about a hot job."""

    def __init__(self, campaign: Campaign, sweeps: Sweeps) -> None:
        self.campaign = campaign
        self.log = sweeps.log
        self.begun = campaign.clock().timestamp()
        self.clock = JumpingClock(self.begun)
        self.asked: list[float] = []
        self.results: list[tuple[float, Any]] = []
        self._clients = cycle((campaign.hasty, campaign.patient))
        self._was = self.begun

    def environment(self) -> Callable[[float], None]:
        """One that sweeps for a tick."""
        by = next(self._clients)
        checker = self.campaign.environment(by, now=self.clock, sleep=self.clock.sleep)
        telemetry = Telemetry(Logger(service="minutes", stream=self.log))
        stack = self.campaign.stack
        sweeper = sweeper_of(stack, by, checker, telemetry, hot_seconds=HOT_SECONDS)

        def sweep(minute: float) -> None:
            tick = datetime.fromtimestamp(minute, UTC)
            deadline = Deadline.after(INVOCATION, self.clock.seconds)
            result: Any
            try:
                result = sweeper.sweep(Sweep(tick), deadline)
            except RestoreWatchError as error:
                result = error
            self.results.append((minute - self.begun, result))

        return sweep

    def pass_by(self, phases: list[float]) -> None:
        """Let a tick come so many seconds after each minute, and then none."""
        at = iter(phases)

        def note(call: Call, phase: Phase) -> None:
            if phase == "before" and ANY_QUESTION.covers(call):
                self.campaign.pass_time(self.clock.at - self._was)
                self._was = self.clock.at
                self.asked.append(self.clock.at - self.begun)

        with self.campaign.atlas.wire.listen(note):
            schedule = Schedule(self.clock, self.environment, lambda: next(at, 1e9))
            self.clock.sleep(60 * len(phases))
            schedule.end()

    @property
    def longest_gap(self) -> float:
        return max(after - before for before, after in pairwise(self.asked))


@pytest.fixture
def minutes(campaign: Campaign, sweeps: Sweeps) -> Minutes:
    return Minutes(campaign, sweeps)


PHASES = {
    "the same second": [5.0] * 5,
    "late, then early": [59.9, 0.0, 59.9, 0.0],
    "early, then late": [0.0, 59.9, 0.0, 59.9],
    "just before a round": [0.0, 9.5, 19.0, 28.5, 38.0],
    "within the first round": [59.0, 0.0, 1.0, 2.0, 3.0],
    "two at once": [0.0, 50.0, 59.9, 0.0, 0.1],
    **{f"drawn, {n}": [60 * _random.random() for _ in range(6)] for n in range(4)},
}


@pytest.mark.fault("F95", "F84")
@cases("phases", PHASES.values(), ids=PHASES)
def test_hot_jobs_are_asked_without_a_gap_wherever_in_its_minute_a_tick_fires(
    campaign: Campaign, minutes: Minutes, phases: list[float]
) -> None:
    campaign.check(campaign.job(timeline=["RUNNING", "COMPLETED"]))
    minutes.pass_by(phases)

    assert minutes.longest_gap <= NO_GAP
    assert minutes.asked[-1] >= 60 * (len(phases) - 1) + phases[-1] + 100
    swept = [tick for tick, result in minutes.results if result != SKIPPED]
    assert len(set(swept)) == len(swept)
    # Of two that wait, the newer one may be swept alone.
    assert all({tick, tick + 60} & {*swept} for tick, _ in minutes.results)

    # AWS delivers the last one again.
    again = minutes.environment()
    again(minutes.begun + swept[-1])
    assert minutes.results[-1] == (swept[-1], SKIPPED)


@pytest.mark.fault("F95", "F66")
def test_a_sweep_that_dies_while_it_waits_stops_nobody(
    campaign: Campaign, minutes: Minutes
) -> None:
    campaign.check(campaign.job(timeline=["RUNNING", "COMPLETED"]))
    # The second environment has these clients.
    with death(campaign.patient, campaign, WAIT, "after"):
        minutes.pass_by([0.0, 5.0])
    assert minutes.asked[-1] < 60 + NO_GAP + HOT_SECONDS
    died = dict(minutes.results)[60.0]
    assert isinstance(died, RestoreWatchError)

    # The holder ended for one that is dead. The next tick finds the lease free, and no note.
    minutes.environment()(minutes.clock.at)
    assert minutes.results[-1][1]["checked"] == 1
