"""
One page of one of Atlas's lists. Pure.

`links` are not followed, only looked at: the next page is asked for by its number, at the same
host.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import AtlasList, Family
from restore_watch.atlas.network import LIST_ENTRY_LIMIT
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import RestoreKind

PAGE_LIMIT = 500
"""Entries of a page at most, by Atlas's specification."""

COLLECTION_ENTRY_LIMIT = 80_000
"""
Bytes of a collection restore job. By the specification it names up to 100 databases and 100
collections, each with its target. MongoDB limits the name of a collection to 255 bytes.
"""

_UNCOUNTED = (RestoreKind.FLEX, RestoreKind.DEDICATED)
"""Of these families, Atlas lists the entries without counting all: `includeCount=false`."""


@dataclass(frozen=True)
class Page:
    """
    The entries of a page, and whether there may be another one.

    `date` is when Atlas answered, by its own clock, in UTC; None if it does not say so.
    """

    entries: list[Any]
    has_next: bool
    date: datetime | None = None


def page_query(family: Family, number: int, size: int = PAGE_LIMIT) -> dict[str, str] | None:
    """The query that asks for a page. The list of tenant jobs has no pages."""
    if family is RestoreKind.TENANT:
        return None
    query = {"itemsPerPage": str(size), "pageNum": str(number)}
    return query | {"includeCount": "false"} if family in _UNCOUNTED else query


def page_bytes(family: Family, size: int = PAGE_LIMIT) -> int:
    """How many bytes a page of so many entries may have."""
    entry = COLLECTION_ENTRY_LIMIT if family is RestoreKind.COLLECTION else LIST_ENTRY_LIMIT
    return min(size * entry, PAGE_LIMIT * LIST_ENTRY_LIMIT)


def read_page(answer: Answer, family: Family, full: int | None = None) -> Page:
    """
    Read a page.

    Atlas may leave out the link to the next one if it does not count the entries. So if `full` is
    given, another one may follow a page of so many entries. Raises UnexpectedAtlasResponseError if
    the answer is not a list of results.
    """
    try:
        read: Any = json.loads(answer.body.decode())
    except (ValueError, RecursionError):
        read = None
    results = read.get("results") if isinstance(read, dict) else None
    if not isinstance(results, list):
        # Not chained: the decoder's error holds the whole body.
        what = family if isinstance(family, AtlasList) else f"{family} restore jobs"
        msg = f"Atlas answered 200 for a list of {what}, but without results"
        raise UnexpectedAtlasResponseError(msg)
    links = read.get("links")
    is_linked = any(
        isinstance(link, dict) and link.get("rel") == "next"
        for link in (links if isinstance(links, list) else ())
    )
    is_full = full is not None and len(results) >= full
    return Page(results, is_linked or is_full, answered_at(answer.headers))


def answered_at(headers: Mapping[str, str]) -> datetime | None:
    """When Atlas answered, by its own clock, in UTC; None if it does not say so."""
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
