"""An entry of a history that is a measurement, read. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from foundation.outside import FromOutside
from restore_watch.model.history_entry import RecordedMeasurement
from restore_watch.model.measurement import Measurement
from restore_watch.model.restore_job import RestoreJob
from restore_watch.table.stored_fields import ObservedAt


def _in_whole_numbers(value: object) -> object:
    """Return a value whose numbers are counts, as they were before they were stored."""
    match value:
        case Decimal() if value == value.to_integral_value():
            return int(value)
        case dict():
            return {name: _in_whole_numbers(part) for name, part in value.items()}
        case list():
            return [_in_whole_numbers(part) for part in value]
    return value


class _MeasurementEntry(FromOutside):
    """The entry beside the state of the job."""

    observed_at: ObservedAt
    measurement: Annotated[Measurement, BeforeValidator(_in_whole_numbers)]


def read_measurement(
    entry: Mapping[str, Any], job: RestoreJob, sequence: int
) -> RecordedMeasurement:
    """Return the measurement. Raises ValueError."""
    read = _MeasurementEntry.read(entry)
    return RecordedMeasurement(job, read.measurement, sequence, read.observed_at)
