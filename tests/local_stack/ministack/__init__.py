"""
MiniStack, an AWS that somebody else wrote, with its DynamoDB in moto's place.

It pins another botocore than the tests use, so it has an environment of its own, which the Makefile
makes from requirements.txt. All of MiniStack runs in tests/deployed.
"""

from collections.abc import Mapping, Sequence
from typing import override

from local_stack.other_dynamodb import TOOLS, OtherDynamoDB

PROGRAM = TOOLS / "ministack" / "bin" / "ministack"


class MiniStack(OtherDynamoDB):
    """Only its DynamoDB, on the loopback interface."""

    health = "/_ministack/health"

    def __init__(self) -> None:
        super().__init__()
        if not PROGRAM.is_file():
            raise FileNotFoundError(f"{PROGRAM}: `make .tools/ministack/.ready` installs it")

    @override
    def command(self, port: int) -> Sequence[str]:
        return [str(PROGRAM)]

    @override
    def variables(self, port: int) -> Mapping[str, str]:
        return {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "SERVICES": "dynamodb",
            "LOG_LEVEL": "WARNING",
        }
