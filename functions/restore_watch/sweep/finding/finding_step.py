"""A step to find jobs, and how its call is made."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.asking.asked import Subject
from restore_watch.asking.questions import Questions
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory, Turn
from restore_watch.sweep.sweep_task import SweepTask


@dataclass(frozen=True)
class Step(SweepTask):
    """A call to find jobs. An earlier try may have had an `error`."""

    tries: int = field(default=0, kw_only=True)
    error: ApplicationError | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def subject(self) -> Subject:
        """The subject of the question."""

    @property
    def turn(self) -> Turn:
        """What takes its turn with this call."""
        return None

    @property
    def finds(self) -> bool:
        """It finds jobs."""
        return True

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return self.subject.bucket


@dataclass(frozen=True)
class StepCalls:
    """Makes the calls of the steps of one sweep. Any thread may use it."""

    questions: Questions
    memory: ProjectMemory

    def ask[Answer](self, step: Step, call: Callable[[Deadline], Answer]) -> Answer:
        """Make the call of a step. Raises what `call` raises."""
        # A step that there is no time to take comes first in the next sweep.
        if self.questions.deadline.remaining() >= LEAST_EXCHANGE:
            self.memory.note_turn(step.bucket.group_id, step.turn)
        return self.questions.ask(step.subject, call)

    def again[OneStep: Step](
        self, step: OneStep, error: ApplicationError, begun: float
    ) -> list[OneStep]:
        """Return the step, whose call `begun` then has failed, if it is tried again."""
        tries = step.tries + 1
        if not self.questions.may_ask_once_more(error, begun, tries):
            return []
        return [replace(step, tries=tries, error=error)]
