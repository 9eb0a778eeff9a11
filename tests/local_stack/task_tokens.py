"""Task tokens of states that wait, without an execution for each of them."""

import json
import time
from typing import Any

from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local_stack.aws import ACCOUNT, REGION, aws_error
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault

GONE = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
"""How Step Functions refuses a token for which no state waits any more."""

_DEFINITION = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 86400, "End": True}},
}


class TaskTokens:
    """
    The tokens of one execution, which moto runs. It begins with the first token.

    A token's own state would cost a hundred times as much; moto finds tokens by the execution.
    """

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._execution: str | None = None
        self._waiting: dict[str, CallbackEndpoint] = {}

    def wait(self, token: str) -> None:
        """A state waits with this token."""
        if self._execution is None:
            self._execution = self._begin()
            self._waiting = _pool_of(self._execution)
        self._waiting[token] = CallbackEndpoint(token)

    def end(self, token: str, how: str = "InvalidToken") -> None:
        """No state waits with this token any more; one of GONE says so from now on."""
        if self._waiting.pop(token, None) is None or how == "InvalidToken":
            return

        # moto fails at the two other answers.
        def names(call: Call) -> bool:
            return call.service == "states" and token.encode() in call.body

        self._stack.aws.wire.inject(Fault(action=aws_error("states", how), when=names, times=None))

    def close(self) -> None:
        if self._execution is not None:
            self._waiting.clear()  # moto looks for tokens in executions that were stopped, too
            client = self._stack.aws.client("stepfunctions")
            client.stop_execution(executionArn=self._execution)

    def _begin(self) -> str:
        client = self._stack.aws.client("stepfunctions")
        name = f"waits-{time.monotonic_ns()}"
        machine = client.create_state_machine(
            name=name,
            definition=json.dumps(_DEFINITION),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/waits",
        )
        arn = machine["stateMachineArn"]
        started = client.start_execution(stateMachineArn=arn, name=name)
        execution: str = started["executionArn"]
        return execution


def _pool_of(execution: str) -> dict[str, CallbackEndpoint]:
    """The tokens of an execution; moto's own, because its API has no other way to a token."""
    backend: Any = stepfunctions_parser_backends[ACCOUNT][REGION]
    worker = backend.describe_execution(execution).exec_worker
    while worker.env is None:  # moto's thread has only begun
        time.sleep(0.001)
    pool: dict[str, CallbackEndpoint] = worker.env.callback_pool_manager._pool  # noqa: SLF001
    return pool
