"""Whether projects fail for themselves or the stack for all of them, and what stands still."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.errors import CredentialsError
from restore_watch.model.health import Health
from restore_watch.model.watch_change import Trouble
from restore_watch.sweep.judging.project_verdicts import ProjectVerdict
from restore_watch.sweep.judging.stack_verdict import (
    ListOfProjects,
    StackVerdict,
    judge_stack,
)
from restore_watch.sweep.log import AllListed, Record, Unread
from restore_watch.table.project_item import Project
from unit.open_jobs import NOON
from unit.records import DOWN, LIST_OF_PROJECTS, NO_ROLE, asked
from unit.scripted_atlas import GROUP

MINUTE = timedelta(minutes=1)
HELD, FREE = True, False
LATE = TimeBudgetExceededError("late")

PROJECTS, CREDENTIALS, LIST = "all projects", "credentials", "projects"
"""The troubles of a stack."""


def seen(
    health: Health | None = None, standing: Mapping[str, Trouble] | None = None, **failures: str
) -> ProjectVerdict:
    """How a sweep saw a project: what failed there now, and older troubles that may go on."""
    errors: dict[str, ApplicationError] = {
        name: {"down": DOWN, "refused": NO_ROLE, "late": LATE}[how]
        for name, how in failures.items()
    }
    project = Project(GROUP, stored_health=health)
    return ProjectVerdict(project, errors, standing or {}, is_seen=not errors, open_jobs=1)


SEES, FAILS, REFUSED = seen(), seen(flex="down"), seen(flex="refused")


BEFORE = NOON - timedelta(minutes=9)
SILENT = Trouble(since=BEFORE, error="AtlasUnavailableError", message="Atlas did not answer")
REFUSAL = Trouble(since=BEFORE, error="AtlasUnauthorizedError", message="no role")


def stack(*troubles: str, is_reported: bool = True, is_recovering: bool = False) -> Health:
    """A stack that has these troubles, of which a message was sent if it was reported."""
    return Health(
        group_id=None,
        troubles=dict.fromkeys(troubles, SILENT),
        degraded=SILENT if is_reported else None,
        recovering_since=NOON if is_recovering else None,
    )


class Swept(NamedTuple):
    """How a sweep saw projects and the stack, and the verdict: troubles, and whether it holds."""

    seen: list[ProjectVerdict]
    troubles: set[str]
    holds: bool
    stack: Health = Health(group_id=None)
    listed: ListOfProjects = ListOfProjects()
    open_jobs: int = 1


NO_LIST, READ = ListOfProjects(failure=CredentialsError("no secret")), ListOfProjects(is_read=True)

SWEPT: dict[str, Swept] = {
    "nothing fails": Swept([SEES], set(), FREE),
    "a project alone": Swept([FAILS], set(), FREE),
    "one of two": Swept([SEES, FAILS], set(), FREE),
    "each of two, unanswered": Swept([FAILS, FAILS], {PROJECTS}, HELD),
    "each of two, one refused": Swept([FAILS, REFUSED], {PROJECTS}, HELD),
    "each of two, refused": Swept([REFUSED, REFUSED], {PROJECTS}, HELD),
    "each of two, one by an older trouble": Swept(
        [FAILS, seen(standing={"flex": SILENT})], {PROJECTS}, HELD
    ),
    # Outages of Atlas in which some requests are answered
    "two of eight": Swept([FAILS] * 2 + [SEES] * 6, set(), FREE),
    "three, a quarter": Swept([FAILS] * 3 + [SEES] * 9, {PROJECTS}, HELD),
    "three, less than a quarter": Swept([FAILS] * 3 + [SEES] * 10, set(), FREE),
    "three that are refused": Swept([REFUSED] * 3 + [SEES] * 3, set(), FREE),
    "half of an outage goes on": Swept(
        [FAILS] * 2 + [SEES] * 10, {PROJECTS}, HELD, stack(PROJECTS)
    ),
    "also before it is reported": Swept(
        [FAILS] * 2 + [SEES] * 10, {PROJECTS}, HELD, stack(PROJECTS, is_reported=False)
    ),
    "also while the stack recovers": Swept(
        [FAILS] * 2 + [SEES] * 10, {PROJECTS}, HELD, stack(is_recovering=True)
    ),
    "less of an outage is over": Swept([FAILS, *[SEES] * 11], set(), HELD, stack(PROJECTS)),
    # What was reported lasts until it is seen to be over
    "its other projects are taken out": Swept([FAILS], {PROJECTS}, HELD, stack(PROJECTS)),
    "nothing is asked": Swept([], {PROJECTS}, HELD, stack(PROJECTS)),
    "nothing is left to see": Swept([], set(), HELD, stack(PROJECTS), open_jobs=0),
    "what was not reported is forgotten": Swept(
        [FAILS], set(), FREE, stack(PROJECTS, is_reported=False)
    ),
    "credentials, nothing is seen": Swept([FAILS], {CREDENTIALS}, HELD, stack(CREDENTIALS)),
    "credentials, one is seen": Swept([SEES], set(), HELD, stack(CREDENTIALS)),
    "the list fails": Swept([SEES, FAILS], {LIST}, FREE, listed=NO_LIST),
    "the list was not read": Swept([SEES], {LIST}, FREE, stack(LIST)),
    "the list is read": Swept([SEES], set(), HELD, stack(LIST), READ),
}


@pytest.mark.parametrize("swept", SWEPT.values(), ids=SWEPT)
def test_what_fails_for_many_projects_is_one_trouble_of_the_stack(swept: Swept) -> None:
    verdict = judge_stack(swept.seen, swept.stack, swept.listed, swept.open_jobs, NOON)

    assert (set(verdict.troubles), verdict.holds) == (swept.troubles, swept.holds)


@pytest.mark.parametrize(
    ("projects", "message"),
    [
        (
            [FAILS, *[seen(flex="late")] * 2, *[SEES] * 9],
            "3 of 12 projects could not be seen. Atlas did not answer",
        ),
        ([REFUSED, FAILS], "Each of the 2 projects fails. no role"),
        (
            [seen(standing={"flex": SILENT}), seen(standing={"flex": REFUSAL})],
            "Each of the 2 projects fails. Atlas did not answer",
        ),
    ],
    ids=["outage", "all", "all by older troubles"],
)
def test_the_trouble_of_the_stack_says_how_many_fail_since_now_and_why(
    projects: list[ProjectVerdict], message: str
) -> None:
    verdict = judge_stack(projects, Health(group_id=None), ListOfProjects(), 1, NOON)

    met = verdict.troubles[PROJECTS]
    assert (met.since, met.message) == (NOON, message)


@pytest.mark.parametrize(
    ("projects", "listed", "name"),
    [([SEES], ListOfProjects(failure=NO_ROLE), LIST), ([REFUSED] * 2, ListOfProjects(), PROJECTS)],
    ids=["the list", "all projects"],
)
def test_a_refusal_of_the_stack_is_fixed_in_the_secret_of_the_stack(
    projects: list[ProjectVerdict], listed: ListOfProjects, name: str
) -> None:
    met = judge_stack(projects, Health(group_id=None), listed, 1, NOON).troubles[name]

    assert (met.since, met.error) == (NOON, "AtlasUnauthorizedError")
    assert met.fix is not None
    assert met.fix.startswith("Renew the credentials in the stack's secret")


@pytest.mark.parametrize("holds", [False, True], ids=["alone", "while the stack is degraded"])
def test_a_project_stands_still_while_the_stack_holds_it(*, holds: bool) -> None:
    one = seen(standing={"flex": SILENT, "events": REFUSAL}, flex="refused")
    counts = {"flex": Trouble.of(NO_ROLE, NOON), "events": REFUSAL}

    assert StackVerdict({}, holds).troubles_of(one, NOON) == (None if holds else counts)


FAILED = asked(LIST_OF_PROJECTS, DOWN)
A_PAGE, UNREAD = asked(LIST_OF_PROJECTS), Unread(LIST_OF_PROJECTS, NO_ROLE)
ALL = AllListed(frozenset({GROUP}))


@pytest.mark.parametrize(
    ("records", "listed"),
    [
        ([], ListOfProjects()),
        ([ALL], READ),
        ([FAILED], ListOfProjects(failure=DOWN)),
        ([FAILED, A_PAGE], ListOfProjects()),
        ([FAILED, A_PAGE, ALL], READ),
        ([UNREAD, A_PAGE], ListOfProjects(failure=NO_ROLE)),
        ([UNREAD, FAILED], ListOfProjects(failure=NO_ROLE)),
    ],
    ids=[
        *("not asked", "named", "failed", "answered later", "read later"),
        *("an odd page", "an odd page before a failure"),
    ],
)
def test_the_list_of_projects_was_read_or_fails_for_a_reason_or_neither(
    records: list[Record], listed: ListOfProjects
) -> None:
    assert ListOfProjects.in_log(records) == listed
