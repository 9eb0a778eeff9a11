"""How a page is asked for, when Atlas answered, and whether another page may follow."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.endpoints import (
    CLUSTER_LISTS,
    ROLES,
    AtlasList,
    AtlasStatus,
    Family,
    named,
)
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.network import ANSWER_LIMIT
from restore_watch.atlas.pages import (
    FIRST_PAGE,
    PAGE_LIMIT,
    Page,
    PageAt,
    page_for,
    page_query,
    read_page,
)
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing_scope import LISTED_KINDS
from strategies import date_likes
from unit.open_jobs import NOON

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
FAMILIES: list[Family] = [*RestoreKind, *AtlasList]
NEXT = [{"rel": "next", "href": "https://elsewhere.example.net"}]


def page(count: int = 0, *, at: PageAt = FIRST_PAGE, linked: bool = False, **headers: str) -> Page:
    body = {"results": [{}] * count, "links": NEXT if linked else []}
    return read_page(Answer(200, httpx.Headers(headers), json.dumps(body).encode()), FLEX, at)


# Asking


@pytest.mark.parametrize(
    ("family", "is_counted"),
    [
        (FLEX, False),
        (DEDICATED, False),
        (COLLECTION, True),
        (AtlasList.PROJECTS, True),
        (AtlasList.FLEX_CLUSTERS, True),
        (AtlasList.CLUSTERS, True),
    ],
)
def test_a_page_is_asked_for_by_its_number(family: Family, *, is_counted: bool) -> None:
    """Not every list takes `includeCount`."""
    uncounted = {} if is_counted else {"includeCount": "false"}

    assert page_query(family, PageAt(3)) == {"itemsPerPage": "500", "pageNum": "3"} | uncounted


def test_the_list_of_tenant_jobs_has_no_pages() -> None:
    assert page_query(TENANT, FIRST_PAGE) is None


@given(st.sampled_from([100, PAGE_LIMIT]), st.integers(1, 1000), st.integers(0, 4))
def test_a_smaller_page_begins_where_the_larger_one_would(
    size: int, number: int, times: int
) -> None:
    at = larger = PageAt(number, size)
    for _ in range(times):
        at = at.smaller if at.size > 1 else at

    assert at.size >= 1
    assert (at.number - 1) * at.size == (larger.number - 1) * larger.size


@given(st.integers(1, PAGE_LIMIT))
def test_a_first_page_has_room_for_what_is_asked_for(entries: int) -> None:
    assert entries <= page_for(entries).size <= PAGE_LIMIT


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


@pytest.mark.parametrize(("padding", "is_kept"), [(0, True), (ANSWER_LIMIT, False)])
def test_of_a_large_page_only_what_is_read_is_kept(padding: int, *, is_kept: bool) -> None:
    odd, job = 5, {"id": "a", "status": "RUNNING", "createdAt": "b", "collections": "c" * padding}
    body = json.dumps({"results": [odd, job]}).encode()

    entries = read_page(Answer(200, httpx.Headers(), body), FLEX, FIRST_PAGE).entries

    assert [entries[0], entries[1] | {"collections": ""}] == [odd, job | {"collections": ""}]
    assert ("collections" in entries[1]) is is_kept


# When Atlas answered


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 04 May 2026 12:00:00 GMT",
        "Mon, 04 May 2026 14:00:00 +0200",
        "Mon, 04 May 2026 12:00:00 -0000",
        "04 May 2026 12:00:00 UTC",
    ],
)
def test_a_page_has_the_date_of_its_answer_in_utc(text: str) -> None:
    date = page(Date=text).date

    assert date == NOON
    assert date is not None
    assert date.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "today",
        "2026-05-04T12:00:00Z",
        "Mon, 32 May 2026 12:00:00 GMT",
        "Mon, 04 May 99999 12:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1400",
    ],
    ids=repr,
)
def test_a_page_without_a_usable_date_is_read(text: str) -> None:
    assert page(1, Date=text) == Page([{}], has_next=False, date=None)


def test_a_page_without_a_date_is_read() -> None:
    assert page().date is None


latin = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)


@given(date_likes | latin)
def test_any_date_is_a_moment_in_utc_or_none(text: str) -> None:
    date = page(Date=text).date

    assert date is None or date.tzinfo is UTC


@given(st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - it adds the zone
def test_the_date_of_an_answer_is_read_to_the_second(moment: datetime) -> None:
    text = format_datetime(moment, usegmt=True)

    assert page(Date=text).date == moment.replace(microsecond=0)


# Families


@pytest.mark.parametrize("which", AtlasList)
def test_a_list_without_results_is_named(which: AtlasList) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=f"for a list of {which}, but"):
        read_page(Answer(200, httpx.Headers(), b"{}"), which, FIRST_PAGE)


def test_every_family_has_a_role_and_a_name() -> None:
    assert set(ROLES) == {*FAMILIES, *AtlasStatus}
    assert named(AtlasList.CLUSTERS) == "the list of dedicated clusters"
    assert named(COLLECTION) == "a collection restore job"
    assert len(set(map(named, FAMILIES))) == len(FAMILIES)


def test_the_clusters_of_every_kind_that_is_listed_are_in_one_list() -> None:
    assert set(CLUSTER_LISTS) == set(LISTED_KINDS)
