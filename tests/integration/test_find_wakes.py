"""What makes a sweep list a project: the first sight, an event, a quarter of an hour."""

from datetime import timedelta

import pytest

from integration.checking import statuses
from integration.sweeping import asked
from integration.watching import (
    CLUSTER_LISTS,
    MINUTE,
    Watching,
    WatchingWith,
    called,
    job_messages,
    project_item,
    writes,
)
from local_stack.atlas import Kind
from local_stack.stack import LocalStack

LISTED = sorted(["events", *CLUSTER_LISTS])
IDLE = ["events"]


def test_a_quiet_project_is_listed_every_fifteen_minutes(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_project(group)
    calls = []
    for _ in range(31):
        watching.tick()
        calls.append(asked(stack))

    assert [minute for minute, made in enumerate(calls) if made == LISTED] == [0, 15, 30]
    assert all(made in (LISTED, IDLE) for made in calls)


def test_sweeps_of_a_quiet_project_write_only_when_they_have_listed_it(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_project(group)
    watching.tick()
    item, counts = project_item(stack, group), []
    for _ in range(16):
        watching.tick()
        counts.append(writes(stack))

    # The lease is taken and given back.
    assert counts == [2] * 14 + [3, 2]
    assert project_item(stack, group)["mark"] > item["mark"]


@pytest.mark.parametrize(
    ("kind", "lists"),
    [
        ("flex", ["flex_clusters", "flex_list"]),
        ("dedicated", ["collection_list", "dedicated_clusters", "dedicated_list"]),
    ],
)
def test_an_event_wakes_its_project_which_is_listed_now_and_once_more(
    watching: Watching, stack: LocalStack, group: str, kind: Kind, lists: list[str]
) -> None:
    stack.atlas.add_project(group)
    watching.tick()
    steps = {"flex": ["RUNNING"], "dedicated": ["running"]}[kind]
    stack.atlas.start_restore(group, "orders", kind, timeline=steps)

    assert watching.tick()["found"] == 1
    assert asked(stack) == sorted(["events", *lists])
    # Its clusters are remembered; the job is asked about as every open job is.
    assert watching.tick()["found"] == 0
    lists = [name for name in lists if name.endswith("_list")]
    assert asked(stack) == sorted(["events", kind, *lists])
    assert watching.tick()["found"] == 0
    assert asked(stack) == sorted(["events", kind])


def test_a_job_that_appears_after_its_event_is_found_by_the_second_listing(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")
    watching.tick()
    stack.atlas.add_event(group, "TENANT_RESTORE_REQUESTED_AUDIT")
    assert watching.tick()["found"] == 0
    stack.atlas.behaviour.emits_events = False
    stack.atlas.start_restore(group, "orders", "flex")

    assert watching.tick()["found"] == 1


def test_a_full_page_of_events_has_a_project_listed_in_every_sweep(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_project(group)
    watching.tick()
    for _ in range(100):
        stack.atlas.add_event(group, "TENANT_RESTORE_COMPLETED_AUDIT")

    calls = []
    for _ in range(2):
        watching.tick()
        calls.append(asked(stack))
    assert calls == [LISTED] * 2


def test_a_collection_restore_has_no_event_and_is_found_within_a_quarter_of_an_hour(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "dedicated")
    watching.tick()
    stack.atlas.start_restore(group, "orders", "collection")
    results = watching.ticks(15)

    assert [result["found"] for result in results] == [0] * 14 + [1]
    assert statuses(job_messages(stack)) == ["PENDING"]


def test_a_restore_of_a_cluster_that_is_not_remembered_is_found_without_an_event(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    """The cluster was created after its project was listed, and no event says so."""
    stack.atlas.add_project(group)
    watching.tick()
    stack.atlas.start_restore(group, "new", "collection")
    watching.ticks(7)
    stack.atlas.add_event(group, "CPS_RESTORE_AUTH_AUDIT")
    stack.atlas.start_restore(group, "newer", "collection")

    assert watching.tick()["found"] == 2


def test_an_environment_that_remembers_nothing_finds_no_job_twice(
    watching: Watching, watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    for kind in ("flex", "dedicated"):
        stack.atlas.start_restore(group, kind, kind).run_to_end()
    watching.tick()
    assert statuses(job_messages(stack)) == ["COMPLETED"] * 2

    watching.pass_time(MINUTE)
    result = watching_with((group,)).sweep()
    assert (result["found"], result["changed"], job_messages(stack)) == (0, 0, [])


def test_a_project_that_is_no_longer_watched_is_dropped_and_its_known_jobs_are_followed(
    watching: Watching, watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    watching.tick()
    restore.advance()
    watching.pass_time(MINUTE)
    unwatching = watching_with(())

    assert unwatching.sweep()["changed"] == 1
    assert asked(stack) == ["flex"]
    stack.atlas.start_restore(group, "orders", "flex")
    unwatching.sweep()
    assert asked(stack) == []
    assert called(stack) == ["UpdateItem", *["Query"] * 5, "UpdateItem"]


def test_the_bookkeeping_of_a_project_is_kept_as_long_as_a_job(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_project(group)
    watching.tick()

    expires_at = float(project_item(stack, group)["expiresAt"])
    in_400_days = watching.clock() + timedelta(days=400)
    assert abs(expires_at - in_400_days.timestamp()) < MINUTE
