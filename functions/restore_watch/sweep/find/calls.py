"""How a sweep asks Atlas for the lists by which jobs are found, and what a failure leads to."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.pages import Page
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.check.outbox import QUESTION_TIME
from restore_watch.errors import AtlasRateLimitError, RestoreWatchError
from restore_watch.sweep.agenda import TRIES, failed_fast
from restore_watch.sweep.answers import Answers
from restore_watch.sweep.find.memory import FindMemory
from restore_watch.sweep.find.steps import AskingStep, JobsPage
from restore_watch.sweep.outcomes import Asked
from restore_watch.sweep.run import Run

type Ask = Callable[[Deadline], Page]
"""Asks for one page. Raises AtlasError or TimeBudgetExceededError."""


@dataclass(frozen=True)
class FindCalls:
    """Makes the calls of one sweep. Any thread may use it."""

    run: Run
    projects: AtlasProjects
    answers: Answers
    memory: FindMemory

    def read(self, step: AskingStep, ask: Ask) -> Page:
        """
        Ask Atlas, and note how it went.

        What a refused list of a cluster's jobs means is known when the listing ends.
        """
        asked = asked_by(step)
        try:
            page = ask(self.run.asking.within(QUESTION_TIME))
        except RestoreWatchError as error:
            note = self.answers.note if isinstance(step, JobsPage) else self.answers.failed
            note(asked, error)
            raise
        self.answers.answered(asked)
        return page

    def again(self, step: AskingStep, error: RestoreWatchError, begun: float) -> list[AskingStep]:
        """
        The call of a step that `begun` then has failed. Return the step if it is tried again.

        Otherwise it is a failure of the sweep, unless a limit or the end of the time caused it.
        """
        # A 503 may name a time, until which the pace allows no second call.
        waits = self.run.pace.waits(step.bucket)
        is_fast = failed_fast(error, self.run.asking.clock() - begun)
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


def asked_by(step: AskingStep) -> Asked:
    """What a step asks for."""
    return (
        Asked.part(step.bucket, step.part)
        if isinstance(step, JobsPage)
        else Asked.list(step.bucket)
    )
