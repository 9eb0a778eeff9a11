"""Starts sweeps: asynchronous invocations of this function itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.clock import utc_text
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class OwnFunction:
    """The function `name`. `client` makes the client when it is needed: most start no sweep."""

    client: Callable[[], "LambdaClient"]
    name: str

    def start_sweep(self, now: datetime, deadline: Deadline) -> AwsCallError | None:
        """Ask Lambda for a sweep. Return the error if it does not take that."""
        try:
            aws_call(
                deadline,
                "start a sweep",
                self._invoke,
                "StatusCode",
                FunctionName=self.name,
                InvocationType="Event",
                Payload=json.dumps({"action": "sweep", "requestedAt": utc_text(now)}).encode(),
            )
        except AwsCallError as error:
            return error
        except TimeBudgetExceededError:
            return AwsCallError("the time of the invocation is over")
        return None

    def _invoke(self, **how: Any) -> Any:
        answer = self.client().invoke(**how)
        answer["Payload"].read()  # it is empty; until then, the connection is not used again
        return answer
