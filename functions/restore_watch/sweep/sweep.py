"""
A sweep: the schedule's tick finds restore jobs, and follows every open one to its end.

Without a tick, a sweep only follows (3, 5 and 6), and reports no outage: the ticks do.

1. Lease: one sweep works at a time.
2. Known: the open jobs, from the index OpenJobs, and the bookkeeping of watched projects.
3. Pending: pending messages are published from the table alone, whatever Atlas says.
4. Find: the watched projects are asked for jobs that nobody named (`asking/`).
5. Ask: Atlas is asked about every job that is due, the longest unasked first.
6. Hot: while jobs are young, Atlas is asked about those again and again.
7. Watch: projects that cannot be seen, or can be again, are reported (`judging/`).
8. Credentials: once a day, Atlas is asked when they expire, and what is known of it is said.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

from foundation.deadline import Deadline
from foundation.plain_class import plain_class
from restore_watch.errors import AtlasError, CredentialsError, RestoreWatchError
from restore_watch.event.actions import Sweep
from restore_watch.model.outage import Watched
from restore_watch.model.results import SweepResult
from restore_watch.sweep.acting.publish_pending import publish_pending
from restore_watch.sweep.composition import Environment, SweepParts
from restore_watch.sweep.judging.counts import count
from restore_watch.sweep.judging.project_verdicts import Seen, judge_projects, left_alone
from restore_watch.sweep.judging.when_a_sweep_fails import refusal_of_credentials
from restore_watch.table.bookkeeping import Books
from restore_watch.table.lease import SweepLease
from restore_watch.telemetry.metrics import metrics_of_open_jobs
from restore_watch.time_limits import PENDING_TIME

SKIPPED: Mapping[str, Any] = {"skipped": True}
"""The result of a sweep that leaves its work to another one."""


@plain_class
class Sweeper:
    """Sweeps. One object serves an execution environment."""

    environment: Environment
    lease: SweepLease

    def sweep(self, request: Sweep, deadline: Deadline) -> Mapping[str, Any]:
        """
        Follow the open jobs and, at a tick, find others. Return the counts, plain JSON, or SKIPPED.

        Failures of one job, cluster or project are part of the result. Raises RestoreWatchError
        when nothing can be done: the table is unusable, or there are no credentials or no token. It
        publishes pending messages first.
        """
        begun = deadline.clock()
        environment, clock = self.environment, self.environment.clock
        is_late = request.is_late(clock.now())
        owner = None if is_late else self.lease.acquire(request.tick, deadline)
        if owner is None:
            environment.telemetry.report_skipped_sweep()
            return SKIPPED
        succeeded_at = None
        try:
            jobs = list(environment.open_jobs.iterate_jobs(deadline, clock.now()))
            books = environment.books(request, deadline)
            is_awaited = partial(self.lease.is_awaited, owner, deadline)
            parts = environment.parts(jobs, books, deadline, request, is_awaited)
            result = self._sweep(parts, books, begun)
            if parts.run.is_tick:
                succeeded_at = clock.now()
        finally:
            with suppress(RestoreWatchError):  # it runs out by itself
                self.lease.release(owner, deadline, succeeded_at=succeeded_at)
        return result

    def _sweep(self, parts: SweepParts, books: Books, begun: float) -> Mapping[str, Any]:
        run, outages, stack, expiry = parts.run, parts.outages, books.stack, books.expiry
        publishing = run.ending.within(PENDING_TIME)
        try:
            publish_pending(parts.actions, self.environment.workers, publishing)
            stack = outages.publish_unsent(stack, publishing)
            expiry = parts.expiry_watch.publish_unsent(expiry, publishing)
            first = parts.rounds.first_round()
            parts.rounds.drop_removed()
            if not first.is_empty:
                parts.rounds.start_marks()
                self._prepare(parts)
                parts.rounds.play(first, begun)
        except (AtlasError, CredentialsError) as error:  # there is nothing to ask with
            outages.report_stack_failure(stack, error)
            parts.expiry_watch.look(expiry, asks=False)
            raise
        finally:
            records = list(chain.from_iterable(run.log.by_project().values()))
            result = count(records, parts.opened)
            open_jobs = metrics_of_open_jobs(run.open_jobs(), run.now()) if run.is_tick else {}
            run.telemetry.report_open_jobs(open_jobs, result.failures)
        refusal = refusal_of_credentials(records, result)
        if refusal is not None:
            stack = outages.report_stack_failure(stack, refusal)
            if not self.environment.memory.was_accepted_lately:
                parts.expiry_watch.look(expiry, asks=False)
                raise refusal
        if not run.is_tick:
            self.environment.telemetry.report_sweep(result, run.ending.clock() - begun)
            return result.as_json()
        parts.rounds.drop_removed()
        outages.report_removed()
        degraded = self._judge(parts, result, stack, is_refused=refusal is not None)
        self.environment.telemetry.report_tick(result, degraded, run.ending.clock() - begun)
        parts.expiry_watch.look(expiry, asks=refusal is None)
        return result.as_json()

    def _prepare(self, parts: SweepParts) -> None:
        # A project that was removed is over, even if there is nothing to ask with.
        parts.outages.report_removed()
        self.environment.atlas.prepare(parts.run.ending)

    def _judge(
        self, parts: SweepParts, result: SweepResult, stack: Watched, *, is_refused: bool
    ) -> int:
        """
        Report the projects that cannot be seen, or can be again. Return how many are degraded.

        If the credentials are refused, the state of projects stands still. While the stack is
        degraded instead of them, those that fail count too.
        """
        seen = Seen.after(parts.run, result.failures)
        verdicts = judge_projects(seen)
        if is_refused:
            is_blind = stack.degraded is not None
            return sum(
                one.project.watched.degraded is not None or (is_blind and one.is_failing)
                for one in verdicts
            )
        return parts.outages.report_verdicts(verdicts, left_alone(seen), stack)
