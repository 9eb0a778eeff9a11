"""The figures of a database, read from answers of any form."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.database_series import (
    MEASURES,
    DatabaseSeries,
    Figures,
    Point,
    read_series,
)
from restore_watch.model.measurement import LARGEST
from strategies import json_values

PROCESS = "atlas-abc123-shard-00-02.example.net:27017"
FIRST, SECOND = "2026-05-04T12:00:00Z", "2026-05-04T12:20:00Z"
AT_FIRST = datetime(2026, 5, 4, 12, tzinfo=UTC)
AT_SECOND = datetime(2026, 5, 4, 12, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def measure(name: str, *values: Any, at: tuple[Any, ...] = (FIRST, SECOND)) -> dict[str, Any]:
    points = [
        {"timestamp": moment, "value": value} for moment, value in zip(at, values, strict=False)
    ]
    return {"dataPoints": points, "name": name, "units": "SCALAR"}


def three(*values: Any, **fields: Any) -> list[dict[str, Any]]:
    return [measure(name, *values, **fields) for name in MEASURES]


def answer(**fields: Any) -> dict[str, Any]:
    """An answer in the recorded shape."""
    return {
        "databaseName": "sales",
        "end": SECOND,
        "granularity": "PT1M",
        "groupId": "5f0000000000000000000a01",
        "hostId": PROCESS,
        "links": [{"href": "http://localhost:8080/api/atlas/v2", "rel": "self"}],
        "measurements": [
            measure("DATABASE_AVERAGE_OBJECT_SIZE", 83.9920634920635),
            measure("DATABASE_COLLECTION_COUNT", 26 / 3, 9.0),
            measure("DATABASE_INDEX_COUNT", 12.0, 13),
            measure("DATABASE_OBJECT_COUNT", 7.666666666666667, 8.0),
        ],
        "processId": PROCESS,
        "start": FIRST,
    } | fields


def read(value: Any) -> DatabaseSeries:
    return read_series(json.dumps(value).encode(), PROCESS, "sales")


def test_the_recorded_shape_is_read_with_means_that_are_no_whole_numbers() -> None:
    assert read(answer()) == DatabaseSeries(
        MINUTE,
        (
            Point(AT_FIRST, Figures(26 / 3, 7.666666666666667, 12)),
            Point(AT_SECOND, Figures(9, 8, 13)),
        ),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"databaseName": None, "processId": None},
        {"databaseName": 7, "processId": []},
        {"links": 7, "start": "never", "units": {}, "addedLater": [[]]},
        {
            "measurements": [
                None,
                7,
                {},
                {"name": "DATABASE_SHARD_COUNT"},
                *answer()["measurements"],
            ]
        },
        {"measurements": [{"name": 7}, {"name": "A", "dataPoints": 7}, *answer()["measurements"]]},
    ],
    ids=["not named", "named oddly", "other fields", "other series", "odd series"],
)
def test_what_is_not_compared_may_have_any_form(fields: dict[str, Any]) -> None:
    assert read(answer(**fields)) == read(answer())


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT10S", timedelta(seconds=10)),
        ("PT1M", MINUTE),
        ("PT5M", 5 * MINUTE),
        ("PT30M", 30 * MINUTE),
        ("PT1H", 60 * MINUTE),
        ("PT1H30M", 90 * MINUTE),
        ("P1D", timedelta(days=1)),
        ("P1DT12H", timedelta(hours=36)),
        *((odd, None) for odd in ("", "P", "PT", "P1DT", "PT0S", "1M", "P1M", "P1Y", "PT1.5M")),
        *((odd, None) for odd in ("PT-1M", "pt1m", "P367D", "PT1M ", "PT\u0661M", None, 60, True)),
    ],
    ids=repr,
)
def test_the_granularity_is_a_duration(text: object, duration: timedelta | None) -> None:
    if duration is not None:
        assert read(answer(granularity=text)).granularity == duration
        return
    with pytest.raises(UnexpectedAtlasResponseError, match="granularity is not as expected"):
        read(answer(granularity=text))


NO_COUNTS: list[Any] = [None, -1, -0.5, LARGEST + 1000, 10**400, 1e300, True, "7", [], {}]
NO_NUMBERS = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize(
    ("value", "is_read"),
    [
        *((count, True) for count in (0, 0.25, LARGEST)),
        *((odd, False) for odd in [*NO_COUNTS, *NO_NUMBERS]),
    ],
    ids=lambda value: repr(value)[:12],
)
@pytest.mark.parametrize("name", MEASURES)
def test_a_value_that_is_no_number_of_things_is_null(
    name: str, value: Any, *, is_read: bool
) -> None:
    others = [measure(other, 1, 1) for other in MEASURES if other != name]

    first, second = read(answer(measurements=[*others, measure(name, value, 1)])).points

    assert second == Point(AT_SECOND, Figures(1, 1, 1))
    assert first.at == AT_FIRST
    assert (first.figures is not None) is is_read


@pytest.mark.parametrize("name", MEASURES)
def test_without_one_of_the_series_each_point_is_null(name: str) -> None:
    measurements = [measure(other, 1, 1) for other in MEASURES if other != name]

    points = read(answer(measurements=measurements)).points

    assert points == (Point(AT_FIRST, None), Point(AT_SECOND, None))


def test_without_points_there_is_a_series_of_none() -> None:
    assert read(answer(measurements=[])) == DatabaseSeries(MINUTE)
    assert read(answer(measurements=three())) == DatabaseSeries(MINUTE)


def test_points_are_in_the_order_of_time_and_zones_do_not_matter() -> None:
    minutes = range(59, 0, -7)
    at = tuple(f"2026-05-04T14:{minute:02}:00+02:00" for minute in minutes)

    points = read(answer(measurements=three(*minutes, at=at))).points

    assert points == tuple(
        Point(AT_FIRST + minute * MINUTE, Figures(minute, minute, minute))
        for minute in sorted(minutes)
    )


@pytest.mark.parametrize(
    ("values", "figures"),
    [((1, 1), Figures(1, 1, 1)), ((1, 2), None), ((None, 1), None), ((1, 2, 1), None)],
    ids=["the same", "another", "null and another", "another and again"],
)
def test_values_of_one_moment_that_contradict_each_other_are_null(
    values: tuple[Any, ...], figures: Figures | None
) -> None:
    at = (FIRST,) * len(values)

    assert read(answer(measurements=three(*values, at=at))).points == (Point(AT_FIRST, figures),)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"databaseName": "stock"}, "it names another database or process"),
        ({"processId": "other.example.net:27017"}, "it names another database or process"),
        ({"measurements": None}, "measurements is not as expected"),
        ({"measurements": {}}, "measurements is not as expected"),
        ({"measurements": [*three(1), *three(1)]}, "it has a series twice"),
        ({"measurements": [{"name": "DATABASE_INDEX_COUNT"}]}, "dataPoints is not as expected"),
        ({"measurements": three(1, at=("noon",))}, "timestamp is not as expected"),
        ({"measurements": three(1, at=(None,))}, "timestamp is not as expected"),
        (
            {"measurements": [{"name": "DATABASE_INDEX_COUNT", "dataPoints": [7]}]},
            r"dataPoints\.0 is not as expected",
        ),
    ],
    ids=[
        "another database",
        "another process",
        "no measurements",
        "measurements of another form",
        "a series twice",
        "a series without points",
        "a moment that is no date",
        "no moment",
        "a point of another form",
    ],
)
def test_what_could_hide_a_point_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=problem):
        read(answer(**fields))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b"\xff", b'{"a":' * 100_000, b"[" * 900 + b"]" * 900],
    ids=["empty", "a list", "null", "HTML", "not UTF-8", "endless", "deep"],
)
def test_another_answer_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match="Atlas answered 200"):
        read_series(body, PROCESS, "sales")


@given(json_values())
def test_an_error_quotes_no_value(value: Any) -> None:
    secret = "mongodb+srv://user:secret@example.net"
    odd = answer(granularity=[secret, value], measurements=secret)

    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        read(odd)
    assert "secret" not in str(refused.value)


@given(json_values(), json_values(), json_values(), json_values())
def test_any_answer_is_read_or_refused(whole: Any, some: Any, points: Any, value: Any) -> None:
    name = next(iter(MEASURES))
    point = {"timestamp": FIRST, "value": value}
    answers = [
        whole,
        answer(measurements=some),
        answer(measurements=[{"name": name, "dataPoints": points}]),
        answer(measurements=[{"name": name, "dataPoints": [point]}]),
    ]
    for one in answers:
        try:
            series = read(one)
        except UnexpectedAtlasResponseError:
            assert one is not answers[-1]
        else:
            assert all(found.figures is None for found in series.points)
