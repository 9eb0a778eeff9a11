"""
What moto's interpreter of workflows gets wrong, put right.

What is replaced is moto's own and private, which is why moto is pinned.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from moto.core.responses import EmptyResult

from local_stack.http_task import HttpTask

_TASK_FAILURE = "moto.stepfunctions.responses.StepFunctionResponse.send_task_failure"
_TASKS = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service"
_CHILD = f"{_TASKS}.state_task_service_sfn.StateTaskServiceSfn"
_FACTORY = "moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_factory"
_TASK_FOR = f"{_FACTORY}.state_task_service_for"
_FINDS_NONE = "moto.stepfunctions.parser.asl.utils.json_path._contains_slice_or_wildcard_array"
_NO_OWN_PREFIX = (
    "moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name"
    ".ILLEGAL_CUSTOM_ERROR_PREFIX"
)
_FORMAT = (
    "moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic"
    ".string_format.StringFormat._eval_body"
)
_EXECUTION = "moto.stepfunctions.parser.backend.execution_worker.ExecutionData"
_CHILD_PARAMETERS = f"{_CHILD}._normalise_parameters"
_CHILD_RESPONSE = f"{_CHILD}._normalise_response"

_to_boto = resolve_name(_CHILD_PARAMETERS)
_task_for = resolve_name(_TASK_FOR)
_finds_none = resolve_name(_FINDS_NONE)


@contextmanager
def repaired() -> Iterator[None]:
    """Within the block, workflows run as Step Functions runs them in these respects."""
    with ExitStack() as patches:
        for name, replacement in {
            _TASK_FAILURE: _task_failed,
            _CHILD_PARAMETERS: _child_parameters,
            _CHILD_RESPONSE: _child_response,
            _TASK_FOR: _task,
            _FINDS_NONE: _may_find_none,
            _FORMAT: _format,
            _EXECUTION: _execution,
            # Moto knows no error of the HTTP Task, and refuses what begins as they do.
            _NO_OWN_PREFIX: "\0",
        }.items():
            patches.enter_context(patch(name, replacement))
        yield


def _task_failed(response: Any) -> EmptyResult:
    """Moto forgets the cause."""
    token, error, cause = map(response._get_param, ("taskToken", "error", "cause"))  # noqa: SLF001
    response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


def _child_parameters(task: Any, parameters: dict[str, Any], **which: Any) -> None:
    """Moto leaves parameters as the definition names them, and all unnamed runs get one name."""
    _to_boto(task, parameters, **which)
    _rename(parameters, str.lower)
    parameters.setdefault("name", f"child-{uuid4().hex}")


def _child_response(_: Any, response: dict[str, Any], **__: Any) -> None:
    """Moto leaves the fields of an answer as botocore names them."""
    _rename(response, str.upper)


def _rename(fields: dict[str, Any], cased: Callable[[str], str]) -> None:
    """Change the case of the first letters."""
    renamed = {cased(name[0]) + name[1:]: value for name, value in fields.items()}
    fields.clear()
    fields.update(renamed)


def _task(service_name: str) -> Any:
    """Moto knows no HTTP Task."""
    task: Any = HttpTask
    return task() if service_name == "http" else _task_for(service_name)


def _format(function: Any, env: Any) -> None:
    """Moto takes a brace that is escaped for one that is not (localstack, issue 13425)."""
    function.argument_list.eval(env=env)
    text, *values = env.stack.pop()
    text = re.sub(r"\\+([{}])", r"\1\1", text)  # moto leaves JSON's own backslash there too
    env.stack.append(text.format(*map(function._to_str_repr, values)))  # noqa: SLF001


def _execution(**said: Any) -> dict[str, Any]:
    """Moto's StartTime in the context is no text."""
    began = said["StartTime"].isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {**said, "StartTime": f"{began}Z"}


def _may_find_none(path: str) -> bool:
    """Moto fails if a filter selects nothing; Step Functions returns an empty list."""
    return "[?(" in path or _finds_none(path)
