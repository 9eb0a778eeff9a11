"""What SNS and DynamoDB, or a proxy before them, can answer instead of what was asked."""

from local_stack.aws import aws_error
from local_stack.wire import Action, Answer, Phase, Reset, Truncate

# Each service: its error that may pass, its error that lasts, and an answer without what matters.
_OF_SERVICE = {
    "sns": ("InternalError", "AuthorizationError", "<PublishResponse></PublishResponse>"),
    "dynamodb": ("InternalServerError", "AccessDeniedException", "{}"),
}
_TYPES = {"sns": "text/xml", "dynamodb": "application/x-amz-json-1.0"}


def aws_faults(service: str) -> dict[str, tuple[Action, Phase]]:
    """By name: a fault, and whether it strikes before or after the call has its effect."""
    passing, lasting, empty = _OF_SERVICE[service]
    return {
        "reset-before": (Reset(), "before"),
        "reset-after": (Reset(), "after"),
        "truncated-after": (Truncate(30), "after"),
        "nothing-after": (Answer(200), "after"),
        "without-what-matters": (Answer(200, {"Content-Type": _TYPES[service]}, empty), "after"),
        "throttled": (aws_error(service, "ThrottlingException"), "before"),
        "500": (aws_error(service, passing, status=500), "before"),
        "500-after": (aws_error(service, passing, status=500), "after"),
        "denied": (aws_error(service, lasting, status=403), "before"),
        "html": (Answer(200, {"Content-Type": "text/html"}, "<html>a proxy</html>"), "before"),
        # botocore's parsers raise their own errors for these.
        "no-object": (Answer(200, body="[]"), "before"),
        "odd-type": (Answer(400, body='{"__type": 5}'), "before"),
        "no-unicode": (Answer(502, body=b"caf\xe9"), "before"),
    }
