"""The workflow that waits for a restore: its own definition, really run, with the real function."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from integration.checking import ROOT, wait_until
from integration.test_pending import refuse_publications
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import ACCOUNT, REGION, aws_error
from local_stack.faults import Reset
from local_stack.refusal import atlas_error
from local_stack.wire import Call, Fault
from observed_stack import ObservedStack
from restore_watch.waiting import TOKEN_LIMIT

ANSWERS = {"SendTaskSuccess", "SendTaskFailure"}


@dataclass
class Execution:
    """A run of the workflow."""

    client: Any
    arn: str

    @property
    def is_over(self) -> bool:
        return bool(self.client.describe_execution(executionArn=self.arn)["status"] != "RUNNING")

    def end(self) -> dict[str, Any]:
        """Wait for its end, and return what the API says of it."""
        wait_until(lambda: self.is_over, 30)
        described: dict[str, Any] = self.client.describe_execution(executionArn=self.arn)
        return described

    def output(self) -> tuple[str, Any]:
        """The outcome and the job of a run that has succeeded."""
        described = self.end()
        assert described["status"] == "SUCCEEDED", described
        output = json.loads(described["output"])
        assert set(output) == {"outcome", "job"}
        return output["outcome"], output["job"]

    def states(self) -> list[str]:
        """The states that were entered, in order: each is a transition that is billed."""
        events = self.client.get_execution_history(executionArn=self.arn, maxResults=1000)["events"]
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in events
            if "stateEnteredEventDetails" in event
        ]


class AwaitRestore:
    """
    The workflow of the template. Only the seconds between two tries are shorter than there.

    moto's CloudFormation makes no state machine of a definition that has substitutions.
    """

    def __init__(self, stack: ObservedStack) -> None:
        self.stack = stack
        self._client = stack.aws.client("stepfunctions")
        template = yaml_parse((ROOT / "template.yaml").read_text())
        machine = template["Resources"]["AwaitRestoreStateMachine"]["Properties"]
        text = (ROOT / machine["DefinitionUri"]).read_text()
        substitutes = {
            "Partition": "aws",
            "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{stack.function.name}",
        }
        assert set(machine["DefinitionSubstitutions"]) == set(substitutes)
        for name, value in substitutes.items():
            text = text.replace(f"${{{name}}}", value)
        definition = _in_a_hurry(_loaded(text))
        role = stack.aws.client("iam").create_role(
            RoleName=f"await-{time.monotonic_ns()}", AssumeRolePolicyDocument="{}"
        )
        self._arn = self._client.create_state_machine(
            name=f"await-{time.monotonic_ns()}",
            definition=json.dumps(definition),
            roleArn=role["Role"]["Arn"],
        )["stateMachineArn"]

    def start(self, restore: EmulatedRestore, **more: Any) -> Execution:
        named = {
            "groupId": restore.group_id,
            "clusterName": restore.cluster,
            "restoreId": restore.restore_id,
        }
        return self.run({**named, **more})

    def run(self, given: Mapping[str, Any]) -> Execution:
        # moto gives every run without a name the same one.
        name = f"run-{time.monotonic_ns()}"
        started = self._client.start_execution(
            stateMachineArn=self._arn, name=name, input=json.dumps(dict(given))
        )
        return Execution(self._client, started["executionArn"])

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


def _loaded(text: str) -> dict[str, Any]:
    definition: dict[str, Any] = yaml.safe_load(text)
    return definition


def _in_a_hurry(definition: dict[str, Any]) -> dict[str, Any]:
    for state in definition["States"].values():
        for retry in state.get("Retry", ()):
            retry |= {"IntervalSeconds": 1, "BackoffRate": 1}
            retry.pop("MaxDelaySeconds", None)
            retry.pop("JitterStrategy", None)
    return definition


@pytest.fixture
def workflow(stack: ObservedStack) -> Iterator[AwaitRestore]:
    yield AwaitRestore(stack)
    stack.settle()
    stack.reset()


def answers(stack: ObservedStack) -> list[str]:
    return [call.operation for call in stack.http_calls() if call.operation in ANSWERS]


WAITED = ["Fill in defaults", "Is the restore named?", "Wait for the restore", "Say how it ended"]
OTHERWISE = [*WAITED[:3], "Read the job", WAITED[3]]


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

    ended, job = execution.output()
    assert (ended, job["status"], job["restoreId"]) == (outcome, outcome, restore.restore_id)
    # No state is entered while it waits.
    assert execution.states() == states
    item = workflow.stack.item(group, "orders", restore.restore_id) or {}
    assert ("waiting" in item, "unansweredSince" in item) == (False, False)


@pytest.mark.fault("W8")
def test_a_restore_that_has_ended_is_answered_at_once(workflow: AwaitRestore, group: str) -> None:
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])

    first = workflow.start(restore).output()
    again = workflow.start(restore).output()

    assert first[0] == again[0] == "COMPLETED"
    item = workflow.stack.item(group, "orders", restore.restore_id) or {}
    assert ("openShard" in item, "expiresAt" in item) == (False, True)


@pytest.mark.fault("W9")
def test_an_expired_download_is_an_outcome(workflow: AwaitRestore, group: str) -> None:
    restore = workflow.stack.atlas.start_restore(
        group, "orders", "dedicated", delivery_type="download", timeline=["finished+expired"]
    )

    assert workflow.start(restore).output()[0] == "EXPIRED"


def test_a_cluster_is_waited_for_by_its_newest_restore(workflow: AwaitRestore, group: str) -> None:
    atlas = workflow.stack.atlas
    earlier = atlas.now() - timedelta(minutes=5)
    atlas.start_restore(group, "orders", "flex", timeline=["FAILED"], at=earlier)
    newest = atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    execution = workflow.run({"groupId": group, "clusterName": "orders"})

    outcome, job = execution.output()

    assert (outcome, job["restoreId"]) == ("COMPLETED", newest.restore_id)
    assert execution.states() == [
        *WAITED[:2],
        "Find the newest restore",
        "Take the newest restore",
        *WAITED[2:],
    ]


def test_a_cluster_without_a_restore_is_an_error(workflow: AwaitRestore, group: str) -> None:
    workflow.stack.atlas.add_cluster(group, "orders", "dedicated")

    ended = workflow.run({"groupId": group, "clusterName": "orders"}).end()

    assert (ended["status"], ended["error"]) == ("FAILED", "RestoreJobNotFoundError")


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

    assert execution.output()[0] == outcome


# What may go wrong


def test_a_limit_is_waited_out(workflow: AwaitRestore, group: str) -> None:
    """Each invocation makes three tries, and the workflow makes more of these."""
    limited = aws_error("dynamodb", "ProvisionedThroughputExceededException")
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    fault = Fault(action=limited, operation="UpdateItem", times=4)
    with workflow.stack.aws.wire.inject(fault):
        execution = workflow.start(restore)
        assert execution.output()[0] == "COMPLETED"

    # A try that follows another one enters no state.
    assert execution.states() == WAITED


@pytest.mark.campaign  # seven invocations, each with its own tries
def test_an_outage_of_atlas_past_all_tries_fails_the_wait(
    workflow: AwaitRestore, group: str
) -> None:
    restore = workflow.stack.atlas.start_restore(group, "orders", "flex")
    down = Fault(action=atlas_error(503, "SERVICE_UNAVAILABLE", "Down."), times=None)
    with workflow.stack.atlas.wire.inject(down):
        ended = workflow.start(restore).end()

    assert (ended["status"], ended["error"]) == ("FAILED", "AtlasUnavailableError")


def test_an_unknown_restore_fails_the_wait(workflow: AwaitRestore, group: str) -> None:
    workflow.stack.atlas.add_cluster(group, "orders", "flex")
    named = {"groupId": group, "clusterName": "orders", "restoreId": "5f" * 12}

    ended = workflow.run(named).end()

    assert (ended["status"], ended["error"]) == ("FAILED", "RestoreJobNotFoundError")


@pytest.mark.parametrize(
    ("blind", "ends", "outcome", "last_states"),
    [
        (False, False, "TIMED_OUT", ["Has it ended meanwhile?", "Timed out"]),
        (False, True, "COMPLETED", ["Has it ended meanwhile?", "Say how it ended"]),
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

    ended, job = execution.output()

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

    assert [execution.output()[0] for execution in both] == ["COMPLETED"] * 2


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
    assert execution.output()[0] == "COMPLETED"
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
    down = Fault(
        action=aws_error("states", "ServiceUnavailable", status=503),
        operation="SendTaskFailure",
        times=None,
    )
    with stack.aws.wire.inject(down):
        stack.tick()
    # People are told all the same.
    assert [message.event["data"]["status"] for message in stack.received()] == ["FAILED"]
    assert "openShard" in (stack.item(group, "orders", restore.restore_id) or {})

    workflow.sweep_until_over(execution)

    assert execution.output()[0] == "FAILED"
    assert stack.received() == []
    assert "openShard" not in (stack.item(group, "orders", restore.restore_id) or {})


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
