"""
The rounds of one sweep: what is due is asked and found, and then hot jobs are asked about again.

Questions about known jobs and the steps that find others share the threads: each project gets its
turn, whatever is to be done for it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from restore_watch.asking.asked import Subject
from restore_watch.asking.questions import Questions
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import AtlasRateLimitError, UnforeseenError
from restore_watch.sweep.finding.project_finder import ProjectFinder
from restore_watch.sweep.following.due_and_hot import HOT_UNTIL, is_due, is_hot
from restore_watch.sweep.following.job_follower import JobFollower
from restore_watch.sweep.log import Planned, Unread
from restore_watch.sweep.run import Run
from restore_watch.sweep.sweep_task import SweepTask
from restore_watch.table.open_job import OpenJob
from restore_watch.telemetry.isolation import isolated
from restore_watch.threads.agenda import Agenda
from restore_watch.threads.workers import Workers

JUDGING_TIME = 2.5
"""
Seconds of the ending time that are kept for the verdict.

A listing whose end is not stored by then is left to the next sweep.
"""

HOT_SECONDS = 10.0
"""
Seconds between two questions about a hot job.

Before each, a sweep looks whether another one waits, which waits for little longer.
"""


class FirstRound(NamedTuple):
    """The jobs that are due, and the first steps to find others."""

    due: Sequence[OpenJob]
    steps: Sequence[SweepTask]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not self.due and not self.steps


@dataclass(frozen=True)
class Rounds:
    """
    Asks and finds in one sweep.

    With `hot_rounds`, hot jobs are asked about every HOT_SECONDS until the sweep `is_awaited`:
    another one waits to go on with them.
    """

    run: Run
    questions: Questions
    follower: JobFollower
    finder: ProjectFinder
    workers: Workers
    hot_rounds: bool
    is_awaited: Callable[[], bool]

    def due_jobs(self) -> list[OpenJob]:
        """Return the jobs to ask about first."""
        run, now = self.run, self.run.now()
        return [
            job
            for job in run.open_jobs()
            if is_due(job, run.memory.remembered(job.key).settled, now, is_tick=run.is_tick)
        ]

    def plan_due_jobs(self, due: Iterable[OpenJob]) -> None:
        """Note in the log which projects are asked because of due jobs."""
        for group_id in {job.target.group_id for job in due}:
            self.run.log.append(Planned(group_id, is_watched=False))

    def play(self, first: FirstRound, begun: float) -> None:
        """
        Ask about due jobs, find others and ask about hot jobs again, all at the same time.

        After that, store how far the listings came. `begun`: when the sweep began, on the clock of
        its deadlines.
        """
        self._ask(first, begun)
        self.finder.end_listings(self.run.ending.earlier(JUDGING_TIME))
        for bucket in self.questions.pace.starved_buckets():
            self.run.log.append(_starved(bucket))

    def _ask(self, first: FirstRound, begun: float) -> None:
        agenda: Agenda[SweepTask] = Agenda(
            self.workers.at_once,
            allows=self._takes_call,
            skip=lambda task: task.postpone(),
            is_over=lambda: self.run.asking.remaining() < LEAST_EXCHANGE,
        )
        agenda.add([*self.follower.tasks(first.due), *first.steps])
        # A step has others follow.
        count = self.workers.at_once if first.steps else len(first.due)
        threads = self.workers.start(agenda, self._do, count)
        try:
            self._ask_about_hot_jobs(agenda, begun)
            agenda.wait_until_done(self.run.asking.remaining())
        finally:
            agenda.close()
            self.workers.join(threads, self.run.ending.earlier(JUDGING_TIME))

    def _ask_about_hot_jobs(self, agenda: Agenda[SweepTask], begun: float) -> None:
        """
        Put hot jobs on the agenda every few seconds, unless they are still there.

        Another sweep goes on with them only when the agenda is done: what a sweep finds takes
        longer in a large stack than the time between two ticks may be.
        """
        if not self.hot_rounds:
            return
        clock = self.run.asking.clock
        last_round_at = min(begun + HOT_UNTIL, self.run.asking.at - LEAST_EXCHANGE)
        # A sweep that waited for its lease has asked only now.
        round_at = clock() + HOT_SECONDS
        while round_at <= last_round_at:
            agenda.wait_until_done(round_at - clock())
            if agenda.is_idle and not self._hot_jobs():
                return
            self.run.clock.sleep(max(0.0, round_at - clock()))
            if agenda.is_idle and self.is_awaited():
                return
            self.questions.pace.begin_round()
            agenda.add(self.follower.tasks(self._hot_jobs()))
            # After a late round, the next one is not late as well.
            round_at = max(round_at + HOT_SECONDS, clock())

    def _hot_jobs(self) -> list[OpenJob]:
        now = self.run.now()
        return [job for job in self.run.open_jobs() if is_hot(job, now)]

    def _takes_call(self, task: SweepTask) -> bool:
        return self.questions.take_call(task.bucket, to_find=task.finds)

    def _do(self, task: SweepTask) -> Iterable[SweepTask]:
        try:
            with isolated(self.run.telemetry, group_id=task.bucket.group_id):
                return task.do()
        except UnforeseenError as error:
            task.note_unforeseen(error)
            return ()


def _starved(bucket: Bucket) -> Unread:
    error = AtlasRateLimitError(
        f"Other tools use up Atlas's rate limit for {bucket.family.of_single}. Too little was left "
        "from the start, so only one call was made. Slow down the other tools"
    )
    # A subject of its own: this replaces no failure of a call, and no answer to a call clears it.
    return Unread(Subject.in_bucket(bucket, "starved"), error)
