"""How far a list of Atlas is read, page by page. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Self

from restore_watch.atlas.pages import FIRST_PAGE, Page, PageAt

NOTHING_NEW = "A page of a list from Atlas shows nothing new, although more is to follow"
"""The same page may follow for ever, so the list cannot be read to its end."""

MORE_CLUSTERS = "Atlas shows more clusters of a project than one page holds"
"""
A page holds 500, and a project may have 100.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/operation/operation-setgrouplimit
"""


class Stop(Enum):
    """
    Why no other page of a list is read.

    END: there is none. NOTHING_NEW: the last page showed nothing new, and says that more follows.
    ENOUGH: the reader wants no more.
    """

    END = auto()
    NOTHING_NEW = auto()
    ENOUGH = auto()


@dataclass(frozen=True)
class ListPages:
    """
    The pages of a list that were read so far. Unless they `stop`, the next one is read `at`.

    `ids`: the ids on all these pages.
    """

    at: PageAt = FIRST_PAGE
    ids: frozenset[str] = frozenset()
    stop: Stop | None = None

    def after(self, page: Page, ids: Iterable[str]) -> Self:
        """Return the pages after another page with these ids was read."""
        new = frozenset(ids) - self.ids
        stop = None
        if not page.has_next:
            stop = Stop.END
        elif not new:
            # The same page may follow for ever.
            stop = Stop.NOTHING_NEW
        return replace(self, at=page.at.next, ids=self.ids | new, stop=stop)

    def enough(self) -> Self:
        """Return the same pages, after which no other is wanted."""
        return self if self.stop else replace(self, stop=Stop.ENOUGH)


NOTHING_YET = ListPages()
"""Of a list of which no page was read yet."""
