"""The source at its snapshot is compared with the target since the restore, rule by rule."""

from dataclasses import replace
from datetime import timedelta

import pytest

from restore_watch.measuring.compare_databases import compare_databases
from restore_watch.measuring.database_series import Figures
from restore_watch.model.measurement import (
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    MayBe,
    Measurement,
    Outcome,
    WhyNotMeasured,
)
from unit.measuring.figures import (
    AROUND,
    ENDED,
    MINUTE,
    RESTORE,
    SNAPSHOT,
    WHOLE,
    ByMinute,
    figures,
    measured,
    series,
)

COPY: ByMinute = {5: WHOLE}
"""One count of the target. That is enough if it matches."""
HOUR = timedelta(hours=1)


def twice(figures: Figures) -> ByMinute:
    """Two counts of the target."""
    return {5: figures, 25: figures}


def figure_of(measurement: Measurement) -> DifferingFigure:
    (database,) = measurement.differing
    (figure,) = database.figures
    return figure


def test_a_faithful_copy_matches_and_everything_is_counted() -> None:
    measurement = measured({"sales": AROUND, "stock": AROUND}, {"sales": COPY, "stock": {7: WHOLE}})

    assert measurement == Measurement(
        outcome=Outcome.MATCHES,
        databases=Count(found=2, expected=2),
        documents=Count(found=2000, expected=2000),
        collections=Count(found=6, expected=6),
        indexes=Count(found=10, expected=10),
        measured_at=ENDED + 7 * MINUTE,
    )


# Documents


@pytest.mark.parametrize(
    ("before", "after", "found", "outcome"),
    [
        (1000, 1000, 900, "matches"),
        (1000, 1000, 899, "differs"),
        (1000, 1000, 1100, "matches"),
        (1000, 1000, 1101, "differs"),
        (100_000, 100_000, 99_000, "matches"),
        (100_000, 100_000, 98_999, "differs"),
        (100_000, 100_000, 101_000, "matches"),
        (100_000, 100_000, 101_001, "differs"),
        (1000, 1900, 1500, "matches"),
        (1000, 1900, 900, "matches"),
        (1000, 1900, 899, "differs"),
        (1000, 1900, 2000, "matches"),
        (1000, 1900, 2001, "differs"),
        (1900, 1000, 1500, "matches"),
        (1900, 1000, 899, "differs"),
        (999.5, 1000.25, 899.5, "matches"),
        (999.5, 1000.25, 899.25, "differs"),
        (150, 150, 76, "matches"),
        (150, 150, 75, "differs"),
        (1, 1, 1, "matches"),
        (1, 1, 0, "differs"),
        (0, 0, 0, "matches"),
        (0, 0, 100, "matches"),
        (0, 0, 101, "differs"),
        (0, 100, 0, "matches"),
    ],
    ids=str,
)
def test_documents_lie_between_the_points_of_the_source_or_near_them(
    before: float, after: float, found: float, outcome: str
) -> None:
    source: dict[str, ByMinute] = {"sales": {-10: figures(before), 10: figures(after)}}

    assert measured(source, {"sales": twice(figures(found))}).outcome == outcome


@pytest.mark.fault("F137")
@pytest.mark.parametrize(
    ("before", "after", "found", "doubled"),
    [
        (1000, 2000, 1500, 1),
        (2000, 1000, 1000, 1),
        (0, 1000, 0, 1),
        (0, 101, 0, 1),
        (1000, 2000, 899, 0),
        (1000, 2000, 2101, 0),
        (1000, 1999, 1500, 0),
        (0, 100, 0, 0),
    ],
    ids=[
        "doubled",
        "halved",
        "filled",
        "filled with a few",
        "fewer all the same",
        "more all the same",
        "not quite doubled",
        "as few as may differ",
    ],
)
def test_documents_that_doubled_around_the_snapshot_hide_the_loss_of_half(
    before: float, after: float, found: float, doubled: int
) -> None:
    source: dict[str, ByMinute] = {
        "sales": {-10: figures(before), 10: figures(after)},
        "stock": AROUND,
    }

    measurement = measured(source, {"sales": twice(figures(found)), "stock": COPY})

    assert measurement.doubled == doubled
    is_faithful = measurement.outcome is Outcome.MATCHES
    assert measurement.matches_whole == (is_faithful and not doubled)


def test_a_database_that_doubled_hides_no_other_that_differs() -> None:
    source: dict[str, ByMinute] = {"sales": {-10: figures(0), 10: WHOLE}, "stock": AROUND}

    measurement = measured(source, {"sales": COPY, "stock": twice(figures(1))})

    assert [database.name for database in measurement.differing] == ["stock"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            899.25,
            DifferingFigure(
                figure=Figure.DOCUMENTS,
                least=1000,
                most=2000,
                found=899,
                may_be=MayBe.EXPIRED_OR_DELETED,
            ),
        ),
        (
            2100.75,
            DifferingFigure(
                figure=Figure.DOCUMENTS, least=1000, most=2000, found=2101, may_be=MayBe.WRITTEN
            ),
        ),
    ],
    ids=["fewer", "more"],
)
def test_a_difference_of_documents_says_what_else_it_may_be(
    found: float, expected: DifferingFigure
) -> None:
    source: dict[str, ByMinute] = {"sales": {-10: figures(999.5), 10: figures(2000.5)}}

    assert figure_of(measured(source, {"sales": twice(figures(found))})) == expected


def test_a_source_that_changed_by_less_than_one_document_has_one_number() -> None:
    source: dict[str, ByMinute] = {"sales": {-10: figures(999.25), 10: figures(999.75)}}

    figure = figure_of(measured(source, {"sales": twice(figures(5))}))

    assert (figure.least, figure.most, figure.found) == (1000, 1000, 5)


@pytest.mark.parametrize(
    ("found", "expected"), [(1500, 1500), (950, 1000), (1950, 1900), (5, 1000), (9000, 1900)]
)
def test_expected_is_what_the_source_had_that_is_nearest(found: float, expected: int) -> None:
    source: dict[str, ByMinute] = {"sales": {-10: figures(1000), 10: figures(1900)}}

    documents = measured(source, {"sales": twice(figures(found))}).documents

    assert documents == Count(found=int(found), expected=expected)


# Collections and indexes


@pytest.mark.parametrize("figure", [Figure.COLLECTIONS, Figure.INDEXES], ids=str)
@pytest.mark.parametrize(
    ("before", "after", "found", "least"),
    [
        (12, 12, 12, None),
        (12, 12, 13, None),
        (12, 12, 11, 12),
        (12, 12, 11.5, 12),
        (12, 12, 12 * (1 - 1e-12), None),
        (12, 13, 12, None),
        (13, 12, 12, None),
        (26 / 3, 9, 9, None),
        (26 / 3, 9, 8, 9),
        (1, 1, 0, 1),
        (0, 0, 0, None),
    ],
    ids=[
        "as many",
        "more",
        "one less",
        "one less for half of the time",
        "rounded",
        "one was made",
        "one was dropped",
        "a mean",
        "less than a mean",
        "none of one",
        "none of none",
    ],
)
def test_collections_and_indexes_are_no_fewer(
    figure: Figure, before: float, after: float, found: float, least: int | None
) -> None:
    def having(count: float) -> Figures:
        return WHOLE._replace(**{figure.value: count})

    source: dict[str, ByMinute] = {"sales": {-10: having(before), 10: having(after)}}
    measurement = measured(source, {"sales": twice(having(found))})

    if least is None:
        assert measurement.outcome is Outcome.MATCHES
    else:
        assert measurement.outcome is Outcome.DIFFERS
        differing = figure_of(measurement)
        assert (differing.figure, differing.least, differing.most) == (figure, least, None)
        assert differing.found < least
        assert differing.may_be is None


def test_more_collections_and_indexes_than_expected_count_once() -> None:
    measurement = measured({"sales": AROUND}, {"sales": {5: figures(1050, 7, 9)}})

    assert measurement.outcome is Outcome.MATCHES
    assert measurement.documents == Count(found=1050, expected=1000)
    assert measurement.collections == Count(found=3, expected=3)
    assert measurement.indexes == Count(found=5, expected=5)


# Which points


LESS = figures(600)
"""Fewer than what is whole, and more than half."""


@pytest.mark.fault("F137")
@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ({-40: LESS, -30: WHOLE, -20: WHOLE, 20: WHOLE, 30: WHOLE, 40: LESS}, "differs"),
        ({-30: LESS, -20: WHOLE, 20: WHOLE}, "matches"),
        ({-20: WHOLE, 20: WHOLE, 40: LESS}, "matches"),
        ({-20: WHOLE, -10: None, 10: None, 20: WHOLE}, "differs"),
        ({-1: WHOLE, 2: WHOLE}, "differs"),
        ({-0.9: WHOLE, 2: WHOLE}, "not measured"),
        ({-1: WHOLE, 1.9: WHOLE}, "not measured"),
        ({-20: WHOLE, -0.5: LESS, 20: WHOLE}, "matches"),
        ({-20: WHOLE, 0: LESS, 20: WHOLE}, "matches"),
        ({-20: WHOLE, 1.9: LESS, 20: WHOLE}, "matches"),
    ],
    ids=[
        "only the next two on each side count",
        "the second before",
        "the second after",
        "nulls are passed over",
        "as near as clocks allow",
        "too near before",
        "too near after",
        "one that two clocks may date before",
        "one at the moment itself",
        "one that reaches over the moment",
    ],
)
def test_the_points_of_the_source_lie_wholly_before_and_after_the_snapshot(
    source: ByMinute, outcome: str
) -> None:
    assert measured({"sales": source}, {"sales": twice(LESS)}).outcome == outcome


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({2: WHOLE}, None),
        ({1.9: WHOLE}, WhyNotMeasured.NO_FIGURES_OF_TARGET),
        ({-5: LESS, 1: LESS, 2: WHOLE}, None),
        ({5: None, 25: WHOLE}, None),
        ({5: LESS, 25: WHOLE}, None),
        ({5: WHOLE, 25: LESS}, None),
        ({5: LESS}, WhyNotMeasured.COUNTED_ONCE),
        ({1: LESS, 5: LESS}, WhyNotMeasured.COUNTED_ONCE),
        ({}, WhyNotMeasured.NO_FIGURES_OF_TARGET),
        ({5: None}, WhyNotMeasured.NO_FIGURES_OF_TARGET),
    ],
    ids=[
        "as near as clocks allow",
        "too near",
        "what it had before does not count",
        "nulls are passed over",
        "the first count was not up to date",
        "what becomes of it later does not count",
        "a difference that was counted once",
        "once since the restore",
        "no point",
        "null only",
    ],
)
def test_a_count_of_the_target_that_lies_wholly_after_the_restore_is_enough_to_match(
    target: ByMinute, why: WhyNotMeasured | None
) -> None:
    measurement = measured({"sales": AROUND}, {"sales": target})

    assert measurement.why is why
    assert measurement.outcome in {Outcome.MATCHES, Outcome.NOT_MEASURED}


@pytest.mark.parametrize(
    ("target", "found"),
    [({5: LESS, 25: figures(700)}, 700), ({5: LESS, 25: figures(700), 45: WHOLE}, 700)],
    ids=["the newer of two is named", "a third is too late"],
)
def test_two_counts_in_a_row_show_a_difference(target: ByMinute, found: int) -> None:
    measurement = measured({"sales": AROUND}, {"sales": target})

    assert figure_of(measurement).found == found
    assert measurement.measured_at == ENDED + 25 * MINUTE


def test_a_measurement_is_of_the_newest_count_that_decided() -> None:
    """A count after the first that matches decides nothing."""
    measurement = measured({"sales": AROUND}, {"sales": {5: WHOLE, 25: WHOLE}})

    assert measurement.measured_at == ENDED + 5 * MINUTE


def test_one_difference_that_two_counts_show_is_enough_to_say_so() -> None:
    source: dict[str, ByMinute] = {"a": AROUND, "b": AROUND, "c": AROUND}
    target: dict[str, ByMinute] = {"a": twice(LESS), "b": {5: LESS}, "c": COPY}

    measurement = measured(source, target)

    assert [database.name for database in measurement.differing] == ["a", "b"]
    assert measurement.databases == Count(found=1, expected=3)


@pytest.mark.parametrize(
    ("minutes", "why"),
    [
        (60, WhyNotMeasured.NO_FIGURES_OF_TARGET),
        (61, None),
        (100, None),
    ],
)
def test_a_mean_of_an_hour_counts_an_hour_later(minutes: int, why: WhyNotMeasured | None) -> None:
    around: ByMinute = {-60: WHOLE, 120: WHOLE}

    measurement = measured({"sales": around}, {"sales": {minutes: WHOLE}}, granularity=HOUR)

    assert measurement.why is why


def test_each_series_has_a_granularity_of_its_own() -> None:
    source = {"sales": series(SNAPSHOT, {-60: WHOLE, 61: WHOLE}, HOUR)}
    target = {"sales": series(ENDED, {2: WHOLE}, MINUTE)}

    assert compare_databases(RESTORE, source, target).outcome is Outcome.MATCHES
    later = replace(RESTORE, snapshot_at=SNAPSHOT + MINUTE)
    assert compare_databases(later, source, target).why is WhyNotMeasured.NO_FIGURES_AFTER


# What cannot be measured


ONLY_BEFORE: ByMinute = {-10: WHOLE}
ONLY_AFTER: ByMinute = {10: WHOLE}


@pytest.mark.parametrize(
    ("source", "target", "why", "may_pass"),
    [
        ({}, {"config": COPY}, WhyNotMeasured.NO_DATABASES, False),
        ({"a": {}}, {"a": COPY}, WhyNotMeasured.NO_FIGURES_BEFORE, False),
        ({"a": ONLY_AFTER}, {"a": COPY}, WhyNotMeasured.NO_FIGURES_BEFORE, False),
        ({"a": {-10: None, 10: WHOLE}}, {"a": COPY}, WhyNotMeasured.NO_FIGURES_BEFORE, False),
        ({"a": ONLY_BEFORE}, {"a": COPY}, WhyNotMeasured.NO_FIGURES_AFTER, True),
        ({"a": {-10: WHOLE, 10: None}}, {"a": COPY}, WhyNotMeasured.NO_FIGURES_AFTER, True),
        (
            {"a": AROUND, "b": ONLY_AFTER},
            {"a": COPY, "b": COPY},
            WhyNotMeasured.NOT_ALL_BEFORE,
            False,
        ),
        ({"a": AROUND, "b": ONLY_BEFORE}, {"a": COPY}, WhyNotMeasured.NOT_ALL_AFTER, True),
        ({"a": AROUND, "b": {0: None}}, {"a": COPY}, WhyNotMeasured.NOT_ALL_AFTER, True),
        ({"a": AROUND, "b": {}}, {"a": COPY, "b": COPY}, WhyNotMeasured.NOT_ALL_AFTER, True),
        ({"a": AROUND}, {}, WhyNotMeasured.NO_FIGURES_OF_TARGET, True),
        ({"a": AROUND}, {"config": {}}, WhyNotMeasured.NO_FIGURES_OF_TARGET, True),
        (
            {"a": AROUND, "b": AROUND},
            {"a": COPY, "b": {-5: WHOLE}},
            WhyNotMeasured.NOT_ALL_OF_TARGET,
            True,
        ),
    ],
    ids=[
        "no database",
        "no point of the source",
        "one point after",
        "null before",
        "one point before",
        "null after",
        "one database made just then",
        "one database dropped just then",
        "null only of one database",
        "nothing of one database, then or now",
        "an empty target that nobody has looked at",
        "a system database without points",
        "one database of the target has none yet",
    ],
)
def test_without_points_nothing_is_measured(
    source: dict[str, ByMinute],
    target: dict[str, ByMinute],
    why: WhyNotMeasured,
    *,
    may_pass: bool,
) -> None:
    measurement = measured(source, target, beyond_limit=3)

    assert measurement == Measurement(outcome=Outcome.NOT_MEASURED, why=why)
    assert why.may_pass is may_pass


# Which databases


@pytest.mark.parametrize(
    "target",
    [{"sales": COPY}, {"sales": COPY, "later": COPY, "its own": {}}],
    ids=["without it", "with others"],
)
def test_a_database_that_is_newer_than_the_snapshot_is_counted_and_not_compared(
    target: dict[str, ByMinute],
) -> None:
    source: dict[str, ByMinute] = {"sales": AROUND, "later": {}}

    measurement = measured(source, target, newer={"later"}, beyond_limit=3)

    assert measurement.outcome is Outcome.MATCHES
    assert measurement.databases == Count(found=1, expected=1)
    assert (measurement.not_there, measurement.beyond_limit) == (1, 3)


@pytest.mark.parametrize(
    "target",
    [{"stock": twice(WHOLE)}, {"config": twice(WHOLE)}],
    ids=["others are there", "all are missing"],
)
def test_a_missing_database_differs_once_atlas_has_looked_twice(
    target: dict[str, ByMinute],
) -> None:
    measurement = measured({"sales": AROUND, "stock": AROUND}, target)

    assert measurement.outcome is Outcome.DIFFERS
    assert measurement.differing[0] == DifferingDatabase(name="sales", is_missing=True)
    assert measurement.databases == Count(found=len(target.keys() & {"stock"}), expected=2)
    assert measurement.documents == Count(
        found=1000 * len(target.keys() & {"stock"}), expected=2000
    )


def test_a_database_that_a_list_does_not_show_yet_is_not_missing() -> None:
    """Atlas may show the databases of the target as they were before the restore."""
    measurement = measured({"sales": AROUND}, {"config": COPY})

    assert measurement.why is WhyNotMeasured.COUNTED_ONCE
    assert measurement.may_pass


def test_if_all_databases_are_newer_than_the_snapshot_nothing_is_measured() -> None:
    measurement = measured({"later": {}}, {"later": COPY}, newer={"later"})

    assert measurement.why is WhyNotMeasured.NO_FIGURES_BEFORE


def test_all_figures_of_a_database_that_differ_are_named() -> None:
    measurement = measured({"sales": AROUND}, {"sales": twice(figures(0, 0, 0))})

    (database,) = measurement.differing
    assert [figure.figure for figure in database.figures] == list(Figure)
    assert [(figure.least, figure.found) for figure in database.figures] == [
        (3, 0),
        (1000, 0),
        (5, 0),
    ]


def test_ten_databases_that_differ_are_named_and_the_others_counted() -> None:
    names = [f"tenant-{number:02}" for number in range(12)]

    measurement = measured(dict.fromkeys(reversed(names), AROUND), {"config": twice(WHOLE)})

    assert [database.name for database in measurement.differing] == names[:10]
    assert measurement.unnamed == 2
