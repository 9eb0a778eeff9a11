"""
The emulated Atlas answers in the shapes that the real one answered in.

The recordings are kept beside the checkout, and nothing of them is copied into it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from local_stack.atlas import Kind
from local_stack.tests.emulated import GROUP, PATHS, Change, Place

CHECKOUT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("ATLAS_SHARED") or CHECKOUT.parent / "shared") / "atlas" / "recordings"

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason="the recordings are not there: ATLAS_SHARED names their folder"
    ),
]

type Ask = Callable[[Place], httpx.Response]
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


def nothing(_place: Place) -> None: ...


def job(kind: Kind, *timeline: str, **facts: str) -> Change:
    return lambda place: place.start(kind, *timeline, **facts)


def ready_download(place: Place) -> None:
    """Private endpoints and shards, which were never recorded, have further URLs."""
    restore = place.start("dedicated", "download-ready", delivery_type="download")
    restore.drop("components", "privateDownloadDeliveryUrls")


def cluster(kind: Kind) -> Change:
    return lambda place: place.atlas.add_cluster(GROUP, "source", kind)


def get_dedicated(place: Place) -> httpx.Response:
    return place.get("dedicated")


def a_list(kind: Kind) -> Ask:
    return lambda place: place.list(kind, includeCount="true", pageNum="1", itemsPerPage="100")


def post(place: Place) -> httpx.Response:
    snapshot = place.atlas.add_snapshot(GROUP, "source")
    order = {
        "deliveryType": "automated",
        "snapshotId": snapshot.snapshot_id,
        "targetGroupId": GROUP,
        "targetClusterName": "source",
    }
    path = f"/api/atlas/v2/groups/{GROUP}/{PATHS['dedicated']}"
    return place.digest.post(path, json=order)


def without_credentials(body: Literal["coded", "uncoded"]) -> Change:
    def change(place: Place) -> None:
        place.digest.auth = None  # type: ignore[assignment]
        place.atlas.behaviour.challenge_body = body

    return change


def empty_bucket(place: Place) -> None:
    place.start()
    place.atlas.keep_bucket(GROUP, "flex", 0)


def refuse_address(place: Place) -> None:
    place.atlas.behaviour.refused_address = "203.0.113.9"


def counted(place: Place) -> None:
    """The clock stands on a full hour, at which Atlas counts."""
    place.atlas.add_cluster(GROUP, "source", "dedicated")


def new(place: Place) -> None:
    place.atlas.hold(GROUP, "source", {}).has_data = False


def of_process(path: str = "", **query: str) -> Ask:
    def ask(place: Place) -> httpx.Response:
        process = place.atlas.processes(GROUP)[0].process_id
        return place.of_project(f"processes/{process}/databases{path}", **query)

    return ask


ANSWERS: dict[str, tuple[Change, Ask]] = {
    "measurements/processes_a": (counted, lambda place: place.of_project("processes")),
    "measurements/processes_replica_set": (counted, lambda place: place.of_project("processes")),
    "measurements/processes_no_data_yet": (new, lambda place: place.of_project("processes")),
    "measurements/databases_a": (counted, of_process()),
    "measurements/database_config_*": (
        counted,
        of_process(
            "/config/measurements",
            granularity="PT30M",
            start="2026-05-04T12:00:00Z",
            end="2026-05-04T12:30:00Z",
        ),
    ),
    "real/flex_*_get_PENDING": (job("flex"), Place.get),
    "real/flex_*_get_RUNNING": (job("flex", "RUNNING"), Place.get),
    "real/flex_*_get_COMPLETED": (job("flex", "COMPLETED"), Place.get),
    "real/flex_list_*": (job("flex", "COMPLETED"), a_list("flex")),
    "real/dedicated_list_01": (job("dedicated", "finished"), a_list("dedicated")),
    "real/dedicated_*_post_automated": (nothing, post),
    "real/dedicated_*_get_automated": (job("dedicated"), get_dedicated),
    "real/dedicated_*_get_automated-finished": (job("dedicated", "finished"), get_dedicated),
    "real/dedicated_*_get_download": (job("dedicated", delivery_type="download"), get_dedicated),
    "real/dedicated_*_get_download-url": (ready_download, get_dedicated),
    "real/clusters_flex_list": (cluster("flex"), lambda place: place.of_project("flexClusters")),
    "real/error_400_non_flex_in_flex_get_job": (job("dedicated"), Place.get),
    "real/error_404_resource_not_found": (cluster("flex"), Place.get),
    "real/error_404_cluster_not_found*": (lambda place: place.atlas.add_project(GROUP), Place.get),
    "real/error_404_group_not_found": (nothing, Place.get),
    "real/error_401_digest_challenge": (without_credentials("uncoded"), Place.get),
    "real/error_401_digest_challenge_with_errorcode": (without_credentials("coded"), Place.get),
    "documented/error_429_token_bucket": (empty_bucket, Place.get),
    "documented/error_403_ip_access_list": (refuse_address, Place.get),
    "documented/oauth_200_token": (nothing, Place.token),
    "documented/oauth_401_invalid_client": (nothing, lambda place: place.token("wrong")),
}
"""For the recordings of these names, what happens and what is asked for."""

HEADERS = ["Content-Type", "Server", "Vary", "X-Error-Code"]
"""Besides these, an answer has the limit and the method of the endpoint it was recorded at."""


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_recorded_shape(place: Place, name: str) -> None:
    change, ask = ANSWERS[name]
    change(place)
    emulated = ask(place)
    paths = sorted(FOLDER.glob(f"{name}.json"))

    assert paths
    is_same_endpoint = "/error_" not in name and not name.startswith("documented")
    compared = HEADERS + ["X-Java-Method", "Ratelimit-Limit"] * is_same_endpoint
    for real in map(recorded, paths):
        headers = {name: real["headers"][name] for name in compared if name in real["headers"]}
        assert emulated.status_code == real["status"]
        assert {name: emulated.headers.get(name) for name in headers} == headers
        assert shape(emulated.json()) == shape(real["body"])


@pytest.mark.parametrize("path", sorted((FOLDER / "events").glob("*")), ids=lambda path: path.stem)
def test_a_page_of_events_has_the_recorded_shape(place: Place, path: Path) -> None:
    """Of restores and of maintenance, the only events that are emulated."""
    place.start().run_to_end()
    for _ in range(98):
        place.atlas.add_event(GROUP, "PROJECT_SCHEDULED_MAINTENANCE")
    page = place.of_project("events", includeCount="false", itemsPerPage="100").json()
    ours = {event["eventTypeName"]: event for event in page["results"]}
    real = recorded(path)["body"]

    assert shape(page | {"results": []}) == shape(real | {"results": []})
    assert (page["totalCount"], len(page["results"])) == (real["totalCount"], len(real["results"]))
    compared = [event for event in real["results"] if event["eventTypeName"] in ours]
    assert compared
    for event in compared:
        assert shape(ours[event["eventTypeName"]]) == shape(event)


def test_a_dedicated_cluster_has_recorded_fields(place: Place) -> None:
    """Recorded is a sharded cluster with private endpoints, which has more."""
    place.atlas.add_cluster(GROUP, "source", "dedicated")
    (ours,) = place.of_project("clusters").json()["results"]
    theirs = recorded(FOLDER / "real" / "clusters_list.json")["body"]["results"][0]

    assert ours.pop("connectionStrings").keys() <= theirs["connectionStrings"].keys()
    assert shape(ours) == shape({name: theirs[name] for name in ours})
