"""The two seams of these tests: a clock that a test moves, and an Atlas that answers by script."""

import json
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.access.service_account_access import ServiceAccountAccess
from restore_watch.atlas.credentials import Credentials, ServiceAccount
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)

BASE_URL = "https://cloud.mongodb.com"
GROUP = "5f0000000000000000000a01"
RESTORE = "6b4a0f800000000000000b01"
ACCOUNT = ServiceAccount("mdb_sa_id_1", "mdb_sa_sk_hidden/+ %")
JOB_URL = f"{BASE_URL}/api/atlas/v2/groups/{GROUP}/flexClusters/orders/backup/restoreJobs/{RESTORE}"

type Reply = Callable[[httpx.Request], httpx.Response]


class Clock:
    """Stands still until a test moves it or code sleeps."""

    def __init__(self, now: float = 1_777_896_000.0) -> None:
        self.now = now
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float = 60.0) -> Deadline:
        return Deadline.after(seconds, self)


def answer(status: int, body: object = b"", **headers: str) -> Reply:
    """Atlas answers. The body is still unread, as after a request over a network."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, headers=names, stream=httpx.ByteStream(content))


def no_answer(error: type[httpx.TransportError] = httpx.ReadTimeout) -> Reply:
    """The request may have reached Atlas, but no answer comes."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error("", request=request)

    return fail


class ScriptedAtlas:
    """
    Answers with the next reply of its script. Without one it issues a token or sends the job.

    It keeps every request with the headers it had when it was sent.
    """

    def __init__(self) -> None:
        self.token_replies: deque[Reply] = deque()
        self.job_replies: deque[Reply] = deque()
        self.token_requests: list[httpx.Request] = []
        self.job_requests: list[httpx.Request] = []
        self.job: dict[str, Any] = {"id": RESTORE, "status": "RUNNING"}
        self._clients = ExitStack()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        if request.url.path == "/api/oauth/token":
            self.token_requests.append(sent)
            name = f"token-{len(self.token_requests)}"
            issue = answer(200, {"access_token": name, "expires_in": 3600})
            return (self.token_replies.popleft() if self.token_replies else issue)(request)
        self.job_requests.append(sent)
        send_job = answer(200, self.job)
        return (self.job_replies.popleft() if self.job_replies else send_job)(request)

    @property
    def bearers(self) -> list[str]:
        """The tokens of the requests for a job, in order."""
        return [one.headers["Authorization"].removeprefix("Bearer ") for one in self.job_requests]

    def client(self) -> httpx.Client:
        return self._clients.enter_context(httpx.Client(transport=httpx.MockTransport(self)))

    def session(self, clock: Clock, credentials: Callable[[], Credentials]) -> AtlasSession:
        """A session that asks with the credentials of the moment."""
        return AtlasSession(
            BASE_URL,
            lambda *_, **_refused: credentials(),
            self.client(),
            now=clock,
            sleep=clock.sleep,
        )

    def close(self) -> None:
        self._clients.close()


class Token:
    """The access token of ACCOUNT, with the clock and the Atlas that it uses."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self.tested = ServiceAccountAccess(ACCOUNT, BASE_URL, atlas.client(), clock, clock.sleep)

    def current(self, seconds: float = 60.0) -> str:
        return self.tested.current(self.clock.deadline(seconds))

    def replacement(self, refused: str, seconds: float = 60.0) -> str | None:
        return self.tested.replacement(refused, self.clock.deadline(seconds))


TOKEN_REFUSALS: dict[str, tuple[Reply, type[AtlasError]]] = {
    "rate limit": (answer(429, {"errorCode": "RATE_LIMITED"}), AtlasRateLimitError),
    "too many tokens": (answer(403, {"error": "access_denied"}), AtlasForbiddenError),
    "wrong secret": (answer(401, {"error": "invalid_client"}), AtlasUnauthorizedError),
    "bad request": (answer(400, {"error": "invalid_client"}), AtlasUnauthorizedError),
    "request timeout": (answer(408), AtlasUnavailableError),
    "redirect": (answer(302, Location="http://169.254.169.254"), UnexpectedAtlasResponseError),
    "created": (answer(201, {"access_token": "x"}), UnexpectedAtlasResponseError),
}
"""Atlas answers, and has issued no token."""

TOKEN_UNKNOWN_OUTCOMES: dict[str, tuple[Reply, type[AtlasError]]] = {
    "no connection": (no_answer(httpx.ConnectError), AtlasUnavailableError),
    "read timeout": (no_answer(httpx.ReadTimeout), AtlasUnavailableError),
    "closed connection": (no_answer(httpx.RemoteProtocolError), AtlasUnavailableError),
    "answer without a token": (answer(200, {"expires_in": 3600}), UnexpectedAtlasResponseError),
    "HTML": (answer(200, b"<html></html>"), UnexpectedAtlasResponseError),
}
"""Atlas may have issued a token that nobody received."""

TOKEN_FAILURES = TOKEN_REFUSALS | TOKEN_UNKNOWN_OUTCOMES
