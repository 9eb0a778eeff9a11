"""What lists of the Atlas emulator show can differ from what a GET shows."""

from typing import Any

import pytest

from local_stack.atlas import Kind
from local_stack.tests.emulated import GROUP, RESTORE, Place

pytestmark = pytest.mark.timeout(20)


def listed(place: Place, kind: Kind = "flex") -> dict[str, Any]:
    """The only entry of the list."""
    (entry,) = place.list(kind).json()["results"]
    assert isinstance(entry, dict)
    return entry


def test_a_list_can_lag_behind_a_job(place: Place) -> None:
    restore = place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.atlas.lag_lists(restore)
    restore.run_to_end()
    restore.set(targetDeploymentItemName="changed")
    assert listed(place)["status"] == "PENDING"
    assert listed(place)["targetDeploymentItemName"] == "source-restored"
    assert "restoreFinishedDate" not in listed(place)
    assert place.get("flex").json()["status"] == "COMPLETED"

    place.atlas.catch_up_lists(restore)
    assert listed(place) == place.get("flex").json()


def test_a_lagging_list_can_follow_at_a_distance(place: Place) -> None:
    restore = place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    shown = list[tuple[str, str]]()
    for _ in range(2):
        place.atlas.lag_lists(restore)
        restore.advance()
        shown.append((listed(place)["status"], place.get("flex").json()["status"]))

    assert shown == [("PENDING", "QUEUED"), ("QUEUED", "RUNNING")]


def test_a_list_can_lag_behind_the_flags_of_a_job(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP, "source", "dedicated", restore_id=RESTORE, timeline=["running", "failed"]
    )
    place.atlas.lag_lists(restore)
    restore.advance()

    assert listed(place, "dedicated")["failed"] is False
    assert place.get("dedicated").json()["failed"] is True


def test_a_list_can_omit_a_job(place: Place) -> None:
    restore = place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.atlas.omit_from_lists(restore)
    assert place.list("flex").json() | {"links": []} == {
        "links": [],
        "results": [],
        "totalCount": 0,
    }
    assert place.get("flex").status_code == 200

    place.atlas.catch_up_lists(restore)
    assert listed(place)["id"] == RESTORE


def test_a_list_can_show_any_entries_before_its_jobs(place: Place) -> None:
    (restore,) = place.start()
    strange: list[Any] = [{"id": restore.restore_id}, "a word", None]
    for entry in strange:
        place.atlas.add_to_list(GROUP, "source", "flex", entry)
    body = place.list("flex").json()

    assert (body["results"], body["totalCount"]) == ([*strange, restore.body()], 4)
    place.atlas.behaviour.tenant_endpoint = None
    assert listed(place, "tenant")["id"] == restore.restore_id
    assert place.list("flex", itemsPerPage="2").json()["results"] == strange[:2]


def test_a_list_can_have_the_oldest_first(place: Place) -> None:
    restores = place.start("flex", 3)
    place.atlas.behaviour.list_order = "oldest first"

    assert place.list("flex").json()["results"] == [one.body() for one in restores[::-1]]


def test_pages_can_be_shorter_than_asked_for(place: Place) -> None:
    place.atlas.behaviour.largest_page = 2
    restores = place.atlas.add_ended_restores(GROUP, "source", "flex", 3)

    first, second = (
        place.list("flex", itemsPerPage="500", pageNum=str(number), includeCount="false").json()
        for number in (1, 2)
    )

    shown = [[entry["id"] for entry in page["results"]] for page in (first, second)]
    assert shown == [[one.restore_id for one in restores[:2]], [restores[2].restore_id]]
    assert "next" in {link["rel"] for link in first["links"]}
    assert "next" not in {link["rel"] for link in second["links"]}


def test_clearing_ends_what_disturbs_lists(place: Place) -> None:
    (restore,) = place.start()
    place.atlas.omit_from_lists(restore)
    place.atlas.add_to_list(GROUP, "source", "flex", "a word")
    place.atlas.clear()
    place.atlas.add_cluster(GROUP, "source", "flex")
    place.atlas.show_restore(restore)

    assert listed(place)["id"] == restore.restore_id
