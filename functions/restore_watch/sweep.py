"""
A sweep: the schedule's tick follows every open job, from the first check to its end.

1. Lease: one sweep works at a time.
2. Known: the open jobs, from the index OpenJobs.
3. Pending: what is pending is published from the table alone, whatever Atlas says.
4. Ask: Atlas is asked about every job that is due, the longest unasked first, by many threads.
5. Hot: while jobs are young, Atlas is asked about those again and again.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

from restore_watch.actions import Sweep
from restore_watch.agenda import Agenda, Question, questions
from restore_watch.asking import Asker
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.slots import Slots
from restore_watch.aws_call import CALLS_AT_ONCE, LEAST_TIME
from restore_watch.cadence import CLOCKS_APART, is_due, is_hot
from restore_watch.check import JobChecker
from restore_watch.deadline import Deadline
from restore_watch.errors import InvalidEventError, RestoreWatchError
from restore_watch.figures import figures
from restore_watch.findings import Findings
from restore_watch.following import Follower, TopicRefusals
from restore_watch.lease import SweepLease
from restore_watch.memory import SweepMemory
from restore_watch.open_job import OpenJob
from restore_watch.open_jobs import OpenJobs
from restore_watch.pace import Pace
from restore_watch.telemetry import Telemetry

THREADS = 32
"""Questions to Atlas at once. More do not help at the share of a processor that 512 MB buys."""

TICK_LIFE = 110.0
"""
Seconds after which a tick is too old, because the next one has come.

EventBridge Scheduler fires at any moment of the minute that a schedule names ("Schedule types",
EventBridge Scheduler User Guide), so a tick may arrive a minute old.
"""

HOT_UNTIL = 50.0
"""Seconds after the start of a sweep until which hot jobs are asked about."""

PENDING_TIME = 15.0
"""Seconds that the publication of what is pending may take."""

ENDING_TIME = 5.0
"""Seconds of the invocation that are kept for recording, publishing and giving the lease back."""

SKIPPED: Mapping[str, Any] = {"skipped": True}
"""The result of a sweep that leaves its work to another one."""


class Sweeper:
    """
    Sweeps. One object serves an execution environment.

    It keeps the threads, their slots, and what it remembers of open jobs. `sleep` takes seconds.
    """

    def __init__(
        self,
        checker: JobChecker,
        open_jobs: OpenJobs,
        lease: SweepLease,
        telemetry: Telemetry,
        *,
        hot_seconds: float,
        rate_limit_reserve: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._checker = checker
        self._open_jobs = open_jobs
        self._lease = lease
        self._telemetry = telemetry
        self._hot_seconds = hot_seconds
        self._rate_limit_reserve = rate_limit_reserve
        self._sleep = sleep
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sweep")
        self._slots = Slots()
        self._memory = SweepMemory(self._now)

    def sweep(self, request: Sweep, deadline: Deadline) -> Mapping[str, Any]:
        """
        Follow every open job. Return the counts, plain JSON, or SKIPPED.

        What fails for one job, cluster or project is part of the result. Raises RestoreWatchError
        when nothing can be done: the table is unusable, or there are no credentials or no token. It
        publishes what is pending first.
        """
        begun = deadline.clock()
        age = (self._checker.now() - request.tick).total_seconds() if request.tick else 0.0
        if age < -CLOCKS_APART.total_seconds():
            raise InvalidEventError(request.field, "expected a moment that has come")
        owner = self._lease.take(request.tick, deadline) if age <= TICK_LIFE else None
        if owner is None:
            self._telemetry.skipped()
            return SKIPPED
        try:
            return self._sweep(begun, deadline)
        finally:
            with suppress(RestoreWatchError):  # it runs out by itself
                self._lease.give_back(owner, deadline)

    def _sweep(self, begun: float, deadline: Deadline) -> Mapping[str, Any]:
        jobs = self._open_jobs.read(deadline)
        limits = self._checker.atlas.limits
        pace = Pace(self._rate_limit_reserve, limits.share_left, self._now())
        follower = self._follower(jobs, deadline)
        try:
            self._publish_pending(follower)
            self._follow(follower, pace, begun)
        finally:
            share = limits.smallest_share(pace.since)
            at_end = figures(jobs, list(follower.known.values()), self._checker.now())
            self._telemetry.figures(at_end, share, follower.findings)
        refusal = follower.findings.refusal_of_credentials
        if refusal is not None and not self._memory.was_answered_lately:
            raise refusal
        self._telemetry.swept(follower.findings, deadline.clock() - begun)
        return follower.findings.as_json()

    def _follower(self, jobs: Sequence[OpenJob], deadline: Deadline) -> Follower:
        known = {job.key: job for job in jobs}
        self._memory.keep_only(known)
        return Follower(
            checker=self._checker,
            open_jobs=self._open_jobs,
            telemetry=self._telemetry,
            findings=Findings(len(jobs)),
            memory=self._memory,
            refusals=TopicRefusals(),
            known=known,
            deadline=deadline,
        )

    def _asker(self, follower: Follower, pace: Pace) -> Asker:
        return Asker(follower, pace, self._memory, follower.deadline.earlier(ENDING_TIME))

    def _publish_pending(self, follower: Follower) -> None:
        """
        Publish what is pending, the oldest first, until the topic refuses too often.

        What it refused the last time comes last, so that it cannot hold up the rest for ever.
        """
        now = self._checker.now()
        pending = [job for job in list(follower.known.values()) if job.pending]
        pending.sort(key=lambda job: (self._memory.was_refused(job), job.observed_at or now))
        waiting = deque(pending)
        deadline = follower.deadline.within(PENDING_TIME)

        def work() -> None:
            while not follower.refusals.are_too_many and deadline.remaining() > LEAST_TIME:
                try:
                    job = waiting.popleft()
                except IndexError:
                    return
                follower.publish_pending(job, deadline)

        self._join(self._start(work, min(CALLS_AT_ONCE, len(pending))), deadline)

    def _follow(self, follower: Follower, pace: Pace, begun: float) -> None:
        """Ask about the jobs that are due, and then again and again about those that are hot."""
        now = self._checker.now()
        due = [
            job
            for job in list(follower.known.values())
            if is_due(job, self._memory.last_settled(job), now)
        ]
        if not due:
            return
        self._prepare(follower.deadline)
        asker = self._asker(follower, pace)
        agenda = Agenda(
            THREADS,
            allows=asker.allows,
            skip=asker.skip,
            is_over=lambda: asker.deadline.remaining() < LEAST_EXCHANGE,
        )

        def work() -> None:
            while (question := agenda.take()) is not None:
                more: Iterable[Question] = ()
                try:
                    with self._slots.taken():
                        more = asker.ask(question)
                finally:
                    agenda.done(question, more)

        agenda.add(questions(self._memory.longest_unasked_first(due)))
        threads = self._start(work, min(THREADS, len(due)))
        try:
            self._add_hot(agenda, asker, begun)
            agenda.wait_until_done(asker.deadline.remaining())
        finally:
            agenda.close()
            self._join(threads, follower.deadline)

    def _add_hot(self, agenda: Agenda, asker: Asker, begun: float) -> None:
        """Put hot jobs on the agenda every few seconds, unless they are still there."""
        clock, known = asker.deadline.clock, asker.follower.known
        round_at = begun
        while self._hot_seconds:
            round_at = max(round_at + self._hot_seconds, clock())
            if round_at > min(begun + HOT_UNTIL, asker.deadline.at - LEAST_EXCHANGE):
                return
            agenda.wait_until_done(round_at - clock())
            now = self._checker.now()
            if not any(is_hot(job, now) for job in list(known.values())):
                return
            self._sleep(max(0.0, round_at - clock()))
            now = self._checker.now()
            hot = [job for job in list(known.values()) if is_hot(job, now)]
            asker.pace.begin_round()
            agenda.add(questions(self._memory.longest_unasked_first(hot)))

    def _prepare(self, deadline: Deadline) -> None:
        """Raise CredentialsError or AtlasError if there are no credentials or no token."""

        def prepare(credentials: Credentials) -> None:
            self._checker.atlas.prepare(credentials, deadline)

        self._checker.secret.ask(prepare, deadline)

    def _start(self, work: Callable[[], None], threads: int) -> list[Future[None]]:
        return [self._threads.submit(work) for _ in range(threads)]

    def _join(self, running: Iterable[Future[None]], deadline: Deadline) -> None:
        """Wait for the threads. One that hangs is left behind at the deadline."""
        for one in wait(running, timeout=deadline.remaining()).done:
            one.result()

    def _now(self) -> float:
        return self._checker.now().timestamp()
