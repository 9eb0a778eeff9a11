"""AWS, asked with the operator's own credentials, and advice for refusals and silence."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from foundation.aws_call import AwsCallError, plain_call
from operate.errors import OperateError, RefusedError
from restore_watch.diagnosis.aws_fixes import DENIED

PATIENT = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 8}
)
"""A command waits longer than a function: nobody pays for its time."""

LOOKING = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3}
)
"""For many questions. Each of them may go unanswered."""

INVOKING = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1})
"""Waits as long as an invocation may take."""

ONE_TRY = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
"""For an answer that nothing depends on."""

_ACTIONS = {"invoke": "InvokeFunction"}
"""The names of operations in a policy, where they differ."""

_SIGN_IN = "Sign in to AWS again: `aws sso login` or `aws configure`, and AWS_PROFILE if you use it"
_CLOCK = "Set the clock of this machine, or sign in to AWS again"
_LATER = "Run the command again later"
_NETWORK = "Look at the network, the proxy and the region (AWS_REGION), and run the command again"

# By AWS's error code, or by the name of botocore's exception.
_FIXES = {
    **dict.fromkeys(
        (
            "AuthFailure",
            "CredentialRetrievalError",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "LoginRefreshRequired",
            "LoginTokenLoadError",
            "MissingAuthenticationToken",
            "NoCredentialsError",
            "PartialCredentialsError",
            "SSOTokenLoadError",
            "SignatureDoesNotMatch",
            "TokenRetrievalError",
            "UnauthorizedSSOTokenError",
            "UnrecognizedClientException",
        ),
        _SIGN_IN,
    ),
    **dict.fromkeys(("RequestExpired", "InvalidSignatureException"), _CLOCK),
    "NoRegionError": "Set the region of the stack: AWS_REGION=eu-central-1, or `aws configure`",
    "InvalidRegionError": "Set the region of the stack: AWS_REGION=eu-central-1",
    "ProfileNotFound": "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows",
    "ConfigParseError": "Correct AWS's configuration files, ~/.aws/config and ~/.aws/credentials",
}


class Aws(ExitStack):
    """
    Asks AWS within its block, and closes the connections at its end.

    `policy_page` is the page with the permissions that the command needs, and `config` has the
    usual limits of a question. `region` and `profile` count more than the environment. Raises
    OperateError.
    """

    def __init__(
        self,
        policy_page: str,
        config: Config,
        *,
        region: str | None = None,
        profile: str | None = None,
    ) -> None:
        super().__init__()
        self._policy_page = policy_page
        self._config = config
        self._clients: dict[tuple[str, Config], Any] = {}
        with _connecting():
            self._session = boto3.Session(region_name=region, profile_name=profile)

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

        `required_field` is a field that every complete answer has. `fixes` has the advice for
        errors of this question alone, by AWS's error code. Raises OperateError.
        """
        call = getattr(self._client(service, config or self._config), operation)
        return self._answer(service, operation, call, required_field, fixes, **parameters)

    def pages(
        self,
        service: str,
        operation: str,
        required_field: str,
        *,
        fixes: Mapping[str, str] = MappingProxyType({}),
        **parameters: Any,
    ) -> Iterator[list[Any]]:
        """As `ask`, but yield the list in the required field of each page of the answer."""
        paginator = self._client(service, self._config).get_paginator(operation)
        next_page = partial(next, iter(paginator.paginate(**parameters)), {required_field: None})
        while True:
            page = self._answer(service, operation, next_page, required_field, fixes)
            if page[required_field] is None:
                return
            yield page[required_field]

    def _answer(
        self,
        service: str,
        operation: str,
        call: Callable[..., Any],
        required_field: str,
        fixes: Mapping[str, str],
        **parameters: Any,
    ) -> Any:
        name = _ACTIONS.get(operation) or operation.title().replace("_", "")
        try:
            return plain_call(call, required_field, **parameters)
        except AwsCallError as error:
            raise refusal(f"{service}:{name}", error, self._policy_page, fixes) from None

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
        name = type(error).__name__
        fix = _FIXES.get(name, "Look at AWS_REGION, AWS_PROFILE and AWS_ENDPOINT_URL")
        raise OperateError(f"no connection to AWS ({name}). {fix}") from None


def refusal(
    action: str, error: AwsCallError, policy_page: str, fixes: Mapping[str, str]
) -> OperateError:
    """Return the error with its advice. `action` is the name of the operation in a policy."""
    lacking = f"Give these credentials the policy of {policy_page}: they lack {action}"
    known = {**dict.fromkeys(DENIED, lacking), **_FIXES, **fixes}
    fix = known.get(error.code, _LATER if error.answer else _NETWORK)
    text = f"{action}: AWS {error}. {fix}"
    return RefusedError(text, error.code) if error.answer else OperateError(text)
