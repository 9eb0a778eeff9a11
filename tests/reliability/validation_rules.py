"""The rules of validations: a pipeline reports its verdict, dies of it, repeats it, or races."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from foundation.deadline import Deadline
from local_stack.wire import Phase
from reliability.checks import INVOCATION, Check, has_effect
from reliability.drawn import ATLAS_FAULTS, AWS_FAULTS, deaths, pairs, phases, places, slots, steps
from reliability.judgement import judge_validation
from reliability.sweep_judgement import judge_open
from reliability.sweep_rules import SweepRules
from reliability.world_parts import Job
from restore_watch.check.record_validation import ValidationRecorder
from restore_watch.model.validation import Validation, Verdict

VALIDATIONS = (
    Validation(verdict=Verdict.PASSED),
    Validation(verdict=Verdict.FAILED, validated_by="drill", detail="two are missing"),
)
validations = st.sampled_from(VALIDATIONS)

at_atlas = st.sampled_from(sorted(ATLAS_FAULTS))
at_aws = st.sampled_from(sorted(AWS_FAULTS))


class ValidationRules(SweepRules):
    """One delivery of a validation at a time, beside a check or alone."""

    @rule(place=places, slot=slots, found=validations, death=st.none() | deaths)
    def a_pipeline_reports(
        self, place: int, slot: int, found: Validation, death: tuple[int, Phase] | None
    ) -> None:
        """The environment may die; then the same validation is delivered again."""
        self.counted("a pipeline reports")
        job = self.job(place)
        if death is not None:
            with self.checks.death(slot, *death, among=has_effect):
                self._report(slot, job, found)
        self._report(slot, job, found)

    @rule(
        place=places,
        slot=slots,
        found=validations,
        step=steps,
        phase=phases,
        at_atlas=at_atlas,
        at_aws=at_aws,
    )
    def a_report_meets_a_fault(
        self,
        place: int,
        slot: int,
        found: Validation,
        step: int,
        phase: Phase,
        at_atlas: str,
        at_aws: str,
    ) -> None:
        """The next sweep publishes what was recorded."""
        self.counted("a report meets a fault")
        with self.fault(slot, step, phase, at_atlas, at_aws):
            self._report(slot, self.job(place), found)
        self.sweeps.run(slot)

    @rule(place=places, pair=pairs, found=validations, step=st.integers(0, 2), phase=phases)
    def a_report_overtakes_a_check(
        self, place: int, pair: list[int], found: Validation, step: int, phase: Phase
    ) -> None:
        """The check has something to record, if Atlas has."""
        self.counted("a report overtakes a check")
        job = self.moving(place)
        if job.left:
            self.world.advance(job)
        with self.checks.slow(pair[0], job, step, phase):
            self._report(pair[1], job, found)

    def _report(self, slot: int, job: Job, found: Validation) -> None:
        """Deliver the validation, and judge the answer."""
        world = self.world
        recorder = ValidationRecorder(world.environments[slot].checker)
        world.begin(slot)
        before, deletions = world.item(job), len(job.deleted)

        def answered() -> Mapping[str, Any]:
            deadline = Deadline.after(INVOCATION, lambda: world.uptime)
            result = recorder.record(job.target, found, deadline)
            item = world.item(job)
            if item is not None and len(job.deleted) == deletions:
                judge_validation(result.as_json(), item, world.received(job))
            return result.as_json()

        check = Check(answered)
        check.run()
        outcome = check.end("report")
        after = world.item(job)
        if after is not None:
            judge_open(after)
        self.checks.outcomes.append(outcome)
        failed = isinstance(outcome, BaseException)
        self.tally[f"report: {type(outcome).__name__ if failed else 'recorded'}"] += 1
        if failed or self.checks.is_dead(slot):
            return
        self.checks.judge_pending(job, before)
