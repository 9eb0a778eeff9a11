"""A restore that can be measured: which clusters are compared, and of which moments. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from restore_watch.model.forms_of_fields import AHEAD, id_made_at
from restore_watch.model.measurement import WhyNotMeasured
from restore_watch.model.restore_job import LONGEST_RESTORE, RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import ClusterKey, RestoreKind

_OF_FLEX = {RestoreKind.FLEX, RestoreKind.TENANT}

_WHOLE = {"automated", "restore"}
"""The delivery types, in lower case, that restore a whole cluster as it was in the snapshot."""

_OLDEST_SNAPSHOT = timedelta(days=20 * 366)
"""No snapshot is older when it is restored: a date before that is wrong."""


@dataclass(frozen=True)
class RestoreToMeasure:
    """
    The restore of a whole dedicated cluster.

    `snapshot_at`: the moment whose data are restored. `ended_at`: from when the target has them.
    Both by Atlas's clock, in UTC.
    """

    source: ClusterKey
    target: ClusterKey
    snapshot_at: datetime
    ended_at: datetime

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects whose processes are asked for, each once."""
        return tuple(dict.fromkeys((self.source[0], self.target[0])))


def restore_to_measure(job: RestoreJob) -> RestoreToMeasure | WhyNotMeasured:
    """
    Return what to measure of a job, or the first reason why it cannot be measured.

    Of a collection restore, Atlas counts the documents itself (`restored_collections`).
    """
    why = _why_it_is_no_whole_copy(job)
    if why is not None:
        return why
    snapshot_at, ended_at = job.snapshot_finished_date, job.restore_finished_date
    began = id_made_at(job.restore_id)
    if snapshot_at is None or not began - _OLDEST_SNAPSHOT <= snapshot_at <= began + AHEAD:
        return WhyNotMeasured.NO_SNAPSHOT_DATE
    if ended_at is None or not began - AHEAD <= ended_at <= began + LONGEST_RESTORE:
        return WhyNotMeasured.NO_END
    source = job.group_id, job.cluster_name
    target = job.target_project_id or "", job.target_deployment_item_name or ""
    if not all(target):
        return WhyNotMeasured.NO_TARGET
    if source == target:
        return WhyNotMeasured.OVERWRITTEN
    return RestoreToMeasure(source, target, snapshot_at, ended_at)


def _why_it_is_no_whole_copy(job: RestoreJob) -> WhyNotMeasured | None:
    """Return why the target is not known to be a copy of the whole cluster in the snapshot."""
    if job.is_download:
        return WhyNotMeasured.DOWNLOAD
    if job.status is not RestoreStatus.COMPLETED:
        return WhyNotMeasured.NOT_COMPLETED
    if job.kind in _OF_FLEX:
        return WhyNotMeasured.FLEX
    if job.is_point_in_time:
        return WhyNotMeasured.POINT_IN_TIME
    if job.kind is not RestoreKind.DEDICATED or (job.delivery_type or "").casefold() not in _WHOLE:
        return WhyNotMeasured.UNKNOWN_DELIVERY
    return None
