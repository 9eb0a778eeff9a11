"""What a measurement says of the data of a restore, in a line. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from restore_watch.model.measurement import (
    Count,
    DifferingDatabase,
    DifferingFigure,
    Measurement,
    Outcome,
)
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words.wording import count, duration, number

_ONE = {
    "databases": "database",
    "documents": "document",
    "collections": "collection",
    "indexes": "index",
}
"""What is counted, by its plural."""


class Difference(NamedTuple):
    """How a database differs. Its `name` is from outside."""

    name: str
    how: str


class MeasurementLine(NamedTuple):
    """
    A line, with the `differences` that it names, and how many `others` differ.

    A page keeps the direction in which a name is written away from the line.
    """

    text: str
    differences: Sequence[Difference] = ()
    others: int = 0

    def __str__(self) -> str:
        """Return the whole line."""
        if not self.differences:
            return self.text
        named = ", ".join(f"{one.name} ({one.how})" for one in self.differences)
        others = f" and {count(self.others, 'other')}" if self.others > 0 else ""
        return f"{self.text}; different: {named}{others}"


def measurement_line(restore: Restore) -> MeasurementLine | None:
    """Return the line about the measurement of a restore, None if it has none."""
    if restore.measured is None:
        return None
    measurement = restore.measured.measurement
    if measurement.outcome is Outcome.NOT_MEASURED:
        return MeasurementLine(f"not measured: {measurement.why}")
    counts = ", ".join([*_counts(measurement), *_after_the_end(restore)])
    return MeasurementLine(
        "; ".join([f"measured: {counts}", *_not_compared(measurement)]),
        differences=[Difference(one.name, _how(one)) for one in measurement.differing],
        others=measurement.unnamed,
    )


def _counts(measurement: Measurement) -> list[str]:
    """Return what was counted. Where Atlas counts no indexes, it counts whole collections."""
    said = [
        _found_of("databases", measurement.databases),
        _found_of("documents", measurement.documents),
    ]
    if measurement.indexes is not None:
        return [*said, _found_of("indexes", measurement.indexes)]
    return [*said, _found_of("collections", measurement.collections)]


def _found_of(things: str, counted: Count) -> str:
    named = _ONE[things] if counted.expected == 1 else things
    return f"{number(counted.found)} of {number(counted.expected)} {named}"


def _after_the_end(restore: Restore) -> list[str]:
    """Return how long after the restore Atlas counted the target, if both have a date."""
    seconds = restore.seconds_to_measurement
    return [] if seconds is None else [f"{duration(seconds)} after the end"]


def _not_compared(measurement: Measurement) -> list[str]:
    said: list[str] = []
    if measurement.not_there:
        said.append(f"{count(measurement.not_there, 'database')} newer than the snapshot")
    if measurement.doubled:
        doubled = count(measurement.doubled, "database")
        said.append(f"{doubled} whose documents doubled or halved around the snapshot")
    if measurement.beyond_limit:
        said.append(f"{count(measurement.beyond_limit, 'database')} not asked for")
    return said


def _how(database: DifferingDatabase) -> str:
    if database.is_missing:
        return "missing"
    return "; ".join(map(_figure, database.figures))


def _figure(figure: DifferingFigure) -> str:
    """Return both numbers as they are, since a difference may be small."""
    expected = f"{figure.least:,}"
    if figure.most not in {None, figure.least}:
        expected += f" to {figure.most:,}"
    may_be = f", maybe {figure.may_be}" if figure.may_be else ""
    return f"{figure.figure}: expected {expected}, found {figure.found:,}{may_be}"
