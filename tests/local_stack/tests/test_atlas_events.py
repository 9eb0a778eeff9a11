"""The restores of the Atlas emulator leave events in their projects, as Atlas's do."""

from datetime import timedelta
from typing import Any

import pytest

from local_stack.atlas import Kind
from local_stack.tests.emulated import GROUP, NOON, Place, Value

pytestmark = pytest.mark.timeout(20)

MAINTENANCE = "PROJECT_SCHEDULED_MAINTENANCE"


def events(place: Place, **query: Value) -> list[dict[str, Any]]:
    body = place.of_project("events", **query).json()
    return list(body["results"])


def types(place: Place, **query: Value) -> list[str]:
    return [event["eventTypeName"] for event in events(place, **query)]


@pytest.mark.parametrize(
    ("kind", "timeline", "expected"),
    [
        (
            "flex",
            ["PENDING", "RUNNING", "COMPLETED"],
            ["TENANT_RESTORE_COMPLETED_AUDIT", "TENANT_RESTORE_REQUESTED_AUDIT"],
        ),
        ("flex", ["FAILED"], ["TENANT_RESTORE_FAILED", "TENANT_RESTORE_REQUESTED_AUDIT"]),
        (
            "tenant",
            ["PENDING", "COMPLETED"],
            ["TENANT_RESTORE_COMPLETED_AUDIT", "TENANT_RESTORE_REQUESTED_AUDIT"],
        ),
        (
            "dedicated",
            ["running", "finished"],
            ["CPS_RESTORE_SUCCESSFUL", "CPS_RESTORE_REQUESTED_AUDIT"],
        ),
        ("dedicated", ["running", "failed"], ["CPS_RESTORE_FAILED", "CPS_RESTORE_REQUESTED_AUDIT"]),
        ("dedicated", ["running", "download-ready"], ["CPS_RESTORE_REQUESTED_AUDIT"]),
        ("collection", ["INITIALIZING", "IN_PROGRESS"], []),
        *(
            ("collection", ["INITIALIZING", word], [f"CPS_COLLECTION_RESTORE_{word}"])
            for word in ("SUCCESSFUL", "FAILED", "PARTIAL_SUCCESS", "CANCELED")
        ),
    ],
)
def test_a_restore_leaves_the_events_of_its_kind(
    place: Place, kind: Kind, timeline: list[str], expected: list[str]
) -> None:
    place.atlas.start_restore(GROUP, "source", kind, timeline=timeline).run_to_end()

    assert types(place) == expected


def test_an_event_names_neither_a_cluster_nor_a_job(place: Place) -> None:
    restore = place.atlas.start_restore(GROUP, "source", "flex")
    (event,) = events(place)

    assert event["created"] == "2026-05-04T12:00:00Z"
    assert int(event["id"][:8], 16) == NOON.timestamp()
    assert not [text for text in ("source", restore.restore_id) if text in str(event)]


def test_events_are_listed_newest_first(place: Place) -> None:
    first = place.atlas.start_restore(GROUP, "source", "flex")
    place.atlas.start_restore(GROUP, "source", "dedicated")
    place.clock.advance(61)
    first.run_to_end()
    place.atlas.add_event(GROUP, MAINTENANCE, at=NOON + timedelta(seconds=30))

    assert types(place) == [
        "TENANT_RESTORE_COMPLETED_AUDIT",
        MAINTENANCE,
        "CPS_RESTORE_REQUESTED_AUDIT",
        "TENANT_RESTORE_REQUESTED_AUDIT",
    ]


def test_events_can_be_filtered_by_several_types(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex")
    place.atlas.start_restore(GROUP, "dedicated", "dedicated")
    place.atlas.add_event(GROUP, MAINTENANCE)
    asked = ["TENANT_RESTORE_REQUESTED_AUDIT", MAINTENANCE]

    assert types(place, eventType=asked) == asked[::-1]
    assert place.atlas.wire.calls[-1].values("eventType") == asked


def test_events_can_be_filtered_by_date(place: Place) -> None:
    for passed in range(5):
        place.atlas.add_event(GROUP, MAINTENANCE, at=NOON + timedelta(seconds=passed))

    def seconds(**query: Value) -> list[str]:
        return [event["created"][-3:-1] for event in events(place, **query)]

    assert seconds(minDate="2026-05-04T12:00:03Z") == ["04", "03"]
    assert seconds(maxDate="2026-05-04T12:00:01Z") == ["01", "00"]
    assert seconds(minDate="2026-05-04T12:00:01Z", maxDate="2026-05-04T12:00:02Z") == ["02", "01"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"eventType": "TENANT_RESTORE_IMAGINED"}, "INVALID_ENUM_VALUE"),
        ({"minDate": "yesterday"}, "INVALID_ATTRIBUTE"),
        ({"maxDate": ""}, "INVALID_ATTRIBUTE"),
        ({"itemsPerPage": "501"}, "INVALID_ATTRIBUTE"),
        ({"includeRaw": "true"}, "INVALID_ATTRIBUTE"),
        ({"clusterNames": "source"}, "INVALID_ATTRIBUTE"),
    ],
    ids=str,
)
def test_an_impossible_question_is_refused(
    place: Place, query: dict[str, Value], code: str
) -> None:
    place.atlas.add_project(GROUP)
    response = place.of_project("events", **query)

    assert (response.status_code, response.json()["errorCode"]) == (400, code)


def test_atlas_can_refuse_every_filter_by_type(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex")
    place.atlas.behaviour.event_types = frozenset()

    assert place.of_project("events", eventType=MAINTENANCE).status_code == 400
    assert types(place) == ["TENANT_RESTORE_REQUESTED_AUDIT"]


def test_a_page_without_a_count_has_no_next(place: Place) -> None:
    for _ in range(101):
        place.atlas.add_event(GROUP, MAINTENANCE)
    counted = place.of_project("events", eventType=[MAINTENANCE, "CLUSTER_CREATED"]).json()
    uncounted = place.of_project("events", includeCount="false").json()
    after = place.of_project("events", includeCount="false", pageNum="2").json()

    (link,) = [link["href"] for link in counted["links"] if link["rel"] == "next"]
    assert counted["totalCount"] == 101
    assert link.endswith(f"eventType={MAINTENANCE}&eventType=CLUSTER_CREATED&pageNum=2")
    assert len(place.digest.get(link).json()["results"]) == 1
    assert (len(uncounted["results"]), uncounted["totalCount"]) == (100, 0)
    assert [link["rel"] for link in uncounted["links"]] == ["self"]
    assert len(after["results"]) == 1


def test_restores_can_leave_no_events(place: Place) -> None:
    place.atlas.behaviour.emits_events = False
    place.atlas.start_restore(GROUP, "source", "flex").run_to_end()

    assert events(place) == []


def test_clearing_removes_events(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex")
    place.atlas.clear()
    place.atlas.add_project(GROUP)

    assert events(place) == []
