"""
A sweep: the schedule's tick finds restore jobs, and follows every open one to its end.

Without a tick, a sweep only follows (3, 5 and 6), and reports no outage: the ticks do.

1. Lease: one sweep works at a time.
2. Known: the open jobs, from the index OpenJobs, and the bookkeeping of watched projects.
3. Pending: pending messages are published from the table alone, whatever Atlas says.
4. Find: the watched projects are asked for jobs that nobody named (`find/`).
5. Ask: Atlas is asked about every job that is due, the longest unasked first.
6. Hot: while jobs are young, Atlas is asked about those again and again.
7. Watch: projects that cannot be seen, or can be again, are reported (`outages/`).
8. Credentials: once a day, Atlas is asked when they expire, and what is known of it is said.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from foundation.deadline import Deadline
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.own_function import OwnFunction
from restore_watch.check.outbox import Outbox
from restore_watch.errors import AtlasError, CredentialsError, RestoreWatchError
from restore_watch.event.actions import Sweep
from restore_watch.model.outage import Watched
from restore_watch.sweep.act_on_answer import publish_pending
from restore_watch.sweep.credentials_expiry import LastTry
from restore_watch.sweep.find.memory_of_projects import FindMemory
from restore_watch.sweep.memory_of_jobs import SweepMemory
from restore_watch.sweep.outages.stack_verdict import ListOfProjects
from restore_watch.sweep.parts import Environment, Parts, SweepOptions
from restore_watch.sweep.rounds import Rounds
from restore_watch.sweep.run import Run
from restore_watch.sweep.starter import Starter
from restore_watch.table.bookkeeping import Bookkeeping, Books
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.metrics import metrics_of_open_jobs
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

PENDING_TIME = 15.0
"""Seconds that the publication of pending messages may take."""

SKIPPED: Mapping[str, Any] = {"skipped": True}
"""The result of a sweep that leaves its work to another one."""


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
        own_function: OwnFunction,
        options: SweepOptions,
    ) -> None:
        self._clock = outbox.clock
        self._lease = lease
        self._lasting = Environment(
            atlas,
            outbox,
            open_jobs,
            bookkeeping,
            workers,
            telemetry,
            options,
            SweepMemory(outbox.clock.unix),
            FindMemory(outbox.clock.unix),
            LastTry(),
        )
        self.starter = Starter(own_function, self._clock, telemetry, options)

    def sweep(self, request: Sweep, deadline: Deadline) -> Mapping[str, Any]:
        """
        Follow the open jobs and, at a tick, find others. Return the counts, plain JSON, or SKIPPED.

        Failures of one job, cluster or project are part of the result. Raises RestoreWatchError
        when nothing can be done: the table is unusable, or there are no credentials or no token. It
        publishes pending messages first.
        """
        begun = deadline.clock()
        lasting, is_late = self._lasting, request.is_late(self._clock.now())
        owner = None if is_late else self._lease.acquire(request.tick, deadline)
        if owner is None:
            lasting.telemetry.report_skipped_sweep()
            return SKIPPED
        succeeded_at = None
        try:
            jobs = lasting.open_jobs.read_jobs(deadline, self._clock.now())
            books = lasting.books(request, deadline)
            run = lasting.run(jobs, books, deadline, request)
            parts = lasting.parts(run)
            is_awaited = partial(self._lease.is_awaited, owner, deadline)
            if not run.is_tick:
                return self._follow(parts, begun, is_awaited)
            result = self._sweep(parts, books, begun, is_awaited)
            succeeded_at = self._clock.now()
        finally:
            with suppress(RestoreWatchError):  # it runs out by itself
                self._lease.release(owner, deadline, succeeded_at=succeeded_at)
        return result

    @contextmanager
    def _counted(self, run: Run) -> Iterator[None]:
        """Report the open jobs, and what becomes of them in the block, even if it fails."""
        jobs = run.open_jobs()
        try:
            yield
        finally:
            share = self._lasting.atlas.limits.smallest_share(run.at.timestamp())
            now = run.now()
            open_jobs = metrics_of_open_jobs(jobs, run.open_jobs(), now) if run.is_tick else {}
            run.telemetry.report_open_jobs(open_jobs, share, run.tally.result)

    def _follow(
        self, parts: Parts, begun: float, is_awaited: Callable[[], bool]
    ) -> Mapping[str, Any]:
        run, publishing = parts.run, parts.run.ending.within(PENDING_TIME)
        with self._counted(run):
            publish_pending(run, parts.follower, self._lasting.workers, publishing)
            self._find_and_ask(parts, begun, is_awaited)
        refusal = run.tally.refusal_of_credentials
        if refusal is not None and not run.memory.was_answered_lately:
            raise refusal
        run.telemetry.report_sweep(run.tally.result, run.ending.clock() - begun)
        return run.tally.result.as_json()

    def _sweep(
        self, parts: Parts, books: Books, begun: float, is_awaited: Callable[[], bool]
    ) -> Mapping[str, Any]:
        run, watch, stack, expiry = parts.run, parts.watch, books.stack, books.expiry
        lasting, deadline = self._lasting, run.ending
        publishing = deadline.within(PENDING_TIME)
        with self._counted(run):
            try:
                publish_pending(run, parts.follower, lasting.workers, publishing)
                stack = watch.publish_unsent(stack, publishing)
                expiry = parts.expiry_watch.publish_unsent(expiry, publishing)
                asked = self._find_and_ask(parts, begun, is_awaited)
            except (AtlasError, CredentialsError) as error:  # there is nothing to ask with
                watch.stack_fails(stack, error)
                parts.expiry_watch.look(expiry, asks=False)
                raise
        refusal = run.tally.refusal_of_credentials
        if refusal is not None:
            stack = watch.stack_fails(stack, refusal)
            if not run.memory.was_answered_lately:
                parts.expiry_watch.look(expiry)
                raise refusal
        parts.answers.note_starved()
        self._drop_removed(parts)
        degraded = self._judge(parts, asked, stack, is_refused=refusal is not None)
        run.telemetry.report_tick(run.tally.result, degraded, deadline.clock() - begun)
        parts.expiry_watch.look(expiry)
        return run.tally.result.as_json()

    def _find_and_ask(
        self, parts: Parts, begun: float, is_awaited: Callable[[], bool]
    ) -> frozenset[str]:
        """
        Do what is due. Return the projects of the jobs that were.

        Raises CredentialsError or AtlasError if there is nothing to ask with.
        """
        run, finder, lasting = parts.run, parts.finder, self._lasting
        workers, hot_seconds = lasting.workers, lasting.options.hot_seconds
        rounds = Rounds(run, parts.asker, finder, workers, begun, hot_seconds, is_awaited)
        due, steps = rounds.due(), finder.first_steps() if run.is_tick else []
        self._drop_removed(parts)
        if due or steps:
            workers.each(finder.watched.new_projects(), finder.watched.start, run.ending)
            lasting.atlas.prepare(run.ending)
            rounds.play(due, steps)
            workers.each(finder.unfinished(), finder.end, run.ending)
        return frozenset(job.target.group_id for job in due)

    def _drop_removed(self, parts: Parts) -> None:
        """Drop the projects that nobody watches any more, whatever is open in them."""
        watched = parts.finder.watched
        self._lasting.workers.each(watched.removed_projects(), watched.drop, parts.run.ending)
        parts.watch.forget_removed()

    def _judge(
        self, parts: Parts, asked: frozenset[str], stack: Watched, *, is_refused: bool
    ) -> int:
        """
        Report the projects that cannot be seen, or can be again. Return how many are degraded.

        If the credentials are refused, the state of projects stands still. While the stack is
        degraded instead of them, those that fail count too.
        """
        open_jobs, watched = parts.run.open_jobs(), parts.finder.watched
        seen = parts.verdicts.of_projects(open_jobs, asked)
        if is_refused:
            is_blind = stack.degraded is not None
            return sum(
                one.project.watched.degraded is not None or (is_blind and one.fails) for one in seen
            )
        listed = ListOfProjects(watched.knows_projects, watched.all_projects.failure)
        left_alone = parts.verdicts.left_alone(open_jobs)
        return parts.watch.sweep_ended(seen, left_alone, stack, listed)
