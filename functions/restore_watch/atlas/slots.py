"""
Connection slots: a thread that asks Atlas uses the connections and the digest challenge of one.

Threads take turns at slots, and the slot that was given back last is taken first. So a few
questions use the same few connections again and again, whichever threads ask them, and those stay
open. A thread that has taken no slot, such as that of a check by name, uses slot 0.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

_slot: ContextVar[int] = ContextVar("_slot", default=0)


def current_slot() -> int:
    """Return the number of this thread's slot."""
    return _slot.get()


class Slots:
    """The slots of an environment. Any thread may take one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made = 0
        self._free: list[int] = []

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Within the block, this thread has a slot that no other thread has."""
        with self._lock:
            if not self._free:
                self._free.append(self._made)
                self._made += 1
            number = self._free.pop()
        token = _slot.set(number)
        try:
            yield
        finally:
            _slot.reset(token)
            with self._lock:
                self._free.append(number)
