"""What the history of a job holds, each with an id of its own and a message. Pure."""

from restore_watch.model.measurement import RecordedMeasurement
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import RecordedValidation

type HistoryEntry = StatusChange | RecordedValidation | RecordedMeasurement
"""An entry of the history of a job."""
