"""What the history of a job holds, each with an id of its own and a message. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.status_change import StatusChange

if TYPE_CHECKING:
    from restore_watch.model.measurement import Measurement
    from restore_watch.model.validation import Validation


@dataclass(frozen=True)
class RecordedValidation:
    """
    A validation in the history of a job, with the state that the job had then.

    `sequence` counts the entries of the history from 1. `observed_at` is when it was recorded.
    `request_id` is Lambda's id of the invocation that recorded it. It is stored, and not published.
    """

    job: RestoreJob
    validation: "Validation"
    sequence: int
    observed_at: datetime
    request_id: str | None = None

    @property
    def event_id(self) -> str:
        """The same each time it is published, so that consumers can deduplicate."""
        return f"{self.job.restore_id}:VALIDATION:{self.sequence}"


@dataclass(frozen=True)
class RecordedMeasurement:
    """
    The measurement in the history of a job, with the state that the job had then.

    `sequence` counts the entries of the history from 1. `observed_at` is when it was recorded.
    """

    job: RestoreJob
    measurement: "Measurement"
    sequence: int
    observed_at: datetime

    @property
    def event_id(self) -> str:
        """The same each time it is published, and a job has one measurement at most."""
        return f"{self.job.restore_id}:MEASURED"


type HistoryEntry = StatusChange | RecordedValidation | RecordedMeasurement
"""An entry of the history of a job."""
