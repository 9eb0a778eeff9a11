"""What an operator does when AWS refuses a command, or does not answer."""

from collections.abc import Callable, Mapping
from typing import Any

from operate.errors import OperateError
from restore_watch.aws_call import AwsCallError, aws_call
from restore_watch.deadline import Deadline

CALL_SECONDS = 300.0
"""The longest that one call takes, with all its retries."""

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
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


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
    `fixes` says, by error code, what to do about this call's own errors. Raises OperateError.
    """
    deadline = Deadline.after(CALL_SECONDS)
    try:
        return aws_call(deadline, action, operation, required_field, **parameters)
    except AwsCallError as error:
        msg = f"{action}: AWS {error}. {fixes.get(error.code) or _fix(error, action, policy_page)}"
        raise OperateError(msg) from None


def _fix(error: AwsCallError, action: str, policy_page: str) -> str:
    if error.code in _DENIED:
        return f"Give these credentials the policy of {policy_page}: they lack {action}"
    return _FIXES.get(error.code, _NETWORK if not error.answer else _LATER)
