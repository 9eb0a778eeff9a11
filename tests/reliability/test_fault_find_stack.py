"""When the stack, or one of its projects, is degraded and has recovered: F78."""

from contextlib import suppress

import pytest

from integration.watching import (
    OUT_OF_ORDER,
    RECOVERY,
    WatchingWith,
    bad_clusters,
    messages,
    project_item,
    project_with,
    watch_messages,
)
from local_stack.aws import aws_error
from local_stack.faults import Answer, Ask
from local_stack.loopback import Line
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault, Injected
from restore_watch.errors import CredentialsError
from restore_watch.sweep.find.watched_projects import ProjectIds

pytestmark = pytest.mark.timeout(100)

LIST_REFUSED = atlas_error(401, "USER_UNAUTHORIZED", "No role in the organization.")


def no_secret(stack: LocalStack) -> Injected:
    denied = aws_error("secretsmanager", "AccessDeniedException", status=400)
    return stack.aws.wire.inject(Fault(action=denied, operation="GetSecretValue", times=None))


def list_refused(stack: LocalStack, action: Answer = LIST_REFUSED) -> Injected:
    return stack.atlas.wire.inject(Fault(action=action, operation="projects", times=None))


def five_blind_ticks(
    watching_with: WatchingWith, stack: LocalStack, project_ids: ProjectIds = ()
) -> None:
    """Five environments, one after the other, cannot read the secret."""
    with no_secret(stack):
        for _ in range(5):
            with suppress(CredentialsError):
                watching_with(project_ids, is_warm=False).tick()


@pytest.mark.fault("F78")
def test_a_minute_without_credentials_is_no_alarm_of_the_stack_beside_one_bad_cluster(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with((group,))
    watching.tick()
    with bad_clusters(stack):
        watching.ticks(20)
        assert watch_messages(stack) == [("degraded", group)]
        with no_secret(stack), pytest.raises(CredentialsError):
            watching_with((group,), is_warm=False).tick()
        watching.ticks(20)
        assert watch_messages(stack) == []


@pytest.mark.fault("F78")
def test_a_stack_recovers_when_credentials_work_although_a_cluster_is_bad(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with((group,))
    watching.tick()
    with bad_clusters(stack):
        watching.ticks(20)
        five_blind_ticks(watching_with, stack, (group,))
        assert watch_messages(stack) == [("degraded", group), ("degraded", None)]
        watching.ticks(30)
        assert watch_messages(stack) == [("recovered", None)]


@pytest.mark.fault("F78")
def test_a_stack_recovers_when_the_list_is_read_although_its_only_project_is_dead(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with("all")
    watching.tick()
    with bad_clusters(stack):
        watching.ticks(20)
        with list_refused(stack):
            watching.ticks(15)
        assert watch_messages(stack) == [("degraded", group), ("degraded", None)]
        watching.ticks(30)
        assert watch_messages(stack) == [("recovered", None)]


@pytest.mark.fault("F78")
def test_a_stack_that_follows_named_jobs_alone_recovers(
    watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    """The job ends by an event, with the new credentials; nothing is open afterwards."""
    watching = watching_with()
    restore = stack.atlas.start_restore(group, "small", "flex", timeline=["RUNNING", "COMPLETED"])
    watching.check(restore)
    five_blind_ticks(watching_with, stack)
    assert watch_messages(stack) == [("degraded", None)]
    restore.run_to_end()
    watching.check(restore)
    watching.ticks(10)
    assert watch_messages(stack) == [("recovered", None)]


@pytest.mark.fault("F78")
def test_a_stack_does_not_recover_by_an_environment_that_did_not_read_the_list(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    project_with(stack)
    first, second = watching_with("all"), watching_with("all")
    first.tick()
    with list_refused(stack):
        second.ticks(5)
        assert watch_messages(stack) == [("degraded", None)]
        first.tick()
        assert watch_messages(stack) == []


@pytest.mark.fault("F78")
@pytest.mark.campaign
def test_a_stack_does_not_recover_because_the_list_was_not_due(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """The list of this environment lacks a project, so it is due in each sweep for a while."""
    project_with(stack)
    first = watching_with("all")
    first.tick()
    project_with(stack)
    watching_with("all").tick()
    with list_refused(stack):
        first.ticks(6)
    assert ("recovered", None) not in watch_messages(stack)


@pytest.mark.fault("F78")
def test_a_project_that_an_old_list_lacks_is_not_reported_while_the_list_is_refused(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    project_with(stack)
    first = watching_with("all")
    first.tick()
    new = project_with(stack)
    watching_with("all").tick()
    assert project_item(stack, new)
    with list_refused(stack):
        first.ticks(6)
    assert watch_messages(stack) == [("degraded", None)]


@pytest.mark.fault("F78")
def test_a_list_of_projects_whose_second_page_fails_is_reported(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    for _ in range(3):
        project_with(stack)
    watching = watching_with("all")
    watching.tick()
    stack.atlas.behaviour.largest_page = 2
    try:
        fault = Fault(
            action=OUT_OF_ORDER,
            operation="projects",
            when=lambda call: call.query.get("pageNum") == "2",
            times=None,
        )
        with stack.atlas.wire.inject(fault):
            failures = [one["failures"] for one in watching.ticks(30)]
        assert failures[-1]
        assert watch_messages(stack) == [("degraded", None)]
    finally:
        stack.atlas.behaviour.largest_page = 500


@pytest.mark.fault("F78")
def test_two_projects_with_one_bad_cluster_each_are_not_both_invisible(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    groups = [project_with(stack, good="flex", bad="flex") for _ in range(2)]
    watching = watching_with(tuple(groups))
    watching.tick()
    with bad_clusters(stack):
        watching.ticks(25)
    said = [one.event["data"]["message"] for one in messages(stack)]
    assert not [text for text in said if "None of the 2 projects can be seen" in text]


@pytest.mark.fault("F78")
def test_three_jobs_that_the_topic_refuses_do_not_keep_what_the_watch_says(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    jobs_of, broken = project_with(stack, "orders"), project_with(stack)
    watching = watching_with((jobs_of, broken))
    watching.tick()

    def is_of_a_job(call: Call) -> bool:
        return b"status-changed" in call.body

    denied = aws_error("sns", "InvalidParameter", status=400)
    fault = Fault(action=denied, operation="Publish", when=is_of_a_job, times=None)
    with stack.aws.wire.inject(fault):
        for _ in range(3):
            stack.atlas.start_restore(jobs_of, "orders", "flex", timeline=["RUNNING"])
        watching.ticks(2)
        stack.atlas.lock_out(broken)
        watching.ticks(15)
    assert watch_messages(stack) == [("degraded", broken)]


@pytest.mark.fault("F78")
@pytest.mark.campaign
def test_three_projects_whose_messages_are_refused_do_not_keep_the_others(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    healthy, *broken = (project_with(stack) for _ in range(40))
    watching = watching_with((healthy, *broken))
    watching.tick()
    refused = sorted(broken)[:30]

    def is_of_these(call: Call) -> bool:
        return any(one.encode() in call.body for one in refused)

    denied = aws_error("sns", "InvalidParameter", status=400)
    fault = Fault(action=denied, operation="Publish", when=is_of_these, times=None)
    for group in broken:
        stack.atlas.lock_out(group)
    with stack.aws.wire.inject(fault):
        watching.ticks(25)
        said = watch_messages(stack)
    assert len(said) == len(broken) - len(refused)


@pytest.mark.fault("F78")
def test_a_role_that_is_taken_away_is_reported_for_jobs_that_were_named(
    watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    watching = watching_with()
    watching.check(
        stack.atlas.start_restore(group, "small", "flex"),
        stack.atlas.start_restore(group, "large", "dedicated"),
    )
    watching.ticks(3)
    stack.atlas.lock_out(group, "dedicated")
    failures = [one["failures"] for one in watching.ticks(10)]
    assert failures[-1]
    assert watch_messages(stack) == [("degraded", group)]


@pytest.mark.fault("F78")
def test_a_stack_recovers_when_the_operator_names_the_projects_instead_of_all(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """The credentials have no role in the organization, so that is what an operator does."""
    group = project_with(stack, "good")
    watching_with("all").tick()
    with list_refused(stack):
        watching_with("all").ticks(6)
        assert watch_messages(stack) == [("degraded", None)]
        watching_with((group,)).ticks(RECOVERY)
        assert watch_messages(stack) == [("recovered", None)]


@pytest.mark.fault("F78")
def test_a_project_recovers_when_the_operator_names_it_instead_of_all(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    project_with(stack, "good")
    group = project_with(stack, "good")
    watching = watching_with("all")
    watching.tick()
    stack.atlas.hide_project(group)
    watching.ticks(15)
    assert watch_messages(stack) == [("degraded", group)]
    stack.atlas.show_project(group)
    watching_with((group,)).ticks(RECOVERY)
    assert watch_messages(stack) == [("recovered", group)]


class FewCallsLeft:
    """The answer says that others have used up the bucket."""

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        others = {
            name: value
            for name, value in answer.headers
            if not name.lower().startswith("ratelimit")
        }
        few = {"RateLimit-Limit": "300", "RateLimit-Remaining": "20"}
        return Answer(answer.status, {**others, **few}, answer.body)


@pytest.mark.fault("F82")
def test_a_list_of_projects_that_ends_early_for_want_of_calls_is_reported(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    for _ in range(3):
        project_with(stack, "good")
    watching = watching_with("all")
    watching.tick()
    stack.atlas.behaviour.largest_page = 2
    few = Fault(action=FewCallsLeft(), operation="projects", times=None)
    with stack.atlas.wire.inject(few):
        watching.ticks(30)
    assert watch_messages(stack) == [("degraded", None)]


@pytest.mark.fault("F78")
def test_an_environment_with_an_old_list_does_not_say_that_an_absent_project_is_back(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    project_with(stack, "good")
    group = project_with(stack, "good")
    first = watching_with("all")
    first.tick()
    stack.atlas.hide_project(group)
    watching_with("all").ticks(5)
    assert watch_messages(stack) == [("degraded", group)]
    first.tick()
    assert watch_messages(stack) == []


@pytest.mark.fault("F78")
def test_a_minute_without_a_secret_does_not_end_the_trouble_of_the_list(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    project_with(stack)
    first, second = watching_with("all"), watching_with("all")
    first.tick()
    with list_refused(stack):
        second.ticks(5)
        assert watch_messages(stack) == [("degraded", None)]
        with no_secret(stack), suppress(CredentialsError):
            watching_with("all", is_warm=False).tick()
        first.tick()
        assert watch_messages(stack) == []


@pytest.mark.fault("F78")
def test_a_stack_that_stays_degraded_is_not_forgotten(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    project_with(stack)
    watching = watching_with("all")
    watching.tick()
    with list_refused(stack):
        watching.ticks(15)
        assert watch_messages(stack) == [("degraded", None)]
        watching.ticks(3, minutes=20 * 24 * 60)
        item = project_item(stack, None)
        assert item["expiresAt"] > watching.clock().timestamp()


@pytest.mark.fault("F78")
def test_an_hour_that_the_clock_was_ahead_does_not_delay_the_alarm_by_an_hour(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, "good")
    watching = watching_with((group,))
    watching.tick()
    stack.atlas.lock_out(group)
    watching.clock.advance(3600)
    watching.tick()
    watching.clock.advance(-3600)
    watching.ticks(8)
    stack.atlas.admit(group)
    assert watch_messages(stack) == [("degraded", group)]
