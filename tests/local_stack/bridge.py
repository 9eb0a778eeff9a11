"""Joins moto's Lambda and the real runtime: what moto invokes runs in the runtime."""

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from moto.awslambda.models import LambdaFunction

from local_stack.runtime import Invocation, Outcome

type Invoke = Callable[[Any], Invocation]


@contextmanager
def bridged(invoke: Invoke, others: Mapping[str, Invoke] = MappingProxyType({})) -> Iterator[None]:
    """
    Within the block, the API's Invoke, Step Functions and SQS event source mappings call `invoke`.

    For a function whose name is in `others` they call that.

    The method replaced is moto's own and private, which is why moto is pinned.
    """

    def replacement(
        function: LambdaFunction, body: str, _: Any, response_headers: MutableMapping[str, str]
    ) -> bytes:
        called = others.get(function.function_name, invoke)
        invocation = called(json.loads(body or "{}"))
        if invocation.outcome is not Outcome.RESULT:
            response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(invocation.payload).encode()

    original = LambdaFunction.invoke
    LambdaFunction.invoke = replacement  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        LambdaFunction.invoke = original  # type: ignore[method-assign]
