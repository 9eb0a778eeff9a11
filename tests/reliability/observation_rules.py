"""The rules of what Atlas says and of what is stored wrong: it cannot be read, or it disagrees."""

from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from foundation.deadline import Deadline
from local_stack.wire import Answer, Call
from reliability.checks import INVOCATION
from reliability.deliveries import event_of
from reliability.disturbances import ODD, Odd, OddEntries
from reliability.drawn import ATLAS_FAULTS, GROUPS, DrawnJob, Form, forms, places, slots
from reliability.drawn_projects import groups, minutes, unnamed_jobs
from reliability.find_rules import may_begin, watches
from reliability.machine import MINUTE
from reliability.validation_rules import ValidationRules
from restore_watch.errors import RestoreWatchError

SLOW = 0.1
"""Seconds of real time that a slow Atlas takes to answer."""

FASTER = 10
"""The invocation's time passes so much faster meanwhile."""

SLOW_BATCH = 40
"""Jobs of a batch that would take longer than an invocation one after the other."""

POISON: dict[str, dict[str, Any]] = {
    "a mark of the future": {"mark": {"S": "2099-01-01T00:00:00Z"}},
    "a mark of year 1": {"mark": {"S": "0001-01-01T00:00:00Z"}},
    "marks of another type": {"mark": {"N": "7"}, "behind": {"S": "flex"}},
    "a listing of the future": {"listedAt": {"S": "2099-01-01T00:00:00Z"}},
    "troubles of another form": {"troubles": {"L": []}, "expiresAt": {"N": "1" + "0" * 17}},
}
poisons = st.sampled_from(sorted(POISON))

HOLDING_UP = {"429", "429 without a time", "503 with a wait"}
"""Faults of a GET that keep the lists of other clusters from being read in the same sweep."""


class ObservationRules(ValidationRules):
    """What is read here is odd, and what must hold in the end is what always must."""

    @precondition(may_begin)
    @rule(
        drawn=unnamed_jobs(),
        slot=slots,
        odd=st.sampled_from(sorted(ODD)),
        pauses=st.lists(minutes, min_size=1, max_size=4),
        ends=st.booleans(),
    )
    def entries_cannot_be_read(
        self, drawn: DrawnJob, slot: int, odd: Odd, pauses: list[int], *, ends: bool
    ) -> None:
        """A restore begins, and perhaps ends, while lists cannot be read for a time."""
        self.counted(f"entries cannot be read: {odd}")
        self.sweeps.run(slot)
        job = self.world.start_unnamed_job(drawn)
        while ends and job.left:
            self.world.advance(job)
        with self.world.disturbances.odd(OddEntries(odd)):
            for pause in pauses:
                self.world.pass_time(pause * MINUTE)
                self.sweeps.run(slot)

    @precondition(lambda self: watches(self) and self.world.unnamed)
    @rule(
        place=places,
        slot=slots,
        fault=st.sampled_from([*sorted(ATLAS_FAULTS.keys() - HOLDING_UP), "older"]),
        count=st.integers(1, 3),
    )
    def gets_say_less_than_lists(self, place: int, slot: int, fault: str, count: int) -> None:
        """What a list shows of a followed restore is recorded, whatever its own endpoint says."""
        self.counted("gets say less than lists")
        job = self.world.unnamed[place % len(self.world.unnamed)]
        self.sweeps.run(slot)
        projects, latest = self.world.projects, self.world.clock.latest
        is_calm = self.world.is_healthy and projects.must_be_found(job)
        is_shown = not job.is_old_in_lists and projects.must_be_shown(job, latest)
        older = Answer.json(200, job.restore.body(job.kind))
        for _ in range(count):
            if job.left:
                self.world.advance(job)
        action = older if fault == "older" else ATLAS_FAULTS[fault]

        def is_get(call: Call) -> bool:
            return call.path.endswith(job.restore.restore_id)

        begun = []
        for _ in range(2):
            self.world.pass_time(16 * MINUTE)
            disturbed = self.world.disturbances.within(is_get, "before", action, action)
            begun.append(self.sweeps.run(slot, disturbed=disturbed))
        if is_calm and is_shown:
            self.sweeps.judge.judge_shown(begun, job)

    @precondition(watches)
    @rule(group=groups, poison=poisons, slot=slots)
    def bookkeeping_is_poisoned(self, group: str, poison: str, slot: int) -> None:
        """Somebody writes into the bookkeeping by hand. Nothing of the last days is lost by it."""
        self.counted(f"bookkeeping is poisoned: {poison}")
        self.world.projects.poison(group, POISON[poison])
        for _ in range(2):
            self.sweeps.run(slot)
            self.world.pass_time(MINUTE)

    @rule(slot=slots, form=forms)
    def a_slow_batch_is_delivered(self, slot: int, form: Form) -> None:
        """Atlas is slow: one after the other, the jobs would take longer than the invocation."""
        self.counted(f"a slow batch by {form}")
        world, is_calm = self.world, self.world.is_healthy
        ids = [f"{n:024x}" for n in range(1, SLOW_BATCH + 1)]
        names = {"groupId": GROUPS[0], "clusterName": "slow", "kind": "flex"}
        event = event_of(form, [{**names, "restoreId": one} for one in ids])
        environment, began = world.begin(slot, len(ids)), world.uptime
        deadline = Deadline(INVOCATION, lambda: (world.uptime - began) * FASTER)
        behaviour, calls = self.stack.atlas.behaviour, len(self.stack.atlas.wire.calls)
        behaviour.latency = SLOW
        try:
            with self.sweeps.watched(), suppress(RestoreWatchError):
                environment.application.answer(event, deadline)
        finally:
            behaviour.latency = 0
        asked = {call.path.rpartition("/")[2] for call in self.stack.atlas.wire.calls[calls:]}
        assert not is_calm or asked >= set(ids), "F87: a slow Atlas keeps jobs from being asked"
