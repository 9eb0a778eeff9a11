"""A stack of this application, as CloudFormation knows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operate.aws import Aws
from operate.errors import OperateError
from operate.text_of_form import text_of_form

DEFAULT_NAME = "atlas-restore-watch"
"""The name of a stack in the README and in samconfig.toml."""

read_stack_name = text_of_form(
    r"[a-zA-Z][a-zA-Z0-9-]{0,127}", f"the name of a stack, such as {DEFAULT_NAME}"
)

_TABLE_OUTPUT = "TableName"


@dataclass(frozen=True)
class DeployedStack:
    """A stack, with its outputs and parameters."""

    name: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    def output(self, name: str) -> str:
        """Return an output. Raises OperateError if this version of the stack does not have it."""
        if name not in self.outputs:
            raise OperateError(f"the stack {self.name} has no output {name}: deploy it again")
        return self.outputs[name]


def read_stack(aws: Aws, name: str) -> DeployedStack:
    """Read a stack. Raises OperateError."""
    # CloudFormation finds nothing else wrong with a name of the right form.
    fixes = {
        "ValidationError": f"There is no stack {name} in {aws.region}. Name it with --stack, and "
        "its region with AWS_REGION"
    }
    answer = aws.ask("cloudformation", "describe_stacks", "Stacks", fixes=fixes, StackName=name)
    (stack,) = answer["Stacks"]
    outputs = _pairs(stack.get("Outputs", ()), "Output")
    parameters = _pairs(stack.get("Parameters", ()), "Parameter")
    if not outputs.get(_TABLE_OUTPUT) or "AtlasSecretArn" not in parameters:
        found = f"the stack {name} has no output {_TABLE_OUTPUT} or no parameter AtlasSecretArn"
        raise OperateError(f"{found}. Is it one of Atlas Restore Watch?")
    return DeployedStack(name, outputs, parameters)


def _pairs(entries: Any, kind: str) -> dict[str, str]:
    return {
        entry[f"{kind}Key"]: entry[f"{kind}Value"] for entry in entries if f"{kind}Value" in entry
    }
