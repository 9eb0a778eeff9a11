"""
The bounds of a whole exchange with Atlas, and its slot.

httpx's timeouts limit a single read, so an answer of one byte a second never times out. Nothing
there limits the bytes of an answer, so an answer, even a challenge, could fill the memory.

Each exchange has a slot, and each slot its own connections. The slot that was given back last is
taken first, so a few questions use the same few connections again and again, whichever threads ask
them, and those stay open.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count

from restore_watch.errors import UnexpectedAtlasResponseError

ANSWER_LIMIT = 1_000_000
"""Bytes that one exchange usually receives at most. A restore job has about 1,000."""


@dataclass
class Bounds:
    """The limits and the slot of an exchange, and its use so far: bytes and new connections."""

    ends_at: float
    limit: int
    slot: int
    received: int = 0
    connections: int = 0

    def timeout(self, seconds: float | None, expired: type[Exception]) -> float:
        """Return the timeout of the next step: these seconds, or the rest of the exchange."""
        left = self.ends_at - time.monotonic()
        if left > 0:
            return left if seconds is None else min(seconds, left)
        raise expired("the time for the whole exchange is over")

    def spend(self, data: bytes) -> None:
        """Count received data."""
        self.received += len(data)
        if self.received > self.limit:
            error = UnexpectedAtlasResponseError(f"Atlas sent more than {self.limit} bytes")
            error.is_too_large = True
            raise error


_bounds: ContextVar[Bounds] = ContextVar("_bounds")

_free_slots: list[int] = []
_new_slots = count()


def current_bounds() -> Bounds:
    """Return the bounds of this thread's exchange. No other thread has its slot now."""
    return _bounds.get()


@contextmanager
def bounded(seconds: float, limit: int = ANSWER_LIMIT) -> Iterator[Bounds]:
    """
    Limit the block to this many seconds and received bytes.

    Raises a timeout of httpx after the time, UnexpectedAtlasResponseError after the bytes.
    """
    try:
        slot = _free_slots.pop()
    except IndexError:
        slot = next(_new_slots)
    bounds = Bounds(time.monotonic() + seconds, limit, slot)
    token = _bounds.set(bounds)
    try:
        yield bounds
    finally:
        _bounds.reset(token)
        _free_slots.append(slot)
