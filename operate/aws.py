"""AWS, asked with the operator's own credentials, and advice for refusals and silence."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from foundation.aws_call import AwsCallError, plain_call
from operate.errors import OperateError
from restore_watch.diagnosis.aws_fixes import DENIED

LOOKING = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3}
)
"""For many questions. Each of them may go unanswered."""

ONCE = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1})
"""Waits as long as an invocation may take."""

_FIXES = {
    "Token|Credential|Login|AuthFailure|InvalidAccessKeyId|Signature$|SignatureDoes|Unrecognized": (
        "Sign in to AWS again: `aws sso login` or `aws configure`, and AWS_PROFILE if you use it"
    ),
    "RequestExpired|InvalidSignature": "Set the clock of this machine, or sign in to AWS again",
    "NoRegion": "Set the region of the stack: AWS_REGION=eu-central-1, or `aws configure`",
    "InvalidRegion": "Set the region of the stack: AWS_REGION=eu-central-1",
    "ProfileNotFound": "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows",
    "ConfigParse": "Correct AWS's configuration files, ~/.aws/config and ~/.aws/credentials",
}
"""By parts of AWS's error codes and of the names of botocore's exceptions."""

_LATER = "Run the command again later"
_NETWORK = "Look at the network, the proxy and the region (AWS_REGION), and run the command again"


class Aws(ExitStack):
    """
    Asks AWS within its block, and closes the connections at its end.

    `policy_page` is the page with the permissions that the command needs. `session`: what boto3's
    session takes from the command and not from the environment. Raises OperateError.
    """

    def __init__(self, policy_page: str, **session: Any) -> None:
        super().__init__()
        self._policy_page = policy_page
        self._client = cache(self._make_client)
        with _connecting():
            self._session: Any = boto3.Session(**session)
        self.region: str | None = self._session.region_name

    def ask(
        self,
        service: str,
        operation: str,
        required_field: str = "ResponseMetadata",
        *,
        config: Config = LOOKING,
        fixes: Mapping[str, str] = MappingProxyType({}),
        **parameters: Any,
    ) -> Any:
        """
        Return the answer to an operation, as boto3 names both.

        `required_field` is a field that every complete answer has. `fixes` has the advice for
        errors of this question alone, by AWS's error code. Raises OperateError.
        """
        call = getattr(self._client(service, config), operation)
        with self._advising(service, operation, fixes):
            return plain_call(call, required_field, **parameters)

    def pages(
        self, service: str, operation: str, required_field: str, **parameters: Any
    ) -> Iterator[list[Any]]:
        """As `ask`, but yield the list in the required field of each page of the answer."""
        paginator = self._client(service, LOOKING).get_paginator(operation)
        next_page = partial(next, iter(paginator.paginate(**parameters)), {required_field: None})
        while True:
            with self._advising(service, operation, {}):
                items = plain_call(next_page, required_field)[required_field]
            if items is None:
                return
            yield items

    @contextmanager
    def _advising(self, service: str, operation: str, fixes: Mapping[str, str]) -> Iterator[None]:
        name = "InvokeFunction" if operation == "invoke" else operation.title().replace("_", "")
        try:
            yield
        except AwsCallError as error:
            raise refusal(f"{service}:{name}", error, self._policy_page, fixes) from None

    def _make_client(self, service: str, config: Config) -> Any:
        with _connecting():
            return self.enter_context(closing(self._session.client(service, config=config)))


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        # botocore raises ValueError for an AWS_ENDPOINT_URL that is not a URL.
        name = type(error).__name__
        fix = _fix_of(name) or "Look at AWS_REGION, AWS_PROFILE and AWS_ENDPOINT_URL"
        raise OperateError(f"no connection to AWS ({name}). {fix}") from None


def refusal(
    action: str, error: AwsCallError, policy_page: str, fixes: Mapping[str, str]
) -> OperateError:
    """Return the error with its advice. `action` is the name of the operation in a policy."""
    fix = fixes.get(error.code) or _fix_of(error.code) or (_LATER if error.answer else _NETWORK)
    if error.code in DENIED:
        fix = f"Give these credentials the policy of {policy_page}: they lack {action}"
    return OperateError(f"{action}: AWS {error}. {fix}", error.code)


def _fix_of(code: str) -> str | None:
    return next((fix for part, fix in _FIXES.items() if re.search(part, code)), None)
