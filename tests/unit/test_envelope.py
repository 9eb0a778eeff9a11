"""What an answer would be without `envelope=true`."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.envelope import open_envelope
from restore_watch.atlas.network import ENVELOPE, http_client
from strategies import json_values
from unit.scripted_atlas import JOB_URL, answer

JOB = {"id": "69f88a400000000000000b01", "status": "RUNNING"}
REFUSAL = {"errorCode": "RESOURCE_NOT_FOUND", "detail": "No."}


def opened(content: object) -> tuple[int, bytes]:
    return open_envelope(200, json.dumps(content).encode())


@pytest.mark.parametrize("name", ["content", "envelope"])
def test_an_envelope_is_opened_under_both_documented_names(name: str) -> None:
    status, body = opened({"status": 200, name: JOB})

    assert (status, json.loads(body)) == (200, JOB)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_an_enveloped_refusal_has_its_true_status_and_body(status: int) -> None:
    inner, body = opened({"status": status, "content": REFUSAL})

    assert (inner, json.loads(body)) == (status, REFUSAL)


@pytest.mark.parametrize("content", [{"content": None}, {}, {"content": "No."}], ids=repr)
def test_a_refusal_without_a_body_has_its_true_status(content: dict[str, object]) -> None:
    assert opened({"status": 401} | content) == (401, b"")


@pytest.mark.parametrize(
    ("http_status", "seen"), [(200, 401), (201, 201), (207, 207), (503, 503)], ids=str
)
def test_an_envelope_is_opened_only_in_http_200(
    monkeypatch: pytest.MonkeyPatch, http_status: int, seen: int
) -> None:
    enveloped = answer(http_status, {"status": 401, "content": REFUSAL})
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _, sent: enveloped(sent))

    with http_client() as http:
        response = http.get(JOB_URL, extensions={ENVELOPE: True})

    assert response.status_code == seen


NOT_ENVELOPES = {
    "flex job": JOB,
    "flex job with a content": JOB | {"content": {"id": "x"}},
    "dedicated job": {"id": "69f88a400000000000000b01", "deliveryType": "automated"},
    "plain refusal": {"error": 404} | REFUSAL,
    "boolean status": {"status": True, "content": {}},
    "fractional status": {"status": 200.0, "content": {}},
    "text status": {"status": "200", "content": {}},
    "number that is not a status": {"status": 199, "content": {}},
    "too large a number": {"status": 600, "content": {}},
    "success without a job": {"status": 200, "content": None},
    "list": [{"status": 200, "content": {}}],
    "null": None,
}


@pytest.mark.parametrize("content", NOT_ENVELOPES.values(), ids=NOT_ENVELOPES)
def test_an_answer_that_is_not_an_envelope_stays_as_it_is(content: object) -> None:
    body = json.dumps(content).encode()

    assert open_envelope(200, body) == (200, body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b"[" * 100_000], ids=lambda b: repr(b)[:9]
)
def test_an_answer_that_is_not_json_stays_as_it_is(body: bytes) -> None:
    assert open_envelope(200, body) == (200, body)


@given(
    st.binary()
    | json_values().map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda status, content: json.dumps({"status": status, "content": content}).encode(),
        st.integers(0, 999),
        json_values(),
    )
)
def test_opening_any_answer_raises_no_error(body: bytes) -> None:
    status, content = open_envelope(200, body)

    assert 200 <= status <= 599
    assert content in {body, b""} or json.dumps(json.loads(content)).encode() == content
