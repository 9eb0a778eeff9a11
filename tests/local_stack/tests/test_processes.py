"""What the emulated Atlas shows of what its clusters hold."""

from datetime import timedelta

import pytest

from local_stack.cluster_data import ClusterData, Held
from local_stack.tests.emulated import GROUP, NOON, Place

pytestmark = pytest.mark.timeout(20)

MINUTE = timedelta(minutes=1)
SALES = Held(documents=1000, collections=3, indexes=5)


def documents(place: Place, granularity: str = "PT1M", **fields: str) -> dict[str, float | None]:
    """The documents of the database `sales`, by the times of day."""
    process = place.atlas.processes(GROUP)[0].process_id
    asked = {
        "granularity": granularity,
        "start": "2026-05-04T12:00:00Z",
        "end": "2026-05-04T14:00:00Z",
        "m": "DATABASE_OBJECT_COUNT",
    }
    path = f"processes/{process}/databases/sales/measurements"
    answer = place.of_project(path, **asked | fields)
    assert answer.status_code == 200, answer.text
    (measure,) = answer.json()["measurements"]
    return {point["timestamp"][11:16]: point["value"] for point in measure["dataPoints"]}


@pytest.fixture
def data(place: Place) -> ClusterData:
    """A cluster that holds 1,000 documents from noon on; it is two hours later."""
    held = place.atlas.hold(GROUP, "source", {"sales": SALES})
    place.clock.advance(2 * 3600)
    return held


def test_atlas_counts_every_20_minutes(place: Place, data: ClusterData) -> None:
    data.hold("sales", Held(400), NOON + 50 * MINUTE)

    assert documents(place) == {
        "12:00": 1000,
        "12:20": 1000,
        "12:40": 1000,
        "13:00": 400,
        "13:20": 400,
        "13:40": 400,
        "14:00": 400,
    }


def test_points_are_means_of_what_was_counted_before(place: Place, data: ClusterData) -> None:
    data.hold("sales", Held(400), NOON + 50 * MINUTE)

    assert documents(place, "PT1H") == {"12:00": 1000, "13:00": 800, "14:00": 400}


def test_figures_may_be_late_or_missing(place: Place, data: ClusterData) -> None:
    place.atlas.behaviour.figures_late = 1500
    data.do_not_count(NOON + 20 * MINUTE, NOON + 40 * MINUTE, "sales")
    data.do_not_count(NOON + 80 * MINUTE, NOON + 80 * MINUTE, "stock")

    assert list(documents(place)) == ["12:00", "13:00", "13:20"]


def test_a_period_without_a_count_may_have_a_null(place: Place, data: ClusterData) -> None:
    place.atlas.behaviour.shows_null = True
    data.do_not_count(NOON + 20 * MINUTE, NOON + 20 * MINUTE)

    shown = documents(place, "PT5M", end="2026-05-04T12:40:00Z")

    assert shown == {
        "12:00": 1000,
        **dict.fromkeys(["12:05", "12:10", "12:15", "12:20", "12:25", "12:30", "12:35"], None),
        "12:40": 1000,
    }


def test_fine_points_are_kept_for_two_days(place: Place, data: ClusterData) -> None:
    place.clock.advance(timedelta(hours=47).total_seconds())

    assert list(documents(place)) == ["13:00", "13:20", "13:40", "14:00"]
    assert list(documents(place, "PT1H")) == ["12:00", "13:00", "14:00"]
    assert data.at("sales", NOON) == SALES


def test_a_dropped_database_is_not_listed(place: Place, data: ClusterData) -> None:
    def names() -> list[str]:
        process = place.atlas.processes(GROUP)[2].process_id
        results = place.of_project(f"processes/{process}/databases").json()["results"]
        return [entry["databaseName"] for entry in results]

    assert names() == ["config", "local", "sales"]
    data.drop("sales", NOON + 90 * MINUTE)
    assert names() == ["config", "local"]


def test_a_target_becomes_what_the_source_was(place: Place, data: ClusterData) -> None:
    data.hold("later", Held(7), NOON + 60 * MINUTE)
    target = place.atlas.hold(GROUP, "target", {"its own": Held(9)})

    target.become(data, NOON + 30 * MINUTE, NOON + 130 * MINUTE)

    assert target.names(NOON + 129 * MINUTE) == ["config", "its own", "local"]
    assert target.names(NOON + 130 * MINUTE) == ["config", "local", "sales"]
    assert target.at("sales", NOON + 130 * MINUTE) == SALES


def test_during_an_election_there_is_no_primary(place: Place, data: ClusterData) -> None:
    def types() -> list[str]:
        results = place.of_project("processes").json()["results"]
        return [entry["typeName"].removeprefix("REPLICA_") for entry in results]

    assert types() == ["SECONDARY", "SECONDARY", "PRIMARY"]
    data.primary = None
    assert types() == ["SECONDARY", "SECONDARY", "SECONDARY"]


@pytest.mark.parametrize(
    "fields",
    [
        {"granularity": "PT2M"},
        {"period": "PT1H"},
        {"start": "noon"},
        {"start": "2026-05-04T15:00:00Z"},
        {"m": "DOCUMENTS"},
    ],
    ids=["granularity", "period", "date", "order", "measure"],
)
def test_a_question_of_another_form_is_refused(
    place: Place, data: ClusterData, fields: dict[str, str]
) -> None:
    process = place.atlas.processes(GROUP)[0].process_id
    asked = {"granularity": "PT1M", "start": "2026-05-04T12:00:00Z", "end": "2026-05-04T14:00:00Z"}
    path = f"processes/{process}/databases/sales/measurements"

    assert place.of_project(path, **asked).status_code == 200
    assert place.of_project(path, **asked | fields).status_code == 400
    assert data.has_data
