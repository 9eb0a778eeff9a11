"""One page of a list: what can be read is read, links are only looked at."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.lists import Listing
from restore_watch.atlas.pages import FIRST_PAGE, Page, read_page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import RestoreKind
from strategies import json_values
from unit.atlas_answers import dedicated, flex
from unit.checking import target
from unit.open_jobs import restore_id

FLEX = RestoreKind.FLEX
NEXT = {"rel": "next", "href": "https://elsewhere.example.net/api?pageNum=2"}


def answer_of(body: bytes, **headers: str) -> Answer:
    return Answer(200, httpx.Headers(headers), body)


def page(*results: Any, links: Any = None) -> Page:
    body = json.dumps({"results": results, "links": links}).encode()
    return read_page(answer_of(body), FLEX, FIRST_PAGE)


def wanted(*numbers: int, kind: RestoreKind = FLEX) -> Listing:
    return Listing({restore_id(number): target(restore_id(number)) for number in numbers}, kind)


def entry(number: int, status: str = "RUNNING", **fields: Any) -> dict[str, object]:
    return flex(id=restore_id(number), status=status, **fields)


# Pages


def test_the_entries_of_a_page_are_read_whatever_they_are() -> None:
    assert page(1, None, {"id": "x"}) == Page([1, None, {"id": "x"}], has_next=False)


@pytest.mark.parametrize(
    ("links", "has_next"),
    [
        (None, False),
        ([], False),
        ("next", False),
        ({"rel": "next"}, False),
        ([NEXT], True),
        ([{"rel": "self"}, NEXT], True),
        ([{"rel": "next"}], True),
        ([{"rel": "previous"}], False),
        ([{"rel": ["next"]}], False),
        ([{"href": "next"}], False),
        (["next", None, 5], False),
    ],
    ids=repr,
)
def test_a_link_of_the_relation_next_says_that_there_is_another_page(
    links: Any, *, has_next: bool
) -> None:
    assert page(links=links).has_next is has_next


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"\xff",
        b"[]",
        b"5",
        b"{}",
        b'{"results": {}}',
        b'{"results": null}',
        b'{"errorCode": "X"}',
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_an_answer_without_results_is_refused_and_not_quoted(body: bytes) -> None:
    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        read_page(answer_of(body), FLEX, FIRST_PAGE)

    assert str(refused.value).startswith("Atlas answered 200 for a list of flex restore jobs")
    assert refused.value.__cause__ is None
    assert "html" not in str(refused.value)


# Entries


def test_only_wanted_jobs_are_listed() -> None:
    listing = wanted(1, 3)

    assert listing.add(page(entry(1), entry(2), entry(3)))
    assert list(listing.jobs) == [restore_id(1), restore_id(3)]
    assert listing.unreadable == {}
    assert [one.id for one in listing.others] == [restore_id(2)]
    assert listing.is_whole


def test_a_page_without_a_wanted_job_shows_none() -> None:
    listing = wanted(1)

    assert not listing.add(page(entry(2), links=[NEXT]))
    assert (listing.missing, listing.is_whole) == (1, False)


@pytest.mark.parametrize(
    "odd", [None, 5, "text", [], {}, {"id": None}, {"id": 7}, {"id": ["x"]}], ids=repr
)
def test_an_entry_without_a_usable_id_hides_no_wanted_job(odd: Any) -> None:
    listing = wanted(1)

    assert listing.add(page(odd, entry(1)))
    assert (list(listing.jobs), listing.unreadable) == ([restore_id(1)], {})
    assert len(listing.nameless) == 1


def test_a_wanted_entry_of_an_unknown_shape_does_not_hide_the_others() -> None:
    listing = wanted(1, 2)

    assert listing.add(page(entry(1) | {"status": None}, entry(2)))
    assert list(listing.jobs) == [restore_id(2)]
    assert list(listing.unreadable) == [restore_id(1)]
    assert "status is not as expected" in listing.unreadable[restore_id(1)]


@pytest.mark.parametrize("shown", [("RUNNING", "COMPLETED"), ("COMPLETED", "RUNNING")])
def test_of_a_job_that_is_shown_twice_the_later_status_counts(shown: tuple[str, str]) -> None:
    first, second = (page(entry(1, status)) for status in shown)
    listing = wanted(1)
    for one in (first, second):
        listing.add(one)

    assert listing.jobs[restore_id(1)].status == "COMPLETED"


def test_the_entries_of_a_dedicated_list_are_read_by_their_flags() -> None:
    listing = wanted(1, kind=RestoreKind.DEDICATED)

    listing.add(page(dedicated(id=restore_id(1), finishedAt="2026-05-04T12:01:00Z")))

    job = listing.jobs[restore_id(1)]
    assert (job.kind, job.status) == (RestoreKind.DEDICATED, "COMPLETED")


odd_entries = st.dictionaries(st.sampled_from([*flex()]), json_values()) | json_values()


@given(st.lists(odd_entries, max_size=2), json_values())
def test_any_list_is_read_and_shows_no_job_that_is_not_wanted(
    entries: list[Any], links: Any
) -> None:
    listing = wanted(1)
    listing.add(page(*entries, entry(1), links=links))

    assert {*listing.jobs, *listing.unreadable} == {restore_id(1)}
