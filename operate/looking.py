"""A question to AWS with the operator's own credentials, for a line of the doctor."""

from collections.abc import Callable
from typing import Any

from operate.aws_clients import AwsClients
from operate.aws_refusal import called
from operate.errors import OperateError, RefusedError
from restore_watch.diagnosis.line import Line

PAGE = "docs/operations.md"
"""The page with the permissions that the doctor needs."""

_GONE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}


class Looking:
    """Asks, and makes of a refusal a line that says what could not be told."""

    def __init__(self, aws: AwsClients) -> None:
        self._aws = aws
        self._clients: dict[str, Any] = {}

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        """Return an answer. Raises OperateError."""
        if service not in self._clients:
            self._clients[service] = self._aws.looking(service)
        name = "".join(word.capitalize() for word in operation.split("_"))
        return called(
            f"{service}:{name}",
            getattr(self._clients[service], operation),
            "ResponseMetadata",
            policy_page=PAGE,
            fixes={},
            **parameters,
        )

    def line(self, check: str, look: Callable[[str], Line], *, gone: str) -> Line:
        """Return the line of a look; `gone` says what to do if AWS has no such thing."""
        try:
            return look(check)
        except RefusedError as error:
            if error.code in _GONE:
                return Line(check, ok=False, found="was deleted", fix=gone)
            return Line(check, ok=None, found=str(error))
        except OperateError as error:
            return Line(check, ok=None, found=str(error))
