"""The rules in which checks overlap: races, slow checks, and items deleted beside them."""

import itertools
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from local_stack.wire import Phase
from reliability.checks import Check, has_effect, settle
from reliability.drawn import (
    NOTE,
    PUBLISH,
    SLOTS,
    WRITE,
    deaths,
    pairs,
    places,
    slots,
)
from reliability.machine import Machine
from reliability.world_parts import Job


def any_left(machine: Machine) -> bool:
    return any(job.left for job in machine.world.jobs)


def any_words_left(machine: Machine) -> bool:
    return any(job.steps_to_words is not None for job in machine.world.jobs)


class Overlaps(Machine):
    """Two or three checks of one job at the same time."""

    def race(
        self,
        checks: Sequence[Check],
        racing: Sequence[int],
        order: Sequence[int],
        moving: Job | None,
        moves_at: int,
    ) -> None:
        """Start them, and release them one by one at every request and every answer."""
        made = [self.world.made(slot) for slot in racing]
        with ExitStack() as gates:
            held = [
                gates.enter_context(
                    wire.hold(phase=phase, when=lambda call: any(by(call) for by in made))
                )
                for wire in (self.stack.atlas.wire, self.stack.aws.wire)
                for phase in ("before", "after")
            ]
            for check, by in zip(checks, made, strict=True):
                check.start()
                settle([check], [by], held)
            for number, turn in enumerate(itertools.chain(order, itertools.repeat(0))):
                if number == moves_at and moving is not None and moving.left:
                    self.world.advance(moving)
                waiting = settle(checks, made, held)
                if not any(check.is_alive() for check in checks):
                    break
                if not waiting:
                    continue
                gate, call = waiting[turn % len(waiting)]
                gate.release_call(call)

    @rule(
        place=places,
        racing=st.lists(slots, min_size=2, max_size=SLOTS, unique=True),
        order=st.lists(st.integers(0, 5), min_size=12, max_size=24),
        moves_at=st.none() | st.integers(0, 12),
    )
    def checks_race(
        self, place: int, racing: list[int], order: list[int], moves_at: int | None
    ) -> None:
        """
        Checks overlap, released one by one at every request and every answer, in drawn order.

        Atlas may move on meanwhile.
        """
        self.counted("checks race")
        job = self.reachable(self.job(place))
        begun = [self.checks.begin(slot, job) for slot in racing]
        checks = [one.check for one in begun]
        self.race(checks, racing, order, job if moves_at is not None else None, moves_at or 0)
        for one in begun:
            self.checks.end(one)

    @precondition(any_left)
    @rule(place=places, pair=pairs)
    def a_slow_check_writes_last(self, place: int, pair: list[int]) -> None:
        """It holds what Atlas said before another check recorded something newer."""
        self.counted("a slow check writes last")
        slow, fast = pair
        job = self.reachable(self.moving(place))
        with self.checks.slow(slow, job, WRITE, "before"):
            self.world.advance(job)
            self.checks.run(fast, job)

    @precondition(any_left)
    @rule(
        pair=pairs,
        held=st.sampled_from(
            [(WRITE, "before"), (WRITE, "after"), (PUBLISH, "before"), (NOTE, "before")]
        ),
        death=deaths,
    )
    def environment_dies_beside_a_slow_check(
        self, pair: list[int], held: tuple[int, Phase], death: tuple[int, Phase]
    ) -> None:
        """
        What it leaves pending is newer than what the slow check has recorded.

        It is all that the slow check finds, if that has not written yet.
        """
        self.counted("environment dies beside a slow check")
        slow, dying = pair
        job = self.reachable(self.longest())
        if job.left > 1:
            self.world.advance(job)
        with self.checks.slow(slow, job, *held):
            self.world.advance(job)
            with self.checks.death(dying, *death, among=has_effect):
                self.checks.run(dying, job)

    @rule(
        place=places,
        pair=pairs,
        held=st.sampled_from([(NOTE, "before"), (WRITE, "after"), (PUBLISH, "before")]),
        death=st.sampled_from([(WRITE, "after"), (PUBLISH, "before"), None]),
    )
    def an_item_is_recorded_anew_beside_a_slow_check(
        self,
        place: int,
        pair: list[int],
        held: tuple[int, Phase],
        death: tuple[int, Phase] | None,
    ) -> None:
        """What the slow check publishes or acknowledges belongs to an item that is gone."""
        self.counted("an item is recorded anew beside a slow check")
        slow, other = pair
        job = self.reachable(self.job(place))
        self.world.delete(job)
        with self.checks.slow(slow, job, *held):
            self.world.delete(job)
            with self.checks.death(other, *death, among=has_effect) if death else nullcontext():
                self.checks.run(other, job)

    @precondition(any_words_left)
    @rule(pair=pairs)
    def a_word_is_recorded_anew_beside_a_slow_check(self, pair: list[int]) -> None:
        """The slow check has read an item with another word, and comes to append its own."""
        self.counted("a word is recorded anew beside a slow check")
        slow, other = pair
        job = next(job for job in self.world.jobs if job.steps_to_words is not None)
        self.reachable(job)
        for _ in range(job.steps_to_words or 0):
            self.world.advance(job)
        self.world.delete(job)
        self.checks.run(other, job)
        self.world.advance(job)
        with self.checks.slow(slow, job, WRITE, "after"):
            self.world.delete(job)
            self.checks.run(other, job)
