"""Measures a restore, top to bottom: its clusters, their primaries, databases and figures."""

from datetime import datetime
from functools import partial

from restore_watch.measuring.atlas_calls import (
    ProcessKey,
    Window,
    source_window,
    target_window,
    window_after,
    window_before,
)
from restore_watch.measuring.cluster_processes import ClusterHosts, Process, primary_of
from restore_watch.measuring.compare_databases import compare_databases
from restore_watch.measuring.databases_to_measure import choose_databases, choose_of_target
from restore_watch.measuring.figures_reader import FiguresReader
from restore_watch.measuring.other_restores import is_written_over
from restore_watch.measuring.restore_to_measure import RestoreToMeasure, restore_to_measure
from restore_watch.measuring.restored_collections import measure_collections
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.measurement import Measurement, WhyNotMeasured, not_measured
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import ClusterKey, RestoreKind, RestoreTarget


def measure_restore(job: RestoreJob, reader: FiguresReader, now: datetime) -> Measurement:
    """Return what Atlas's figures say of a restore. Raises UnmeasuredError."""
    if job.kind is RestoreKind.COLLECTION:
        return _measure_collections(job, reader)
    restore = restore_to_measure(job)
    if isinstance(restore, WhyNotMeasured):
        raise UnmeasuredError(restore)
    return _measure_databases(restore, reader, now)


def _measure_collections(job: RestoreJob, reader: FiguresReader) -> Measurement:
    if job.status is not RestoreStatus.COMPLETED:
        raise UnmeasuredError(WhyNotMeasured.NOT_COMPLETED)
    target = RestoreTarget(job.group_id, job.cluster_name, job.restore_id, job.kind)
    return measure_collections(reader.collections(target))


def _measure_databases(
    restore: RestoreToMeasure, reader: FiguresReader, now: datetime
) -> Measurement:
    hosts = {cluster: reader.hosts(cluster) for cluster in (restore.source, restore.target)}
    processes = {group_id: reader.processes(group_id) for group_id in restore.projects}
    source, target = (
        _primary_of(cluster, hosts[cluster], processes[cluster[0]])
        for cluster in (restore.source, restore.target)
    )
    chosen = choose_databases(reader.database_names(source))
    of_target = choose_of_target(chosen.names, reader.database_names(target))
    around = source_window(restore, now)
    expected = {name: reader.series(source, name, around) for name in chosen.names}
    without_any = [name for name, series in expected.items() if not series.points]
    # If Atlas has not looked at the source at all, no question about one database helps.
    asked = without_any if len(without_any) < len(expected) else []
    newer = {name for name in asked if _is_newer(source, name, around, reader, now)}
    found = partial(reader.series, target, window=target_window(restore, now))
    measurement = compare_databases(
        restore,
        expected,
        {name: found(name) for name in of_target},
        newer=newer,
        beyond_limit=chosen.beyond_limit,
    )
    return _unless_written_over(measurement, restore, reader)


def _is_newer(
    source: ProcessKey, name: str, around: Window, reader: FiguresReader, now: datetime
) -> bool:
    """Whether Atlas has figures of a database only of the time after a window, and so was made."""
    after = reader.series(source, name, window_after(around, now))
    return bool(after.points) and not reader.series(source, name, window_before(around)).points


def _unless_written_over(
    measurement: Measurement, restore: RestoreToMeasure, reader: FiguresReader
) -> Measurement:
    """Return the measurement, unless the target may have held the data of another restore."""
    if measurement.measured_at is None:
        return measurement
    if is_written_over(restore, reader.jobs(restore.source), measurement.measured_at):
        return not_measured(WhyNotMeasured.WRITTEN_OVER)
    return measurement


def _primary_of(cluster: ClusterKey, hosts: ClusterHosts, processes: list[Process]) -> ProcessKey:
    primary = primary_of(hosts, processes)
    if isinstance(primary, WhyNotMeasured):
        raise UnmeasuredError(primary)
    return ProcessKey(cluster[0], primary)
