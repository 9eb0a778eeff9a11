"""The Atlas emulator lists projects and their clusters, and can refuse or lose them."""

import pytest

from local_stack.atlas import Family, Kind, RateLimit, Role
from local_stack.tests.emulated import GROUP, KEY, Place
from local_stack.wire import Answer, Fault

pytestmark = pytest.mark.timeout(20)

OTHER_GROUP = "5f0000000000000000000a02"
OF_PROJECT = ["events", "flexClusters", "clusters"]
KINDS: list[Kind] = ["flex", "dedicated", "collection"]


def listed(place: Place) -> list[str]:
    return [project["id"] for project in place.projects().json()["results"]]


def names(place: Place, path: str) -> list[str]:
    return [cluster["name"] for cluster in place.of_project(path).json()["results"]]


def code(place: Place, path: str) -> str:
    return str(place.of_project(path).json().get("errorCode"))


def test_projects_are_listed_with_the_number_of_their_clusters(place: Place) -> None:
    place.atlas.add_project(GROUP, "Sales")
    place.clock.advance(60)
    place.atlas.add_cluster(OTHER_GROUP, "orders", "flex")
    response = place.projects()
    api = f"{place.atlas.url}/api/atlas/v2/groups"

    assert response.json() == {
        "links": [{"href": api, "rel": "self"}],
        "results": [
            {
                "clusterCount": count,
                "created": created,
                "id": group,
                "links": [{"href": f"{api}/{group}", "rel": "self"}],
                "name": name,
                "orgId": "5f00000000000000000000f1",
            }
            for group, name, count, created in [
                (GROUP, "Sales", 0, "2026-05-04T12:00:00Z"),
                (OTHER_GROUP, "Project 0a02", 1, "2026-05-04T12:01:00Z"),
            ]
        ],
        "totalCount": 2,
    }
    assert response.headers["Content-Type"] == "application/vnd.atlas.2023-01-01+json;charset=utf-8"
    assert place.atlas.wire.calls[-1].operation == "projects"


def test_projects_have_pages(place: Place) -> None:
    groups = [f"5f00000000000000{number:08x}" for number in range(501)]
    for group in groups:
        place.atlas.add_project(group)
    last = place.projects(itemsPerPage="500", pageNum="2").json()

    assert [project["id"] for project in last["results"]] == groups[500:]
    assert [link["rel"] for link in last["links"]] == ["self", "previous"]
    assert [link["rel"] for link in place.projects().json()["links"]] == ["self", "next"]
    assert listed(place) == groups[:100]
    assert place.projects(itemsPerPage="501").status_code == 400


def test_a_project_can_be_hidden_from_the_list(place: Place) -> None:
    place.start()
    place.atlas.hide_project(GROUP)
    assert listed(place) == []
    assert place.list("flex").status_code == 200

    place.atlas.show_project(GROUP)
    assert listed(place) == [GROUP]


@pytest.mark.parametrize("kind", KINDS)
def test_a_restore_adds_its_project_and_a_cluster_of_its_kind(place: Place, kind: Kind) -> None:
    place.start(kind)

    assert listed(place) == [GROUP]
    assert names(place, "flexClusters") == (["source"] if kind == "flex" else [])
    assert names(place, "clusters") == ([] if kind == "flex" else ["source"])


def test_an_upgraded_cluster_changes_lists_and_keeps_its_id(place: Place) -> None:
    flex = place.atlas.add_cluster(GROUP, "source", "flex").cluster_id
    place.atlas.add_cluster(GROUP, "source", "dedicated")
    (cluster,) = place.of_project("clusters").json()["results"]

    assert names(place, "flexClusters") == []
    assert (cluster["id"], cluster["stateName"]) == (flex, "IDLE")


def test_a_cluster_can_have_another_state(place: Place) -> None:
    place.atlas.add_cluster(GROUP, "source", "flex").state_name = "DELETING"
    (cluster,) = place.of_project("flexClusters").json()["results"]

    assert cluster["stateName"] == "DELETING"


@pytest.mark.parametrize(
    ("path", "kind", "operation"),
    [
        ("flexClusters", "flex", "flex_clusters"),
        ("clusters", "dedicated", "dedicated_clusters"),
    ],
)
def test_clusters_have_pages(place: Place, path: str, kind: Kind, operation: str) -> None:
    expected = [f"orders-{number}" for number in range(120)]
    for name in expected:
        place.atlas.add_cluster(GROUP, name, kind)
    first = place.of_project(path).json()
    (after,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    last = place.digest.get(after).json()

    assert [one["name"] for one in first["results"] + last["results"]] == expected
    assert (first["totalCount"], [link["rel"] for link in last["links"]]) == (
        120,
        ["self", "previous"],
    )
    assert place.atlas.wire.count(operation=operation) == 3  # the first was challenged


def test_a_removed_cluster_is_not_found(place: Place) -> None:
    place.start()
    place.atlas.remove_cluster(GROUP, "source")
    assert place.list("flex").json()["errorCode"] == "CLUSTER_NOT_FOUND"
    assert names(place, "flexClusters") == []

    place.atlas.add_cluster(GROUP, "source", "flex")
    assert place.list("flex").json()["results"] == []


def test_a_removed_project_is_not_found(place: Place) -> None:
    place.start()
    place.atlas.remove_project(GROUP)
    assert listed(place) == []
    assert {code(place, path) for path in OF_PROJECT} == {"GROUP_NOT_FOUND"}
    assert place.list("flex").json()["errorCode"] == "GROUP_NOT_FOUND"

    place.atlas.add_cluster(GROUP, "source", "flex")
    assert place.list("flex").json()["results"] == []
    assert place.of_project("events").json()["results"] == []


def test_a_project_can_be_locked_out(place: Place) -> None:
    place.start()
    place.atlas.add_cluster(OTHER_GROUP, "source", "flex")
    place.atlas.lock_out(GROUP)
    refused = [place.of_project(path) for path in OF_PROJECT]
    assert [response.status_code for response in refused] == [401] * 3
    assert {code(place, path) for path in OF_PROJECT} == {"USER_UNAUTHORIZED"}
    assert place.list("flex").status_code == 401
    assert place.of_project("flexClusters", OTHER_GROUP).status_code == 200
    assert listed(place) == [GROUP, OTHER_GROUP]

    place.atlas.admit(GROUP)
    assert place.list("flex").status_code == 200


@pytest.mark.parametrize(("status", "word"), [(403, "FORBIDDEN"), (404, "GROUP_NOT_FOUND")])
def test_a_project_can_be_locked_out_with_another_answer(
    place: Place, status: int, word: str
) -> None:
    place.start()
    place.atlas.lock_out(GROUP, status=status, code=word)
    response = place.list("flex")

    assert (response.status_code, response.json()["errorCode"]) == (status, word)


def test_one_family_of_a_project_can_be_locked_out(place: Place) -> None:
    place.start("dedicated")
    families: list[Family] = ["events", "dedicated"]
    for family in families:
        place.atlas.lock_out(GROUP, family)
    assert (code(place, "events"), place.list("dedicated").status_code) == (
        "USER_UNAUTHORIZED",
        401,
    )
    assert (place.of_project("clusters").status_code, place.list("collection").status_code) == (
        200,
        200,
    )

    place.atlas.clear()
    assert code(place, "events") == "GROUP_NOT_FOUND"


def test_every_list_can_be_read_with_any_role(place: Place) -> None:
    place.start("dedicated")
    place.atlas.grant(KEY[0], Role.READ_ONLY)
    assert {place.of_project(path).status_code for path in OF_PROJECT} == {200}
    assert place.projects().status_code == 200

    place.atlas.grant(KEY[0])
    assert {place.of_project(path).status_code for path in OF_PROJECT} == {401}


def test_each_list_has_a_bucket_with_its_own_limit(place: Place) -> None:
    place.start()
    limits = [place.of_project(path).headers["RateLimit-Limit"] for path in OF_PROJECT]
    assert limits == ["300", "1200", "10000"]
    assert "RateLimit-Limit" not in place.projects().headers

    place.atlas.keep_bucket(GROUP, "events", 0)
    assert place.of_project("events").headers["RateLimit-Remaining"] == "0"
    assert [place.of_project(path).status_code for path in OF_PROJECT] == [429, 200, 200]

    place.atlas.release_bucket(GROUP, "events")
    place.atlas.behaviour.family_limits = {"events": RateLimit(capacity=2)}
    remaining = [place.of_project("events").headers["RateLimit-Remaining"] for _ in range(2)]
    assert remaining == ["1", "0"]


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("events", "events"),
        ("flexClusters", "flex_clusters"),
        ("clusters", "dedicated_clusters"),
    ],
)
def test_a_fault_can_strike_each_list(place: Place, path: str, operation: str) -> None:
    place.start()
    place.atlas.wire.inject(Fault(action=Answer(503), operation=operation))
    place.atlas.script(operation, Answer(500))

    assert [place.of_project(path).status_code for _ in range(3)] == [503, 500, 200]
