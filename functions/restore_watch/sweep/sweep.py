"""
A sweep: the schedule's tick finds restore jobs, and follows every open one to its end.

1. Lease: one sweep works at a time.
2. Known: the open jobs, from the index OpenJobs, and the bookkeeping of watched projects.
3. Pending: what is pending is published from the table alone, whatever Atlas says.
4. Find: the watched projects are asked for jobs that nobody named (`find/`).
5. Ask: Atlas is asked about every job that is due, the longest unasked first.
6. Hot: while jobs are young, Atlas is asked about those again and again.
7. Watch: what cannot be seen, or can be again, is reported (`outages/`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from foundation.deadline import Deadline
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.atlas.session import AtlasSession
from restore_watch.check.outbox import Outbox
from restore_watch.errors import (
    AtlasError,
    CredentialsError,
    InvalidEventError,
    RestoreWatchError,
)
from restore_watch.event.actions import Sweep
from restore_watch.model.outage import Watched
from restore_watch.sweep.answers import Answers
from restore_watch.sweep.cadence import CLOCKS_APART
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.find import Finder
from restore_watch.sweep.find.memory import FindMemory
from restore_watch.sweep.find.projects import ProjectIds, WatchedProjects
from restore_watch.sweep.follow.ask import Asker
from restore_watch.sweep.follow.lists import JobLists
from restore_watch.sweep.memory import SweepMemory
from restore_watch.sweep.observe import Observer
from restore_watch.sweep.outages.projects import ProjectVerdicts
from restore_watch.sweep.outages.report import LastSeen, Watch
from restore_watch.sweep.outages.stack import ListOfProjects
from restore_watch.sweep.outcomes import Outcomes
from restore_watch.sweep.pace import Pace
from restore_watch.sweep.pending import publish_pending
from restore_watch.sweep.rounds import Rounds
from restore_watch.sweep.run import Run
from restore_watch.sweep.settle import Follower, TopicRefusals
from restore_watch.sweep.tally import Tally
from restore_watch.sweep.workers import Workers
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.table.project_item import Project
from restore_watch.table.projects import Bookkeeping
from restore_watch.telemetry.metrics import metrics_of_open_jobs
from restore_watch.telemetry.telemetry import Telemetry

TICK_LIFE = 110.0
"""
Seconds after which a tick is too old, because the next one has come.

EventBridge Scheduler fires at any moment of the minute that a schedule names ("Schedule types",
EventBridge Scheduler User Guide), so a tick may arrive a minute old.
"""

PENDING_TIME = 15.0
"""Seconds that the publication of what is pending may take."""

ENDING_TIME = 5.0
"""Seconds of the invocation that are kept for recording, publishing and giving the lease back."""

SKIPPED: Mapping[str, Any] = {"skipped": True}
"""The result of a sweep that leaves its work to another one."""


@dataclass(frozen=True)
class SweepOptions:
    """
    What the operator decided.

    Hot jobs are asked about every `hot_seconds`; 0 turns that off. `rate_limit_reserve` is the
    share of Atlas's rate limits that is left to other tools.
    """

    hot_seconds: float
    rate_limit_reserve: float
    project_ids: ProjectIds = ()


@dataclass(frozen=True)
class Parts:
    """The parts of one sweep."""

    answers: Answers
    follower: Follower
    asker: Asker
    watched_projects: WatchedProjects
    finder: Finder
    watch: Watch


class Sweeper:
    """
    Sweeps. One object serves an execution environment.

    It keeps what it remembers of open jobs and projects.
    """

    def __init__(  # noqa: PLR0913 - every part by its name, where all are put together
        self,
        atlas: AtlasSession,
        outbox: Outbox,
        open_jobs: OpenJobs,
        bookkeeping: Bookkeeping,
        lease: SweepLease,
        workers: Workers,
        telemetry: Telemetry,
        *,
        options: SweepOptions,
    ) -> None:
        self._atlas = atlas
        self._outbox = outbox
        self._open_jobs = open_jobs
        self._bookkeeping = bookkeeping
        self._lease = lease
        self._telemetry = telemetry
        self._options = options
        self._clock = outbox.clock
        self._workers = workers
        self._memory = SweepMemory(outbox.clock.unix)
        self._find_memory = FindMemory(outbox.clock.unix)
        self._last_seen = LastSeen()

    def sweep(self, request: Sweep, deadline: Deadline) -> Mapping[str, Any]:
        """
        Find restore jobs and follow the open ones. Return the counts, plain JSON, or SKIPPED.

        What fails for one job, cluster or project is part of the result. Raises RestoreWatchError
        when nothing can be done: the table is unusable, or there are no credentials or no token. It
        publishes what is pending first.
        """
        begun = deadline.clock()
        age = (self._clock.now() - request.tick).total_seconds() if request.tick else 0.0
        if age < -CLOCKS_APART.total_seconds():
            raise InvalidEventError(request.field, "expected a moment that has come")
        owner = self._lease.take(request.tick, deadline) if age <= TICK_LIFE else None
        if owner is None:
            self._telemetry.skipped()
            return SKIPPED
        succeeded_at = None
        try:
            result = self._sweep(begun, deadline, partial(self._lease.is_awaited, owner, deadline))
            succeeded_at = self._clock.now()
        finally:
            with suppress(RestoreWatchError):  # it runs out by itself
                self._lease.give_back(owner, deadline, succeeded_at=succeeded_at)
        return result

    def _sweep(
        self, begun: float, deadline: Deadline, is_awaited: Callable[[], bool]
    ) -> Mapping[str, Any]:
        now = self._clock.now()
        jobs = self._open_jobs.read(deadline, now)
        projects, stack = self._bookkeeping.read(deadline, now)
        run = self._run(jobs, deadline)
        parts = self._parts(run, projects)
        rounds = self._rounds(run, parts, begun, is_awaited)
        publishing = deadline.within(PENDING_TIME)
        try:
            publish_pending(run, parts.follower, self._workers, publishing)
            stack = parts.watch.publish_unsent(projects, stack, publishing)
            asked = self._find_and_ask(run, parts, rounds)
        except (AtlasError, CredentialsError) as error:  # there is nothing to ask with
            parts.watch.stack_fails(stack, error, len(jobs))
            raise
        finally:
            share = self._atlas.limits.smallest_share(run.pace.since)
            open_jobs = metrics_of_open_jobs(jobs, run.open_jobs(), run.now())
            self._telemetry.asked(open_jobs, share, run.tally.result)
        refusal = run.tally.refusal_of_credentials
        if refusal is not None:
            parts.watch.stack_fails(stack, refusal, len(jobs))
            if not run.memory.was_answered_lately:
                raise refusal
        parts.answers.note_starved()
        self._drop_removed(run, parts)
        degraded = self._judge(run, parts, asked, stack, len(jobs), is_refused=refusal is not None)
        self._telemetry.swept(run.tally.result, degraded, deadline.clock() - begun)
        return run.tally.result.as_json()

    def _run(self, jobs: Sequence[OpenJob], deadline: Deadline) -> Run:
        known = {job.key: job for job in jobs}
        self._memory.keep_only(known)
        limits, reserve = self._atlas.limits, self._options.rate_limit_reserve
        return Run(
            at=self._clock.now(),
            asking=deadline.earlier(ENDING_TIME),
            ending=deadline,
            clock=self._clock,
            pace=Pace(reserve, limits.share_left, self._clock.unix(), waits=limits.waits),
            tally=Tally(len(jobs)),
            outcomes=Outcomes(),
            memory=self._memory,
            known=known,
            telemetry=self._telemetry,
        )

    def _parts(self, run: Run, projects: dict[str, Project]) -> Parts:
        answers = Answers(run)
        follower = Follower(run, self._outbox, self._open_jobs, TopicRefusals())
        observer = Observer(run, follower, projects)
        lists = JobLists(run, self._atlas, observer, answers)
        calls = FindCalls(run, AtlasProjects(self._atlas), answers, self._find_memory)
        watched_projects = WatchedProjects(run, calls, self._bookkeeping, projects)
        topic, refusals = self._outbox.topic, TopicRefusals()
        return Parts(
            answers=answers,
            follower=follower,
            asker=Asker(run, self._atlas, lists, observer, follower, answers),
            watched_projects=watched_projects,
            finder=Finder(run, calls, watched_projects, observer),
            watch=Watch(run, topic, self._bookkeeping, self._workers, self._last_seen, refusals),
        )

    def _rounds(
        self, run: Run, parts: Parts, begun: float, is_awaited: Callable[[], bool]
    ) -> Rounds:
        hot_seconds = self._options.hot_seconds
        return Rounds(run, parts.asker, parts.finder, self._workers, begun, hot_seconds, is_awaited)

    def _find_and_ask(self, run: Run, parts: Parts, rounds: Rounds) -> frozenset[str]:
        """
        Do what is due. Return the projects of the jobs that were.

        Raises CredentialsError or AtlasError if there is nothing to ask with.
        """
        watched_projects, finder = parts.watched_projects, parts.finder
        due, steps = rounds.due(), watched_projects.first_steps(self._options.project_ids)
        self._drop_removed(run, parts)
        if due or steps:
            self._workers.each(watched_projects.new_projects(), watched_projects.start, run.ending)
            self._atlas.prepare(run.ending)
            rounds.play(due, steps)
            self._workers.each(finder.unfinished(), finder.end, run.ending)
        return frozenset(job.target.group_id for job in due)

    def _drop_removed(self, run: Run, parts: Parts) -> None:
        """Drop the projects that nobody watches any more, whatever is open in them."""
        self._workers.each(
            parts.watched_projects.removed_projects(), parts.watched_projects.drop, run.ending
        )
        parts.watch.forget_removed(parts.watched_projects.known, run.open_jobs())

    def _judge(
        self,
        run: Run,
        parts: Parts,
        asked: frozenset[str],
        stack: Watched,
        opened: int,
        *,
        is_refused: bool,
    ) -> int:
        """
        Report what cannot be seen, or can be again. Return how many projects are degraded.

        If the credentials are refused, what is known of projects stands still.
        """
        watched_projects, odd_items = parts.watched_projects, run.tally.odd_items
        verdicts = ProjectVerdicts(
            run, watched_projects, parts.finder.listed, run.memory.lasting_failure, odd_items
        )
        open_jobs = run.open_jobs()
        seen = verdicts.of_projects(open_jobs, asked)
        if is_refused:
            return sum(one.project.watched.degraded is not None for one in seen)
        listed = ListOfProjects(
            watched_projects.knows_projects, watched_projects.all_projects.failure
        )
        left_alone = verdicts.left_alone(open_jobs)
        return parts.watch.sweep_ended(seen, left_alone, stack, listed, opened)
