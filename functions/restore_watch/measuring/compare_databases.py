"""
Compares the databases of a restore's source at its snapshot with those of its target. Pure.

The source's figures at the snapshot lie between its last point wholly before the snapshot and its
first point wholly after, as long as it only grew or only shrank in between. A faithful copy lies
there too. The target's first point that lies wholly after the restore is compared with them.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.measuring.database_series import DatabaseSeries, Figures
from restore_watch.measuring.restore_to_measure import RestoreToMeasure
from restore_watch.model.measurement import (
    DATABASES_NAMED,
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    MayBe,
    Measurement,
    Outcome,
    WhyNotMeasured,
    not_measured,
)

SHARE = 0.01
FEW = 100
"""Documents may differ by this share or by this many, whichever is more, but never by half."""

_ROUNDING = 1e-9
"""The share by which a mean of equal numbers may differ from them."""


class _Around(NamedTuple):
    """
    The points of a database of the source around the snapshot.

    `points`: how many there are at all. `before` and `after`: the figures of the last point wholly
    before the snapshot, and of the first one wholly after; None without such a point. `between`:
    the figures of the points between the two.
    """

    points: int
    before: Figures | None
    between: tuple[Figures, ...]
    after: Figures | None

    def range_of(self, figure: Figure) -> tuple[float, float]:
        """Return the least and the most that the source had of a figure."""
        known = filter(None, (self.before, *self.between, self.after))
        values = [_value(figures, figure) for figures in known]
        return min(values), max(values)


class _Found(NamedTuple):
    """The first figures of a database of the target since the restore, and their moment."""

    at: datetime
    figures: Figures


class _Compared(NamedTuple):
    """A database of the source, and what was found of it in the target; None if it is missing."""

    name: str
    source: _Around
    found: _Found | None


def compare_databases(
    restore: RestoreToMeasure,
    source: Mapping[str, DatabaseSeries],
    target: Mapping[str, DatabaseSeries],
    *,
    beyond_limit: int = 0,
) -> Measurement:
    """
    Compare the databases of the source with those of the target, by name.

    `target` has the databases of the source that the target's list shows, or if it shows none, a
    system database. A database of the source without any point around the snapshot is newer than
    the snapshot, and is not compared. `beyond_limit`: how many were not asked for.
    """
    around = {name: _around(source[name], restore.snapshot_at) for name in sorted(source)}
    there = {name: points for name, points in around.items() if points.points}
    found = {name: _first_since(series, restore.ended_at) for name, series in target.items()}
    why = _why_source_is_unknown(source, there) or _why_target_is_unknown(there, found)
    if why is not None:
        return not_measured(why)
    compared = [_Compared(name, points, found.get(name)) for name, points in there.items()]
    differing = list(filter(None, map(_difference, compared)))
    return Measurement(
        outcome=Outcome.DIFFERS if differing else Outcome.MATCHES,
        databases=Count(found=len(compared) - len(differing), expected=len(compared)),
        documents=_sum_of(Figure.DOCUMENTS, compared),
        collections=_sum_of(Figure.COLLECTIONS, compared),
        indexes=_sum_of(Figure.INDEXES, compared),
        differing=tuple(differing[:DATABASES_NAMED]),
        not_there=len(source) - len(there),
        beyond_limit=beyond_limit,
        measured_at=max(one.at for one in found.values() if one is not None),
    )


def _around(series: DatabaseSeries, snapshot_at: datetime) -> _Around:
    """Look for the points around the snapshot. Points without figures are passed over."""
    last_before = snapshot_at - CLOCKS_APART
    first_after = _first_whole_point(series, snapshot_at)
    known = [point for point in series.points if point.figures is not None]
    before = [point for point in known if point.at <= last_before]
    between = [point for point in known if last_before < point.at < first_after]
    after = [point for point in known if point.at >= first_after]
    return _Around(
        len(series.points),
        before[-1].figures if before else None,
        tuple(point.figures for point in between if point.figures is not None),
        after[0].figures if after else None,
    )


def _first_since(series: DatabaseSeries, ended_at: datetime) -> _Found | None:
    """Return the first figures that are only of the time since the restore."""
    first = _first_whole_point(series, ended_at)
    for point in series.points:
        if point.figures is not None and point.at >= first:
            return _Found(point.at, point.figures)
    return None


def _first_whole_point(series: DatabaseSeries, moment: datetime) -> datetime:
    """
    Return from when on a point lies wholly after a moment.

    A point is a mean over the time before it, and two machines of Atlas dated the two.
    """
    return moment + series.granularity + CLOCKS_APART


def _why_source_is_unknown(
    source: Mapping[str, DatabaseSeries], there: Mapping[str, _Around]
) -> WhyNotMeasured | None:
    if not source:
        return WhyNotMeasured.NO_DATABASES
    with_before = [points for points in there.values() if points.before is not None]
    with_after = [points for points in there.values() if points.after is not None]
    if not with_before:
        return WhyNotMeasured.NO_FIGURES_BEFORE
    if not with_after:
        return WhyNotMeasured.NO_FIGURES_AFTER
    if len(with_before) < len(there):
        return WhyNotMeasured.NOT_ALL_BEFORE
    if len(with_after) < len(there):
        return WhyNotMeasured.NOT_ALL_AFTER
    return None


def _why_target_is_unknown(
    there: Mapping[str, _Around], found: Mapping[str, _Found | None]
) -> WhyNotMeasured | None:
    """A database is missing only if Atlas has looked at another one since the restore."""
    if not any(found.values()):
        return WhyNotMeasured.NO_FIGURES_OF_TARGET
    if any(name in found and found[name] is None for name in there):
        return WhyNotMeasured.NOT_ALL_OF_TARGET
    return None


def _difference(compared: _Compared) -> DifferingDatabase | None:
    """Return how a database differs, None if it matches."""
    if compared.found is None:
        return DifferingDatabase(name=compared.name, is_missing=True)
    differing = [
        _differing_figure(figure, compared.source, compared.found.figures) for figure in Figure
    ]
    figures = tuple(figure for figure in differing if figure is not None)
    return DifferingDatabase(name=compared.name, figures=figures) if figures else None


def _differing_figure(figure: Figure, source: _Around, found: Figures) -> DifferingFigure | None:
    least, most = source.range_of(figure)
    value = _value(found, figure)
    if figure is Figure.DOCUMENTS:
        return _differing_documents(least, most, value)
    if value >= least * (1 - _ROUNDING):
        return None
    return DifferingFigure(figure=figure, least=math.ceil(least), found=math.floor(value))


def _differing_documents(least: float, most: float, value: float) -> DifferingFigure | None:
    if value < least - _leeway(least) or value <= least / 2 < least:
        found, may_be = math.floor(value), MayBe.EXPIRED_OR_DELETED
    elif value > most + _leeway(most):
        found, may_be = math.ceil(value), MayBe.WRITTEN
    else:
        return None
    return DifferingFigure(
        figure=Figure.DOCUMENTS,
        least=math.ceil(least),
        most=max(math.ceil(least), math.floor(most)),
        found=found,
        may_be=may_be,
    )


def _leeway(documents: float) -> float:
    """Return how many documents more or fewer are no difference."""
    return max(SHARE * documents, FEW)


def _sum_of(figure: Figure, compared: Iterable[_Compared]) -> Count:
    """
    Add up what was found and expected of a figure.

    Expected is what the source had around the snapshot, as near as that comes to what was found. Of
    collections and indexes, more than that count as found no more than once.
    """
    found_sum, expected_sum = 0.0, 0.0
    for one in compared:
        least, most = one.source.range_of(figure)
        found = _value(one.found.figures, figure) if one.found else 0.0
        expected = min(max(found, least), most)
        expected_sum += expected
        found_sum += found if figure is Figure.DOCUMENTS else min(found, expected)
    return Count(found=round(found_sum), expected=round(expected_sum))


def _value(figures: Figures, figure: Figure) -> float:
    match figure:
        case Figure.COLLECTIONS:
            return figures.collections
        case Figure.DOCUMENTS:
            return figures.documents
        case Figure.INDEXES:
            return figures.indexes
