"""
The figures of a database as a series in time, read from an answer of Atlas. Pure.

A value is a mean over the time before its moment, so it is often not a whole number. Atlas counts
about every 20 minutes; between two counts a series may have no point, or null.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, PlainValidator, ValidationError

from foundation.json_text import read_json
from foundation.outside import (
    FromOutside,
    IfReadable,
    UtcDate,
    first_problem,
    unreadable,
)
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.forms_of_fields import AtlasText
from restore_watch.model.measurement import LARGEST, Figure

MEASURES = {
    "DATABASE_COLLECTION_COUNT": Figure.COLLECTIONS,
    "DATABASE_OBJECT_COUNT": Figure.DOCUMENTS,
    "DATABASE_INDEX_COUNT": Figure.INDEXES,
}
"""Atlas's names of the series that are compared."""

LONGEST = timedelta(days=366)
"""Atlas has no points that are farther apart."""


class Figures(NamedTuple):
    """The figures of a database at a moment."""

    collections: float
    documents: float
    indexes: float


class Point(NamedTuple):
    """The figures at a moment, in UTC; None if Atlas lacks one of them."""

    at: datetime
    figures: Figures | None


@dataclass(frozen=True)
class DatabaseSeries:
    """
    The points of a database, the oldest first.

    Each is a mean over the `granularity` before its moment.
    """

    granularity: timedelta
    points: tuple[Point, ...] = ()


_DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,4})M)?(?:(?P<seconds>\d{1,5})S)?)?",
    re.ASCII,
)


def _duration(value: object) -> timedelta:
    """Read a duration in ISO 8601, without the months and years that have no fixed length."""
    if isinstance(value, str) and (read := _DURATION.fullmatch(value)):
        parts = {unit: int(number) for unit, number in read.groupdict(default="0").items()}
        duration = timedelta(**parts)
        if timedelta(0) < duration <= LONGEST:
            return duration
    raise unreadable("expected a duration in ISO 8601, of days or less")


def _count(value: object) -> float:
    """Read a number of things, or a mean of such numbers."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return float(value)
    raise unreadable("expected a number of things")


_Count = Annotated[float, PlainValidator(_count)]


class _DataPoint(FromOutside):
    timestamp: UtcDate
    value: IfReadable[_Count]


class _Named(FromOutside):
    name: IfReadable[AtlasText]


class _Measure(FromOutside):
    name: AtlasText
    data_points: tuple[_DataPoint, ...]


def _only_compared(value: object) -> object:
    """Leave out the series that nobody compares: they may have any form."""
    return [entry for entry in value if _is_compared(entry)] if isinstance(value, list) else value


def _is_compared(entry: object) -> bool:
    return isinstance(entry, dict) and _Named.read(entry).name in MEASURES


class _Answer(FromOutside):
    database_name: IfReadable[AtlasText]
    process_id: IfReadable[AtlasText]
    granularity: Annotated[timedelta, PlainValidator(_duration)]
    measurements: Annotated[tuple[_Measure, ...], BeforeValidator(_only_compared)]


def read_series(body: bytes, process_id: str, database: str) -> DatabaseSeries:
    """
    Read the answer about a database of a process.

    A value that is no number of things counts as null. Raises UnexpectedAtlasResponseError if the
    answer is about another database or process, or if a moment or the granularity cannot be read:
    a point that is left out could hide that a database was there.
    """
    answer = read_json(body)
    try:
        read = _Answer.read(answer)
    except ValidationError as error:
        field, expected, _ = first_problem(error)
        raise _unexpected(f"{field or 'it'} is not as expected: {expected}") from None
    except RecursionError:
        raise _unexpected("it is nested too deeply") from None
    if read.database_name not in {None, database} or read.process_id not in {None, process_id}:
        raise _unexpected("it names another database or process")
    by_figure: dict[Figure, dict[datetime, float | None]] = {}
    for measure in read.measurements:
        if MEASURES[measure.name] in by_figure:
            raise _unexpected("it has a series twice")
        by_figure[MEASURES[measure.name]] = _by_moment(measure.data_points)
    moments = sorted({moment for values in by_figure.values() for moment in values})
    points = (Point(moment, _figures_at(moment, by_figure)) for moment in moments)
    return DatabaseSeries(read.granularity, tuple(points))


def _by_moment(points: Iterable[_DataPoint]) -> dict[datetime, float | None]:
    """Return the values by their moments. Two values of one moment contradict each other."""
    values: dict[datetime, float | None] = {}
    for point in points:
        is_contradicted = point.timestamp in values and values[point.timestamp] != point.value
        values[point.timestamp] = None if is_contradicted else point.value
    return values


def _figures_at(
    moment: datetime, by_figure: Mapping[Figure, Mapping[datetime, float | None]]
) -> Figures | None:
    """Return the figures of a moment. None if one of them is null or absent."""
    collections, documents, indexes = (
        by_figure.get(figure, {}).get(moment)
        for figure in (Figure.COLLECTIONS, Figure.DOCUMENTS, Figure.INDEXES)
    )
    if collections is None or documents is None or indexes is None:
        return None
    return Figures(collections, documents, indexes)


def _unexpected(problem: str) -> UnexpectedAtlasResponseError:
    said = f"Atlas answered 200 for the figures of a database, but {problem}"
    return UnexpectedAtlasResponseError(said)
