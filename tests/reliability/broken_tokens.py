"""Checks, tables and senders of answers that are broken in one place, for `broken_copies`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from foundation.aws_call import AwsCallError
from foundation.deadline import Deadline
from reliability.broken_table import Parameters
from restore_watch.aws.step_functions import Workflows
from restore_watch.check.outbox import Outbox
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.validation import Entry
from restore_watch.model.wait import TaskAnswer, answer_to
from restore_watch.table.job_item import Acknowledgement, Recorded
from restore_watch.table.jobs import RestoreJobsTable

# The check


class AnswersFirst(Outbox):
    """Workflows go on before people are told."""

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[Entry, ...]:
        for wait in recorded.waits:
            answer = answer_to(wait, recorded.job, recorded.seen)
            if answer is not None:
                self.workflows.answer(answer, recorded.job, deadline)
        return super().publish(recorded, deadline)


class AnswersTooEarly(Outbox):
    """Whoever waits goes on as soon as the job is looked at."""

    def _answer(self, recorded: Recorded, last: Entry | None, deadline: Deadline) -> None:
        self._send(list(map(TaskAnswer, recorded.waits)), recorded, last, deadline)


class NotesFirst(Outbox):
    """What is going to be sent counts as sent."""

    def _send(
        self,
        answers: Sequence[TaskAnswer],
        recorded: Recorded,
        last: Entry | None,
        deadline: Deadline,
    ) -> bool:
        if not (answers or last or recorded.is_unanswered):
            return True
        done = Acknowledgement(last, tuple(answer.wait for answer in answers))
        self.table.acknowledge(recorded, done, deadline)
        for answer in answers:
            self.workflows.answer(answer, recorded.job, deadline)
        return True


class GivesUpWhatWasFound(Outbox):
    """A job that does not leave the index counts as left all the same."""

    def end_waits(
        self,
        target: RestoreTarget,
        is_left: Callable[[Recorded], bool],
        deadline: Deadline,
        left_at: datetime | None = None,
    ) -> bool:
        del is_left
        return super().end_waits(target, lambda _: True, deadline, left_at)


# The table


class NeverNotes(RestoreJobsTable):
    """Who was answered waits on."""

    def acknowledge(self, recorded: Recorded, done: Acknowledgement, deadline: Deadline) -> None:
        super().acknowledge(recorded, replace(done, answered=()), deadline)


class ForgetsWhatIsDue(RestoreJobsTable):
    """No sweep sees that Step Functions has refused an answer."""

    def acknowledge(self, recorded: Recorded, done: Acknowledgement, deadline: Deadline) -> None:
        super().acknowledge(recorded, replace(done, due_since=None), deadline)


class ReplacesWhoWaits(RestoreJobsTable):
    """Who waits by now is replaced by who waited when the item was read."""

    def acknowledge(self, recorded: Recorded, done: Acknowledgement, deadline: Deadline) -> None:
        left = set(recorded.waits) - set(done.answered)
        self._left = {wait.as_text() for wait in left} or None
        super().acknowledge(recorded, done, deadline)

    def _update(self, item_key: Any, deadline: Deadline, **how: Any) -> Any:
        if how.get("elements") == "DELETE #waiting :answered":
            values = {**how["values"]}
            for name in ("answered", "waits"):
                values.pop(name, None)
            how |= {
                "sets": {**how["sets"], "waiting": self._left},
                "elements": "",
                "condition": how["condition"].replace(_SAME_WAITS, ""),
                "values": values,
            }
        return super()._update(item_key, deadline, **how)


_SAME_WAITS = " AND #waiting = :waits"


def drop_who_waits(_: Any, parameters: Parameters) -> Parameters:
    """A job that has ended is settled, although others wait by now."""
    values = parameters.get("ExpressionAttributeValues", {})
    if ":expiresAt" not in values or ":answered" not in values:
        return parameters
    update = parameters["UpdateExpression"].replace("DELETE #waiting :answered", "")
    sets, _, removes = update.partition(" REMOVE ")
    removed = f"#waiting, {removes}" if removes else "#waiting"
    others = _without_same_waits(parameters, ":answered")
    return others | {"UpdateExpression": f"{sets} REMOVE {removed}"}


def unmark_any(_: Any, parameters: Parameters) -> Parameters:
    """The mark that an answer is due is taken away, whoever has set it."""
    update = parameters["UpdateExpression"]
    takes_away = "#unansweredSince" in update.partition("REMOVE")[2]
    if ":expiresAt" in update or not takes_away:
        return parameters
    return _without_same_waits(parameters)


def _without_same_waits(parameters: Parameters, *values: str) -> Parameters:
    """The write takes place whoever waits by now. DynamoDB takes no value that is not used."""
    condition = parameters["ConditionExpression"].replace(_SAME_WAITS, "")
    left = {**parameters["ExpressionAttributeValues"]}
    for name in (":waits", *values):
        left.pop(name, None)
    names = parameters["ExpressionAttributeNames"]
    used = condition + parameters["UpdateExpression"]
    return parameters | {
        "ConditionExpression": condition,
        "ExpressionAttributeValues": left,
        "ExpressionAttributeNames": {name: names[name] for name in names if name in used},
    }


def one_waits(_: Any, parameters: Parameters) -> Parameters:
    """The newest workflow takes the place of the others."""
    update = parameters["UpdateExpression"]
    if "ADD #waiting :wait" not in update:
        return parameters
    update = update.replace("ADD #waiting :wait", "").replace("SET ", "SET #waiting = :wait, ", 1)
    return parameters | {"UpdateExpression": update}


# The answers


class RefusalIsAnAnswer(Workflows):
    """What Step Functions did not take is not sent again."""

    def answer(self, *how: Any) -> None:
        super().answer(*how)


class SaysSuccess(Workflows):
    """Every workflow goes on, whatever became of its restore."""

    def answer(self, answer: TaskAnswer, *how: Any) -> AwsCallError | None:
        return super().answer(replace(answer, error=None), *how)


class TriesGoneTokensAgain(Workflows):
    """A token that is gone counts as one that Step Functions may take later."""

    def __init__(self, client: Callable[[], Any]) -> None:
        super().__init__(lambda: _Puzzled(client()))  # type: ignore[arg-type,return-value]


class _Puzzled:
    """A client whose errors say nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def called(**parameters: Any) -> Any:
            try:
                return call(**parameters)
            except ClientError as error:
                answer: Any = {**error.response, "Error": {"Code": "Puzzled"}}
                raise ClientError(answer, name) from None

        return called
