"""Outages in which Atlas answers some requests, and projects that nobody watches any more."""

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from integration.sweeping import break_project
from integration.test_pending import refuse_publications
from integration.watching import (
    RECOVERY,
    WatchingWith,
    messages,
    project_item,
    project_with,
    watch_messages,
)
from local_stack.faults import Answer, Reset
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from local_stack.template import STACK_NAME
from local_stack.wire import Action, Call, Fault
from reliability.campaign import always

pytestmark = pytest.mark.timeout(300)
cases = pytest.mark.parametrize

NO_ANSWER: Sequence[Action] = (
    Answer(503),
    Answer(500),
    Reset(),
    Answer(200, {"Content-Type": "text/html"}, "<html>"),
)
REFUSED = atlas_error(401, "USER_UNAUTHORIZED", "No role.")


@pytest.fixture
def groups(stack: LocalStack) -> list[str]:
    """Many projects without clusters."""
    return [project_with(stack) for _ in range(12)]


@pytest.fixture
def chance() -> Random:
    return Random(94)  # noqa: S311 - it need not be secret


def break_requests(stack: LocalStack, groups: Sequence[str], share: float, chance: Random) -> None:
    """From now on this share of the requests about these projects has no answer."""
    for action in NO_ANSWER:

        def is_broken(call: Call) -> bool:
            return chance.random() < share and any(group in call.path for group in groups)

        stack.atlas.wire.inject(Fault(action=action, when=is_broken, times=None))


# Outages


@pytest.mark.fault("F94")
@cases("share", always({"70 %": 0.70, "85 %": 0.85, "98 %": 0.98}, "70 %", "98 %"))
def test_an_outage_in_which_some_requests_are_answered_is_one_message(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str], share: float, chance: Random
) -> None:
    watching = watching_with(tuple(groups))
    watching.tick()
    # One of the faults is drawn after the other.
    break_requests(stack, groups, 1 - (1 - share) ** (1 / len(NO_ANSWER)), chance)
    watching.ticks(25)
    assert watch_messages(stack) == [("degraded", None)]

    stack.atlas.wire.heal()
    watching.ticks(RECOVERY)
    assert watch_messages(stack) == [("recovered", None)]
    watching.ticks(2)
    assert [one for one in stack.aws.wire.calls if b"#watchVersion" in one.body] == []
    assert all("troubles" not in project_item(stack, one) for one in groups)


@pytest.mark.fault("F94")
def test_a_project_that_is_refused_during_an_outage_is_reported_until_it_is_admitted(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str], chance: Random
) -> None:
    refused, *others = groups
    watching = watching_with(tuple(groups))
    watching.tick()
    break_requests(stack, others, 0.5, chance)
    watching.ticks(6)
    assert watch_messages(stack) == [("degraded", None)]
    with break_project(stack, refused, REFUSED, times=None):
        watching.ticks(12)
    assert watch_messages(stack) == [("degraded", refused)]

    stack.atlas.wire.heal()
    watching.ticks(RECOVERY)
    assert sorted(watch_messages(stack), key=str) == sorted(
        [("recovered", None), ("recovered", refused)], key=str
    )


@pytest.mark.fault("F94")
def test_what_was_reported_of_a_project_stands_still_during_an_outage(
    watching_with: WatchingWith, stack: LocalStack, groups: list[str], chance: Random
) -> None:
    silent, *others = groups
    watching = watching_with(tuple(groups))
    watching.tick()
    with break_project(stack, silent, Reset(), times=None):
        watching.ticks(5)
    assert watch_messages(stack) == [("degraded", silent)]
    break_requests(stack, others, 0.6, chance)
    watching.ticks(12)
    assert watch_messages(stack) == [("degraded", None)]

    stack.atlas.wire.heal()
    watching.ticks(2 * RECOVERY)
    assert watch_messages(stack) == [("recovered", None), ("recovered", silent)]


@pytest.mark.fault("F94")
def test_a_project_that_comes_and_goes_after_it_was_reported_is_one_message(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack)
    watching = watching_with((group,))
    watching.tick()
    for _ in range(6):
        stack.atlas.lock_out(group)
        watching.ticks(4)
        stack.atlas.admit(group)
        watching.ticks(2)
    assert watch_messages(stack) == [("degraded", group)]
    watching.ticks(2)
    assert watch_messages(stack) == [("recovered", group)]


# Projects that nobody watches any more


@pytest.fixture
def degraded(watching_with: WatchingWith, stack: LocalStack) -> Iterator[tuple[str, str]]:
    """A project that is refused, in which a restore is open, and another one."""
    removed, kept = project_with(stack, "orders"), project_with(stack)
    watching = watching_with((removed, kept))
    stack.atlas.start_restore(removed, "orders", "flex", timeline=["RUNNING"])
    assert watching.tick()["found"] == 1
    stack.atlas.lock_out(removed)
    watching.ticks(5)
    assert [one.event["type"][-17:] for one in messages(stack)[1:]] == ["watch-degraded.v1"]
    yield removed, kept
    stack.atlas.admit(removed)


def reasons(stack: LocalStack) -> list[tuple[str, str, str | None]]:
    """What new messages about the watch say, about what, and for which reason."""
    events = [one.event for one in messages(stack)]
    return [
        (one["id"].split(":")[1], one["subject"], one["data"]["reason"])
        for one in events
        if "watch-" in one["type"]
    ]


@pytest.mark.fault("F93")
@cases("left", [True, False], ids=["one of two", "the last one"])
def test_a_degraded_project_that_is_removed_recovers_although_a_restore_is_open(
    watching_with: WatchingWith,
    stack: LocalStack,
    degraded: tuple[str, str],
    left: bool,  # noqa: FBT001
) -> None:
    removed, kept = degraded
    watching = watching_with((kept,) if left else ())
    result = watching.tick()
    assert result["open"] == 1
    assert reasons(stack) == [("recovered", removed, "removed")]

    # Its restore is followed, and degrades nothing.
    assert any(one["failures"] for one in watching.ticks(10))
    assert reasons(stack) == []


@pytest.mark.fault("F93")
def test_a_project_that_is_watched_again_is_reported_again(
    watching_with: WatchingWith, stack: LocalStack, degraded: tuple[str, str]
) -> None:
    removed, kept = degraded
    watching_with((kept,)).tick()
    assert reasons(stack) == [("recovered", removed, "removed")]
    watching_with((removed, kept)).ticks(5)
    assert reasons(stack) == [("degraded", removed, None)]


@pytest.mark.fault("F93")
def test_a_message_that_waits_for_the_topic_is_not_lost_with_its_project(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    removed, kept = project_with(stack), project_with(stack)
    watching = watching_with((removed, kept))
    watching.tick()
    stack.atlas.lock_out(removed)
    with refuse_publications(stack):
        watching.ticks(5)
        watching_with((kept,)).ticks(3)
    assert reasons(stack) == []
    watching_with((kept,)).tick()

    assert reasons(stack) == [("degraded", removed, None), ("recovered", removed, "removed")]


@pytest.mark.fault("F93")
def test_of_all_projects_one_that_no_list_shows_for_a_day_is_dropped(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    gone = project_with(stack, "orders")
    project_with(stack)
    watching = watching_with("all")
    stack.atlas.start_restore(gone, "orders", "flex", timeline=["RUNNING"])
    watching.tick()
    stack.atlas.remove_project(gone)
    watching.ticks(5)
    assert reasons(stack) == [("degraded", gone, None)]
    watching.ticks(23, minutes=60)
    assert reasons(stack) == []
    watching.ticks(2, minutes=60)
    assert reasons(stack) == [("recovered", gone, "removed")]
    assert "mark" not in project_item(stack, gone)

    # Nobody asks for it any more, and it is watched again when it is back.
    watching.ticks(3, minutes=15)
    assert [call for call in stack.http_calls() if f"{gone}/events" in call.path] == []
    assert reasons(stack) == []
    stack.atlas.add_project(gone)
    watching.ticks(2, minutes=10)
    assert project_item(stack, gone)["mark"]


@pytest.mark.fault("F93")
def test_an_environment_with_a_list_of_last_week_does_not_watch_a_dropped_project(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    gone = project_with(stack)
    project_with(stack)
    idle, watching = watching_with("all"), watching_with("all")
    idle.tick()
    stack.atlas.hide_project(gone)
    watching.ticks(5)
    watching.ticks(26, minutes=60)
    assert reasons(stack) == [("degraded", gone, None), ("recovered", gone, "removed")]
    idle.ticks(5)
    assert reasons(stack) == []
    assert "mark" not in project_item(stack, gone)


@pytest.mark.fault("F93")
def test_each_message_names_the_stack_that_says_so(
    watching_with: WatchingWith, stack: LocalStack
) -> None:
    group = project_with(stack)
    watching = watching_with((group,))
    watching.tick()
    stack.atlas.lock_out(group)
    watching.ticks(5)
    stack.atlas.admit(group)
    watching.ticks(RECOVERY)

    assert [one.event["data"]["stack"] for one in messages(stack)] == [STACK_NAME] * 2
