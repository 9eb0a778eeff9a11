"""
The verdict on the whole stack, and which troubles of projects stand still. Pure.

If Atlas does not answer, or no project is without a failure, that is one trouble of the stack and
none of its projects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import NamedTuple

from restore_watch.errors import RestoreWatchError
from restore_watch.model.outage import Trouble, Watched
from restore_watch.model.summary import Summary
from restore_watch.sweep.outages.project_verdicts import ProjectVerdict

LEAST_UNANSWERED = 3
SHARE_UNANSWERED = 1 / 4
"""An outage of Atlas: so many projects, and this share of all, have no answer at once."""

GOES_ON = 1 / 2
"""An outage goes on while this part of what makes it is left: it does not come and go."""

LEAST_PROJECTS = 2
"""If so many projects or more are watched, and all of them fail, it is not for one of them."""


WAITS = 4
"""Ticks for which a worker waits for the first one to say that all projects fail."""


class StackTrouble(StrEnum):
    """A trouble of the stack. The values are the names in its item."""

    CREDENTIALS = "credentials"
    PROJECT_LIST = "projects"
    PROJECTS = "all projects"


class Held(Enum):
    """Which troubles of projects stand still: none, those without an answer, or all."""

    NOTHING = "nothing"
    UNANSWERED = "unanswered"
    EVERYTHING = "everything"


class ListOfProjects(NamedTuple):
    """How reading the list of all projects went: it was read, or why it failed, or neither."""

    is_read: bool = False
    failure: RestoreWatchError | None = None


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


def summarize(seen: Sequence[ProjectVerdict], summary: Summary) -> None:
    """Put into the summary how a worker's projects were seen."""
    unanswered = [error for one in seen if (error := one.unanswered)]
    summary.projects, summary.failing = len(seen), sum(one.fails for one in seen)
    summary.unanswered = len(unanswered)
    answering = [one.project.group_id for one in seen if one.is_seen]
    # Another one each day: the first worker asks there when the credentials expire.
    day = summary.at.toordinal()
    summary.seen = answering[day % len(answering)] if answering else None
    met = [error for one in seen for error in one.failures.values()]
    older = (trouble for one in seen for trouble in one.standing.values())
    summary.trouble = _first(met, summary.at) or next(older, None)
    summary.no_answer = _first(unanswered, summary.at)


def judge(
    summary: Summary, stack: Watched, listed: ListOfProjects, *, is_whole: bool = True
) -> StackVerdict:
    """
    Judge how all workers saw their projects, and what is known of the stack.

    It is not whole if a worker has left nothing: what it watches is not over.
    """
    is_seen = summary.seen is not None
    over: dict[str, bool] = {
        StackTrouble.CREDENTIALS: is_seen,
        StackTrouble.PROJECT_LIST: listed.is_read,
        StackTrouble.PROJECTS: is_seen,
    }
    # A trouble that nobody met again is no outage. One that was reported lasts until it is seen
    # to be over.
    is_any = summary.projects or summary.open or not is_whole
    known = stack.troubles.items() if stack.degraded is not None and is_any else ()
    troubles = {key: trouble for key, trouble in known if not over.get(key)}
    if summary.refusal is not None and not is_seen:
        troubles[StackTrouble.CREDENTIALS] = summary.refusal
    if listed.failure is not None:
        troubles[StackTrouble.PROJECT_LIST] = Trouble.of(listed.failure, summary.at, of_stack=True)
    shared = _shared(summary, stack)
    if shared is not None:
        troubles[StackTrouble.PROJECTS] = shared.trouble
    if StackTrouble.CREDENTIALS in troubles:
        return StackVerdict(troubles, Held.EVERYTHING)
    if shared is not None:
        return StackVerdict(troubles, shared.held)
    is_on = StackTrouble.PROJECTS in troubles or (stack.degraded is not None and not troubles)
    return StackVerdict(troubles, Held.UNANSWERED if is_on else Held.NOTHING)


def judge_share(summary: Summary, stack: Watched, *, is_tick: bool) -> StackVerdict:
    """
    Judge what stands still of a worker's projects, while the first one judges the stack.

    What the first one has not said yet, or may not even have found, counts for some ticks only:
    the projects of others may be seen, or that one may be dead.
    """
    found, shared = _found(stack), _shared(summary, stack)
    held = found or (shared.held if shared else Held.NOTHING)
    waited, summary.waited = summary.waited, 0
    is_said = found is not None and stack.degraded is not None
    if held is not Held.NOTHING and not is_said:
        may_wait = 0 <= waited < WAITS
        summary.waited = waited + (may_wait and is_tick)
        held = held if may_wait else Held.NOTHING
    if held is Held.NOTHING and stack.degraded is not None and not stack.troubles:
        held = Held.UNANSWERED
    return StackVerdict({}, held)


def _found(stack: Watched) -> Held | None:
    """What stands still by a trouble that the first worker has found."""
    if StackTrouble.CREDENTIALS in stack.troubles:
        return Held.EVERYTHING
    known = stack.troubles.get(StackTrouble.PROJECTS)
    if known is None:
        return None
    return Held.UNANSWERED if known.is_unanswered else Held.EVERYTHING


class _Shared(NamedTuple):
    trouble: Trouble
    held: Held


def _shared(summary: Summary, stack: Watched) -> _Shared | None:
    """What is one trouble of many projects: they have no answer at once, or every one fails."""
    is_on = StackTrouble.PROJECTS in stack.troubles or stack.recovering_since is not None
    part = GOES_ON if is_on else 1
    projects, first = summary.projects, summary.no_answer
    least = part * max(LEAST_UNANSWERED, SHARE_UNANSWERED * projects)
    if first is not None and summary.unanswered >= least:
        msg = f"{summary.unanswered} of {projects} projects could not be seen. {first.message}"
        return _Shared(replace(first, since=summary.at, message=msg), Held.UNANSWERED)
    first = summary.trouble
    if first is not None and LEAST_PROJECTS <= projects <= summary.failing:
        msg = f"Each of the {projects} projects fails. {first.message}"
        return _Shared(replace(first, since=summary.at, message=msg), Held.EVERYTHING)
    return None


def _first(errors: Sequence[RestoreWatchError], at: datetime) -> Trouble | None:
    return Trouble.of(errors[0], at, of_stack=True) if errors else None
