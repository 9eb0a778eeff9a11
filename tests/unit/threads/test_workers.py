"""How many questions a function asks at once, by its memory, and when its threads are done."""

import time

import pytest

from foundation.deadline import Deadline
from restore_watch.threads.how_many_threads import threads_for
from restore_watch.threads.workers import Workers
from unit.scripted_atlas import Clock


@pytest.mark.parametrize(
    ("memory_megabytes", "threads"),
    [
        (0, 32),  # not known
        (128, 32),
        (512, 32),
        (527, 32),
        (528, 33),
        (1024, 64),
        (1769, 110),
        (1776, 110),
        (10_240, 110),
    ],
)
def test_each_16_megabytes_get_a_thread_up_to_those_of_one_processor(
    memory_megabytes: int, threads: int
) -> None:
    assert threads_for(memory_megabytes) == threads


def test_each_call_has_ended_before_the_sweep_goes_on() -> None:
    done: list[int] = []

    def do(number: int) -> None:
        time.sleep(0.05)
        done.append(number)

    Workers(4).each(range(8), do, Deadline.after(10))

    assert sorted(done) == list(range(8))


def test_no_call_begins_after_the_deadline() -> None:
    """The calls write to AWS. Others may have the lease by then."""
    clock, done = Clock(), list[int]()

    def do(number: int) -> None:
        done.append(number)
        clock.sleep(2)

    Workers(1).each(range(8), do, clock.deadline(5))

    assert done == [0, 1, 2]
