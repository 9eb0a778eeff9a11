"""How many questions a function asks at once, by its memory."""

import pytest

from restore_watch.threads.how_many_threads import threads_for


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
