"""The clients of AWS, made with the operator's own credentials, region and profile."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from operate.aws_refusal import connection_refused

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    # A command waits longer than a function: nobody pays for its time.
    retries={"mode": "standard", "total_max_attempts": 8},
)
_INVOKING = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1})
_LOOKING = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3}
)
_ONE_TRY = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})


class AwsClients:
    """Makes each client when it is first needed, and closes them at the end of its block."""

    def __init__(self) -> None:
        self._blocks = ExitStack()
        with _connecting():
            self._session = boto3.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.close()

    @property
    def region(self) -> str | None:
        """The region of every client."""
        return self._session.region_name

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Raises OperateError, as the others do."""
        return self._closing(lambda: self._session.client("cloudformation", config=_CONFIG))

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Tries again while DynamoDB limits the rate."""
        return self._closing(lambda: self._session.client("dynamodb", config=_CONFIG))

    @cached_property
    def functions(self) -> "LambdaClient":
        """Waits as long as an invocation may take."""
        return self._closing(lambda: self._session.client("lambda", config=_INVOKING))

    def looking(self, service: str) -> Any:
        """A new client of a service, for a few questions."""
        return self._closing(lambda: self._make(service))

    @cached_property
    def sts(self) -> Any:
        """Tries once, because nothing depends on its answer."""
        return self._closing(lambda: self._session.client("sts", config=_ONE_TRY))

    def _make(self, service: str) -> Any:
        make: Any = self._session.client
        return make(service, config=_LOOKING)

    def _closing[Client](self, make: Callable[[], Client]) -> Client:
        with _connecting():
            client: Any = make()
        self._blocks.callback(client.close)
        made: Client = client
        return made


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        # botocore raises ValueError for an AWS_ENDPOINT_URL that is not a URL.
        raise connection_refused(type(error).__name__) from None
