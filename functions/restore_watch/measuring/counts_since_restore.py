"""Which counts of the target are only of the time since the restore. Pure."""

from datetime import datetime

from restore_watch.measuring.database_series import DatabaseSeries, Point

COUNTS_THAT_DIFFER = 2
"""How many counts of the target have to show a difference before it is said."""


def counts_since(series: DatabaseSeries, ended_at: datetime) -> tuple[Point, ...]:
    """Return the first counts that are only of the time since the restore."""
    first = series.first_whole_point(ended_at)
    since = [point for point in series.points if point.at >= first]
    return tuple(since[:COUNTS_THAT_DIFFER])
