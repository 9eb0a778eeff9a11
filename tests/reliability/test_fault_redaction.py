"""No secret, token or download URL in what is printed of an answer of Atlas: F53."""

import json
import time
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.deadline import Deadline
from local_stack.canaries import CANARY_ACCESS_TOKEN, CANARY_DOWNLOAD_TOKEN
from local_stack.refusal import atlas_error
from local_stack.wire import Selection, Verbatim
from reliability.campaign import Campaign
from reliability.quotations import (
    BASE_URL,
    TARGET,
    answered,
    answers_with,
    ask,
    basic,
    bodies_with,
    hosts,
    said_by,
    secrets,
    texts_with,
)
from reliability.steps import ATLAS, TOKEN
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import ApiKey, ServiceAccount
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.errors import AtlasBadRequestError, AtlasError, AtlasUnavailableError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize
quickly = settings(deadline=None, max_examples=25)


@pytest.mark.fault("F53")
@given(st.data(), secrets, secrets, hosts, secrets)
@quickly
def test_a_refusal_of_a_job_quotes_no_secret(
    data: st.DataObject, secret: str, token: str, host: str, ticket: str
) -> None:
    account = ServiceAccount("mdb_sa_id_1", secret)
    words = [secret, token, quote(secret, safe=""), f"https://{host}/{ticket}/a.tar.gz"]
    status, headers, body = data.draw(answers_with(words))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": token})
        return answered(status, body, headers)

    _, said = ask(account, answer)

    assert [word for word in (*words[:3], ticket) if word in said] == []


@pytest.mark.fault("F53")
@given(st.data(), secrets, secrets)
@quickly
def test_a_refusal_of_an_api_key_quotes_no_secret(
    data: st.DataObject, secret: str, nonce: str
) -> None:
    key = ApiKey("public", secret)
    status, headers, body = data.draw(answers_with([secret]))
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("Authorization", ""))
        if not sent[-1]:
            challenge = f'Digest realm="r", nonce="{quote(nonce)}", qop="auth"'
            return answered(401, b"", {"Www-Authenticate": challenge})
        echoed = body + json.dumps({"detail": sent[-1]}).encode() * (len(body) % 2)
        return answered(status, echoed, headers)

    _, said = ask(key, answer)

    assert secret not in said
    assert len(sent) >= 2


@pytest.mark.fault("F53")
@given(st.data(), secrets)
@quickly
def test_a_refused_token_request_quotes_no_secret(data: st.DataObject, secret: str) -> None:
    account = ServiceAccount("mdb_sa_id_1", secret)
    words = [secret, quote(secret, safe=""), basic(account)]
    status, headers, body = data.draw(answers_with(words))

    def answer(_: httpx.Request) -> httpx.Response:
        return answered(status, body, headers)

    _, said = ask(account, answer)

    assert [word for word in words if word in said] == []


@pytest.mark.fault("F53")
@given(st.data(), secrets, secrets)
@quickly
def test_a_replaced_token_is_not_quoted(data: st.DataObject, old: str, new: str) -> None:
    tokens = iter([old, new])
    status = data.draw(st.sampled_from([401, 403, 500]))
    body = data.draw(bodies_with([old, new]))
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": next(tokens, new)})
        asked += 1
        if asked == 1:
            return answered(200, {"id": TARGET.restore_id, "status": "RUNNING"})
        if asked == 2:
            return answered(401)
        return answered(status, body)

    account = ServiceAccount("mdb_sa_id_1", "unrelated-secret")
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = AtlasClient(BASE_URL, http, sleep=lambda _: None)
        session = AtlasSession(client, only(account))
        session.restore_job(TARGET, Deadline.after(30))
        with pytest.raises(AtlasError) as caught:
            session.restore_job(TARGET, Deadline.after(30))

    assert [token for token in (old, new) if token in said_by(caught.value)] == []


TRANSPORT_ERRORS = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.WriteError,
    httpx.PoolTimeout,
)


@pytest.mark.fault("F53")
@given(st.data(), st.sampled_from(TRANSPORT_ERRORS), secrets, secrets, hosts, secrets)
@quickly
def test_a_failure_of_the_network_quotes_no_secret(
    data: st.DataObject,
    kind: type[httpx.TransportError],
    secret: str,
    token: str,
    host: str,
    ticket: str,
) -> None:
    url = f"https://{host}/{ticket}"
    text = data.draw(texts_with(data.draw(st.sampled_from([secret, token, url]))))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": token})
        raise kind(text, request=request)

    _, said = ask(ServiceAccount("mdb_sa_id_1", secret), answer)

    assert [word for word in (secret, token, ticket) if word in said] == []


BROKEN = {
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n%s\r\n",
    "header": b"HTTP/1.1 200 OK\r\n%s\r\n\r\n",
    "status": b"%s\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
}


@pytest.mark.fault("F53")
@cases("form", list(BROKEN.values()), ids=list(BROKEN))
@cases(
    ("step", "piece"),
    [(ATLAS, f":27017/{CANARY_DOWNLOAD_TOKEN}/restore.tar.gz"), (TOKEN, CANARY_ACCESS_TOKEN)],
    ids=["job", "token"],
)
def test_no_part_of_a_broken_answer_is_quoted(
    campaign: Campaign, step: Selection, piece: str, form: bytes
) -> None:
    """The beginning of the URL or token is missing, so nothing shows what it is."""
    job = campaign.job()
    campaign.inject(step, Verbatim(form % piece.encode()), times=None)
    error = campaign.refused(AtlasUnavailableError, job)

    assert [
        word for word in (CANARY_DOWNLOAD_TOKEN, CANARY_ACCESS_TOKEN) if word in said_by(error)
    ] == []
    assert "RemoteProtocolError" in str(error)


@pytest.mark.fault("F53")
@cases(
    "spelling",
    [
        "//{}",
        "https:\\/\\/{}",
        "https%3A%2F%2F{}",
        "https:\\\\/\\\\/{}",
        "{}",
        "(https://{})",
        "host_a:27017\\/{}",
        "host%3A27017%2F{}",
        'access_token\\":\\"{}',
    ],
    ids=[
        *["no-scheme", "escaped", "quoted", "escaped-twice", "no-slashes", "in-brackets"],
        *["escaped-without-scheme", "quoted-without-scheme", "token"],
    ],
)
def test_a_url_is_recognised_in_any_spelling(campaign: Campaign, spelling: str) -> None:
    place = "" if "27017" in spelling else "restore-1.orders.mongodb.net:27017/"
    ticket = f"{CANARY_DOWNLOAD_TOKEN}/a.tar.gz"
    url = spelling.format(ticket if "token" in spelling else place + ticket)
    campaign.inject(ATLAS, atlas_error(400, "VALIDATION_ERROR", f"Not ready: {url} yet."))
    error = campaign.refused(AtlasBadRequestError, campaign.job())

    assert CANARY_DOWNLOAD_TOKEN not in said_by(error)
    assert "Not ready: " in str(error)


@pytest.mark.fault("F53", "F17")
@cases(
    "detail",
    [
        *["a" * 40_000, "a." * 20_000, "bearer " * 6_000, "https://" * 5_000, " " * 40_000],
        *["\\" * 40_000, "a:1" * 13_000, "a:1/" * 10_000, "%2f" * 13_000],
    ],
    ids=[
        *["letters", "schemes", "bearers", "urls", "spaces"],
        *["backslashes", "ports", "addresses", "slashes"],
    ],
)
def test_a_long_detail_is_redacted_in_less_than_a_second(campaign: Campaign, detail: str) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, atlas_error(400, "VALIDATION_ERROR", detail))
    begun = time.process_time()
    error = campaign.refused(AtlasBadRequestError, job)

    assert time.process_time() - begun < 1
    assert len(str(error)) < 500
