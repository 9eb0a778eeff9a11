"""Measurements, from the event to the answer: what the queue delivers, or one restore by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.errors import InvalidEventError
from restore_watch.measuring.figures_reader import FiguresReader
from restore_watch.measuring.measure_request import Deliveries, Delivery, MeasureByHand, read_event
from restore_watch.measuring.measure_restore import measure_restore
from restore_watch.measuring.record_measurement import record_measurement
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.fixes_of_errors import fix_of
from restore_watch.model.measurement import Measurement
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.telemetry.isolation import isolated
from restore_watch.telemetry.telemetry import names_of
from restore_watch.time_limits import PUBLISHING_TIME
from restore_watch.wires import Wires


@dataclass(frozen=True)
class Measurer:
    """Measures the restores of an environment."""

    wires: Wires

    def answer(self, event: object, deadline: Deadline) -> Mapping[str, Any]:
        """
        Measure what the event asks for, and return the result, which docs/events.md describes.

        Raises InvalidEventError before anything is read; by hand, also what a check raises.
        """
        request = read_event(event)
        match request:
            case MeasureByHand(target):
                return self._answer_by_hand(target, deadline)
            case Deliveries(records):
                failed = [one for one in records if not self._is_done(one, deadline)]
        return {"batchItemFailures": [{"itemIdentifier": one.message_id} for one in failed]}

    def _answer_by_hand(self, target: RestoreTarget, deadline: Deadline) -> Mapping[str, Any]:
        job = self.wires.atlas.restore_job(target, deadline)
        try:
            measurement = self._measure(deadline, job)
        except UnmeasuredError as error:
            measurement = error.measurement
        return {"job": job.as_json(), "measurement": measurement.as_json()}

    def _is_done(self, delivery: Delivery, deadline: Deadline) -> bool:
        """Whether a message need not be delivered again. One restore holds up no other."""
        telemetry, target = self.wires.telemetry, delivery.target
        if isinstance(target, InvalidEventError):
            telemetry.report_failure(target)
            return False
        # The table and the topic get their time, even if Atlas hangs.
        measure = partial(self._measure, deadline.earlier(PUBLISHING_TIME))
        try:
            with isolated(telemetry, **names_of(target)):
                measured = record_measurement(
                    self.wires.outbox, target, measure, deadline, is_last=delivery.is_last
                )
        except ApplicationError as error:
            telemetry.report_failure(error, target)
            return False
        telemetry.report_measurement(
            target,
            measured.measurement,
            measured.error,
            # Not there: a cold start of the watch would load the words of advice too.
            advice=fix_of(measured.error) if measured.error else None,
            is_new=measured.is_new,
            comes_again=measured.comes_again,
        )
        return not measured.comes_again

    def _measure(self, deadline: Deadline, job: RestoreJob) -> Measurement:
        clock = self.wires.clock
        return measure_restore(job, FiguresReader(deadline, self.wires.atlas, clock), clock.now())
