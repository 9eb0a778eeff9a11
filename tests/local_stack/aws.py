"""AWS on a loopback port: moto's server, or for tables another DynamoDB, behind our own wire."""

import json
import os
import re
import threading
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Self
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import httpx
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from local_stack.faults import Answer
from local_stack.interpreter import repaired
from local_stack.loopback import LoopbackServer
from local_stack.own_calls import answer_without_socket
from local_stack.shortcuts import shortcuts
from local_stack.wire import Call, Wire

if TYPE_CHECKING:
    from local_stack.other_dynamodb import OtherDynamoDB

REGION = "us-east-1"
ACCOUNT = "123456789012"
FUNCTION_KEY_ID = "AKIAFUNCTIONFUNCTION"
TEST_KEY_ID = "AKIATESTTESTTESTTEST"
"""Two keys, because they tell the function's calls from the tests' own."""

ONE_TRY = Config(retries={"mode": "standard", "total_max_attempts": 1})
"""A retry would hide the first error of a set-up."""

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/[^/]+/[^/]+/(?P<service>[^/]+)/aws4_request")
_RPC_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")
_INVOKED = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
_QUERY_SERVICES = {"sns", "sts", "iam", "cloudformation"}

# Requests to moto's own API: empty it, give the same random names every time, and really run state
# machines.
_WISHES = {
    "reset": {},
    "seed?a=1": {},
    "config": {"stepfunctions": {"execute_state_machine": True}},
}


def operation_of(request: Request) -> tuple[str, str]:
    """Return the service, from the signature, and the operation, named by AWS's protocols."""
    signed = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    service = signed["service"] if signed else "unsigned"
    target = request.headers.get("X-Amz-Target", "")
    path = _RPC_PATH.fullmatch(request.path)
    invoked = _INVOKED.fullmatch(request.path)
    if target:
        operation = target.rpartition(".")[2]
    elif path:
        operation = path["operation"]
    elif invoked:
        operation = "Invoke"
    else:
        operation = request.form.get("Action") or f"{request.method} {request.path}"
    return service, operation


def key_id_of(call: Call) -> str | None:
    """Return the access key that signed a call."""
    signed = _CREDENTIAL.search(call.headers.get("Authorization", ""))
    return signed["key"] if signed else None


def aws_error(service: str, code: str, message: str = "as asked", status: int = 400) -> Answer:
    """Return an error in this service's protocol; botocore raises its exception from it."""
    if service in _QUERY_SERVICES:
        kind = "Sender" if status < 500 else "Receiver"
        fields = f"<Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message>"
        body = f"<ErrorResponse><Error>{fields}</Error><RequestId>0</RequestId></ErrorResponse>"
        return Answer(status, {"Content-Type": "text/xml"}, body)
    return Answer.json(
        status,
        {"__type": f"emulated#{code}", "message": message},
        content_type="application/x-amz-json-1.1",
    )


class AwsEmulator:
    """
    moto, served within its block at `url`, seen at `wire`, empty at the start.

    moto's state belongs to the process: only one of these at a time.
    """

    _emptied_last_by: ClassVar["AwsEmulator | None"] = None

    def __init__(self) -> None:
        self.dynamodb: OtherDynamoDB | None = None
        """Answers for DynamoDB instead of moto, if set."""
        self.waiting: list[tuple[str, Any]] = []
        """The asynchronous invocations that Lambda has taken and not begun: function and event."""
        self._app = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[tuple[str, str], Any] = {}
        self._item_lock = threading.Lock()
        self._client_lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self.wire = Wire(self.serve, operation_of)
        self._server = LoopbackServer(self.wire)
        self._session = boto3.Session(TEST_KEY_ID, "test", region_name=REGION)
        self._moto: httpx.Client
        self._blocks = ExitStack()

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        chosen = {
            # Here one of moto's services finds another.
            "MOTO_PORT": str(self._server.port),
            # Tests purge a queue more often than once a minute.
            "MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "false",
        }
        with ExitStack() as blocks:
            blocks.enter_context(patch.dict(os.environ, chosen))
            blocks.enter_context(shortcuts())
            blocks.enter_context(repaired())
            blocks.enter_context(self._server)
            api = httpx.Client(base_url=f"{self.url}/moto-api", trust_env=False)
            self._moto = blocks.enter_context(api)
            self.clear()
            self._blocks = blocks.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks.close()

    @property
    def has_its_state(self) -> bool:
        """False if another emulator has emptied moto since this one did."""
        return AwsEmulator._emptied_last_by is self

    def client(self, name: str) -> Any:
        """Return a boto3 client whose calls need no socket, and which the wire does not see."""
        with self._client_lock:  # a session makes clients one at a time
            if name not in self._clients:
                made = self._session.client(name, endpoint_url=self.url, config=ONE_TRY)  # type: ignore[call-overload]
                answer_without_socket(made, self.serve)
                self._clients[name] = made
            return self._clients[name]

    def clear(self) -> None:
        """Remove every resource, fault and recorded call; new ones get the same names again."""
        self.wire.heal()
        for path, wish in _WISHES.items():
            self._moto.post(path, json=wish).raise_for_status()
        AwsEmulator._emptied_last_by = self
        if self.dynamodb is not None:
            self.dynamodb.clear()
        self.waiting.clear()
        self.wire.clear()

    def serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """
        Answer without the wire: no record, no fault.

        DynamoDB checks and writes an item in one step; moto needs a lock for that.
        """
        if environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "Event":
            request = Request(environ)
            invoked = _INVOKED.fullmatch(request.path)
            assert invoked is not None
            self.waiting.append((invoked["name"], json.loads(request.get_data())))
            return Response(status=202)(environ, start_response)
        items = str(environ.get("HTTP_X_AMZ_TARGET", "")).startswith("DynamoDB_")
        if items and self.dynamodb is not None:
            return self.dynamodb(environ, start_response)
        with self._item_lock if items else nullcontext():
            answer: Iterable[bytes] = self._application(environ)(environ, start_response)
            return answer

    def _application(self, environ: WSGIEnvironment) -> Any:
        """Return the cached backend; moto's own search for it takes a third of an answer's time."""
        signed = _CREDENTIAL.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        if signed is None:
            return self._app
        target = str(environ.get("HTTP_X_AMZ_TARGET", "")).partition(".")[0]
        key = (signed["service"], target)
        if key not in self._applications:
            self._applications[key] = self._app.get_application(environ)
        return self._applications[key]
