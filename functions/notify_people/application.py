"""What one invocation does: handle the messages of an SQS batch, and say which ones failed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from foundation.deadline import Deadline
from notify_people.errors import NotifyPeopleError
from notify_people.notifier import Batch, Notifier
from notify_people.telemetry import Telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


class Application:
    """Answers invocations."""

    def __init__(self, notifier: Notifier, telemetry: Telemetry) -> None:
        self._notifier = notifier
        self._telemetry = telemetry

    def answer(
        self, event: dict[str, Any], deadline: Deadline, context: "LambdaContext | None" = None
    ) -> Mapping[str, Any]:
        """
        Return `batchItemFailures`: the messages that SQS delivers again.

        One that fails leaves the others alone, also if our own code fails at it.
        """
        batch = Batch()

        def handle(record: "SQSRecord") -> None:
            try:
                self._notifier.notify(record.body, deadline, batch)
            except NotifyPeopleError:
                raise  # reported already
            except Exception as error:
                self._telemetry.crashed(error)
                raise

        # A new one each time: it keeps the records of its batch.
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, handle, processor, context)
