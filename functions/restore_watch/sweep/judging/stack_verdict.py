"""
The verdict on the whole stack, and which troubles of projects stand still. Pure.

If Atlas does not answer, or no project is without a failure, that is one trouble of the stack and
none of its projects.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import replace
from datetime import datetime
from enum import Enum
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


class Held(Enum):
    """Which troubles of projects stand still: none, those without an answer, or all."""

    NOTHING = "nothing"
    UNANSWERED = "unanswered"
    EVERYTHING = "everything"


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
    """The stack's troubles after a sweep, and what stands still of its projects meanwhile."""

    troubles: Mapping[str, Trouble]
    held: Held

    def troubles_of(self, verdict: ProjectVerdict, at: datetime) -> Mapping[str, Trouble] | None:
        """The troubles of a project that count now; None if it stands still."""
        met = dict(verdict.standing)
        for question, error in verdict.failures.items():
            met[question] = Trouble.of(error, at)
        match self.held:
            case Held.NOTHING:
                return met
            case Held.UNANSWERED:
                return _while_unanswered(met, verdict.project.health)
            case Held.EVERYTHING:
                return None


def _while_unanswered(met: Mapping[str, Trouble], health: Health) -> Mapping[str, Trouble]:
    """
    Return the troubles of a project that count while Atlas does not answer.

    A missing answer makes no project degraded, and lets none recover.
    """
    if health.degraded is not None:
        return _with_reported_silences(met, health)
    return _only_refusals(met, health)


def _with_reported_silences(met: Mapping[str, Trouble], health: Health) -> Mapping[str, Trouble]:
    """Return the troubles that were met, and the reported ones for want of an answer."""
    reported_silences = {
        question: trouble for question, trouble in health.troubles.items() if trouble.is_unanswered
    }
    return {**reported_silences, **met}


def _only_refusals(met: Mapping[str, Trouble], health: Health) -> Mapping[str, Trouble]:
    """Return the troubles that were met, without those for want of an answer."""
    # If no answer came to a question that was refused before, the refusal still counts.
    refused_before = {
        question: trouble
        for question, trouble in health.troubles.items()
        if question in met and not trouble.is_unanswered
    }
    refused_now = {
        question: trouble for question, trouble in met.items() if not trouble.is_unanswered
    }
    return refused_before | refused_now


class _Shared(NamedTuple):
    """A trouble that many projects share, and what stands still of them."""

    trouble: Trouble
    held: Held


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
        troubles[Question.ALL_PROJECTS] = shared.trouble
    return StackVerdict(troubles, _held(troubles, stack, shared))


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


def _held(troubles: Mapping[str, Trouble], stack: Health, shared: _Shared | None) -> Held:
    """Return what stands still: the first that is so."""
    if Question.CREDENTIALS in troubles:
        return Held.EVERYTHING
    if shared is not None:
        return shared.held
    if Question.ALL_PROJECTS in troubles:
        return Held.UNANSWERED
    is_recovering = stack.degraded is not None and not troubles
    return Held.UNANSWERED if is_recovering else Held.NOTHING


def _outage(verdicts: Sequence[ProjectVerdict], stack: Health, at: datetime) -> _Shared | None:
    """Many projects have no answer at once."""
    silences = [verdict.silence for verdict in verdicts if verdict.silence is not None]
    least = max(LEAST_UNANSWERED, SHARE_UNANSWERED * len(verdicts))
    if Question.ALL_PROJECTS in stack.troubles or stack.recovering_since is not None:
        least *= GOES_ON
    if len(silences) < least:
        return None
    first = Trouble.of(silences[0], at, of_stack=True)
    msg = f"{len(silences)} of {len(verdicts)} projects could not be seen. {first.message}"
    return _Shared(replace(first, message=msg), Held.UNANSWERED)


def _failure_of_all(verdicts: Sequence[ProjectVerdict], at: datetime) -> _Shared | None:
    """Every one of several projects fails, each for some reason."""
    if len(verdicts) < LEAST_PROJECTS or not all(verdict.is_failing for verdict in verdicts):
        return None
    errors = [error for verdict in verdicts for error in verdict.failures.values()]
    standing = [trouble for verdict in verdicts for trouble in verdict.standing.values()]
    first = Trouble.of(errors[0], at, of_stack=True) if errors else standing[0]
    msg = f"Each of the {len(verdicts)} projects fails. {first.message}"
    return _Shared(replace(first, since=at, message=msg), Held.EVERYTHING)
