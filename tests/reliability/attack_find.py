"""
Attacks on finding restores and on what the watch says of itself, from outside.

Each test says what a user should see. It is run by name: `pytest tests/reliability/attack_find.py`.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integration.checking import statuses
from integration.sweeping import asked
from integration.watching import (
    Watching,
    atlas_clock,
    called,
    job_messages,
    messages,
    project_item,
    watch_messages,
)
from local_stack.atlas import Role, in_group
from local_stack.aws import aws_error
from local_stack.clock import Clock
from local_stack.faults import Answer, Delay, Hang
from local_stack.in_process import Clients, clients, sweeper_of
from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS, LocalStack
from local_stack.wire import Fault, Injected
from observed_stack import ObservedStack
from restore_watch.waking import ProjectIds

type Environments = Callable[..., Watching]

OUT_OF_ORDER = atlas_error(503, "SERVICE_UNAVAILABLE", "Not now.")


@pytest.fixture(scope="module")
def in_process(module_stack: ObservedStack) -> Iterator[Clients]:
    made = clients(module_stack)
    yield made
    made.close()


@pytest.fixture
def environment(
    stack: ObservedStack, in_process: Clients, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Environments]:
    """Start environments with one clock: `project_ids`, and the options of `Sweeping`."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")
    clock = Clock()
    made: list[Watching] = []

    def make(project_ids: ProjectIds = (), **how: Any) -> Watching:
        made.append(Watching(stack, in_process, project_ids=project_ids, clock=clock, **how))
        return made[-1]

    yield make
    atlas_clock(stack).advance(-sum(one.passed for one in made))


def break_once(stack: LocalStack, group: str, operation: str, **how: Any) -> Injected:
    """Atlas is out of order for this operation, in one project, until the block ends."""
    fault = Fault(
        action=how.pop("action", OUT_OF_ORDER),
        operation=operation,
        when=in_group(group),
        **{"times": None, **how},
    )
    return stack.atlas.wire.inject(fault)


def project_with(stack: LocalStack, **kinds: Any) -> str:
    """A project with these clusters."""
    group = secrets.token_hex(12)
    stack.atlas.add_project(group)
    for name, kind in kinds.items():
        stack.atlas.add_cluster(group, name, kind)
    return group


# False alarms


def test_twenty_dead_projects_do_not_keep_a_healthy_one_from_being_listed(
    environment: Environments, stack: LocalStack
) -> None:
    """A user does not take 20 deleted projects out of AtlasProjectIds, or watches `all` with CI."""
    healthy = project_with(stack, orders="dedicated")
    dead = [project_with(stack) for _ in range(20)]
    watching = environment((healthy, *dead))
    watching.tick()
    for group in dead:
        stack.atlas.remove_project(group)
    watching.ticks(20)
    restore = stack.atlas.start_restore(healthy, "orders", "collection", timeline=["IN_PROGRESS"])
    watching.ticks(60)
    found = [one.event["subject"] for one in job_messages(stack)]
    assert restore.restore_id in found, "docs: a collection restore is found within 15 minutes"


def test_one_incomplete_list_of_all_projects_is_no_alarm_at_three_in_the_morning(
    environment: Environments, stack: LocalStack
) -> None:
    """Atlas leaves a project out of one answer, or a page shifts, and shows it a second later."""
    groups = [project_with(stack, orders="flex") for _ in range(2)]
    watching = environment("all")
    watching.ticks(9)
    stack.atlas.hide_project(groups[0])
    watching.ticks(1)
    watching.tick()
    stack.atlas.show_project(groups[0])
    watching.ticks(6)
    assert watch_messages(stack) == []


def test_one_bad_minute_of_a_named_job_that_ended_is_no_alarm_for_the_other_job(
    environment: Environments, stack: LocalStack, group: str
) -> None:
    """A pipeline names two jobs and checks one of them to its end itself."""
    watching = environment(())
    flex = stack.atlas.start_restore(group, "small", "flex", timeline=["RUNNING", "COMPLETED"])
    dedicated = stack.atlas.start_restore(group, "large", "dedicated")
    watching.check(flex, dedicated)
    with break_once(stack, group, "flex"):
        watching.tick()
    flex.run_to_end()
    watching.check(flex)
    stack.received()
    for _ in range(6):
        assert watching.tick()["failures"] == []
    assert watch_messages(stack) == []


def test_one_bad_minute_before_a_project_is_no_longer_watched_is_no_alarm_while_its_job_runs(
    environment: Environments, stack: LocalStack
) -> None:
    """The operator takes a project out of AtlasProjectIds; its running job is followed on."""
    group, other = project_with(stack, orders="flex"), project_with(stack)
    watching = environment((group, other))
    watching.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING"])
    watching.tick()
    stack.received()
    with break_once(stack, group, "events"):
        watching.tick()
    watching = environment((other,))
    for _ in range(6):
        assert watching.tick()["failures"] == []
    assert watch_messages(stack) == []


def test_one_bad_answer_to_a_cold_start_is_no_alarm_because_another_environment_goes_on(
    environment: Environments, stack: LocalStack
) -> None:
    """Two environments alternate. One meets a single 503 for the list of Flex clusters."""
    group = project_with(stack, orders="flex")
    first = environment((group,))
    first.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    first.ticks(3)
    stack.received()
    second = environment((group,))
    with break_once(stack, group, "flex_clusters"):
        second.tick()
    for _ in range(5):
        assert first.tick()["failures"] == []
    assert watch_messages(stack) == []


def test_one_bad_answer_before_the_last_dedicated_cluster_is_deleted_is_no_alarm(
    environment: Environments, stack: LocalStack
) -> None:
    """Then the environment is replaced, and the project is idle and well."""
    group = project_with(stack, small="flex", large="dedicated")
    watching = environment((group,))
    watching.tick()
    with break_once(stack, group, "dedicated_list"):
        watching.tick(15)
    stack.atlas.remove_cluster(group, "large")
    watching = environment((group,))
    for _ in range(6):
        assert watching.tick()["failures"] == []
    assert watch_messages(stack) == []


def test_a_stack_that_follows_named_jobs_does_not_remember_yesterdays_bad_minute(
    environment: Environments, stack: LocalStack, group: str
) -> None:
    """Secrets Manager refuses once yesterday and once today."""
    denied = Fault(
        action=aws_error("secretsmanager", "AccessDeniedException", status=400),
        operation="GetSecretValue",
        times=None,
    )

    def bad_minute() -> None:
        with stack.aws.wire.inject(denied), pytest.raises(Exception, match="secret"):
            environment((), is_warm=False).tick()

    watching = environment(())
    restore = stack.atlas.start_restore(group, "small", "flex", timeline=["RUNNING", "COMPLETED"])
    watching.check(restore)
    bad_minute()
    restore.run_to_end()
    watching.check(restore)
    watching.ticks(3)
    watching.pass_time(86_400)
    environment(())  # a new token
    watching = environment(())
    watching.check(stack.atlas.start_restore(group, "small", "flex", timeline=["RUNNING"]))
    stack.received()
    bad_minute()
    assert watch_messages(stack) == []


def test_a_family_that_could_never_be_read_is_no_alarm(
    environment: Environments, stack: LocalStack
) -> None:
    """Atlas for Government, say, has no collection restores and answers 405 or 406."""
    group = project_with(stack, large="dedicated")
    watching = environment((group,))
    with break_once(stack, group, "collection_list", action=Answer(405)):
        watching.ticks(6)
    assert watch_messages(stack) == []


def test_only_hot_rounds_are_left_out_is_no_alarm(
    environment: Environments, stack: LocalStack
) -> None:
    """Other tools leave 45 of 100 calls. One restore runs, each sweep asks about it and lists."""
    group = project_with(stack, orders="flex")
    watching = environment((group,), hot_seconds=10)
    watching.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING"])
    stack.atlas.keep_bucket(group, "flex", 540)
    for _ in range(7):
        result = watching.tick()
        assert (result["notReached"], result["failures"]) == (0, [])
    assert watch_messages(stack) == []


def test_a_project_that_was_taken_out_of_the_list_of_ids_stays_out_when_all_are_watched(
    environment: Environments, stack: LocalStack
) -> None:
    """The operator removed and deleted a project last week, and changes to `all` today."""
    kept, removed = project_with(stack), project_with(stack)
    environment((kept, removed)).tick()
    environment((kept,)).tick()
    stack.atlas.remove_project(removed)
    watching = environment((kept,))
    watching.tick(7 * 1440)
    watching = environment("all")
    watching.ticks(6)
    assert watch_messages(stack) == []


# Degraded and recovered


@pytest.mark.usefixtures("credentials")
class TestWithAnApiKey:
    """An API key has no token, so each call is refused."""

    @pytest.fixture
    def credentials(self) -> str:
        return "api_key"

    def test_refused_credentials_are_reported_once_not_for_the_project_and_for_the_stack(
        self, environment: Environments, stack: LocalStack
    ) -> None:
        group = project_with(stack, orders="flex")
        watching = environment((group,))
        watching.tick()
        stack.atlas.remove_credential(CREDENTIALS["api_key"]["public_key"])
        for _ in range(20):
            watching.pass_time(60)
            try:
                watching.sweep()
            except Exception:  # noqa: BLE001, S112
                continue
        said = watch_messages(stack)
        self.give_back(stack)
        assert len(said) == 1, said

    def test_a_stack_whose_credentials_are_refused_does_not_recover_by_an_outage(
        self, environment: Environments, stack: LocalStack
    ) -> None:
        group = project_with(stack, orders="flex")
        environment((group,)).tick()
        stack.atlas.remove_credential(CREDENTIALS["api_key"]["public_key"])
        watching = environment((group,))
        for _ in range(5):
            watching.pass_time(60)
            with pytest.raises(Exception, match="401"):
                watching.sweep()
        assert watch_messages(stack) == [("degraded", None)]
        with stack.atlas.wire.inject(Fault(action=OUT_OF_ORDER, times=None)):
            watching.tick()
        said = watch_messages(stack)
        self.give_back(stack)
        assert said == []

    @staticmethod
    def give_back(stack: LocalStack) -> None:
        key = CREDENTIALS["api_key"]
        stack.atlas.add_api_key(key["public_key"], key["private_key"])


def test_a_stack_does_not_recover_because_one_of_its_broken_projects_is_taken_out(
    environment: Environments, stack: LocalStack
) -> None:
    """In an outage the operator takes one project out. Nothing can be seen before and after."""
    groups = [project_with(stack) for _ in range(3)]
    watching = environment(tuple(groups))
    watching.tick()
    stack.atlas.lock_out(groups[2])
    watching.tick()
    for group in groups[:2]:
        stack.atlas.lock_out(group)
    watching.ticks(5)
    assert watch_messages(stack) == [("degraded", None)]
    watching = environment(tuple(groups[:2]))
    watching.ticks(2)
    assert watch_messages(stack) == []


def test_a_stack_of_two_does_not_recover_because_one_broken_project_is_taken_out(
    environment: Environments, stack: LocalStack
) -> None:
    groups = [project_with(stack) for _ in range(2)]
    watching = environment(tuple(groups))
    watching.tick()
    for group in groups:
        stack.atlas.lock_out(group)
    watching.ticks(5)
    assert watch_messages(stack) == [("degraded", None)]
    environment(tuple(groups[:1])).ticks(2)
    assert ("recovered", None) not in watch_messages(stack)


def test_the_last_success_is_that_of_any_environment(
    environment: Environments, stack: LocalStack
) -> None:
    group = project_with(stack)
    first, second = environment((group,)), environment((group,))
    first.tick()
    second.ticks(40)
    listed_at = project_item(stack, group)["listedAt"]
    stack.atlas.lock_out(group)
    first.ticks(5)
    (degraded,) = messages(stack)
    assert degraded.event["data"]["lastSuccessAt"] >= listed_at


def test_a_message_about_the_watch_that_was_published_is_not_sent_in_every_sweep(
    environment: Environments, stack: LocalStack
) -> None:
    """SNS was away, takes the degradation, and refuses the recovery for an hour."""
    group, other = project_with(stack), project_with(stack)
    watching = environment((group, other))
    watching.tick()
    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None)):
        stack.atlas.lock_out(group)
        watching.ticks(5)
        stack.atlas.admit(group)
        watching.tick()

    def is_recovery(call: Any) -> bool:
        return b"watch-recovered" in call.body

    fault = Fault(action=denied, operation="Publish", when=is_recovery, times=None)
    with stack.aws.wire.inject(fault):
        watching.ticks(10)
    assert watch_messages(stack) == [("degraded", group)]


def test_a_topic_that_refuses_is_not_asked_for_every_degraded_project_in_every_sweep(
    environment: Environments, stack: LocalStack
) -> None:
    """Of jobs, three refusals in a sweep are enough."""
    broken = [project_with(stack) for _ in range(30)]
    watching = environment((project_with(stack), *broken))
    watching.tick()
    for group in broken:
        stack.atlas.lock_out(group)
    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None)):
        watching.ticks(6)
        assert called(stack).count("Publish") <= 10


def test_a_topic_that_hangs_does_not_keep_a_sweep_from_its_jobs(
    environment: Environments, stack: LocalStack
) -> None:
    """Messages about 120 projects wait; of jobs, publishing takes 15 seconds at most."""
    healthy = project_with(stack, orders="flex")
    broken = [project_with(stack) for _ in range(120)]
    watching = environment((healthy, *broken))
    restore = stack.atlas.start_restore(
        healthy, "orders", "flex", timeline=["RUNNING", "COMPLETED"]
    )
    watching.tick()
    for group in broken:
        stack.atlas.lock_out(group)
    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None)):
        watching.ticks(5)
    restore.run_to_end()
    # The sweep takes its 60 seconds in real time.
    with stack.aws.wire.inject(Fault(action=Hang(20), operation="Publish", times=None)):
        result = watching.tick()
        stored = stack.item(healthy, "orders", restore.restore_id)
        assert (stored or {})["status"] == "COMPLETED", result


# Cost, limits, time


@pytest.mark.parametrize(
    "answer",
    [
        atlas_error(404, "RESOURCE_NOT_FOUND", "No such thing."),
        atlas_error(404, None, "Nothing.", None),
        atlas_error(400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED", "A free cluster."),
    ],
    ids=["404", "404-without-code", "400"],
)
def test_a_free_cluster_without_backups_costs_nothing_in_idle_sweeps(
    environment: Environments, stack: LocalStack, answer: Answer
) -> None:
    """DESIGN 8.3: a cluster that has no backups (400, 404) counts as read."""
    group = project_with(stack, free="dedicated", small="flex")
    watching = environment((group,))
    fault = Fault(
        action=answer,
        when=lambda call: "/clusters/free/" in call.path,
        times=None,
    )
    with stack.atlas.wire.inject(fault):
        watching.ticks(3)
        result = watching.tick()
        assert (asked(stack), result["failures"]) == (["events"], [])


def test_a_project_with_dedicated_clusters_alone_and_no_role_for_them_is_one_call(
    environment: Environments, stack: LocalStack
) -> None:
    group = project_with(stack, large="dedicated")
    stack.atlas.grant(CREDENTIALS["service_account"]["client_id"], Role.READ_ONLY)
    watching = environment((group,))
    watching.ticks(3)
    watching.tick()
    assert asked(stack) == ["events"]


def test_a_reserve_of_one_is_allowed_and_is_no_alarm(
    environment: Environments, stack: LocalStack, in_process: Clients
) -> None:
    """RateLimitReserve may be 1: leave everything to other tools. Nobody else calls Atlas."""
    group = project_with(stack, **{f"c{number}": "flex" for number in range(40)})
    watching = environment((group,))
    watching.sweeper = sweeper_of(
        stack,
        in_process,
        watching.checker,
        watching.sweeper._telemetry,  # noqa: SLF001
        rate_limit_reserve=1,
        project_ids=(group,),
    )
    watching.ticks(8)
    assert watch_messages(stack) == []


def test_a_restore_that_a_slow_sweep_finds_is_asked_about_again_in_that_sweep(
    environment: Environments, stack: LocalStack
) -> None:
    """README: about every 10 seconds while it is young. Events answer after the first round."""
    group = project_with(stack, orders="flex")
    watching = environment((group,), hot_seconds=1)
    watching.tick()
    stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING"])
    with break_once(stack, group, "events", action=Delay(1.5)):
        watching.tick()
    assert "flex" in asked(stack)


def test_hot_jobs_do_not_keep_a_new_restore_from_being_found_for_a_quarter_of_an_hour(
    environment: Environments, stack: LocalStack, in_process: Clients
) -> None:
    """
    150 restores run at once in one project with Atlas's real limits. No other tool calls Atlas.

    The waits of the sweep pass for Atlas as well, so that its bucket refills meanwhile.
    """
    names = {f"c{number}": "flex" for number in range(150)}
    group = project_with(stack, **names, last="flex")
    environment((group,))
    clock = atlas_clock(stack)
    began = clock()
    watching = Watching(stack, in_process, project_ids=(group,), clock=clock, hot_seconds=10)
    try:
        watching.sweep_after(10)
        for name in names:
            stack.atlas.start_restore(group, name, "flex", timeline=["RUNNING"])
        for _ in range(5):
            watching.sweep_after(10)
        restore = stack.atlas.start_restore(group, "last", "flex", timeline=["RUNNING"])
        started, minutes = clock(), 0.0
        while minutes < 15 and not stack.item(group, "last", restore.restore_id):
            watching.sweep_after(10)
            minutes = (clock() - started).total_seconds() / 60
        assert minutes < 3, f"found after {minutes:.0f} minutes; said {watch_messages(stack)}"
    finally:
        clock.advance((began - clock()).total_seconds())


def test_a_list_of_all_projects_that_is_refused_for_a_day_is_reported(
    environment: Environments, stack: LocalStack
) -> None:
    """The role of the organization was taken away. A new project is never found."""
    project_with(stack)
    watching = environment("all")
    watching.tick()
    refused = atlas_error(401, "USER_UNAUTHORIZED", "No role in the organization.")
    with stack.atlas.wire.inject(Fault(action=refused, operation="projects", times=None)):
        new = project_with(stack, orders="flex")
        stack.atlas.start_restore(new, "orders", "flex", timeline=["FAILED"])
        watching.ticks(48, 30)
    assert watch_messages(stack) == [("degraded", None)]


def test_collection_restores_in_a_hundred_projects_are_found_within_a_quarter_of_an_hour(
    environment: Environments, stack: LocalStack
) -> None:
    """docs/events.md says within 15 minutes."""
    groups = [project_with(stack, orders="dedicated") for _ in range(100)]
    watching = environment(tuple(groups))
    watching.tick()
    for group in groups:
        stack.atlas.start_restore(group, "orders", "collection", timeline=["IN_PROGRESS"])
    watching.ticks(16)
    assert len(job_messages(stack)) == len(groups)


def test_a_cluster_whose_jobs_cannot_be_read_for_hours_is_reported(
    environment: Environments, stack: LocalStack
) -> None:
    """README: when it cannot see a project any more, it says so. Its restores are not reported."""
    group = project_with(stack, good="flex", bad="flex")
    watching = environment((group,))
    watching.tick()
    fault = Fault(action=OUT_OF_ORDER, when=lambda call: "/bad/" in call.path, times=None)
    with stack.atlas.wire.inject(fault):
        stack.atlas.start_restore(group, "bad", "flex", timeline=["FAILED"])
        watching.ticks(30, 4)
        assert watch_messages(stack) == [("degraded", group)]


# What held


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_two_hundred_restores_at_once_are_found_and_the_project_is_quiet_again(
    environment: Environments, stack: LocalStack, kind: Any
) -> None:
    names = {f"c{number}": kind for number in range(10)}
    group = project_with(stack, **names)
    watching = environment((group,))
    watching.tick()
    for number in range(200):
        stack.atlas.start_restore(
            group,
            f"c{number % 10}",
            kind,
            timeline=["COMPLETED"] if kind == "flex" else ["finished"],
        )
    watching.ticks(4)
    received = job_messages(stack)
    assert len({one.event["id"] for one in received}) == len(received) == 200
    watching.ticks(3)
    watching.tick()
    assert asked(stack) == ["events"]


@pytest.mark.parametrize(
    "detail",
    [
        "see https://restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz",
        "token Bearer eyJhbGciOi.secret.word is not valid",
        "restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz",
        "https:\\/\\/restore-1.c.mongodb-dev.net\\/AbCdEfGhIjKlMnOpQrStUvWx",
    ],
)
def test_no_url_of_atlas_is_in_a_message_or_item_about_the_watch(
    environment: Environments, stack: LocalStack, detail: str
) -> None:
    group, other = project_with(stack), project_with(stack)
    watching = environment((group, other))
    watching.tick()
    action = atlas_error(401, "USER_UNAUTHORIZED", detail)
    with stack.atlas.wire.inject(Fault(action=action, when=in_group(group), times=None)):
        watching.ticks(5)
    text = repr(messages(stack)) + repr(project_item(stack, group)) + watching.log.getvalue()
    assert "AbCdEf" not in text
    assert "secret.word" not in text


def test_a_cluster_that_changes_its_kind_has_its_restores_found_at_once(
    environment: Environments, stack: LocalStack
) -> None:
    group = project_with(stack, orders="flex")
    watching = environment((group,))
    watching.ticks(2)
    stack.atlas.remove_cluster(group, "orders")
    stack.atlas.add_cluster(group, "orders", "dedicated")
    stack.atlas.start_restore(group, "orders", "dedicated", timeline=["finished"])
    assert watching.tick()["found"] == 1
    assert statuses(job_messages(stack)) == ["COMPLETED"]
    stack.atlas.remove_cluster(group, "orders")
    stack.atlas.add_cluster(group, "orders", "flex")
    stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    assert watching.tick()["found"] == 1


def test_three_hundred_idle_projects_are_one_call_each(
    environment: Environments, stack: LocalStack
) -> None:
    groups = [project_with(stack) for _ in range(300)]
    watching = environment("all")
    watching.ticks(2)
    watching.tick()
    assert asked(stack) == ["events"] * len(groups)


def test_a_restore_found_without_dynamodb_is_found_by_another_environment(
    environment: Environments, stack: LocalStack
) -> None:
    """The table throttles what one environment takes in; the next sweep is somebody else's."""
    group = project_with(stack, orders="flex")
    first, second = environment((group,)), environment((group,))
    first.tick()
    second.tick()
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    throttled = aws_error("dynamodb", "ProvisionedThroughputExceededException", status=400)
    fault = Fault(
        action=throttled,
        operation="UpdateItem",
        when=lambda call: restore.restore_id.encode() in call.body,
        times=None,
    )
    with stack.aws.wire.inject(fault):
        first.tick()
    second.tick()
    assert statuses(job_messages(stack)) == ["COMPLETED"]
