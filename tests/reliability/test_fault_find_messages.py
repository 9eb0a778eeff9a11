"""What cannot be seen for long is reported once, whatever else fails: F78, F3, F4, F53 and F64."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from threading import Lock

import pytest

from foundation.timed_call import CALLS_AT_ONCE
from integration.sweeping import break_project
from integration.test_pending import refuse_publications
from integration.watching import (
    RECOVERY,
    WatchingWith,
    called,
    messages,
    project_item,
    project_with,
    watch_messages,
)
from local_stack.aws import aws_error
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS, LocalStack
from local_stack.wire import Call, Fault, Phase
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.sweep.act_on_answer import REFUSALS

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

# What little of the watch fails


@pytest.mark.fault("F78")
def test_a_list_of_all_projects_that_is_refused_is_reported_although_the_last_one_is_in_force(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    """A new project is never found."""
    project_with(stack)
    watching = watching_with("all")
    watching.tick()
    refused = atlas_error(401, "USER_UNAUTHORIZED", "No role in the organization.")
    with stack.atlas.wire.inject(Fault(action=refused, operation="projects", times=None)):
        watching.ticks(6, 10)
    assert watch_messages(stack) == [("degraded", None)]

    watching.ticks(RECOVERY)
    assert watch_messages(stack) == [("recovered", None)]


@pytest.mark.fault("F78", "F81")
def test_one_cluster_whose_jobs_cannot_be_read_is_reported(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack, good="flex", bad="flex")
    watching = watching_with((group,))
    watching.tick()
    fault = Fault(action=Answer(503), when=lambda call: "/bad/" in call.path, times=None)
    with stack.atlas.wire.inject(fault):
        stack.atlas.start_restore(group, "bad", "flex", timeline=["FAILED"])
        watching.ticks(8, 4)
    assert watch_messages(stack) == [("degraded", group)]

    assert watching.tick(4)["found"] == 1
    watching.tick(4)
    assert watch_messages(stack) == [("recovered", group)]


# The stack


@pytest.fixture
def remove_key(stack: LocalStack) -> Iterator[Callable[[], None]]:
    """The secret has an API key. Remove it from Atlas, until the test ends."""
    key = CREDENTIALS["api_key"]
    stack.put_secret(key)
    yield lambda: stack.atlas.remove_credential(key["public_key"])
    stack.atlas.add_api_key(key["public_key"], key["private_key"])
    stack.put_secret(CREDENTIALS["service_account"])


@pytest.mark.fault("F78", "F26")
def test_an_api_key_that_is_refused_is_reported_once_not_for_the_project_as_well(
    stack: LocalStack, remove_key: Callable[[], None], watching_with: WatchingWith
) -> None:
    """There is no token: each call is refused, as it would be for the project alone."""
    watching = watching_with((project_with(stack, "orders"),))
    watching.tick()
    remove_key()
    for _ in range(20):
        with suppress(AtlasUnauthorizedError):
            watching.tick()
    assert len(watch_messages(stack)) == 1


@pytest.mark.fault("F78", "F26")
def test_a_stack_whose_credentials_are_refused_does_not_recover_by_an_outage(
    stack: LocalStack, remove_key: Callable[[], None], watching_with: WatchingWith
) -> None:
    group = project_with(stack, "orders")
    watching_with((group,)).tick()
    remove_key()
    watching = watching_with((group,))
    for _ in range(5):
        with pytest.raises(AtlasUnauthorizedError):
            watching.tick()
    assert watch_messages(stack) == [("degraded", None)]
    with stack.atlas.wire.inject(Fault(action=Answer(503), times=None)):
        watching.tick()
    assert watch_messages(stack) == []


@pytest.mark.fault("F78")
@cases(("count", "minutes"), [(2, 0), (3, 1)], ids=["one-is-left", "two-are-left"])
def test_a_stack_does_not_recover_because_one_of_its_broken_projects_is_taken_out(
    watching_with: WatchingWith, stack: LocalStack, count: int, minutes: int
) -> None:
    """It may have been broken minutes before the others, and so have a failure of its own."""
    *kept, removed = (project_with(stack) for _ in range(count))
    watching = watching_with((*kept, removed))
    watching.tick()
    stack.atlas.lock_out(removed)
    watching.ticks(minutes)
    for group in kept:
        stack.atlas.lock_out(group)
    watching.ticks(5)
    assert watch_messages(stack) == [("degraded", None)]
    watching_with(tuple(kept)).ticks(2)
    assert watch_messages(stack) == []


@pytest.mark.fault("F78")
def test_the_last_success_is_that_of_any_environment(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack)
    first, second = watching_with((group,)), watching_with((group,))
    first.tick()
    second.ticks(2, 15)
    listed_at = project_item(stack, group)["listedAt"]
    stack.atlas.lock_out(group)
    first.ticks(5)
    (degraded,) = messages(stack)
    assert degraded.event["data"]["lastSuccessAt"] >= listed_at


# A topic that refuses, or hangs


@pytest.mark.fault("F64", "F78")
def test_a_message_that_went_out_is_not_repeated_while_the_next_one_is_refused(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack)
    watching = watching_with((group, project_with(stack)))
    watching.tick()
    with refuse_publications(stack):
        stack.atlas.lock_out(group)
        watching.ticks(5)
        stack.atlas.admit(group)
        watching.ticks(RECOVERY)

    def is_recovery(call: Call) -> bool:
        return b"watch-recovered" in call.body

    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(
        Fault(action=denied, operation="Publish", when=is_recovery, times=None)
    ):
        watching.ticks(3)
    assert watch_messages(stack) == [("degraded", group)]
    watching.tick()
    assert watch_messages(stack) == [("recovered", group)]


@pytest.mark.fault("F4", "F78")
def test_a_topic_that_refuses_is_tried_a_few_times_in_a_sweep_however_much_waits(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    broken = [project_with(stack) for _ in range(15)]
    watching = watching_with((project_with(stack), *broken))
    watching.tick()
    for group in broken:
        stack.atlas.lock_out(group)
    with refuse_publications(stack):
        watching.ticks(5)
        # Others are under way when the third is refused.
        assert REFUSALS <= called(stack).count("Publish") < REFUSALS + CALLS_AT_ONCE
    watching.ticks(2)
    assert sorted(watch_messages(stack)) == sorted(("degraded", group) for group in broken)


@pytest.mark.fault("F3", "F78")
@cases("accepts", [True, False], ids=["slow", "refuses"])
def test_a_topic_that_takes_long_does_not_keep_a_sweep_from_its_jobs(
    watching_with: WatchingWith,
    stack: LocalStack,
    accepts: bool,  # noqa: FBT001
) -> None:
    """
    All messages together would take the time of the sweep.

    Those that are under way when their time is over all move the one clock: 8 times 4 seconds.
    """
    healthy, *broken = (project_with(stack, "orders") for _ in range(17))
    watching = watching_with((healthy, *broken))
    restore = stack.atlas.start_restore(
        healthy, "orders", "flex", timeline=["RUNNING", "COMPLETED"]
    )
    watching.tick()
    for group in broken:
        stack.atlas.lock_out(group)
    with refuse_publications(stack):
        watching.ticks(4)
    restore.run_to_end()
    lock = Lock()

    def take_long(call: Call, phase: Phase) -> None:
        if (call.operation, phase) == ("Publish", "before"):
            with lock:
                watching.pass_time(4)

    watching.pass_time(60)
    with stack.aws.wire.listen(take_long), nullcontext() if accepts else refuse_publications(stack):
        result = watching.sweep()
    stored = stack.item(healthy, "orders", restore.restore_id)
    assert stored is not None
    assert (stored["status"], result["notReached"]) == ("COMPLETED", 0)


# What a message says

DETAILS = (
    "see https://restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz",
    "token Bearer eyJhbGciOi.secret.word is not valid",
    "restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz",
    "https:\\/\\/restore-1.c.mongodb-dev.net\\/AbCdEfGhIjKlMnOpQrStUvWx",
)


@pytest.mark.fault("F53")
def test_no_url_or_token_in_a_text_of_atlas_is_in_a_message_or_item_about_the_watch(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    groups = [project_with(stack) for _ in DETAILS]
    watching = watching_with((project_with(stack), *groups))
    watching.tick()
    for group, detail in zip(groups, DETAILS, strict=True):
        break_project(stack, group, atlas_error(401, "USER_UNAUTHORIZED", detail), times=None)
    watching.ticks(5)

    received = messages(stack)
    assert {one.event["subject"] for one in received} == set(groups)
    items = [project_item(stack, group) for group in groups]
    text = repr([*received, *items]) + watching.log.getvalue()
    assert "AbCdEf" not in text
    assert "secret.word" not in text
