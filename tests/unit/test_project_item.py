"""The bookkeeping items: what is written is read, and what cannot be read is not a project."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.lease import KEY as LEASE_KEY
from restore_watch.listing import LISTED_KINDS
from restore_watch.marks import FIRST_MARK, Marks, Part
from restore_watch.open_job import read_open_job
from restore_watch.project_item import (
    PARTITION,
    Project,
    expires_at,
    marks_as_values,
    project_key,
    read_project,
    watched_as_values,
)
from restore_watch.restore_job import RestoreKind
from restore_watch.status_change import utc_text
from restore_watch.watch_change import REMOVED, Trouble, WatchChange, Watched, WatchState
from strategies import recent_dates, utc_dates
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP

_serialize = TypeSerializer().serialize

TROUBLE = Trouble(NOON, "AtlasUnavailableError", "Atlas did not answer")


def item_of(group_id: str | None, **values: Any) -> dict[str, Any]:
    """An item in DynamoDB's types. What is None is absent."""
    given = {name: _serialize(value) for name, value in values.items() if value is not None}
    return project_key(group_id) | given


def as_stored(project: Project) -> dict[str, Any]:
    """All that the bookkeeping writes of a project, in any order of its writes."""
    watched = project.watched
    return item_of(
        project.group_id or None,
        **(marks_as_values(project.marks) if project.marks else {}),
        **watched_as_values(watched),
        listedAt=utc_text(project.listed_at) if project.listed_at else None,
        readable=set(project.readable) or None,
        removedAt=utc_text(project.removed_at) if project.removed_at else None,
        watchVersion=watched.version or None,
        expiresAt=expires_at(NOON),
    )


parts = st.builds(
    Part, st.sampled_from(LISTED_KINDS), st.none() | st.sampled_from(["orders", "a-1"])
)
marks = st.builds(Marks, utc_dates, utc_dates, st.dictionaries(parts, utc_dates, max_size=3))
names = st.sampled_from(["flex", "dedicated", "events", "dedicated clusters", "sweep"])
some_text = st.text(max_size=9)
troubles = st.builds(Trouble, utc_dates, st.just("AtlasError"), some_text, some_text)


@st.composite
def projects(draw: st.DrawFn, *, stack: bool = False) -> Project:
    group_id = None if stack else draw(st.sampled_from([GROUP, GROUP[::-1]]))
    changes = st.builds(
        WatchChange,
        st.sampled_from(WatchState),
        st.just(group_id),
        troubles,
        utc_dates,
        st.none() | utc_dates,
        st.integers(0, 10**6),
        st.sampled_from([None, REMOVED]),
    )
    fails = draw(st.dictionaries(names, troubles, max_size=2))
    watched = Watched(
        group_id=group_id,
        version=draw(st.integers(0, 10**9)),
        troubles=fails,
        failing_since=draw(utc_dates if fails else st.none() | utc_dates),
        degraded=draw(st.none() | troubles),
        recovering_since=draw(st.none() | utc_dates),
        last_success_at=draw(st.none() | utc_dates),
        unsent=tuple(draw(st.lists(changes, max_size=2))),
    )
    if stack:
        return Project("", stored_watched=watched)
    return Project(
        group_id=group_id or "",
        marks=draw(st.none() | marks),
        listed_at=draw(st.none() | utc_dates),
        readable=draw(st.frozensets(names)),
        stored_watched=watched,
        removed_at=draw(st.none() | utc_dates),
    )


@given(projects() | projects(stack=True))
def test_what_is_written_of_a_project_or_the_stack_is_read(project: Project) -> None:
    assert read_project(as_stored(project)) == project


@given(projects())
def test_attributes_of_another_version_are_ignored(project: Project) -> None:
    foreign = {"paused": {"BOOL": True}, "owner": {"M": {"name": {"S": "x"}}}}

    assert read_project(as_stored(project) | foreign) == project


def test_a_project_of_which_nothing_is_stored_has_no_marks_and_no_troubles() -> None:
    project = read_project(item_of(GROUP))

    assert project == Project(GROUP, stored_watched=Watched(GROUP))
    assert project.watched == Project(GROUP).watched
    assert project.waits_since is None


def test_the_stack_has_no_project() -> None:
    stack = read_project(item_of(None, **watched_as_values(Watched(None, degraded=TROUBLE))))

    assert stack is not None
    assert stack.group_id == ""
    assert stack.watched == Watched(None, degraded=TROUBLE)


def test_a_change_that_1_0_0_has_stored_is_read() -> None:
    then = {"since": utc_text(NOON), "error": TROUBLE.error, "message": TROUBLE.message}
    later = {"since": utc_text(NOON + timedelta(minutes=1)), "error": "AtlasError", "message": ""}
    change = {**then, "state": "degraded", "at": utc_text(NOON), "openJobs": 2}
    stored = item_of(
        GROUP, troubles={"events": later, "flex": then}, degraded=then, unsent=[change]
    )
    project = read_project(stored)

    assert project is not None
    assert (project.watched.failing_since, project.is_removed) == (NOON, False)
    assert project.watched.degraded == TROUBLE
    assert project.watched.unsent == (
        WatchChange(WatchState.DEGRADED, GROUP, TROUBLE, NOON, None, 2),
    )


def test_the_lease_is_not_a_project() -> None:
    assert LEASE_KEY["cluster"] == {"S": PARTITION}
    assert read_project(LEASE_KEY | {"owner": {"S": "someone"}}) is None


@pytest.mark.parametrize("group_id", [GROUP, None], ids=["project", "stack"])
def test_no_job_can_have_the_key_of_a_bookkeeping_item(group_id: str | None) -> None:
    assert read_open_job(project_key(group_id)) is None


CHANGE = watched_as_values(
    Watched(GROUP, unsent=(WatchChange(WatchState.DEGRADED, GROUP, TROUBLE, NOON, None, 2),))
)["unsent"][0]
GARBAGE_OF_MARKS: dict[str, dict[str, Any]] = {
    "mark that is not a date": {"mark": "yesterday"},
    "mark that is a number": {"mark": 5},
    "mark before the calendar": {"mark": "0001-01-01T00:00:00+14:00"},
    "behind that is a list": {"behind": ["flex"]},
    "behind without a date": {"behind": {"flex": None}},
    "readable that is a number": {"readable": 1},
}
GARBAGE_OF_SIGHT: dict[str, dict[str, Any]] = {
    "trouble without a name": {"troubles": {"flex": {"since": utc_text(NOON)}}},
    "degraded that is text": {"degraded": "since noon"},
    "state of another version": {"unsent": [CHANGE | {"state": "paused"}]},
    "change without a moment": {"unsent": [{**CHANGE, "at": ""}]},
    "version that is text": {"watchVersion": "three"},
}


@pytest.mark.parametrize("values", GARBAGE_OF_SIGHT.values(), ids=GARBAGE_OF_SIGHT)
def test_marks_are_read_although_nobody_knows_how_the_project_was_seen(
    values: dict[str, Any],
) -> None:
    """A later version wrote it, and the operator went back to this one."""
    readable = item_of(GROUP, mark=utc_text(NOON), watchVersion=7)
    project = read_project(readable | item_of(GROUP, **values))

    assert project is not None
    assert project.marks == Marks(NOON, NOON)
    assert project.watched == Watched(GROUP, 0 if "watchVersion" in values else 7)


@pytest.mark.parametrize("values", GARBAGE_OF_MARKS.values(), ids=GARBAGE_OF_MARKS)
def test_an_item_whose_marks_cannot_be_read_is_not_a_project(values: dict[str, Any]) -> None:
    readable = item_of(GROUP, mark=utc_text(NOON))
    assert read_project(readable) is not None

    assert read_project(readable | item_of(GROUP, **values)) is None


@pytest.mark.parametrize(
    "part", ["serverless", "serverless/orders", "tenant", "tenant/orders", "", "/orders"]
)
def test_a_part_of_a_kind_that_is_not_listed_does_not_stay_behind(part: str) -> None:
    behind = {part: utc_text(NOON), "flex/orders": utc_text(NOON)}

    project = read_project(item_of(GROUP, mark=utc_text(NOON), behind=behind))

    assert project is not None
    assert project.marks == Marks(NOON, NOON, {Part(RestoreKind.FLEX, "orders"): NOON})


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("2026-05-04T12:00:00.000000Z", NOON),
        ("2026-05-04T14:00:00+02:00", NOON),
        ("2026-05-04T12:00:00", NOON),
    ],
)
def test_moments_are_read_in_utc(stored: str, read: datetime) -> None:
    project = read_project(item_of(GROUP, mark=stored))

    assert project is not None
    assert project.marks == Marks(read, read)


def test_what_is_absent_is_removed_from_the_item() -> None:
    assert set(watched_as_values(Watched(GROUP)).values()) == {None}
    assert set(watched_as_values(Watched(GROUP))) == {
        "troubles",
        "failingSince",
        "degraded",
        "recoveringSince",
        "lastSuccessAt",
        "unsent",
    }


def test_a_project_waits_since_it_was_last_listed_or_was_first_to_be_listed() -> None:
    project = Project(GROUP, marks=Marks.at_first(NOON))
    assert project.waits_since == NOON

    moved = replace(project, marks=Marks(NOON - FIRST_MARK, NOON + timedelta(hours=2)))
    assert moved.waits_since == NOON
    assert replace(moved, listed_at=NOON + timedelta(hours=1)).waits_since == NOON + timedelta(
        hours=1
    )


@given(recent_dates)
def test_an_item_that_no_sweep_writes_is_deleted_after_thirty_days(now: datetime) -> None:
    days = timedelta(seconds=expires_at(now)) - timedelta(seconds=now.timestamp())

    assert abs(days - timedelta(days=30)) <= timedelta(seconds=1)
