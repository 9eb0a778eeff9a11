"""The workflow that waits for a restore: its own definition, really run, with the real function."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from behaviour.rows import rows
from contract.documents import page
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.faults import Answer
from local_stack.running import wait_until
from local_stack.wire import Call, Fault
from local_stack.workflows import Execution, Workflow, await_restore, in_a_hurry
from observed_stack import ObservedStack
from restore_watch.model.workflow_wait import WaitError


class AwaitRestore:
    """The workflow of the template. Only the seconds between two tries are shorter than there."""

    def __init__(self, stack: ObservedStack, group: str) -> None:
        self.stack = stack
        self.cluster = {"groupId": group, "clusterName": "orders"}
        self._group = group
        self._workflow = Workflow.of(stack, in_a_hurry(await_restore(stack)))

    def restore(self, *timeline: str, kind: Kind = "flex", **more: Any) -> EmulatedRestore:
        """Begin a restore of the cluster in Atlas."""
        atlas = self.stack.atlas
        return atlas.start_restore(self._group, "orders", kind, timeline=timeline, **more)

    def start(self, restore: EmulatedRestore, **more: Any) -> Execution:
        return self.run(**restore.event | more)

    def run(self, **given: Any) -> Execution:
        return self._workflow.start(given)

    def item(self, restore: EmulatedRestore) -> dict[str, Any]:
        return self.stack.item(self._group, "orders", restore.restore_id) or {}

    def is_settled(self, restore: EmulatedRestore) -> bool:
        """Whether no workflow waits for a job, and no sweep looks at it."""
        return self.item(restore).keys().isdisjoint({"waiting", "unansweredSince", "openShard"})

    def waits(self, restore: EmulatedRestore) -> int:
        """How many workflows wait for a job."""
        return len(self.item(restore).get("waiting", ()))

    def started(self, restore: EmulatedRestore, **more: Any) -> Execution:
        """Start it, and return once it waits."""
        execution = self.start(restore, **more)
        wait_until(lambda: self.waits(restore) == 1)
        return execution

    def sweep_until_over(self, execution: Execution) -> None:
        """Tick as the schedule does, until the workflow has ended."""

        def tick() -> bool:
            if not execution.is_over:
                self.stack.tick()
            return execution.is_over

        wait_until(tick, 30)


def how_it_ended(execution: Execution) -> tuple[str, Any]:
    """The outcome and the job of a run that has succeeded."""
    output = execution.output()
    assert set(output) == {"outcome", "job"}
    return output["outcome"], output["job"]


def error_of(execution: Execution) -> str | None:
    """The error of a run that has failed, and nothing for one that has succeeded."""
    ended = execution.end()
    assert (ended["status"] == "FAILED") is ("error" in ended)
    error: str | None = ended.get("error")
    return error


@pytest.fixture
def workflow(stack: ObservedStack, group: str) -> Iterator[AwaitRestore]:
    yield AwaitRestore(stack, group)
    stack.settle()
    stack.reset()


WAITED = ["Fill in defaults", "Is the restore named?", "Wait for the restore", "Say how it ended"]
OTHERWISE = [*WAITED[:3], "Read the job", WAITED[3]]
LATE = [*WAITED[:3], "Look once more"]


@pytest.mark.campaign
def test_every_end_is_caught_and_the_costs_count_the_states(stack: ObservedStack) -> None:
    caught, _ = await_restore(stack)["States"]["Wait for the restore"]["Catch"]

    assert {*caught["ErrorEquals"], WaitError.NOT_FOLLOWED} == {*WaitError}
    # With the state of the parent that waits, and its choice by the outcome.
    assert f"one state, {len(WAITED) + 2} with the workflow of the stack" in page("workflows")


IN_PROGRESS = ["INITIALIZING", "IN_PROGRESS", "SUCCESSFUL"]

ENDS: dict[str, tuple[Kind, str | None, list[str], str, list[str]]] = {
    "completed": ("flex", None, ["PENDING", "RUNNING", "COMPLETED"], "COMPLETED", WAITED),
    "failed": ("flex", None, ["RUNNING", "FAILED"], "FAILED", OTHERWISE),
    "cancelled": ("dedicated", None, ["running", "cancelled"], "CANCELLED", OTHERWISE),
    "expired": ("dedicated", "download", ["running", "finished+expired"], "EXPIRED", OTHERWISE),
    "collection": ("collection", None, IN_PROGRESS, "COMPLETED", WAITED),
}


@pytest.mark.parametrize(
    ("kind", "delivery", "timeline", "outcome", "states"), rows(ENDS, "completed", "cancelled")
)
def test_a_workflow_takes_the_branch_of_how_its_restore_ended(
    workflow: AwaitRestore,
    kind: Kind,
    delivery: str | None,
    timeline: list[str],
    outcome: str,
    states: list[str],
) -> None:
    restore = workflow.restore(*timeline, kind=kind, delivery_type=delivery)
    execution = workflow.started(restore, kind=kind)
    restore.run_to_end()

    workflow.sweep_until_over(execution)

    ended, job = how_it_ended(execution)
    assert (ended, job["status"], job["restoreId"]) == (outcome, outcome, restore.restore_id)
    # No state is entered while it waits.
    assert execution.states() == states
    assert workflow.is_settled(restore)


# Which restore is waited for


SIX_HOURS = 21_600
"""The page about workflows says for how long one waits by default."""

FIELDS = ("projectId", "restoreId", "restoreJobId", "kind", "waitUntil", "timeoutSeconds")


def test_a_cluster_is_waited_for_by_its_newest_restore(workflow: AwaitRestore) -> None:
    """A workflow that fills in every other field with null gets the defaults."""
    earlier = workflow.stack.atlas.now() - timedelta(minutes=5)
    workflow.restore("FAILED", at=earlier)
    newest = workflow.restore("COMPLETED")
    execution = workflow.run(**workflow.cluster, **dict.fromkeys(FIELDS))

    outcome, job = how_it_ended(execution)

    assert (outcome, job["restoreId"]) == ("COMPLETED", newest.restore_id)
    assert execution.seconds_to_wait() == [SIX_HOURS]
    found = ["Find the newest restore", "Take the newest restore"]
    defaults = ["Take the default time", WAITED[1]]
    assert execution.states() == [*WAITED[:2], *defaults, *found, *WAITED[2:]]


def test_a_restore_that_atlas_does_not_list_yet_is_looked_for_again(
    workflow: AwaitRestore,
) -> None:
    """And an earlier one, of two hours ago, is not taken for it."""
    atlas = workflow.stack.atlas
    workflow.restore("FAILED", at=atlas.now() - timedelta(hours=2))
    execution = workflow.run(**workflow.cluster)
    wait_until(lambda: execution.is_over or atlas.wire.count(operation="flex_list") > 1)

    restore = workflow.restore("COMPLETED")

    outcome, job = how_it_ended(execution)
    assert (outcome, job["restoreId"]) == ("COMPLETED", restore.restore_id)
    assert execution.seconds_to_wait() == [SIX_HOURS]


@pytest.mark.campaign
def test_a_search_for_the_newest_restore_is_repeated_for_five_minutes(
    workflow: AwaitRestore,
) -> None:
    """A try that follows another one is billed as a state, so there are few."""
    (search, _) = await_restore(workflow.stack)["States"]["Find the newest restore"]["Retry"]
    waits = [
        search["IntervalSeconds"] * search["BackoffRate"] ** n for n in range(search["MaxAttempts"])
    ]

    assert search["ErrorEquals"] == ["RestoreJobNotFoundError"]
    assert (300 <= sum(waits) < 330, len(waits)) == (True, 5)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("hours", "more", "error"),
    [
        (2, {}, "RestoreJobNotFoundError"),
        (0.9, {}, None),
        (2, {"createdAfter": "2026-01-01T00:00:00Z"}, None),
        (0.9, {"createdAfter": "yesterday"}, "InvalidEventError"),
    ],
    ids=["older", "younger", "older, but named", "no moment"],
)
def test_the_newest_restore_is_one_of_the_last_hour_unless_another_moment_is_named(
    workflow: AwaitRestore, hours: float, more: dict[str, Any], error: str | None
) -> None:
    """A list that lags shows only the restore before, which completed yesterday."""
    workflow.restore("COMPLETED", at=workflow.stack.atlas.now() - timedelta(hours=hours))

    assert error_of(workflow.run(**workflow.cluster, **more)) == error


def test_a_restore_is_named_by_either_spelling(workflow: AwaitRestore, group: str) -> None:
    """Otherwise the newest one would be waited for."""
    named = workflow.restore("FAILED", at=workflow.stack.atlas.now() - timedelta(minutes=5))
    workflow.restore("COMPLETED")
    spelt = {"projectId": group, "clusterName": "orders", "restoreJobId": named.restore_id}

    outcome, job = how_it_ended(workflow.run(**spelt))

    assert (outcome, job["restoreId"]) == ("FAILED", named.restore_id)


# What may go wrong


def says_completed(call: Call) -> bool:
    return b"COMPLETED" in call.body


LAST_LOOKS = {
    "still running": (False, False, "TIMED_OUT", ["Is the wait over?", "Timed out"]),
    "ended unseen": (False, True, "COMPLETED", ["Is the wait over?", "Say how it ended"]),
    "blind": (True, True, "TIMED_OUT", ["Timed out unseen"]),
}


@pytest.mark.fault("W13")
@pytest.mark.parametrize(
    ("blind", "ends", "outcome", "last_states"), rows(LAST_LOOKS, "ended unseen")
)
def test_a_wait_that_takes_too_long_looks_once_more(
    workflow: AwaitRestore, *, blind: bool, ends: bool, outcome: str, last_states: list[str]
) -> None:
    """And again if the topic did not take the message about what it saw."""
    restore = workflow.restore("RUNNING", "COMPLETED")
    execution = workflow.started(restore, timeoutSeconds=1)
    down = Fault(action=Answer(503), operation="Publish", when=says_completed, times=3)
    workflow.stack.aws.wire.inject(down)
    if ends:
        restore.run_to_end()
    if blind:
        workflow.stack.atlas.lock_out(workflow.cluster["groupId"])

    ended, job = how_it_ended(execution)

    assert (ended, job is None) == (outcome, blind)
    assert execution.states() == [*LATE, *last_states]


TOKEN = "canary-task-token" * 4


@pytest.mark.campaign
@pytest.mark.fault("W10")
def test_a_token_is_in_no_log_line_message_or_result(workflow: AwaitRestore) -> None:
    stack, restore = workflow.stack, workflow.restore("RUNNING", "COMPLETED")
    named = {**workflow.cluster, "restoreId": restore.restore_id, "taskToken": TOKEN}
    results = [stack.invoke(named).payload]
    restore.run_to_end()
    results.append(stack.tick().payload)
    for wrong in (
        {**named, "taskToken": f"{TOKEN}\n"},
        {**named, "taskToken": "x" * 2049},
        {"targets": [named]},
    ):
        results.append(stack.invoke(wrong).payload)
        assert results[-1]["errorType"] == "InvalidEventError"

    said = json.dumps(results) + stack.logs() + json.dumps([one.event for one in stack.received()])
    assert "canary-task-token" not in said
