"""AWS, asked with the operator's own credentials, region and profile."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from operate.aws_refusal import called, connection_refused

PATIENT = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 8}
)
"""A command waits longer than a function: nobody pays for its time."""

LOOKING = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3}
)
"""For many questions, of which each may go unanswered."""

INVOKING = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1})
"""Waits as long as an invocation may take."""

ONE_TRY = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
"""For what nothing depends on."""

_ACTIONS = {"invoke": "InvokeFunction"}
"""What a policy calls an operation, if not by its name."""


class Aws(ExitStack):
    """
    Asks AWS within its block, and closes the connections at its end.

    `policy_page` is the page with the permissions that the command needs, and `config` has the
    usual limits of a question. Raises OperateError.
    """

    def __init__(self, policy_page: str, config: Config) -> None:
        super().__init__()
        self._policy_page = policy_page
        self._config = config
        self._clients: dict[tuple[str, Config], Any] = {}
        with _connecting():
            self._session = boto3.Session()

    @property
    def region(self) -> str | None:
        """The region of every question."""
        return self._session.region_name

    def ask(
        self,
        service: str,
        operation: str,
        required_field: str = "ResponseMetadata",
        *,
        config: Config | None = None,
        fixes: Mapping[str, str] = MappingProxyType({}),
        **parameters: Any,
    ) -> Any:
        """
        Return the answer to an operation, as boto3 names both.

        `required_field` is a field that every complete answer has. `fixes` says, by AWS's error
        code, what to do about an error of this question alone. Raises OperateError.
        """
        name = _ACTIONS.get(operation) or operation.title().replace("_", "")
        return called(
            f"{service}:{name}",
            getattr(self._client(service, config or self._config), operation),
            required_field,
            policy_page=self._policy_page,
            fixes=fixes,
            **parameters,
        )

    def _client(self, service: str, config: Config) -> Any:
        if (service, config) not in self._clients:
            make: Any = self._session.client
            with _connecting():
                client = make(service, config=config)
            self.callback(client.close)
            self._clients[service, config] = client
        return self._clients[service, config]


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        # botocore raises ValueError for an AWS_ENDPOINT_URL that is not a URL.
        raise connection_refused(type(error).__name__) from None
