"""
The promise as a model: whatever fails, and whenever, no recorded change is lost.

Restore jobs move on, vanish and come back; checks run, race, die at any I/O step and meet any fault
at any I/O step, in any order Hypothesis can think of. Here are the rules: what may happen. The
world in which it happens is `reliability.world`; what must hold is judged from outside by
`reliability.judgement` and `reliability.traffic`.
"""

import itertools
from contextlib import nullcontext
from typing import Literal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from foundation.deadline import Deadline
from local_stack.wire import Answer, Call, Phase
from reliability.checks import has_effect
from reliability.disturbances import FirstCalls, NthCall
from reliability.drawn import (
    ATLAS_FAULTS,
    AWS_FAULTS,
    SERVICES,
    TOKEN_FAULTS,
    WRITE,
    Admission,
    Form,
    admissions,
    ages,
    deaths,
    forms,
    phases,
    places,
    retry_afters,
    slots,
    steps,
    token_faults,
)
from reliability.observation_rules import ObservationRules
from reliability.overlaps import any_left

at_atlas = st.sampled_from(sorted(ATLAS_FAULTS))
at_aws = st.sampled_from(sorted(AWS_FAULTS))


class RestoreModel(ObservationRules):
    """`stack` is started by the caller; every example has restore jobs that no other has."""

    # What Atlas does

    @precondition(any_left)
    @rule(place=places)
    def atlas_moves_on(self, place: int) -> None:
        self.counted("atlas moves on")
        self.world.advance(self.moving(place))

    @precondition(any_left)
    @rule(place=places, slot=slots, death=st.none() | deaths)
    def atlas_moves_on_before_a_check(
        self, place: int, slot: int, death: tuple[int, Phase] | None
    ) -> None:
        """The check has something to record, and may die of it: changes pile up."""
        self.counted("atlas moves on before a check")
        job = self.moving(place)
        self.world.advance(job)
        with self.checks.death(slot, *death, among=has_effect) if death else nullcontext():
            self.checks.run(slot, job)

    @precondition(any_left)
    @rule(place=places, slot=slots, count=st.integers(3, 18))
    def atlas_moves_on_step_by_step(self, place: int, slot: int, count: int) -> None:
        """Each step is checked, as far as there are steps."""
        self.counted("atlas moves on step by step")
        job = self.moving(place)
        for _ in range(min(count, job.left)):
            self.world.advance(job)
            self.checks.run(slot, job)

    @rule(place=places, slot=slots, death=st.none() | deaths, how=st.none() | admissions)
    def a_job_is_refused_after_a_change(
        self, place: int, slot: int, death: tuple[int, Phase] | None, how: Admission | None
    ) -> None:
        """The job vanishes or the role is revoked, perhaps with a change pending."""
        self.counted("a job is refused after a change")
        job = self.moving(place)
        if job.left:
            self.world.advance(job)
        with self.checks.death(slot, *death, among=has_effect) if death else nullcontext():
            self.checks.run(slot, job)
        if how is None:
            self.world.hide(job)
        else:
            self.world.refuse(how)
        for _ in range(2):
            self.checks.run(slot, job)

    @rule(place=places, how=st.sampled_from(["admits", "hides", "shows"]) | admissions)
    def atlas_refuses_or_admits(
        self, place: int, how: Admission | Literal["admits", "hides", "shows"]
    ) -> None:
        """A job vanishes or comes back, a role is revoked or granted again."""
        self.counted(f"atlas refuses or admits: {how}")
        match how:
            case "admits":
                self.world.admit()
            case "hides":
                self.world.hide(self.job(place))
            case "shows":
                self.world.show(self.job(place))
            case _:
                self.world.refuse(how)

    # What our side does

    @rule(place=places, slot=slots)
    def check(self, place: int, slot: int) -> None:
        self.counted("check")
        self.checks.run(slot, self.job(place))

    @rule(place=places, slot=slots, readings=st.integers(0, 12))
    def check_with_little_time(self, place: int, slot: int, readings: int) -> None:
        """The time left runs out after so many looks at it."""
        self.counted("check with little time")
        looks = itertools.count()
        deadline = Deadline(2.0, lambda: 2.0 * (next(looks) >= readings))
        self.checks.run(slot, self.job(place), deadline)

    @rule(place=places, slot=slots, change=ages)
    def an_environment_ages(self, place: int, slot: int, change: float | str) -> None:
        """It is new, time passes, the clock is set back, or Atlas revokes its token."""
        self.counted(f"an environment ages: {change}")
        match change:
            case "cold start":
                self.world.cold_start(slot)
            case "revoked":
                self.world.revoke_tokens()
            case float(seconds) if seconds < 0:
                self.world.set_clock_back(-seconds)
            case float(seconds):
                self.world.pass_time(seconds)
        self.checks.run(slot, self.job(place))

    # What fails

    @rule(place=places, slot=slots, step=steps, phase=phases, at_atlas=at_atlas, at_aws=at_aws)
    def check_meets_a_fault(
        self, place: int, slot: int, step: int, phase: Phase, at_atlas: str, at_aws: str
    ) -> None:
        """The n-th call fails: instead of its effect, or after it and instead of its answer."""
        self.counted("check meets a fault")
        with self.fault(slot, step, phase, at_atlas, at_aws):
            self.checks.run(slot, self.job(place))

    @rule(
        slots=st.tuples(slots, slots, slots),
        form=forms,
        step=st.integers(0, 12),
        phase=phases,
        at_atlas=at_atlas,
        at_aws=at_aws,
    )
    def one_of_several_jobs_meets_a_fault(
        self,
        slots: tuple[int, int, int],
        form: Form,
        step: int,
        phase: Phase,
        at_atlas: str,
        at_aws: str,
    ) -> None:
        """AWS delivers again what failed; after that everything is done that can be done."""
        self.counted(f"a fault in several jobs by {form}")
        disturbed = self.fault(slots[0], step, phase, at_atlas, at_aws)
        self.deliveries.deliver(slots, self.world.jobs, form, disturbed)

    @rule(slots=st.tuples(slots, slots, slots), place=places, form=forms, retry_after=retry_afters)
    def one_of_several_projects_is_limited(
        self, slots: tuple[int, int, int], place: int, form: Form, retry_after: int | None
    ) -> None:
        """Atlas answers 429 for one project and kind; the others are done meanwhile."""
        self.counted(f"a limit in several jobs by {form}")
        limited = self.job(place)
        wait = {} if retry_after is None else {"Retry-After": str(retry_after)}
        answer = Answer.json(429, {"error": 429, "errorCode": "RATE_LIMITED"}, wait)

        def is_limited(call: Call) -> bool:
            return call.operation == limited.kind and limited.restore.group_id in call.path

        within = self.world.disturbances.within(is_limited, "before", answer, answer)
        self.deliveries.deliver(slots, self.world.jobs, form, within)

    @rule(
        slots=st.tuples(slots, slots, slots),
        form=st.none() | forms,
        outcome=token_faults,
        phase=phases,
        times=st.none() | st.integers(1, 5),
        cause=st.sampled_from(["cold", "revoked", "old", "expired"]),
    )
    def the_token_endpoint_fails(
        self,
        slots: tuple[int, int, int],
        form: Form | None,
        outcome: str,
        phase: Phase,
        times: int | None,
        cause: str,
    ) -> None:
        """A token is needed, and the endpoint answers with any outcome, once or throughout."""
        self.counted("the token endpoint fails")
        match cause:
            case "cold":
                self.world.cold_start(slots[0])
            case "revoked":
                self.world.revoke_tokens()
            case "old":
                self.world.pass_time(3100)
            case _:
                self.world.pass_time(3700)
        fails = FirstCalls(lambda call: call.operation == "token", times)
        action = TOKEN_FAULTS[outcome]
        with self.world.disturbances.within(fails, phase, action, action):
            if form is None:
                for job in self.world.jobs:
                    self.checks.run(slots[0], job)
            else:
                self.deliveries.deliver(slots[:1], self.world.jobs, form, nullcontext())
        self.checks.run(slots[0], self.job(0))

    @rule(place=places, slot=slots, step=steps, phase=phases)
    def environment_dies(self, place: int, slot: int, step: int, phase: Phase) -> None:
        self.counted("environment dies")
        with self.checks.death(slot, step, phase):
            self.checks.run(slot, self.job(place))

    @rule(service=st.sampled_from(SERVICES), at_atlas=at_atlas, at_aws=at_aws)
    def a_service_breaks(self, service: str, at_atlas: str, at_aws: str) -> None:
        self.counted("a service breaks")
        action = ATLAS_FAULTS[at_atlas] if service == "atlas" else AWS_FAULTS[at_aws]
        self.world.disturbances.last(lambda call: call.service == service, action)

    @precondition(lambda self: self.world.disturbances.active)
    @rule()
    def faults_clear(self) -> None:
        self.counted("faults clear")
        self.world.disturbances.clear()

    @precondition(any_left)
    @rule(place=places, slot=slots)
    def a_later_message_is_refused(self, place: int, slot: int) -> None:
        """Two changes are pending, and the topic refuses the second."""
        self.counted("a later message is refused")
        job = self.moving(place)
        if job.left > 1:
            self.world.advance(job)
        with self.checks.death(slot, WRITE, "after", among=has_effect):
            self.checks.run(slot, job)
        self.world.advance(job)
        made = self.world.made(slot)
        second = NthCall(lambda call: made(call) and call.service == "sns", 1)
        refused = AWS_FAULTS["500"]
        with self.world.disturbances.within(second, "before", refused, refused):
            self.checks.run(slot, job)

    # What happens to the table

    @rule(place=places, by_hand=st.booleans())
    def an_item_is_deleted(self, place: int, *, by_hand: bool) -> None:
        """DynamoDB deletes one that has a date for that; by then nothing may be pending."""
        self.counted("an item is deleted" if by_hand else "an item expires")
        job = self.job(place)
        item = self.world.item(job)
        if item is not None and "expiresAt" in item:
            assert item["publishedSequence"] == item["sequence"], "I1: a pending change expires"
            self.world.delete(job)
        elif by_hand:
            self.world.delete(job)
