"""
One page of a list of restore jobs. Pure.

Entries are read one by one: an entry of an unknown shape does not hide the others. `links` are not
followed, only looked at: the next page is asked for by its number, at the same host.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from restore_watch.atlas.network import LIST_ENTRY_LIMIT
from restore_watch.atlas.responses import read_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget

PAGE_LIMIT = 500
"""Entries of a page at most, by Atlas's specification."""

COLLECTION_ENTRY_LIMIT = 80_000
"""
Bytes of a collection restore job. By the specification it names up to 100 databases and 100
collections, each with its target. MongoDB limits the name of a collection to 255 bytes.
"""


@dataclass
class Listing:
    """
    The wanted jobs that a list shows, by id.

    `unreadable` has, for each wanted entry of an unknown shape, what is wrong with it.
    """

    jobs: dict[str, RestoreJob] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, job: RestoreJob) -> None:
        """Add a job. If pages shift, a list shows it twice: the later status counts."""
        shown = self.jobs.get(job.restore_id)
        if shown is None or job.status.rank > shown.status.rank:
            self.jobs[job.restore_id] = job


@dataclass(frozen=True)
class Page:
    """The entries of a page, and whether Atlas says that there is another one."""

    entries: list[Any]
    has_next: bool


def page_query(kind: RestoreKind, number: int, size: int) -> dict[str, str] | None:
    """The query that asks for a page. The list of tenant jobs has no pages."""
    if kind is RestoreKind.TENANT:
        return None
    query = {"itemsPerPage": str(size), "pageNum": str(number)}
    # The specification has this parameter for the lists of Flex and dedicated jobs only.
    return query if kind is RestoreKind.COLLECTION else query | {"includeCount": "false"}


def page_bytes(kind: RestoreKind, size: int) -> int:
    """How many bytes a page of so many jobs may have."""
    entry = COLLECTION_ENTRY_LIMIT if kind is RestoreKind.COLLECTION else LIST_ENTRY_LIMIT
    return min(size * entry, PAGE_LIMIT * LIST_ENTRY_LIMIT)


def read_page(body: bytes, kind: RestoreKind) -> Page:
    """Raise UnexpectedAtlasResponseError if the answer is not a list of results."""
    try:
        answer: Any = json.loads(body.decode())
    except (ValueError, RecursionError):
        answer = None
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        # Not chained: the decoder's error holds the whole body.
        msg = f"Atlas answered 200 for a list of {kind} restore jobs, but without results"
        raise UnexpectedAtlasResponseError(msg)
    links = answer.get("links")
    has_next = any(
        isinstance(link, dict) and link.get("rel") == "next"
        for link in (links if isinstance(links, list) else ())
    )
    return Page(results, has_next)


def add_wanted(
    listing: Listing, page: Page, wanted: Mapping[str, RestoreTarget], kind: RestoreKind
) -> bool:
    """Add the wanted jobs, given by their ids, of a page to the listing. False if it has none."""
    has_wanted = False
    for entry in page.entries:
        restore_id = entry.get("id") if isinstance(entry, dict) else None
        target = wanted.get(restore_id) if isinstance(restore_id, str) else None
        if target is None:
            continue
        has_wanted = True
        try:
            listing.add(read_job(entry, target, kind))
        except UnexpectedAtlasResponseError as error:
            listing.unreadable[target.restore_id] = str(error)
    return has_wanted
