"""Connection slots: a few threads at a time use the same few connections, whichever they are."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from restore_watch.atlas.slots import Slots, current_slot


def test_a_thread_without_a_slot_uses_slot_zero() -> None:
    assert current_slot() == 0


def test_the_slot_that_was_given_back_last_is_taken_first() -> None:
    slots = Slots()
    with slots.taken():
        assert current_slot() == 0
        with slots.taken():
            assert current_slot() == 1
        assert current_slot() == 0
        with slots.taken():
            assert current_slot() == 1
    with slots.taken():
        assert current_slot() == 0


def test_a_slot_is_given_back_after_a_failure() -> None:
    slots = Slots()

    def fail() -> None:
        with slots.taken():
            raise LookupError

    with pytest.raises(LookupError):
        fail()
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


def test_threads_after_one_another_have_the_same_slot() -> None:
    slots = Slots()

    def work() -> int:
        with slots.taken():
            return current_slot()

    with ThreadPoolExecutor(8) as threads:
        assert {threads.submit(work).result() for _ in range(20)} == {0}
