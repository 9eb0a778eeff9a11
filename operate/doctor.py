"""
Says what works in a stack, what does not, and what to do about it: `make doctor`.

It invokes the function with `{"action": "diagnose"}`, and asks AWS what the function may not ask,
with your own AWS credentials. docs/operations.md says what is looked at.

Exit status: 0 if nothing is wrong; 1 if something is, or AWS refused; 2 if an argument is wrong.
"""

import json
import re
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import BotoCoreError
from rich.console import Console

from operate.aws_clients import AwsClients
from operate.aws_refusal import called
from operate.command_line import OneLineParser
from operate.dead_letters import dead_letters
from operate.deployed_stack import DEFAULT_NAME, STACK_NAME, DeployedStack, read_stack
from operate.doctor_report import show
from operate.errors import INTERRUPTED, ArgumentError, OperateError
from operate.key_diagnosis import KeyDiagnosis
from operate.looking import PAGE, Looking
from operate.people_diagnosis import PeopleDiagnosis
from restore_watch.diagnosis.causes import without_consequences
from restore_watch.diagnosis.line import Line

_TEST = {"yes": True, "no": False, None: False}


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

    def lines(self, event: Mapping[str, str]) -> list[Line]:
        """What a diagnosis found. A function that does not start is one line."""
        answer = self._invoke(event)
        if "errorType" in answer:
            return [_failed("function", answer)]
        try:
            return [_line(one) for one in answer["checks"]]
        except (LookupError, TypeError):
            raise _other_form() from None

    def test(self) -> Line:
        """What became of a test notification."""
        answer = self._invoke({"action": "test-notification"})
        if "messageId" in answer:
            found = "SNS has taken it. Look whether it arrives everywhere"
            return Line("test notification", ok=True, found=found)
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
        try:
            payload = json.loads(answer["Payload"].read())
        except (BotoCoreError, ValueError, RecursionError):
            raise _other_form() from None
        if not isinstance(payload, dict):
            raise _other_form()
        return payload


def _line(one: Any) -> Line:
    """Raise LookupError or TypeError if this is not a line of a diagnosis."""
    check, ok, found, fix = (one[name] for name in ("check", "ok", "found", "fix"))
    if ok not in {True, False, None} or not check:
        raise TypeError
    return Line(str(check), ok=ok, found=str(found), fix=fix and str(fix))


def _other_form() -> OperateError:
    return OperateError(
        "lambda:InvokeFunction: the function's answer has a form that is not known. Deploy the "
        "stack again, with this version"
    )


def _failed(check: str, answer: Mapping[str, Any]) -> Line:
    error = answer.get("errorType", "an unknown error")
    found = f"{error}: {answer.get('errorMessage', 'no text')}"
    return Line(check, ok=False, found=found, fix="Look for this text in docs/troubleshooting.md")


def _diagnosed(wanted: DoctorArguments, aws: AwsClients) -> Iterator[Line]:
    stack = read_stack(aws.cloudformation, wanted.stack, PAGE)
    stethoscope = Stethoscope(aws, stack)
    looking = Looking(aws)
    for line in stethoscope.lines(wanted.event):
        # A message that is sent says more than what can be told without one.
        if line.check != "publishing" or not wanted.sends_test:
            yield line
    yield from KeyDiagnosis(looking, stack).lines()
    yield from PeopleDiagnosis(looking, stack).lines()
    yield from dead_letters(looking, stack)
    if wanted.sends_test:
        yield stethoscope.test()


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        wanted = DoctorArguments.read(words)
        with AwsClients() as aws:
            lines = without_consequences(list(_diagnosed(wanted, aws)))
    except OperateError as error:
        Console(stderr=True).print(
            f"doctor: {error}", markup=False, highlight=False, soft_wrap=True
        )
        return error.exit_status
    except KeyboardInterrupt:
        # An answer that was half read complains when it is dropped.
        sys.unraisablehook = lambda _: None
        Console(stderr=True).print("doctor: stopped")
        return INTERRUPTED
    console = Console(highlight=False)
    show(lines, console)
    wrong = sum(one.ok is False for one in lines)
    console.print(f"\n{wrong} of {len(lines)} are wrong" if wrong else "\nNothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
