"""The id of the message about a status of a restore job. Pure."""

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus


def event_id(job: RestoreJob) -> str:
    """The id of the change to the status of this job, the same for the same status."""
    parts = [job.restore_id, job.status]
    if job.status is RestoreStatus.UNKNOWN:
        parts.append(job.atlas_status or "")
        if job.terminal:
            parts.append("ENDED")
    return ":".join(parts)
