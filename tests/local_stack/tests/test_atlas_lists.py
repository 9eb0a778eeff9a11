"""The Atlas emulator lists the restore jobs of a cluster as Atlas does."""

from typing import Any, Literal

import pytest

from local_stack.atlas import Kind, RateLimit, Role
from local_stack.tests.emulated import GROUP, KEY, RESTORE, Place
from local_stack.wire import Answer

pytestmark = pytest.mark.timeout(20)

API = f"/api/atlas/v2/groups/{GROUP}"


@pytest.fixture(autouse=True)
def _before_its_sunset(place: Place) -> None:
    place.atlas.behaviour.tenant_endpoint = None


def ids(body: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in body["results"]]


def links(body: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in body["links"]}


@pytest.mark.parametrize(
    ("kind", "path", "version", "resource"),
    [
        (
            "flex",
            "flexClusters/source/backup/restoreJobs",
            "2024-11-13",
            "ApiAtlasFlexBackupResource",
        ),
        (
            "dedicated",
            "clusters/source/backup/restoreJobs",
            "2023-01-01",
            "ApiAtlasDiskBackupRestoreJobsResource",
        ),
        (
            "tenant",
            "clusters/source/backup/tenant/restores",
            "2023-01-01",
            "ApiAtlasTenantBackupResource",
        ),
        (
            "collection",
            "clusters/source/collectionRestoreJobs",
            "2025-03-12",
            "ApiAtlasCollectionRestoreJobsResource",
        ),
    ],
)
def test_a_list_has_the_recorded_shape(
    place: Place, kind: Kind, path: str, version: str, resource: str
) -> None:
    newest, oldest = place.start(kind, 2)
    response = place.list(kind)

    host = place.atlas.url
    assert response.json() == {
        "links": [{"href": f"{host}{API}/{path}", "rel": "self"}],
        "results": [newest.body(kind, host), oldest.body(kind, host)],
        "totalCount": 2,
    }
    assert response.headers["Content-Type"] == (
        f"application/vnd.atlas.{version}+json;charset=utf-8"
    )
    assert response.headers["X-Java-Method"] == f"{resource}::getRestoreJobs"
    assert place.atlas.wire.calls[-1].operation == f"{kind}_list"


def test_a_cluster_without_jobs_has_an_empty_list(place: Place) -> None:
    place.atlas.add_cluster(GROUP, "source", "flex")
    body = place.list("flex").json()

    assert (body["results"], body["totalCount"], list(links(body))) == ([], 0, ["self"])


def test_a_list_shows_the_jobs_of_its_cluster_and_kind_only(place: Place) -> None:
    place.start("flex")
    place.atlas.start_restore(GROUP, "another", "flex")
    place.atlas.add_cluster(GROUP, "source", "dedicated")
    (upgraded,) = place.start("dedicated")
    (partial,) = place.start("collection")

    assert ids(place.list("dedicated").json()) == [upgraded.restore_id]
    assert ids(place.list("collection").json()) == [partial.restore_id]


def test_a_hidden_job_is_not_listed(place: Place) -> None:
    kept, hidden = place.start("flex", 2)
    place.atlas.hide_restore(hidden)
    assert ids(place.list("flex").json()) == [kept.restore_id]

    place.atlas.show_restore(hidden)
    assert ids(place.list("flex").json()) == [kept.restore_id, hidden.restore_id]


def test_pages_are_linked_as_recorded(place: Place) -> None:
    restores = place.start("flex", 5)
    query = {"includeCount": "true", "pageNum": "2", "itemsPerPage": "2"}
    body = place.list("flex", **query).json()

    path = f"{place.atlas.url}{API}/flexClusters/source/backup/restoreJobs"
    assert ids(body) == [restore.restore_id for restore in restores[2:4]]
    assert body["totalCount"] == 5
    assert links(body) == {
        "self": f"{path}?includeCount=true&pageNum=2&itemsPerPage=2",
        "previous": f"{path}?includeCount=true&itemsPerPage=2&pageNum=1",
        "next": f"{path}?includeCount=true&itemsPerPage=2&pageNum=3",
    }


def test_the_links_lead_through_all_pages(place: Place) -> None:
    restores = place.start("dedicated", 7)
    found, pages = list[str](), 0
    body = place.list("dedicated", itemsPerPage="3").json()
    while True:
        found, pages = found + ids(body), pages + 1
        if "next" not in links(body):
            break
        body = place.digest.get(links(body)["next"]).json()

    assert (found, pages) == ([restore.restore_id for restore in restores], 3)


def test_a_page_has_100_entries_by_default_and_500_at_most(place: Place) -> None:
    place.start("flex", 501)

    assert len(place.list("flex").json()["results"]) == 100
    assert len(place.list("flex", itemsPerPage="500").json()["results"]) == 500
    assert place.list("flex", itemsPerPage="500", pageNum="3").json()["results"] == []


def test_the_list_of_tenant_restores_has_no_pages(place: Place) -> None:
    place.start("tenant", 101)
    body = place.list("tenant", itemsPerPage="2").json()

    assert (len(body["results"]), list(links(body))) == (101, ["self"])


def test_the_count_can_be_left_out(place: Place) -> None:
    place.start()

    assert place.list("flex", includeCount="false").json().keys() == {"links", "results"}


def test_the_list_of_collection_restores_has_pages_and_no_choice_of_a_count(place: Place) -> None:
    place.start("collection", 3)
    body = place.list("collection", itemsPerPage="2").json()

    assert (len(body["results"]), list(links(body)), body["totalCount"]) == (2, ["self", "next"], 3)
    assert place.list("collection", includeCount="false").json()["parameters"] == ["includeCount"]


@pytest.mark.parametrize(
    "query",
    [
        {"itemsPerPage": "501"},
        {"itemsPerPage": "0"},
        {"itemsPerPage": "many"},
        {"pageNum": "0"},
        {"pageNum": "-1"},
        {"pageNum": ""},
        {"includeCount": "perhaps"},
    ],
    ids=str,
)
def test_an_impossible_page_is_refused(place: Place, query: dict[str, str]) -> None:
    place.start()
    response = place.list("flex", **query)

    assert (response.status_code, response.headers["X-Error-Code"]) == (400, "INVALID_ATTRIBUTE")
    assert response.json()["parameters"] == list(query)


def test_the_status_stands_beside_a_list_in_an_envelope(place: Place) -> None:
    (restore,) = place.start()
    body = place.list("flex", envelope="true", pretty="true")

    assert body.json().keys() == {"links", "results", "status", "totalCount"}
    assert (body.json()["status"], ids(body.json())) == (200, [restore.restore_id])
    assert body.text.startswith("{\n")


def test_a_refused_list_in_an_envelope_has_its_error_in_it(place: Place) -> None:
    response = place.list("flex", envelope="true")

    assert (response.status_code, response.json()["status"]) == (200, 404)
    assert response.json()["content"]["errorCode"] == "GROUP_NOT_FOUND"


def test_a_list_is_refused_as_a_job_is(place: Place) -> None:
    def refusal(kind: Kind, cluster: str = "source") -> str:
        code = place.list(kind, cluster, pageNum="0").json()["errorCode"]
        if code != "INVALID_ATTRIBUTE":
            assert place.get(kind, cluster).json()["errorCode"] == code
        return str(code)

    assert refusal("flex") == "GROUP_NOT_FOUND"
    place.atlas.add_project(GROUP)
    assert refusal("flex") == "CLUSTER_NOT_FOUND"
    place.atlas.add_cluster(GROUP, "source", "dedicated")
    assert refusal("flex") == "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"
    assert refusal("tenant") == "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"
    assert refusal("dedicated") == "INVALID_ATTRIBUTE"
    assert refusal("collection") == "INVALID_ATTRIBUTE"
    place.atlas.add_cluster(GROUP, "source", "flex")
    assert refusal("dedicated") == "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"
    assert refusal("collection") == "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"


@pytest.mark.parametrize("status", [404, 405, 406, 410])
def test_the_list_of_tenant_restores_is_retired_with_its_endpoint(
    place: Place, status: Literal[404, 405, 406, 410]
) -> None:
    place.start("tenant")
    place.atlas.behaviour.tenant_endpoint = status

    assert place.list("tenant").status_code == status
    assert place.list("flex").status_code == 200


def test_a_list_needs_the_role_of_its_kind(place: Place) -> None:
    place.start("dedicated")
    assert place.list("dedicated").status_code == 200

    place.atlas.grant(KEY[0], Role.READ_ONLY)
    assert place.list("dedicated").json()["errorCode"] == "USER_UNAUTHORIZED"
    place.atlas.behaviour.refused_address = "198.51.100.7"
    assert place.list("dedicated").status_code == 403


def test_a_list_needs_a_known_version(place: Place) -> None:
    place.start()
    path = place.url("flex").removesuffix(f"/{RESTORE}")
    headers = {"Accept": "application/vnd.atlas.2023-01-01+json"}

    assert place.digest.get(path, headers=headers).status_code == 406


def test_lists_and_jobs_of_a_kind_share_a_bucket(place: Place) -> None:
    place.atlas.behaviour.rate_limit = RateLimit(capacity=3)
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    answers = [place.list("flex"), place.get("flex"), place.list("tenant"), place.list("flex")]
    refused = place.list("flex")

    left = [answer.headers["RateLimit-Remaining"] for answer in answers]
    assert left == ["2", "1", "2", "0"]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}
    assert (refused.status_code, refused.headers["RateLimit-Remaining"]) == (429, "0")
    assert refused.headers["Retry-After"] == "1"


def test_scripted_answers_of_lists_and_of_jobs_are_separate(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.atlas.script("flex_list", Answer(503))

    assert place.get("flex").status_code == 200
    assert [place.list("flex").status_code for _ in range(2)] == [503, 200]
