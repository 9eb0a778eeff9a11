"""Workflows of Step Functions, which moto's interpreter really runs."""

import json
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import yaml
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from local_stack.aws import ACCOUNT, REGION
from local_stack.stack import LocalStack

_ROOT = Path(__file__).parents[2]
_SECONDS_TO_END = 30


@dataclass
class Execution:
    """A run of a workflow."""

    client: Any
    arn: str

    @property
    def is_over(self) -> bool:
        return bool(self._described()["status"] != "RUNNING")

    def end(self) -> dict[str, Any]:
        """Wait for its end, and return what the API says of it."""
        until = time.monotonic() + _SECONDS_TO_END
        while not self.is_over:
            if time.monotonic() > until:
                raise TimeoutError(f"a workflow has not ended in {_SECONDS_TO_END} s")
            time.sleep(0.01)
        return self._described()

    def output(self) -> Any:
        """Return the output of a run that must succeed."""
        ended = self.end()
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def states(self) -> list[str]:
        """
        Return the states that were entered, in order.

        Each is a transition that is billed; so is a try after another one, which enters no state.
        """
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self._events()
            if "stateEnteredEventDetails" in event
        ]

    def seconds_to_wait(self) -> list[int]:
        """Return the time-out of each task that was scheduled with one."""
        scheduled = [event.get("taskScheduledEventDetails", {}) for event in self._events()]
        return [task["timeoutInSeconds"] for task in scheduled if "timeoutInSeconds" in task]

    def _events(self) -> list[dict[str, Any]]:
        history = self.client.get_execution_history(executionArn=self.arn, maxResults=1000)
        events: list[dict[str, Any]] = history["events"]
        return events

    def _described(self) -> dict[str, Any]:
        described: dict[str, Any] = self.client.describe_execution(executionArn=self.arn)
        return described


@dataclass
class Workflow:
    """A state machine."""

    client: Any
    arn: str

    @classmethod
    def of(cls, stack: LocalStack, definition: Mapping[str, Any]) -> Self:
        """Make the state machine of a definition without substitutions."""
        client = stack.aws.client("stepfunctions")
        made = client.create_state_machine(
            name=f"workflow-{uuid4().hex}",
            definition=json.dumps(definition),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/workflow",
        )
        return cls(client, made["stateMachineArn"])

    def start(self, given: Mapping[str, Any]) -> Execution:
        # moto gives every run without a name the same one.
        started = self.client.start_execution(
            stateMachineArn=self.arn, name=f"run-{uuid4().hex}", input=json.dumps(dict(given))
        )
        return Execution(self.client, started["executionArn"])


def await_restore(stack: LocalStack) -> dict[str, Any]:
    """
    Return the definition of the stack's own workflow, as the template makes it.

    moto's CloudFormation makes no state machine of a definition that has substitutions.
    """
    template = yaml_parse((_ROOT / "template.yaml").read_text())
    machine = template["Resources"]["AwaitRestoreStateMachine"]["Properties"]
    values = {
        "Partition": "aws",
        "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{stack.function.name}",
    }
    assert set(machine["DefinitionSubstitutions"]) == set(values)
    return substituted(_ROOT / machine["DefinitionUri"], values)


def substituted(definition: Path, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a definition with a value for each of its variables."""
    text = definition.read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def in_a_hurry(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with a second between two tries, and with as many of these."""
    hurried = deepcopy(dict(definition))
    for state in hurried["States"].values():
        for retry in state.get("Retry", ()):
            retry |= {"IntervalSeconds": 1, "BackoffRate": 1}
            retry.pop("MaxDelaySeconds", None)
            retry.pop("JitterStrategy", None)
    return hurried
