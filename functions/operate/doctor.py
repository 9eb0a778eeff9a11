"""
Says what works in a stack, what does not, and what to do about it: `make doctor`.

It invokes the function with `{"action": "diagnose"}`, with your own AWS credentials, and prints
what that found as a table. docs/operations.md says what is looked at.

Exit status: 0 if nothing is wrong; 1 if something is, or AWS refused; 2 if an argument is wrong.
"""

import json
import re
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operate.aws_clients import AwsClients
from operate.aws_refusal import called
from operate.command_line import OneLineParser
from operate.deployed_stack import DEFAULT_NAME, STACK_NAME, DeployedStack, read_stack
from operate.errors import INTERRUPTED, ArgumentError, OperateError

PAGE = "docs/operations.md"
"""The page with the permissions that this command needs."""

_MARKS = {True: "ok", False: "[bold red]wrong[/]", None: "?"}

_TEST = {"yes": True, "no": False, None: False}

type Check = Mapping[str, Any]
"""A line of a diagnosis: `check`, `ok`, `found` and `fix`."""


@dataclass(frozen=True)
class DoctorArguments:
    """Which stack is diagnosed, and what is looked at besides."""

    stack: str
    event: Mapping[str, str]
    sends_test: bool

    @classmethod
    def read(cls, words: Sequence[str] | None) -> Self:
        """Read the words of the command line. Raises ArgumentError."""
        parser = OneLineParser(
            prog="python -m operate.doctor",
            allow_abbrev=False,
            description=__doc__,
            formatter_class=RawDescriptionHelpFormatter,
        )
        for name in ("stack", "project", "cluster", "test"):
            parser.add_argument(f"--{name}")
        given = parser.parse_args(words)
        stack = given.stack or DEFAULT_NAME
        if not re.fullmatch(STACK_NAME, stack):
            raise ArgumentError("STACK", f"expected the name of a stack, such as {DEFAULT_NAME}")
        if given.test not in _TEST:
            raise ArgumentError("TEST", "expected yes or no")
        # The function checks both, and says what it expects.
        named = {"groupId": given.project, "clusterName": given.cluster}
        event = {"action": "diagnose"} | {name: text for name, text in named.items() if text}
        return cls(stack, event, _TEST[given.test])


class Stethoscope:
    """Invokes the function of a stack. Its methods raise OperateError."""

    def __init__(self, aws: AwsClients, stack: DeployedStack) -> None:
        if not stack.function_name:
            msg = f"the stack {stack.name} has no output FunctionName: deploy it again"
            raise OperateError(msg)
        self._aws = aws
        self._function = stack.function_name

    def checks(self, event: Mapping[str, str]) -> list[Check]:
        """What a diagnosis found. A function that does not start is the only line."""
        answer = self._invoke(event)
        if "checks" in answer:
            found: list[Check] = answer["checks"]
            return found
        return [_failed("function", answer)]

    def test(self) -> Check:
        """What became of a test notification."""
        answer = self._invoke({"action": "test-notification"})
        if "messageId" in answer:
            found = "SNS has taken it. Look whether it arrives everywhere"
            return {"check": "test notification", "ok": True, "found": found, "fix": None}
        return _failed("test notification", answer)

    def _invoke(self, event: Mapping[str, str]) -> dict[str, Any]:
        answer = called(
            "lambda:InvokeFunction",
            self._aws.functions.invoke,
            "Payload",
            policy_page=PAGE,
            fixes={"ResourceNotFoundException": "The function was deleted: deploy the stack again"},
            FunctionName=self._function,
            Payload=json.dumps(event),
        )
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        return payload


def _failed(check: str, answer: Mapping[str, Any]) -> Check:
    error = answer.get("errorType", "an unknown error")
    found = f"{error}: {answer.get('errorMessage', 'no text')}"
    fix = "Look for this text in docs/troubleshooting.md"
    return {"check": check, "ok": False, "found": found, "fix": fix}


def _table(checks: Sequence[Check]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in ("check", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for one in checks:
        cells = [Text(str(one[name] or "")) for name in ("check", "found", "fix")]
        table.add_row(_MARKS[one["ok"]], *cells)
    return table


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        wanted = DoctorArguments.read(words)
        with AwsClients() as aws:
            stethoscope = Stethoscope(aws, read_stack(aws.cloudformation, wanted.stack, PAGE))
            checks = stethoscope.checks(wanted.event)
            if wanted.sends_test:
                checks = [*checks, stethoscope.test()]
    except OperateError as error:
        Console(stderr=True).print(f"doctor: {error}", markup=False, highlight=False)
        return error.exit_status
    except KeyboardInterrupt:
        Console(stderr=True).print("doctor: stopped")
        return INTERRUPTED
    console = Console(highlight=False)
    console.print(_table(checks))
    wrong = sum(one["ok"] is False for one in checks)
    console.print(f"\n{wrong} of {len(checks)} are wrong" if wrong else "\nNothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
