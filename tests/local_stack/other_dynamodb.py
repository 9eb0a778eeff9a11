"""A DynamoDB that somebody else wrote, in moto's place: a second opinion on its writes."""

import os
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import httpx
from werkzeug.wrappers import Request

from local_stack.aws import ONE_TRY, REGION, TEST_KEY_ID
from local_stack.loopback import free_port, wait_until_listening

TOOLS = Path(__file__).parents[2] / ".tools"

_SECONDS_TO_START = 60.0

# The properties of the template's table that decide how it answers.
_TABLE = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")

# Headers that concern one connection only.
_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class OtherDynamoDB(ABC):
    """
    A process that runs within its block, empty at the start. As a WSGI app it forwards calls.

    It holds invented jobs only, and only within the block.
    """

    health: str | None = None
    """The path that answers 200 once it is ready, if it has one."""

    def __init__(self) -> None:
        self._blocks = ExitStack()
        self._http: httpx.Client
        self._client: Any
        self.url: str

    @abstractmethod
    def command(self, port: int) -> Sequence[str]:
        """What starts it on this port."""

    def variables(self, port: int) -> Mapping[str, str]:  # noqa: ARG002 - a subclass may need it
        """Its environment variables, beside PATH."""
        return {}

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
                raise RuntimeError(f"{type(self).__name__} did not start: {said}")
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
            if self.health:
                self._http.get(self.health).raise_for_status()
            self._client = boto3.Session(TEST_KEY_ID, "test", region_name=REGION).client(
                "dynamodb", endpoint_url=self.url, config=ONE_TRY
            )
            blocks.callback(self._client.close)
            self._blocks = blocks.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Forward the call as it came, and the answer as it is given."""
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
        with (scratch / "output").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - the command is our own
                self.command(port),
                cwd=scratch,  # it may leave files there
                env={"PATH": os.environ["PATH"], "TMPDIR": str(scratch), **self.variables(port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )


def _lasting(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_THE_CONNECTION]
