"""
The rounds of one sweep: what is due is asked and found, and then hot jobs are asked about again.

Questions about known jobs and the steps that find others share the threads: each project gets its
turn, whatever is to be done for it.
"""

import math
from collections.abc import Callable, Collection, Iterable

from foundation.service import service
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.sweep.cadence import is_due, is_hot
from restore_watch.sweep.find.find import Finder
from restore_watch.sweep.find.steps import FindStep
from restore_watch.sweep.follow.ask import Asker
from restore_watch.sweep.follow.question import Question, questions
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob
from restore_watch.threads.agenda import Agenda
from restore_watch.threads.workers import THREADS, Workers

HOT_UNTIL = 111.0
"""
Seconds after the start of a sweep until which hot jobs are asked about, if no other waits.

The rounds of a sweep that waited for its lease are a little late, that of 110 s too.
"""

LOOK_EVERY = 10.0
"""Seconds between two looks whether another sweep waits, at most: it waits for little longer."""

type SweepTask = Question | FindStep


@service
class Rounds:
    """
    Asks and finds. `begun` is when the sweep began, on the clock of its deadlines.

    Hot jobs are asked about every `hot_seconds`, 0 for never again, until the sweep `is_awaited`:
    another one waits to go on with them.
    """

    run: Run
    asker: Asker
    finder: Finder
    workers: Workers
    begun: float
    hot_seconds: float
    is_awaited: Callable[[], bool]

    def due(self) -> list[OpenJob]:
        """Return the jobs to ask about."""
        run, now = self.run, self.run.now()
        return [
            job
            for job in run.open_jobs()
            if is_due(job, run.memory.last_settled(job), now, is_tick=run.is_tick)
        ]

    def play(self, due: Collection[OpenJob], steps: Collection[FindStep]) -> None:
        """Ask about these jobs, take these steps, and then ask about what is hot."""
        agenda: Agenda[SweepTask] = Agenda(
            THREADS,
            allows=self._allows,
            skip=self._skip,
            is_over=lambda: self.run.asking.remaining() < LEAST_EXCHANGE,
        )
        agenda.add([*self._questions(due), *steps])
        # A step has others follow.
        threads = self.workers.start(agenda, self._do, THREADS if steps else len(due))
        try:
            self._add_hot(agenda)
            agenda.wait_until_done(self.run.asking.remaining())
        finally:
            agenda.close()
            self.workers.join(threads, self.run.ending)

    def _add_hot(self, agenda: Agenda[SweepTask]) -> None:
        """
        Put hot jobs on the agenda every few seconds, unless they are still there.

        Another sweep goes on with them only when the agenda is done: what a sweep finds takes
        longer in a large stack than the time between two ticks may be.
        """
        run, clock, now = self.run, self.run.asking.clock, self.run.now
        # A sweep that waited for its lease has asked only now.
        round_at = clock()
        while self.hot_seconds:
            round_at = max(round_at + self.hot_seconds, clock())
            if round_at > min(self.begun + HOT_UNTIL, run.asking.at - LEAST_EXCHANGE):
                return
            agenda.wait_until_done(round_at - clock())
            if agenda.is_idle and not any(is_hot(job, now()) for job in run.open_jobs()):
                return
            for left in reversed(range(math.ceil((round_at - clock()) / LOOK_EVERY) or 1)):
                run.clock.sleep(max(0.0, (round_at - clock()) / (left + 1)))
                if agenda.is_idle and self.is_awaited():
                    return
            hot = [job for job in run.open_jobs() if is_hot(job, now())]
            run.pace.begin_round()
            agenda.add(self._questions(hot))

    def _questions(self, jobs: Iterable[OpenJob]) -> list[Question]:
        return questions(self.run.memory.longest_unasked_first(jobs))

    def _do(self, task: SweepTask) -> Iterable[SweepTask]:
        return self.asker.ask(task) if isinstance(task, Question) else self.finder.take(task)

    def _allows(self, task: SweepTask) -> bool:
        if isinstance(task, Question):
            return self.asker.allows(task)
        return self.finder.allows(task)

    def _skip(self, task: SweepTask) -> None:
        if isinstance(task, Question):
            self.asker.skip(task)
        else:
            self.finder.skip(task)
