"""Questions to Atlas, each of which leaves a record of how it ended."""

from collections.abc import Callable
from dataclasses import dataclass

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.asking.once_more import may_ask_once_more
from restore_watch.asking.pace import Pace, Permission
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.table.open_job import JobKey
from restore_watch.time_limits import QUESTION_TIME


@dataclass(frozen=True)
class Questions:
    """
    The questions of one sweep or report, which end by the deadline. Any thread may use them.

    `append` takes the record of each one. The `pace` reads these records.
    """

    deadline: Deadline
    pace: Pace
    append: Callable[[Asked], object]

    def ask[Answer](
        self,
        subject: Subject,
        call: Callable[[Deadline], Answer],
        jobs: tuple[JobKey, ...] = (),
    ) -> Answer:
        """Ask Atlas, about these open jobs if they are known. Raises what `call` raises."""
        try:
            answer = call(self.deadline.within(QUESTION_TIME))
        except ApplicationError as error:
            self.append(Asked.failed(subject, error, jobs))
            raise
        self.append(Asked(subject, End.ANSWERED, jobs=jobs))
        return answer

    def take_call(self, bucket: Bucket, *, to_find: bool = False) -> bool:
        """Take a call from the bucket. False if none may be made now."""
        return self.pace.take_call(bucket, to_find=to_find) is Permission.GIVEN

    def may_ask_once_more(self, error: ApplicationError, begun: float, tries: int) -> bool:
        """Whether a question, which began then and was tried so often, is asked again at once."""
        return may_ask_once_more(error, self.deadline.clock() - begun, tries)
