"""The rules in which sweeps overlap with each other, with checks, and with their own past."""

from contextlib import ExitStack, nullcontext
from typing import Literal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from local_stack.stale_index import stale_index
from local_stack.wire import Phase
from reliability.checks import has_effect
from reliability.disturbances import Predicate
from reliability.drawn import SLOTS, Held, deaths, held, pairs, places, slots
from reliability.leases import is_lease_write
from reliability.overlaps import Overlaps
from reliability.sweeps import SWEEP

LEASE_LIFE = SWEEP + 6.0
"""Seconds after which a lease has run out."""

DAY = 24 * 3600.0


HELD: dict[Held, Predicate] = {
    "index": lambda call: call.operation == "Query",
    "ask": lambda call: call.service == "atlas" and call.operation != "token",
    "record": lambda call: call.operation == "UpdateItem" and b"list_append" in call.body,
    "publish": lambda call: call.operation == "Publish",
    "note": lambda call: b'"SET #publishedSequence' in call.body,
    "mark": lambda call: b'"SET #mark' in call.body,
    "wait": lambda call: b"ADD #waiting" in call.body,
    "answer": lambda call: call.service == "states",
    "leave": lambda call: b'"REMOVE #openShard' in call.body,
    "give back": lambda call: is_lease_write(call) and b"REMOVE #owner" in call.body,
}
"""The calls of each kind."""


class SweepOverlaps(Overlaps):
    """Two or three sweeps or checks at the same time."""

    @rule(
        place=places,
        racing=st.lists(
            st.tuples(slots, st.sampled_from(["sweep", "sweep", "check"])),
            min_size=2,
            max_size=SLOTS,
            unique_by=lambda one: one[0],
        ),
        order=st.lists(st.integers(0, 5), min_size=12, max_size=24),
        moves_at=st.integers(-1, 20),
        tick=st.none() | st.just(0.0),
    )
    def sweeps_race(
        self,
        place: int,
        racing: list[tuple[int, Literal["sweep", "check"]]],
        order: list[int],
        moves_at: int,
        tick: float | None,
    ) -> None:
        """Sweeps race with each other and with checks; one tick may be delivered to them all."""
        self.counted("sweeps race")
        job = self.moving(place)
        if job.left:
            self.world.advance(job)
        checks = [self.checks.begin(slot, job) for slot, what in racing if what == "check"]
        sweeps = [
            self.sweeps.begin(slot, tick, is_timed=False)
            for slot, what in racing
            if what == "sweep"
        ]
        racers = [one.check for one in checks] + [one.check for one in sweeps]
        by = [one.slot for one in checks] + [one.slot for one in sweeps]
        with self.sweeps.watched():
            self.race(racers, by, order, job, moves_at)
            for one in sweeps:
                self.sweeps.end(one, is_late=True)
        for other in checks:
            self.checks.end(other, is_late=bool(sweeps))

    @rule(
        place=places,
        pair=pairs,
        kind=held,
        phase=st.sampled_from(["before", "after"]),
        death=st.none() | deaths,
    )
    def a_check_beside_a_slow_sweep(
        self,
        place: int,
        pair: list[int],
        kind: Held,
        phase: Phase,
        death: tuple[int, Phase] | None,
    ) -> None:
        """What the sweep knows is older than what the check records."""
        self.counted("a check beside a slow sweep")
        slow, fast = pair
        job = self.moving(place)
        if job.left > 1:
            self.world.advance(job)
        with self.sweeps.watched(), self.sweeps.slow(slow, HELD[kind], phase=phase):
            if job.left:
                self.world.advance(job)
            with self.checks.death(fast, *death, among=has_effect) if death else nullcontext():
                self.checks.run(fast, job)

    @rule(place=places, pair=pairs, kind=held, phase=st.sampled_from(["before", "after"]))
    def a_sweep_beside_a_slow_sweep(
        self, place: int, pair: list[int], kind: Held, phase: Phase
    ) -> None:
        """The other one waits for a while, and leaves the work to the slow one."""
        self.counted("a sweep beside a slow sweep")
        slow, other = pair
        job = self.moving(place)
        if job.left:
            self.world.advance(job)
        with self.sweeps.watched(), self.sweeps.slow(slow, HELD[kind], phase=phase):
            if job.left:
                self.world.advance(job)
            self.sweeps.run_beside(other)

    @precondition(lambda self: self.world.is_lease_free)
    @rule(pair=pairs, nap=st.integers(0, 4))
    def a_tick_meets_a_hot_sweep(self, pair: list[int], nap: int) -> None:
        """It fires at any second, and the sweep at work makes way."""
        self.counted("a tick meets a hot sweep")
        first, second = pair
        self.checks.run(first, self.reachable(self.longest()))
        with self.sweeps.watched(), self.world.hot(first, second):
            self.sweeps.meet(first, second, nap)

    @rule(
        place=places,
        trio=st.permutations(range(SLOTS)),
        kind=st.sampled_from(["give back"]) | held,
        successor=st.none() | held,
    )
    def a_slow_sweep_outlives_its_lease(
        self, place: int, trio: list[int], kind: Held, successor: Held | None
    ) -> None:
        """Another one works meanwhile, is held as well perhaps, and keeps its own lease."""
        self.counted("a slow sweep outlives its lease")
        slow, second, third = trio
        job = self.moving(place)
        if job.left:
            self.world.advance(job)
        with self.sweeps.watched(), ExitStack() as successors:
            with self.sweeps.slow(slow, HELD[kind]):
                self.world.pass_time(LEASE_LIFE)
                if job.left:
                    self.world.advance(job)
                if successor is None:
                    self.sweeps.run_beside(second)
                else:
                    successors.enter_context(self.sweeps.slow(second, HELD[successor]))
            if successor is not None:
                self.sweeps.run_beside(third)

    @rule(
        place=places,
        pair=pairs,
        what=st.sampled_from(["check", "check", "sweep", "anew", "found", "died"]),
        steps=st.integers(0, 2),
        hides=st.booleans(),
    )
    def a_sweep_reads_an_old_index(
        self, place: int, pair: list[int], what: str, steps: int, *, hides: bool
    ) -> None:
        """The index answers as it was before others recorded, published or deleted something."""
        self.counted(f"a sweep reads an old index: {what}")
        first, other = pair
        job = self.moving(place)
        if what == "found":
            self.checks.run(first, job)
            self.world.hide(job)
            self.sweeps.run(first)
            self.world.pass_time(DAY + 60)
        with stale_index(self.stack):
            if what == "anew":
                self.world.delete(job)
            if what == "found":
                self.world.show(job)
            for _ in range(min(steps, job.left)):
                self.world.advance(job)
            match what:
                case "sweep" | "found":
                    self.sweeps.run(other, is_stale=True)
                case "died":
                    with self.checks.death(other, 0, "after", among=has_effect):
                        self.checks.run(other, job)
                case _:
                    self.checks.run(other, job)
            if hides:
                self.world.hide(job)
            self.sweeps.run(first, is_stale=True)
