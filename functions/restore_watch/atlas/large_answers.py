"""
Large answers: few are read at a time, and a page that is too large is asked for in smaller ones.

Each thread may read a page of 500 restore jobs at once. A page of 10 MB takes 50 MB until it
is read, so an answer is first read up to the usual size.
"""

from collections.abc import Callable
from threading import Lock, Semaphore

from cachetools import LRUCache

from foundation.deadline import Deadline
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.pages import COLLECTIONS_ON_PAGE, PAGE_LIMIT, Page, PageAt
from restore_watch.atlas.transport.bounds import ANSWER_LIMIT
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.restore_target import RestoreKind

LIST_LIMIT = 10_000_000
"""Bytes that a page of a list may have."""

LARGE_AT_ONCE = 3
"""So many answers of more than ANSWER_LIMIT bytes are read at a time."""

LISTS_REMEMBERED = 1000
"""An environment remembers of this many lists that they are large, or the size of their pages."""


class LargeAnswers:
    """Reads the large answers of an environment. Any thread may use it."""

    def __init__(self) -> None:
        self._places = Semaphore(LARGE_AT_ONCE)
        self._lock = Lock()
        self._sizes: LRUCache[str, int] = LRUCache(LISTS_REMEMBERED)
        self._large: LRUCache[str, bool] = LRUCache(LISTS_REMEMBERED)

    def ask[Read](self, path: str, ask: Callable[[int], Read], deadline: Deadline) -> Read:
        """Ask, with the bytes that the answer may have: ANSWER_LIMIT, or LIST_LIMIT in a place."""
        try:
            if path not in self._large:
                return ask(ANSWER_LIMIT)
        except UnexpectedAtlasResponseError as error:
            if not error.is_too_large:
                raise
            with self._lock:
                self._large[path] = True
        # Without a place in time, too little is left to ask at all, and the exchange raises that.
        is_taken = self._places.acquire(timeout=max(0.0, deadline.remaining() - LEAST_EXCHANGE))
        try:
            return ask(LIST_LIMIT)
        finally:
            if is_taken:
                self._places.release()

    def page(self, path: str, kind: RestoreKind, at: PageAt, ask: Callable[[PageAt], Page]) -> Page:
        """
        Return a page of the jobs of this kind at this path, or the first part of that page.

        After a page that is too large, the list is read in smaller ones. Each begins where a larger
        one would begin, so that no entry is missed. Raises UnexpectedAtlasResponseError if a single
        entry is too large.
        """
        if at.number == 1:
            usual = COLLECTIONS_ON_PAGE if kind is RestoreKind.COLLECTION else PAGE_LIMIT
            with self._lock:
                at = PageAt(1, min(at.size, self._sizes.get(path, usual)))
        while True:
            try:
                return ask(at)
            except UnexpectedAtlasResponseError as error:
                if not error.is_too_large or at.size == 1 or kind is RestoreKind.TENANT:
                    raise
            at = at.smaller
            with self._lock:
                self._sizes[path] = at.size
