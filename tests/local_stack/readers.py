"""
Where people read: the webhooks of Slack and Teams, and PagerDuty's Events API, on a loopback port.

They answer as the real ones do: Slack 200 with `ok`, a Teams workflow 202 without a body, PagerDuty
202 with the key of the incident; a wrong address or key is refused.
"""

import json
from collections import defaultdict
from typing import Any, Literal, Self
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request

from local_stack.canaries import CANARY_ROUTING_KEY, CANARY_WEBHOOK_TOKEN
from local_stack.faults import Answer
from local_stack.loopback import LoopbackServer
from local_stack.wire import Call, Wire

type Reader = Literal["slack", "teams", "pager"]

READERS: tuple[Reader, ...] = ("slack", "teams", "pager")

_PAGER_PATH = "/v2/enqueue"


def _service_of(request: Request) -> str:
    return "pager" if request.path == _PAGER_PATH else request.path.split("/")[1]


class Readers:
    """Served within its block at `url`, and seen at `wire`. Faults there are the services'."""

    def __init__(self) -> None:
        self.wire = Wire(self._serve, lambda request: (_service_of(request), "post"))
        self._server = LoopbackServer(self.wire)
        self._got: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        return self._server.url

    def address(self, reader: str) -> str:
        """The address of a webhook, which is a secret."""
        return f"{self.url}/{reader}/{CANARY_WEBHOOK_TOKEN}"

    @property
    def secret(self) -> dict[str, str]:
        """What the stack's secret holds to reach all of them."""
        return {
            "slack_webhook_url": self.address("slack"),
            "teams_webhook_url": self.address("teams"),
            "pagerduty_routing_key": CANARY_ROUTING_KEY,
            "pagerduty_url": self.url,
        }

    def got(self, reader: Reader) -> list[dict[str, Any]]:
        """What this reader has accepted, in order, also if its answer was lost."""
        return list(self._got[reader])

    def calls(self, reader: str) -> list[Call]:
        return [call for call in self.wire.calls if call.service == reader]

    def forget(self) -> None:
        """Forget what was accepted."""
        self._got.clear()

    def clear(self) -> None:
        """Forget what was accepted, every call and every fault."""
        self.forget()
        self.wire.clear()
        self.wire.heal()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        answer = self._answer(Request(environ))
        start_response(answer.status_line, list(answer.headers))
        return [answer.body]

    def _answer(self, request: Request) -> Answer:
        reader = _service_of(request)
        is_webhook = reader in {"slack", "teams"} and self.url + request.path == self.address(
            reader
        )
        if not (is_webhook or reader == "pager"):
            return Answer(404, {"Content-Type": "text/plain"}, "no_service")
        body = json.loads(request.get_data())
        if reader == "pager" and body.get("routing_key") != CANARY_ROUTING_KEY:
            problem = {"status": "invalid event", "message": "Event object is invalid"}
            return Answer.json(400, problem | {"errors": ["Invalid routing key"]})
        self._got[reader].append(body)
        if reader == "slack":
            return Answer(200, {"Content-Type": "text/html"}, "ok")
        if reader == "teams":
            return Answer(202)
        processed = {"status": "success", "message": "Event processed"}
        return Answer.json(202, processed | {"dedup_key": body.get("dedup_key")})
