"""When a workflow that waits for a job is answered, and how."""

import pytest

from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.workflow_wait import Wait, answer_to
from strategies import plain_job

GOES_ON, WAITS = "goes on", None


@pytest.mark.parametrize(
    ("until", "seen", "delivery", "answer"),
    [
        ("ended", "RUNNING", None, WAITS),
        ("ended", "COMPLETED", None, GOES_ON),
        ("ended", "FAILED", None, "RestoreFailed"),
        ("ended", "CANCELLED", None, "RestoreCancelled"),
        ("ended", "EXPIRED", "DOWNLOAD", "RestoreExpired"),
        ("ended", "UNKNOWN", None, "RestoreEndedUnknown"),
        ("PENDING", "PENDING QUEUED", None, GOES_ON),
        ("RUNNING", "PENDING QUEUED", None, WAITS),
        # A status that a restore has skipped counts as reached.
        ("QUEUED", "PENDING RUNNING", None, GOES_ON),
        ("RUNNING", "PENDING COMPLETED", None, GOES_ON),
        ("RUNNING", "RUNNING FAILED", None, "RestoreFailed"),
        ("COMPLETED", "RUNNING", None, WAITS),
        ("COMPLETED", "RUNNING CANCELLED", None, "RestoreCancelled"),
        ("FAILED", "RUNNING FAILED", None, GOES_ON),
        ("FAILED", "RUNNING COMPLETED", None, "RestoreCompleted"),
        # A download that is ready may still expire.
        ("EXPIRED", "RUNNING COMPLETED", "DOWNLOAD", WAITS),
        ("EXPIRED", "COMPLETED EXPIRED", "DOWNLOAD", GOES_ON),
        ("download-ready", "RUNNING", "DOWNLOAD", WAITS),
        ("download-ready", "RUNNING COMPLETED", "DOWNLOAD", GOES_ON),
        ("download-ready", "COMPLETED EXPIRED", "DOWNLOAD", "RestoreExpired"),
        ("download-ready", "RUNNING COMPLETED", None, "RestoreCompleted"),
    ],
)
def test_a_workflow_is_answered_once_what_it_waits_for_is_reached_or_cannot_be(
    until: str, seen: str, delivery: str | None, answer: str | None
) -> None:
    statuses = [RestoreStatus(status) for status in seen.split()]
    job = plain_job(
        status=statuses[-1],
        atlas_status="WORD",
        delivery_type=delivery,
        restore_finished_date="2026-05-04T11:59:01Z" if statuses[-1] == "UNKNOWN" else None,
    )

    wait = Wait("token", until)
    found = answer_to(wait, job, statuses)

    assert (found and (found.error or GOES_ON)) == answer
    assert found is None or found.wait == wait
