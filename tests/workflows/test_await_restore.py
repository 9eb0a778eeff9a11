"""The workflow that waits for a restore: its own definition, really run, with the real function."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from benchmark.waits import STATES_OF_CHILD
from integration.checking import wait_until
from integration.test_pending import refuse_publications
from integration.waits import acknowledges
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import aws_error
from local_stack.faults import Reset
from local_stack.refusal import atlas_error
from local_stack.wire import Call, Fault, Injected
from local_stack.workflows import Execution, Workflow, await_restore, in_a_hurry
from observed_stack import ObservedStack
from restore_watch.model.status_change import utc_text
from restore_watch.model.wait import TOKEN_LIMIT

ANSWERS = {"SendTaskSuccess", "SendTaskFailure"}


class AwaitRestore:
    """The workflow of the template. Only the seconds between two tries are shorter than there."""

    def __init__(self, stack: ObservedStack) -> None:
        self.stack = stack
        self._workflow = Workflow.of(stack, in_a_hurry(await_restore(stack)))

    def start(self, restore: EmulatedRestore, **more: Any) -> Execution:
        return self.run(restore.event | more)

    def run(self, given: Mapping[str, Any]) -> Execution:
        return self._workflow.start(given)

    def waits(self, restore: EmulatedRestore) -> int:
        """How many workflows wait for a job."""
        item = self.stack.item(restore.group_id, restore.cluster, restore.restore_id) or {}
        return len(item.get("waiting", ()))

    def started(self, restore: EmulatedRestore, **more: Any) -> Execution:
        """Start it, and return once it waits."""
        before = self.waits(restore)
        execution = self.start(restore, **more)
        wait_until(lambda: self.waits(restore) == before + 1)
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


@pytest.fixture
def workflow(stack: ObservedStack) -> Iterator[AwaitRestore]:
    yield AwaitRestore(stack)
    stack.settle()
    stack.reset()


def not_answered(stack: ObservedStack) -> Injected:
    """A context in which no workflow gets an answer."""
    down = aws_error("states", "ServiceUnavailable", status=503)
    to_workflows = Fault(action=down, when=lambda call: call.operation in ANSWERS, times=None)
    return stack.aws.wire.inject(to_workflows)


def answers(stack: ObservedStack) -> list[str]:
    return [call.operation for call in stack.http_calls() if call.operation in ANSWERS]


WAITED = ["Fill in defaults", "Is the restore named?", "Wait for the restore", "Say how it ended"]
OTHERWISE = [*WAITED[:3], "Read the job", WAITED[3]]


def test_the_costs_of_waiting_count_the_states_of_this_workflow() -> None:
    assert len(WAITED) == STATES_OF_CHILD


@pytest.mark.parametrize(
    ("kind", "delivery", "timeline", "outcome", "states"),
    [
        ("flex", None, ["PENDING", "RUNNING", "COMPLETED"], "COMPLETED", WAITED),
        ("flex", None, ["PENDING", "COMPLETED"], "COMPLETED", WAITED),
        ("flex", None, ["RUNNING", "FAILED"], "FAILED", OTHERWISE),
        ("dedicated", None, ["running", "finished"], "COMPLETED", WAITED),
        ("dedicated", None, ["running", "cancelled"], "CANCELLED", OTHERWISE),
        ("dedicated", "download", ["running", "download-ready"], "COMPLETED", WAITED),
        ("collection", None, ["INITIALIZING", "IN_PROGRESS", "SUCCESSFUL"], "COMPLETED", WAITED),
        ("collection", None, ["IN_PROGRESS", "FAILED"], "FAILED", OTHERWISE),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_workflow_takes_the_branch_of_how_its_restore_ended(
    workflow: AwaitRestore,
    group: str,
    kind: Kind,
    delivery: str | None,
    timeline: list[str],
    outcome: str,
    states: list[str],
) -> None:
    restore = workflow.stack.atlas.start_restore(
        group, "orders", kind, delivery_type=delivery, timeline=timeline
    )
    execution = workflow.started(restore, kind=kind)
    restore.run_to_end()

    workflow.sweep_until_over(execution)

    ended, job = how_it_ended(execution)
    assert (ended, job["status"], job["restoreId"]) == (outcome, outcome, restore.restore_id)
    # No state is entered while it waits.
    assert execution.states() == states
    item = workflow.stack.item(group, "orders", restore.restore_id) or {}
    assert ("waiting" in item, "unansweredSince" in item) == (False, False)


@pytest.mark.fault("W8")
def test_a_restore_that_has_ended_is_answered_at_once(workflow: AwaitRestore, group: str) -> None:
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])

    first = how_it_ended(workflow.start(restore))
    again = how_it_ended(workflow.start(restore))

    assert first[0] == again[0] == "COMPLETED"
    item = workflow.stack.item(group, "orders", restore.restore_id) or {}
    assert ("openShard" in item, "expiresAt" in item) == (False, True)


@pytest.mark.fault("W9")
def test_an_expired_download_is_an_outcome(workflow: AwaitRestore, group: str) -> None:
    restore = workflow.stack.atlas.start_restore(
        group, "orders", "dedicated", delivery_type="download", timeline=["finished+expired"]
    )

    assert how_it_ended(workflow.start(restore))[0] == "EXPIRED"


def test_a_cluster_is_waited_for_by_its_newest_restore(workflow: AwaitRestore, group: str) -> None:
    atlas = workflow.stack.atlas
    earlier = atlas.now() - timedelta(minutes=5)
    atlas.start_restore(group, "orders", "flex", timeline=["FAILED"], at=earlier)
    newest = atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    execution = workflow.run({"groupId": group, "clusterName": "orders"})

    outcome, job = how_it_ended(execution)

    assert (outcome, job["restoreId"]) == ("COMPLETED", newest.restore_id)
    assert execution.states() == [
        *WAITED[:2],
        "Find the newest restore",
        "Take the newest restore",
        *WAITED[2:],
    ]


@pytest.mark.parametrize(
    ("hours", "more", "error"),
    [
        (None, {}, "RestoreJobNotFoundError"),
        (2, {}, "RestoreJobNotFoundError"),
        (0.9, {}, None),
        (2, {"createdAfter": None}, None),
        (2, {"createdAfter": "2026-01-01T00:00:00Z"}, None),
        (0.9, {"createdAfter": "2999-01-01T00:00:00Z"}, "RestoreJobNotFoundError"),
        (0.9, {"createdAfter": "yesterday"}, "InvalidEventError"),
    ],
)
def test_the_newest_restore_is_one_of_the_last_hour_unless_another_moment_is_named(
    workflow: AwaitRestore,
    group: str,
    hours: float | None,
    more: dict[str, Any],
    error: str | None,
) -> None:
    """A list that lags shows only the restore before, which completed yesterday."""
    atlas = workflow.stack.atlas
    atlas.add_cluster(group, "orders", "flex")
    if hours is not None:
        at = atlas.now() - timedelta(hours=hours)
        atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"], at=at)

    ended = workflow.run({"groupId": group, "clusterName": "orders", **more}).end()

    assert (ended["status"], ended.get("error")) == ("FAILED" if error else "SUCCEEDED", error)


def test_a_search_for_the_newest_restore_is_repeated_for_five_minutes(
    workflow: AwaitRestore, group: str
) -> None:
    """A try that follows another one is billed as a state, so there are few."""
    (search, _) = await_restore(workflow.stack)["States"]["Find the newest restore"]["Retry"]
    waits = [
        search["IntervalSeconds"] * search["BackoffRate"] ** n for n in range(search["MaxAttempts"])
    ]
    assert search["ErrorEquals"] == ["RestoreJobNotFoundError"]
    assert (300 <= sum(waits) < 330, len(waits)) == (True, 5)
    atlas = workflow.stack.atlas
    atlas.add_cluster(group, "orders", "flex")

    execution = workflow.run({"groupId": group, "clusterName": "orders"})
    wait_until(lambda: atlas.wire.count(operation="flex_list") > 1)
    restore = atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])

    outcome, job = how_it_ended(execution)
    assert (outcome, job["restoreId"]) == ("COMPLETED", restore.restore_id)


@pytest.mark.parametrize(
    ("until", "timeline", "outcome"),
    [
        ("RUNNING", ["running"], "RUNNING"),
        ("QUEUED", ["running"], "RUNNING"),
        ("download-ready", ["running", "download-ready"], "COMPLETED"),
    ],
)
def test_a_workflow_may_wait_for_less_than_the_end(
    workflow: AwaitRestore, group: str, until: str, timeline: list[str], outcome: str
) -> None:
    restore = workflow.stack.atlas.start_restore(
        group, "orders", "dedicated", delivery_type="download", timeline=timeline
    )
    execution = workflow.start(restore, waitUntil=until)
    if outcome == "COMPLETED":
        wait_until(lambda: workflow.waits(restore) == 1)
        restore.run_to_end()
        workflow.sweep_until_over(execution)

    assert how_it_ended(execution)[0] == outcome


@pytest.mark.fault("W13")
@pytest.mark.parametrize(
    ("until", "timeline", "outcome"),
    [
        pytest.param("PENDING", ["PENDING", "QUEUED"], "QUEUED", marks=pytest.mark.campaign),
        ("QUEUED", ["PENDING", "RUNNING"], "RUNNING"),
        pytest.param("RUNNING", ["PENDING", "RUNNING"], "RUNNING", marks=pytest.mark.campaign),
        ("RUNNING", ["PENDING", "QUEUED"], "TIMED_OUT"),
        ("COMPLETED", ["PENDING", "RUNNING"], "TIMED_OUT"),
        # A download that is ready may still expire.
        ("EXPIRED", ["RUNNING", "COMPLETED"], "TIMED_OUT"),
        ("download-ready", ["RUNNING", "COMPLETED"], "COMPLETED"),
        ("COMPLETED", ["RUNNING", "FAILED"], "FAILED"),
    ],
)
def test_a_status_that_was_reached_unseen_is_no_timeout(
    workflow: AwaitRestore, group: str, until: str, timeline: list[str], outcome: str
) -> None:
    stack = workflow.stack
    delivery = "DOWNLOAD" if until in {"EXPIRED", "download-ready"} else None
    restore = stack.atlas.start_restore(
        group, "orders", "flex", delivery_type=delivery, timeline=timeline
    )
    stack.invoke(restore.event).result  # noqa: B018
    # The job is known, so only the last look asks Atlas.
    with stack.atlas.wire.hold() as gate, not_answered(stack):
        execution = workflow.start(restore, waitUntil=until, timeoutSeconds=1)
        gate.wait_for(1)
        restore.advance()
        gate.open()
        ended, job = how_it_ended(execution)

    assert (ended, job["status"]) == (outcome, timeline[-1])


def test_a_restore_is_named_by_either_spelling(workflow: AwaitRestore, group: str) -> None:
    """Otherwise the newest one would be waited for."""
    atlas = workflow.stack.atlas
    earlier = atlas.now() - timedelta(minutes=5)
    named = atlas.start_restore(group, "orders", "flex", timeline=["FAILED"], at=earlier)
    atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])

    spelt = {"projectId": group, "clusterName": "orders", "restoreJobId": named.restore_id}
    nothing = dict.fromkeys(("groupId", "restoreId"))

    for execution in (workflow.run(spelt), workflow.run(spelt | nothing)):
        outcome, job = how_it_ended(execution)
        assert (outcome, job["restoreId"]) == ("FAILED", named.restore_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"projectId": "6b" * 12},
        {"restoreId": "5f" * 12, "restoreJobId": "6b" * 12},
        {"groupId": None},
        {"clusterName": None},
        {"restoreId": ""},
        {"kind": "serverless"},
        {"waitUntil": "DONE"},
    ],
    ids=str,
)
def test_the_function_alone_judges_what_a_workflow_names(
    workflow: AwaitRestore, group: str, wrong: dict[str, Any]
) -> None:
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])

    ended = workflow.start(restore, **wrong).end()

    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidEventError")


def test_a_field_that_is_null_has_its_default(workflow: AwaitRestore, group: str) -> None:
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    named = {"groupId": group, "clusterName": "orders"}
    names = ("projectId", "restoreId", "restoreJobId", "kind", "waitUntil", "timeoutSeconds")
    nothing = dict.fromkeys(names)

    outcome, job = how_it_ended(workflow.run(named | nothing))

    assert (outcome, job["restoreId"]) == ("COMPLETED", restore.restore_id)


# What may go wrong


def test_a_limit_is_waited_out(workflow: AwaitRestore, group: str) -> None:
    """Each invocation makes three tries, and the workflow makes more of these."""
    limited = aws_error("dynamodb", "ProvisionedThroughputExceededException")
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    fault = Fault(action=limited, operation="UpdateItem", times=4)
    with workflow.stack.aws.wire.inject(fault):
        execution = workflow.start(restore)
        assert how_it_ended(execution)[0] == "COMPLETED"

    # A try that follows another one enters no state.
    assert execution.states() == WAITED


@pytest.mark.fault("W12")
def test_a_function_that_dies_after_it_has_stored_the_token_is_tried_again(
    workflow: AwaitRestore, group: str
) -> None:
    """Its answer is lost, not the wait. So the next try makes sure of that, and adds no state."""
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    stack.invoke(restore.event).result  # noqa: B018
    stack.forget_calls()

    with stack.aws.wire.hold(operation="UpdateItem", when=acknowledges) as gate:
        execution = workflow.start(restore)
        gate.wait_for(1)
        assert workflow.waits(restore) == 1
        stack.pool.runtimes[0].crash()
        gate.open()
        wait_until(lambda: stack.aws.wire.count(when=acknowledges) == 2, 30)
    restore.run_to_end()

    workflow.sweep_until_over(execution)

    assert how_it_ended(execution)[0] == "COMPLETED"
    assert execution.states() == WAITED


@pytest.mark.campaign  # seven invocations, each with its own tries
def test_an_outage_of_atlas_past_all_tries_fails_the_wait(
    workflow: AwaitRestore, group: str
) -> None:
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex")
    down = Fault(action=atlas_error(503, "SERVICE_UNAVAILABLE", "Down."), times=None)
    with workflow.stack.atlas.wire.inject(down):
        ended = workflow.start(restore).end()
    # For a while after that, an environment asks for no token.
    workflow.stack.new_environments()

    assert (ended["status"], ended["error"]) == ("FAILED", "AtlasUnavailableError")


def test_an_unknown_restore_fails_the_wait(workflow: AwaitRestore, group: str) -> None:
    workflow.stack.atlas.add_cluster(group, "orders", "flex")
    named = {"groupId": group, "clusterName": "orders", "restoreId": "5f" * 12}

    ended = workflow.run(named).end()

    assert (ended["status"], ended["error"]) == ("FAILED", "RestoreJobNotFoundError")


@pytest.mark.fault("W13")
@pytest.mark.parametrize(
    ("blind", "ends", "outcome", "last_states"),
    [
        (False, False, "TIMED_OUT", ["Is the wait over?", "Timed out"]),
        (False, True, "COMPLETED", ["Is the wait over?", "Say how it ended"]),
        (True, True, "TIMED_OUT", ["Timed out unseen"]),
    ],
    ids=["still running", "ended unseen", "blind"],
)
def test_a_wait_that_takes_too_long_looks_once_more(
    workflow: AwaitRestore,
    group: str,
    *,
    blind: bool,
    ends: bool,
    outcome: str,
    last_states: list[str],
) -> None:
    restore = workflow.stack.atlas.start_restore(
        group, "orders", "flex", timeline=["RUNNING", "COMPLETED"]
    )
    execution = workflow.started(restore, timeoutSeconds=1)
    if ends:
        restore.run_to_end()
    if blind:
        workflow.stack.atlas.lock_out(group)

    ended, job = how_it_ended(execution)

    assert ended == outcome
    assert (job is None) is blind
    assert execution.states() == [*WAITED[:3], "Look once more", *last_states]


@pytest.mark.fault("W7")
def test_two_workflows_may_wait_for_one_restore(workflow: AwaitRestore, group: str) -> None:
    restore = workflow.stack.atlas.start_restore(
        group, "orders", "flex", timeline=["RUNNING", "COMPLETED"]
    )
    both = [workflow.started(restore), workflow.started(restore)]
    restore.run_to_end()

    for execution in both:
        workflow.sweep_until_over(execution)

    assert [how_it_ended(execution)[0] for execution in both] == ["COMPLETED"] * 2


@pytest.mark.fault("W4")
def test_a_stopped_workflow_holds_up_nothing(workflow: AwaitRestore, group: str) -> None:
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    execution = workflow.started(restore)
    execution.client.stop_execution(executionArn=execution.arn)
    stack.received()
    restore.run_to_end()

    stack.tick()

    item = stack.item(group, "orders", restore.restore_id) or {}
    assert ("waiting" in item, "openShard" in item) == (False, False)
    assert [message.event["data"]["status"] for message in stack.received()] == ["COMPLETED"]


@pytest.mark.fault("W1")
def test_an_answer_is_sent_again_if_it_was_not_noted(workflow: AwaitRestore, group: str) -> None:
    """The function ends between the answer and the write that notes it."""
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    execution = workflow.started(restore)
    restore.run_to_end()

    def notes(call: Call) -> bool:
        return b"DELETE #waiting" in call.body

    unnoted = Fault(action=Reset(), operation="UpdateItem", when=notes, times=None)
    with stack.aws.wire.inject(unnoted):
        stack.tick()
    assert how_it_ended(execution)[0] == "COMPLETED"
    assert workflow.waits(restore) == 1
    # A second tick of the same second would be ignored.
    stack.invoke({"action": "sweep"}).result  # noqa: B018

    item = stack.item(group, "orders", restore.restore_id) or {}
    assert ("waiting" in item, "openShard" in item) == (False, False)
    assert len(answers(stack)) == 2


@pytest.mark.fault("W3")
def test_a_workflow_is_answered_once_step_functions_takes_the_answer(
    workflow: AwaitRestore, group: str
) -> None:
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "FAILED"])
    execution = workflow.started(restore)
    restore.run_to_end()
    stack.received()
    with not_answered(stack):
        stack.tick()
    # People are told all the same.
    assert [message.event["data"]["status"] for message in stack.received()] == ["FAILED"]
    assert "openShard" in (stack.item(group, "orders", restore.restore_id) or {})

    workflow.sweep_until_over(execution)

    assert how_it_ended(execution)[0] == "FAILED"
    assert stack.received() == []
    assert "openShard" not in (stack.item(group, "orders", restore.restore_id) or {})


@pytest.mark.fault("W3", "F96")
def test_an_answer_that_is_refused_is_logged_with_its_code_until_it_is_given_up(
    workflow: AwaitRestore, group: str
) -> None:
    """It may stay so: the workflow's key is disabled, for example."""
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    token = "canary-task-token" * 4
    stack.invoke(restore.event | {"taskToken": token}).result  # noqa: B018
    restore.run_to_end()
    stack.logs()
    refusal = aws_error("states", "KmsAccessDeniedException", message=f"no key for {token}")
    refuse = Fault(action=refusal, operation="SendTaskSuccess", times=None)
    with stack.aws.wire.inject(refuse):
        stack.tick()

    logs = stack.logs()
    assert "Step Functions answered KmsAccessDeniedException" in logs
    age_what_is_due(stack, restore, timedelta(days=8))
    refusal = aws_error("states", "AccessDeniedException", message=f"no key for {token}")
    refuse = Fault(action=refusal, operation="SendTaskSuccess", times=None)
    with stack.aws.wire.inject(refuse):
        # A second tick of the same second would be ignored.
        stack.invoke({"action": "sweep"}).result  # noqa: B018

    item = stack.item(group, "orders", restore.restore_id) or {}
    assert ("waiting" in item, "openShard" in item) == (False, False)
    later = stack.logs()
    assert "for good; it is given up" in later
    assert '"WorkflowsGivenUp":[1.0]' in later.replace(" ", "")
    assert "canary-task-token" not in logs + later


def age_what_is_due(stack: ObservedStack, restore: EmulatedRestore, age: timedelta) -> None:
    """The workflows of a job have been due an answer for so long."""
    stack.aws.client("dynamodb").update_item(
        TableName=stack.table_name,
        Key={
            "cluster": {"S": f"{restore.group_id}/{restore.cluster}"},
            "restoreId": {"S": restore.restore_id},
        },
        UpdateExpression="SET unansweredSince = :since",
        ExpressionAttributeValues={":since": {"S": utc_text(stack.atlas.now() - age)}},
    )


@pytest.mark.fault("W2")
def test_no_workflow_is_answered_before_the_change_is_published(
    workflow: AwaitRestore, group: str
) -> None:
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    execution = workflow.started(restore)
    restore.run_to_end()
    with refuse_publications(stack):
        stack.tick()
        assert answers(stack) == []

    workflow.sweep_until_over(execution)

    calls = [call.operation for call in stack.http_calls() if call.status == 200]
    assert calls.index("Publish") < calls.index("SendTaskSuccess")


@pytest.mark.fault("W10")
def test_a_token_is_in_no_log_line_message_or_result(workflow: AwaitRestore, group: str) -> None:
    stack = workflow.stack
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    token = "canary-task-token" * 4
    named = {
        "groupId": group,
        "clusterName": "orders",
        "restoreId": restore.restore_id,
        "taskToken": token,
    }
    results = [stack.invoke(named).payload]
    restore.run_to_end()
    results.append(stack.tick().payload)
    results += [stack.invoke({**named, "taskToken": token + "\n"}).payload]
    results += [stack.invoke({**named, "taskToken": "x" * (TOKEN_LIMIT + 1)}).payload]
    results += [stack.invoke({"targets": [named]}).payload]

    said = json.dumps(results) + stack.logs() + json.dumps([one.event for one in stack.received()])
    assert "canary-task-token" not in said
    assert [one.get("errorType") for one in results[2:]] == ["InvalidEventError"] * 3
