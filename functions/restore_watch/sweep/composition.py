"""The parts of one sweep, put together around the run that they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from foundation.deadline import Deadline
from restore_watch.asking.pace import Pace
from restore_watch.asking.questions import Questions
from restore_watch.event.sweep_request import SweepRequest
from restore_watch.sweep.acting.job_actions import JobActions
from restore_watch.sweep.acting.list_actions import ListActions
from restore_watch.sweep.expiry_watch import ExpiryWatch, LastTry
from restore_watch.sweep.finding.event_reader import EventReader
from restore_watch.sweep.finding.finding_step import StepCalls
from restore_watch.sweep.finding.listing_reader import ListingReader
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.sweep.finding.name_reader import NameReader
from restore_watch.sweep.finding.project_finder import ProjectFinder
from restore_watch.sweep.finding.project_marks import ProjectMarks
from restore_watch.sweep.finding.watched_projects import ProjectIds, WatchedProjects
from restore_watch.sweep.following.job_follower import JobFollower
from restore_watch.sweep.judging.outage_reports import OutageReports
from restore_watch.sweep.log import Log
from restore_watch.sweep.memory_of_jobs import JobMemory
from restore_watch.sweep.rounds import Rounds
from restore_watch.sweep.run import Run
from restore_watch.sweep.tags_of_running import TagsOfRunning
from restore_watch.sweep.topic_refusals import TopicRefusals
from restore_watch.table.bookkeeping import Bookkeeping, Books
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.time_limits import ENDING_TIME
from restore_watch.wires import Wires


@dataclass(frozen=True)
class SweepParts:
    """The parts of one sweep, which began with the `opened` jobs."""

    run: Run
    opened: Sequence[OpenJob]
    job_actions: JobActions
    finder: ProjectFinder
    rounds: Rounds
    outages: OutageReports
    expiry_watch: ExpiryWatch
    name_reader: NameReader
    tags_of_running: TagsOfRunning


@dataclass(eq=False, repr=False)
class SweepEnvironment:
    """
    The wires, the operator's choices and the memory, which last from sweep to sweep.

    With `hot_rounds`, a sweep asks about hot jobs again and again.
    """

    wires: Wires
    hot_rounds: bool
    project_ids: ProjectIds

    def __post_init__(self) -> None:
        self.atlas = self.wires.atlas
        self.outbox = self.wires.outbox
        self.workers = self.wires.workers
        self.telemetry = self.wires.telemetry
        self.clock = self.wires.clock
        table = self.wires.table
        self.open_jobs = OpenJobs(table.client, table.table_name)
        self.bookkeeping = Bookkeeping(table.client, table.table_name)
        now = self.clock.unix
        self.job_memory = JobMemory(now)
        self.project_memory = ProjectMemory(now)
        self.last_try = LastTry()

    def books(self, request: SweepRequest, deadline: Deadline) -> Books:
        """Return what a sweep has to know beside the open jobs, nothing if it only follows."""
        if request.tick is None:
            return Books.of_no_tick()
        books = self.bookkeeping.read_books(deadline, self.clock.now())
        names = {group_id: project.name for group_id, project in books.projects.items()}
        self.outbox.names.remember_all(names)
        return books

    def parts(
        self,
        jobs: Sequence[OpenJob],
        books: Books,
        deadline: Deadline,
        request: SweepRequest,
        is_awaited: Callable[[], bool],
    ) -> SweepParts:
        """Return the parts of a sweep that begins now."""
        clock, atlas = self.clock, self.atlas
        pace = Pace(partial(atlas.limits.share_left, since=clock.unix()))
        run = Run(
            is_tick=request.tick is not None,
            at=clock.now(),
            succeeded_at=books.succeeded_at,
            asking=deadline.earlier(ENDING_TIME),
            ending=deadline,
            clock=clock,
            log=Log(pace.read_record, self.job_memory.read_record),
            memory=self.job_memory,
            known={job.key: job for job in jobs},
            projects=books.projects,
            telemetry=self.telemetry,
        )
        job_actions = JobActions(run, self.outbox, self.open_jobs, TopicRefusals())
        list_actions = ListActions(run, job_actions)
        questions = Questions(run.asking, pace, run.log.append)
        follower = JobFollower(run, questions, atlas, job_actions)
        name_reader = NameReader(
            run,
            self.atlas,
            self.bookkeeping,
            self.outbox.names,
            self.project_memory,
            self.workers,
            self.project_ids,
        )
        finder = self._finder(run, questions, list_actions, name_reader)
        rounds = Rounds(run, questions, follower, finder, self.workers, self.hot_rounds, is_awaited)
        topic, bookkeeping = self.wires.topic, self.bookkeeping
        return SweepParts(
            run=run,
            opened=jobs,
            job_actions=job_actions,
            finder=finder,
            rounds=rounds,
            outages=OutageReports(run, topic, bookkeeping, self.workers, len(jobs)),
            expiry_watch=ExpiryWatch(run, topic, bookkeeping, self.atlas, self.last_try),
            name_reader=name_reader,
            tags_of_running=TagsOfRunning(run, questions, self.outbox.tags, self.workers),
        )

    def _finder(
        self, run: Run, questions: Questions, list_actions: ListActions, name_reader: NameReader
    ) -> ProjectFinder:
        atlas, memory = self.atlas, self.project_memory
        calls = StepCalls(questions, memory)
        marks = ProjectMarks(run, self.bookkeeping)
        reader = ListingReader(run, calls, memory, atlas, marks, list_actions)
        event_reader = EventReader(run, calls, memory, atlas, marks, reader)
        watched = WatchedProjects(
            run, calls, memory, atlas, self.project_ids, event_reader, name_reader
        )
        return ProjectFinder(run, watched, marks, reader, self.workers)
