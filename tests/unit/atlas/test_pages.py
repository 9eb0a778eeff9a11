"""How a page is asked for, when Atlas answered, and whether another page may follow."""

import json
from datetime import datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.clusters_to_watch import clusters_to_watch
from restore_watch.atlas.entries import cluster_entries
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import (
    CLUSTER_LISTS,
    DEDICATED_CLUSTERS,
    EVENTS,
    FLEX_JOBS,
    PROJECTS,
    TENANT_JOBS,
    Family,
)
from restore_watch.atlas.pages import Page, PageAt, page_query, read_page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.restore_target import RestoreKind
from unit.open_jobs import NOON

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
FIRST = PageAt(1, 500)
NEXT = [{"rel": "next", "href": "https://elsewhere.example.net"}]


def page(count: int = 0, *, at: PageAt = FIRST, linked: bool = False, **headers: str) -> Page:
    body = {"results": [{}] * count, "links": NEXT if linked else []}
    return read_page(Answer(200, httpx.Headers(headers), json.dumps(body).encode()), FLEX_JOBS, at)


# Asking


def test_the_list_of_tenant_jobs_has_no_pages() -> None:
    assert page_query(TENANT_JOBS, FIRST) is None


@given(st.sampled_from([100, 500]), st.integers(1, 1000), st.integers(0, 4))
def test_a_smaller_page_begins_where_the_larger_one_would(
    size: int, number: int, times: int
) -> None:
    at = larger = PageAt(number, size)
    for _ in range(times):
        at = at.smaller if at.size > 1 else at

    assert at.size >= 1
    assert (at.number - 1) * at.size == (larger.number - 1) * larger.size


# Another page


@pytest.mark.parametrize(
    ("count", "linked", "has_next"),
    [(2, False, False), (3, False, True), (4, False, True), (2, True, True), (0, True, True)],
    ids=["not full", "full", "more than full", "linked", "empty and linked"],
)
def test_another_page_may_follow_a_full_one_although_no_link_says_so(
    count: int, *, linked: bool, has_next: bool
) -> None:
    """Atlas may leave out the link if it does not count the entries."""
    assert page(count, at=PageAt(size=3), linked=linked).has_next is has_next


@pytest.mark.parametrize(("padding", "is_kept"), [(0, True), (1_000_000, False)])
def test_of_a_large_page_only_what_is_read_is_kept(padding: int, *, is_kept: bool) -> None:
    odd, job = 5, {"id": "a", "status": "RUNNING", "createdAt": "b", "collections": "c" * padding}
    body = json.dumps({"results": [odd, job]}).encode()

    entries = read_page(Answer(200, httpx.Headers(), body), FLEX_JOBS, FIRST).entries

    unreadable, kept = entries
    assert unreadable in (odd, {})
    assert kept | {"collections": ""} == job | {"collections": ""}
    assert ("collections" in kept) is is_kept


# When Atlas answered


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Mon, 04 May 2026 12:00:00 GMT", NOON),
        ("Mon, 04 May 2026 14:00:00 +0200", NOON),
        ("Mon, 04 May 2026 12:00:00 -0000", NOON),
        ("04 May 2026 12:00:00 UTC", NOON),
        ("", None),
        (" ", None),
        ("today", None),
        ("2026-05-04T12:00:00Z", None),
        ("Mon, 32 May 2026 12:00:00 GMT", None),
        ("Mon, 04 May 99999 12:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
    ],
    ids=repr,
)
def test_a_page_has_the_date_of_its_answer_if_that_is_usable(
    text: str, date: datetime | None
) -> None:
    assert page(1, Date=text) == Page([{}], has_next=False, date=date)


# Families


@pytest.mark.parametrize("which", [PROJECTS, EVENTS, *CLUSTER_LISTS], ids=str)
def test_a_list_without_results_is_named(which: Family) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=f"for a list of {which}, but"):
        read_page(Answer(200, httpx.Headers(), b"{}"), which, FIRST)


@pytest.mark.parametrize(
    "said", [[], None, [{}], [None, "TENANT"], [{"providerName": None}]], ids=str
)
def test_a_cluster_is_free_only_if_all_it_says_of_its_provider_is_that(said: object) -> None:
    free = {"providerName": "TENANT"}
    both = [{"regionConfigs": [free, {"providerName": "AWS"}]}]
    specs: list[object] = [[{"regionConfigs": [free]}], [{"regionConfigs": said}], said, both]
    entries = [{"name": str(place), "replicationSpecs": one} for place, one in enumerate(specs)]
    shown = clusters_to_watch(cluster_entries(Page(entries, has_next=False), DEDICATED_CLUSTERS))

    assert (shown.free, shown.names) == (["0"], ["1", "2", "3"])
