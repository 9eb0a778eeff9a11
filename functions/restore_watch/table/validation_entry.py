"""An entry of a history that is a validation, read. Pure."""

from collections.abc import Mapping
from typing import Any

from foundation.outside import FromOutside
from restore_watch.model.history_entry import RecordedValidation
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.validation import Validation
from restore_watch.table.stored_fields import ObservedAt


class _ValidationEntry(FromOutside):
    """The entry beside the state of the job."""

    observed_at: ObservedAt
    validation: Validation
    request_id: Any = None


def read_validation(entry: Mapping[str, Any], job: RestoreJob, sequence: int) -> RecordedValidation:
    """Return the validation. Raises ValueError."""
    read = _ValidationEntry.read(entry)
    return RecordedValidation(job, read.validation, sequence, read.observed_at, read.request_id)
