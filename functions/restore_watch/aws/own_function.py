"""Starts the sweeps of other workers: asynchronous invocations of this function itself."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.model.status_change import utc_text

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class OwnFunction:
    """The function `name`. `client` makes the client when it is needed: most have one worker."""

    def __init__(self, client: Callable[[], "LambdaClient"], name: str) -> None:
        self._client = client
        self._name = name

    def start_sweep(
        self, worker: int, tick: datetime | None, deadline: Deadline
    ) -> AwsCallError | None:
        """Ask Lambda for the sweep of a worker. Return the error if it does not take that."""
        scheduled = {"scheduledTime": utc_text(tick)} if tick else {}
        event = {"action": "sweep", "worker": worker, **scheduled}
        try:
            aws_call(
                deadline,
                "start a sweep",
                self._client().invoke,
                "StatusCode",
                FunctionName=self._name,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except AwsCallError as error:
            return error
        return None
