"""Items of restores as the function writes them, with their keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from restore_watch.model.measurement import Measurement
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.validation import Validation
from restore_watch.table.job_item import (
    history_entry,
    key_of,
    measurement_entry,
    validation_entry,
)

_serialize: Any = TypeSerializer().serialize

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def item_of(
    *states: RestoreJob, published: int = 1, observed_at: datetime = NOON
) -> dict[str, Any]:
    """The item after the job was in these states, a minute each."""
    job, last = states[-1], len(states) - 1
    history = [
        history_entry(one, observed_at - timedelta(minutes=last - n))
        for n, one in enumerate(states)
    ]
    item = {
        **history[-1],
        "history": history,
        "sequence": len(states),
        "publishedSequence": published,
        "firstObservedAt": history[0]["observedAt"],
    }
    stored = {name: _serialize(value) for name, value in item.items()}
    return stored | key_of(job)


def verdict_on(job: RestoreJob, verdict: str = "PASSED", **said: Any) -> dict[str, Any]:
    """The entry of `history` with a pipeline's verdict on this job, recorded at noon."""
    validation = Validation.read({"verdict": verdict, **said})
    return {"M": _serialize(validation_entry(job, validation, NOON))["M"]}


def measurement_of(
    job: RestoreJob, measurement: Measurement, observed_at: datetime = NOON
) -> dict[str, Any]:
    """The entry of `history` with the measurement of this job."""
    return {"M": _serialize(measurement_entry(job, measurement, observed_at))["M"]}
