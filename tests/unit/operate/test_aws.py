"""One line says what AWS refused, and what to do."""

import pytest

from foundation.aws_call import AwsCallError, plain_call
from operate.aws import refusal
from unit.stubbed_aws import Answer, Refusal, dynamodb

PAGE = "docs/page.md"
SCAN = "dynamodb:Scan"
SIGN_IN = "Sign in to AWS again: `aws sso login` or `aws configure`, and AWS_PROFILE if you use it"


def refusal_of(answer: Answer) -> str:
    with pytest.raises(AwsCallError) as raised:
        plain_call(dynamodb(answer).scan, "Items", TableName="restores")
    fixes = {"ResourceNotFoundException": "Name another table"}
    return str(refusal(SCAN, raised.value, PAGE, fixes))


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("AccessDeniedException", f"Give these credentials the policy of {PAGE}: they lack {SCAN}"),
        ("ExpiredTokenException", SIGN_IN),
        ("InvalidClientTokenId", SIGN_IN),
        ("SignatureDoesNotMatch", SIGN_IN),
        ("UnrecognizedClientException", SIGN_IN),
        ("InvalidSignatureException", "Set the clock of this machine, or sign in to AWS again"),
        ("ThrottlingException", "Run the command again later"),
        ("AnErrorThatIsNew", "Run the command again later"),
        ("ResourceNotFoundException", "Name another table"),
    ],
)
def test_a_refusal_comes_with_its_fix(code: str, fix: str) -> None:
    def refuse(_: object) -> dict[str, str]:
        raise Refusal(code)

    assert refusal_of(refuse) == f"dynamodb:Scan: AWS answered {code}. {fix}"


def test_an_answer_that_was_cut_off_is_no_answer() -> None:
    assert refusal_of(lambda _: {}) == (
        "dynamodb:Scan: AWS did not answer (the answer was cut off). Look at the network, the "
        "proxy and the region (AWS_REGION), and run the command again"
    )
