"""The rules of sweeps: ticks, faults, deaths, lists that differ, low buckets, forgotten jobs."""

import itertools
from contextlib import nullcontext

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from foundation.deadline import Deadline
from local_stack.wire import Phase
from reliability.checks import has_effect
from reliability.drawn import (
    ATLAS_FAULTS,
    AWS_FAULTS,
    Admission,
    Listed,
    admissions,
    deaths,
    listings,
    phases,
    places,
    slots,
    sweep_deaths,
    sweep_steps,
    ticks,
)
from reliability.find_rules import FindRules
from reliability.machine import MINUTE
from reliability.overlaps import any_left
from restore_watch.sweep.cadence import SLOW

at_atlas = st.sampled_from(sorted(ATLAS_FAULTS))
at_aws = st.sampled_from(sorted(AWS_FAULTS))


class SweepRules(FindRules):
    """One sweep at a time, beside which nothing happens but what fails in it."""

    @rule(slot=slots, tick=ticks)
    def sweep(self, slot: int, tick: float | None) -> None:
        self.counted("sweep")
        self.sweeps.run(slot, tick)

    @rule(
        delivered=st.lists(
            st.tuples(slots, st.sampled_from([0.0, 60.0, 0.0, 60.0, 105.0, 111.0])),
            min_size=2,
            max_size=4,
        )
    )
    def ticks_are_delivered(self, delivered: list[tuple[int, float]]) -> None:
        """Twice, late, or out of order."""
        self.counted("ticks are delivered")
        for slot, tick in delivered:
            self.sweeps.run(slot, tick)

    @precondition(any_left)
    @rule(place=places, slot=slots, count=st.integers(1, 3), death=st.none() | sweep_deaths)
    def atlas_moves_on_before_a_sweep(
        self, place: int, slot: int, count: int, death: tuple[int, Phase] | None
    ) -> None:
        """Some jobs have changed; the sweep may die of it, with its lease."""
        self.counted("atlas moves on before a sweep")
        for n in range(count):
            job = self.moving(place + n)
            if job.left:
                self.world.advance(job)
        disturbed = self.checks.death(slot, *death, among=has_effect) if death else None
        self.sweeps.run(slot, disturbed=disturbed)

    @rule(slot=slots, count=st.integers(1, 3), rounds=st.integers(1, 4))
    def a_job_is_followed_by_sweeps(self, slot: int, count: int, rounds: int) -> None:
        """Every job is named once, and from then on the schedule sweeps."""
        self.counted("a job is followed by sweeps")
        for job in self.world.jobs[:count]:
            self.checks.run(slot, job)
        for n in range(rounds):
            job = self.moving(n)
            if job.left:
                self.world.advance(job)
            self.world.pass_time(60)
            self.sweeps.run((slot + n) % 2, 0.0)

    @rule(slot=slots, step=sweep_steps, phase=phases, at_atlas=at_atlas, at_aws=at_aws)
    def sweep_meets_a_fault(
        self, slot: int, step: int, phase: Phase, at_atlas: str, at_aws: str
    ) -> None:
        self.counted("sweep meets a fault")
        self.sweeps.run(slot, disturbed=self.fault(slot, step, phase, at_atlas, at_aws))

    @rule(slot=slots, step=sweep_steps, phase=phases, next_slot=slots)
    def sweep_dies(self, slot: int, step: int, phase: Phase, next_slot: int) -> None:
        """The next one comes a minute later, or finds the lease held."""
        self.counted("sweep dies")
        self.sweeps.run(slot, disturbed=self.checks.death(slot, step, phase))
        self.world.pass_time(60)
        self.sweeps.run(next_slot, 0.0)

    @rule(
        slot=slots,
        seconds=st.sampled_from([0.3, 1.1, 2.0, 4.0, 6.5, 8.0, 12.0]) | st.integers(0, 40),
        dying=st.none() | slots,
    )
    def sweep_with_little_time(self, slot: int, seconds: float, dying: int | None) -> None:
        """
        So many seconds are left, or the time runs out after so many looks at it.

        Another sweep may have died and left its lease.
        """
        self.counted("sweep with little time")
        if dying is not None:
            self.sweeps.run(dying, disturbed=self.checks.death(dying, 1, "before"))
        deadline = Deadline.after(seconds, lambda: self.world.uptime)
        if isinstance(seconds, int):
            looks = itertools.count()
            deadline = Deadline(9.0, lambda: 9.0 * (next(looks) >= seconds))
        self.sweeps.run(slot, deadline=deadline, is_timed=isinstance(seconds, float))

    @rule(
        place=places,
        slot=slots,
        death=st.none() | deaths,
        how=st.none() | admissions,
        count=st.integers(1, 2),
    )
    def a_job_is_refused_before_a_sweep(
        self,
        place: int,
        slot: int,
        death: tuple[int, Phase] | None,
        how: Admission | None,
        count: int,
    ) -> None:
        """The job vanishes or the role is revoked, perhaps with changes pending."""
        self.counted("a job is refused before a sweep")
        for n in range(count):
            job = self.moving(place + n)
            if job.left:
                self.world.advance(job)
            with self.checks.death(slot, *death, among=has_effect) if death else nullcontext():
                self.checks.run(slot, job)
            if how is None:
                self.world.hide(job)
        if how is not None:
            self.world.refuse(how)
        self.sweeps.run(slot)

    @rule(
        place=places,
        slot=slots,
        death=st.none() | deaths,
        refuses=st.booleans(),
        hours=st.sampled_from([1, 24, 24]),
    )
    def a_job_is_missing_for_a_time(
        self, place: int, slot: int, death: tuple[int, Phase] | None, hours: int, *, refuses: bool
    ) -> None:
        """
        After a day it leaves the index, unless a change is pending.

        A check that finds it takes it in; before that day is over, a sweep finds it.
        """
        self.counted(f"a job is missing for {hours} h")
        job = self.moving(place)
        with self.checks.death(slot, *death, among=has_effect) if death else nullcontext():
            self.checks.run(slot, job)
        self.world.hide(job)
        begun = []
        # An old job has its turn every five minutes. An environment believes that a job is gone
        # only after a quarter of an hour without another answer.
        for pause in (SLOW, hours * 1800, hours * 1800 + MINUTE, 16 * MINUTE):
            self.world.pass_time(pause)
            disturbed = self._topic_refuses() if refuses else None
            begun.append(self.sweeps.run(slot, disturbed=disturbed))
        self.world.show(job)
        if hours == 24:
            self.sweeps.judge.judge_forgotten(begun, job)
            self.checks.run(slot, job)
        if job.left:
            self.world.advance(job)
        self.sweeps.run(slot)

    @rule(slot=slots, hours=st.sampled_from([1.0, 2.0, 7.5, 25.0]))
    def hours_pass_between_sweeps(self, slot: int, hours: float) -> None:
        """Links expire, jobs are asked about less often, and later their time is over."""
        self.counted("hours pass between sweeps")
        self.sweeps.run(slot)
        self.world.pass_time(hours * 3600)
        self.sweeps.run(slot)
        self.world.pass_time(SLOW)
        self.sweeps.run(slot)

    @rule(place=places, slot=slots, how=listings)
    def lists_differ(self, place: int, slot: int, how: Listed) -> None:
        """A list shows the job as it was, or not at all, while a GET shows how it is."""
        self.counted(f"lists differ: {how}")
        job = self.listed(place)
        match how:
            case "old":
                self.world.lag_lists(job)
            case "absent":
                self.world.omit_from_lists(job)
            case "current":
                self.world.show_in_lists(job)
        for one in self.world.jobs:
            self.checks.run(slot, one)
        if job.left:
            self.world.advance(job)
        if how == "old":
            self.checks.run(slot, job)
        self.sweeps.run(slot)

    @rule(
        place=places,
        slot=slots,
        left=st.sampled_from([0, 5, 5]),
        sweeps=st.integers(1, 5),
        omits=st.booleans(),
    )
    def a_bucket_is_low(
        self, place: int, slot: int, left: int, sweeps: int, *, omits: bool
    ) -> None:
        """Others use up the calls of a project; each sweep makes one, and each job has its turn."""
        self.counted("a bucket is low" if left else "a bucket is empty")
        is_calm = self.world.is_healthy and bool(left)
        job = self.listed(place)
        for one in self.world.jobs:
            self.checks.run(slot, one)
        if job.left:
            self.world.advance(job)
        if omits:
            self.world.omit_from_lists(job)
        self.world.keep_bucket(job, left)
        begun = []
        for _ in range(sweeps):
            self.world.pass_time(MINUTE)
            begun.append(self.sweeps.run(slot))
        if is_calm:
            self.sweeps.judge.judge_turns(begun, job)

    @precondition(lambda self: self.world.low_buckets)
    @rule(slot=slots)
    def buckets_are_full_again(self, slot: int) -> None:
        self.counted("buckets are full again")
        self.world.release_buckets()
        self.world.pass_time(150)
        self.sweeps.run(slot)
