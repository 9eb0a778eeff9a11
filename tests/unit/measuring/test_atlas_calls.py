"""The questions to Atlas about a restore, and the times that they are about."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import (
    COLLECTION_JOBS,
    DEDICATED_CLUSTERS,
    DEDICATED_JOBS,
    PROCESSES,
)
from restore_watch.atlas.pages import PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import Get
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.atlas_calls import (
    ProcessKey,
    Window,
    collections_call,
    databases_call,
    hosts_call,
    jobs_call,
    processes_call,
    series_call,
    source_window,
    target_window,
    window_after,
    window_before,
)
from restore_watch.measuring.compare_databases import compare_databases
from restore_watch.measuring.database_series import DatabaseSeries, Figures, Point
from restore_watch.model.measurement import Outcome
from unit.atlas_answers import ID, PROJECT, TARGET
from unit.measuring.figures import ENDED, RESTORE, SNAPSHOT

API = f"/api/atlas/v2/groups/{PROJECT}"
PROCESS = ProcessKey(PROJECT, "atlas-abc123-shard-00-02.example.net:27017")
WINDOW = Window("PT1M", SNAPSHOT, ENDED)
PAGE = {"itemsPerPage": "500", "pageNum": "1"}

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("call", "path", "query", "bucket"),
    [
        (
            hosts_call((PROJECT, "orders")),
            f"{API}/clusters/orders",
            None,
            Bucket(PROJECT, DEDICATED_CLUSTERS),
        ),
        (
            jobs_call((PROJECT, "orders")),
            f"{API}/clusters/orders/backup/restoreJobs",
            PAGE | {"includeCount": "false"},
            Bucket(PROJECT, DEDICATED_JOBS),
        ),
        (processes_call(PROJECT), f"{API}/processes", PAGE, Bucket(PROJECT, PROCESSES)),
        (
            processes_call(PROJECT, PageAt(2)),
            f"{API}/processes",
            PAGE | {"pageNum": "2"},
            Bucket(PROJECT, PROCESSES),
        ),
        (
            databases_call(PROCESS),
            f"{API}/processes/{PROCESS.process_id}/databases",
            PAGE,
            Bucket(PROJECT, PROCESSES),
        ),
        (
            series_call(PROCESS, "sales", WINDOW),
            f"{API}/processes/{PROCESS.process_id}/databases/sales/measurements",
            {
                "granularity": "PT1M",
                "start": "2026-05-04T12:00:00Z",
                "end": "2026-05-04T14:00:00Z",
                "m": [
                    "DATABASE_COLLECTION_COUNT",
                    "DATABASE_OBJECT_COUNT",
                    "DATABASE_INDEX_COUNT",
                ],
            },
            Bucket(PROJECT, PROCESSES),
        ),
        (
            collections_call(TARGET),
            f"{API}/clusters/orders/collectionRestoreJobs/{ID}/collections",
            PAGE,
            Bucket(PROJECT, COLLECTION_JOBS),
        ),
    ],
    ids=["hosts", "restores", "processes", "the next page", "databases", "series", "collections"],
)
def test_each_question_has_its_path_and_its_bucket(
    call: Get[Any], path: str, query: object, bucket: Bucket
) -> None:
    assert (call.path, call.query, call.bucket) == (path, query, bucket)


@pytest.mark.parametrize(
    ("name", "part"),
    [("käufe", "k%C3%A4ufe"), ("%2e#;&?", "%252e%23%3B%26%3F"), ("a:b@", "a%3Ab%40")],
)
def test_a_name_stays_one_part_of_the_path(name: str, part: str) -> None:
    path = series_call(PROCESS, name, WINDOW).path

    assert path == f"{API}/processes/{PROCESS.process_id}/databases/{part}/measurements"


def answered(call: Get[Any], body: object) -> Any:
    return call.read(Answer(200, httpx.Headers(), json.dumps(body).encode()))


def test_each_answer_has_its_reader() -> None:
    entries = [{"id": "a"}]
    figures = {"databaseName": "sales", "granularity": "PT1M", "measurements": []}

    assert answered(hosts_call((PROJECT, "orders")), {"clusterType": "SHARDED"}).is_sharded
    assert answered(processes_call(PROJECT), {"results": entries}).entries == entries
    assert answered(databases_call(PROCESS), {"results": entries}).entries == entries
    assert answered(collections_call(TARGET), {"results": entries}).entries == entries
    series = series_call(PROCESS, "sales", WINDOW)
    assert answered(series, figures) == DatabaseSeries(timedelta(minutes=1))
    with pytest.raises(UnexpectedAtlasResponseError, match="another database or process"):
        answered(series, figures | {"processId": "other"})


# The times


@pytest.mark.parametrize(
    ("age", "window"),
    [
        (2 * HOUR, Window("PT1M", SNAPSHOT - 3 * HOUR, SNAPSHOT + 2 * HOUR)),
        (4 * HOUR, Window("PT1M", SNAPSHOT - 3 * HOUR, SNAPSHOT + 3 * HOUR)),
        (42 * HOUR, Window("PT1M", SNAPSHOT - 3 * HOUR, SNAPSHOT + 3 * HOUR)),
        (43 * HOUR, Window("PT1H", SNAPSHOT - 12 * HOUR, SNAPSHOT + 12 * HOUR)),
        (62 * DAY, Window("PT1H", SNAPSHOT - 12 * HOUR, SNAPSHOT + 12 * HOUR)),
        (63 * DAY, Window("P1D", SNAPSHOT - 3 * DAY, SNAPSHOT + 3 * DAY)),
        (4000 * DAY, Window("P1D", SNAPSHOT - 3 * DAY, SNAPSHOT + 3 * DAY)),
    ],
    ids=["hours", "more hours", "two days", "more", "two months", "more months", "years"],
)
def test_the_source_is_asked_for_the_finest_points_that_atlas_still_keeps(
    age: timedelta, window: Window
) -> None:
    assert source_window(RESTORE, SNAPSHOT + age) == window


@pytest.mark.parametrize(
    ("age", "window"),
    [
        (timedelta(minutes=15), Window("PT1M", ENDED, ENDED + timedelta(minutes=15))),
        (4 * HOUR, Window("PT1M", ENDED, ENDED + 3 * HOUR)),
        (46 * HOUR, Window("PT1H", ENDED, ENDED + 12 * HOUR)),
        (90 * DAY, Window("P1D", ENDED, ENDED + 3 * DAY)),
        (timedelta(0), Window("PT1M", ENDED, ENDED + timedelta(minutes=1))),
        (-DAY, Window("PT1M", ENDED, ENDED + timedelta(minutes=1))),
    ],
    ids=["the first try", "hours", "days", "months", "at once", "a clock that is behind"],
)
def test_the_target_is_asked_for_the_time_since_the_restore(age: timedelta, window: Window) -> None:
    assert target_window(RESTORE, ENDED + age) == window


@pytest.mark.parametrize(
    ("age", "granularity"),
    [
        (timedelta(minutes=20), "PT1M"),
        (45 * HOUR, "PT1M"),
        (46 * HOUR, "PT1H"),
        (62 * DAY, "PT1H"),
        (63 * DAY, "P1D"),
    ],
    ids=["minutes", "two days", "more", "two months", "more months"],
)
def test_what_came_later_is_asked_for_up_to_now(age: timedelta, granularity: str) -> None:
    window = Window("PT1M", SNAPSHOT, ENDED)

    assert window_after(window, ENDED + age) == Window(granularity, ENDED, ENDED + age)


def test_what_was_there_before_is_asked_for_day_by_day() -> None:
    window = Window("PT1M", SNAPSHOT, ENDED)

    assert window_before(window) == Window("P1D", SNAPSHOT - 30 * DAY, SNAPSHOT)


def test_nothing_came_after_a_window_that_ends_now() -> None:
    window = Window("PT1M", SNAPSHOT, ENDED)

    assert window_after(window, ENDED) == Window("PT1M", ENDED, ENDED + timedelta(minutes=1))


def test_moments_are_asked_for_in_whole_seconds() -> None:
    odd = replace(RESTORE, snapshot_at=SNAPSHOT + timedelta(microseconds=7))

    query = source_window(odd, SNAPSHOT + timedelta(minutes=30, microseconds=9)).query

    assert (query["start"], query["end"]) == ("2026-05-04T09:00:00Z", "2026-05-04T12:30:00Z")


ages = st.timedeltas(timedelta(0), timedelta(days=4000))


@given(ages, st.sampled_from([source_window, target_window]))
def test_a_window_begins_before_it_ends_and_is_small(
    age: timedelta, window_of: Callable[..., Window]
) -> None:
    window = window_of(RESTORE, ENDED + age)

    assert window.start < window.end
    each = {"PT1M": timedelta(minutes=1), "PT1H": HOUR, "P1D": DAY}[window.granularity]
    assert (window.end - window.start) / each <= 360


def shown(window: Window, counted_at: datetime) -> DatabaseSeries:
    """What Atlas shows of a database that does not change, with a point for each period."""
    each = {"PT1M": timedelta(minutes=20), "PT1H": HOUR, "P1D": DAY}[window.granularity]
    first = window.start + (counted_at - window.start) % each
    moments = [first + number * each for number in range((window.end - first) // each + 1)]
    points = tuple(Point(moment, Figures(3, 1000, 5)) for moment in moments)
    granularity = timedelta(minutes=1) if window.granularity == "PT1M" else each
    return DatabaseSeries(granularity, points)


@given(
    st.timedeltas(2 * HOUR, timedelta(days=4000)),
    st.timedeltas(timedelta(0), DAY),
)
def test_a_window_reaches_points_on_both_sides_whenever_atlas_counts(
    age: timedelta, phase: timedelta
) -> None:
    now = ENDED + age + 3 * DAY
    source = {"sales": shown(source_window(RESTORE, now), SNAPSHOT + phase)}
    target = {"sales": shown(target_window(RESTORE, now), SNAPSHOT + phase)}

    assert compare_databases(RESTORE, source, target).outcome is Outcome.MATCHES
