"""A restore as a test of the backups: how much it proves. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from restore_watch.model.fields import id_made_at
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from restore_watch.model.validation import Verdict

OPEN = "OPEN"
"""The outcome of a restore that has not ended. Any other outcome is its last status."""

_LONGEST = timedelta(days=30)
"""No restore takes longer: a later date of its end is wrong, and would count for ever."""

_WHOLE = {"restore", "automated", "pointintime"}
"""Delivery types. What another word stands for is not known, so it proves nothing."""


class Rung(StrEnum):
    """How much a restore that succeeded proves."""

    VERIFIED = "verified"
    """A pipeline tested the data: its verdict was PASSED."""
    RESTORED = "restored"
    """Atlas wrote a whole cluster."""
    PARTLY = "partly"
    """A download, or a restore of some collections. It never counts as a test."""


@dataclass(frozen=True)
class Restore:
    """
    A restore job with the newest verdict on its data. Moments are UTC.

    `began`: when it was scheduled. `seen_at`: when its status was observed, for an end that Atlas
    does not date. `judged_at`: when the pipeline tested the data.
    """

    job: RestoreJob
    began: datetime
    seen_at: datetime
    verdict: Verdict | None = None
    judged_at: datetime | None = None

    @property
    def is_partial(self) -> bool:
        """Whether it is known not to restore a whole cluster into a cluster."""
        return self.job.is_download or self.job.kind is RestoreKind.COLLECTION

    @property
    def is_whole(self) -> bool:
        """Whether it is known to restore a whole cluster into a cluster."""
        job = self.job
        how = job.delivery_type or ("restore" if job.target_deployment_item_name else "")
        return how.casefold() in _WHOLE and not self.is_partial

    @property
    def ended_at(self) -> datetime:
        """When it ended, or else its status was observed."""
        finished = self.job.restore_finished_date
        return finished if finished and finished - self.began <= _LONGEST else self.seen_at

    @property
    def outcome(self) -> str:
        """Its last status, or OPEN."""
        return str(self.job.status) if self.job.terminal else OPEN

    @property
    def rung(self) -> Rung | None:
        """How much it proves, None if it has not succeeded."""
        if self.job.status is not RestoreStatus.COMPLETED or self.verdict is Verdict.FAILED:
            return None
        if not self.is_whole:
            return Rung.PARTLY
        return Rung.VERIFIED if self.verdict is Verdict.PASSED else Rung.RESTORED

    @property
    def failed_at(self) -> datetime | None:
        """When it failed as a test: its verdict, or a whole restore that Atlas could not finish."""
        if self.verdict is Verdict.FAILED:
            # A pipeline's clock may be wrong, or its zone.
            return max(self.judged_at or self.ended_at, self.ended_at)
        is_failed = not self.is_partial and self.job.status is RestoreStatus.FAILED
        return self.ended_at if is_failed else None

    @property
    def went_wrong(self) -> bool:
        """Whether somebody should know: a restore of any kind, or its data, failed."""
        return self.verdict is Verdict.FAILED or self.job.status is RestoreStatus.FAILED


def restore_listed(job: RestoreJob) -> Restore:
    """
    Return a restore that Atlas lists, and that nobody has judged.

    Without the date of its end, it counts from its beginning: it may have ended long ago.
    """
    began = job.restore_scheduled_date or id_made_at(job.restore_id)
    return Restore(job, began, began)


def merged(known: Iterable[Restore], listed: Iterable[Restore]) -> list[Restore]:
    """
    Return each restore once, the oldest first.

    The table knows verdicts, and an end that it has recorded stays. Of a restore that is open in
    the table, Atlas's list may know the end.
    """
    merged = {one.job.restore_id: one for one in listed}
    for one in known:
        other = merged.get(one.job.restore_id)
        if other is None or one.job.terminal or not other.job.terminal:
            merged[one.job.restore_id] = one
        else:
            verdict, judged_at = one.verdict, one.judged_at
            merged[one.job.restore_id] = replace(other, verdict=verdict, judged_at=judged_at)
    return sorted(merged.values(), key=lambda one: (one.began, one.job.restore_id))
