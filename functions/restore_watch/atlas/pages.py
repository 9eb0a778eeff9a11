"""
A page of a list of Atlas. Pure.

`links` show whether a page follows, and are not followed: the next page is asked for by its number,
at the same host.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from foundation.json_text import as_list, as_map, read_object
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import DEDICATED_JOBS, FLEX_JOBS, TENANT_JOBS, Family, JobFamily
from restore_watch.atlas.read_restore_job import FIELDS
from restore_watch.atlas.transport.bounds import ANSWER_LIMIT
from restore_watch.errors import UnexpectedAtlasResponseError

PAGE_LIMIT = 500
"""Entries of a page at most, by Atlas's specification."""

COLLECTIONS_ON_PAGE = 100
"""
Collection restore jobs of a page. By the specification each names up to 100 databases and 100
collections, each with its target, and MongoDB limits the name of a collection to 255 bytes.
"""

EVENTS_ON_PAGE = 100
"""Events of a page. Between two sweeps a project has a few."""

SNAPSHOTS_ON_PAGE = 100
"""Snapshots of a page. Nobody documents their order, so one entry may not be the newest."""


class PageAt(NamedTuple):
    """Which page of a list: its number, from 1, and how many entries a page has."""

    number: int = 1
    size: int = PAGE_LIMIT

    @property
    def next(self) -> "PageAt":
        """The page after it."""
        return PageAt(self.number + 1, self.size)

    @property
    def smaller(self) -> "PageAt":
        """A smaller page that begins with the same entry. Sizes are products of 2 and 5."""
        parts = 2 if self.size % 2 == 0 else 5
        return PageAt((self.number - 1) * parts + 1, self.size // parts)


FIRST_PAGE = PageAt()


@dataclass(frozen=True)
class Page:
    """
    The entries of a page, and whether another page may follow.

    `date` is when Atlas answered, by its own clock, in UTC; None if it does not say so. `at` is
    a smaller page if the page that was asked for is too large. The next page is `at.next`.
    """

    entries: list[Any]
    has_next: bool
    date: datetime | None = None
    at: PageAt = FIRST_PAGE


def page_query(family: Family, at: PageAt) -> dict[str, str] | None:
    """The query that asks for a page. The list of tenant jobs has no pages."""
    if family is TENANT_JOBS:
        return None
    query = {"itemsPerPage": str(at.size), "pageNum": str(at.number)}
    # Atlas lists these families without counting all entries.
    may_omit_count = family in {FLEX_JOBS, DEDICATED_JOBS}
    return query | {"includeCount": "false"} if may_omit_count else query


def read_page(answer: Answer, family: Family, at: PageAt) -> Page:
    """Read a page. Raises UnexpectedAtlasResponseError if the answer is not a list of results."""
    read = read_object(answer.body) or {}
    results = read.get("results")
    if not isinstance(results, list):
        jobs = " restore jobs" if isinstance(family, JobFamily) else ""
        msg = f"Atlas answered 200 for a list of {family}{jobs}, but without results"
        raise UnexpectedAtlasResponseError(msg)
    is_linked = any(as_map(link).get("rel") == "next" for link in as_list(read.get("links")))
    # Atlas may leave the link out if it does not count the entries.
    is_full = family is not TENANT_JOBS and len(results) >= at.size
    if isinstance(family, JobFamily) and len(answer.body) > ANSWER_LIMIT:
        # The fields that nobody reads make a page large in memory.
        results = [
            {name: value for name, value in as_map(entry).items() if name in FIELDS}
            for entry in results
        ]
    return Page(results, is_linked or is_full, answer.date, at)
