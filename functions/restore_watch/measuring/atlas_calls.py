"""
The questions to Atlas about a restore, and the times that they are about. Pure.

In order: the hosts of each of the two clusters, the processes of their projects, the databases of
each primary, and of each database the source's figures around the snapshot and the target's since
the restore; at last, the restore jobs of the source. All but the first and the last are of one
family, which has a rate limit of its own.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from foundation.clock import date_text
from restore_watch.atlas.families import (
    COLLECTION_JOBS,
    DEDICATED_CLUSTERS,
    DEDICATED_JOBS,
    PROCESSES,
)
from restore_watch.atlas.pages import FIRST_PAGE, Page, PageAt, page_query, read_page
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import Get
from restore_watch.measuring.cluster_processes import ClusterHosts, read_cluster_hosts
from restore_watch.measuring.database_series import MEASURES, DatabaseSeries, read_series
from restore_watch.measuring.restore_to_measure import RestoreToMeasure
from restore_watch.model.restore_target import ClusterKey, RestoreTarget


class ProcessKey(NamedTuple):
    """A process of a project."""

    group_id: str
    process_id: str


class _Granularity(NamedTuple):
    """
    How far apart the points are that Atlas keeps for some time.

    `kept`: for how long, None for ever. `reach`: how far from a moment points are asked for.
    """

    text: str
    duration: timedelta
    kept: timedelta | None
    reach: timedelta

    def is_kept(self, start: datetime, now: datetime) -> bool:
        """Whether Atlas still has the points since then, and will for a later try."""
        return self.kept is None or now - start + _MARGIN < self.kept


_GRANULARITIES = (
    _Granularity("PT1M", timedelta(minutes=1), timedelta(hours=48), timedelta(hours=3)),
    _Granularity("PT1H", timedelta(hours=1), timedelta(days=63), timedelta(hours=12)),
    _Granularity("P1D", timedelta(days=1), None, timedelta(days=3)),
)
"""
The finest first. Atlas counts every 20 minutes, and less often if a database is busy.

https://www.mongodb.com/docs/atlas/review-available-metrics/
"""

_MARGIN = timedelta(hours=2)
"""Points that Atlas deletes within this time are not asked for: a later try needs them too."""


class Window(NamedTuple):
    """The time that figures are asked for, with the granularity of their points."""

    granularity: str
    start: datetime
    end: datetime

    @property
    def query(self) -> dict[str, str | list[str]]:
        """The query that asks for the figures that are compared."""
        return {
            "granularity": self.granularity,
            "start": date_text(self.start),
            "end": date_text(self.end),
            "m": list(MEASURES),
        }


def source_window(restore: RestoreToMeasure, now: datetime) -> Window:
    """Return the time around the snapshot."""
    moment = restore.snapshot_at
    granularity = next(one for one in _GRANULARITIES if one.is_kept(moment - one.reach, now))
    return _window(granularity, moment - granularity.reach, moment + granularity.reach, now)


def target_window(restore: RestoreToMeasure, now: datetime) -> Window:
    """Return the time since the restore."""
    moment = restore.ended_at
    granularity = next(one for one in _GRANULARITIES if one.is_kept(moment, now))
    return _window(granularity, moment, moment + granularity.reach, now)


def window_before(window: Window) -> Window:
    """Return the month before a window, day by day."""
    return Window("P1D", window.start - timedelta(days=30), window.start)


def window_after(window: Window, now: datetime) -> Window:
    """Return the time from the end of a window up to now."""
    granularity = next(one for one in _GRANULARITIES if one.is_kept(window.end, now))
    return _window(granularity, window.end, now, now)


def _window(granularity: _Granularity, start: datetime, end: datetime, now: datetime) -> Window:
    start, end = start.replace(microsecond=0), min(end, now).replace(microsecond=0)
    # The clock of this machine may be behind Atlas's.
    return Window(granularity.text, start, max(end, start + granularity.duration))


def hosts_call(cluster: ClusterKey) -> Get[ClusterHosts]:
    """Return the question for the hosts of a dedicated cluster."""
    group_id, name = cluster
    path = f"{DEDICATED_CLUSTERS.path_of(group_id)}/{name}"
    bucket = Bucket(group_id, DEDICATED_CLUSTERS)
    return Get(path, None, bucket, lambda answer: read_cluster_hosts(answer.body))


def processes_call(group_id: str, at: PageAt = FIRST_PAGE) -> Get[Page]:
    """Return the question for a page of the processes of a project."""
    return _list_call(PROCESSES.path_of(group_id), Bucket(group_id, PROCESSES), at)


def databases_call(process: ProcessKey, at: PageAt = FIRST_PAGE) -> Get[Page]:
    """Return the question for a page of the databases of a process."""
    return _list_call(_databases_path(process), Bucket(process.group_id, PROCESSES), at)


def series_call(process: ProcessKey, database: str, window: Window) -> Get[DatabaseSeries]:
    """Return the question for the figures of a database."""
    path = f"{_databases_path(process)}/{quote(database, safe='')}/measurements"
    return Get(
        path,
        window.query,
        Bucket(process.group_id, PROCESSES),
        lambda answer: read_series(answer.body, process.process_id, database),
    )


def collections_call(target: RestoreTarget, at: PageAt = FIRST_PAGE) -> Get[Page]:
    """Return the question for what became of each collection of a collection restore."""
    path = f"{COLLECTION_JOBS.path_of(*target.cluster)}/{target.restore_id}/collections"
    return _list_call(path, Bucket(target.group_id, COLLECTION_JOBS), at)


def jobs_call(cluster: ClusterKey, at: PageAt = FIRST_PAGE) -> Get[Page]:
    """Return the question for a page of the restore jobs of a dedicated cluster."""
    return _list_call(DEDICATED_JOBS.path_of(*cluster), Bucket(cluster[0], DEDICATED_JOBS), at)


def _list_call(path: str, bucket: Bucket, at: PageAt) -> Get[Page]:
    read = partial(read_page, family=bucket.family, at=at)
    return Get(path, page_query(bucket.family, at), bucket, read, is_list=True)


def _databases_path(process: ProcessKey) -> str:
    # Its form was checked when it was read.
    return f"{PROCESSES.path_of(process.group_id)}/{process.process_id}/databases"
