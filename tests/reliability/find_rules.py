"""The rules of restores that nobody names, and of projects that come, go and cannot be seen."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from local_stack.wire import Call, Phase
from reliability.disturbances import NthCall
from reliability.drawn import AWS_FAULTS, GROUPS, DrawnJob, phases, places, slots
from reliability.drawn_projects import (
    Emitted,
    Sightless,
    clocks_ahead,
    emitted,
    groups,
    list_calls,
    minutes,
    sightless,
    unnamed_jobs,
)
from reliability.machine import MINUTE, Machine
from reliability.sweep_overlaps import SweepOverlaps
from reliability.watched_projects import is_to_find
from reliability.world_parts import Job

MOST_UNNAMED = 9
"""Restores of an example that nobody names: more would only slow it down."""


def watches(machine: Machine) -> bool:
    return machine.world.projects.are_watched


def may_begin(machine: Machine) -> bool:
    return watches(machine) and len(machine.world.unnamed) < MOST_UNNAMED


class FindRules(SweepOverlaps):
    """Sweeps watch the projects of the example, and no rule here names a restore to them."""

    @precondition(may_begin)
    @rule(
        drawn=unnamed_jobs(),
        slot=slots,
        ends=st.booleans(),
        late=st.sampled_from([None, None, 60, 600]),
        pause=st.sampled_from([0, 1, 16]),
    )
    def a_restore_begins(
        self, drawn: DrawnJob, slot: int, late: int | None, pause: int, *, ends: bool
    ) -> None:
        """It may end before any sweep; its event may come so many seconds late."""
        self.counted("a restore begins")
        projects = self.world.projects
        began = self.stack.atlas.now()
        if late is not None:
            with self._silence():
                job = self.world.start_unnamed_job(drawn)
        else:
            job = self.world.start_unnamed_job(drawn)
        if ends:
            self._end(job)
        self.world.pass_time(pause * MINUTE)
        begun = self.sweeps.run(slot)
        if late is not None:
            self.world.pass_time(late)
            projects.emit_start(drawn.group, job.kind, began)
            begun = self.sweeps.run(slot)
        elif projects.tells_at_once(job) or pause > 15:
            self.sweeps.judge.judge_found([begun], job)

    @precondition(may_begin)
    @rule(drawn=unnamed_jobs(), slot=slots, ends=st.booleans())
    def an_event_precedes_its_job(self, drawn: DrawnJob, slot: int, *, ends: bool) -> None:
        """The project is listed at once, and once more in the next sweep."""
        self.counted("an event precedes its job")
        self.sweeps.run(slot)
        kind = drawn.atlas_kind
        # It has a snapshot, so it is older than the event.
        self.world.projects.add_cluster(drawn.group, drawn.cluster, kind)
        self.world.projects.emit_start(drawn.group, kind, self.stack.atlas.now())
        first = self.sweeps.run(slot)
        with self._silence():
            job = self.world.start_unnamed_job(drawn)
            if ends:
                self._end(job)
        self.world.pass_time(MINUTE)
        second = self.sweeps.run(slot)
        if self.world.projects.tells_at_once(job):
            self.sweeps.judge.judge_found([first, second], job)

    @precondition(may_begin)
    @rule(
        drawn=unnamed_jobs(),
        slot=slots,
        nth=list_calls,
        seconds=st.sampled_from([0, 20]),
        waits=st.booleans(),
    )
    def a_restore_begins_while_a_sweep_lists(
        self, drawn: DrawnJob, slot: int, nth: int, seconds: int, *, waits: bool
    ) -> None:
        """Pages shift, and clusters come that the listing does not know."""
        self.counted("a restore begins while a sweep lists")
        if waits:
            self.world.pass_time(16 * MINUTE)

        def begins() -> None:
            self.world.pass_time(seconds)
            self.world.start_unnamed_job(drawn)

        with self._at_call(slot, nth, begins):
            self.sweeps.run(slot, is_changed=True)

    @precondition(lambda self: any(job.left for job in self.world.unnamed))
    @rule(place=st.integers(0, 8), count=st.integers(1, 3), slot=slots)
    def unnamed_restores_move_on(self, place: int, count: int, slot: int) -> None:
        self.counted("unnamed restores move on")
        left = [job for job in self.world.unnamed if job.left]
        for n in range(count):
            job = left[(place + n) % len(left)]
            if job.left:
                self.world.advance(job)
        self.sweeps.run(slot)

    @precondition(watches)
    @rule(
        group=groups,
        both=st.booleans(),
        how=sightless,
        drawn=st.none() | unnamed_jobs(),
        slot=slots,
        pauses=st.lists(minutes, min_size=1, max_size=3),
        refuses=st.booleans(),
        returns=st.booleans(),
    )
    def a_project_cannot_be_seen(
        self,
        group: str,
        how: Sightless,
        drawn: DrawnJob | None,
        slot: int,
        pauses: list[int],
        *,
        both: bool,
        refuses: bool,
        returns: bool,
    ) -> None:
        """A restore begins and ends meanwhile. The topic may refuse at the end of the outage."""
        self.counted(f"a project cannot be seen: {how}")
        if drawn is not None and len(self.world.unnamed) < MOST_UNNAMED:
            self._end(self.world.start_unnamed_job(drawn))
        for one in GROUPS if both else (group,):
            self.world.put_out_of_sight(one, how)
        self.sweeps.run(slot)
        for pause in pauses:
            self.world.pass_time(pause * MINUTE)
            with self._topic_refuses() if refuses else nullcontext():
                self.sweeps.run(slot)
        self.sweeps.run((slot + 1) % 2)
        if returns:
            self.world.bring_all_back()
            self.sweeps.run(slot)

    @precondition(lambda self: not self.world.projects.are_seen)
    @rule(slot=slots)
    def projects_come_back(self, slot: int) -> None:
        self.counted("projects come back")
        self.world.bring_all_back()
        self.sweeps.run(slot)

    @precondition(watches)
    @rule(how=emitted, slot=slots)
    def events_differ(self, how: Emitted, slot: int) -> None:
        self.counted(f"events are {how}")
        self.world.projects.emit(how)
        self.sweeps.run(slot)

    @precondition(watches)
    @rule(ahead=clocks_ahead, pause=minutes, slot=slots)
    def atlas_tells_another_time(self, ahead: float, pause: int, slot: int) -> None:
        self.counted("atlas tells another time")
        self.world.projects.say_time(ahead)
        self.sweeps.run(slot)
        self.world.pass_time(pause * MINUTE)
        self.sweeps.run(slot)

    @precondition(lambda self: watches(self) and self.world.unnamed)
    @rule(place=st.integers(0, 8), slot=slots, nth=list_calls)
    def a_cluster_is_removed(self, place: int, slot: int, nth: int) -> None:
        """Between the call that shows it and the one that asks for its jobs, perhaps."""
        self.counted("a cluster is removed")
        removed = self.world.unnamed[place % len(self.world.unnamed)].cluster
        self.world.pass_time(16 * MINUTE)
        with self._at_call(slot, nth, lambda: self.world.projects.remove_cluster(*removed)):
            self.sweeps.run(slot, is_changed=True)

    @precondition(may_begin)
    @rule(
        drawn=unnamed_jobs(), slot=slots, step=st.integers(0, 40), phase=phases, ends=st.booleans()
    )
    def a_listing_dies(
        self, drawn: DrawnJob, slot: int, step: int, phase: Phase, *, ends: bool
    ) -> None:
        """A quarter of an hour later, everything is listed, or half of it."""
        self.counted("a listing dies")
        job = self.world.start_unnamed_job(drawn)
        if ends:
            self._end(job)
        self.world.pass_time(16 * MINUTE)
        self.sweeps.run(slot, disturbed=self.checks.death(slot, step, phase))
        self.world.pass_time(MINUTE)
        self.sweeps.run(slot)

    @precondition(watches)
    @rule(pauses=st.lists(minutes, min_size=1, max_size=3), slot=slots, place=places)
    def time_passes_between_listings(self, pauses: list[int], slot: int, place: int) -> None:
        self.counted("time passes between listings")
        for number, pause in enumerate(pauses):
            self.world.pass_time(pause * MINUTE)
            self.sweeps.run(slot if number else (slot + place) % 2)

    def _end(self, job: Job) -> None:
        while job.left:
            self.world.advance(job)

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """Within the block restores leave no events."""
        behaviour = self.stack.atlas.behaviour
        before, behaviour.emits_events = behaviour.emits_events, False
        yield
        behaviour.emits_events = before

    @contextmanager
    def _at_call(self, slot: int, nth: int, happens: Callable[[], None]) -> Iterator[None]:
        """Within the block this happens when the environment finds jobs by its n-th call."""
        made = self.world.made(slot)
        reached = NthCall(lambda call: made(call) and is_to_find(call), nth)

        def heard(call: Call, phase: Phase) -> None:
            if phase == "before" and call.operation != "token" and reached(call):
                happens()

        with self.stack.atlas.wire.listen(heard):
            yield
        self.tally["listing changed" if reached.struck else "listing not changed"] += 1

    def _topic_refuses(self) -> AbstractContextManager[None]:
        refused = AWS_FAULTS["500"]
        within = self.world.disturbances.within
        return within(lambda call: call.service == "sns", "before", refused, refused)
