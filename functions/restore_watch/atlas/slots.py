"""
Connection slots: each has connections and a digest challenge for the thread that uses it.

Threads take turns at slots, and the slot that was given back last is taken first. So a few
questions use the same few connections again and again, whichever threads ask them, and those stay
open. A thread without a slot, such as the thread of a check by name, uses slot 0.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

_slot: ContextVar[int] = ContextVar("_slot", default=0)


def current_slot() -> int:
    """Return the number of this thread's slot."""
    return _slot.get()


class PerSlot[Part]:
    """A part that each slot has for itself. Any thread may use it."""

    def __init__(self, make: Callable[[], Part]) -> None:
        self._make = make
        self._lock = Lock()
        self._parts: dict[int, Part] = {}

    def current(self) -> Part:
        """Return the part of this thread's slot, made when it is first needed."""
        with self._lock:
            if current_slot() not in self._parts:
                self._parts[current_slot()] = self._make()
            return self._parts[current_slot()]

    def parts(self) -> list[Part]:
        """Return the parts of all slots."""
        with self._lock:
            return list(self._parts.values())


class Slots:
    """The slots of an environment. Any thread may take a slot."""

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
