"""
The promise as a model: whatever fails, and whenever, no recorded change is lost.

Restore jobs move on, vanish and come back; checks run, race, die at any I/O step and meet any fault
at any I/O step, in any order Hypothesis can think of. Here are the rules: what may happen. The
world in which it happens is `reliability.world`; what must hold is judged from outside by
`reliability.judgement` and `reliability.traffic`.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from local_stack.in_process import cold_start
from local_stack.stack import LocalStack
from local_stack.wire import Answer, Call, Phase
from reliability.checks import Checks, has_effect, settle, text
from reliability.deliveries import Deliveries
from reliability.disturbances import FirstCalls, NthCall
from reliability.drawn import (
    ATLAS_FAULTS,
    AWS_FAULTS,
    NOTE,
    PUBLISH,
    SERVICES,
    SLOTS,
    TOKEN_FAULTS,
    WRITE,
    Admission,
    DrawnJob,
    Form,
    admissions,
    deaths,
    forms,
    odd_statuses,
    pairs,
    phases,
    places,
    refusal,
    retry_afters,
    several_jobs,
    slots,
    steps,
)
from reliability.judgement import judge_history, judge_messages, judge_secrecy
from reliability.traffic import REPLACEMENT_PAUSE, judge_traffic
from reliability.world import LOGGER, Job, World
from restore_watch.application import Application
from restore_watch.check import JobChecker
from restore_watch.deadline import Deadline
from restore_watch.telemetry import Telemetry

at_atlas = st.sampled_from(sorted(ATLAS_FAULTS))
at_aws = st.sampled_from(sorted(AWS_FAULTS))


class RestoreModel(RuleBasedStateMachine):
    """`stack` is started by the caller; every example has restore jobs that no other has."""

    stack: ClassVar[LocalStack]
    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.stack, self.environment)
        self.checks = Checks(self.world, self.tally)
        self.deliveries = Deliveries(self.checks)

    def environment(self, world: World, slot: int) -> tuple[JobChecker, Application]:
        """A cold start in this slot. Broken copies of the code begin here."""
        checker, telemetry = self.checker(world, slot), Telemetry(LOGGER)
        checker.on_published = telemetry.published
        return checker, self.application(checker, telemetry)

    def checker(self, world: World, slot: int) -> JobChecker:
        return cold_start(
            self.stack, world.clients[slot], now=world.clock, sleep=world.sleep_of(slot)
        )

    def application(self, checker: JobChecker, telemetry: Telemetry) -> Application:
        return Application(checker, telemetry)

    def job(self, place: int) -> Job:
        return self.world.jobs[place % len(self.world.jobs)]

    def _counted(self, rule_kind: str) -> None:
        self.tally[f"rule: {rule_kind}"] += 1

    @initialize(jobs=several_jobs, odd_status=odd_statuses)
    def restores_begin(self, jobs: list[DrawnJob], odd_status: int) -> None:
        self.tally["begun"] += 1
        for drawn in jobs:
            self.world.start_job(drawn)
        if odd_status != 400:
            self._atlas_words_the_wrong_kind_as(odd_status)

    def _atlas_words_the_wrong_kind_as(self, status: int) -> None:
        """The code says what is wrong, whatever the HTTP status is."""
        for kind, other, code in (
            ("flex", "dedicated", "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"),
            ("dedicated", "flex", "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"),
        ):
            self.world.disturbances.stay(partial(_asks, kind, other), refusal(status, code))

    # What Atlas does

    def _any_left(self) -> bool:
        return any(job.left for job in self.world.jobs)

    def _moving(self, place: int) -> Job:
        """A job that has a step left, this one if it has."""
        jobs = self.world.jobs
        turned = [jobs[(place + n) % len(jobs)] for n in range(len(jobs))]
        return next((job for job in turned if job.left), turned[0])

    @precondition(_any_left)
    @rule(place=places)
    def atlas_moves_on(self, place: int) -> None:
        self._counted("atlas moves on")
        self.world.advance(self._moving(place))

    @precondition(_any_left)
    @rule(place=places, slot=slots, death=st.none() | deaths)
    def atlas_moves_on_before_a_check(
        self, place: int, slot: int, death: tuple[int, Phase] | None
    ) -> None:
        """The check has something to record, and may die of it: changes pile up."""
        self._counted("atlas moves on before a check")
        job = self._moving(place)
        self.world.advance(job)
        with self.checks.death(slot, *death, among=has_effect) if death else nullcontext():
            self.checks.run(slot, job)

    @precondition(_any_left)
    @rule(place=places, slot=slots, count=st.integers(3, 18))
    def atlas_moves_on_step_by_step(self, place: int, slot: int, count: int) -> None:
        """Each step is checked, as far as there are steps."""
        self._counted("atlas moves on step by step")
        job = self._moving(place)
        for _ in range(min(count, job.left)):
            self.world.advance(job)
            self.checks.run(slot, job)

    @rule(place=places, slot=slots, death=st.none() | deaths, how=st.none() | admissions)
    def a_job_is_refused_after_a_change(
        self, place: int, slot: int, death: tuple[int, Phase] | None, how: Admission | None
    ) -> None:
        """The job vanishes or the role is revoked, perhaps with a change pending."""
        self._counted("a job is refused after a change")
        job = self._moving(place)
        if job.left:
            self.world.advance(job)
        with self.checks.death(slot, *death, among=has_effect) if death else nullcontext():
            self.checks.run(slot, job)
        if how is None:
            self.world.hide(job)
        else:
            self.world.refuse(how)
        self.checks.run(slot, job)

    @rule(place=places)
    def a_job_vanishes_or_comes_back(self, place: int) -> None:
        self._counted("a job vanishes or comes back")
        job = self.job(place)
        if job.is_hidden:
            self.world.show(job)
        else:
            self.world.hide(job)

    @rule(how=st.none() | admissions)
    def a_role_is_revoked_or_granted(self, how: Admission | None) -> None:
        self._counted("a role is revoked or granted")
        if how is None:
            self.world.admit()
        else:
            self.world.refuse(how)

    @rule()
    def atlas_revokes_every_token(self) -> None:
        self._counted("atlas revokes every token")
        self.world.revoke_tokens()

    # What our side does

    @rule(place=places, slot=slots)
    def check(self, place: int, slot: int) -> None:
        self._counted("check")
        self.checks.run(slot, self.job(place))

    @rule(slot=slots)
    def cold_start(self, slot: int) -> None:
        self._counted("cold start")
        self.world.cold_start(slot)

    @rule(place=places, slot=slots, readings=st.integers(0, 12))
    def check_with_little_time(self, place: int, slot: int, readings: int) -> None:
        """The time left runs out after so many looks at it."""
        self._counted("check with little time")
        looks = itertools.count()
        deadline = Deadline(2.0, lambda: 2.0 * (next(looks) >= readings))
        self.checks.run(slot, self.job(place), deadline)

    @rule(seconds=st.sampled_from([-3600.0, -5.0, -0.5, 1.0, 250.0, 400.0, 700.0, 3100.0]))
    def the_clock_jumps(self, seconds: float) -> None:
        self._counted("the clock jumps")
        if seconds < 0:
            self.world.set_clock_back(-seconds)
        else:
            self.world.pass_time(seconds)

    @rule(slots=st.tuples(slots, slots, slots), form=forms)
    def several_jobs_are_checked_in_one_invocation(
        self, slots: tuple[int, int, int], form: Form
    ) -> None:
        self._counted(f"several jobs by {form}")
        self.deliveries.deliver(slots, self.world.jobs, form)

    # What fails

    @rule(place=places, slot=slots, step=steps, phase=phases, at_atlas=at_atlas, at_aws=at_aws)
    def check_meets_a_fault(
        self, place: int, slot: int, step: int, phase: Phase, at_atlas: str, at_aws: str
    ) -> None:
        """The n-th call fails: instead of its effect, or after it and instead of its answer."""
        self._counted("check meets a fault")
        with self._fault(slot, step, phase, at_atlas, at_aws):
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
        self._counted(f"a fault in several jobs by {form}")
        disturbed = self._fault(slots[0], step, phase, at_atlas, at_aws)
        self.deliveries.deliver(slots, self.world.jobs, form, disturbed)

    @contextmanager
    def _fault(
        self, slot: int, step: int, phase: Phase, at_atlas: str, at_aws: str
    ) -> Iterator[None]:
        nth = NthCall(self.world.made(slot), step)
        actions = ATLAS_FAULTS[at_atlas], AWS_FAULTS[at_aws]
        with self.world.disturbances.within(nth, phase, *actions):
            yield
        self.tally[f"fault {phase}" if nth.struck else "fault after the end"] += 1

    @rule(slots=st.tuples(slots, slots, slots), place=places, form=forms, retry_after=retry_afters)
    def one_of_several_projects_is_limited(
        self, slots: tuple[int, int, int], place: int, form: Form, retry_after: int | None
    ) -> None:
        """Atlas answers 429 for one project and kind; the others are done meanwhile."""
        self._counted(f"a limit in several jobs by {form}")
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
        outcome=st.sampled_from(sorted(TOKEN_FAULTS)),
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
        self._counted("the token endpoint fails")
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
        self._counted("environment dies")
        with self.checks.death(slot, step, phase):
            self.checks.run(slot, self.job(place))

    @rule(service=st.sampled_from(SERVICES), at_atlas=at_atlas, at_aws=at_aws)
    def a_service_breaks(self, service: str, at_atlas: str, at_aws: str) -> None:
        self._counted("a service breaks")
        action = ATLAS_FAULTS[at_atlas] if service == "atlas" else AWS_FAULTS[at_aws]
        self.world.disturbances.last(lambda call: call.service == service, action)

    @precondition(lambda self: self.world.disturbances.active)
    @rule()
    def faults_clear(self) -> None:
        self._counted("faults clear")
        self.world.disturbances.clear()

    # What happens to the table

    @rule(place=places)
    def an_item_is_deleted(self, place: int) -> None:
        self._counted("an item is deleted")
        self.world.delete(self.job(place))

    @rule(place=places)
    def an_item_expires(self, place: int) -> None:
        """DynamoDB deletes it, if it has a date for that; by then nothing may be pending."""
        self._counted("an item expires")
        job = self.job(place)
        item = self.world.item(job)
        if item is not None and "expiresAt" in item:
            assert item["publishedSequence"] == item["sequence"], "I1: a pending change expires"
            self.world.delete(job)

    @rule(
        place=places,
        pair=pairs,
        held=st.sampled_from([(WRITE, "after"), (PUBLISH, "before"), (NOTE, "before")]),
        death=st.none() | deaths,
    )
    def an_item_is_recorded_anew_beside_a_slow_check(
        self,
        place: int,
        pair: list[int],
        held: tuple[int, Phase],
        death: tuple[int, Phase] | None,
    ) -> None:
        """What the slow check publishes or acknowledges belongs to an item that is gone."""
        self._counted("an item is recorded anew beside a slow check")
        slow, other = pair
        job = self._moving(place)
        if job.left:
            self.world.advance(job)
        with self.checks.slow(slow, job, *held):
            self.world.delete(job)
            with self.checks.death(other, *death, among=has_effect) if death else nullcontext():
                self.checks.run(other, job)

    # What overlaps

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
        self._counted("checks race")
        job = self.job(place)
        begun = [self.checks.begin(slot, job) for slot in racing]
        checks = [one.check for one in begun]
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
                if number == moves_at and job.left:
                    self.world.advance(job)
                waiting = settle(checks, made, held)
                if not any(check.is_alive() for check in checks):
                    break
                gate, call = waiting[turn % len(waiting)]
                gate.release_call(call)
        for one in begun:
            self.checks.end(one)

    @precondition(_any_left)
    @rule(place=places, pair=pairs)
    def a_slow_check_writes_last(self, place: int, pair: list[int]) -> None:
        """It holds what Atlas said before another check recorded something newer."""
        self._counted("a slow check writes last")
        slow, fast = pair
        job = self._moving(place)
        with self.checks.slow(slow, job, WRITE, "before"):
            self.world.advance(job)
            self.checks.run(fast, job)

    @precondition(_any_left)
    @rule(
        place=places,
        pair=pairs,
        held=st.sampled_from([(WRITE, "after"), (PUBLISH, "before"), (NOTE, "before")]),
        death=deaths,
    )
    def environment_dies_beside_a_slow_check(
        self, place: int, pair: list[int], held: tuple[int, Phase], death: tuple[int, Phase]
    ) -> None:
        """What it leaves pending is newer than what the slow check has recorded."""
        self._counted("environment dies beside a slow check")
        self._die_beside(place, pair, held, death)

    @precondition(_any_left)
    @rule(
        place=places,
        pair=pairs,
        death=st.sampled_from([(WRITE, "after"), (PUBLISH, "before")]),
    )
    def environment_dies_ahead_of_a_slow_check(
        self, place: int, pair: list[int], death: tuple[int, Phase]
    ) -> None:
        """What it leaves pending is all that the slow check finds when it comes to write."""
        self._counted("environment dies ahead of a slow check")
        self._die_beside(place, pair, (WRITE, "before"), death)

    def _die_beside(
        self, place: int, pair: list[int], held: tuple[int, Phase], death: tuple[int, Phase]
    ) -> None:
        slow, dying = pair
        job = self._moving(place)
        if job.left > 1:
            self.world.advance(job)
        with self.checks.slow(slow, job, *held):
            self.world.advance(job)
            with self.checks.death(dying, *death, among=has_effect):
                self.checks.run(dying, job)

    # What must hold in the end

    def teardown(self) -> None:
        """Everything works again; after one more check everything that was promised must hold."""
        world = self.world
        try:
            world.disturbances.clear()
            world.admit()
            # What was refused may be asked again, and a refused token replaced.
            world.pass_time(REPLACEMENT_PAUSE + 1)
            for place, job in enumerate(world.jobs):
                self._judge(place % SLOTS, job)
            judge_secrecy(map(text, self.checks.outcomes))
            judge_traffic(world.traffic())
            self.tally["examples"] += 1
            self.tally["requests to Atlas"] += len(world.requests)
        finally:
            world.close()

    def _judge(self, slot: int, job: Job) -> None:
        """A job that Atlas has forgotten is judged by what was recorded before."""
        world = self.world
        self.checks.run(slot, job)
        last = self.checks.outcomes[-1]
        is_refused = isinstance(last, BaseException)
        assert is_refused == job.is_hidden, f"I4: a check failed: {last!r}"
        item, received = world.item(job), world.received(job)
        for one in [*job.deleted, *([item] if item else [])]:
            judge_history(one, job.said)
        if item is not None:
            self.tally["changes"] += len(item["history"])
        self.tally["duplicates"] += judge_messages(job.deleted, item, received)
        judge_secrecy([repr(item), repr(received)])


def _asks(kind: str, cluster_kind: str, call: Call) -> bool:
    """A call to one kind's endpoint for a cluster of another kind."""
    return call.operation == kind and f"/{cluster_kind}-cluster/" in call.path
