"""Statuses that this version does not know: which are recorded, and how many. Pure."""

from collections.abc import Sequence

from restore_watch.model.event_id import event_id
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.status_change import StatusChange

UNKNOWN_LIMIT = 14
"""A job's history holds this many UNKNOWN changes at most, so that its item stays small."""


def is_new_unknown(job: RestoreJob, history: Sequence[StatusChange]) -> bool:
    """
    Whether an unknown status is new: its word, or the finish date of a word, is not in the history.

    So no id is used twice, and an answer older than the stored state cannot bring a word back. An
    unknown status with a finish date is final: a word without one is not a change after it.
    """
    if job.status is not RestoreStatus.UNKNOWN or (history[-1].job.terminal and not job.terminal):
        return False
    known = [change.job for change in history if change.job.status is RestoreStatus.UNKNOWN]
    words = {recorded.atlas_status for recorded in known}
    ids = {event_id(recorded) for recorded in known}
    return event_id(job) not in ids and (job.terminal or job.atlas_status not in words)


def has_room_for_unknown(job: RestoreJob, history: Sequence[StatusChange]) -> bool:
    """
    The history has room for this unknown status. A known status always fits.

    The last of the UNKNOWN_LIMIT places is kept for a status with a finish date: every job can end.
    """
    unknown = sum(change.job.status is RestoreStatus.UNKNOWN for change in history)
    return unknown < (UNKNOWN_LIMIT if job.terminal else UNKNOWN_LIMIT - 1)
