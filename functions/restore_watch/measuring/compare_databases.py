"""
Compares the databases of a restore's source at its snapshot with those of its target. Pure.

A database of the target matches as soon as Atlas counts in it what the source had. It differs once
two counts in a row have shown a difference: a first count may be of a list, or of a cluster, that
is not up to date yet.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from restore_watch.measuring.counts_since_restore import COUNTS_THAT_DIFFER, counts_since
from restore_watch.measuring.database_series import DatabaseSeries, Figures, Point
from restore_watch.measuring.figures_around_snapshot import FiguresAround, figures_around
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


class _Compared(NamedTuple):
    """
    A database of the source, and what was found of it in the target.

    `found`: the first count that matches, or else the last one; None if the database is missing.
    `difference`: how it differs, None if it matches. `is_sure`: whether enough counts show that.
    """

    source: FiguresAround
    found: Point | None
    difference: DifferingDatabase | None
    is_sure: bool

    @property
    def has_doubled(self) -> bool:
        """Whether half of the documents could be missing although it matches."""
        least, most = self.source.range_of(Figure.DOCUMENTS)
        return self.difference is None and least <= most / 2 and most > FEW


def compare_databases(
    restore: RestoreToMeasure,
    source: Mapping[str, DatabaseSeries],
    target: Mapping[str, DatabaseSeries],
    *,
    newer: Collection[str] = (),
    beyond_limit: int = 0,
) -> Measurement:
    """
    Compare the databases of the source with those of the target, by name.

    `source`: what Atlas says of the time around the snapshot. `newer`: the databases of the source
    that are known to be newer than the snapshot, and are not compared. `target` has the databases
    of the source that the target's list shows, or if it shows none, a system database.
    `beyond_limit`: how many were not asked for.
    """
    around = {name: figures_around(source[name], restore.snapshot_at) for name in sorted(source)}
    there = {name: figures for name, figures in around.items() if name not in newer}
    counts = {name: counts_since(series, restore.ended_at) for name, series in target.items()}
    why = _why_source_is_unknown(source, there) or _why_target_is_unknown(there, counts)
    if why is not None:
        return not_measured(why)
    compared = [_compare(name, figures, counts) for name, figures in there.items()]
    differing = [one.difference for one in compared if one.difference is not None]
    if differing and not any(one.is_sure for one in compared if one.difference is not None):
        return not_measured(WhyNotMeasured.COUNTED_ONCE)
    return Measurement(
        outcome=Outcome.DIFFERS if differing else Outcome.MATCHES,
        databases=Count(found=len(compared) - len(differing), expected=len(compared)),
        documents=_sum_of(Figure.DOCUMENTS, compared),
        collections=_sum_of(Figure.COLLECTIONS, compared),
        indexes=_sum_of(Figure.INDEXES, compared),
        differing=tuple(differing[:DATABASES_NAMED]),
        not_there=len(newer),
        doubled=sum(one.has_doubled for one in compared),
        beyond_limit=beyond_limit,
        measured_at=_newest_count(compared, counts),
    )


def _why_source_is_unknown(
    source: Mapping[str, DatabaseSeries], there: Mapping[str, FiguresAround]
) -> WhyNotMeasured | None:
    if not source:
        return WhyNotMeasured.NO_DATABASES
    known = [figures for figures in there.values() if figures.is_any]
    with_before = [figures for figures in known if figures.before]
    with_after = [figures for figures in known if figures.after]
    if not with_before:
        return WhyNotMeasured.NO_FIGURES_BEFORE
    if not with_after:
        return WhyNotMeasured.NO_FIGURES_AFTER
    if len(with_before) < len(known):
        return WhyNotMeasured.NOT_ALL_BEFORE
    if len(with_after) < len(there):
        return WhyNotMeasured.NOT_ALL_AFTER
    return None


def _why_target_is_unknown(
    there: Mapping[str, FiguresAround], counts: Mapping[str, tuple[Point, ...]]
) -> WhyNotMeasured | None:
    """A database is missing only if Atlas has looked at another one since the restore."""
    if not any(counts.values()):
        return WhyNotMeasured.NO_FIGURES_OF_TARGET
    if any(name in counts and not counts[name] for name in there):
        return WhyNotMeasured.NOT_ALL_OF_TARGET
    return None


def _compare(
    name: str, source: FiguresAround, counts: Mapping[str, tuple[Point, ...]]
) -> _Compared:
    own = counts.get(name, ())
    for count in own:
        if not _differing_figures(source, count.figures):
            return _Compared(source, count, None, is_sure=True)
    if own:
        figures = _differing_figures(source, own[-1].figures)
        difference = DifferingDatabase(name=name, figures=figures)
        return _Compared(source, own[-1], difference, len(own) == COUNTS_THAT_DIFFER)
    # The list of the databases has to be as new as two counts.
    is_sure = any(len(points) == COUNTS_THAT_DIFFER for points in counts.values())
    return _Compared(source, None, DifferingDatabase(name=name, is_missing=True), is_sure)


def _differing_figures(source: FiguresAround, found: Figures) -> tuple[DifferingFigure, ...]:
    figures = (_differing_figure(figure, source, found) for figure in Figure)
    return tuple(figure for figure in figures if figure is not None)


def _differing_figure(
    figure: Figure, source: FiguresAround, found: Figures
) -> DifferingFigure | None:
    least, most = source.range_of(figure)
    value = found.value_of(figure)
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
        found = one.found.figures.value_of(figure) if one.found else 0.0
        expected = min(max(found, least), most)
        expected_sum += expected
        found_sum += found if figure is Figure.DOCUMENTS else min(found, expected)
    return Count(found=round(found_sum), expected=round(expected_sum))


def _newest_count(
    compared: Iterable[_Compared], counts: Mapping[str, tuple[Point, ...]]
) -> datetime:
    """Return the moment of the newest count that was used. It may show that others are missing."""
    found = [one.found.at for one in compared if one.found is not None]
    return max(found or (point.at for points in counts.values() for point in points))
