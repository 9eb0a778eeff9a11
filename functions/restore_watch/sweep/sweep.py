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

from restore_watch.atlas.projects import AtlasProjects
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.call import LEAST_TIME
from restore_watch.check.outbox import Outbox
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasError,
    CredentialsError,
    InvalidEventError,
    RestoreWatchError,
)
from restore_watch.event.actions import Sweep
from restore_watch.sweep.answers import Reception
from restore_watch.sweep.cadence import CLOCKS_APART
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.find import Finder
from restore_watch.sweep.find.memory import FindMemory
from restore_watch.sweep.find.projects import ProjectIds, Waker
from restore_watch.sweep.follow.ask import Asker
from restore_watch.sweep.follow.lists import JobLists
from restore_watch.sweep.memory import SweepMemory
from restore_watch.sweep.observe import Observer
from restore_watch.sweep.outages.outlook import Outlook
from restore_watch.sweep.outages.report import LastSeen, Watch
from restore_watch.sweep.outages.verdict import ListOfProjects
from restore_watch.sweep.outcomes import Sight
from restore_watch.sweep.pace import Pace
from restore_watch.sweep.rounds import Rounds
from restore_watch.sweep.settle import Follower, TopicRefusals
from restore_watch.sweep.tally import Findings
from restore_watch.sweep.workers import Workers
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.table.project_item import Project
from restore_watch.table.projects import Bookkeeping
from restore_watch.telemetry.figures import figures
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
        limits = self._atlas.limits
        reserve = self._options.rate_limit_reserve
        pace = Pace(reserve, limits.share_left, self._clock.unix(), waits=limits.waits)
        follower = self._follower(jobs, deadline)
        findings = follower.findings
        reception = Reception(pace, findings, self._memory, Sight())
        observer = self._observer(follower, projects)
        asker = self._asker(observer, reception)
        finder = self._finder(observer, reception, projects, asker.deadline)
        watch = self._watch(follower)
        try:
            publishing = deadline.within(PENDING_TIME)
            self._publish_pending(follower, publishing)
            stack = watch.publish_unsent(projects, stack, publishing)
            asked = self._find_and_ask(asker, finder, watch, begun, is_awaited)
            refusal = findings.refusal_of_credentials
            if refusal is not None and not self._memory.was_answered_lately:
                raise refusal
        except (AtlasError, CredentialsError) as error:
            watch.stack_fails(stack, error, len(jobs))
            raise
        finally:
            share = limits.smallest_share(pace.since)
            at_end = figures(jobs, list(follower.known.values()), self._clock.now())
            self._telemetry.figures(at_end, share, findings.result)
        reception.note_starved()
        self._drop_removed(finder.waker, watch, follower)
        outlook = Outlook(
            finder.waker, finder.listed, self._memory.lasting_failure, findings.odd_items
        )
        open_jobs = list(follower.known.values())
        seen = outlook.of_projects(open_jobs, asked)
        if refusal is not None:
            watch.stack_fails(stack, refusal, len(jobs))
            degraded = sum(one.project.watched.degraded is not None for one in seen)
        else:
            waker = finder.waker
            listed = ListOfProjects(waker.knows_projects, waker.all_projects.failure)
            left_alone = outlook.left_alone(open_jobs)
            degraded = watch.sweep_ended(seen, left_alone, stack, listed, len(jobs))
        self._telemetry.swept(findings.result, finder.figures(), degraded, deadline.clock() - begun)
        return findings.result.as_json()

    def _follower(self, jobs: Sequence[OpenJob], deadline: Deadline) -> Follower:
        known = {job.key: job for job in jobs}
        self._memory.keep_only(known)
        return Follower(
            outbox=self._outbox,
            clock=self._clock,
            open_jobs=self._open_jobs,
            telemetry=self._telemetry,
            findings=Findings(len(jobs)),
            memory=self._memory,
            refusals=TopicRefusals(),
            known=known,
            deadline=deadline,
        )

    def _observer(self, follower: Follower, projects: Mapping[str, Project]) -> Observer:
        return Observer(follower, projects)

    def _asker(self, observer: Observer, reception: Reception) -> Asker:
        deadline = observer.follower.deadline.earlier(ENDING_TIME)
        lists = JobLists(self._atlas, observer, reception, deadline)
        return Asker(self._atlas, lists, reception, self._memory, deadline)

    def _finder(
        self,
        observer: Observer,
        reception: Reception,
        projects: dict[str, Project],
        deadline: Deadline,
    ) -> Finder:
        calls = FindCalls(
            observer.follower,
            AtlasProjects(self._atlas),
            reception,
            self._find_memory,
            deadline,
        )
        return Finder(Waker(calls, self._bookkeeping, projects), observer)

    def _watch(self, follower: Follower) -> Watch:
        return Watch(
            topic=self._outbox.topic,
            clock=self._clock,
            bookkeeping=self._bookkeeping,
            telemetry=self._telemetry,
            workers=self._workers,
            last_seen=self._last_seen,
            refusals=TopicRefusals(),
            at=self._clock.now(),
            deadline=follower.deadline,
        )

    def _publish_pending(self, follower: Follower, deadline: Deadline) -> None:
        """
        Publish what is pending, the oldest first, until the topic refuses too often.

        What it refused the last time comes last, so that it cannot hold up the rest for ever. Then
        workflows that may be due an answer get it, so that neither service holds up the other.
        """
        now = self._clock.now()
        known = list(follower.known.values())
        pending = [job for job in known if job.pending or job.is_unanswered]
        pending.sort(
            key=lambda job: (
                not job.pending,
                self._memory.was_refused(job),
                job.observed_at or now,
            )
        )

        def publish(job: OpenJob) -> None:
            is_in_vain = job.pending and follower.refusals.are_too_many
            if not is_in_vain and deadline.remaining() > LEAST_TIME:
                follower.publish_pending(job, deadline)

        self._workers.each(pending, publish, deadline)

    def _find_and_ask(
        self,
        asker: Asker,
        finder: Finder,
        watch: Watch,
        begun: float,
        is_awaited: Callable[[], bool],
    ) -> frozenset[str]:
        """Do what is due. Return the projects of the jobs that were."""
        hot_seconds = self._options.hot_seconds
        rounds = Rounds(
            asker, finder, self._workers, begun, hot_seconds, is_awaited, self._clock.sleep
        )
        due, steps = rounds.due(), finder.waker.first_steps(self._options.project_ids)
        deadline = asker.follower.deadline
        self._drop_removed(finder.waker, watch, asker.follower)
        if due or steps:
            self._workers.each(finder.waker.new_projects(), finder.waker.begin, deadline)
            self._atlas.prepare(deadline)
            rounds.run(due, steps)
            self._workers.each(finder.unfinished(), finder.end, deadline)
        return frozenset(job.target.group_id for job in due)

    def _drop_removed(self, waker: Waker, watch: Watch, follower: Follower) -> None:
        """Drop the projects that nobody watches any more, whatever is open in them."""
        self._workers.each(waker.removed_projects(), waker.drop, follower.deadline)
        watch.forget_removed(waker.known, list(follower.known.values()))
