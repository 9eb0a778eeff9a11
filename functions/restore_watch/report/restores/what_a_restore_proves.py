"""A restore as a test of the backups: how much it proves. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from restore_watch.model.forms_of_fields import id_made_at
from restore_watch.model.measurement import Measurement, Outcome
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind, is_same_cluster
from restore_watch.model.validation import CLOCKS_DIFFER, Verdict

OPEN = "OPEN"
"""The outcome of a restore that has not ended. Any other outcome is its last status."""

OUTCOMES = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", OPEN)
"""In the order in which they are counted."""

_WHOLE = {"restore", "automated", "pointintime"}
"""Delivery types. What another word stands for is not known, so it proves nothing."""


class Rung(StrEnum):
    """How much a restore that succeeded proves; what proves the most comes first."""

    VERIFIED = "verified"
    """A pipeline tested the data: its verdict was PASSED."""
    MEASURED = "measured"
    """Atlas counts in the target what the source had: every database was compared, and matches."""
    RESTORED = "restored"
    """Atlas wrote a whole cluster."""
    PARTLY = "partly"
    """A download, a restore of some collections, or of what is not known. It never counts."""

    def reaches(self, least: "Rung") -> bool:
        """Whether it proves at least so much."""
        rungs = list(Rung)
        return rungs.index(self) <= rungs.index(least)


class Destination(StrEnum):
    """Where a restore wrote."""

    IN_PLACE = "in place"
    """Over its own source: an incident, or a test of one."""
    SAME_PROJECT = "same project"
    OTHER_PROJECT = "other project"


class DatedVerdict(NamedTuple):
    """
    A pipeline's verdict on the restored data, and when the pipeline tested them, in UTC.

    `detail`: what it checked. `validated_by`: who says so. Both are redacted. `arrived_at`: when
    the verdict was recorded.
    """

    at: datetime
    verdict: Verdict
    detail: str | None = None
    validated_by: str | None = None
    arrived_at: datetime | None = None


class DatedMeasurement(NamedTuple):
    """A measurement, and when Atlas counted the target, in UTC; or when it was recorded."""

    at: datetime
    measurement: Measurement


@dataclass(frozen=True)
class Restore:
    """
    A restore job with the verdicts on its data, and their measurement. Moments are UTC.

    `began`: when it was scheduled, or without that date the moment of its id. `end_if_undated`:
    when it counts as ended if Atlas does not date its end. `verdicts`: the oldest test first.
    `measured`: None if it is not measured yet, or never will be.
    `will_show_its_end`: False if the watch has given the job up, so that an end would not be seen.
    """

    job: RestoreJob
    began: datetime
    end_if_undated: datetime
    verdicts: tuple[DatedVerdict, ...] = ()
    measured: DatedMeasurement | None = None
    will_show_its_end: bool = True

    @property
    def identity(self) -> tuple[str, str, str]:
        """A job that was named under a wrong cluster may stand in the table under two clusters."""
        job = self.job
        return job.group_id, job.cluster_name, job.restore_id

    @property
    def newest_verdict(self) -> DatedVerdict | None:
        """The newest verdict that can be about the restored data."""
        for verdict in reversed(self.verdicts):
            if self.may_have(verdict.verdict, verdict.at):
                return verdict
        return None

    @property
    def early_verdict(self) -> DatedVerdict | None:
        """The newest verdict that cannot be about the restored data, because it is too early."""
        for verdict in reversed(self.verdicts):
            if not self.may_have(verdict.verdict, verdict.at):
                return verdict
        return None

    @property
    def verdict(self) -> Verdict | None:
        """What the newest verdict says that can be about the restored data."""
        newest = self.newest_verdict
        return newest.verdict if newest is not None else None

    def may_have(self, verdict: Verdict, at: datetime) -> bool:
        """
        Whether a verdict of this moment can be about the restored data.

        PASSED before the end cannot. FAILED is believed with any date: a pipeline's clock may be
        wrong, or its zone.
        """
        if verdict is not Verdict.PASSED or self.finished_at is None:
            return True
        return at >= self.finished_at - CLOCKS_DIFFER

    @property
    def seconds_to_verdict(self) -> float | None:
        """From the request to the newest test of the data; None without a verdict."""
        newest = self.newest_verdict
        if newest is None:
            return None
        return max(0.0, (newest.at - self.began).total_seconds())

    @property
    def differs(self) -> bool:
        """Whether its data differ from their source. A verdict stands above that."""
        if self.measured is None or self.newest_verdict is not None:
            return False
        return self.measured.measurement.outcome is Outcome.DIFFERS

    @property
    def seconds_to_measurement(self) -> float | None:
        """From the end to the moment at which Atlas counted the target; None without either."""
        counted_at = self.measured.measurement.measured_at if self.measured else None
        if counted_at is None or self.finished_at is None:
            return None
        return (counted_at - self.finished_at).total_seconds()

    @property
    def destination(self) -> Destination | None:
        """Where it wrote; None for a download, or if Atlas does not say."""
        job = self.job
        if self.job.is_download or not (job.target_project_id and job.target_deployment_item_name):
            return None
        target = job.target_project_id, job.target_deployment_item_name
        if is_same_cluster(target, (job.group_id, job.cluster_name)):
            return Destination.IN_PLACE
        is_same_project = job.target_project_id == job.group_id
        return Destination.SAME_PROJECT if is_same_project else Destination.OTHER_PROJECT

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
    def finished_at(self) -> datetime | None:
        """When it ended by Atlas's date; None without a date, or with one that cannot be true."""
        return self.job.restore_finished_date if self.took is not None else None

    @property
    def took(self) -> int | None:
        """Seconds until its end by Atlas's date; None without one that can be true."""
        return self.job.seconds_since(self.began)

    @property
    def ended_at(self) -> datetime:
        """When it ended. Without a date of Atlas, or while it is open, `end_if_undated`."""
        return self.finished_at or self.end_if_undated

    @property
    def outcome(self) -> str:
        """Its last status, or OPEN."""
        return str(self.job.status) if self.job.terminal else OPEN

    @property
    def was_cancelled_or_expired(self) -> bool:
        """Whether it was cancelled or expired: then it is neither a good test nor a failure."""
        return self.job.status in {RestoreStatus.CANCELLED, RestoreStatus.EXPIRED}

    @property
    def rung(self) -> Rung | None:
        """How much it proves, None if it has not succeeded."""
        if self.job.status is not RestoreStatus.COMPLETED or self.verdict is Verdict.FAILED:
            return None
        if not self.is_whole:
            return Rung.PARTLY
        if self.verdict is Verdict.PASSED:
            return Rung.VERIFIED
        matches = self.measured is not None and self.measured.measurement.matches_whole
        return Rung.MEASURED if matches else Rung.RESTORED

    @property
    def failed_at(self) -> datetime | None:
        """
        When it failed as a test: its verdict, or a restore that Atlas could not finish.

        A download or a restore of some collections is no test, so it cannot fail as one.
        """
        if self.is_partial:
            return None
        newest = self.newest_verdict
        if newest is not None and newest.verdict is Verdict.FAILED:
            # A pipeline's clock may be wrong, or its zone.
            return max(newest.at, self.ended_at)
        return self.ended_at if self.job.status is RestoreStatus.FAILED else None

    @property
    def attempted_at(self) -> datetime:
        """When it failed as a test, or else ended."""
        return self.failed_at or self.ended_at

    @property
    def went_wrong(self) -> bool:
        """Whether somebody should know: a restore of any kind, or its data, failed."""
        return self.verdict is Verdict.FAILED or self.job.status is RestoreStatus.FAILED

    def as_of(self, moment: datetime) -> Self:
        """Return it as it stood at this moment: without what came later."""
        known = tuple(verdict for verdict in self.verdicts if verdict.at < moment)
        is_measured = self.measured is not None and self.measured.at < moment
        then = replace(self, verdicts=known, measured=self.measured if is_measured else None)
        if self.job.terminal and self.ended_at >= moment:
            under_way = {"status": RestoreStatus.RUNNING, "restore_finished_date": None}
            job = self.job.model_copy(update=under_way)
            return replace(then, job=job, end_if_undated=self.began)
        return then


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

    The table knows verdicts and measurements, and an end that it has recorded stays. Of a restore
    that is open in the table, Atlas's list may know the end.
    """
    found = {restore.identity: restore for restore in listed}
    for restore in known:
        key = restore.identity
        in_list = found.get(key)
        if in_list is None or restore.job.terminal:
            found[key] = restore
        elif in_list.job.terminal:
            found[key] = replace(in_list, verdicts=restore.verdicts, measured=restore.measured)
        else:
            # Open in the table and in the list: the list will show its end to a later report, even
            # if the watch has given the job up.
            found[key] = replace(restore, will_show_its_end=True)
    return sorted(found.values(), key=lambda restore: (restore.began, restore.job.restore_id))
