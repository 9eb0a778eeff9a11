"""
What a database of the source had around the snapshot. Pure.

The figures at the snapshot lie between those of the counts before it and of the counts after it, as
long as the database only grew or only shrank in between. A faithful copy lies there too.
"""

from datetime import datetime
from typing import NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.measuring.database_series import DatabaseSeries, Figures
from restore_watch.model.measurement import Figure

COUNTS = 2
"""
How many points on each side of the snapshot are looked at.

Atlas does not say if a snapshot is dated by its beginning or its end, so its data may be older or
newer than the nearest point.
"""


class FiguresAround(NamedTuple):
    """
    The figures of a database around the snapshot, the oldest first.

    `before` and `after`: of the nearest points that lie wholly on that side. `between`: of the
    points that reach over the snapshot.
    """

    before: tuple[Figures, ...]
    between: tuple[Figures, ...]
    after: tuple[Figures, ...]

    @property
    def is_any(self) -> bool:
        """Whether Atlas has any figures of the database around the snapshot."""
        return bool(self.before or self.between or self.after)

    def range_of(self, figure: Figure) -> tuple[float, float]:
        """Return the least and the most that the database had of a figure."""
        every = (*self.before, *self.between, *self.after)
        values = [figures.value_of(figure) for figures in every]
        return min(values), max(values)


def figures_around(series: DatabaseSeries, snapshot_at: datetime) -> FiguresAround:
    """Return what a series says of the time around the snapshot."""
    last_before = snapshot_at - CLOCKS_APART
    first_after = series.first_whole_point(snapshot_at)
    before = [point.figures for point in series.points if point.at <= last_before]
    between = [point.figures for point in series.points if last_before < point.at < first_after]
    after = [point.figures for point in series.points if point.at >= first_after]
    return FiguresAround(tuple(before[-COUNTS:]), tuple(between), tuple(after[:COUNTS]))
