"""Clusters whose lists fail for long, and what they may keep others from: F81."""

import pytest

from integration.sweeping import asked, break_project
from integration.watching import (
    OUT_OF_ORDER,
    WatchingWith,
    bad_clusters,
    job_messages,
    project_with,
    watch_messages,
    writes,
)
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack

pytestmark = pytest.mark.timeout(100)

UNKNOWN_404 = atlas_error(404, "RESOURCE_NOT_FOUND", "No such thing.")


@pytest.mark.fault("F81")
def test_a_cluster_that_was_unanswerable_and_now_fails_for_ever_is_reported(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with((group,))
    with bad_clusters(stack, UNKNOWN_404):
        watching.ticks(2)
    with bad_clusters(stack):
        watching.ticks(60)
    assert watch_messages(stack) == [("degraded", group)]


@pytest.mark.fault("F81")
@pytest.mark.campaign
def test_a_restore_of_a_cluster_that_was_unanswerable_is_found_soon(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with((group,))
    with bad_clusters(stack, UNKNOWN_404):
        watching.ticks(2)
    stack.atlas.start_restore(group, "bad", "flex", timeline=["COMPLETED"])
    with bad_clusters(stack):
        watching.ticks(2)
    found = [one["found"] for one in watching.ticks(20)]
    print(found)
    assert sum(found[:3]) == 1


@pytest.mark.fault("F81")
@pytest.mark.campaign
def test_one_bad_cluster_does_not_have_the_others_listed_every_other_minute(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, *(f"good-{number}" for number in range(20)), "bad")
    watching = watching_with((group,))
    watching.tick()
    with bad_clusters(stack):
        watching.ticks(20)
        calls, written = [], []
        for _ in range(14):
            watching.tick()
            calls.append(len(asked(stack)))
            written.append(writes(stack))
    print(calls, written)
    # An event call and two tries in each, and one listing of 22 more.
    assert sum(calls) <= 14 * 3 + 30


@pytest.mark.fault("F81")
def test_one_bad_cluster_does_not_take_the_only_call_that_is_left(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, "good", "bad")
    watching = watching_with((group,))
    watching.tick()
    with bad_clusters(stack):
        watching.ticks(20)
        stack.atlas.keep_bucket(group, "flex", 100)
        restore = stack.atlas.start_restore(group, "good", "flex", timeline=["COMPLETED"])
        watching.ticks(60)
    stack.atlas.release_bucket(group, "flex")
    assert [one.event["subject"] for one in job_messages(stack)] == [restore.restore_id]


@pytest.mark.fault("F81")
@pytest.mark.campaign
def test_broken_clusters_do_not_keep_others_of_the_project_from_being_listed(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """Collection restores answer 500, everything else works."""
    group = project_with(stack, "small")
    for number in range(60):
        stack.atlas.add_cluster(group, f"orders-{number}", "dedicated")
    watching = watching_with((group,))
    watching.tick()
    with break_project(stack, group, OUT_OF_ORDER, operation="collection_list", times=None):
        watching.ticks(20)
        stack.atlas.start_restore(group, "small", "flex", timeline=["COMPLETED"])
        stack.atlas.start_restore(group, "orders-7", "dedicated", timeline=["finished"])
        found = [one["found"] for one in watching.ticks(10)]
        print(found)
    assert sum(found[:3]) == 2


@pytest.mark.fault("F81")
def test_a_list_of_clusters_that_leaves_one_out_once_loses_no_restore(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with((group,))
    watching.tick()
    with bad_clusters(stack):
        stack.atlas.start_restore(group, "bad", "flex", timeline=["COMPLETED"])
        watching.ticks(40)
        watching.tick(16)
        nothing = Answer(200, body='{"results": [], "totalCount": 0}')
        with break_project(stack, group, nothing, operation="flex_clusters", times=None):
            watching.tick(16)
    watching.ticks(20)
    assert len(job_messages(stack)) == 1
