"""What an operator does when AWS refuses a command, or does not answer."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from operate.errors import OperateError, RefusedError

_UNREADABLE = (ResponseParserError, AttributeError, LookupError, TypeError, ValueError)
"""botocore's parsers raise these for an answer that is cut off or does not come from AWS."""

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
    **dict.fromkeys(
        (
            "InternalFailure",
            "InternalServerError",
            "LimitExceededException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "ServiceUnavailable",
            "Throttling",
            "ThrottlingException",
        ),
        _LATER,
    ),
    "NoRegionError": "Set the region of the stack: AWS_REGION=eu-central-1, or `aws configure`",
    "InvalidRegionError": "Set the region of the stack: AWS_REGION=eu-central-1",
    "ProfileNotFound": "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows",
    "ConfigParseError": "Correct AWS's configuration files, ~/.aws/config and ~/.aws/credentials",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


def connection_refused(name: str) -> OperateError:
    """The error for an exception of botocore, by its name, when a client cannot be made."""
    fix = _FIXES.get(name, "Look at AWS_REGION, AWS_PROFILE and AWS_ENDPOINT_URL")
    return OperateError(f"no connection to AWS ({name}). {fix}")


def called(
    action: str,
    operation: Callable[..., Any],
    required_field: str,
    *,
    policy_page: str,
    fixes: Mapping[str, str],
    **parameters: Any,
) -> Any:
    """
    Call an operation of a client and return its answer.

    `action` is the operation as a policy names it, and `policy_page` the page with that policy.
    `fixes` says, by error code, what to do about this call's own errors. `required_field` is a
    field that every complete answer has. Raises OperateError.
    """
    try:
        answer = operation(**parameters)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code") or "an error without a code"
        fix = fixes.get(code) or _fix(code, action, policy_page)
        raise RefusedError(f"{action}: AWS answered {code}. {fix}", code) from None
    except (BotoCoreError, *_UNREADABLE) as error:
        raise _no_answer(action, type(error).__name__) from None
    if required_field not in answer:
        # For an answer that was cut off, botocore returns an empty one.
        raise _no_answer(action, "the answer was cut off")
    return answer


def _fix(code: str, action: str, policy_page: str) -> str:
    if code in _DENIED:
        return f"Give these credentials the policy of {policy_page}: they lack {action}"
    return _FIXES.get(code, _LATER)


def _no_answer(action: str, why: str) -> OperateError:
    return OperateError(f"{action}: AWS did not answer ({why}). {_FIXES.get(why, _NETWORK)}")
