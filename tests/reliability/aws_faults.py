"""What SNS and DynamoDB, or a proxy before them, can answer instead of what was asked."""

import pytest

from local_stack.aws import aws_error
from local_stack.wire import Action, Answer, Phase, Reset, Truncate

type Faults = dict[str, tuple[Action, Phase]]
"""By name: the fault, and whether it strikes before or after the call has its effect."""

_HTML = Answer(200, {"Content-Type": "text/html"}, "<html>a proxy says hello</html>")

LOST: Faults = {
    "reset-before": (Reset(), "before"),
    "reset-after": (Reset(), "after"),
    "truncated-after": (Truncate(30), "after"),
    "html-instead": (_HTML, "before"),
    "nothing-after": (Answer(200), "after"),
}

# botocore's parsers raise their own errors for these.
_NOT_OF_AWS: Faults = {
    f"not-of-aws-{number}": (answer, "before")
    for number, answer in enumerate(
        [
            Answer(200, body="[]"),
            Answer(400, body='{"__type": 5}'),
            Answer(502, body=b"caf\xe9"),
        ]
    )
}

SNS_FAULTS: Faults = {
    **LOST,
    "throttled": (aws_error("sns", "ThrottlingException"), "before"),
    "500": (aws_error("sns", "InternalError", status=500), "before"),
    "500-after": (aws_error("sns", "InternalError", status=500), "after"),
    "answer-without-an-id": (
        Answer(200, {"Content-Type": "text/xml"}, "<PublishResponse></PublishResponse>"),
        "after",
    ),
    **_NOT_OF_AWS,
}
TABLE_FAULTS: Faults = {
    **LOST,
    "throttled": (aws_error("dynamodb", "ThrottlingException"), "before"),
    "500": (aws_error("dynamodb", "InternalServerError", status=500), "before"),
    "500-after": (aws_error("dynamodb", "InternalServerError", status=500), "after"),
    "denied": (aws_error("dynamodb", "AccessDeniedException"), "before"),
    "no-table": (aws_error("dynamodb", "ResourceNotFoundException"), "before"),
    "answer-without-the-item": (
        Answer(200, {"Content-Type": "application/x-amz-json-1.0"}, "{}"),
        "after",
    ),
    **_NOT_OF_AWS,
}


def each_of(faults: Faults, *names: str) -> pytest.MarkDecorator:
    """Run a test with each of these faults, or with those that are named."""
    chosen = {name: faults[name] for name in names} or faults
    return pytest.mark.parametrize(("action", "phase"), list(chosen.values()), ids=list(chosen))
