"""What a sweep saw of each project: an answer to one question clears no other."""

from collections.abc import Mapping, Sequence
from copy import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import answering_families
from restore_watch.atlas import families
from restore_watch.atlas.families import FLEX_JOBS
from restore_watch.errors import TableUnavailableError
from restore_watch.model.health import Health
from restore_watch.model.marks import Marks, Part
from restore_watch.model.watch_change import Trouble
from restore_watch.sweep.judging.answers import answers_of
from restore_watch.sweep.judging.planned_projects import watched_by_plan
from restore_watch.sweep.judging.project_verdicts import (
    ProjectVerdict,
    SeenBySweep,
    judge_projects,
    left_alone,
)
from restore_watch.sweep.log import Listed, Planned, Record, Unread
from restore_watch.table.open_job import OpenJob
from restore_watch.table.project_item import Project
from unit.open_jobs import NOON, open_job
from unit.records import (
    DEDICATED,
    DOWN,
    EVENTS,
    FLEX,
    LIMITED,
    LIST_OF_CLUSTERS,
    NO_JOB,
    NO_PROJECT,
    NO_ROLE,
    NOT_ALLOWED,
    OTHER_GROUP,
    RETIRED,
    UNUSED,
    about,
    asked,
    cluster,
    left,
)
from unit.scripted_atlas import GROUP

FIRST = open_job(1)
A_DEDICATED_JOB = open_job(1, kind=DEDICATED)
OF_A_CLUSTER = "flex jobs of a cluster"


# Answers and failures

LATE = TimeBudgetExceededError("late")
FAILS: Mapping[str, tuple[list[Record], Mapping[str, ApplicationError]]] = {
    "nothing": ([], {}),
    "an answer": ([about(1)], {}),
    "the same job answers later": ([about(1, DOWN), about(1)], {}),
    "the same job fails later": ([about(1), about(1, DOWN)], {"flex": DOWN}),
    "another job answers": ([about(1, DOWN), about(2)], {"flex": DOWN}),
    "another job, of one that fails for a moment": ([about(3, DOWN), about(2)], {}),
    "no other job, of one that fails for a moment": ([about(3, DOWN)], {"flex": DOWN}),
    "a job that Atlas does not know": ([about(1, NO_JOB)], {}),
    "a project that Atlas does not know": ([about(3, NO_PROJECT), about(2)], {"flex": NO_PROJECT}),
    "a list": ([about(3, DOWN), asked(cluster())], {"flex": DOWN}),
    "a job beside a list": ([about(1), Unread(cluster(), DOWN)], {OF_A_CLUSTER: DOWN}),
    "a list, whose listing goes on": ([asked(cluster(), DOWN)], {}),
    "another list": ([Unread(cluster(), DOWN), asked(cluster("carts"))], {OF_A_CLUSTER: DOWN}),
    "another list, of one that fails for a moment": (
        [Unread(cluster(), LIMITED, lasts=False), asked(cluster("carts"))],
        {},
    ),
    "events": ([asked(EVENTS), about(1, LIMITED)], {"flex": LIMITED}),
    "a limit, and another job": ([about(1, LIMITED), about(2)], {}),
    "a limit, and a list": ([asked(EVENTS, LIMITED)], {"events": LIMITED}),
    "no time": ([about(1, LATE), left(FIRST)], {}),
    "an outage of a family that was never read": (
        [asked(EVENTS), about(open_job(3, kind=DEDICATED), DOWN)],
        {"dedicated": DOWN},
    ),
    "an outage behind a missing role": (
        [
            asked(EVENTS),
            Unread(cluster("users", DEDICATED), NO_ROLE),
            Unread(cluster("carts", DEDICATED), DOWN),
        ],
        {"dedicated jobs of a cluster": DOWN},
    ),
}


@pytest.mark.parametrize(("records", "failures"), FAILS.values(), ids=FAILS)
def test_a_failure_counts_until_the_same_question_is_answered(
    records: list[Record], failures: Mapping[str, ApplicationError]
) -> None:
    """The jobs 1 and 2 are those whose own endpoints have failed for long."""
    assert answers_of(records, {FIRST.key, open_job(2).key}).failures({"flex"}) == failures


def test_of_what_was_left_to_the_next_sweep_nothing_is_learnt() -> None:
    records = [about(1), asked(EVENTS), left(open_job(2)), asked(cluster(), DOWN)]

    assert answers_of(records).learnt == {"events"}
    assert answers_of([*records, about(2, NO_JOB)]).learnt == {"events", "flex"}
    assert answers_of([about(2), left(open_job(2))]).learnt == {"flex"}  # left by a later round
    assert answering_families(records) == {FLEX_JOBS, families.EVENTS}


@pytest.mark.parametrize("refusal", [NO_ROLE, NOT_ALLOWED, RETIRED, UNUSED], ids=repr)
@pytest.mark.parametrize("is_list", [False, True], ids=["a job", "a list"])
@pytest.mark.parametrize(
    ("readable", "others", "fails"),
    [
        ({"flex"}, True, False),
        ({"flex", "dedicated"}, True, True),
        ((), True, False),
        ((), False, True),
        ({"flex"}, False, False),
    ],
    ids=["never read", "read before", "first sweep", "refuses all", "refuses all later"],
)
def test_a_refusal_fails_only_for_what_could_be_read_before(
    refusal: ApplicationError, *, is_list: bool, readable: set[str], others: bool, fails: bool
) -> None:
    """Without a role for dedicated clusters, a project is still watched."""
    users = cluster("users", DEDICATED)
    refused = Unread(users, refusal) if is_list else about(A_DEDICATED_JOB, refusal)
    name = "dedicated jobs of a cluster" if is_list else "dedicated"
    answers = answers_of([refused, *([asked(EVENTS)] if others else [])])

    assert answers.failures(readable) == ({name: refusal} if fails else {})


# Verdicts

OLD = Trouble(
    since=NOON - timedelta(hours=1),
    error="AtlasUnavailableError",
    message="Atlas did not answer",
)
DEGRADED = Project(GROUP, stored_health=Health(group_id=GROUP, degraded=OLD))
BEHIND = Marks(NOON, NOON, {Part(FLEX, "orders"): NOON})
WATCHED = Planned(GROUP, is_watched=True)
DUE = Planned(GROUP, is_watched=False)
WHOLE = Listed(GROUP, frozenset(), is_whole=True)
ASIDE = frozenset({Part(FLEX, "orders")})


def verdicts(
    *records: Record, project: Project | None = None, **known: Any
) -> list[ProjectVerdict]:
    usual: dict[str, Any] = {"open_jobs": (), "lasting": {}, "not_stored": {}, "all_listed": None}
    projects = {project.group_id: project} if project else {}
    return judge_projects(SeenBySweep({GROUP: records}, projects, **usual | known))


def verdict(*records: Record, **known: Any) -> ProjectVerdict:
    (one,) = verdicts(*records, **known)
    return one


class Row(NamedTuple):
    """A reported trouble, and the log of a later sweep that did not meet it."""

    trouble: str
    records: Sequence[Record]
    open_jobs: Sequence[OpenJob] = ()
    marks: Marks | None = None
    all_listed: frozenset[str] | None = None

    def verdict(self, *last: Record, is_reported: bool = True) -> ProjectVerdict:
        health = Health(
            group_id=GROUP, troubles={self.trouble: OLD}, degraded=OLD if is_reported else None
        )
        project = Project(GROUP, marks=self.marks, stored_health=health)
        known = {"open_jobs": self.open_jobs, "all_listed": self.all_listed}
        return verdict(WATCHED, *self.records, *last, project=project, **known)


SEEN = asked(EVENTS)
OTHERS = "dedicated jobs of a cluster"
NOT_BEHIND = Listed(GROUP, frozenset(), is_whole=False)
WAS_ASIDE = WATCHED._replace(aside=ASIDE)

STANDS: Mapping[str, Row] = {
    "jobs, nothing is answered": Row("flex", [SEEN], [FIRST]),
    "jobs, one answers and one was left": Row("flex", [about(1), left(open_job(2))], [FIRST]),
    "jobs, all is listed": Row("flex", [SEEN, WHOLE], [FIRST]),
    "lists, a part is behind": Row(OF_A_CLUSTER, [SEEN], marks=BEHIND),
    "lists, the part is aside no longer": Row(
        OF_A_CLUSTER, [WAS_ASIDE, SEEN, NOT_BEHIND], marks=BEHIND
    ),
    "lists, another list answers": Row(OF_A_CLUSTER, [asked(cluster("carts"))], marks=BEHIND),
    "events, not asked": Row("events", [about(1)]),
    "clusters, not asked": Row("dedicated clusters", [SEEN]),
    "a name of an older version": Row("all lists", [SEEN]),
    "projects, not read": Row("projects", [SEEN]),
}
OVER: Mapping[str, Row] = {
    "jobs, one answers": Row("flex", [about(1)], [FIRST]),
    "jobs, none is open": Row("flex", [SEEN]),
    "jobs, those of another kind are open": Row("flex", [SEEN], [A_DEDICATED_JOB]),
    "lists, nothing is behind": Row(OF_A_CLUSTER, [SEEN]),
    "lists, another kind is behind": Row(OTHERS, [SEEN], marks=BEHIND),
    "lists, the part is aside": Row(
        OF_A_CLUSTER, [SEEN, NOT_BEHIND._replace(aside=ASIDE)], marks=BEHIND
    ),
    "lists, the part was aside": Row(OF_A_CLUSTER, [SEEN, WAS_ASIDE], marks=BEHIND),
    "lists, all is listed": Row(OF_A_CLUSTER, [SEEN, WHOLE], marks=BEHIND),
    "events, answered": Row("events", [SEEN]),
    "clusters, answered": Row("dedicated clusters", [asked(LIST_OF_CLUSTERS)]),
    "clusters, all is listed": Row("dedicated clusters", [SEEN, WHOLE]),
    "projects, shown": Row("projects", [SEEN], all_listed=frozenset({GROUP})),
    "reached": Row("sweep", [SEEN]),
    "items": Row("items", [SEEN]),
}


@pytest.mark.parametrize("row", OVER.values(), ids=OVER)
def test_a_reported_failure_is_over_when_the_sweep_has_learnt_that(row: Row) -> None:
    one = row.verdict()

    assert (one.standing, one.failures, one.is_failing) == ({}, {}, False)


@pytest.mark.parametrize("row", STANDS.values(), ids=STANDS)
def test_a_reported_failure_stands_until_then_and_one_that_nobody_met_again_does_not(
    row: Row,
) -> None:
    one = row.verdict()

    assert (one.standing, one.failures, one.is_failing) == ({row.trouble: OLD}, {}, True)
    assert row.verdict(is_reported=False).standing == {}
    assert row.verdict(DUE).standing == {}  # it is no longer watched


def test_a_failure_of_now_takes_the_place_of_the_reported_one() -> None:
    project = Project(
        GROUP, stored_health=Health(group_id=GROUP, troubles={"events": OLD}, degraded=OLD)
    )

    one = verdict(WATCHED, asked(EVENTS, DOWN), project=project)
    assert (one.failures, one.standing, one.silence) == ({"events": DOWN}, {}, DOWN)
    assert verdict(WATCHED, about(1, NO_ROLE)).silence is None


def test_a_failure_of_now_stands_beside_another_reported_one() -> None:
    one = Row("events", [about(1, DOWN)], [FIRST]).verdict()

    assert (one.failures, one.standing) == ({"flex": DOWN}, {"events": OLD})


def test_a_project_that_the_list_no_longer_shows_has_the_reasons() -> None:
    failure = verdict(WATCHED, SEEN, all_listed={OTHER_GROUP}).failures["projects"]

    assert str(failure) == (
        "Atlas no longer shows this project in the list of projects: it was deleted, or the "
        "service account or API key has lost its role in it"
    )


REFUSES = TableUnavailableError("no")
LASTING = {"open_jobs": [FIRST], "lasting": {FIRST.key: DOWN}}
LASTING_DEDICATED = {"open_jobs": [A_DEDICATED_JOB], "lasting": {A_DEDICATED_JOB.key: DOWN}}
EVENTS_FAIL = {"events": "AtlasUnavailableError"}
NO_ROLE_FOR_IT: list[Record] = [SEEN, about(A_DEDICATED_JOB, NO_ROLE)]
FAILS_NOW: Mapping[str, tuple[list[Record], dict[str, Any], dict[str, str]]] = {
    "nothing": ([SEEN], {}, {}),
    "Atlas lists it": ([SEEN], {"all_listed": {GROUP}}, {}),
    "Atlas does not list it": (
        [SEEN],
        {"all_listed": {OTHER_GROUP}},
        {"projects": "AtlasUnauthorizedError"},
    ),
    "not reached": ([], {}, {"sweep": "TimeBudgetExceededError"}),
    "all was left": ([left(FIRST)], {}, {"sweep": "TimeBudgetExceededError"}),
    "refuses everything": ([about(1, NO_ROLE)], {}, {"flex": "AtlasUnauthorizedError"}),
    "the table": ([SEEN], {"not_stored": {GROUP: REFUSES}}, {"items": "TableUnavailableError"}),
    "the table, elsewhere": ([SEEN], {"not_stored": {OTHER_GROUP: REFUSES}}, {}),
    "long, and not asked now": ([SEEN], LASTING, {"flex": "AtlasUnavailableError"}),
    "long, of another kind": ([SEEN], LASTING_DEDICATED, {"dedicated": "AtlasUnavailableError"}),
    "a list that was answered before": ([SEEN, asked(EVENTS, DOWN)], {}, EVENTS_FAIL),
    "long, and for another reason now": (
        [about(1, NO_ROLE), about(2)],
        LASTING,
        {"flex": "AtlasUnauthorizedError"},
    ),
    "no role for it": (NO_ROLE_FOR_IT, {}, {}),
    "no role for a job that the table knows": (
        NO_ROLE_FOR_IT,
        {"open_jobs": [A_DEDICATED_JOB]},
        {"dedicated": "AtlasUnauthorizedError"},
    ),
    "no role for what was read before": (
        NO_ROLE_FOR_IT,
        {"project": Project(GROUP, readable=frozenset({"dedicated"}))},
        {"dedicated": "AtlasUnauthorizedError"},
    ),
}


@pytest.mark.parametrize(("records", "known", "failures"), FAILS_NOW.values(), ids=FAILS_NOW)
def test_what_fails_now(
    records: list[Record], known: dict[str, Any], failures: dict[str, str]
) -> None:
    one = verdict(WATCHED, *records, **known)

    assert {name: type(error).__name__ for name, error in one.failures.items()} == failures
    assert one.is_seen is bool(answering_families(records))
    assert one.open_jobs == len(known.get("open_jobs", ()))


def test_projects_are_judged_that_are_watched_or_have_jobs_that_are_due_and_are_not_removed() -> (
    None
):
    removed = Project(GROUP, removed_at=NOON)
    assert verdicts(asked(EVENTS)) == []
    assert [one.project.group_id for one in verdicts(DUE, about(1))] == [GROUP]
    assert verdicts(DUE, about(1), project=removed) == []
    assert verdicts(DUE, WATCHED, about(1), project=removed) != []
    assert verdicts(WATCHED, about(1), DUE, project=removed) == []

    # Nobody finds out whether the list of projects has a project that is not watched.
    assert verdict(DUE, about(1), all_listed=[OTHER_GROUP]).failures == {}


def test_projects_are_left_alone_that_fail_without_being_watched_or_having_open_jobs() -> None:
    def alone(*records: Record, project: Project = DEGRADED, jobs: Sequence[OpenJob] = ()) -> bool:
        records_of: dict[str | None, Sequence[Record]] = {GROUP: records}
        return bool(left_alone(SeenBySweep(records_of, {GROUP: project}, jobs, {}, {}, None)))

    assert alone()
    assert alone(WATCHED, DUE)
    assert not alone(WATCHED)
    assert not alone(jobs=[FIRST])
    assert not alone(project=replace(DEGRADED, removed_at=NOON))
    assert not alone(project=Project(GROUP))


def test_a_project_is_watched_by_the_last_plan_for_it() -> None:
    other = Planned(OTHER_GROUP, is_watched=True)
    assert watched_by_plan({GROUP: [DUE, WATCHED], OTHER_GROUP: [other], None: []}) == {
        GROUP,
        OTHER_GROUP,
    }
    assert watched_by_plan({GROUP: [WATCHED, DUE]}) == set()
