"""Figures of databases around a snapshot and since a restore, by minutes."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from restore_watch.measuring.compare_databases import compare_databases
from restore_watch.measuring.database_series import DatabaseSeries, Figures, Point
from restore_watch.measuring.restore_to_measure import RestoreToMeasure
from restore_watch.model.measurement import Measurement
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP

MINUTE = timedelta(minutes=1)
SNAPSHOT = NOON
ENDED = NOON + timedelta(hours=2)
RESTORE_ID = f"{int(SNAPSHOT.timestamp()) + 3600:08x}0000000000000001"
"""The id of a restore that began an hour after its snapshot."""
RESTORE = RestoreToMeasure(RESTORE_ID, (GROUP, "orders"), (GROUP, "copy"), SNAPSHOT, ENDED)

type ByMinute = Mapping[float, Figures | None]
"""Figures by the minutes since a moment. At a minute with None, Atlas shows none."""


def figures(documents: float = 1000, collections: float = 3, indexes: float = 5) -> Figures:
    return Figures(collections=collections, documents=documents, indexes=indexes)


WHOLE = figures()
AROUND: ByMinute = {-10: WHOLE, 10: WHOLE}
"""Figures of a source that did not change."""


def series(since: datetime, points: ByMinute, granularity: timedelta = MINUTE) -> DatabaseSeries:
    known = [(minutes, shown) for minutes, shown in sorted(points.items()) if shown is not None]
    dated = (Point(since + minutes * MINUTE, shown) for minutes, shown in known)
    return DatabaseSeries(granularity, tuple(dated))


def measured(
    source: Mapping[str, ByMinute],
    target: Mapping[str, ByMinute],
    *,
    newer: Collection[str] = (),
    granularity: timedelta = MINUTE,
    beyond_limit: int = 0,
) -> Measurement:
    """Measure: the minutes of the source are since its snapshot, of the target since the end."""
    return compare_databases(
        RESTORE,
        {name: series(SNAPSHOT, points, granularity) for name, points in source.items()},
        {name: series(ENDED, points, granularity) for name, points in target.items()},
        newer=newer,
        beyond_limit=beyond_limit,
    )
