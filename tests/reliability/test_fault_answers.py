"""
Any answer that Atlas's specification allows, and damaged ones: each is read, or a typed error.

The specification lies beside the checkout and is read when the tests run; nothing of it is copied.
Without it, the tests that need it are skipped.
"""

import functools
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from foundation.deadline import Deadline
from local_stack.wire import Answer, Call, Fault, LoopbackServer, Verbatim, Wire
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.network import http_client
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.aws.cloud_events import cloud_event, message_attributes, subject
from restore_watch.errors import AtlasError, UnexpectedAtlasResponseError
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus, RestoreTarget
from strategies import COLLECTION_WORDS, json_values, plain_change

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize
thoroughly = settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

CHECKOUT = Path(__file__).parents[2]
SPECIFICATION = (
    Path(os.environ.get("ATLAS_SHARED") or CHECKOUT.parent / "shared")
    / "atlas"
    / "restore-openapi.observed.json"
)
specified = pytest.mark.skipif(
    not SPECIFICATION.is_file(),
    reason="the specification is missing: ATLAS_SHARED names the folder that holds atlas/",
)

TARGET = RestoreTarget.model_validate(
    {"groupId": "a" * 24, "clusterName": "orders", "restoreId": "5f0000000000000000000b01"}
)
SOURCE = {"projectId": "a" * 24, "instanceName": "orders", "clusterName": "orders"}
"""What an answer for the target says of its source, if it names one."""

ACCOUNT = ServiceAccount("mdb_sa_id_1", "a-secret-of-an-account")
SCHEMAS = {
    RestoreKind.FLEX: "FlexBackupRestoreJob20241113",
    RestoreKind.TENANT: "TenantRestore",
    RestoreKind.DEDICATED: "DiskBackupSnapshotRestoreJob",
    RestoreKind.COLLECTION: "ApiAtlasCollectionRestoreJobResponse",
}
kinds = cases("kind", list(RestoreKind))


# Values for a schema: as much of OpenAPI as the schemas of restore jobs and errors use


@functools.cache
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPECIFICATION.read_text())["components"]["schemas"]
    return found


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return values(schemas()[schema["$ref"].rpartition("/")[2]])
    found = _values(schema)
    return st.none() | found if schema.get("nullable") else found


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    found: st.SearchStrategy[Any]
    match schema.get("type"):
        case "object":
            fields = {name: values(one) for name, one in schema.get("properties", {}).items()}
            required = {
                name: fields.pop(name) for name in schema.get("required", ()) if name in fields
            }
            found = st.fixed_dictionaries(required, optional=fields)
        case "array":
            found = st.lists(values(schema["items"]), max_size=3)
        case "boolean":
            found = st.booleans()
        case "integer":
            found = st.integers(min_value=int(schema.get("minimum", 0)), max_value=2**31 - 1)
        case "string" if "enum" in schema:
            found = st.sampled_from(schema["enum"])
        case "string" if schema.get("format") == "date-time":
            found = st.datetimes().map(lambda at: f"{at.replace(microsecond=0).isoformat()}Z")
        case "string" if "pattern" in schema:
            found = st.from_regex(schema["pattern"].replace("$", r"\Z"))
        case "string":
            found = st.text(max_size=80)
        case _:
            found = json_values()
    return found


@st.composite
def answers(draw: st.DrawFn, kind: RestoreKind) -> dict[str, Any]:
    """A job as the specification describes it, with the fields that every recorded job has."""
    answer: dict[str, Any] = draw(values(schemas()[SCHEMAS[kind]]))
    if kind is RestoreKind.COLLECTION:
        answer.setdefault("state", draw(st.sampled_from(list(COLLECTION_WORDS))))
    elif kind is not RestoreKind.DEDICATED:
        answer.setdefault("status", draw(st.sampled_from(["PENDING", "RUNNING", "COMPLETED"])))
    return answer | {"id": TARGET.restore_id}


odd = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**30,
        1e308,
        float("nan"),
        float("inf"),
        "",
        " ",
        "\x00",
        "\ud800",
        "\U0001f4a5" * 400,
        "COMPLETED",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "2026-02-30T00:00:00Z",
        "1e400",
        [],
        {},
        [None],
        {"status": 200, "content": {}},
    ]
)
odd_values = odd | json_values(odd | st.text(max_size=20) | st.integers() | st.booleans())


@st.composite
def mutants(draw: st.DrawFn, value: Any) -> Any:
    """The value with fields changed, dropped or added at some places, at any depth."""
    for _ in range(draw(st.integers(1, 3))):
        value = _mutated(draw, value)
    return value


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(value)))
        match draw(st.sampled_from(["change", "change", "drop", "add"])):
            case "drop":
                return {key: one for key, one in value.items() if key != name}
            case "add":
                return value | {
                    draw(st.text(max_size=8) | st.just("snapshotUrl")): draw(odd_values)
                }
            case _:
                return value | {name: _mutated(draw, value[name])}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _mutated(draw, value[place]), *value[place + 1 :]]
    return draw(odd_values)


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """The bytes cut off, or with some of them replaced or inserted."""
    place = draw(st.integers(0, len(body)))
    match draw(st.sampled_from(["cut", "replace", "insert"])):
        case "cut":
            return body[:place]
        case "replace":
            return body[:place] + draw(st.binary(min_size=1, max_size=4)) + body[place + 1 :]
        case _:
            return body[:place] + draw(st.binary(min_size=1, max_size=40)) + body[place:]


def ask(
    answer: Callable[[httpx.Request], httpx.Response],
    one: RestoreTarget,
    credentials: Credentials = ACCOUNT,
) -> RestoreJob:
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = AtlasClient("https://cloud.mongodb.com", http, sleep=lambda _: None)
        return AtlasSession(client, only(credentials)).restore_job(one, Deadline.after(30))


def always(
    status: int, body: bytes, headers: dict[str, str] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    """An Atlas that issues tokens, and gives this answer to every other request."""

    def answer(request: httpx.Request) -> httpx.Response:
        token = request.url.path == "/api/oauth/token"
        content = b'{"access_token": "a-token"}' if token else body
        return httpx.Response(
            200 if token else status,
            headers={} if token else headers,
            stream=httpx.ByteStream(content),
        )

    return answer


def of_kind(kind: RestoreKind, **more: bool) -> RestoreTarget:
    return TARGET.model_copy(update={"kind": kind, **more})


def assert_usable(job: RestoreJob) -> None:
    """Assert that the job can be stored, published and returned."""
    change = plain_change(job)
    TypeSerializer().serialize({k: v for k, v in job.as_json().items() if v is not None})
    # Lambda's own client writes a result like this.
    json.dumps(job.as_json(), ensure_ascii=False, allow_nan=False).encode()
    json.dumps(cloud_event(change), allow_nan=False).encode()
    assert len(subject(change)) < 100
    for attribute in message_attributes(change).values():
        assert re.fullmatch(r"[\x20-\x7e]+", attribute["StringValue"])


@pytest.mark.fault("F16", "F48")
@specified
@kinds
@given(data=st.data())
@thoroughly
def test_every_answer_of_the_specification_is_read(kind: RestoreKind, data: st.DataObject) -> None:
    said = data.draw(answers(kind))
    said |= {name: value for name, value in SOURCE.items() if name in said}
    job = ask(always(200, json.dumps(said).encode()), of_kind(kind))

    assert_usable(job)
    assert job.delivery_type == said.get("deliveryType")
    assert job.snapshot_id == said.get("snapshotId")
    if kind is RestoreKind.DEDICATED:
        assert job.status is not RestoreStatus.UNKNOWN
        assert (job.status is RestoreStatus.CANCELLED) is said.get("cancelled", False)
        assert (job.restore_finished_date is None) is ("finishedAt" not in said)
    elif kind is RestoreKind.COLLECTION:
        assert job.status is COLLECTION_WORDS[said["state"]]
        assert (job.restore_finished_date is None) is ("finishedAt" not in said)
    else:
        assert job.status == said["status"]
        assert (job.restore_finished_date is None) is ("restoreFinishedDate" not in said)


@pytest.mark.fault("F15", "F16", "F17", "F48", "F49")
@specified
@kinds
@given(data=st.data())
@thoroughly
def test_an_answer_with_odd_fields_is_read_or_a_typed_error(
    kind: RestoreKind, data: st.DataObject
) -> None:
    said = data.draw(answers(kind).flatmap(mutants))
    try:
        job = ask(always(200, json.dumps(said).encode()), of_kind(kind))
    except UnexpectedAtlasResponseError:
        return

    assert_usable(job)


@pytest.mark.fault("F17")
@specified
@kinds
@given(data=st.data())
@thoroughly
def test_a_damaged_answer_is_read_or_a_typed_error(kind: RestoreKind, data: st.DataObject) -> None:
    body = json.dumps(data.draw(answers(kind))).encode()
    try:
        job = ask(always(200, data.draw(damaged(body))), of_kind(kind))
    except UnexpectedAtlasResponseError:
        return

    assert_usable(job)


@pytest.mark.fault("F16", "F17")
@specified
@kinds
@given(
    data=st.data(), key=st.sampled_from(["content", "envelope"]), inner=odd_values | st.just(200)
)
@thoroughly
def test_an_envelope_is_opened_or_a_typed_error(
    kind: RestoreKind, data: st.DataObject, key: str, inner: Any
) -> None:
    said = data.draw(answers(kind) | answers(kind).flatmap(mutants))
    body = json.dumps({"status": inner, key: said}).encode()
    try:
        job = ask(always(200, body), of_kind(kind, envelope=True))
    except AtlasError:
        return

    assert_usable(job)


@pytest.mark.fault("F16", "F17", "F19", "F33")
@specified
@given(
    data=st.data(),
    status=st.sampled_from([400, 401, 403, 404, 405, 406, 408, 409, 410, 429, 500, 502, 503, 599]),
)
@thoroughly
def test_every_refusal_is_a_typed_error(data: st.DataObject, status: int) -> None:
    refusal = values(schemas()["ApiError"])
    said = data.draw(refusal | refusal.flatmap(mutants))
    body = json.dumps(said).encode()
    body = data.draw(st.just(body) | damaged(body))
    with pytest.raises(AtlasError) as caught:
        ask(always(status, body), TARGET)

    assert type(caught.value) is not AtlasError
    assert len(str(caught.value)) < 3_000
    assert "\n" not in str(caught.value)


# Bytes that are almost HTTP, over a real connection

STATUS_LINES = [
    *["HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 302 Found", "HTTP/1.1 401 No"],
    *["HTTP/1.1 429 Later", "HTTP/1.1 503 ", "HTTP/1.1 204 Nothing", "HTTP/1.1 100 Go on"],
    *["HTTP/1.1 101 Upgrade", "HTTP/2 200", "HTTP/1.1 99 Few", "HTTP/1.1 2000 Many", "ICY 200", ""],
]
ODD_HEADERS = [
    f"{name}: {value}"
    for name, values in {
        "Location": ["https://xn--a.com/", "mailto:x", "https://[::1", "//", "\x01", ""],
        "Set-Cookie": ["a=b; Domain=.; Expires=never", "=", "a"],
        "Content-Type": ["text/html; charset=none", "application/json", ";"],
        "Content-Length": ["0", "-1", "17", "9" * 30, "many"],
        "Content-Encoding": ["gzip", "identity", "none"],
        "Transfer-Encoding": ["chunked", "gzip, chunked", "none"],
        "Connection": ["close", "upgrade", ""],
        "Retry-After": ["0", "-1", "1e308", "Soon", "Thu, 32 Jan 99999 25:61:61 +9999"],
        "Date": ["Soon", "Thu, 01 Jan 0001 00:00:00 +9999"],
        "Www-Authenticate": ["Digest realm=", 'Digest nonce="x", qop="other"', "Bearer", "Digest"],
        "Sunset": ["Soon"],
        "X y": ["z"],
    }.items()
    for value in values
]
TICKET = "a-ticket-that-opens-everything"
BODIES = [
    json.dumps({"id": TARGET.restore_id, "status": "RUNNING"}),
    json.dumps({"access_token": TICKET}),
    f"5\r\nbegin\r\n/{TICKET}/restore.tar.gz\r\n",
    f"{TICKET}\r\n0\r\n\r\n",
]
anything = st.text(st.characters(codec="latin-1"), max_size=20)


@st.composite
def wire_bytes(draw: st.DrawFn) -> bytes:
    """A status line, headers and a body, each of them usual, odd or anything."""
    header = st.sampled_from([*ODD_HEADERS, f"Location: /{TICKET}", f"{TICKET}:x"]) | anything
    lines = [draw(st.sampled_from(STATUS_LINES) | anything), *draw(st.lists(header, max_size=4))]
    body = draw(st.sampled_from(BODIES) | anything)
    return "\r\n".join([*lines, "", body]).encode("latin-1")


@dataclass(frozen=True)
class Line:
    """An Atlas that answers what is injected, and the function's own connections to it."""

    wire: Wire
    url: str
    http: httpx.Client

    def ask(self, credentials: Credentials) -> RestoreJob:
        client = AtlasClient(self.url, self.http, sleep=lambda _: None)
        return AtlasSession(client, only(credentials)).restore_job(TARGET, Deadline.after(30))


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    wire = Wire(Request.application(lambda _: Response("")), lambda _: ("atlas", "any"))
    with LoopbackServer(wire) as server, http_client() as http:
        yield Line(wire, server.url, http)


@pytest.mark.fault("F17", "F38", "F53")
@cases("credentials", [ACCOUNT, ApiKey("public", "a-private-key")], ids=["token", "digest"])
@given(said=wire_bytes(), has_token=st.booleans())
@settings(thoroughly, max_examples=80)
def test_any_bytes_from_the_network_are_read_or_a_typed_error(
    line: Line,
    credentials: Credentials,
    said: bytes,
    has_token: bool,  # noqa: FBT001
) -> None:
    line.wire.heal()
    if has_token:
        token = Answer.json(200, {"access_token": "a-token"})
        line.wire.inject(Fault(action=token, when=is_token_request, times=None))
    line.wire.inject(Fault(action=Verbatim(said), times=None))
    text = ""
    try:
        assert_usable(line.ask(credentials))
    except AtlasError as error:
        text = f"{error!r} {error}"
    assert TICKET not in text


def is_token_request(call: Call) -> bool:
    return call.path == "/api/oauth/token"
