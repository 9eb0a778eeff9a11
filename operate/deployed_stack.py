"""A stack of this application, as CloudFormation knows it: its parts and its objectives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operate.aws import Aws
from operate.errors import OperateError
from operate.objectives import Objectives, seconds

DEFAULT_NAME = "atlas-restore-watch"
"""The name that `make deploy` gives to a stack."""

STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")

TABLE_OUTPUT = "TableName"
RTO_PARAMETER, RPO_PARAMETER = "RtoMinutes", "RpoMinutes"


@dataclass(frozen=True)
class DeployedStack:
    """A stack, its outputs and parameters, and the objectives that its parameters set."""

    name: str
    table_name: str
    function_name: str
    objectives: Objectives
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]


def read_stack(aws: Aws, name: str) -> DeployedStack:
    """Read a stack. Raises OperateError."""
    # CloudFormation finds nothing else wrong with a name of the right form.
    missing = (
        f"There is no stack {name} in {aws.region}. Name it with STACK=..., and its region with "
        "AWS_REGION=..."
    )
    (stack,) = aws.ask(
        "cloudformation",
        "describe_stacks",
        "Stacks",
        fixes={"ValidationError": missing},
        StackName=name,
    )["Stacks"]
    outputs = _pairs(stack.get("Outputs", ()), "Output")
    parameters = _pairs(stack.get("Parameters", ()), "Parameter")
    if not outputs.get(TABLE_OUTPUT):
        msg = f"the stack {name} has no output {TABLE_OUTPUT}. Is it one of Atlas Restore Watch?"
        raise OperateError(msg)
    return DeployedStack(
        name=name,
        table_name=outputs[TABLE_OUTPUT],
        function_name=outputs.get("FunctionName", ""),
        # A stack of an older version has no such parameters.
        objectives=Objectives(
            rto=_objective(parameters, RTO_PARAMETER), rpo=_objective(parameters, RPO_PARAMETER)
        ),
        outputs=outputs,
        parameters=parameters,
    )


def _objective(parameters: Mapping[str, str], name: str) -> float | None:
    try:
        return seconds(parameters.get(name, "0")) or None
    except ValueError as error:
        msg = f"the parameter {name} of the stack is wrong: {error}"
        raise OperateError(msg) from None


def _pairs(entries: Any, kind: str) -> dict[str, str]:
    return {
        entry[f"{kind}Key"]: entry[f"{kind}Value"] for entry in entries if f"{kind}Value" in entry
    }
