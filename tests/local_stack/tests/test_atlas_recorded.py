"""
The lists of the Atlas emulator have the fields and types of the recorded ones.

The recordings are kept beside the checkout, and nothing of them is copied into it.
"""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_stack.tests.emulated import GROUP, Place

CHECKOUT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("ATLAS_SHARED") or CHECKOUT.parent / "shared") / "atlas" / "recordings"
EVENTS = sorted((FOLDER / "events").glob("*.json"))

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.skipif(
        not EVENTS, reason="the recordings are not there: ATLAS_SHARED names their folder"
    ),
]

HEADERS = {"Content-Type", "Ratelimit-Limit", "Server", "X-Java-Method"}
RESTORE_TYPES = ["TENANT_RESTORE_REQUESTED_AUDIT", "TENANT_RESTORE_COMPLETED_AUDIT"]

type Shape = str | list[Shape] | dict[str, Shape]


def shape(value: Any) -> Shape:
    """The types of a value and of everything in it. Entries of a list with one type are one."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        shapes: list[Shape] = []
        for found in map(shape, value):
            if found not in shapes:
                shapes.append(found)
        return shapes
    return type(value).__name__


def recorded(path: Path) -> dict[str, Any]:
    response: dict[str, Any] = json.loads(path.read_text())["response"]
    return response


def restore_events(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One event of each type of restore event on a page."""
    return {
        event["eventTypeName"]: event
        for event in body["results"]
        if event["eventTypeName"] in RESTORE_TYPES
    }


def assert_same_page(emulated: httpx.Response, real: dict[str, Any]) -> None:
    """The page is the same but for its entries."""
    body = emulated.json()
    assert {name: emulated.headers[name] for name in HEADERS} == {
        name: real["headers"][name] for name in HEADERS
    }
    assert shape(body | {"results": []}) == shape(real["body"] | {"results": []})
    assert [link["rel"] for link in body["links"]] == [
        link["rel"] for link in real["body"]["links"]
    ]


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_page_of_events_is_as_recorded(place: Place, path: Path) -> None:
    place.atlas.start_restore(GROUP, "source", "flex").run_to_end()
    for _ in range(100):
        place.atlas.add_event(GROUP, "PROJECT_SCHEDULED_MAINTENANCE")
    real = recorded(path)
    emulated = place.of_project(
        "events", includeCount="false", includeRaw="false", pageNum="1", itemsPerPage="100"
    )

    assert_same_page(emulated, real)
    assert emulated.json()["totalCount"] == real["body"]["totalCount"]
    assert len(emulated.json()["results"]) == len(real["body"]["results"])
    (maintenance,) = (
        one
        for one in shape(real["body"]["results"])
        if "clusterName" not in one and "apiKeyId" not in one
    )
    assert shape(emulated.json()["results"]) == [maintenance]


def test_restore_events_are_as_recorded(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex").run_to_end()
    emulated = restore_events(place.of_project("events").json())
    real = {
        name: event
        for path in EVENTS
        for name, event in restore_events(recorded(path)["body"]).items()
    }

    assert emulated.keys() == real.keys() == set(RESTORE_TYPES)
    for name, event in real.items():
        assert shape(emulated[name]) == shape(event)
        assert list(emulated[name]) == list(event)


def test_a_list_of_flex_clusters_is_as_recorded(place: Place) -> None:
    place.atlas.add_cluster(GROUP, "source", "flex")
    real = recorded(FOLDER / "real" / "clusters_flex_list.json")
    emulated = place.of_project("flexClusters", includeCount="true", pageNum="1")

    assert_same_page(emulated, real)
    assert shape(emulated.json()["results"]) == shape(real["body"]["results"])


def test_a_list_of_dedicated_clusters_has_recorded_fields(place: Place) -> None:
    place.atlas.add_cluster(GROUP, "source", "dedicated")
    real = recorded(FOLDER / "real" / "clusters_list.json")
    emulated = place.of_project("clusters", includeCount="true", pageNum="1")
    (ours,), theirs = emulated.json()["results"], real["body"]["results"][0]

    assert_same_page(emulated, real)
    # Recorded is a sharded cluster with private endpoints; a field that both have has one type.
    named = {name: shape(value) for name, value in ours.items() if name != "connectionStrings"}
    assert named == {name: shape(theirs[name]) for name in named}
    assert ours["connectionStrings"].keys() <= theirs["connectionStrings"].keys()
