"""Texts that quote a secret, and everything that can be printed of an outcome."""

import base64
import dataclasses
import json
import traceback
from collections.abc import Callable
from urllib.parse import quote

import httpx
from hypothesis import strategies as st

from foundation.deadline import Deadline
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import Credentials, ServiceAccount
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.errors import (
    AtlasError,
)
from restore_watch.model.restore_job import RestoreTarget
from strategies import json_values
from strategies import secrets as any_secrets

TARGET = RestoreTarget.model_validate(
    {
        "groupId": "a" * 24,
        "clusterName": "orders",
        "restoreId": "5f0000000000000000000b01",
        "kind": "flex",
    }
)

BASE_URL = "https://cloud.mongodb.com"

# Hypothesis tries words from the code, and our own texts contain them too.
secrets = any_secrets.map("Zq7{}".format)

hosts = st.sampled_from(["restore-1.mongodb.example:27017", "10.0.0.1", "[::1]:8443", "h"])


def said_by(error: BaseException) -> str:
    """Everything that a log, a debugger or a caller can print of an error."""
    parts = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    reason = getattr(error, "reason", None)
    if reason is not None:
        parts += [str(reason), repr(reason), repr(dataclasses.asdict(reason))]
    return "\n".join(parts)


def basic(account: ServiceAccount) -> str:
    """The credentials in the Authorization header of the token request."""
    words = ":".join(quote(word, safe="") for word in (account.client_id, account.client_secret))
    return base64.b64encode(words.encode()).decode()


@st.composite
def texts_with(draw: st.DrawFn, word: str) -> str:
    """A text that quotes the word."""
    around = st.text(max_size=20) | st.sampled_from(['"', "'", " ", "=", ": ", "\r\n", "Bearer "])
    return draw(around) + word + draw(around)


@st.composite
def bodies_with(draw: st.DrawFn, words: list[str]) -> bytes:
    """An error of Atlas or OAuth, the page of a proxy, or any text, with the words in it."""
    text = st.sampled_from(words).flatmap(texts_with)
    leaf = text | text | text | st.none() | st.integers() | st.just("USER_UNAUTHORIZED")
    value = leaf | json_values(leaf)
    field = st.fixed_dictionaries({"description": value}, optional={"field": value})
    api_error = st.fixed_dictionaries(
        {"detail": value},
        optional={
            "reason": value,
            "error": value | st.integers(),
            "errorCode": value | st.sampled_from(words),
            "parameters": st.lists(value, max_size=3),
            "badRequestDetail": st.fixed_dictionaries({"fields": st.lists(field, max_size=7)})
            | value,
            "error_description": value,
            "status": value,
        },
    )
    kind = draw(st.sampled_from(["api error", "api error", "api error", "json", "html", "text"]))
    match kind:
        case "api error":
            return json.dumps(draw(api_error)).encode()
        case "json":
            return json.dumps(draw(value)).encode()
        case "html":
            return f"<html><body>{draw(text)}</body></html>".encode(errors="replace")
        case _:
            return draw(text).encode(errors="replace")


statuses = st.sampled_from(
    [200, 201, 302, 400, 401, 403, 404, 405, 406, 409, 410, 429, 500, 502, 503]
)

SAYING = ("X-Error-Code", "Location", "Www-Authenticate", "Retry-After", "Sunset", "Server")


@st.composite
def answers_with(draw: st.DrawFn, words: list[str]) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: draw(st.sampled_from(["", "Bearer ", 'Digest realm="', "Digest qop="])) + word
        for name in draw(st.sets(st.sampled_from(SAYING), max_size=2))
        for word in [quote(draw(st.sampled_from(words)), safe="!#$&'()*+,/:;=?@[]\"\\ <>{}|`^~")]
    }
    return draw(statuses), headers, draw(bodies_with(words))


def answered(
    status: int, body: bytes | object = b"", headers: dict[str, str] | None = None
) -> httpx.Response:
    """An answer that is not read yet, like one from a socket."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


def ask(
    credentials: Credentials,
    answer: Callable[[httpx.Request], httpx.Response],
    one: RestoreTarget = TARGET,
) -> tuple[AtlasSession, str]:
    """Ask, and return the session with everything that can be printed of the outcome."""
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = AtlasClient(BASE_URL, http, sleep=lambda _: None)
        session = AtlasSession(client, only(credentials))
        try:
            job = session.restore_job(one, Deadline.after(30))
        except AtlasError as error:
            return session, said_by(error)
    return session, repr(job)
