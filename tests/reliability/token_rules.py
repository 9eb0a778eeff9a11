"""The rules of workflows that wait: registered, answered, refused, forgotten, raced and killed."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from local_stack.aws import aws_error
from local_stack.task_tokens import GONE
from local_stack.wire import Action, Call, Phase
from reliability.checks import Begun as BegunCheck
from reliability.checks import has_effect
from reliability.disturbances import FirstCalls
from reliability.drawn import AWS_FAULTS, SLOTS, Held, pairs, phases, places, slots
from reliability.machine import MINUTE
from reliability.model import RestoreModel
from reliability.overlaps import any_left
from reliability.sweep_overlaps import DAY, HELD, SweepOverlaps
from reliability.world_parts import Job
from restore_watch.model.wait import UNTIL
from restore_watch.sweep.cadence import SLOW

if TYPE_CHECKING:
    from reliability.sweep_judge import Begun as BegunSweep
    from reliability.tokens import BegunWait

type Racer = Literal["wait", "check", "sweep"]

STATES_FAULTS: dict[str, Action] = {
    # An answer of two bytes cannot be cut off.
    **{name: action for name, action in AWS_FAULTS.items() if name != "truncated"},
    "throttled": aws_error("states", "ThrottlingException"),
    "forbidden": aws_error("states", "AccessDeniedException"),
}
at_states = st.sampled_from(sorted(STATES_FAULTS))
ends = ("ended", "ended", "download-ready", "EXPIRED")
untils = st.sampled_from(ends) | st.sampled_from(UNTIL)
several_untils = st.lists(untils, min_size=1, max_size=3)
deaths: st.SearchStrategy[tuple[int, Phase]] = st.tuples(st.integers(0, 4), phases)
"""Where an environment dies, among the calls that leave something behind."""
wait_deaths: st.SearchStrategy[tuple[int, Phase]] = st.sampled_from(
    [(0, "after"), (0, "after"), (1, "before"), (1, "after"), (2, "before"), (3, "before")]
)
"""Where a registration dies: its write comes first, or a check of the job."""


def asks_states(call: Call) -> bool:
    return call.service == "states"


def any_waits(machine: "TokenRules") -> bool:
    return bool(machine.tokens.workflows)


class TokenRules(SweepOverlaps):
    """Workflows wait for the jobs of the example, whatever happens to these."""

    @rule(place=places, slot=slots, until=untils, death=st.none() | wait_deaths)
    def a_workflow_waits(
        self, place: int, slot: int, until: str, death: tuple[int, Phase] | None
    ) -> None:
        """The environment may die of it; a sweep sees who waits by then."""
        self.counted("a workflow waits")
        job = self.job(place)
        with self.sweeps.watched(), self.dying(slot, death):
            self.tokens.register(slot, job, until)
        if death is not None:
            self.sweeps.run((slot + 1) % SLOTS)
        self.tokens.judge()

    @rule(place=places, slot=slots, until=untils, death=st.none() | wait_deaths)
    def a_workflow_waits_again(
        self, place: int, slot: int, until: str, death: tuple[int, Phase] | None
    ) -> None:
        """Its function is invoked again with the same token, perhaps with another wish."""
        self.counted("a workflow waits again")
        job = self.job(place)
        with self.sweeps.watched():
            with self.dying(slot, death):
                workflow = self.tokens.again(place) or self.tokens.register(slot, job, until)
            self.tokens.register(slot, job, until, workflow)
        self.tokens.judge()

    @precondition(any_left)
    @rule(
        place=places,
        slot=slots,
        wishes=several_untils,
        count=st.integers(1, 4),
        by=st.sampled_from(["check", "sweep"]),
        death=st.none() | deaths,
    )
    def a_wait_is_over(
        self,
        place: int,
        slot: int,
        wishes: list[str],
        count: int,
        by: Literal["check", "sweep"],
        death: tuple[int, Phase] | None,
    ) -> None:
        """Whoever sees it may die between any two steps; the next sweep answers."""
        self.counted(f"a wait is over: {by}")
        job = self.moving(place)
        with self.sweeps.watched():
            for until in wishes:
                self.tokens.register(slot, job, until)
        for _ in range(min(count, job.left)):
            self.world.advance(job)
        self.see(by, slot, job, self.dying(slot, death))
        self.world.pass_time(2 * MINUTE)
        self.sweeps.run((slot + 1) % SLOTS)
        self.tokens.judge()

    @rule(
        place=places,
        slot=slots,
        wishes=several_untils,
        fault=at_states,
        phase=phases,
        times=st.none() | st.integers(1, 2),
        by=st.sampled_from(["check", "sweep", "wait"]),
        ends=st.booleans(),
    )
    def step_functions_refuses(
        self,
        place: int,
        slot: int,
        wishes: list[str],
        fault: str,
        phase: Phase,
        times: int | None,
        by: Literal["check", "sweep", "wait"],
        *,
        ends: bool,
    ) -> None:
        """People are told all the same. Later the workflows are answered, too."""
        self.counted(f"step functions refuses: {by}")
        job = self.moving(place)
        if by != "wait":
            with self.sweeps.watched():
                for until in wishes:
                    self.tokens.register(slot, job, until)
        while ends and job.left:
            self.world.advance(job)
        first, action = FirstCalls(asks_states, times), STATES_FAULTS[fault]
        refused = self.world.disturbances.within(first, phase, action, action)
        if by == "wait":
            with self.sweeps.watched(), refused:
                for until in wishes:
                    self.tokens.register(slot, job, until)
        else:
            self.see(by, slot, job, refused)
        self.tokens.judge()

    @precondition(lambda self: not self.world.disturbances.active)
    @rule(fault=at_states, phase=phases)
    def step_functions_breaks(self, fault: str, phase: Phase) -> None:
        """Until all faults clear, or the example ends."""
        self.counted("step functions breaks")
        self.world.disturbances.last(asks_states, STATES_FAULTS[fault], phase)

    @precondition(any_waits)
    @rule(place=places, how=st.sampled_from(GONE))
    def a_workflow_is_stopped(self, place: int, how: str) -> None:
        self.counted("a workflow is stopped")
        self.tokens.stop(place, how)

    @rule(
        place=places,
        pair=pairs,
        wishes=several_untils,
        until=untils,
        held=st.integers(0, 4),
        phase=phases,
        death=st.none() | st.sampled_from([(0, "after"), (0, "after"), (1, "before")]),
        moves=st.booleans(),
    )
    def a_workflow_waits_beside_a_slow_check(
        self,
        place: int,
        pair: list[int],
        wishes: list[str],
        until: str,
        held: int,
        phase: Phase,
        death: tuple[int, Phase] | None,
        *,
        moves: bool,
    ) -> None:
        """The check knows others who wait, and not this one."""
        self.counted("a workflow waits beside a slow check")
        slow, fast = pair
        job = self.moving(place)
        with self.sweeps.watched():
            for one in wishes:
                self.tokens.register(fast, job, one)
            if moves and job.left:
                self.world.advance(job)
            with self.checks.slow(slow, job, held, phase), self.dying(fast, death):
                self.tokens.register(fast, job, until)
        self.tokens.judge()

    @rule(
        place=places,
        pair=pairs,
        until=untils,
        others=st.sampled_from(["RUNNING", "RUNNING", "PENDING", "ended", "EXPIRED"]),
        kind=st.sampled_from(["wait", "answer", "note", "note"]),
        phase=st.sampled_from(["before", "before", "after"]),
        death=st.sampled_from([(0, "after"), (0, "after"), (1, "before"), None]),
    )
    def two_workflows_begin_to_wait(
        self,
        place: int,
        pair: list[int],
        until: str,
        others: str,
        kind: Held,
        phase: Phase,
        death: tuple[int, Phase] | None,
    ) -> None:
        """A slow registration is overtaken by a faster one, which may die."""
        self.counted("two workflows begin to wait")
        slow, fast = pair
        job = self.job(place)
        self.checks.run(fast, job)
        held = self.tokens.slow(slow, job, until, HELD[kind], phase)
        with self.sweeps.watched(), held, self.dying(fast, death):
            self.tokens.register(fast, job, others)
        self.tokens.judge()

    @rule(
        place=places,
        pair=pairs,
        wishes=several_untils,
        kind=st.sampled_from(["answer", "note", "leave", "record", "publish"]),
        phase=phases,
        what=st.sampled_from(["wait", "wait", "check"]),
        death=st.none() | st.sampled_from([(0, "after"), (1, "before")]),
    )
    def a_workflow_waits_beside_a_slow_sweep(
        self,
        place: int,
        pair: list[int],
        wishes: list[str],
        kind: Held,
        phase: Phase,
        what: Literal["wait", "check"],
        death: tuple[int, Phase] | None,
    ) -> None:
        """The sweep settles a job for which somebody begins to wait."""
        self.counted("a workflow waits beside a slow sweep")
        slow, fast = pair
        job = self.moving(place)
        with self.sweeps.watched():
            for one in wishes:
                self.tokens.register(fast, job, one)
            while job.left:
                self.world.advance(job)
            with self.sweeps.slow(slow, HELD[kind], phase=phase), self.dying(fast, death):
                if what == "check":
                    self.checks.run(fast, job)
                else:
                    self.tokens.register(fast, job, wishes[0])
        self.tokens.judge()

    @rule(
        place=places,
        racing=st.lists(
            st.tuples(slots, st.sampled_from(["wait", "wait", "check", "sweep"])),
            min_size=2,
            max_size=SLOTS,
            unique_by=lambda one: one[0],
        ),
        wishes=several_untils,
        order=st.lists(st.integers(0, 5), min_size=12, max_size=24),
        moves_at=st.integers(-1, 16),
        is_same=st.booleans(),
    )
    def registrations_race(
        self,
        place: int,
        racing: list[tuple[int, Racer]],
        wishes: list[str],
        order: list[int],
        moves_at: int,
        *,
        is_same: bool,
    ) -> None:
        """Workflows begin to wait while checks and sweeps work; one token may come twice."""
        self.counted("registrations race")
        job = self.moving(place)
        with self.sweeps.watched():
            self.tokens.register(racing[0][0], job, wishes[0])
            again = self.tokens.again(place) if is_same else None
            if again is not None:
                job = again.job
            slots_of = {what: [n for n, one in racing if one == what] for _, what in racing}
            waits: list[BegunWait] = [
                self.tokens.begin(slot, job, wishes[n % len(wishes)], again)
                for n, slot in enumerate(slots_of.get("wait", ()))
            ]
            checks = [self.checks.begin(slot, job) for slot in slots_of.get("check", ())]
            sweeps = [self.sweeps.begin(slot, is_timed=False) for slot in slots_of.get("sweep", ())]
            begun: list[BegunWait | BegunCheck | BegunSweep] = [*waits, *checks, *sweeps]
            by, racers = [one.slot for one in begun], [one.check for one in begun]
            self.race(racers, by, order, job, moves_at)
            for one in waits:
                self.tokens.end(one)
            for swept in sweeps:
                self.sweeps.end(swept, is_late=True)
            for checked in checks:
                self.checks.end(checked, is_late=bool(sweeps))
        self.tokens.judge()

    @rule(
        place=places,
        pair=pairs,
        wishes=several_untils,
        ends=st.booleans(),
        refuses=st.booleans(),
        fault=at_states,
        how=st.sampled_from(["answer", "leave", "leave", None]),
    )
    def a_job_for_which_workflows_wait_is_given_up(
        self,
        place: int,
        pair: list[int],
        wishes: list[str],
        fault: str,
        how: Held | None,
        *,
        ends: bool,
        refuses: bool,
    ) -> None:
        """Atlas forgets it for a day, or its link is gone; it may come back in the last moment."""
        self.counted("a job for which workflows wait is given up")
        slot, other = pair
        job = self.moving(place)
        while ends and job.left > 1:
            self.world.advance(job)
        with self.sweeps.watched():
            for until in wishes:
                self.tokens.register(slot, job, until)
        self.world.hide(job)
        refused = STATES_FAULTS[fault]
        for pause in (SLOW, DAY / 2, DAY / 2 + MINUTE):
            self.world.pass_time(pause)
            within = self.world.disturbances.within(asks_states, "before", refused, refused)
            self.sweeps.run(slot, disturbed=within if refuses else None)
        self.world.pass_time(16 * MINUTE)
        if how is None:
            self.sweeps.run(slot)
        else:
            with self.sweeps.watched(), self.sweeps.slow(slot, HELD[how]):
                self.world.show(job)
                self.checks.run(other, job)
        self.world.show(job)
        self.checks.run(other, job)
        self.tokens.judge()

    def dying(self, slot: int, death: tuple[int, Phase] | None) -> AbstractContextManager[None]:
        """Within the block the environment dies at its n-th call that has an effect, if at all."""
        if death is None:
            return nullcontext()
        return self.checks.death(slot, *death, among=has_effect)

    def see(self, by: str, slot: int, job: Job, disturbed: AbstractContextManager[None]) -> None:
        """Let a check or a sweep see how the job is now."""
        if by == "sweep":
            self.sweeps.run(slot, disturbed=disturbed)
            return
        with disturbed:
            self.checks.run(slot, job)


class WaitingModel(TokenRules, RestoreModel):
    """Everything that may happen, and workflows that wait for it."""
