"""
The rounds of one sweep: what is due is asked and found, and then hot jobs are asked about again.

Questions about known jobs and the steps that find others share the threads: each project gets its
turn, whatever is to be done for it.
"""

import math
from collections.abc import Callable, Collection, Iterable

from foundation.plain_class import plain_class
from restore_watch.asking.asked import Subject
from restore_watch.asking.questions import Questions
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import AtlasRateLimitError, UnforeseenError
from restore_watch.sweep.finding.listing_reader import ListingReader
from restore_watch.sweep.finding.project_listing import ClustersPage, JobsPage, ListingStep
from restore_watch.sweep.finding.project_marks import ProjectMarks
from restore_watch.sweep.finding.step import Step
from restore_watch.sweep.finding.waking import Wake, Waking
from restore_watch.sweep.finding.watched_projects import ProjectsPage, WatchedProjects
from restore_watch.sweep.following.job_follower import FollowTask, JobFollower, follow_tasks
from restore_watch.sweep.following.when_to_ask import HOT_UNTIL, is_due, is_hot
from restore_watch.sweep.log import Planned, UnreadList
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob
from restore_watch.telemetry.isolation import isolated
from restore_watch.threads.agenda import Agenda
from restore_watch.threads.workers import Workers

JUDGING_TIME = 2.5
"""Seconds of the ending time that are kept for the verdict: the next sweep stores what is left."""

LOOK_EVERY = 10.0
"""Seconds between two looks whether another sweep waits, at most: it waits for little longer."""

type SweepTask = FollowTask | ProjectsPage | Wake | ListingStep


@plain_class
class Rounds:
    """
    Asks and finds in one sweep.

    Hot jobs are asked about every `hot_seconds`, 0 for never again, until the sweep `is_awaited`:
    another one waits to go on with them.
    """

    run: Run
    questions: Questions
    follower: JobFollower
    watched: WatchedProjects
    marks: ProjectMarks
    waking: Waking
    reader: ListingReader
    workers: Workers
    hot_seconds: float
    is_awaited: Callable[[], bool]

    def play(self, begun: float, prepare: Callable[[], object]) -> None:
        """
        Ask about the jobs that are due, find others, and then ask about what is hot.

        The sweep `begun` then, on the clock of its deadlines. `prepare` is called before the first
        question. What it raises is raised: there is nothing to ask with.
        """
        due, steps = self._due(), self.watched.first_steps() if self.run.is_tick else []
        self.drop_removed()
        if not due and not steps:
            return
        self.workers.each(self.watched.new_projects(), self.marks.start, self.run.ending)
        prepare()
        self._play(begun, due, steps)
        storing = self.run.ending.earlier(JUDGING_TIME)
        self.workers.each(self.reader.under_way.copy(), self.reader.end, storing)
        for bucket in self.questions.pace.starved_buckets():
            self.run.log.append(_starved(bucket))

    def drop_removed(self) -> None:
        """Drop the projects that nobody watches any more, whatever is open in them."""
        self.workers.each(self.watched.removed_projects(), self.marks.drop, self.run.ending)

    def _due(self) -> list[OpenJob]:
        """Return the jobs to ask about."""
        run, now = self.run, self.run.now()
        due = [
            job
            for job in run.open_jobs()
            if is_due(job, run.memory.moments(job).settled, now, is_tick=run.is_tick)
        ]
        for group_id in {job.target.group_id for job in due}:
            run.log.append(Planned(group_id, is_watched=False))
        return due

    def _play(self, begun: float, due: Collection[OpenJob], steps: Collection[SweepTask]) -> None:
        agenda: Agenda[SweepTask] = Agenda(
            self.workers.at_once,
            allows=self._allows,
            skip=self._skip,
            is_over=lambda: self.run.asking.remaining() < LEAST_EXCHANGE,
        )
        agenda.add([*follow_tasks(due, self.run.memory), *steps])
        # A step has others follow.
        threads = self.workers.start(
            agenda, self._take, self.workers.at_once if steps else len(due)
        )
        try:
            self._add_hot(agenda, begun)
            agenda.wait_until_done(self.run.asking.remaining())
        finally:
            agenda.close()
            self.workers.join(threads, self.run.ending)

    def _add_hot(self, agenda: Agenda[SweepTask], begun: float) -> None:
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
            if round_at > min(begun + HOT_UNTIL, run.asking.at - LEAST_EXCHANGE):
                return
            agenda.wait_until_done(round_at - clock())
            if agenda.is_idle and not any(is_hot(job, now()) for job in run.open_jobs()):
                return
            for left in reversed(range(math.ceil((round_at - clock()) / LOOK_EVERY) or 1)):
                run.clock.sleep(max(0.0, (round_at - clock()) / (left + 1)))
                if agenda.is_idle and self.is_awaited():
                    return
            hot = [job for job in run.open_jobs() if is_hot(job, now())]
            self.questions.pace.begin_round()
            agenda.add(follow_tasks(hot, run.memory))

    def _take(self, task: SweepTask) -> Iterable[SweepTask]:
        try:
            with isolated(self.run.telemetry, group_id=task.bucket.group_id):
                return self._do(task)
        except UnforeseenError as error:
            self._note_failure(task, error)
            return ()

    def _note_failure(self, task: SweepTask, error: UnforeseenError) -> None:
        """Our own code failed about the jobs of a task, or about a list, and not about others."""
        if isinstance(task, FollowTask):
            for job in task.jobs:
                self.follower.actions.note_failure(job, error)
        else:
            self.run.log.append(UnreadList(task.subject, error))

    def _do(self, task: SweepTask) -> Iterable[SweepTask]:
        match task:
            case FollowTask():
                return self.follower.follow(task)
            case ProjectsPage():
                return self.watched.read_projects_page(task)
            case Wake():
                return self.waking.wake(task)
            case ClustersPage():
                return self.reader.read_clusters_page(task)
            case JobsPage():
                return self.reader.read_jobs_page(task)

    def _allows(self, task: SweepTask) -> bool:
        return self.questions.take_call(task.bucket, to_find=isinstance(task, Step))

    def _skip(self, task: SweepTask) -> None:
        match task:
            case FollowTask():
                self.follower.leave_out(task)
            case ProjectsPage():
                self.watched.skip_projects_page()
            case ClustersPage() | JobsPage():
                self.reader.skip_listing_step(task)


def _starved(bucket: Bucket) -> UnreadList:
    error = AtlasRateLimitError(
        f"Other tools use up Atlas's rate limit for {bucket.family.of_single}. Too little was left "
        "from the start, so only one call was made. Slow down the other tools"
    )
    return UnreadList(Subject.in_bucket(bucket, "starved"), error)
