"""
A sweep: the schedule's tick finds restore jobs, and follows every open one to its end.

1. Lease: one sweep works at a time.
2. Known: the open jobs are read from the index OpenJobs and, at a tick, the bookkeeping of watched
   projects.
3. Pending: pending messages are published from the table alone, whatever Atlas says.
4. Find: the watched projects are asked for jobs that nobody named (`finding/`).
5. Ask: Atlas is asked about every job that is due, the longest unasked first (`following/`).
6. Hot: while jobs are young, Atlas is asked about those again and again (`following/`).
7. Watch: projects that cannot be seen, or can be again, are reported (`judging/`).
8. Credentials: once a day, Atlas is asked when they expire, and what is known of it is reported
   (`expiry_watch`).
9. Names: what the list of projects shows is stored, for the messages of the next sweeps
   (`finding/`).

Steps 4 to 6 share the threads and run at the same time. What Atlas answers is recorded and
published (`acting/`). Without a tick, a sweep leaves out 4 and 7 to 9: it finds no other jobs and
reports no outage.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.errors import AtlasError, CredentialsError
from restore_watch.event.sweep_request import SweepRequest
from restore_watch.model.credentials_expiry import CredentialsExpiry
from restore_watch.model.health import Health
from restore_watch.model.results import SweepResult
from restore_watch.sweep.acting.publish_pending import publish_pending
from restore_watch.sweep.composition import SweepEnvironment, SweepParts
from restore_watch.sweep.judging.counts import count
from restore_watch.sweep.judging.outage_reports import count_still_degraded
from restore_watch.sweep.judging.project_verdicts import SeenBySweep, judge_projects, left_alone
from restore_watch.sweep.judging.refusal_of_credentials import refusal_of_credentials
from restore_watch.sweep.late_request import is_late
from restore_watch.sweep.log import Record
from restore_watch.sweep.rounds import FirstRound
from restore_watch.table.bookkeeping import Books
from restore_watch.table.sweep_lease import SweepLease
from restore_watch.time_limits import PENDING_TIME

SKIPPED: Mapping[str, Any] = {"skipped": True}
"""The result of a sweep that leaves its work to another one."""


class KnownOfStack(NamedTuple):
    """What earlier sweeps recorded of the stack, and of the expiry of its credentials."""

    stack: Health
    expiry: CredentialsExpiry


@dataclass(frozen=True)
class Sweeper:
    """Sweeps. One object serves an execution environment."""

    environment: SweepEnvironment
    lease: SweepLease

    def sweep(self, request: SweepRequest, deadline: Deadline) -> Mapping[str, Any]:
        """
        Follow the open jobs and, at a tick, find others. Return the counts, plain JSON, or SKIPPED.

        Failures of one job, cluster or project are part of the result. Raises ApplicationError
        when nothing can be done: the table is unusable, or there are no credentials or no token. It
        publishes pending messages first.
        """
        begun = deadline.clock()
        environment, clock = self.environment, self.environment.clock
        is_late_request = is_late(request, clock.now())
        owner = None if is_late_request else self.lease.acquire(request.tick, deadline)
        if owner is None:
            environment.telemetry.report_skipped_sweep()
            return SKIPPED
        succeeded_at = None
        try:
            jobs = list(environment.open_jobs.iterate_jobs(deadline, clock.now()))
            books = environment.books(request, deadline)
            is_awaited = partial(self.lease.is_awaited, owner, deadline)
            parts = environment.parts(jobs, books, deadline, request, is_awaited)
            environment.job_memory.keep_only(parts.run.known)
            result = self._sweep(parts, books, begun)
            if parts.run.is_tick:
                succeeded_at = clock.now()
        finally:
            with suppress(ApplicationError):  # it runs out by itself
                self.lease.release(owner, deadline, succeeded_at=succeeded_at)
        return result

    def _sweep(self, parts: SweepParts, books: Books, begun: float) -> Mapping[str, Any]:
        try:
            of_stack = self._publish_left_over(parts, books)
            self._ask(parts, of_stack, begun)
        finally:
            # A sweep that fails says what it saw, too.
            self._report_jobs(parts)
        records = _records(parts)
        result = count(records, parts.opened)
        refusal = refusal_of_credentials(records)
        if refusal is not None and not self.environment.job_memory.was_accepted_lately:
            _report_no_access(parts, of_stack, refusal)
            raise refusal
        if not parts.run.is_tick:
            self.environment.telemetry.report_sweep(result, _seconds(parts, begun))
        elif refusal is None:
            self._report_tick(parts, of_stack, result, begun)
        else:
            # Atlas accepted these credentials lately, so the refusal may pass: no sweep fails.
            self._report_refused_tick(parts, of_stack, result, refusal, begun)
        return result.as_json()

    def _publish_left_over(self, parts: SweepParts, books: Books) -> KnownOfStack:
        """Publish what earlier sweeps could not. Return what is known of the stack after that."""
        publishing = parts.run.ending.within(PENDING_TIME)
        publish_pending(parts.job_actions, self.environment.workers, publishing)
        stack = parts.outages.publish_unsent(books.stack, publishing)
        expiry = parts.expiry_watch.publish_unsent(books.expiry, publishing)
        return KnownOfStack(stack, expiry)

    def _ask(self, parts: SweepParts, of_stack: KnownOfStack, begun: float) -> None:
        """Ask Atlas. Raises AtlasError or CredentialsError if there is nothing to ask with."""
        due = parts.rounds.due_jobs()
        # In this order: the last plan of a project counts, and a watched one may have due jobs.
        parts.rounds.plan_due_jobs(due)
        parts.finder.begin()
        first = FirstRound(due, parts.finder.first_steps())
        parts.finder.drop_removed()
        if first.is_empty:
            return
        parts.finder.start_marks()
        # What the operator has removed is over, even if there is nothing to ask with.
        parts.outages.report_removed()
        try:
            self.environment.atlas.prepare(parts.run.ending)
        except (AtlasError, CredentialsError) as error:
            _report_no_access(parts, of_stack, error)
            raise
        parts.rounds.play(first, begun)

    def _report_jobs(self, parts: SweepParts) -> None:
        """Report the jobs that are open now, and what failed."""
        run, telemetry = parts.run, self.environment.telemetry
        if run.is_tick:
            parts.tags_of_running.read()
            telemetry.report_open_jobs(run.open_jobs(), run.now())
        telemetry.report_failures(count(_records(parts), parts.opened).failures)

    def _report_tick(
        self, parts: SweepParts, of_stack: KnownOfStack, result: SweepResult, begun: float
    ) -> None:
        """Report what a tick saw of the stack, its projects and the credentials."""
        seen = _seen_without_removed(parts, result)
        verdicts, alone = judge_projects(seen), left_alone(seen)
        degraded = parts.outages.report_verdicts(verdicts, alone, of_stack.stack)
        self.environment.telemetry.report_tick(result, degraded, _seconds(parts, begun))
        parts.expiry_watch.look(of_stack.expiry, asks=True)
        parts.name_reader.look()

    def _report_refused_tick(
        self,
        parts: SweepParts,
        of_stack: KnownOfStack,
        result: SweepResult,
        passing_refusal: ApplicationError,
        begun: float,
    ) -> None:
        """Report a tick in which Atlas refused credentials that it had accepted lately."""
        stack = parts.outages.report_stack_failure(of_stack.stack, passing_refusal)
        verdicts = judge_projects(_seen_without_removed(parts, result))
        degraded = count_still_degraded(verdicts, stack)
        self.environment.telemetry.report_tick(result, degraded, _seconds(parts, begun))
        parts.expiry_watch.look(of_stack.expiry, asks=False)


def _seen_without_removed(parts: SweepParts, result: SweepResult) -> SeenBySweep:
    """Return what the sweep knows, after it has dropped and reported the removed projects."""
    # What the list that was read in this sweep no longer shows is over, too.
    parts.finder.drop_removed()
    parts.outages.report_removed()
    return SeenBySweep.after(parts.run, result.failures)


def _records(parts: SweepParts) -> list[Record]:
    return list(chain.from_iterable(parts.run.log.by_project().values()))


def _seconds(parts: SweepParts, begun: float) -> float:
    """How long the sweep has taken."""
    return parts.run.ending.clock() - begun


def _report_no_access(parts: SweepParts, of_stack: KnownOfStack, error: ApplicationError) -> None:
    """Report that the credentials are refused or cannot be read, and what is known of them."""
    parts.outages.report_stack_failure(of_stack.stack, error)
    parts.expiry_watch.look(of_stack.expiry, asks=False)
