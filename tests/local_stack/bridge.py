"""Joins moto's Lambda and the real runtime: what moto invokes runs in the runtime."""

import json
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from moto.awslambda.models import LambdaFunction

from local_stack.runtime import Invocation, Outcome

type Invoke = Callable[[Any], Invocation]


@contextmanager
def bridged(invoke: Invoke) -> Iterator[None]:
    """
    Within the block, the API's Invoke, Step Functions and SQS event source mappings call `invoke`.

    The method replaced is moto's own and private, which is why moto is pinned.
    """

    def replacement(
        _: LambdaFunction, body: str, __: Any, response_headers: MutableMapping[str, str]
    ) -> bytes:
        invocation = invoke(json.loads(body or "{}"))
        if invocation.outcome is not Outcome.RESULT:
            response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(invocation.payload).encode()

    original = LambdaFunction.invoke
    LambdaFunction.invoke = replacement  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        LambdaFunction.invoke = original  # type: ignore[method-assign]
