"""Failures that are over, or that nobody can act on, raise no alarm: F78 and F82."""

import pytest

from integration.sweeping import DAY, break_project
from integration.watching import (
    OUT_OF_ORDER,
    Watching,
    WatchingWith,
    project_with,
    watch_messages,
)
from local_stack.aws import aws_error
from local_stack.faults import Answer
from local_stack.stack import LocalStack
from local_stack.wire import Fault, Injected
from restore_watch.errors import CredentialsError

pytestmark = pytest.mark.timeout(60)


def out_of_order(
    stack: LocalStack, group: str, operation: str, answer: Answer = OUT_OF_ORDER
) -> Injected:
    """A context in which one operation fails in a project."""
    return break_project(stack, group, answer, operation=operation, times=None)


def assert_quiet(watching: Watching, stack: LocalStack) -> None:
    """Nothing fails for six minutes, and nothing is reported."""
    assert [result["failures"] for result in watching.ticks(6)] == [[]] * 6
    assert watch_messages(stack) == []


# One bad minute


@pytest.mark.fault("F78")
def test_one_list_of_all_projects_that_leaves_one_out_is_no_alarm(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """The list is read again in the next sweep, not ten minutes later."""
    groups = [project_with(stack) for _ in range(2)]
    watching = watching_with("all")
    watching.ticks(9)
    stack.atlas.hide_project(groups[0])
    watching.ticks(2)
    stack.atlas.show_project(groups[0])
    watching.ticks(6)
    assert watch_messages(stack) == []


@pytest.mark.fault("F78")
def test_a_failure_about_a_job_that_has_ended_is_no_alarm_while_another_runs(
    watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    """Nobody asks for Flex jobs of the project any more."""
    watching = watching_with()
    flex = stack.atlas.start_restore(group, "small", "flex", timeline=["RUNNING", "COMPLETED"])
    watching.check(flex, stack.atlas.start_restore(group, "large", "dedicated"))
    with out_of_order(stack, group, "flex"):
        watching.tick()
    flex.run_to_end()
    watching.check(flex)
    assert_quiet(watching, stack)


@pytest.mark.fault("F78")
def test_a_failure_before_a_project_is_taken_out_is_no_alarm_while_its_job_is_followed(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group, other = project_with(stack, "orders"), project_with(stack)
    watching = watching_with((group, other))
    watching.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING"])
    watching.tick()
    with out_of_order(stack, group, "events"):
        watching.tick()
    assert_quiet(watching_with((other,)), stack)


@pytest.mark.fault("F78")
def test_a_failure_that_one_environment_met_is_no_alarm_while_another_goes_on(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """A cold start reads the list of clusters, which the other environment remembers."""
    group = project_with(stack, "orders")
    first = watching_with((group,))
    first.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    first.ticks(3)
    with out_of_order(stack, group, "flex_clusters"):
        watching_with((group,)).tick()
    assert_quiet(first, stack)


@pytest.mark.fault("F78", "F81")
def test_a_failure_to_read_a_cluster_that_is_then_deleted_is_no_alarm(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, small="flex", large="dedicated")
    watching = watching_with((group,))
    watching.tick()
    with out_of_order(stack, group, "dedicated_list"):
        watching.tick(15)
    stack.atlas.remove_cluster(group, "large")
    assert_quiet(watching_with((group,)), stack)


@pytest.mark.fault("F78")
def test_the_credentials_that_failed_for_a_minute_yesterday_and_today_are_no_alarm(
    watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    """No sweep asked anything in between: no project is watched, and no job was open."""
    denied = Fault(
        action=aws_error("secretsmanager", "AccessDeniedException", status=400),
        operation="GetSecretValue",
        times=None,
    )
    watching = watching_with()
    restore = stack.atlas.start_restore(group, "small", "flex", timeline=["RUNNING", "COMPLETED"])
    for _ in range(2):
        watching.check(restore)
        with stack.aws.wire.inject(denied), pytest.raises(CredentialsError):
            watching_with(is_warm=False).tick()
        assert watch_messages(stack) == []
        restore.run_to_end()
        watching.check(restore)
        watching.ticks(3)
        watching.pass_time(DAY)
        watching = watching_with()  # with a new token
        restore = stack.atlas.start_restore(group, "small", "flex")


# What could never be seen, or is nobody's fault


@pytest.mark.fault("F78")
def test_a_kind_of_restore_that_atlas_never_offered_is_no_alarm(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """Atlas for Government may have no collection restores."""
    group = project_with(stack, large="dedicated")
    with out_of_order(stack, group, "collection_list", Answer(405)):
        watching_with((group,)).ticks(6)
    assert watch_messages(stack) == []


@pytest.mark.fault("F82")
def test_a_reserve_that_only_hot_rounds_would_use_is_no_alarm(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """Other tools leave 45 of 100 calls. Each sweep asks about its one job, and lists."""
    group = project_with(stack, "orders")
    watching = watching_with((group,), hot_seconds=10)
    watching.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING"])
    stack.atlas.keep_bucket(group, "flex", 540)
    results = watching.ticks(5)
    assert [(one["notReached"], one["failures"]) for one in results] == [(0, [])] * 5
    assert watch_messages(stack) == []


@pytest.mark.fault("F82")
def test_a_reserve_of_everything_is_no_alarm_while_nobody_else_calls_atlas(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    names = [f"orders-{number}" for number in range(40)]
    group = project_with(stack, *names)
    watching_with((group,), rate_limit_reserve=1).ticks(8)
    assert watch_messages(stack) == []


@pytest.mark.fault("F78")
def test_a_project_that_was_taken_out_and_deleted_is_no_alarm_when_all_are_watched(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    kept, removed = project_with(stack), project_with(stack)
    watching_with((kept, removed)).tick()
    watching_with((kept,)).tick()
    stack.atlas.remove_project(removed)
    watching_with((kept,)).tick(7 * 24 * 60)
    watching_with("all").ticks(6)
    assert watch_messages(stack) == []
