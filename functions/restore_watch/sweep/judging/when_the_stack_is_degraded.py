"""
The verdict on the whole stack, and which troubles of projects stand still. Pure.

If Atlas does not answer, or no project is without a failure, that is one trouble of the stack and
none of its projects.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import replace
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import NamedTuple, Self

from restore_watch.asking.asked import Asked
from restore_watch.errors import RestoreWatchError
from restore_watch.model.outage import Trouble, Watched
from restore_watch.model.question import Question
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
    failure: RestoreWatchError | None = None

    @classmethod
    def in_log(cls, records: Iterable[Record]) -> Self:
        """Return how it went, by the records of the list."""
        is_read, last, unread = False, None, None
        for record in records:
            match record:
                case AllListed():
                    is_read = True
                case Asked():
                    last = record.error  # another try may have succeeded
                case Unread():
                    unread = record.error
        return cls(is_read, unread or last)


class StackVerdict(NamedTuple):
    """The stack's troubles after a sweep, and what stands still of its projects meanwhile."""

    troubles: Mapping[str, Trouble]
    held: Held

    def troubles_of(self, one: ProjectVerdict, at: datetime) -> Mapping[str, Trouble] | None:
        """The troubles of a project that count now; None if it stands still."""
        failing = {**one.standing, **{key: Trouble.of(e, at) for key, e in one.failures.items()}}
        match self.held:
            case Held.NOTHING:
                return failing
            case Held.EVERYTHING:
                return None
        watched = one.project.watched
        known = watched.troubles.items()
        if watched.degraded is not None:
            # A project that was reported for want of an answer does not recover.
            return {**{key: trouble for key, trouble in known if trouble.is_unanswered}, **failing}
        refused = {key: trouble for key, trouble in failing.items() if not trouble.is_unanswered}
        # That no answer came says nothing new about what was refused.
        still = {key: old for key, old in known if key in failing and not old.is_unanswered}
        return still | refused


def judge_stack(
    seen: Sequence[ProjectVerdict],
    stack: Watched,
    listed: ListOfProjects,
    open_jobs: int,
    at: datetime,
) -> StackVerdict:
    """Judge how projects were seen in a sweep, and what is known of the stack."""
    is_seen = any(one.is_seen for one in seen)
    over: dict[str, bool] = {
        Question.CREDENTIALS: is_seen,
        Question.PROJECTS: listed.is_read,
        Question.ALL_PROJECTS: is_seen,
    }
    # A trouble that nobody met again is no outage. One that was reported lasts until it is seen
    # to be over.
    is_kept = stack.degraded is not None and bool(seen or open_jobs)
    known = stack.troubles.items() if is_kept else ()
    troubles = {key: trouble for key, trouble in known if not over.get(key)}
    if listed.failure is not None:
        troubles[Question.PROJECTS] = Trouble.of(listed.failure, at, of_stack=True)
    shared = _outage(seen, stack, at) or _failure_of_all(seen, at)
    held = Held.NOTHING
    if shared is not None:
        troubles[Question.ALL_PROJECTS], held = shared
    elif Question.ALL_PROJECTS in troubles or (stack.degraded is not None and not troubles):
        held = Held.UNANSWERED
    return StackVerdict(troubles, Held.EVERYTHING if Question.CREDENTIALS in troubles else held)


type _Shared = tuple[Trouble, Held]


def _outage(seen: Sequence[ProjectVerdict], stack: Watched, at: datetime) -> _Shared | None:
    """Many projects have no answer at once."""
    is_on = Question.ALL_PROJECTS in stack.troubles or stack.recovering_since is not None
    unanswered = [error for one in seen if (error := one.unanswered) is not None]
    least = (GOES_ON if is_on else 1) * max(LEAST_UNANSWERED, SHARE_UNANSWERED * len(seen))
    if len(unanswered) < least:
        return None
    first = Trouble.of(unanswered[0], at, of_stack=True)
    msg = f"{len(unanswered)} of {len(seen)} projects could not be seen. {first.message}"
    return replace(first, message=msg), Held.UNANSWERED


def _failure_of_all(seen: Sequence[ProjectVerdict], at: datetime) -> _Shared | None:
    """Every one of several projects fails, each for some reason."""
    if len(seen) < LEAST_PROJECTS or not all(one.is_failing for one in seen):
        return None
    errors = [error for one in seen for error in one.failures.values()]
    met = (Trouble.of(error, at, of_stack=True) for error in errors)
    first = next(chain(met, *(one.standing.values() for one in seen)))
    msg = f"Each of the {len(seen)} projects fails. {first.message}"
    return replace(first, since=at, message=msg), Held.EVERYTHING
