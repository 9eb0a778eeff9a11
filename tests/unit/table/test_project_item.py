"""The bookkeeping items: what is written is read, and what cannot be read is not a project."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import utc_text
from restore_watch.model.health import Health
from restore_watch.model.marks import Marks, Part
from restore_watch.model.question import Question
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.watch_change import Trouble, WatchChange, WatchState
from restore_watch.table.open_job import read_open_job
from restore_watch.table.project_item import (
    Project,
    health_as_values,
    marks_as_values,
    read_project,
)
from restore_watch.table.stored_fields import project_key, serialize
from strategies import project_names, values_of
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP

_serialize = TypeSerializer().serialize

TROUBLE = Trouble(since=NOON, error="AtlasUnavailableError", message="Atlas did not answer")


def item_of(group_id: str | None, **values: Any) -> dict[str, Any]:
    """An item in DynamoDB's types. What is None is absent."""
    given = {name: _serialize(value) for name, value in values.items() if value is not None}
    return project_key(group_id) | given


def as_stored(project: Project) -> dict[str, Any]:
    """All that the bookkeeping writes of a project, in any order of its writes."""
    health = project.health
    return item_of(
        project.group_id or None,
        **(marks_as_values(project.marks) if project.marks else {}),
        **health_as_values(health),
        listedAt=utc_text(project.listed_at) if project.listed_at else None,
        readable=set(project.readable) or None,
        removedAt=utc_text(project.removed_at) if project.removed_at else None,
        watchVersion=health.version or None,
        name=project.name,
    )


FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
parts = st.builds(
    Part,
    st.sampled_from([FLEX, DEDICATED, COLLECTION]),
    st.none() | st.sampled_from(["orders", "a-1"]),
)
past = st.timedeltas(timedelta(), timedelta(days=400)).map(lambda age: NOON - age)
marks = st.builds(Marks, past, past, st.dictionaries(parts, past, max_size=3))
names = st.sampled_from(["flex", "dedicated", "events", "dedicated clusters", "sweep"])
some_text = st.text(max_size=9)
troubles = values_of(
    Trouble, since=past, error=st.just("AtlasError"), message=some_text, fix=some_text
)


@st.composite
def projects(draw: st.DrawFn, *, stack: bool = False) -> Project:
    group_id = None if stack else draw(st.sampled_from([GROUP, GROUP[::-1]]))
    changes = values_of(
        WatchChange,
        state=st.sampled_from(WatchState),
        group_id=st.just(group_id),
        trouble=troubles,
        at=past,
        last_success_at=st.none() | past,
        open_jobs=st.integers(0, 10**6),
        reason=st.sampled_from([None, "removed"]),
    )
    fails = draw(st.dictionaries(names, troubles, max_size=2))
    health = Health(
        group_id=group_id,
        version=draw(st.integers(0, 10**9)),
        troubles=fails,
        failing_since=draw(past if fails else st.none() | past),
        degraded=draw(st.none() | troubles),
        recovering_since=draw(st.none() | past),
        last_success_at=draw(st.none() | past),
        unsent=tuple(draw(st.lists(changes, max_size=2))),
    )
    if stack:
        return Project("", stored_health=health)
    drawn = draw(st.none() | marks)
    return Project(
        group_id=group_id or "",
        marks=drawn,
        listed_at=draw(st.none() | past) if drawn else None,
        readable=draw(st.frozensets(names)),
        stored_health=health,
        removed_at=draw(st.none() | past),
        name=draw(project_names),
    )


def read(item: dict[str, Any]) -> Project:
    project = read_project(item, NOON)
    assert project is not None
    return project


@given(projects() | projects(stack=True))
def test_what_is_written_of_a_project_or_the_stack_is_read(project: Project) -> None:
    """Attributes of another version are ignored."""
    foreign = {"paused": {"BOOL": True}, "owner": {"M": {"name": {"S": "x"}}}}

    assert read(as_stored(project) | foreign) == project


def test_a_project_of_which_nothing_is_stored_has_no_marks_and_no_troubles() -> None:
    project = read(item_of(GROUP))

    assert project == Project(GROUP, stored_health=Health(group_id=GROUP))
    assert project.health == Project(GROUP).health


def test_a_change_that_1_0_0_has_stored_is_read() -> None:
    then = {"since": utc_text(NOON), "error": TROUBLE.error, "message": TROUBLE.message}
    later = {"since": utc_text(NOON + timedelta(minutes=1)), "error": "AtlasError", "message": ""}
    change = {**then, "state": "degraded", "at": utc_text(NOON), "openJobs": 2}
    troubles = {"events": later, "flex": then}
    project = read(item_of(GROUP, troubles=troubles, degraded=then, unsent=[change]))

    assert (project.health.failing_since, project.is_removed) == (NOON, False)
    assert project.health.degraded == TROUBLE
    assert project.health.unsent == (
        WatchChange(
            state=WatchState.DEGRADED,
            group_id=GROUP,
            trouble=TROUBLE,
            at=NOON,
            last_success_at=None,
            open_jobs=2,
        ),
    )


def test_a_trouble_is_stored_by_the_name_that_other_versions_read() -> None:
    kinds = ("flex", "dedicated", "collection")
    assert set(Question) == {
        *(*kinds, "tenant", "events", "projects", "sweep", "items", "credentials", "all projects"),
        *(f"{kind} jobs of a cluster" for kind in kinds),
        *("Flex clusters", "dedicated clusters"),
    }


@pytest.mark.parametrize("name", ["lease", "project/../orgs"])
def test_an_item_of_sweeps_that_is_not_a_projects_is_not_read(name: str) -> None:
    key = {"cluster": {"S": "sweeps"}, "restoreId": {"S": name}}

    assert read_project(item_of(GROUP, **STORED) | key, NOON) is None


@pytest.mark.parametrize("group_id", [GROUP, None], ids=["project", "stack"])
def test_no_job_can_have_the_key_of_a_bookkeeping_item(group_id: str | None) -> None:
    assert read_open_job(project_key(group_id), NOON) is None


CHANGE: dict[str, Any] = {
    "since": "2026-05-04T12:00:00.000000Z",
    "error": "AtlasUnavailableError",
    "message": "Atlas did not answer",
    "state": "degraded",
    "at": "2026-05-04T12:00:00.000000Z",
    "openJobs": 2,
}
"""A change that the topic has not accepted, as it is stored."""

WEEK_AGO = NOON - timedelta(days=7)
MARK, FIRST = NOON - timedelta(minutes=5), NOON - timedelta(days=2)
STORED = {"mark": utc_text(MARK), "firstMark": utc_text(FIRST), "listedAt": utc_text(MARK)}
NEVER = (5, None, "", "yesterday", "0001-01-01T00:00:00+14:00", "0001-01-01", "2099-01-01T00:00Z")
BY_HAND = [*NEVER, "9999-12-31T23:59:59-14:00", 10**37, {"a": [1]}, [utc_text(NOON)], {"x"}]
LOST_MARKS: dict[str, tuple[dict[str, Any], Marks]] = {
    "whole": ({"mark": ...}, Marks(FIRST, WEEK_AGO)),
    "first": ({"firstMark": ...}, Marks(MARK, MARK)),
    "all that stays behind": ({"behind": [...]}, Marks(FIRST, WEEK_AGO)),
    "one that stays behind": (
        {"behind": {"flex": ..., "dedicated/a-1": utc_text(FIRST)}},
        Marks(FIRST, MARK, {Part(FLEX): WEEK_AGO, Part(DEDICATED, "a-1"): FIRST}),
    ),
}


def _poisoned(values: Any, poison: Any) -> Any:
    if isinstance(values, dict):
        return {name: _poisoned(one, poison) for name, one in values.items()}
    if isinstance(values, list):
        return [poison]
    return poison if values is ... else values


@pytest.mark.parametrize("poison", BY_HAND, ids=repr)
@pytest.mark.parametrize(("values", "marks"), LOST_MARKS.values(), ids=LOST_MARKS)
def test_a_mark_that_is_lost_lies_as_far_back_as_a_mark_may_and_the_others_stay(
    values: dict[str, Any], marks: Marks, poison: Any
) -> None:
    stored = STORED | _poisoned(values, poison)
    item = project_key(GROUP) | {name: _serialize(value) for name, value in stored.items()}

    project = read(item)

    assert project.marks == marks
    assert project.marks.stored == stored["mark"]
    assert project.listed_at == MARK
    # One that stays behind is replaced when the marks move.
    assert project.has_begun is bool(marks.behind)


@pytest.mark.parametrize("name", ["firstMark", "behind", "listedAt"])
def test_the_mark_of_a_project_that_has_only_another_one_is_lost(name: str) -> None:
    project = read(item_of(GROUP, **{name: utc_text(NOON)}))

    assert project.marks is not None
    assert (project.marks.whole, project.has_begun) == (WEEK_AGO, False)


@pytest.mark.fault("F89")
@pytest.mark.parametrize(
    "odd",
    [
        {"B": b"\xff"},
        {"BS": [b"\xff"]},
        {"N": 39 * "1"},
        {"NS": [39 * "1"]},
        {"M": {"a": {"L": [{"B": b"\xff"}, {"N": 39 * "1"}, {"S": "x"}]}}},
    ],
    ids=str,
)
def test_a_condition_compares_what_nobody_here_writes_as_it_was_read(odd: Any) -> None:
    """Bytes, and numbers with more digits than boto3 keeps."""
    project = read_project(item_of(GROUP) | {"mark": odd}, NOON)
    stack = read_project(item_of(None) | {"credentials": odd}, NOON)

    assert project is not None
    assert project.marks is not None
    assert stack is not None
    assert serialize(project.marks.stored) == serialize(stack.expiry.stored) == odd


@pytest.mark.parametrize("poison", [one for one in BY_HAND if one != "0001-01-01"], ids=repr)
@pytest.mark.parametrize("name", ["listedAt", "lastSuccessAt"])
def test_a_moment_that_cannot_be_is_absent(name: str, poison: Any) -> None:
    project = read(item_of(GROUP, **STORED) | item_of(GROUP, **{name: poison}))

    assert project.marks == Marks(FIRST, MARK)
    assert project.health == Health(group_id=GROUP)


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        *((odd, None) for odd in (5, None, "", True, {"a": [1]}, ["x"], {"x"}, b"x", 10**37)),
        ("payments", "payments"),
        ("x" * 300, "x" * 256),
        ("see https://a.mongodb.net/b", "see [redacted]"),
    ],
    ids=repr,
)
def test_a_name_is_a_short_text_without_urls(stored: Any, name: str | None) -> None:
    item = item_of(GROUP, **STORED) | {"name": _serialize(stored)}

    assert read(item) == replace(read(item_of(GROUP, **STORED)), name=name)
    assert read(item_of(None) | {"name": _serialize(stored)}).name is None


GARBAGE_OF_SIGHT: dict[str, dict[str, Any]] = {
    "trouble without a name": {"troubles": {"flex": {"since": utc_text(NOON)}}},
    "degraded that is text": {"degraded": "since noon"},
    "state of another version": {"unsent": [CHANGE | {"state": "paused"}]},
    "change without a moment": {"unsent": [{**CHANGE, "at": ""}]},
    "change of an odd state": {"unsent": [CHANGE | {"state": ["degraded"]}]},
    "version that is text": {"watchVersion": "three"},
    "version that is huge": {"watchVersion": 10**37},
    "version below zero": {"watchVersion": -3},
    "trouble of the future": {"troubles": {"flex": {**CHANGE, "since": "2099-01-01T00:00:00Z"}}},
    "troubles that are a number": {"troubles": 10**37},
    "error that nobody can read": {"degraded": {**CHANGE, "message": "x" * 5000}},
}


@pytest.mark.parametrize("values", GARBAGE_OF_SIGHT.values(), ids=GARBAGE_OF_SIGHT)
def test_marks_are_read_although_nobody_knows_how_the_project_was_seen(
    values: dict[str, Any],
) -> None:
    """A later version wrote it, and the operator went back to this one."""
    readable = item_of(GROUP, mark=utc_text(NOON), watchVersion=7)
    project = read(readable | item_of(GROUP, **values))

    assert project.marks == Marks(NOON, NOON)
    assert project.health == Health(group_id=GROUP, version=0 if "watchVersion" in values else 7)


@pytest.mark.parametrize("count", [10**37, -3, "two", [2], None], ids=str)
def test_a_change_without_a_possible_number_of_open_jobs_has_none(count: Any) -> None:
    project = read(item_of(GROUP, unsent=[CHANGE | {"openJobs": count}]))

    assert [one.open_jobs for one in project.health.unsent] == [0]


@pytest.mark.parametrize(
    ("stored", "readable"),
    [({"flex"}, {"flex"}), (["flex", 3], {"flex"}), ({1, 2}, set()), ("flex", set())],
    ids=str,
)
def test_only_words_name_what_was_readable(stored: Any, readable: set[str]) -> None:
    assert read(item_of(GROUP, readable=stored)).readable == readable


@pytest.mark.parametrize(
    "part",
    ["serverless", "serverless/orders", "tenant", "tenant/orders", "", "/orders", "flex/../groups"],
)
def test_a_part_of_a_kind_that_is_not_listed_does_not_stay_behind(part: str) -> None:
    behind = {part: utc_text(NOON), "flex/orders": utc_text(NOON)}
    project = read(item_of(GROUP, mark=utc_text(NOON), behind=behind))

    assert project.marks == Marks(NOON, NOON, {Part(FLEX, "orders"): NOON})


def test_what_is_absent_is_removed_from_the_item() -> None:
    names = "troubles failingSince degraded recoveringSince lastSuccessAt unsent"

    assert health_as_values(Health(group_id=GROUP)) == dict.fromkeys(names.split())
