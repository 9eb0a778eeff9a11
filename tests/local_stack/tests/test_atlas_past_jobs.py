"""Jobs of the Atlas emulator can be old and many, and its clock can be wrong."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from local_stack.atlas import Kind
from local_stack.behaviour import ListOrder
from local_stack.tests.emulated import GROUP, NOON, Place

pytestmark = pytest.mark.timeout(30)

KINDS: list[Kind] = ["flex", "dedicated", "collection"]
ORDERS: list[ListOrder] = ["newest first", "oldest first", "shuffled"]
MANY = 2160
"""The jobs of the largest recorded cluster."""


def made(restore_id: str) -> datetime:
    return datetime.fromtimestamp(int(restore_id[:8], 16), UTC)


def read(place: Place, kind: Kind) -> tuple[list[dict[str, Any]], int]:
    """The entries of all pages, and the number of pages."""
    body = place.list(kind, itemsPerPage="500").json()
    entries, pages = body["results"], 1
    while after := [link["href"] for link in body["links"] if link["rel"] == "next"]:
        body = place.digest.get(after[0]).json()
        entries, pages = entries + body["results"], pages + 1
    return entries, pages


def test_a_job_can_have_begun_earlier(place: Place) -> None:
    began = NOON - timedelta(days=3)
    restore = place.atlas.start_restore(GROUP, "source", "flex", at=began)
    assert made(restore.restore_id) == restore.scheduled == began

    restore.run_to_end()
    (job,) = place.list("flex").json()["results"]
    assert (job["restoreScheduledDate"], job["restoreFinishedDate"]) == (
        "2026-05-01T12:00:00Z",
        "2026-05-04T12:00:00Z",
    )
    events = place.of_project("events").json()["results"]
    assert [event["created"] for event in events] == [
        "2026-05-04T12:00:00Z",
        "2026-05-01T12:00:00Z",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_many_jobs_have_pages_in_every_order(place: Place, kind: Kind) -> None:
    restores = place.atlas.add_ended_restores(GROUP, "source", kind, MANY)
    newest_first = [restore.restore_id for restore in restores]
    found = {}
    for order in ORDERS:
        place.atlas.order_list(GROUP, "source", order)
        entries, pages = read(place, kind)
        found[order] = [entry["id"] for entry in entries]
        assert pages == 5

    assert found["newest first"] == newest_first
    assert found["oldest first"] == newest_first[::-1]
    assert found["shuffled"] not in (newest_first, newest_first[::-1])
    assert sorted(found["shuffled"]) == sorted(newest_first)


@pytest.mark.parametrize("kind", KINDS)
def test_old_jobs_have_ended(place: Place, kind: Kind) -> None:
    newest, oldest = place.atlas.add_ended_restores(
        GROUP, "source", kind, 2, newest=NOON - timedelta(hours=2), took=timedelta(minutes=5)
    )
    entries = place.list(kind).json()["results"]

    assert [made(one.restore_id) for one in (newest, oldest)] == [
        NOON - timedelta(hours=2),
        NOON - timedelta(hours=3),
    ]
    ends = [entry.get("restoreFinishedDate") or entry.get("finishedAt") for entry in entries]
    assert ends == ["2026-05-04T10:05:00Z", "2026-05-04T09:05:00Z"]


def test_the_order_of_one_cluster_leaves_the_others(place: Place) -> None:
    restores = place.start("flex", 2)
    others = place.atlas.add_ended_restores(GROUP, "another", "flex", 2)
    place.atlas.order_list(GROUP, "another", "oldest first")

    def ids(cluster: str) -> list[str]:
        return [entry["id"] for entry in place.list("flex", cluster).json()["results"]]

    assert ids("source") == [one.restore_id for one in restores]
    assert ids("another") == [one.restore_id for one in others[::-1]]


@pytest.mark.parametrize("seconds", [-90, 90])
def test_the_clock_of_atlas_can_be_wrong(place: Place, seconds: int) -> None:
    token = place.token().json()["access_token"]
    place.atlas.behaviour.clock_ahead = seconds
    restore = place.atlas.start_restore(GROUP, "source", "flex")
    response = place.list("flex")
    (job,) = response.json()["results"]
    (event,) = place.of_project("events").json()["results"]

    shown = NOON + timedelta(seconds=seconds)
    text = f"{shown:%Y-%m-%dT%H:%M:%SZ}"
    assert parsedate_to_datetime(response.headers["Date"]) == shown
    assert made(restore.restore_id) == made(event["id"]) == shown
    assert (job["restoreScheduledDate"], event["created"]) == (text, text)
    assert place.bearer(token).status_code != 401


def test_an_answer_has_one_date(place: Place) -> None:
    place.start()

    assert place.list("flex").headers.get_list("Date") == ["Mon, 04 May 2026 12:01:00 GMT"]
