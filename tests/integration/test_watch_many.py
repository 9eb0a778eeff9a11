"""Which of several projects cannot be seen, or whether it is the stack that cannot see."""

import pytest

from integration.checking import statuses
from integration.sweeping import break_project
from integration.watching import (
    DEGRADED,
    RECOVERED,
    RECOVERY,
    Watching,
    WatchingWith,
    job_messages,
    messages,
    project_item,
    project_with,
    watch_messages,
)
from local_stack.atlas import Family, Kind
from local_stack.aws import aws_error
from local_stack.faults import Answer, Reset
from local_stack.refusal import oauth_error
from local_stack.stack import LocalStack
from local_stack.wire import Fault
from restore_watch.errors import AtlasUnauthorizedError, CredentialsError, RestoreWatchError

STACK = "atlas-restore-watch"


@pytest.fixture
def groups(stack: LocalStack) -> list[str]:
    """Three projects without clusters."""
    return [project_with(stack) for _ in range(3)]


@pytest.fixture
def seen(watching_with: WatchingWith, groups: list[str]) -> Watching:
    """An environment that has seen the projects."""
    watching = watching_with(tuple(groups))
    assert watching.tick()["failures"] == []
    return watching


def test_a_project_that_is_locked_out_leaves_the_others_alone(
    seen: Watching, stack: LocalStack, groups: list[str]
) -> None:
    locked = groups[0]
    stack.atlas.lock_out(locked)
    restores = [
        stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
        for group in groups
    ]
    result = seen.tick()
    assert result["found"] == 2
    assert [one["groupId"] for one in result["failures"]] == [locked]
    for restore in restores:
        restore.advance()
    assert seen.tick()["changed"] == 2
    assert sorted(statuses(job_messages(stack))) == ["COMPLETED"] * 2 + ["RUNNING"] * 2

    seen.ticks(3)
    assert watch_messages(stack) == [("degraded", locked)]
    stack.atlas.admit(locked)
    result = seen.tick()
    assert (result["found"], result["failures"]) == (1, [])
    seen.ticks(RECOVERY - 1)
    received = messages(stack)
    assert {one.event["subject"] for one in received} == {locked, restores[0].restore_id}
    assert all("degraded" not in project_item(stack, group) for group in groups)


def test_the_stack_is_degraded_when_none_of_several_projects_can_be_seen(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    pair = groups[:2]
    seen = watching_with(tuple(pair))
    seen.tick()
    for group in pair:
        stack.atlas.lock_out(group)
    seen.ticks(6)
    (degraded,) = messages(stack)
    for group in pair:
        stack.atlas.admit(group)
    seen.ticks(RECOVERY)
    (recovered,) = messages(stack)

    since = degraded.event["data"]["since"]
    assert degraded.event["id"] == f"{STACK}:degraded:{since}"
    assert recovered.event["id"] == f"{STACK}:recovered:{since}"
    assert (degraded.event["type"], recovered.event["type"]) == (DEGRADED, RECOVERED)
    assert degraded.event["source"] == f"/stacks/{STACK}"
    assert degraded.event["data"]["groupId"] is None
    assert degraded.attributes == {"type": DEGRADED}
    assert all("troubles" not in project_item(stack, group) for group in pair)


def test_the_project_that_stays_locked_out_is_degraded_when_the_other_recovers(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    locked, other = groups[:2]
    seen = watching_with((locked, other))
    seen.tick()
    for group in (locked, other):
        stack.atlas.lock_out(group)
    seen.ticks(6)
    stack.atlas.admit(other)
    seen.ticks(6)

    assert watch_messages(stack) == [
        ("degraded", None),
        ("recovered", None),
        ("degraded", locked),
    ]


@pytest.mark.parametrize(
    ("operation", "answer", "error"),
    [
        ("token", oauth_error(401, "invalid_client", "x"), AtlasUnauthorizedError),
        ("GetSecretValue", aws_error("secretsmanager", "AccessDenied"), CredentialsError),
    ],
    ids=["token", "secret"],
)
def test_the_stack_is_degraded_when_the_credentials_are_refused_although_sweeps_fail(
    seen: Watching,
    watching_with: WatchingWith,
    stack: LocalStack,
    groups: list[str],
    operation: str,
    answer: Answer,
    error: type[RestoreWatchError],
) -> None:
    del seen
    wire = stack.atlas.wire if operation == "token" else stack.aws.wire
    cold = watching_with(tuple(groups), is_warm=False)
    with wire.inject(Fault(operation=operation, action=answer, times=None)):
        for _ in range(5):
            with pytest.raises(error):
                cold.tick()
    (degraded,) = messages(stack)
    cold.ticks(RECOVERY)
    (recovered,) = messages(stack)

    assert degraded.event["data"]["error"] == error.__name__
    assert [one.event["subject"] for one in (degraded, recovered)] == [STACK] * 2
    assert recovered.event["id"].endswith(degraded.event["data"]["since"])


# Roles

FAMILIES: dict[Family, Kind] = {
    "dedicated_clusters": "dedicated",
    "flex": "flex",
    "flex_clusters": "flex",
    "dedicated": "dedicated",
    "collection": "collection",
}

IN_EVERY_RUN = ("dedicated_clusters", "flex")
"""A list of clusters and a list of jobs; the others run in `make campaign`."""


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        pytest.param(*case, marks=[] if case[0] in IN_EVERY_RUN else [pytest.mark.campaign])
        for case in FAMILIES.items()
    ],
    ids=FAMILIES,
)
def test_a_role_that_was_taken_away_degrades_its_project_until_it_is_back(
    watching: Watching, stack: LocalStack, group: str, kind: Kind, family: Family
) -> None:
    stack.atlas.add_cluster(group, "orders", kind)
    watching.tick()
    stack.atlas.lock_out(group, family)
    watching.ticks(8, minutes=4)
    assert watch_messages(stack) == [("degraded", group)]
    stack.atlas.start_restore(group, "orders", kind)
    assert watching.tick()["found"] == 0
    stack.atlas.admit(group)

    assert watching.tick()["found"] == 1
    watching.ticks(RECOVERY - 1)
    assert watch_messages(stack) == [("recovered", group)]


@pytest.mark.parametrize("family", ["dedicated", "collection"])
def test_a_role_that_never_was_is_no_degradation(
    watching: Watching, stack: LocalStack, group: str, family: Family
) -> None:
    stack.atlas.lock_out(group, family)
    stack.atlas.add_cluster(group, "sales", "dedicated")
    stack.atlas.start_restore(group, "orders", "flex")
    results = watching.ticks(10, minutes=3)

    assert results[0]["found"] == 1
    assert results[0]["failures"] != []
    assert watch_messages(stack) == []
    # Only the listings try it, not each sweep.
    assert sum(bool(result["failures"]) for result in results) <= 4


def test_events_that_were_taken_away_degrade_the_project_which_is_listed_in_every_sweep(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "dedicated")
    watching.tick()
    stack.atlas.lock_out(group, "events")
    watching.ticks(5)
    assert watch_messages(stack) == [("degraded", group)]
    stack.atlas.start_restore(group, "orders", "collection")

    assert watching.tick()["found"] == 1
    stack.atlas.admit(group)
    watching.ticks(RECOVERY)
    assert watch_messages(stack) == [("recovered", group)]


# All projects


def test_of_all_projects_one_that_leaves_the_list_degrades_until_it_is_back(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    watching = watching_with("all")
    watching.ticks(2)
    hidden = groups[0]
    stack.atlas.hide_project(hidden)
    watching.ticks(15)
    assert watch_messages(stack) == [("degraded", hidden)]
    stack.atlas.start_restore(hidden, "orders", "flex")
    assert watching.tick()["found"] == 1
    stack.atlas.show_project(hidden)
    watching.ticks(10 + RECOVERY)

    assert watch_messages(stack) == [("recovered", hidden)]


def test_of_all_projects_a_new_one_is_watched_within_ten_minutes(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    watching = watching_with("all")
    watching.tick()
    stack.atlas.start_restore("5f00000000000000000000aa", "orders", "flex")
    results = watching.ticks(11)

    assert len(groups) == 3
    assert sum(result["found"] for result in results) == 1
    assert results[0]["found"] == 0


def test_a_list_of_projects_that_cannot_be_read_leaves_the_last_one_in_force(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    watching = watching_with("all")
    watching.tick()
    stack.atlas.wire.inject(Fault(operation="projects", action=Reset(), times=None))
    watching.ticks(15)
    stack.atlas.start_restore(groups[0], "orders", "flex")
    result = watching.tick()

    assert result["found"] == 1
    assert [one["groupId"] for one in result["failures"]] == [None]
    # An environment that has never read it knows the projects from the table.
    stack.atlas.start_restore(groups[1], "orders", "flex")
    assert watching_with("all").tick()["found"] == 1


def test_a_project_that_is_deleted_degrades_and_recovers_when_it_is_back(
    seen: Watching, stack: LocalStack, groups: list[str]
) -> None:
    stack.atlas.remove_project(groups[0])
    seen.ticks(5)
    assert watch_messages(stack) == [("degraded", groups[0])]
    stack.atlas.add_project(groups[0])
    seen.ticks(RECOVERY)

    assert watch_messages(stack) == [("recovered", groups[0])]


def test_a_project_that_hangs_up_does_not_hold_up_the_others(
    seen: Watching, stack: LocalStack, groups: list[str]
) -> None:
    break_project(stack, groups[0], Reset(), times=None)
    stack.atlas.start_restore(groups[1], "orders", "flex")

    assert seen.tick()["found"] == 1


def test_the_stack_is_degraded_when_the_list_of_all_projects_was_never_read(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    watching = watching_with("all")
    with stack.atlas.wire.inject(Fault(operation="projects", action=Reset(), times=None)):
        results = watching.ticks(5)
    assert [one["groupId"] for one in results[-1]["failures"]] == [None]
    assert watch_messages(stack) == [("degraded", None)]

    watching.ticks(RECOVERY)
    assert watch_messages(stack) == [("recovered", None)]
    assert project_item(stack, groups[0])["mark"]


# What nobody looks at any more


def test_a_degraded_project_that_is_removed_from_the_parameter_is_over(
    seen: Watching, watching_with: WatchingWith, stack: LocalStack, groups: list[str]
) -> None:
    stack.atlas.lock_out(groups[0])
    seen.ticks(5)
    assert watch_messages(stack) == [("degraded", groups[0])]

    watching_with(tuple(groups[1:])).ticks(2)
    assert watch_messages(stack) == [("recovered", groups[0])]
    assert "troubles" not in project_item(stack, groups[0])
