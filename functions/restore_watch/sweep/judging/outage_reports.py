"""
Says when the watch itself cannot see a project, or the whole stack, and when it can again.

The outbox is the same as that of a job: one conditional write records the change and its message,
and what is recorded is published until the topic has accepted it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from random import shuffle

from foundation.deadline import Deadline
from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.aws.status_changes_topic import StatusChangesTopic
from restore_watch.aws.watch_messages import message_of_watch
from restore_watch.errors import TableUnavailableError, UnforeseenError
from restore_watch.model.health import Health
from restore_watch.model.question import Question
from restore_watch.model.watch_change import REMOVED, Trouble, WatchChange
from restore_watch.sweep.judging.degrade_or_recover import degrade_or_recover, end_outage
from restore_watch.sweep.judging.project_verdicts import ProjectVerdict
from restore_watch.sweep.judging.stack_verdict import (
    ListOfProjects,
    StackVerdict,
    judge_stack,
)
from restore_watch.sweep.publish_in_order import publish_in_order
from restore_watch.sweep.run import Run
from restore_watch.sweep.topic_refusals import TopicRefusals
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_item import Project
from restore_watch.telemetry.isolation import isolated
from restore_watch.threads.workers import Workers


@dataclass(frozen=True)
class OutageReports:
    """
    Records and publishes what becomes of projects and the stack in one sweep.

    No write and no message fails a sweep, whatever the error. The next sweep stores and publishes
    what this one could not. `opened`: how many jobs were open when the sweep began.
    """

    run: Run
    topic: StatusChangesTopic
    bookkeeping: Bookkeeping
    workers: Workers
    opened: int
    refusals: TopicRefusals = field(default_factory=TopicRefusals)

    def publish_unsent(self, stack: Health, deadline: Deadline) -> Health:
        """
        Publish what earlier sweeps recorded, until the topic refuses too often.

        Return the health of the stack then.
        """

        def publish(project: Project) -> None:
            health = self._publish(project.health, deadline)
            self.run.projects[project.group_id] = replace(project, stored_health=health)

        stack = self._publish(stack, deadline)
        projects = self.run.stored_projects()
        unsent = [project for project in projects if project.health.unsent]
        # The topic may refuse the messages of some for ever.
        shuffle(unsent)
        self.workers.each(unsent, publish, deadline)
        return stack

    def report_removed(self) -> None:
        """Report that degraded projects which nobody watches any more are over."""
        open_jobs = self.run.open_jobs()

        def forget(project: Project) -> None:
            own = [job for job in open_jobs if job.target.group_id == project.group_id]
            after = end_outage(project.health, self.run.now(), len(own), REMOVED)
            health = self._store(project.health, after)
            self.run.projects[project.group_id] = replace(project, stored_health=health)

        projects = self.run.stored_projects()
        removed = [
            project for project in projects if project.is_removed and project.health.is_failing
        ]
        self.workers.each(removed, forget, self.run.ending)

    def report_stack_failure(self, stack: Health, error: ApplicationError) -> Health:
        """
        The credentials are refused or cannot be read. Return the health of the stack.

        What is known of projects stands still. A sweep without a tick reports nothing.
        """
        if not self.run.is_tick:
            return stack
        troubles = dict(stack.troubles) if stack.degraded else {}
        troubles[Question.CREDENTIALS] = Trouble.of(error, self.run.at, of_stack=True)
        return self._note(stack, troubles, success_at=self.run.succeeded_at, open_jobs=self.opened)

    def report_verdicts(
        self, verdicts: Sequence[ProjectVerdict], left_alone: Sequence[Project], stack: Health
    ) -> int:
        """
        Note how projects were seen. Return how many are degraded.

        Nobody looks at those that were left alone: nothing fails there.
        """
        run = self.run
        # Sweeps that see no project succeed, too.
        was_blind = bool(stack.troubles.keys() - {Question.PROJECTS})
        last_success = stack.last_success_at if was_blind else run.succeeded_at
        listed = ListOfProjects.in_log(run.log.records_of(None))
        of_stack = judge_stack(verdicts, stack, listed, self.opened, run.at)
        stack = self._note(
            stack, of_stack.troubles, success_at=run.succeeded_at, open_jobs=self.opened
        )
        is_held = stack.degraded is not None and of_stack.holds
        # Without the projects for which no time is left.
        noted: dict[str, Health] = {}

        def note(verdict: ProjectVerdict) -> None:
            after = self._note_verdict(verdict, of_stack, last_success)
            noted[verdict.project.group_id] = after

        def note_end(project: Project) -> None:
            self._note(project.health, troubles={}, success_at=None, open_jobs=0)

        self.workers.each(verdicts, note, run.ending)
        self.workers.each(left_alone, note_end, run.ending)
        return _count_degraded(verdicts, noted, is_stack_degraded=is_held)

    def _note_verdict(
        self, verdict: ProjectVerdict, of_stack: StackVerdict, last_success: datetime | None
    ) -> Health:
        """Note how a project was seen, unless it stands still. Return its health."""
        project = verdict.project
        troubles = of_stack.troubles_of(verdict, self.run.at)
        if troubles is None:
            return project.health
        success_at = None
        if project.listed_at or verdict.open_jobs:
            success_at = last_success or project.listed_at
        return self._note(
            project.health, troubles, success_at=success_at, open_jobs=verdict.open_jobs
        )

    def _note(
        self,
        health: Health,
        troubles: Mapping[str, Trouble],
        *,
        success_at: datetime | None,
        open_jobs: int,
    ) -> Health:
        """Store and publish what has changed, if anything has. Return the health then."""
        after = degrade_or_recover(health, troubles, self.run.now(), success_at, open_jobs)
        return self._store(health, after)

    def _store(self, health: Health, after: Health) -> Health:
        """Store and publish `after`, if it differs. Return the health that is stored then."""
        if after == health:
            return health
        stored = self._write(after)
        return self._publish(stored, self.run.ending) if stored else health

    def _publish(self, health: Health, deadline: Deadline) -> Health:
        """Publish what is recorded, in order, and note what went out. Return the health then."""
        project = self.run.projects.get(health.group_id or "")
        name = project.name if project is not None else None

        def publish(change: WatchChange) -> None:
            self.topic.publish(message_of_watch(change, self.topic.stack_name, name), deadline)
            self.run.telemetry.report_watch_change(change)

        unsent = takewhile(lambda _: not self.refusals.are_too_many, health.unsent)
        in_a_row = self.refusals.in_a_row
        sent = publish_in_order(unsent, publish, self.run.telemetry, health.group_id)
        if sent.count:
            self.refusals.note_acceptance()
        elif sent.is_refused:
            self.refusals.count_refusal(in_a_row)
        if not sent.count:
            return health
        return self._write(replace(health, unsent=health.unsent[sent.count :])) or health

    def _write(self, health: Health) -> Health | None:
        """Store a health. None if that fails, or another sweep has stored one."""
        with (
            suppress(TableUnavailableError, TimeBudgetExceededError, UnforeseenError),
            isolated(self.run.telemetry, group_id=health.group_id),
        ):
            return self.bookkeeping.store_health(health, self.run.at, self.run.ending)
        return None


def count_still_degraded(verdicts: Sequence[ProjectVerdict], stack: Health) -> int:
    """Count the projects that are degraded while the credentials are refused: all stand still."""
    unchanged = {verdict.project.group_id: verdict.project.health for verdict in verdicts}
    return _count_degraded(verdicts, unchanged, is_stack_degraded=stack.degraded is not None)


def _count_degraded(
    verdicts: Sequence[ProjectVerdict], noted: Mapping[str, Health], *, is_stack_degraded: bool
) -> int:
    """
    Count the projects that are degraded, by how they were `noted` to be seen.

    While the stack is degraded instead of the projects, those that fail count too.
    """
    degraded = 0
    for verdict in verdicts:
        health = noted.get(verdict.project.group_id)
        if health is None:
            continue
        if health.degraded is not None or (is_stack_degraded and verdict.is_failing):
            degraded += 1
    return degraded
