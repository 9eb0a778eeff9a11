"""
Says what works in a stack, what does not, and what to do about it.

It invokes the function with `{"action": "diagnose"}`, and asks AWS what the function may not ask,
with your own AWS credentials. docs/operations.md says what is looked at.

Exit status: 0 if nothing is wrong; 1 if something is or was not read, or AWS refused; 2 if an
argument is wrong.
"""

import json
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Self

from botocore.exceptions import BotoCoreError
from pydantic import (
    BaseModel,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
    model_validator,
)
from rich.console import Console
from rich.text import Text

from foundation.json_text import read_object
from operate.aws import ONCE, Aws
from operate.deployed_stack import DEFAULT_NAME, DeployedStack, read_stack, read_stack_name
from operate.errors import OperateError, plain
from operate.stack_diagnosis import StackDiagnosis
from restore_watch.diagnosis.line import (
    Line,
    bad,
    good,
    unread,
    whole,
    without_consequences,
)

_OTHER_FORM = (
    "lambda:InvokeFunction: the function's answer has a form that is not known. Deploy the stack "
    "again, with this version"
)

_NOT_READ = "the function could not read everything that it needs to say that nothing is wrong"

STOPPED = "stopped"


class _Check(BaseModel):
    check: StrictStr
    ok: StrictBool | None
    found: StrictStr
    fix: StrictStr | None


class _Diagnosis(BaseModel):
    """The answer of the function. A value of another type is not guessed at: "yes" is not true."""

    ok: StrictBool | None
    checks: Annotated[list[_Check], Field(min_length=1)]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Refuse an `ok` of the whole that its checks contradict."""
        if (self.ok is False) is not any(check.ok is False for check in self.checks):
            raise ValueError
        return self


def _of_function(aws: Aws, stack: DeployedStack, event: Mapping[str, str]) -> list[Line]:
    """Return the findings of the function. A function that does not start is a single line."""
    answer = _invoked(aws, stack, event)
    if "errorType" in answer:
        return [_failed("function", answer)]
    try:
        diagnosis = _Diagnosis.model_validate(answer)
    except ValidationError:
        raise OperateError(_OTHER_FORM) from None
    lines = [Line(**check.model_dump()) for check in diagnosis.checks]
    if diagnosis.ok is None:
        lines.append(unread("diagnosis", _NOT_READ, "Run the command again in a minute"))
    return lines


def _invoked(aws: Aws, stack: DeployedStack, event: Mapping[str, str]) -> dict[str, Any]:
    name, payload = stack.output("FunctionName"), json.dumps(event)
    fixes = {
        "ResourceNotFoundException": "The function was deleted: deploy the stack again",
        "TooManyRequestsException": (
            "Run the command again later. If it stays so, somebody may have stopped the function: "
            f"`aws lambda delete-function-concurrency --function-name {name}` lets it run again"
        ),
    }
    answer = aws.ask(
        "lambda", "invoke", "Payload", config=ONCE, fixes=fixes, FunctionName=name, Payload=payload
    )
    with suppress(BotoCoreError):
        if said := read_object(answer["Payload"].read()):
            return said
    raise OperateError(_OTHER_FORM)


def _failed(check: str, answer: Mapping[str, Any]) -> Line:
    error, text = answer.get("errorType", "an unknown error"), answer.get("errorMessage", "no text")
    return bad(check, f"{error}: {text}", "Look for this text in docs/troubleshooting.md")


def _diagnosed(aws: Aws, given: Namespace) -> Iterator[Line]:
    stack = read_stack(aws, given.stack)
    named = {"groupId": given.project, "clusterName": given.cluster}
    event = {"action": "diagnose"} | {name: text for name, text in named.items() if text}
    for line in _of_function(aws, stack, event):
        # A test message proves more than a look.
        if line.check != "publishing" or not given.test:
            yield line
    yield from StackDiagnosis(aws, stack).lines()
    if given.test:
        check, answer = "test notification", _invoked(aws, stack, {"action": "test-notification"})
        taken = good(check, "SNS has taken it. Look whether it arrives everywhere")
        yield taken if "messageId" in answer else _failed(check, answer)


def add_arguments(line: ArgumentParser) -> None:
    """Add the arguments of the command. The function itself checks the project and the cluster."""
    line.add_argument(
        "--stack", type=read_stack_name, default=DEFAULT_NAME, help="default: %(default)s"
    )
    line.add_argument("--project", help="id of a project to look at")
    line.add_argument("--cluster", help="a cluster of this project to look at")
    line.add_argument("--test", action="store_true", help="send a test notification too")


def wrong_argument(given: Namespace) -> str | None:
    """Return what is wrong with the arguments together, None if nothing."""
    if given.cluster and not given.project:
        return "argument --cluster: expected --project too, the id of its project"
    return None


def run(given: Namespace) -> int:
    """Run the command and return its exit status. Raises OperateError."""
    with Aws("docs/operations.md") as aws:
        lines = without_consequences(list(_diagnosed(aws, given)))
    console = Console(highlight=False)
    _show(lines, console)
    wrong = sum(line.ok is False for line in lines)
    ok = whole(lines)
    if ok:
        console.print("\nNothing is wrong")
    elif ok is None:
        console.print("\nNothing that could be read is wrong, but not everything was read")
    else:
        console.print(f"\n{wrong} of {len(lines)} are wrong")
    return 0 if ok else 1


_MARKS = {True: ("ok", ""), False: ("wrong", "bold red"), None: ("?", "")}

_INDENT = " " * 7


def _show(lines: Sequence[Line], console: Console) -> None:
    """Show each line, and its fix. An id or a command stays whole, so that it can be copied."""
    wrapper = textwrap.TextWrapper(
        max(40, min(console.width, 120)),
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        mark, style = _MARKS[line.ok]
        found = Text(wrapper.fill(f"{mark:<7}{plain(line.check)}  {plain(line.found)}"))
        found.stylize(style, 0, len(mark))
        console.print(found, soft_wrap=True)
        for text in map(plain, (line.fix or "").splitlines()):
            fix = _INDENT + text if text.startswith("aws ") else wrapper.fill(f"{_INDENT}-> {text}")
            console.print(Text(fix), soft_wrap=True)
