"""Atlas's answers as restore jobs: liberal in what is read, exact in what is made."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.atlas.envelope import open_envelope
from restore_watch.atlas.responses import restore_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreStatus, RestoreTarget
from strategies import json_values, kinds, unknown_words, utc_dates

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus
FLEX, DEDICATED, TENANT = RestoreKind

ID = "69f88a400000000000000b01"  # made at noon
SNAPSHOT = "69f000000000000000000c01"
PROJECT = "5f0000000000000000000a01"
TARGET = RestoreTarget.model_validate(
    {"groupId": PROJECT, "clusterName": "orders", "restoreId": ID}
)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
URL = "https://restore-1.orders.example.net:27017/downloadToken000000000000/restore-1.tar.gz"


def flex(**fields: object) -> dict[str, object]:
    """A Flex job in the recorded shape."""
    return {
        "deliveryType": "RESTORE",
        "expirationDate": "2026-05-04T18:00:00Z",
        "id": ID,
        "instanceName": "orders",
        "projectId": PROJECT,
        "restoreScheduledDate": "2026-05-04T12:00:00Z",
        "snapshotFinishedDate": "2026-05-04T06:00:00Z",
        "snapshotId": SNAPSHOT,
        "status": "PENDING",
        "targetDeploymentItemName": "carts",
        "targetProjectId": PROJECT,
    } | fields


def dedicated(**fields: object) -> dict[str, object]:
    """A dedicated job in the recorded shape: nulls and undeclared fields included."""
    return {
        "cancelled": False,
        "deliveryType": "automated",
        "deliveryUrl": [],
        "desiredTimestamp": {"increment": None, "time": None, "date": None},
        "expired": False,
        "failed": False,
        "id": ID,
        "links": [{"href": "http://localhost:8080/api/atlas/v2", "rel": "self"}],
        "snapshotId": SNAPSHOT,
        "targetClusterName": "carts",
        "targetDeploymentItemName": "atlas-abc123",
        "targetGroupId": PROJECT,
        "timestamp": "2026-05-04T06:00:00Z",
    } | fields


def read(answer: object, kind: RestoreKind) -> RestoreJob:
    return restore_job(json.dumps(answer).encode(), TARGET, kind)


def refusal(body: bytes, kind: RestoreKind) -> str:
    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        restore_job(body, TARGET, kind)
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize("kind", [FLEX, TENANT])
def test_a_flex_or_tenant_job_is_read_into_the_one_vocabulary(kind: RestoreKind) -> None:
    job = read(flex(status="COMPLETED", restoreFinishedDate="2026-05-04T12:01:01Z"), kind)

    assert job.as_json() == {
        "groupId": PROJECT,
        "clusterName": "orders",
        "restoreId": ID,
        "kind": str(kind),
        "deliveryType": "RESTORE",
        "status": "COMPLETED",
        "atlasStatus": "COMPLETED",
        "snapshotId": SNAPSHOT,
        "snapshotFinishedDate": "2026-05-04T06:00:00Z",
        "restoreScheduledDate": "2026-05-04T12:00:00Z",
        "restoreFinishedDate": "2026-05-04T12:01:01Z",
        "expirationDate": "2026-05-04T18:00:00Z",
        "targetProjectId": PROJECT,
        "targetDeploymentItemName": "carts",
        "downloadAvailable": False,
        "terminal": True,
        "succeeded": True,
        "durationSeconds": 61,
        "snapshotAgeSeconds": 21_600,
    }


def test_a_dedicated_job_is_translated_into_the_one_vocabulary() -> None:
    job = read(dedicated(finishedAt="2026-05-04T12:03:52Z"), DEDICATED)

    assert job.as_json() == {
        "groupId": PROJECT,
        "clusterName": "orders",
        "restoreId": ID,
        "kind": "dedicated",
        "deliveryType": "automated",
        "status": "COMPLETED",
        "atlasStatus": None,
        "snapshotId": SNAPSHOT,
        "snapshotFinishedDate": "2026-05-04T06:00:00Z",
        "restoreScheduledDate": "2026-05-04T12:00:00Z",
        "restoreFinishedDate": "2026-05-04T12:03:52Z",
        "expirationDate": None,
        "targetProjectId": PROJECT,
        "targetDeploymentItemName": "carts",
        "downloadAvailable": False,
        "terminal": True,
        "succeeded": True,
        "durationSeconds": 232,
        "snapshotAgeSeconds": 21_600,
    }


@pytest.mark.parametrize("word", ["PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"])
@pytest.mark.parametrize("kind", [FLEX, TENANT])
def test_every_declared_status_is_known(word: str, kind: RestoreKind) -> None:
    job = read(flex(status=word), kind)

    assert (str(job.status), job.atlas_status) == (word, word)


@given(unknown_words)
def test_a_status_that_nobody_knows_is_kept_as_atlas_wrote_it(word: str) -> None:
    job = read(flex(status=word), FLEX)

    assert (job.status, job.atlas_status) == (UNKNOWN, word)


@pytest.mark.parametrize("words", ["CLOSED", "CANCELED", "completed"])
def test_an_unknown_status_with_a_finish_date_is_terminal(words: str) -> None:
    job = read(flex(status=words, restoreFinishedDate="2026-05-04T12:01:01Z"), FLEX)

    assert (job.terminal, job.succeeded) == (True, None)


FINISHED = {"finishedAt": "2026-05-04T12:03:52Z"}
DOWNLOAD = {"deliveryType": "download", "targetClusterName": None, "targetGroupId": None}
READY = DOWNLOAD | {"deliveryUrl": [URL], "expiresAt": "2026-05-04T13:05:00Z"}
PRIVATE = DOWNLOAD | {
    "privateDownloadDeliveryUrls": [{"deliveryUrl": URL, "endpointId": "vpce-0123456789abcdef0"}]
}
SHARDED = DOWNLOAD | {"components": [{"downloadUrl": URL, "replicaSetName": "shard-0"}]}
SHARDED_PRIVATE = DOWNLOAD | {
    "components": [
        {"replicaSetName": "config", "downloadUrl": None},
        {"privateDownloadDeliveryUrls": [{"deliveryUrl": URL, "endpointId": "vpce-0"}]},
    ]
}

DERIVATIONS: dict[str, tuple[dict[str, Any], RestoreStatus]] = {
    "automated, running": ({}, RUNNING),
    "automated, done": (FINISHED, COMPLETED),
    "automated, done, later expired": (FINISHED | {"expired": True}, COMPLETED),
    "point in time, done": (FINISHED | {"deliveryType": "pointInTime"}, COMPLETED),
    "download, preparing": (DOWNLOAD, RUNNING),
    "download, ready": (READY, COMPLETED),
    "download, ready at a private endpoint": (PRIVATE, COMPLETED),
    "download, ready in components": (SHARDED, COMPLETED),
    "download, ready in private components": (SHARDED_PRIVATE, COMPLETED),
    "download, lapsed": (READY | {"expired": True}, EXPIRED),
    "download, lapsed, URL gone": (DOWNLOAD | {"expired": True}, EXPIRED),
    "download, in capitals": (READY | {"deliveryType": "DOWNLOAD"}, COMPLETED),
    "automated, with a URL": ({"deliveryUrl": [URL]}, RUNNING),
    "cancelled and failed and finished": (
        FINISHED | {"cancelled": True, "failed": True},
        CANCELLED,
    ),
    "cancelled": ({"cancelled": True}, CANCELLED),
    "cancelled and expired": ({"cancelled": True, "expired": True}, CANCELLED),
    "cancelled download": (READY | {"cancelled": True}, CANCELLED),
    "failed and finished": (FINISHED | {"failed": True}, FAILED),
    "failed and expired": ({"failed": True, "expired": True}, FAILED),
    "failed download": (READY | {"failed": True}, FAILED),
    "expired": ({"expired": True}, EXPIRED),
}


@pytest.mark.parametrize(("fields", "status"), DERIVATIONS.values(), ids=DERIVATIONS)
def test_a_dedicated_status_follows_from_the_flags(
    fields: dict[str, Any], status: RestoreStatus
) -> None:
    job = read(dedicated(**fields), DEDICATED)

    assert job.status is status
    assert job.atlas_status is None


@pytest.mark.parametrize(
    "fields",
    [
        {"deliveryUrl": None},
        {"deliveryUrl": [None]},
        {"deliveryUrl": [""]},
        {"privateDownloadDeliveryUrls": []},
        {"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0123456789abcdef0"}]},
        {"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0", "deliveryUrl": None}]},
        {"components": None},
        {"components": []},
        {"components": [{"replicaSetName": "shard-0"}]},
        {"components": [{"downloadUrl": "", "privateDownloadDeliveryUrls": []}]},
        {"components": [{"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0"}]}]},
    ],
    ids=str,
)
def test_a_download_without_a_url_is_not_ready(fields: dict[str, Any]) -> None:
    job = read(dedicated(**DOWNLOAD | fields), DEDICATED)

    assert (job.status, job.download_available) == (RUNNING, False)


@pytest.mark.parametrize(
    ("fields", "available"),
    [
        (READY, True),
        (PRIVATE, True),
        (SHARDED, True),
        (DOWNLOAD, False),
        (READY | {"expired": True}, False),
        (READY | {"cancelled": True}, False),
        (READY | {"failed": True}, False),
        (FINISHED, False),
    ],
    ids=[
        "ready",
        "private",
        "sharded",
        "preparing",
        "lapsed",
        "cancelled",
        "failed",
        "no download",
    ],
)
def test_a_download_is_available_while_it_is_ready(
    fields: dict[str, Any],
    available: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert read(dedicated(**fields), DEDICATED).download_available is available


def test_a_ready_download_tells_until_when() -> None:
    job = read(dedicated(**READY), DEDICATED)

    assert job.expiration_date == NOON + timedelta(hours=1, minutes=5)
    assert (job.restore_finished_date, job.duration_seconds) == (None, None)


def test_a_flex_download_is_available_once_it_has_a_url() -> None:
    ready = flex(deliveryType="DOWNLOAD", status="COMPLETED", snapshotUrl=URL)

    assert read(ready, FLEX).download_available
    assert not read(flex(deliveryType="DOWNLOAD"), FLEX).download_available
    assert not read(flex(snapshotUrl=None), FLEX).download_available


@pytest.mark.parametrize("flag", ["cancelled", "failed", "expired"])
@pytest.mark.parametrize("value", [None, ...], ids=["null", "missing"])
def test_a_flag_that_is_not_set_is_not_raised(flag: str, value: object) -> None:
    answer = dedicated(**{flag: value})
    if value is ...:
        del answer[flag]

    assert read(answer, DEDICATED).status is RUNNING


@pytest.mark.parametrize("kind", RestoreKind)
def test_only_what_a_status_depends_on_is_required(kind: RestoreKind) -> None:
    required = {"id": ID, "deliveryType": "automated"}
    if kind is not DEDICATED:
        required = {"id": ID, "status": "RUNNING"}

    assert read(required, kind).status is RUNNING


@pytest.mark.parametrize("field", sorted(flex(restoreFinishedDate=0)))
def test_a_flex_field_may_be_null_unless_the_status_depends_on_it(field: str) -> None:
    answer = flex(**{field: None})

    if field in {"id", "status"}:
        assert f"{field} is not as expected" in refusal(json.dumps(answer).encode(), FLEX)
    else:
        assert read(answer, FLEX).status is PENDING


@pytest.mark.parametrize("field", sorted(dedicated(finishedAt=0, expiresAt=0, components=0)))
def test_a_dedicated_field_may_be_null_unless_the_status_depends_on_it(field: str) -> None:
    answer = dedicated(**{field: None})

    if field in {"id", "deliveryType"}:
        assert f"{field} is not as expected" in refusal(json.dumps(answer).encode(), DEDICATED)
    else:
        assert read(answer, DEDICATED).status is RUNNING


WRONG: dict[str, tuple[RestoreKind, dict[str, object], str]] = {
    "status": (FLEX, flex(status=200), "status"),
    "id": (FLEX, flex(id=5), "id"),
    "text": (FLEX, flex(snapshotId=[SNAPSHOT]), "snapshotId"),
    "date": (FLEX, flex(restoreFinishedDate="yesterday"), "restoreFinishedDate"),
    "date as a number": (FLEX, flex(restoreFinishedDate=1777896000), "restoreFinishedDate"),
    "date as an object": (FLEX, flex(expirationDate={"$date": 0}), "expirationDate"),
    "date out of range": (
        FLEX,
        flex(expirationDate="0001-01-01T00:00:00+10:00"),
        "expirationDate",
    ),
    "flag as text": (DEDICATED, dedicated(failed="false"), "failed"),
    "flag as a number": (DEDICATED, dedicated(cancelled=1), "cancelled"),
    "flag as a list": (DEDICATED, dedicated(expired=[]), "expired"),
    "delivery type": (DEDICATED, dedicated(deliveryType=["download"]), "deliveryType"),
    "components": (DEDICATED, dedicated(components={"downloadUrl": URL}), "components"),
    "component": (DEDICATED, dedicated(components=[URL]), "components.0"),
}


@pytest.mark.parametrize(("kind", "answer", "field"), WRONG.values(), ids=WRONG)
def test_a_field_of_a_wrong_type_is_named(
    kind: RestoreKind, answer: dict[str, object], field: str
) -> None:
    assert f"{field} is not as expected" in refusal(json.dumps(answer).encode(), kind)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html><body><h1>502 Bad Gateway</h1></body></html>",
        b'{"id": "69f88a0000',
        b'\xef\xbb\xbf{"id": "x"}',
        '{"id": "x"}'.encode("utf-16"),
        b'\xff\xfe{"id": "x"}',
        b"[" * 100_000,
        b'{"id": ' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=[
        "empty",
        "blank",
        "HTML",
        "truncated",
        "byte order mark",
        "UTF-16",
        "no UTF-8",
        "too deep a list",
        "too deep an object",
        "too long a number",
    ],
)
@pytest.mark.parametrize("kind", RestoreKind)
def test_a_body_that_is_no_json_is_not_quoted(body: bytes, kind: RestoreKind) -> None:
    assert f"{len(body)} bytes that are not JSON" in refusal(body, kind)


@pytest.mark.parametrize("answer", [None, True, 5, "text", [], [flex()]], ids=repr)
@pytest.mark.parametrize("kind", RestoreKind)
def test_json_that_is_no_object_is_no_job(answer: object, kind: RestoreKind) -> None:
    assert "the answer is not as expected" in refusal(json.dumps(answer).encode(), kind)


@pytest.mark.parametrize("kind", RestoreKind)
def test_an_answer_about_another_job_is_refused(kind: RestoreKind) -> None:
    answer = dedicated(id=SNAPSHOT) if kind is DEDICATED else flex(id=SNAPSHOT)

    assert "another job" in refusal(json.dumps(answer).encode(), kind)


def test_a_job_is_named_as_it_was_asked_for() -> None:
    job = read(flex(instanceName="elsewhere", projectId=SNAPSHOT), FLEX)

    assert (job.group_id, job.cluster_name, job.restore_id) == (PROJECT, "orders", ID)


def test_a_large_answer_is_read() -> None:
    notes = ["\N{SNOWMAN}" * 1000] * 200

    assert read(flex(notes=notes), FLEX).status is PENDING


@pytest.mark.parametrize(
    "answer",
    [
        flex(status="\ud800"),
        flex(targetDeploymentItemName="a\udfff"),
        flex(deliveryType="\udc00\ud800"),
    ],
    ids=["status", "name", "delivery type"],
)
def test_broken_unicode_does_not_get_into_a_job(answer: dict[str, object]) -> None:
    job = read(answer, FLEX)

    # Lambda encodes a result this way, and dies of what cannot be encoded.
    assert json.dumps(job.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", ["content", "envelope"])
def test_an_envelope_is_opened_under_both_documented_names(name: str) -> None:
    body = json.dumps({"status": 200, name: flex()}).encode()

    status, content = open_envelope(200, body)

    assert status == 200
    assert restore_job(content, TARGET, FLEX) == read(flex(), FLEX)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_an_envelope_tells_the_true_status_of_a_refusal(status: int) -> None:
    refused = {"error": status, "errorCode": "RESOURCE_NOT_FOUND", "detail": "No."}

    inner, content = open_envelope(200, json.dumps({"status": status, "content": refused}).encode())

    assert (inner, json.loads(content)) == (status, refused)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_an_envelope_tells_the_true_status_of_a_refusal_without_a_body(status: int) -> None:
    inner, _ = open_envelope(200, json.dumps({"status": status, "content": None}).encode())

    assert inner == status


@pytest.mark.parametrize(
    "answer",
    [
        flex(),
        flex(content={"id": "x"}),
        dedicated(),
        {"error": 404, "errorCode": "RESOURCE_NOT_FOUND"},
        {"status": True, "content": {}},
        {"status": 200.0, "content": {}},
        {"status": "200", "content": {}},
        [{"status": 200, "content": {}}],
        None,
    ],
    ids=[
        "flex job",
        "flex job with a content",
        "dedicated job",
        "refusal",
        "boolean status",
        "fractional status",
        "status as text",
        "list",
        "null",
    ],
)
def test_what_is_no_envelope_is_left_as_it_is(answer: object) -> None:
    body = json.dumps(answer).encode()

    assert open_envelope(200, body) == (200, body)


@given(st.binary() | json_values().map(lambda value: json.dumps(value).encode()))
def test_opening_an_envelope_never_fails(body: bytes) -> None:
    status, content = open_envelope(200, body)

    assert isinstance(status, int)
    assert content in {body, b""} or json.dumps(json.loads(content)).encode() == content


MARK = "~|~"
marked = st.text().filter(lambda text: "://" not in text).map(lambda text: MARK + text)
urls = marked.map(lambda text: f"https://restore.example.net/{text}")
dates = utc_dates.map(lambda date: date.isoformat()) | marked
plausible = (
    st.booleans()
    | st.sampled_from([str(status) for status in RestoreStatus])
    | st.sampled_from(["automated", "download", "pointInTime", "RESTORE", "DOWNLOAD"])
    | dates
    | marked
)
url_fields = st.fixed_dictionaries(
    {},
    optional={
        "snapshotUrl": urls,
        "deliveryUrl": urls | st.lists(urls),
        "privateDownloadDeliveryUrls": st.lists(
            st.fixed_dictionaries({"deliveryUrl": urls, "endpointId": marked})
        ),
        "components": st.lists(
            st.fixed_dictionaries({"downloadUrl": urls})
            | st.fixed_dictionaries({"privateDownloadDeliveryUrls": st.lists(urls)})
            | urls,
            max_size=3,
        ),
    },
)
other_fields = st.dictionaries(
    st.sampled_from(
        sorted({*flex(), *dedicated(), "finishedAt", "expiresAt", "restoreFinishedDate"} - {"id"})
    ),
    plausible | json_values(marked),
    max_size=5,
)
answers = st.builds(
    lambda shape, other, urls, identity: shape | other | urls | identity,
    st.sampled_from([flex(), dedicated(), dedicated(deliveryType="download"), {}]),
    other_fields,
    url_fields,
    st.just({"id": ID}) | st.just({}) | marked.map(lambda text: {"id": text}),
)
bodies = (
    (answers | json_values()).map(lambda answer: json.dumps(answer).encode())
    | st.binary()
    | st.text().map(str.encode)
)


def outcome(body: bytes, kind: RestoreKind) -> RestoreJob | UnexpectedAtlasResponseError:
    try:
        return restore_job(body, TARGET, kind)
    except UnexpectedAtlasResponseError as error:
        return error


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@settings(max_examples=300)
@given(bodies, kinds)
def test_any_body_is_a_job_or_an_answer_we_do_not_know(body: bytes, kind: RestoreKind) -> None:
    result = outcome(body, kind)

    if isinstance(result, RestoreJob):
        assert json.dumps(result.as_json(), ensure_ascii=False).encode()
        assert result.kind is kind
    else:
        assert result.__cause__ is None


@settings(max_examples=300)
@given(answers, url_fields, kinds)
def test_no_download_url_outlives_the_parsing(
    answer: dict[str, Any], opened: dict[str, Any], kind: RestoreKind
) -> None:
    result = outcome(json.dumps(answer | opened).encode(), kind)

    seen = repr(result)
    if isinstance(result, RestoreJob):
        seen += json.dumps(result.as_json(), ensure_ascii=False)
    assert not [url for url in strings(opened) if "://" in url and url in seen]
    assert "restore.example.net" not in seen
