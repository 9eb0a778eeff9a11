"""How a sweep asks Atlas for the lists by which jobs are found, and what a failure leads to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.service import service
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.pages import Page
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.check.outbox import QUESTION_TIME
from restore_watch.errors import AtlasRateLimitError, RestoreWatchError
from restore_watch.sweep.answers import Answers
from restore_watch.sweep.find.memory_of_projects import FindMemory
from restore_watch.sweep.find.steps import ClustersPage, FindStep, JobsPage, ProjectsPage, Wake
from restore_watch.sweep.outcomes import Asked
from restore_watch.sweep.run import Run
from restore_watch.threads.agenda import TRIES, may_succeed_at_once


@service
class FindCalls:
    """
    Makes the calls of one sweep. Any thread may use it.

    Those that read raise AtlasError or TimeBudgetExceededError.
    """

    run: Run
    projects: AtlasProjects
    answers: Answers
    memory: FindMemory

    def all_projects(self, step: ProjectsPage) -> Page:
        """Read a page of the list of projects."""
        return self._read(step, partial(self.projects.projects, step.number))

    def events(self, step: Wake, since: datetime) -> Page:
        """Read the newest restore events of a project since that moment, in UTC."""
        return self._read(step, partial(self.projects.events, step.group_id, since))

    def clusters(self, step: ClustersPage) -> Page:
        """Read a list of clusters."""
        return self._read(step, partial(self.projects.clusters, step.group_id, step.which))

    def restore_jobs(self, step: JobsPage) -> Page:
        """Read a page of a cluster's jobs."""
        kind, name = step.part
        jobs = partial(self.projects.restore_jobs, step.group_id, name or "", kind, step.at)
        return self._read(step, jobs)

    def _read(self, step: FindStep, ask: Callable[[Deadline], Page]) -> Page:
        """
        Ask Atlas, and note how it went.

        If a list of a cluster's jobs is refused, the end of the listing shows what that means.
        """
        asked = asked_by(step)
        part = step.part if isinstance(step, JobsPage) else None
        deadline = self.run.asking.within(QUESTION_TIME)
        try:
            # What there was no time to ask comes first in the next sweep.
            deadline.require(LEAST_EXCHANGE, "ask Atlas")
            self.memory.asking(asked.bucket.group_id, part)
            page = ask(deadline)
        except RestoreWatchError as error:
            note = self.answers.note if isinstance(step, JobsPage) else self.answers.failed
            note(asked, error)
            raise
        self.answers.answered(asked)
        return page

    def again(self, step: FindStep, error: RestoreWatchError, begun: float) -> list[FindStep]:
        """
        The call of a step that `begun` then has failed. Return the step if it is tried again.

        Otherwise it is a failure of the sweep, unless a limit or the end of the time caused it.
        """
        # A 503 may name a time, until which the pace allows no second call.
        waits = self.run.pace.waits(step.bucket)
        is_fast = may_succeed_at_once(error, self.run.asking.clock() - begun)
        if is_fast and not waits and step.tries + 1 < TRIES:
            return [replace(step, tries=step.tries + 1, error=error)]
        if not isinstance(step, JobsPage):
            self.found_failing(step.bucket.group_id, None, error)
        return []

    def found_failing(
        self, group_id: str | None, cluster_name: str | None, error: RestoreWatchError
    ) -> None:
        """Note a failure of the sweep, unless a limit or the end of the time caused it."""
        if not isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.run.tally.search_failed(group_id, cluster_name, error)


def asked_by(step: FindStep) -> Asked:
    """The question of a step."""
    return (
        Asked.part(step.bucket, step.part)
        if isinstance(step, JobsPage)
        else Asked.list(step.bucket)
    )
