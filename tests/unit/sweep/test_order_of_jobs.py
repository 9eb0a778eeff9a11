"""In which order a sweep asks about the jobs that it knows."""

from restore_watch.sweep.following.job_follower import longest_unasked_first
from restore_watch.sweep.log import Fate
from restore_watch.sweep.memory_of_jobs import JobMemory
from unit.open_jobs import open_job
from unit.records import DOWN, LIMITED, about, acted, left
from unit.scripted_atlas import Clock


def test_the_longest_unasked_job_comes_first_and_before_it_the_unasked_in_any_order(
    clock: Clock,
) -> None:
    """So a job that kills its environment is not the first to be asked about every time."""
    memory = JobMemory(clock)
    jobs = [open_job(number, cluster=f"orders-{number}") for number in range(50)]
    assert longest_unasked_first(jobs, memory) != jobs

    first, second, third, *_ = jobs
    memory.read_record(acted(first, Fate.SETTLED))  # by a list, but it was never asked about
    for record in (about(third, DOWN), about(second), left(third), about(third, LIMITED)):
        memory.read_record(record)
        clock.now += 1

    assert longest_unasked_first([second, third, first], memory) == [first, third, second]
