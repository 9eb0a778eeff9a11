"""The parts of one sweep, put together around the run that they share."""

from collections.abc import Sequence
from dataclasses import dataclass

from foundation.deadline import Deadline
from foundation.service import service
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.atlas.service_account import ServiceAccounts
from restore_watch.atlas.session import AtlasSession
from restore_watch.check.outbox import Outbox
from restore_watch.event.actions import Sweep
from restore_watch.model.credentials_expiry import NOT_ASKED
from restore_watch.model.outage import Watched
from restore_watch.sweep.act_on_answer import Follower, TopicRefusals
from restore_watch.sweep.answers import Answers
from restore_watch.sweep.credentials_expiry import ExpiryWatch, LastTry
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.find import Finder
from restore_watch.sweep.find.memory_of_projects import FindMemory
from restore_watch.sweep.find.watched_projects import AllProjects, ProjectIds, WatchedProjects
from restore_watch.sweep.follow.ask import Asker
from restore_watch.sweep.follow.lists import JobLists
from restore_watch.sweep.memory_of_jobs import SweepMemory
from restore_watch.sweep.observe import Observer
from restore_watch.sweep.outages.project_verdicts import ProjectVerdicts
from restore_watch.sweep.outages.report import Watch
from restore_watch.sweep.outcomes import Outcomes
from restore_watch.sweep.rate_limit_pace import Pace
from restore_watch.sweep.run import Run
from restore_watch.sweep.tally import Tally
from restore_watch.table.bookkeeping import Bookkeeping, Books
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

ENDING_TIME = 5.0
"""Seconds of the invocation that are kept for recording, publishing and giving the lease back."""


@dataclass(frozen=True)
class SweepOptions:
    """
    The operator's choices.

    Hot jobs are asked about every `hot_seconds`; 0 turns that off. `rate_limit_reserve` is the
    share of Atlas's rate limits that is left to other tools.
    """

    hot_seconds: float
    rate_limit_reserve: float
    project_ids: ProjectIds = ()


@service
class Parts:
    """The parts of one sweep."""

    run: Run
    answers: Answers
    follower: Follower
    asker: Asker
    finder: Finder
    verdicts: ProjectVerdicts
    watch: Watch
    expiry_watch: ExpiryWatch


@service
class Environment:
    """The wires, the options and the memory, which last from sweep to sweep."""

    atlas: AtlasSession
    outbox: Outbox
    open_jobs: OpenJobs
    bookkeeping: Bookkeeping
    workers: Workers
    telemetry: Telemetry
    options: SweepOptions
    memory: SweepMemory
    find_memory: FindMemory
    last_try: LastTry

    def books(self, request: Sweep, deadline: Deadline) -> Books:
        """Return what a sweep has to know beside the open jobs, nothing if it only follows."""
        if request.tick is None:
            return Books({}, Watched(None), NOT_ASKED, None)
        return self.bookkeeping.read_books(deadline, self.outbox.clock.now())

    def run(self, jobs: Sequence[OpenJob], books: Books, deadline: Deadline, request: Sweep) -> Run:
        """Return the run of a sweep that begins now."""
        known = {job.key: job for job in jobs}
        self.memory.keep_only(known)
        clock, limits = self.outbox.clock, self.atlas.limits
        reserve = self.options.rate_limit_reserve
        return Run(
            is_tick=request.tick is not None,
            at=clock.now(),
            succeeded_at=books.succeeded_at,
            asking=deadline.earlier(ENDING_TIME),
            ending=deadline,
            clock=clock,
            pace=Pace(reserve, limits.share_left, clock.unix(), waits=limits.waits),
            tally=Tally(len(jobs)),
            outcomes=Outcomes(),
            memory=self.memory,
            known=known,
            projects=books.projects,
            telemetry=self.telemetry,
        )

    def parts(self, run: Run) -> Parts:
        """Return the parts of a sweep."""
        answers = Answers(run)
        follower = Follower(run, self.outbox, self.open_jobs, TopicRefusals())
        observer = Observer(run, follower)
        lists = JobLists(run, self.atlas, observer, answers)
        calls = FindCalls(run, AtlasProjects(self.atlas), answers, self.find_memory)
        watched = WatchedProjects(
            run, self.bookkeeping, self.options.project_ids, AllProjects(calls)
        )
        finder = Finder(run, calls, watched, observer)
        return Parts(
            run=run,
            answers=answers,
            follower=follower,
            asker=Asker(run, self.atlas, lists, follower, answers),
            finder=finder,
            verdicts=ProjectVerdicts(run, watched, self.find_memory, finder.listed),
            watch=Watch(run, self.outbox.topic, self.bookkeeping, self.workers, TopicRefusals()),
            expiry_watch=ExpiryWatch(
                run,
                self.outbox.topic,
                self.bookkeeping,
                ServiceAccounts(self.atlas),
                watched.woken,
                self.last_try,
            ),
        )
