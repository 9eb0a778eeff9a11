"""Questions of a diagnosis to AWS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from foundation.aws_call import aws_call
from foundation.deadline import Deadline

LONGEST = 6.0
"""Seconds that a question may take."""


@dataclass(frozen=True)
class AwsQuestions:
    """Asks services of AWS by their clients. `client` returns boto3's client of a service."""

    client: Callable[[str], Any]
    deadline: Deadline

    def ask(self, service: str, operation: str, required_field: str, **parameters: Any) -> Any:
        """Return the answer, which has the field. Raises AwsCallError, TimeBudgetExceededError."""
        call = getattr(self.client(service), operation)
        deadline = self.deadline.within(LONGEST)
        return aws_call(deadline, f"ask {service}", call, required_field, **parameters)
