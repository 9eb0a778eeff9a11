"""No secret, token or download URL in anything that can be printed: F53."""

import base64
import dataclasses
import io
import itertools
import json
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import boto3
import httpx
import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, EndpointConnectionError, HTTPClientError
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_stack.aws import REGION
from local_stack.canaries import CANARIES, CANARY_ACCESS_TOKEN, CANARY_DOWNLOAD_TOKEN
from local_stack.refusal import atlas_error
from local_stack.runtime import LambdaRuntime
from local_stack.stack import CREDENTIALS, LocalStack
from local_stack.wire import Selection, Verbatim
from reliability.campaign import ATLAS, TOKEN, Campaign, event
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.check import JobChecker
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasUnavailableError,
    CredentialsError,
    InvalidEventError,
    RestoreWatchError,
)
from restore_watch.event import parse
from restore_watch.restore_job import RestoreKind, RestoreTarget
from restore_watch.secret import AtlasSecret, read_credentials
from restore_watch.table import RestoreJobsTable
from restore_watch.telemetry import Telemetry
from restore_watch.topic import StatusChangesTopic, cloud_event, message_attributes
from strategies import json_values, plain_change, plain_job
from strategies import secrets as any_secrets

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize
quickly = settings(deadline=None, max_examples=60)
TARGET = RestoreTarget.model_validate(
    {
        "groupId": "a" * 24,
        "clusterName": "orders",
        "restoreId": "5f0000000000000000000b01",
        "kind": "flex",
    }
)
BASE_URL = "https://cloud.mongodb.com"

# Hypothesis likes to try words from the code, which our own texts hold too.
secrets = any_secrets.map("Zq7{}".format)
hosts = st.sampled_from(["restore-1.mongodb.example:27017", "10.0.0.1", "[::1]:8443", "h"])
paths = st.text(st.characters(exclude_categories=["Z", "Cs"]), max_size=8)


def said_by(error: BaseException) -> str:
    """Everything that a log, a debugger or a caller could print of an error."""
    parts = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    reason = getattr(error, "reason", None)
    if reason is not None:
        parts += [str(reason), repr(reason), repr(dataclasses.asdict(reason))]
    return "\n".join(parts)


def basic(account: ServiceAccount) -> str:
    """What the token request's Authorization header holds."""
    words = ":".join(quote(word, safe="") for word in (account.client_id, account.client_secret))
    return base64.b64encode(words.encode()).decode()


# What Atlas may say about what it was sent


@st.composite
def texts_with(draw: st.DrawFn, word: str) -> str:
    """A text that quotes the word."""
    around = st.text(max_size=20) | st.sampled_from(['"', "'", " ", "=", ": ", "\r\n", "Bearer "])
    return draw(around) + word + draw(around)


@st.composite
def bodies_with(draw: st.DrawFn, words: list[str]) -> bytes:
    """Atlas's or OAuth's error, a proxy's page, or anything: with the words wherever they fit."""
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
    """An answer that has still to be read, as one from a socket."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


def ask(
    credentials: Credentials,
    answer: Callable[[httpx.Request], httpx.Response],
    one: RestoreTarget = TARGET,
) -> tuple[AtlasClient, str]:
    """A client that asked, and everything it said in doing so."""
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = AtlasClient(BASE_URL, http, sleep=lambda _: None)
        try:
            job = client.get_restore_job(one, credentials, Deadline.after(30))
        except AtlasError as error:
            return client, said_by(error)
    return client, repr(job)


@pytest.mark.fault("F53")
@given(st.data(), secrets, secrets, hosts, secrets)
@quickly
def test_no_refusal_of_a_job_quotes_a_secret(
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
def test_no_refusal_of_an_api_key_quotes_it(data: st.DataObject, secret: str, nonce: str) -> None:
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
def test_no_refusal_of_a_token_quotes_a_secret(data: st.DataObject, secret: str) -> None:
    account = ServiceAccount("mdb_sa_id_1", secret)
    words = [secret, quote(secret, safe=""), basic(account)]
    status, headers, body = data.draw(answers_with(words))

    def answer(_: httpx.Request) -> httpx.Response:
        return answered(status, body, headers)

    _, said = ask(account, answer)

    assert [word for word in words if word in said] == []


@pytest.mark.fault("F53")
@given(
    secrets,
    st.sampled_from(
        [
            lambda token: {"access_token": token + "\n"},
            lambda token: {"access_token": [token]},
            lambda token: {"access_token": {"value": token}},
            lambda token: {"token": token},
            lambda token: {"access_token": token, "expires_in": token},
            lambda token: {"access_token": token, "expires_in": -1},
            lambda token: [token],
            lambda token: token,
        ]
    ),
)
@quickly
def test_no_malformed_token_is_quoted(token: str, shape: Callable[[str], Any]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return answered(200, shape(token))

    _, said = ask(ServiceAccount("mdb_sa_id_1", "unrelated-secret"), answer)

    assert token not in said


@pytest.mark.fault("F53")
@given(st.data(), secrets, secrets)
@quickly
def test_no_token_that_was_replaced_is_quoted(data: st.DataObject, old: str, new: str) -> None:
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
        client.get_restore_job(TARGET, account, Deadline.after(30))
        with pytest.raises(AtlasError) as caught:
            client.get_restore_job(TARGET, account, Deadline.after(30))

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
def test_no_failure_of_the_network_quotes_a_secret(
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
def test_no_piece_of_a_broken_answer_is_quoted(
    campaign: Campaign, step: Selection, piece: str, form: bytes
) -> None:
    """Its beginning is gone, so nothing about it tells what it is."""
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
def test_a_url_is_one_in_any_spelling(campaign: Campaign, spelling: str) -> None:
    place = "" if "27017" in spelling else "restore-1.orders.mongodb.net:27017/"
    ticket = f"{CANARY_DOWNLOAD_TOKEN}/a.tar.gz"
    url = spelling.format(ticket if "token" in spelling else place + ticket)
    campaign.inject(ATLAS, atlas_error(400, "VALIDATION_ERROR", f"Not ready: {url} yet."))
    error = campaign.refused(AtlasBadRequestError, campaign.job())

    assert CANARY_DOWNLOAD_TOKEN not in said_by(error)
    assert "Not ready: " in str(error)


@pytest.mark.fault("F53")
@given(hosts, paths, secrets)
@quickly
def test_no_part_of_a_url_is_quoted(host: str, path: str, ticket: str) -> None:
    url = f"https://{host}/{path}{ticket}/restore.tar.gz"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": "a-token"})
        return answered(400, {"detail": f"{url} is gone", "errorCode": "GONE"})

    _, said = ask(ServiceAccount("mdb_sa_id_1", "unrelated-secret"), answer)

    assert ticket not in said


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
def test_a_long_detail_takes_no_long_time(campaign: Campaign, detail: str) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, atlas_error(400, "VALIDATION_ERROR", detail))
    begun = time.process_time()
    error = campaign.refused(AtlasBadRequestError, job)

    assert time.process_time() - begun < 1
    assert len(str(error)) < 500


# What AWS may say about what it was given


@pytest.fixture(scope="module")
def aws_clients() -> Iterator[dict[str, Any]]:
    session = boto3.Session("AKIAREDACTION", "redaction", region_name=REGION)
    names: tuple[Any, ...] = ("secretsmanager", "dynamodb", "sns")
    made = {name: session.client(name) for name in names}
    yield made
    for client in made.values():
        client.close()


AWS_STEPS: dict[str, tuple[str, Callable[[Any, Deadline], object]]] = {
    "secretsmanager": (
        "get_secret_value",
        lambda client, deadline: AtlasSecret(client, "atlas").credentials(deadline),
    ),
    "dynamodb": (
        "update_item",
        lambda client, deadline: RestoreJobsTable(client, "jobs").record(
            plain_job(), plain_change().observed_at, deadline
        ),
    ),
    "sns": (
        "publish",
        lambda client, deadline: StatusChangesTopic(client, "arn:aws:sns:x:1:t").publish(
            plain_change(), deadline
        ),
    ),
}
within_a_module = settings(quickly, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.fault("F53")
@cases("service", list(AWS_STEPS))
@given(
    data=st.data(),
    secret=secrets,
    code=st.sampled_from(["AccessDeniedException", "InternalError", "ValidationException"]),
)
@within_a_module
def test_no_error_of_aws_is_quoted(
    aws_clients: dict[str, Any], service: str, data: st.DataObject, secret: str, code: str
) -> None:
    operation, step = AWS_STEPS[service]
    client = aws_clients[service]
    message = data.draw(texts_with(secret))
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, code, message, 400, {"Echo": secret})
        with pytest.raises(RestoreWatchError) as caught:
            step(client, Deadline.after(30))

    assert secret not in said_by(caught.value)
    assert code in str(caught.value)


class Unreachable:
    """Clients whose every call ends in this error."""

    def __init__(self, error: BotoCoreError) -> None:
        self._error = error

    def fail(self, **_: Any) -> Any:
        raise self._error

    get_secret_value = update_item = publish = fail


@pytest.mark.fault("F53")
@cases("service", list(AWS_STEPS))
@given(secret=secrets)
@within_a_module
def test_no_failure_to_reach_aws_is_quoted(service: str, secret: str) -> None:
    _, step = AWS_STEPS[service]
    errors = (
        EndpointConnectionError(endpoint_url=f"https://{secret}", error=secret),
        HTTPClientError(error=secret, request=secret, response=secret),
    )
    for error in errors:
        with pytest.raises(RestoreWatchError) as caught:
            step(Unreachable(error), Deadline.after(30))

        assert secret not in said_by(caught.value)
        assert type(error).__name__ in str(caught.value)


@pytest.mark.fault("F30", "F53")
@given(st.data(), secrets)
@quickly
def test_no_unusable_secret_is_quoted(data: st.DataObject, secret: str) -> None:
    keys = st.sampled_from(
        ["client_id", "clientSecret", "PublicKey", "private_key", "base_url", "BaseUrl", secret]
    )
    odd = texts_with(secret) | st.sampled_from([[secret], {secret: 1}, f"https://{secret}"])
    value = st.dictionaries(keys, odd, max_size=4) | st.just([secret])
    text = data.draw(value.map(json.dumps) | texts_with(secret))
    try:
        said = repr(read_credentials(text))
    except CredentialsError as error:
        said = said_by(error)
    usable = json.loads(text) if said.startswith(("ServiceAccount", "ApiKey")) else {}

    # The id and the public key are names, not secrets; so is the address.
    names = ("client_id", "PublicKey", "base_url", "BaseUrl")
    assert secret not in said or any(secret in str(usable.get(name)) for name in names)


@pytest.mark.fault("F41", "F53")
@given(st.data(), secrets)
@settings(quickly, max_examples=30)
def test_no_event_is_quoted(data: st.DataObject, secret: str) -> None:
    fields = ("groupId", "clusterName", "restoreId", "kind", "envelope", "targets", "detail-type")
    leaf = texts_with(secret) | st.just(secret)
    one = st.dictionaries(st.sampled_from(fields), json_values(leaf), max_size=4)
    given_event = data.draw(one | st.fixed_dictionaries({"targets": st.lists(one, min_size=1)}))
    try:
        said = repr(parse(given_event))
    except InvalidEventError as error:
        said = said_by(error)
        assert secret not in said
    names = ("group_id=", "cluster_name=", "restore_id=")
    assert secret not in said or any(name in said for name in names)


# Objects


@pytest.mark.fault("F53")
@given(secrets, secrets)
@quickly
def test_nothing_that_holds_a_secret_shows_it(secret: str, token: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        held.append(request)
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": token})
        if "Authorization" not in request.headers:
            headers = {"Www-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
            return answered(401, b"", headers)
        return answered(200, {"id": TARGET.restore_id, "status": "RUNNING"})

    held: list[Any] = []
    for credentials in (ServiceAccount("mdb_sa_id_1", secret), ApiKey("public", secret)):
        client, said = ask(credentials, answer)
        assert secret not in said
        held += [
            client,
            vars(client),
            credentials,
            replace(credentials, base_url=BASE_URL),
            AtlasSecret(Unreachable(HTTPClientError(error=secret)), "atlas"),  # type: ignore[arg-type]
            JobChecker(*[None] * 4),  # type: ignore[arg-type]
        ]

    shown = "\n".join(f"{one!r}\n{one!s}" for one in held)
    assert [word for word in (secret, token) if word in shown] == []


URL_FIELDS = {
    RestoreKind.FLEX: ("snapshotUrl", "deliveryUrl", "links", "anythingElse"),
    RestoreKind.DEDICATED: (
        "deliveryUrl",
        "snapshotUrl",
        "privateDownloadDeliveryUrls",
        "components",
        "links",
        "anythingElse",
    ),
}


@pytest.mark.fault("F53")
@given(st.data(), st.sampled_from(list(URL_FIELDS)), hosts, secrets)
@quickly
def test_no_download_url_gets_past_the_parser(
    data: st.DataObject, kind: RestoreKind, host: str, ticket: str
) -> None:
    url = f"https://{host}/{ticket}/restore.tar.gz"
    part = st.fixed_dictionaries({}, optional={"downloadUrl": st.just(url), url: st.just(url)})
    shape = st.sampled_from([url, [url], [[url]], {"url": url}, [{"deliveryUrl": url}]])
    extra = {
        name: data.draw(st.lists(part, max_size=2) if name == "components" else shape)
        for name in data.draw(st.sets(st.sampled_from(URL_FIELDS[kind]), min_size=1))
    }
    usual = {"id": TARGET.restore_id, "status": "COMPLETED", "deliveryType": "download"}
    wrong: dict[str, Any] = data.draw(
        st.sampled_from([{}, {"status": 1, "cancelled": "x"}, {"id": url}])
    )

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": "a-token"})
        return answered(200, {**usual, **extra, **wrong})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = AtlasClient(BASE_URL, http)
        account = ServiceAccount("mdb_sa_id_1", "unrelated-secret")
        one = TARGET.model_copy(update={"kind": kind})
        try:
            job = client.get_restore_job(one, account, Deadline.after(30))
        except AtlasError as error:
            said = said_by(error)
        else:
            change = plain_change(job)
            said = repr([job, job.as_json(), cloud_event(change), message_attributes(change)])

    assert ticket not in said


# Logs


_numbers = itertools.count(1)


@contextmanager
def logged() -> Iterator[tuple[Telemetry, io.StringIO]]:
    output = io.StringIO()
    # A name of its own, since loggers of one name share the first one's output.
    yield Telemetry(Logger(service=f"redaction-{next(_numbers)}", stream=output)), output


@pytest.mark.fault("F23", "F53")
@given(secrets, st.sampled_from(["Sunset", "Deprecation"]))
@quickly
def test_no_header_shows_a_token_or_url_in_the_log(ticket: str, name: str) -> None:
    with logged() as (telemetry, output):
        for value in (f"Bearer {ticket}", f"https://restore.example/{ticket}"):
            telemetry.atlas_answered(httpx.Response(200, headers={name: value}))

    lines = output.getvalue().splitlines()
    assert len(lines) == 2
    assert all(ticket not in json.loads(line)["sunset"] for line in lines)


@pytest.fixture(scope="module")
def talkative(tools: Any) -> Iterator[LambdaRuntime]:
    """The real runtime at its most talkative log level."""
    stack: LocalStack = tools.stack
    usual = stack.pool.runtimes[0].environment
    variables = {**usual.variables, "POWERTOOLS_LOG_LEVEL": "DEBUG"}
    with LambdaRuntime(replace(usual, variables=variables)) as runtime:
        yield runtime


@pytest.mark.fault("F53")
@cases("credentials", list(CREDENTIALS))
def test_no_log_level_shows_a_secret(
    campaign: Campaign, talkative: LambdaRuntime, credentials: Any
) -> None:
    campaign.use(credentials)
    talkative.restart()
    job = campaign.job("dedicated", delivery_type="download")
    job.run_to_end()
    answers = [talkative.invoke(event(job)).payload]
    campaign.inject(ATLAS, atlas_error(403, "UNEXPECTED_ERROR", job.download_url), times=None)
    campaign.inject(TOKEN, atlas_error(403, "UNEXPECTED_ERROR", job.download_url), times=None)
    campaign.atlas.expire_tokens()
    answers.append(talkative.invoke(event(campaign.job(), kind="flex")).payload)
    logs = talkative.logs()

    assert answers[0]["job"]["downloadAvailable"]
    assert answers[1]["errorType"] == "AtlasForbiddenError"
    assert "checked" in logs
    assert "FailedChecks" in logs
    assert [canary for canary in CANARIES if canary in logs or canary in str(answers)] == []
    assert job.download_url not in logs
