"""In which order threads get the tasks of a sweep, what a project may hold up, and the end."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from restore_watch.sweep.following.job_follower import FollowTask
from restore_watch.threads.agenda import Agenda
from unit.open_jobs import open_job
from unit.scripted_atlas import GROUP

NOBODY: Any = None
"""Whoever does the tasks: here, the test."""

OTHER_GROUP = "5f0000000000000000000a02"


def asked(group: str, count: int, begin: int = 0) -> list[FollowTask]:
    """Tasks about jobs of one project."""
    numbers = range(begin, begin + count)
    return [FollowTask(open_job(n, group, f"orders-{n}"), NOBODY) for n in numbers]


def groups(count: int) -> list[str]:
    return [f"5f0000000000000000000b{number:02x}" for number in range(count)]


class Round:
    """An agenda to which nothing is added any more, and what it skipped. It ends in ten seconds."""

    def __init__(
        self,
        *given: Iterable[FollowTask],
        threads: int = 4,
        allows: Callable[[FollowTask], bool] = lambda _: True,
        closed: bool = True,
    ) -> None:
        self.skipped: list[FollowTask] = []
        self.is_over = False
        ends_at = time.monotonic() + 10
        self.agenda: Agenda[FollowTask] = Agenda(
            threads,
            allows=allows,
            skip=self.skipped.append,
            is_over=lambda: self.is_over or time.monotonic() > ends_at,
        )
        self.agenda.add(task for some in given for task in some)
        if closed:
            self.agenda.close()

    def take(self) -> FollowTask:
        task = self.agenda.next_task()
        assert task is not None
        return task


# Shares


@pytest.mark.parametrize(
    ("counts", "threads", "taken"),
    [([3, 1, 2], 30, [0, 1, 2, 0, 2, 0]), ([8], 8, [0] * 8), ([2] * 6, 4, [0, 1, 2, 3])],
    ids=["in turns", "alone", "more projects than threads"],
)
def test_projects_take_turns_and_a_project_alone_gets_every_thread(
    counts: list[int], threads: int, taken: list[int]
) -> None:
    given = [asked(groups(6)[number], count) for number, count in enumerate(counts)]
    round_ = Round(*given, threads=threads)

    tasks = [round_.take() for _ in taken]

    assert [one.bucket.group_id for one in tasks] == [groups(6)[number] for number in taken]
    of_first = [one for one in tasks if one.bucket.group_id == groups(6)[0]]
    assert of_first == given[0][: len(of_first)]


def test_a_project_that_hangs_holds_its_share_of_the_threads_only() -> None:
    round_ = Round(asked(GROUP, 50), asked(OTHER_GROUP, 50, 50), threads=8)
    hanging = 0
    for _ in range(40):
        task = round_.take()
        if task.bucket.group_id == GROUP:
            hanging += 1
        else:
            round_.agenda.finish(task)

    assert hanging == 4


def test_a_project_that_hangs_never_holds_more_than_three_quarters_of_the_threads() -> None:
    """Also if the others have nothing to do at the moment: what is added for them is taken."""
    hanging, other = asked(GROUP, 50), asked(OTHER_GROUP, 2, 50)
    round_ = Round(hanging, other[:1], threads=8, closed=False)
    round_.agenda.finish(next(one for one in (round_.take(), round_.take()) if one == other[0]))

    assert [round_.take().bucket.group_id for _ in range(5)] == [GROUP] * 5
    with ThreadPoolExecutor(1) as thread:
        seventh = thread.submit(round_.take)
        time.sleep(0.05)
        round_.agenda.add(other[1:])

        assert seventh.result() == other[1]


# Second tries, refusals, the end


def test_a_task_that_is_to_be_done_once_more_comes_after_the_others() -> None:
    given = asked(GROUP, 2)
    round_ = Round(given)
    round_.agenda.finish(round_.take(), [replace(given[0], tries=1)])
    round_.agenda.finish(round_.take())

    second = round_.take()
    assert (second.keys, second.tries) == (given[0].keys, 1)

    round_.agenda.finish(second)
    assert round_.agenda.next_task() is None
    assert round_.skipped == []


def test_a_task_that_is_not_allowed_at_its_turn_is_skipped() -> None:
    given = asked(GROUP, 3)
    others = asked(OTHER_GROUP, 2)
    round_ = Round(
        given,
        others,
        allows=lambda task: task.bucket.group_id != GROUP or task == given[2],
    )

    taken = [round_.take(), round_.take(), round_.take()]
    assert taken == [given[2], *others]
    assert round_.skipped == given[:2]

    again = replace(given[0], tries=1)
    round_.agenda.finish(taken[0], [again])
    assert round_.agenda.next_task() is None
    assert round_.skipped == [*given[:2], again]


def test_when_the_time_is_over_what_was_not_taken_is_skipped() -> None:
    given, others = asked(GROUP, 3), asked(OTHER_GROUP, 1)
    round_ = Round(given, others)
    round_.take()

    round_.is_over = True

    assert round_.agenda.next_task() is None
    assert set(round_.skipped) == {*given[1:], *others}
    assert round_.agenda.next_task() is None


# Additions


def test_a_job_that_is_on_the_agenda_is_not_added_again() -> None:
    first, second = asked(GROUP, 2)
    round_ = Round([first], closed=False)

    round_.agenda.add([first, second])
    round_.agenda.close()

    assert [round_.take(), round_.take()] == [first, second]
    assert round_.agenda.is_idle is False


@pytest.mark.parametrize("ending", ["done", "skipped", "over"])
def test_a_job_may_be_added_again_after_its_task_was_asked_or_skipped(ending: str) -> None:
    given = asked(GROUP, 1)
    allowed = iter([ending != "skipped", True])
    round_ = Round(given, asked(OTHER_GROUP, 1), allows=lambda _: next(allowed), closed=False)
    round_.is_over = ending == "over"
    if ending == "over":
        round_.agenda.close()
        assert round_.agenda.next_task() is None
    else:
        round_.agenda.finish(round_.take())

    assert (given[0] in round_.skipped) is (ending != "done")
    round_.is_over = False
    allowed = iter([True, True])
    round_.agenda.add(given)

    assert given[0] in {round_.take() for _ in range(1 if ending != "done" else 2)}


# Idleness


def test_an_agenda_is_idle_when_nothing_is_waiting_or_under_way_or_follows() -> None:
    given = asked(GROUP, 2)
    round_ = Round(closed=False)
    seen = [round_.agenda.is_idle]
    round_.agenda.add(given)
    for _ in given:
        seen.append(round_.agenda.is_idle)
        task = round_.take()
        seen.append(round_.agenda.is_idle)
        round_.agenda.finish(task)

    assert seen == [True, *[False] * 4]
    assert round_.agenda.is_idle
    round_.agenda.add(given[:1])
    round_.agenda.finish(round_.take(), given[1:])
    assert not round_.agenda.is_idle


# Threads

THREADS = 32


def tasks_of(projects: int, of_each: int) -> list[FollowTask]:
    return [one for group in groups(projects) for one in asked(group, of_each)]


def agenda_of(given: Iterable[FollowTask], threads: int = THREADS) -> Agenda[FollowTask]:
    """An agenda that is still open."""
    return Round(given, threads=threads, closed=False).agenda


@pytest.mark.parametrize(
    ("threads", "projects", "of_each"),
    [(1, 3, 20), (2, 3, 20), (THREADS, 3, 20), (THREADS, 1, 1), (THREADS, 5, 2)],
)
def test_threads_take_every_task_and_end(threads: int, projects: int, of_each: int) -> None:
    """One about a job whose id ends in 7 has no usable answer, so it is asked twice."""
    given = tasks_of(projects, of_each)
    agenda = agenda_of(given, threads)
    agenda.close()
    asked: list[FollowTask] = []

    def work() -> None:
        while (task := agenda.next_task()) is not None:
            asked.append(task)
            again = replace(task, tries=task.tries + 1)
            is_again = is_unanswered(task) and not task.tries
            agenda.finish(task, [again] if is_again else ())

    with ThreadPoolExecutor(threads) as pool:
        for one in [pool.submit(work) for _ in range(threads)]:
            one.result()

    assert set(given) <= set(asked)
    assert len(asked) == len(given) + sum(map(is_unanswered, given))
    assert sum(one.tries for one in asked) == sum(map(is_unanswered, given))


def test_a_project_has_32_questions_under_way_at_most() -> None:
    agenda = agenda_of(tasks_of(projects=1, of_each=40), threads=110)
    first, *_ = [agenda.next_task() for _ in range(32)]
    assert first is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agenda.next_task)
        with suppress(TimeoutError):
            waiting.result(timeout=0.05)
        assert not waiting.done()

        agenda.finish(first)
        assert waiting.result(timeout=10) is not None


def test_threads_that_a_project_may_not_use_end_with_the_others() -> None:
    agenda = agenda_of(tasks_of(projects=1, of_each=40), threads=110)
    agenda.close()
    taken = [agenda.next_task() for _ in range(32)]

    def work() -> None:
        while (question := agenda.next_task()) is not None:
            agenda.finish(question)

    with ThreadPoolExecutor(78) as pool:
        waiting = [pool.submit(work) for _ in range(78)]
        with suppress(TimeoutError):
            waiting[0].result(timeout=0.2)
        for question in filter(None, taken):
            agenda.finish(question)
        try:
            for one in waiting:
                one.result(timeout=5)
        finally:
            agenda.close()  # wakes all


def is_unanswered(task: FollowTask) -> bool:
    return task.job.target.restore_id.endswith("7")


def test_a_thread_without_a_task_waits_for_a_second_try_an_addition_and_the_end() -> None:
    first, second = tasks_of(projects=2, of_each=1)
    agenda = agenda_of([first])
    with ThreadPoolExecutor(1) as pool:
        assert agenda.next_task() == first
        waiting = pool.submit(agenda.next_task)
        agenda.finish(first, [replace(first, tries=1)])
        assert waiting.result(timeout=10) == replace(first, tries=1)

        waiting = pool.submit(agenda.next_task)
        agenda.add([second])
        assert waiting.result(timeout=10) == second

        waiting = pool.submit(agenda.next_task)
        with suppress(TimeoutError):
            waiting.result(timeout=0.05)
        assert not waiting.done()
        agenda.close()
        assert waiting.result(timeout=10) is None


def test_an_agenda_is_done_when_nothing_waits_or_is_under_way() -> None:
    (given,) = tasks_of(projects=1, of_each=1)
    agenda = agenda_of([given])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agenda.wait_until_done, 10)
        taken = agenda.next_task()
        with suppress(TimeoutError):
            waiting.result(timeout=0.05)
        assert not waiting.done()

        assert taken is not None
        agenda.finish(taken)
        waiting.result(timeout=10)


def test_the_wait_for_the_end_has_a_limit() -> None:
    agenda = agenda_of(tasks_of(projects=1, of_each=1))

    agenda.wait_until_done(0.02)

    assert not agenda.is_idle
