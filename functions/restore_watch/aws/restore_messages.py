"""
The messages about restores, and the test. Pure.

A message has only recorded values, so it is the same each time it is published.
"""

import json
import re
from datetime import datetime
from typing import Any

from foundation.clock import utc_text
from restore_watch.aws.message import Message, cloud_event
from restore_watch.model.history_entry import (
    HistoryEntry,
    RecordedMeasurement,
    RecordedValidation,
)

EVENT_TYPE = "atlas-restore-watch.status-changed.v1"
VALIDATION_EVENT_TYPE = "atlas-restore-watch.validation-recorded.v1"
MEASUREMENT_EVENT_TYPE = "atlas-restore-watch.restore-measured.v1"
TEST_EVENT_TYPE = "atlas-restore-watch.test-notification.v1"

# SNS accepts fewer characters in an attribute than Atlas might send.
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def message_of_job(entry: HistoryEntry, project_name: str | None = None) -> Message:
    """
    Return the message about a change of a job's status, a validation or a measurement.

    Only a change has the attribute `status`: a pipeline that subscribes to COMPLETED, tests the
    data and reports its verdict would otherwise start itself again.
    """
    job, observed_at = entry.job, utc_text(entry.observed_at)
    place: dict[str, Any] = {"sequence": entry.sequence, "observedAt": observed_at}
    if isinstance(entry, RecordedValidation):
        event_type, what = VALIDATION_EVENT_TYPE, f"validation {entry.validation.verdict}"
        news = {**place, "validation": entry.validation.as_json()}
        attributes: dict[str, str | None] = {"verdict": entry.validation.verdict}
    elif isinstance(entry, RecordedMeasurement):
        event_type, what = MEASUREMENT_EVENT_TYPE, f"data {entry.measurement.outcome}"
        news = {**place, "measurement": entry.measurement.as_json()}
        attributes = {"outcome": entry.measurement.outcome}
    else:
        event_type, what = EVENT_TYPE, str(job.status)
        latency = entry.detection_latency_seconds
        before = entry.previous_status
        news = {"previousStatus": before, **place, "detectionLatencySeconds": latency}
        attributes = {
            "previousStatus": before,
            "status": job.status,
            "terminal": json.dumps(job.terminal),
            "succeeded": None if job.succeeded is None else json.dumps(job.succeeded),
            "deliveryType": _UNPRINTABLE.sub("", job.delivery_type or ""),
        }
    names = {"kind": job.kind, "groupId": job.group_id, "clusterName": job.cluster_name}
    named = {"groupId": job.group_id, "projectName": project_name}
    return cloud_event(
        f"Atlas restore {what}: {job.cluster_name}",
        named | job.as_json() | news,
        attributes | names,
        id=entry.event_id,
        source=f"/groups/{job.group_id}/clusters/{job.cluster_name}",
        type=event_type,
        subject=job.restore_id,
        time=observed_at,
    )


def message_of_test(stack_name: str, requested_at: datetime) -> Message:
    """Return a test notification, which shows people whether messages reach them."""
    at = utc_text(requested_at)
    return cloud_event(
        f"Atlas restore watch test: {stack_name}",
        {"requestedAt": at},
        {},
        id=f"{stack_name}:test:{at}",
        source=f"/stacks/{stack_name}",
        type=TEST_EVENT_TYPE,
        subject=stack_name,
        time=at,
    )
