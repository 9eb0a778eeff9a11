"""Every thread has a question as long as there are enough, and all threads end."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Barrier, Lock

import pytest

from restore_watch.sweep.follow.question import Question
from restore_watch.table.open_job import OpenJob
from restore_watch.threads.agenda import Agenda
from unit.open_jobs import open_job

THREADS = 32


def questions_of(projects: int, of_each: int) -> list[Question]:
    """Questions about clusters of several projects."""
    return [
        Question((open_job(number, f"5f0000000000000000000b{project:02x}", f"orders-{number}"),))
        for project in range(projects)
        for number in range(of_each)
    ]


def agenda_of(given: Iterable[Question], threads: int = THREADS) -> Agenda[Question]:
    """An agenda that is still open. It is over after ten seconds."""
    ends_at = time.monotonic() + 10
    agenda: Agenda[Question] = Agenda(
        threads,
        allows=lambda _: True,
        skip=lambda _: None,
        is_over=lambda: time.monotonic() > ends_at,
    )
    agenda.add(given)
    return agenda


def at_once[T](work: Callable[[], T], threads: int = THREADS) -> list[T]:
    with ThreadPoolExecutor(threads) as pool:
        return [one.result() for one in [pool.submit(work) for _ in range(threads)]]


@pytest.mark.parametrize("projects", [2, 3, 7, 20, 31, 32, 40, 1])
def test_every_thread_gets_a_question(projects: int) -> None:
    agenda = agenda_of(questions_of(projects, of_each=THREADS))
    all_have_one = Barrier(THREADS)

    def work() -> None:
        assert agenda.take() is not None
        all_have_one.wait(timeout=4)

    at_once(work)


@pytest.mark.parametrize(("projects", "of_each"), [(1, 1), (1, 3), (5, 2), (3, 40)])
def test_threads_without_a_question_end_at_once_when_the_last_is_done(
    projects: int, of_each: int
) -> None:
    agenda = agenda_of(questions_of(projects, of_each))
    agenda.close()

    def work() -> int:
        count = 0
        while (taken := agenda.take()) is not None:
            count += 1
            agenda.done(taken)
        return count

    assert sum(at_once(work)) == projects * of_each


class Workers:
    """
    Threads that work an agenda off. The first question about each of these jobs `breaks`.

    A question about a job whose id ends in 7 is to be asked once more.
    """

    def __init__(self, agenda: Agenda[Question], breaks: Iterable[OpenJob] = ()) -> None:
        self._agenda = agenda
        self._breaks = {job.key for job in breaks}
        self._lock = Lock()
        self.asked: list[Question] = []

    def run(self, threads: int) -> int:
        """Work with so many threads. Return how many of them broke."""
        with ThreadPoolExecutor(threads) as pool:
            running = [pool.submit(self._work) for _ in range(threads)]
            return sum(one.exception(timeout=10) is not None for one in running)

    def _work(self) -> None:
        while (question := self._agenda.take()) is not None:
            more: tuple[Question, ...] = ()
            try:
                more = self._ask(question)
            finally:
                self._agenda.done(question, more)

    def _ask(self, question: Question) -> tuple[Question, ...]:
        with self._lock:
            self.asked.append(question)
        if question.jobs[0].key in self._breaks and not question.tries:
            raise LookupError
        is_unanswered = question.jobs[0].target.restore_id[-1] == "7"
        return (replace(question, tries=question.tries + 1),) if is_unanswered else ()


@pytest.mark.parametrize("threads", [1, 2, THREADS])
def test_threads_ask_every_question_and_end(threads: int) -> None:
    given = questions_of(projects=3, of_each=20)
    agenda = agenda_of(given, threads)
    agenda.close()
    workers = Workers(agenda)

    assert workers.run(threads) == 0

    assert set(given) <= set(workers.asked)
    assert len(workers.asked) == 60 + 6 - 3
    assert sum(one.tries for one in workers.asked) == 3


def test_a_thread_that_breaks_does_not_stop_the_others() -> None:
    given = questions_of(projects=1, of_each=40)
    agenda = agenda_of(given, threads=8)
    agenda.close()
    workers = Workers(agenda, [given[number].jobs[0] for number in (0, 5, 39)])

    assert workers.run(8) == 3
    assert set(given) <= set(workers.asked)


def test_a_thread_without_a_question_waits_for_a_second_try_an_addition_and_the_end() -> None:
    first, second = questions_of(projects=2, of_each=1)
    agenda = agenda_of([first])
    with ThreadPoolExecutor(1) as pool:
        assert agenda.take() == first
        waiting = pool.submit(agenda.take)
        agenda.done(first, [replace(first, tries=1)])
        assert waiting.result(timeout=10) == replace(first, tries=1)

        waiting = pool.submit(agenda.take)
        agenda.add([second])
        assert waiting.result(timeout=10) == second

        waiting = pool.submit(agenda.take)
        with suppress(TimeoutError):
            waiting.result(timeout=0.05)
        assert not waiting.done()
        agenda.close()
        assert waiting.result(timeout=10) is None


def test_an_agenda_is_done_when_nothing_waits_or_is_under_way() -> None:
    (given,) = questions_of(projects=1, of_each=1)
    agenda = agenda_of([given])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agenda.wait_until_done, 10)
        taken = agenda.take()
        with suppress(TimeoutError):
            waiting.result(timeout=0.05)
        assert not waiting.done()

        assert taken is not None
        agenda.done(taken)
        waiting.result(timeout=10)


def test_an_agenda_is_done_when_nothing_of_it_may_be_asked() -> None:
    given = questions_of(projects=1, of_each=2)
    agenda: Agenda[Question] = Agenda(
        2, allows=lambda _: False, skip=lambda _: None, is_over=lambda: False
    )
    agenda.add(given)
    with ThreadPoolExecutor(2) as pool:
        waiting, taking = pool.submit(agenda.wait_until_done, 10), pool.submit(agenda.take)
        waiting.result(timeout=5)
        agenda.close()
        assert taking.result(timeout=10) is None


def test_the_wait_for_the_end_has_a_limit() -> None:
    agenda = agenda_of(questions_of(projects=1, of_each=1))
    begun = time.monotonic()

    agenda.wait_until_done(0.02)

    assert 0.02 <= time.monotonic() - begun < 5
