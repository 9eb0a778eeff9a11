"""
The verdict on the whole stack, and whether the troubles of projects stand still. Pure.

If Atlas does not answer, or no project is without a failure, that is one trouble of the stack and
none of its projects.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import replace
from datetime import datetime
from typing import NamedTuple, Self

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked
from restore_watch.model.health import Health
from restore_watch.model.question import Question
from restore_watch.model.watch_change import Trouble
from restore_watch.sweep.judging.project_verdicts import ProjectVerdict
from restore_watch.sweep.log import AllListed, Record, Unread

LEAST_UNANSWERED = 3
SHARE_UNANSWERED = 1 / 4
"""An outage of Atlas: so many projects, and this share of all, have no answer at once."""

GOES_ON = 1 / 2
"""An outage goes on while this part of what makes it is left: it does not come and go."""

LEAST_PROJECTS = 2
"""If so many projects or more are watched, and all of them fail, it is not for one of them."""


_HOLDING = {Question.CREDENTIALS, Question.ALL_PROJECTS}
"""The troubles of the stack by which nothing is known of its projects."""


class ListOfProjects(NamedTuple):
    """How reading the list of all projects went: it was read, or why it failed, or neither."""

    is_read: bool = False
    failure: ApplicationError | None = None

    @classmethod
    def in_log(cls, records: Iterable[Record]) -> Self:
        """Return how it went, by the records of the list."""
        is_read, last_error, unread = False, None, None
        for record in records:
            match record:
                case AllListed():
                    is_read = True
                case Asked():
                    last_error = record.error  # another try may have succeeded
                case Unread():
                    unread = record.error
        return cls(is_read, unread or last_error)


class StackVerdict(NamedTuple):
    """
    The stack's troubles after a sweep.

    While it `holds` the projects, none of them is reported by itself, and none recovers.
    """

    troubles: Mapping[str, Trouble]
    holds: bool

    def troubles_of(self, verdict: ProjectVerdict, at: datetime) -> Mapping[str, Trouble] | None:
        """The troubles of a project that count now; None if it stands still."""
        if self.holds:
            return None
        met = {question: Trouble.of(error, at) for question, error in verdict.failures.items()}
        return {**verdict.standing, **met}


def judge_stack(
    verdicts: Sequence[ProjectVerdict],
    stack: Health,
    listed: ListOfProjects,
    open_jobs: int,
    at: datetime,
) -> StackVerdict:
    """Judge how projects were seen in a sweep, and what is known of the stack."""
    troubles = _standing(verdicts, stack, listed, open_jobs)
    if listed.failure is not None:
        troubles[Question.PROJECTS] = Trouble.of(listed.failure, at, of_stack=True)
    shared = _outage(verdicts, stack, at) or _failure_of_all(verdicts, at)
    if shared is not None:
        troubles[Question.ALL_PROJECTS] = shared
    is_recovering = stack.degraded is not None and not troubles
    holds = is_recovering or not troubles.keys().isdisjoint(_HOLDING)
    return StackVerdict(troubles, holds)


def _standing(
    verdicts: Sequence[ProjectVerdict], stack: Health, listed: ListOfProjects, open_jobs: int
) -> dict[str, Trouble]:
    """
    Return the troubles of the stack that were reported, until they are seen to be over.

    A trouble that was not reported, and that nobody met again, is no outage.
    """
    nothing_is_left = not verdicts and not open_jobs
    if stack.degraded is None or nothing_is_left:
        return {}
    over: set[str] = set()
    if any(verdict.is_seen for verdict in verdicts):
        over |= {Question.CREDENTIALS, Question.ALL_PROJECTS}
    if listed.is_read:
        over.add(Question.PROJECTS)
    return {
        question: trouble for question, trouble in stack.troubles.items() if question not in over
    }


def _outage(verdicts: Sequence[ProjectVerdict], stack: Health, at: datetime) -> Trouble | None:
    """Many projects have no answer at once."""
    silences = [verdict.silence for verdict in verdicts if verdict.silence is not None]
    least = max(LEAST_UNANSWERED, SHARE_UNANSWERED * len(verdicts))
    if Question.ALL_PROJECTS in stack.troubles or stack.recovering_since is not None:
        least *= GOES_ON
    if len(silences) < least:
        return None
    first = Trouble.of(silences[0], at, of_stack=True)
    msg = f"{len(silences)} of {len(verdicts)} projects could not be seen. {first.message}"
    return replace(first, message=msg)


def _failure_of_all(verdicts: Sequence[ProjectVerdict], at: datetime) -> Trouble | None:
    """Every one of several projects fails, each for some reason."""
    if len(verdicts) < LEAST_PROJECTS or not all(verdict.is_failing for verdict in verdicts):
        return None
    errors = [error for verdict in verdicts for error in verdict.failures.values()]
    standing = [trouble for verdict in verdicts for trouble in verdict.standing.values()]
    first = Trouble.of(errors[0], at, of_stack=True) if errors else standing[0]
    msg = f"Each of the {len(verdicts)} projects fails. {first.message}"
    return replace(first, since=at, message=msg)
