"""Connection slots: a few threads at a time use the same few connections, whichever they are."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

from restore_watch.atlas.slots import Slots, current_slot


def test_the_slot_that_was_given_back_last_is_taken_first() -> None:
    """Also after a failure. A thread without a slot uses slot zero."""
    slots = Slots()
    with suppress(LookupError), slots.taken():
        raise LookupError
    assert current_slot() == 0
    with slots.taken():
        assert current_slot() == 0
        with slots.taken():
            assert current_slot() == 1
        assert current_slot() == 0
        with slots.taken():
            assert current_slot() == 1
    with slots.taken():
        assert current_slot() == 0


def test_threads_at_once_have_slots_of_their_own() -> None:
    slots, together = Slots(), Barrier(8)

    def work() -> int:
        with slots.taken():
            together.wait(timeout=5)
            number = current_slot()
            together.wait(timeout=5)
        return number

    with ThreadPoolExecutor(8) as threads:
        for _ in range(2):
            taken = [one.result() for one in [threads.submit(work) for _ in range(8)]]
            assert sorted(taken) == list(range(8))
        # One after the other, they use the same slot.
        assert len({threads.submit(slot_of, slots).result() for _ in range(20)}) == 1


def slot_of(slots: Slots) -> int:
    with slots.taken():
        return current_slot()
