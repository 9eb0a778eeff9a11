"""Atlas's answers as restore jobs: tolerant of the input, exact in the result."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
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
from unit.atlas_answers import ID, PROJECT, SNAPSHOT, TARGET, URL, collection, dedicated, flex, read

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind


def refusal(body: bytes, kind: RestoreKind) -> str:
    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        restore_job(body, TARGET, kind)
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize("kind", [FLEX, TENANT])
def test_a_flex_or_tenant_job_is_read_into_common_field_names(kind: RestoreKind) -> None:
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


def test_a_dedicated_job_is_read_into_common_field_names() -> None:
    finished = "2026-05-04T12:03:52Z"

    same_flex_job = read(flex(status="COMPLETED", restoreFinishedDate=finished), FLEX)
    assert read(dedicated(finishedAt=finished), DEDICATED).as_json() == same_flex_job.as_json() | {
        "kind": "dedicated",
        "deliveryType": "automated",
        "atlasStatus": None,
        "expirationDate": None,
    }


def test_a_collection_job_is_read_into_common_field_names() -> None:
    finished = "2026-05-04T12:03:52Z"

    same_flex_job = read(flex(status="COMPLETED", restoreFinishedDate=finished), FLEX)
    job = read(collection(state="SUCCESSFUL", finishedAt=finished), COLLECTION)
    assert job.as_json() == same_flex_job.as_json() | {
        "kind": "collection",
        "deliveryType": None,
        "atlasStatus": "SUCCESSFUL",
        "snapshotFinishedDate": None,
        "snapshotAgeSeconds": None,
        "expirationDate": None,
    }


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
    job = read(collection(state=word, finishedAt="2026-05-04T12:03:52Z"), COLLECTION)

    assert (job.status, job.atlas_status) == (RestoreStatus.UNKNOWN, without_urls(word))
    assert (job.terminal, job.succeeded) == (True, None)


def test_the_error_message_and_the_namespaces_of_a_collection_job_are_dropped() -> None:
    job = read(collection(state="FAILED", errorMessage="sales.orders is too large"), COLLECTION)

    assert job.status is RestoreStatus.FAILED
    assert "sales" not in repr(job)
    assert "too large" not in repr(job)


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


def test_a_flex_download_is_available_once_it_has_a_url() -> None:
    ready = flex(deliveryType="DOWNLOAD", status="COMPLETED", snapshotUrl=URL)

    assert read(ready, FLEX).download_available
    assert not read(flex(deliveryType="DOWNLOAD"), FLEX).download_available
    assert not read(flex(snapshotUrl=None), FLEX).download_available


@pytest.mark.parametrize("kind", RestoreKind)
def test_only_the_fields_that_decide_the_status_are_required(kind: RestoreKind) -> None:
    required = {DEDICATED: {"deliveryType": "automated"}, COLLECTION: {"state": "FINALIZING"}}

    answer = {"id": ID, **required.get(kind, {"status": "RUNNING"})}
    assert read(answer, kind).status is RestoreStatus.RUNNING


@pytest.mark.parametrize(
    ("kind", "usual", "required"),
    [
        (FLEX, flex(restoreFinishedDate=None, status="RUNNING"), {"id", "status"}),
        (
            DEDICATED,
            dedicated(finishedAt=None, expiresAt=None, components=None),
            {"id", "deliveryType"},
        ),
        (
            COLLECTION,
            collection(finishedAt=None, errorMessage=None, state="IN_PROGRESS"),
            {"id", "state"},
        ),
    ],
    ids=["flex", "dedicated", "collection"],
)
def test_a_field_may_be_null_unless_it_decides_the_status(
    kind: RestoreKind, usual: dict[str, object], required: set[str]
) -> None:
    for field in usual:
        answer = usual | {field: None}
        if field in required:
            assert f"{field} is not as expected" in refusal(json.dumps(answer).encode(), kind)
        else:
            assert read(answer, kind).status is RestoreStatus.RUNNING


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
    assert "the answer is not as expected" in refusal(json.dumps(answer).encode(), kind)


def test_a_field_that_is_nested_too_deeply_is_refused() -> None:
    ready = dedicated(deliveryType="download", deliveryUrl="~|~")
    body = json.dumps(ready).replace('"~|~"', "[" * 5000 + "]" * 5000)

    assert "nested too deeply" in refusal(body.encode(), DEDICATED)


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


def test_an_answer_need_not_name_the_cluster_and_the_project() -> None:
    job = read({"id": ID, "status": "RUNNING"}, FLEX)

    assert (job.group_id, job.cluster_name, job.restore_id) == (PROJECT, "orders", ID)


@pytest.mark.parametrize("field", ["status", "targetDeploymentItemName", "deliveryType"])
def test_a_job_contains_no_broken_unicode(field: str) -> None:
    job = read(flex(**{field: "a\udfff\ud800"}), FLEX)

    # Lambda encodes a result this way, and fails for text that it cannot encode.
    assert json.dumps(job.as_json(), ensure_ascii=False).encode()


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
        "errorMessage": urls,
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
        sorted(
            {*flex(), *dedicated(), *collection(), "finishedAt", "expiresAt", "restoreFinishedDate"}
            - {"id"}
        )
    ),
    plausible | json_values(marked),
    max_size=5,
)
answers = st.builds(
    lambda shape, other, urls, identity: shape | other | urls | identity,
    st.sampled_from([flex(), dedicated(), dedicated(deliveryType="download"), collection(), {}]),
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
def test_any_body_is_a_job_or_a_typed_error(body: bytes, kind: RestoreKind) -> None:
    result = outcome(body, kind)

    if isinstance(result, RestoreJob):
        assert json.dumps(result.as_json(), ensure_ascii=False).encode()
        assert result.kind is kind
    else:
        assert result.__cause__ is None


@settings(max_examples=300)
@given(answers, url_fields, kinds)
def test_no_download_url_is_kept_after_parsing(
    answer: dict[str, Any], opened: dict[str, Any], kind: RestoreKind
) -> None:
    result = outcome(json.dumps(answer | opened).encode(), kind)

    seen = repr(result)
    if isinstance(result, RestoreJob):
        seen += json.dumps(result.as_json(), ensure_ascii=False)
    assert not [url for url in strings(opened) if "://" in url and url in seen]
    assert "restore.example.net" not in seen
