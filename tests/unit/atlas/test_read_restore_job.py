"""Atlas's answers as restore jobs: tolerant of the input, exact in the result."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.redaction import without_urls
from strategies import (
    COLLECTION_WORDS,
    KNOWN_WORDS,
    collection_unknown_words,
    json_values,
    kinds,
    unknown_words,
    utc_dates,
)
from unit.atlas_answers import ID, SNAPSHOT, TARGET, URL, collection, dedicated, flex, read

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind


def refusal(body: bytes, kind: RestoreKind) -> str:
    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        restore_job(body, TARGET, kind)
    assert refused.value.__cause__ is None
    return str(refused.value)


FINISHED = "2026-05-04T12:03:52Z"


@pytest.mark.parametrize(("word", "status"), COLLECTION_WORDS.items())
def test_every_known_state_of_a_collection_job_is_read(word: str, status: RestoreStatus) -> None:
    job = read(collection(state=word), COLLECTION)

    assert (job.status, job.atlas_status) == (status, word)
    assert job.terminal is status.ends


@given(collection_unknown_words)
@example("RUNNING")
@example("COMPLETED")
@example("CANCELLED")
@example("PARTIALLY_SUCCESSFUL")
def test_any_other_state_of_a_collection_job_is_unknown(word: str) -> None:
    """The words of the other kinds too: no specification says what they would mean here."""
    job = read(collection(state=word, finishedAt=FINISHED), COLLECTION)

    assert (job.status, job.atlas_status) == (RestoreStatus.UNKNOWN, without_urls(word))
    assert (job.terminal, job.succeeded) == (True, None)


@pytest.mark.parametrize("word", ["CANCELED", *KNOWN_WORDS])
@pytest.mark.parametrize("kind", [FLEX, TENANT])
def test_every_known_status_is_read(word: str, kind: RestoreKind) -> None:
    job = read(flex(status=word), kind)

    expected = "CANCELLED" if word == "CANCELED" else word
    assert (str(job.status), job.atlas_status) == (expected, word)


@given(unknown_words)
def test_an_unknown_status_is_kept_as_atlas_wrote_it(word: str) -> None:
    job = read(flex(status=word), FLEX)

    assert (job.status, job.atlas_status) == (RestoreStatus.UNKNOWN, without_urls(word))


NULLS: dict[RestoreKind, tuple[dict[str, object], set[str]]] = {
    FLEX: (flex(restoreFinishedDate=None, status="RUNNING"), {"id", "status"}),
    TENANT: (flex(restoreFinishedDate=None, status="RUNNING"), {"id", "status"}),
    DEDICATED: (
        dedicated(finishedAt=None, expiresAt=None, components=None),
        {"id", "deliveryType"},
    ),
    COLLECTION: (
        collection(finishedAt=None, errorMessage=None, state="IN_PROGRESS"),
        {"id", "state"},
    ),
}


@pytest.mark.fault("F16")
@pytest.mark.parametrize("kind", NULLS)
def test_a_field_may_be_null_or_missing_unless_it_decides_the_status(kind: RestoreKind) -> None:
    usual, required = NULLS[kind]
    for field in usual.keys() - required:
        assert read(usual | {field: None}, kind).status is RestoreStatus.RUNNING

    decisive = {name: usual[name] for name in required}
    assert read(decisive, kind).status is RestoreStatus.RUNNING


DECISIVE: dict[RestoreKind, dict[str, tuple[object, ...]]] = {
    FLEX: {"id": (5, None), "status": (200, ["RUNNING"], None)},
    DEDICATED: {
        "id": (5, None),
        "deliveryType": (["download"], None),
        "cancelled": (1, "false"),
        "failed": ("false", {}),
        "expired": (0, []),
        "finishedAt": ("", "yesterday", 1_777_896_000_000, {"$date": 1}),
        "deliveryUrl": (5, [True]),
        "privateDownloadDeliveryUrls": (7, [{"deliveryUrl": 7}]),
        "components": (False, [{"downloadUrl": 1.5}]),
    },
    COLLECTION: {"id": (5, None), "state": (["SUCCESSFUL"], None)},
}
WRONG = {
    f"{kind} {field} {value!r}": (kind, field, value)
    for kind, fields in DECISIVE.items()
    for field, values in fields.items()
    for value in values
}
USUAL: dict[RestoreKind, dict[str, object]] = {
    FLEX: flex(snapshotUrl=URL),
    TENANT: flex(snapshotUrl=URL),
    DEDICATED: dedicated(deliveryType="download", expiresAt="2026-05-04T13:00:00Z"),
    COLLECTION: collection(),
}


@pytest.mark.parametrize(("kind", "field", "value"), WRONG.values(), ids=WRONG)
def test_a_decisive_field_that_cannot_be_read_is_named(
    kind: RestoreKind, field: str, value: object
) -> None:
    answer = USUAL[kind] | {field: value}

    assert f"{field} is not as expected" in refusal(json.dumps(answer).encode(), kind)


@pytest.mark.parametrize("odd", ["", 1_777_896_000_000, {"$date": 5}, [[]], True], ids=repr)
@pytest.mark.parametrize("kind", RestoreKind)
def test_a_field_that_decides_nothing_and_cannot_be_read_is_null(
    kind: RestoreKind, odd: object
) -> None:
    usual = USUAL[kind]
    told = usual.keys() - DECISIVE[FLEX if kind is TENANT else kind].keys()

    job = read(usual | dict.fromkeys(told, odd), kind)
    assert job.status is read(usual, kind).status
    dates = (job.snapshot_finished_date, job.expiration_date, job.restore_finished_date)
    assert dates == (None, None, None)
    assert (job.snapshot_id or "") == (job.target_deployment_item_name or "") == ""


@pytest.mark.parametrize("odd", [5, {"downloadUrl": 5}, [True]], ids=repr)
def test_what_is_no_download_needs_no_readable_links(odd: object) -> None:
    job = read(dedicated(deliveryUrl=odd, components=odd), DEDICATED)

    assert (job.status, job.download_available) == (RestoreStatus.RUNNING, False)


NOT_JSON = {
    "empty": b"",
    "HTML": b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "truncated": b'{"id": "69f88a0000',
    "byte order mark": b'\xef\xbb\xbf{"id": "x"}',
    "UTF-16": '{"id": "x"}'.encode("utf-16"),
    "invalid UTF-8": b'\xff\xfe{"id": "x"}',
    "too deep": b'{"id": ' * 100_000,
    "too long a number": b'{"a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_not_json_is_not_quoted(body: bytes) -> None:
    assert f"{len(body)} bytes that are not JSON" in refusal(body, FLEX)


@pytest.mark.parametrize("answer", [True, 5, "text", [], [flex()]], ids=type)
@pytest.mark.parametrize("kind", [FLEX, DEDICATED])
def test_json_that_is_not_an_object_is_not_a_job(answer: object, kind: RestoreKind) -> None:
    assert "the value is not as expected" in refusal(json.dumps(answer).encode(), kind)


def test_a_field_that_is_nested_too_deeply_is_refused_if_it_decides() -> None:
    deep = "[" * 5000 + "]" * 5000
    ready = dedicated(deliveryType="download", deliveryUrl="~|~")
    done = flex(status="COMPLETED", snapshotUrl="~|~")

    assert "nested too deeply" in refusal(
        json.dumps(ready).replace('"~|~"', deep).encode(), DEDICATED
    )
    job = restore_job(json.dumps(done).replace('"~|~"', deep).encode(), TARGET, FLEX)
    assert (job.status, job.download_available) == (RestoreStatus.COMPLETED, False)


@pytest.mark.parametrize("kind", [FLEX, TENANT])
@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("id", SNAPSHOT),
        ("instanceName", "carts"),
        ("instanceName", "Orders"),
        ("clusterName", "carts"),
        ("projectId", SNAPSHOT),
    ],
)
def test_an_answer_about_another_job_cluster_or_project_is_refused(
    kind: RestoreKind, field: str, other: str
) -> None:
    assert "another job" in refusal(json.dumps(flex(**{field: other})).encode(), kind)


@pytest.mark.parametrize("field", ["status", "targetDeploymentItemName", "deliveryType"])
def test_a_job_contains_no_broken_unicode(field: str) -> None:
    job = read(flex(**{field: "a\udfff\ud800"}), FLEX)

    # Lambda encodes a result this way, and fails for text that it cannot encode.
    assert json.dumps(job.as_json(), ensure_ascii=False).encode()


urls = st.text().map(lambda text: f"https://restore.example.net/{text}")
words = st.sampled_from(
    [*map(str, RestoreStatus), "automated", "download", "pointInTime", "RESTORE", "DOWNLOAD"]
)
dates = utc_dates.map(lambda date: date.isoformat())
FIELDS = sorted({*flex(), *dedicated(), *collection(), "finishedAt", "expiresAt", "snapshotUrl"})
links = st.dictionaries(
    st.sampled_from(["deliveryUrl", "downloadUrl", "privateDownloadDeliveryUrls"]),
    urls | st.lists(urls, max_size=2),
)
answers = st.builds(
    lambda shape, fields, identity: shape | fields | identity,
    st.sampled_from([flex(), dedicated(), dedicated(deliveryType="download"), collection(), {}]),
    st.dictionaries(
        st.sampled_from([*FIELDS, "components", "restoreFinishedDate", "errorMessage"]),
        words | dates | st.booleans() | urls | st.lists(links, max_size=3) | json_values(urls),
        max_size=6,
    ),
    st.just({"id": ID}) | st.just({}),
)


@given(
    (answers | json_values()).map(lambda answer: json.dumps(answer).encode())
    | st.binary()
    | st.text().map(str.encode),
    kinds,
)
def test_any_body_is_a_job_or_a_typed_error_without_a_download_url(
    body: bytes, kind: RestoreKind
) -> None:
    result: RestoreJob | UnexpectedAtlasResponseError
    try:
        result = restore_job(body, TARGET, kind)
    except UnexpectedAtlasResponseError as error:
        result = error

    seen = repr(result)
    if isinstance(result, RestoreJob):
        seen += json.dumps(result.as_json(), ensure_ascii=False)
        assert result.kind is kind
    else:
        assert result.__cause__ is None
    assert seen.encode()
    assert "restore.example.net" not in seen


# A dedicated job has no status field: flags, dates and URLs decide (DESIGN 3.3)


PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus

HAS_FINISHED = {"finishedAt": FINISHED}
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

# The first match wins.
DERIVATIONS: dict[str, tuple[dict[str, Any], RestoreStatus]] = {
    "automated, running": ({}, RUNNING),
    "automated, with a URL": ({"deliveryUrl": [URL]}, RUNNING),
    "automated, finished": (HAS_FINISHED, COMPLETED),
    "automated, finished and expired": (HAS_FINISHED | {"expired": True}, COMPLETED),
    "automated, expired": ({"expired": True}, EXPIRED),
    "automated, failed and finished": (HAS_FINISHED | {"failed": True}, FAILED),
    "automated, cancelled": ({"cancelled": True}, CANCELLED),
    "automated, first cancelled": (HAS_FINISHED | {"cancelled": True, "failed": True}, CANCELLED),
    "point in time, finished": (HAS_FINISHED | {"deliveryType": "pointInTime"}, COMPLETED),
    "download, preparing": (DOWNLOAD, RUNNING),
    "download, ready": (READY, COMPLETED),
    "download, ready at a private endpoint": (PRIVATE, COMPLETED),
    "download, ready in components": (SHARDED, COMPLETED),
    "download, ready in private components": (SHARDED_PRIVATE, COMPLETED),
    "download, in capitals": (READY | {"deliveryType": "DOWNLOAD"}, COMPLETED),
    "download, finished without a URL": (DOWNLOAD | HAS_FINISHED, COMPLETED),
    "download, expired": (READY | {"expired": True}, EXPIRED),
    "download, expired without a URL": (DOWNLOAD | {"expired": True}, EXPIRED),
    "download, expired and finished": (READY | HAS_FINISHED | {"expired": True}, EXPIRED),
    "download, cancelled": (READY | {"cancelled": True}, CANCELLED),
    "download, cancelled and expired": (READY | {"cancelled": True, "expired": True}, CANCELLED),
    "download, failed": (READY | {"failed": True}, FAILED),
    "download, failed and expired": (READY | {"failed": True, "expired": True}, FAILED),
}


@pytest.mark.fault("F57")
@pytest.mark.parametrize(("fields", "status"), DERIVATIONS.values(), ids=DERIVATIONS)
def test_a_dedicated_status_follows_from_the_flags(
    fields: dict[str, Any], status: RestoreStatus
) -> None:
    job = read(dedicated(**fields), DEDICATED)

    assert job.status is status
    assert job.download_available is (job.is_ready_download and URL in str(fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"deliveryUrl": [None]},
        {"deliveryUrl": [""]},
        {"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0", "deliveryUrl": None}]},
        {"components": [{"downloadUrl": "", "privateDownloadDeliveryUrls": []}]},
        {"components": [{"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0"}]}]},
    ],
    ids=str,
)
def test_a_download_without_a_url_is_not_ready(fields: dict[str, Any]) -> None:
    job = read(dedicated(**DOWNLOAD | fields), DEDICATED)

    assert (job.status, job.download_available) == (RUNNING, False)
