"""
Whatever Atlas counts and when: a faithful copy matches, and a copy that lacks something differs.

Atlas is played here: it counts now and then, and shows means of what it counted.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from restore_watch.measuring.compare_databases import compare_databases
from restore_watch.measuring.database_series import DatabaseSeries, Figures, Point
from restore_watch.model.measurement import Figure, Measurement, Outcome, WhyNotMeasured
from unit.measuring.figures import ENDED, MINUTE, RESTORE, SNAPSHOT, measured

GRANULARITIES = [10 / 60, 1, 5, 30, 60, 1440]
"""Minutes between the points of a series."""

type Counts = tuple[int, int, int]
"""Collections, documents and indexes."""

counts = st.tuples(st.integers(0, 100), st.integers(0, 10**7), st.integers(0, 500))


@dataclass(frozen=True)
class Database:
    """
    A database of the source, which only grows or only shrinks while it is looked at.

    `changes`: what it has from so many minutes on after the snapshot, the oldest first.
    """

    changes: Sequence[tuple[float, Counts]]

    def at(self, minutes: float) -> Counts:
        return [one for since, one in self.changes if since <= minutes][-1]

    @property
    def restored(self) -> Counts:
        return self.at(0)

    @property
    def has_doubled(self) -> bool:
        """Whether it had twice as many documents at one time as at another."""
        documents = [one[1] for _, one in self.changes]
        return min(documents) <= max(documents) / 2


@st.composite
def databases(draw: DrawFn, counts: st.SearchStrategy[Counts] = counts) -> Database:
    steps = draw(st.lists(counts, min_size=1, max_size=4))
    ordered = [sorted(values) for values in zip(*steps, strict=True)]
    shrinks = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    columns = [one[::-1] if down else one for one, down in zip(ordered, shrinks, strict=True)]
    moments = [-(10.0**6), *sorted(draw(_moments(len(steps) - 1)))]
    changes = zip(moments, zip(*columns, strict=True), strict=True)
    return Database([(moment, (one[0], one[1], one[2])) for moment, one in changes])


def _moments(size: int) -> st.SearchStrategy[list[float]]:
    moments = st.floats(-3000, 3000) | st.floats(-1.5, 1.5)
    return st.lists(moments, min_size=size, max_size=size)


@dataclass(frozen=True)
class Observer:
    """
    Atlas, which counts at these minutes and shows a mean of each period that ends at a point.

    `shift`: minutes by which its periods are shifted. `wrong_by`: minutes by which its clock is
    ahead of the clock that dates snapshots and restores.
    """

    granularity: float
    interval: float
    shift: float
    wrong_by: float

    def series(self, database: Database, first: float, last: float) -> DatabaseSeries:
        """What it shows of the time from the first to the last minute."""
        points: list[Point] = []
        end = first + self.shift * self.granularity
        while end <= last:
            looks = self._looks(end - self.granularity, end)
            found = [database.at(minutes) for minutes in looks]
            if found:
                points.append(Point(SNAPSHOT + (end + self.wrong_by) * MINUTE, _mean(found)))
            end += self.granularity
        return DatabaseSeries(self.granularity * MINUTE, tuple(points))

    def _looks(self, after: float, until: float) -> list[float]:
        """The minutes at which it counts, after one moment and until another."""
        first = int(after // self.interval) + 1
        looks = range(first, first + int((until - after) // self.interval) + 2)
        return [look * self.interval for look in looks if look * self.interval <= until]


def _mean(found: Sequence[Counts]) -> Figures:
    collections, documents, indexes = (
        sum(values) / len(found) for values in zip(*found, strict=True)
    )
    return Figures(collections, documents, indexes)


observers = st.builds(
    Observer,
    granularity=st.sampled_from(GRANULARITIES),
    interval=st.sampled_from([20.0, 7.5, 37.0]),
    shift=st.floats(0, 1),
    wrong_by=st.floats(-1, 1),
)


def observed_source(
    observer: Observer, source: Mapping[str, Database]
) -> dict[str, DatabaseSeries]:
    reach = max(200.0, 3 * observer.granularity)
    return {name: observer.series(one, -reach, reach) for name, one in source.items()}


def observed_target(
    observer: Observer, restored: Mapping[str, Counts], before: Counts
) -> dict[str, DatabaseSeries]:
    """What Atlas shows of a target that had other data before the restore ended."""
    ended = (ENDED - SNAPSHOT) / MINUTE
    # Long enough for two whole points.
    reach = max(200.0, 4 * observer.granularity)
    return {
        name: observer.series(
            Database([(-(10.0**6), before), (ended, one)]), ended - reach, ended + reach
        )
        for name, one in restored.items()
    }


observed_sources = st.dictionaries(
    st.sampled_from(["sales", "stock", "people"]), databases(), min_size=1
)


@given(observed_sources, observers, observers, counts)
def test_a_faithful_copy_always_matches(
    source: dict[str, Database], of_source: Observer, of_target: Observer, before: Counts
) -> None:
    restored = {name: one.restored for name, one in source.items()}

    measurement = compare_databases(
        RESTORE, observed_source(of_source, source), observed_target(of_target, restored, before)
    )

    assert measurement.outcome is Outcome.MATCHES, measurement
    assert measurement.databases.expected == len(source)
    assert measurement.doubled <= sum(one.has_doubled for one in source.values())


def half_of_the_documents(source: Database) -> Counts | None:
    fewest = min(one[1] for _, one in source.changes)
    collections, _, indexes = source.restored
    return (collections, fewest // 2, indexes) if fewest else None


def one_index_less(source: Database) -> Counts | None:
    fewest = min(one[2] for _, one in source.changes)
    collections, documents, _ = source.restored
    return (collections, documents, fewest - 1) if fewest else None


def one_collection_less(source: Database) -> Counts | None:
    fewest = min(one[0] for _, one in source.changes)
    _, documents, indexes = source.restored
    return (fewest - 1, documents, indexes) if fewest else None


@pytest.mark.parametrize(
    "lacking",
    [half_of_the_documents, one_index_less, one_collection_less],
    ids=["half of the documents", "one index", "one collection"],
)
@given(
    sources=observed_sources,
    of_source=observers,
    of_target=observers,
    before=counts,
    data=st.data(),
)
def test_a_copy_that_lacks_something_always_differs(
    lacking: Callable[[Database], Counts | None],
    sources: dict[str, Database],
    of_source: Observer,
    of_target: Observer,
    before: Counts,
    data: st.DataObject,
) -> None:
    """Of a source that changed around its snapshot: less than the least that it had."""
    poor = data.draw(st.sampled_from(sorted(sources)))
    less = lacking(sources[poor])
    assume(less is not None)
    restored = {name: one.restored for name, one in sources.items()}
    restored |= {poor: less} if less else {}

    measurement = compare_databases(
        RESTORE, observed_source(of_source, sources), observed_target(of_target, restored, before)
    )

    assert measurement.outcome is Outcome.DIFFERS
    assert [database.name for database in measurement.differing] == [poor]


@given(observed_sources, observers, observers, counts, st.data())
def test_a_missing_database_always_differs(
    sources: dict[str, Database],
    of_source: Observer,
    of_target: Observer,
    before: Counts,
    data: st.DataObject,
) -> None:
    missing = data.draw(st.sampled_from(sorted(sources)))
    restored = {name: one.restored for name, one in sources.items() if name != missing}
    target = observed_target(of_target, restored or {"config": (7, 8, 9)}, before)

    measurement = compare_databases(RESTORE, observed_source(of_source, sources), target)

    assert measurement.outcome is Outcome.DIFFERS
    assert [database.name for database in measurement.differing] == [missing]
    assert measurement.differing[0].is_missing


# Any series


any_figures = st.builds(
    Figures, *[st.integers(0, 300) | st.floats(0, 300) | st.floats(0, 10**18) for _ in Figure]
)
names = st.sampled_from(["sales", "stock", "people", "config"])


MINUTES = [-200.0, -61.0, -20.0, -1.0, -0.5, 0.0, 0.5, 2.0, 20.0, 61.0, 200.0]


@st.composite
def any_series(draw: DrawFn, since: datetime) -> DatabaseSeries:
    """Points around a moment."""
    minutes = draw(st.sets(st.sampled_from(MINUTES)))
    points = (Point(since + one * MINUTE, draw(any_figures)) for one in sorted(minutes))
    return DatabaseSeries(draw(st.sampled_from(GRANULARITIES[1:5])) * MINUTE, tuple(points))


any_source = st.dictionaries(names, any_series(SNAPSHOT), max_size=3)
any_target = st.dictionaries(names, any_series(ENDED), max_size=3)


def has_figures(series: DatabaseSeries, after: datetime | None, until: datetime | None) -> bool:
    """Whether a point with figures lies in a time, with its whole period."""
    return any(
        (after is None or point.at - series.granularity - MINUTE >= after)
        and (until is None or point.at + MINUTE <= until)
        for point in series.points
    )


def is_complete(source: DatabaseSeries, target: DatabaseSeries | None) -> bool:
    """Whether there are figures on both sides of the snapshot, and since the restore."""
    is_known = target is None or has_figures(target, ENDED, None)
    around = has_figures(source, None, SNAPSHOT), has_figures(source, SNAPSHOT, None)
    return is_known and all(around)


@given(any_source, any_target)
def test_complete_series_are_measured_unless_they_leave_a_doubt(
    source: dict[str, DatabaseSeries], target: dict[str, DatabaseSeries]
) -> None:
    has_looked = any(has_figures(one, ENDED, None) for one in target.values())
    are_complete = all(is_complete(one, target.get(name)) for name, one in source.items())

    measurement = compare_databases(RESTORE, source, target)

    is_complete_and_seen = bool(source) and has_looked and are_complete
    is_in_doubt = measurement.why is WhyNotMeasured.COUNTED_ONCE
    is_measured = measurement.outcome in {Outcome.MATCHES, Outcome.DIFFERS}
    assert (is_measured or is_in_doubt) is is_complete_and_seen
    assert (measurement.why is None) is is_measured
    assert measurement.databases.expected == (len(source) if is_measured else 0)
    if is_measured:
        matches = measurement.databases.found == measurement.databases.expected
        assert (measurement.outcome is Outcome.MATCHES) is matches
        assert bool(measurement.differing) is not matches


@given(any_source, any_target)
def test_a_measurement_is_the_same_after_it_was_stored(
    source: dict[str, DatabaseSeries], target: dict[str, DatabaseSeries]
) -> None:
    measurement = compare_databases(RESTORE, source, target)

    assert Measurement.read(json.loads(json.dumps(measurement.as_json()))) == measurement


@given(any_figures, any_figures, any_figures)
def test_what_is_found_is_never_what_is_expected_of_a_figure_that_differs(
    before: Figures, after: Figures, found: Figures
) -> None:
    measurement = measured({"sales": {-10: before, 10: after}}, {"sales": {5: found, 25: found}})

    for database in measurement.differing:
        assert database.figures
        for figure in database.figures:
            most = math.inf if figure.most is None else figure.most
            assert figure.least <= most
            assert not figure.least <= figure.found <= most
