"""Clusters whose lists fail for long, and what they may keep others from: F81."""

import pytest

from integration.checking import wait_until
from integration.sweeping import asked, break_project
from integration.watching import (
    OUT_OF_ORDER,
    WatchingWith,
    bad_clusters,
    job_messages,
    project_item,
    project_with,
    watch_messages,
    writes,
)
from local_stack.behaviour import RateLimit
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from local_stack.wire import Call, Phase

pytestmark = pytest.mark.timeout(100)

NOT_FOUND_WITHOUT_CODE = Answer.json(404, {"error": 404, "errorCode": None, "detail": "Not found."})
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


@pytest.mark.fault("F82")
@pytest.mark.parametrize(
    ("answer", "operation"),
    [
        (atlas_error(400, "INVALID_QUERY_PARAMETER", "Invalid."), "flex_clusters"),
        (atlas_error(400, "INVALID_QUERY_PARAMETER", "Invalid."), "flex_list"),
        (NOT_FOUND_WITHOUT_CODE, None),
    ],
    ids=["clusters", "jobs", "everything"],
)
def test_lists_that_could_be_read_and_are_answered_otherwise_for_ever_are_reported(
    watching_with: WatchingWith, stack: LocalStack, answer: Answer, operation: str | None
) -> None:
    group = project_with(stack, "good", "better")
    watching = watching_with((group,))
    watching.tick()
    stack.atlas.start_restore(group, "good", "flex", timeline=["COMPLETED"])
    with break_project(stack, group, answer, operation=operation, times=None):
        watching.ticks(30)
    assert watch_messages(stack) == [("degraded", group)]


@pytest.mark.fault("F79")
@pytest.mark.parametrize("omissions", [3, 33])
def test_a_cluster_that_its_list_leaves_out_for_less_than_an_hour_loses_no_restore(
    watching_with: WatchingWith, stack: LocalStack, omissions: int
) -> None:
    """It could be read before, so nothing has stayed behind: the margin of its mark finds it."""
    group = project_with(stack, "good", "other")
    watching = watching_with((group,))
    watching.ticks(2)
    restore = stack.atlas.start_restore(group, "good", "flex", timeline=["COMPLETED"])
    without = Answer(200, body='{"results": [{"name": "other"}], "totalCount": 1}')
    with break_project(stack, group, without, operation="flex_clusters", times=None):
        watching.ticks(omissions)
    watching.ticks(17)
    assert [one.event["subject"] for one in job_messages(stack)] == [restore.restore_id]


@pytest.mark.campaign
@pytest.mark.fault("F81")
def test_a_deleted_cluster_costs_one_more_call(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, "good", "old")
    watching = watching_with((group,))
    watching.tick()
    stack.atlas.remove_cluster(group, "old")
    watching.ticks(60)
    stack.forget_calls()
    watching.ticks(60)
    assert not [call for call in stack.atlas.wire.calls if "/old/" in call.path]


@pytest.mark.fault("F81")
def test_a_cluster_that_atlas_does_not_know_by_any_code_is_gone_with_its_list(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, "good", "bad-1", "bad-2")
    watching = watching_with((group,))
    watching.tick()
    with bad_clusters(stack, UNKNOWN_404):
        watching.ticks(7)
        stack.atlas.start_restore(group, "good", "flex", timeline=["COMPLETED"])
        watching.ticks(2)
        stack.atlas.remove_cluster(group, "bad-1")
        watching.ticks(3, minutes=16)
    assert [name for name in project_item(stack, group)["behind"] if "bad-1" in name] == []


def questions_about_jobs(stack: LocalStack) -> int:
    """How often the last sweep asked about known jobs of the good cluster."""
    return sum(
        "/good/" in call.path and call.query.get("itemsPerPage") != "500"
        for call in stack.atlas.wire.calls
    )


@pytest.mark.fault("F81")
def test_a_cluster_whose_list_is_refused_is_reported_and_costs_its_neighbours_nothing(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, "good", "bad", "bad-2")
    watching = watching_with((group,), hot_seconds=10)
    watching.tick()
    for _ in range(2):
        stack.atlas.start_restore(group, "good", "flex", timeline=["RUNNING", "COMPLETED"])
    watching.tick()
    refusal = atlas_error(403, "USER_CANNOT_ACCESS_CLUSTER", "Not this one.")

    def is_refused() -> bool:
        return any("/bad" in call.path and call.status == 403 for call in stack.atlas.wire.calls)

    def answer_after_a_refusal(call: Call, phase: Phase) -> None:
        if "/good/" in call.path and phase == "before":
            wait_until(is_refused)

    asked_in_sweeps = []
    with bad_clusters(stack, refusal):
        with stack.atlas.wire.listen(answer_after_a_refusal):
            for _ in range(2):
                watching.tick()
                asked_in_sweeps.append(questions_about_jobs(stack))
        for _ in range(8):
            watching.tick()
            asked_in_sweeps.append(questions_about_jobs(stack))
        watching.ticks(30)
        written = []
        for _ in range(10):
            watching.tick()
            written.append(writes(stack))
    assert watch_messages(stack) == [("degraded", group)]
    assert min(asked_in_sweeps) >= 4
    assert sum(written) <= 10 * 2 + 2, "a sweep writes its lease, and now and then a listing"


@pytest.mark.campaign
@pytest.mark.fault("F78")
def test_a_bad_cluster_that_had_no_turn_has_not_recovered(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """The project has more clusters than our own reserve lets a sweep read."""
    group = project_with(stack, *(f"good-{number}" for number in range(80)), "bad")
    stack.atlas.behaviour.family_limits = {"flex": RateLimit(capacity=100, refill=100)}
    watching = watching_with((group,))
    watching.ticks(3)
    with bad_clusters(stack):
        watching.ticks(50)
    assert watch_messages(stack) == [("degraded", group)]


@pytest.mark.fault("F82")
def test_a_list_of_clusters_of_which_more_follows_is_reported_and_what_it_shows_is_read(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, *(f"good-{number}" for number in range(12)))
    watching = watching_with((group,))
    watching.tick()
    stack.atlas.behaviour.largest_page_of_clusters = 10
    for number in range(12):
        stack.atlas.start_restore(group, f"good-{number}", "flex", timeline=["COMPLETED"])

    found = sum(sweep["found"] for sweep in watching.ticks(25))

    assert found >= 10
    assert watch_messages(stack) == [("degraded", group)]
