"""How a sweep asks Atlas: each call leaves one record in the log."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from foundation.deadline import Deadline
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.when_to_repeat import TRIES, may_succeed_at_once
from restore_watch.errors import (
    AtlasBadRequestError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.sweep.asking.calls_allowed import Pace
from restore_watch.sweep.asking.memory_of_projects import FindMemory, Turn
from restore_watch.sweep.log import Asked, End, Subject
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import JobKey
from restore_watch.threads.fair_turns import Task
from restore_watch.time_limits import QUESTION_TIME


@dataclass(frozen=True)
class Step(Task):
    """A call to find jobs: a task on the agenda. An earlier try may have had an `error`."""

    tries: int = field(default=0, kw_only=True)
    error: RestoreWatchError | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def subject(self) -> Subject:
        """The subject of the question."""

    @property
    def turn(self) -> Turn:
        """The projects or clusters that wait for their turn to be asked so."""
        return None

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return self.subject.bucket


@dataclass(frozen=True)
class Calls:
    """Asks the questions of one sweep. Any thread may use it."""

    run: Run
    pace: Pace
    memory: FindMemory

    def ask[Answer](
        self,
        subject: Subject,
        call: Callable[[Deadline], Answer],
        jobs: tuple[JobKey, ...] = (),
    ) -> Answer:
        """Ask Atlas, about these open jobs if they are known. Raises what `call` raises."""
        try:
            answer = call(self.run.asking.within(QUESTION_TIME))
        except RestoreWatchError as error:
            self.run.log.append(Asked.failed(subject, error, jobs))
            raise
        self.run.log.append(Asked(subject, End.ANSWERED, jobs=jobs))
        return answer

    def ask_step[Answer](self, step: Step, call: Callable[[Deadline], Answer]) -> Answer:
        """Make the call of a step. Raises what `call` raises."""
        # A step that there is no time to take comes first in the next sweep.
        if self.run.asking.remaining() >= LEAST_EXCHANGE:
            self.memory.note_turn(step.bucket.group_id, step.turn)
        return self.ask(step.subject, call)

    def again[OneStep: Step](
        self, step: OneStep, error: RestoreWatchError, begun: float
    ) -> list[OneStep]:
        """Return the step, whose call `begun` then has failed, if it is tried again."""
        # A 503 may name a time, until which the pace allows no second call.
        is_fast = may_succeed_at_once(error, self.run.asking.clock() - begun)
        if is_fast and not self.pace.waits(step.bucket) and step.tries + 1 < TRIES:
            return [replace(step, tries=step.tries + 1, error=error)]
        return []


_NOTHING_TO_READ = {
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
    "CLUSTER_NOT_FOUND",
    "FEATURE_UNSUPPORTED",
}


def has_nothing_to_read(error: RestoreWatchError) -> bool:
    """Whether Atlas says that a cluster has no restore jobs of a kind, or is gone."""
    if not isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError)):
        return False
    code = error.error_code or ""
    # Such as BACKUP_CONFIG_NOT_FOUND.
    return code in _NOTHING_TO_READ or "BACKUP" in code
