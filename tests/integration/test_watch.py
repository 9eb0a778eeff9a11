"""What subscribers receive when a project cannot be seen, and when it can again."""

from datetime import datetime, timedelta

import pytest

from integration.sweeping import break_project
from integration.test_pending import refuse_publications
from integration.watching import (
    DEGRADED,
    MINUTE,
    RECOVERED,
    RECOVERY,
    Watching,
    WatchingWith,
    messages,
    project_item,
    watch_messages,
    writes,
)
from local_stack.aws import aws_error
from local_stack.faults import Reset
from local_stack.stack import LocalStack
from local_stack.template import STACK_NAME
from local_stack.wire import Call, Fault


@pytest.fixture
def seen(watching: Watching, stack: LocalStack, group: str) -> Watching:
    """An environment that has seen its project, in which a job runs."""
    stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    watching.tick()
    assert watching.tick()["failures"] == []
    messages(stack)
    return watching


def test_a_project_is_degraded_after_three_minutes_and_recovers_after_three_without_a_failure(
    seen: Watching, stack: LocalStack, group: str
) -> None:
    last_seen = seen.clock()
    stack.atlas.lock_out(group)
    said = []
    for _ in range(10):
        seen.tick()
        said.append(messages(stack))
    stack.atlas.admit(group)
    seen.tick()
    seen_again = seen.clock()
    seen.ticks(RECOVERY - 2)
    assert messages(stack) == []
    seen.tick()
    (recovered,) = messages(stack)

    assert [len(one) for one in said] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    (degraded,) = said[3]
    event, data = degraded.event, degraded.event["data"]
    since = data["since"]
    assert event["type"] == DEGRADED
    assert event["id"] == f"{group}:degraded:{since}"
    assert (event["subject"], event["source"]) == (group, f"/groups/{group}")
    assert event["time"] == since
    assert _apart(since, last_seen) < 1.1 * MINUTE
    assert _apart(data["lastSuccessAt"], last_seen) < 5
    assert (data["stack"], data["groupId"], data["openJobs"]) == (STACK_NAME, group, 1)
    assert (data["error"], data["reason"]) == ("AtlasUnauthorizedError", None)
    assert "Project Read Only" in data["fix"]
    assert degraded.attributes == {"type": DEGRADED, "groupId": group}
    assert degraded.subject == f"Atlas restore watch degraded: {group}"

    assert recovered.event["type"] == RECOVERED
    assert recovered.event["id"] == f"{group}:recovered:{since}"
    assert _apart(recovered.event["time"], seen_again) < 5
    assert recovered.event["data"] == data
    assert recovered.attributes == {"type": RECOVERED, "groupId": group}


def test_a_failure_of_less_than_three_minutes_is_not_reported(
    seen: Watching, stack: LocalStack, group: str
) -> None:
    for _ in range(3):
        stack.atlas.lock_out(group)
        seen.ticks(3)
        stack.atlas.admit(group)
        seen.ticks(2)

    assert watch_messages(stack) == []
    assert "troubles" not in project_item(stack, group)


def test_degraded_and_recovered_alternate_under_ids_of_their_own(
    seen: Watching, stack: LocalStack, group: str
) -> None:
    for _ in range(3):
        stack.atlas.lock_out(group)
        seen.ticks(5)
        stack.atlas.admit(group)
        seen.ticks(RECOVERY)
    received = messages(stack)

    assert [one.event["type"] for one in received] == [DEGRADED, RECOVERED] * 3
    assert len({one.event["id"] for one in received}) == 6


def test_sweeps_write_when_a_failure_or_a_recovery_begins_breaks_or_is_reported(
    seen: Watching, stack: LocalStack, group: str
) -> None:
    counts = []
    for minute in range(13):
        if minute in {1, 7}:
            stack.atlas.lock_out(group)
        if minute in {6, 8}:
            stack.atlas.admit(group)
        seen.tick()
        # The lease is taken and given back.
        counts.append(writes(stack) - 2)

    # What is reported is written before the message and after it.
    assert counts == [0, 1, 0, 0, 2, 0, 1, 1, 1, 0, 0, 2, 0]


def acknowledges(call: Call) -> bool:
    """True for the write that removes what was published from the outbox."""
    removed = call.body.partition(b" REMOVE ")[2].partition(b'"')[0]
    return b'"project/' in call.body and b"#unsent" in removed and b"#degraded" not in removed


@pytest.mark.parametrize("what", ["publication", "acknowledgement"])
def test_a_message_that_dies_on_its_way_is_sent_again_under_its_id(
    seen: Watching, stack: LocalStack, group: str, what: str
) -> None:
    stack.atlas.lock_out(group)
    seen.ticks(3)
    refused = (
        refuse_publications(stack)
        if what == "publication"
        else stack.aws.wire.inject(
            Fault(
                operation="UpdateItem",
                when=acknowledges,
                action=aws_error("dynamodb", "InternalServerError", status=500),
                times=None,
            )
        )
    )
    with refused:
        seen.ticks(2)
    dying = messages(stack)
    stack.atlas.admit(group)
    seen.ticks(RECOVERY + 2)
    after = messages(stack)

    since = after[0].event["data"]["since"]
    ids = [one.event["id"] for one in (*dying, *after)]
    assert list(dict.fromkeys(ids)) == [f"{group}:degraded:{since}", f"{group}:recovered:{since}"]
    assert bool(dying) == (what == "acknowledgement")
    assert all(one.event == after[0].event for one in dying)
    assert [one.event["type"] for one in after] == [DEGRADED, RECOVERED]
    assert project_item(stack, group).keys().isdisjoint({"unsent", "degraded", "troubles"})


def test_a_project_recovers_although_its_degradation_was_pending(
    seen: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.lock_out(group)
    with refuse_publications(stack):
        seen.ticks(5)
        stack.atlas.admit(group)
        seen.ticks(RECOVERY - 1)
    seen.tick()

    assert watch_messages(stack) == [("degraded", group), ("recovered", group)]


def test_another_environment_goes_on_where_one_has_died(
    seen: Watching, watching_with: WatchingWith, stack: LocalStack, group: str
) -> None:
    break_project(stack, group, Reset(), times=None)
    seen.ticks(2)
    others = [watching_with((group,)) for _ in range(3)]
    for other in others:
        other.tick()
    (degraded,) = messages(stack)
    stack.atlas.wire.heal()
    for _ in range(RECOVERY):
        watching_with((group,)).tick()
    (recovered,) = messages(stack)

    since = degraded.event["data"]["since"]
    assert recovered.event["id"] == f"{group}:recovered:{since}"
    assert degraded.event["data"]["error"] == "AtlasUnavailableError"


def _apart(text: str, moment: datetime) -> float:
    return abs((datetime.fromisoformat(text) - moment) / timedelta(seconds=1))
