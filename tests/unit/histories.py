"""Restore jobs with unknown statuses, and the changes that are recorded of a job."""

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.status_change import StatusChange
from strategies import plain_change, plain_job
from unit.open_jobs import NOON


def unknown(word: str, *, ended: bool = False) -> RestoreJob:
    """A job in a status that this version does not know."""
    finished = NOON if ended else None
    return plain_job(
        status=RestoreStatus.UNKNOWN, atlas_status=word, restore_finished_date=finished
    )


def history_of(*states: RestoreJob) -> list[StatusChange]:
    """The recorded changes of a job that was in these states."""
    return [
        plain_change(job, sequence=n + 1, previous_status=states[n - 1].status if n else None)
        for n, job in enumerate(states)
    ]
