"""Every message that a change can make fits the published schema, and no other does."""

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from restore_watch.aws.cloud_events import cloud_event
from restore_watch.model.fields import TEXT_LIMIT
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from restore_watch.model.status_change import StatusChange
from strategies import changes, json_values, plain_change, plain_job

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "events" / "restore-status-changed.schema.json").read_text()
)
validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

ENVELOPE = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "data",
]
JOB = list(plain_job().as_json())
DATA = [*JOB, "previousStatus", "sequence", "observedAt", "detectionLatencySeconds"]
PATHS = [(name,) for name in ENVELOPE] + [("data", name) for name in DATA]

NULLABLE = {
    "deliveryType",
    "atlasStatus",
    "snapshotId",
    "snapshotFinishedDate",
    "restoreScheduledDate",
    "restoreFinishedDate",
    "expirationDate",
    "targetProjectId",
    "targetDeploymentItemName",
    "succeeded",
    "durationSeconds",
    "snapshotAgeSeconds",
    "previousStatus",
    "detectionLatencySeconds",
}
TEXTS = {
    "deliveryType",
    "atlasStatus",
    "snapshotId",
    "targetProjectId",
    "targetDeploymentItemName",
}

messages = changes().map(lambda change: json.loads(json.dumps(cloud_event(change))))

a_few_messages = settings(max_examples=3, deadline=None)
"""For a test with a case for each field."""


def fits(message: object) -> bool:
    return bool(validator.is_valid(message))


def edited(message: dict[str, Any], path: tuple[str, ...], **edit: Any) -> dict[str, Any]:
    """A copy of the message without the field at the path, or with `value` there."""
    message = copy.deepcopy(message)
    *to_parent, name = path
    parent = message
    for step in to_parent:
        parent = parent[step]
    del parent[name]
    if edit:
        parent[name] = edit["value"]
    return message


def test_the_schema_is_a_valid_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_example_in_the_schema_is_the_message_of_its_change() -> None:
    (example,) = SCHEMA["examples"]
    data = example["data"]
    change = StatusChange(
        job=RestoreJob.model_validate(data),
        previous_status=RestoreStatus(data["previousStatus"]),
        sequence=data["sequence"],
        observed_at=datetime.fromisoformat(data["observedAt"]),
    )

    assert fits(example)
    assert json.loads(json.dumps(cloud_event(change))) == example


def test_the_schema_has_the_fields_of_the_message_in_their_order() -> None:
    change = SCHEMA["$defs"]["change"]
    message = cloud_event(plain_change())

    assert list(message) == ENVELOPE == SCHEMA["required"] == list(SCHEMA["properties"])
    assert list(message["data"]) == DATA == change["required"] == list(change["properties"])


def test_the_schema_has_the_enum_values_and_limits_of_the_code() -> None:
    assert SCHEMA["$defs"]["status"]["enum"] == list(RestoreStatus)
    assert SCHEMA["$defs"]["change"]["properties"]["kind"]["enum"] == list(RestoreKind)
    assert SCHEMA["$defs"]["textOrNull"]["maxLength"] == TEXT_LIMIT


@settings(max_examples=100, deadline=None)
@given(changes())
def test_every_change_makes_a_message_that_fits(change: StatusChange) -> None:
    message = json.loads(json.dumps(cloud_event(change)))

    validator.validate(message)


@a_few_messages
@given(messages)
@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_every_field_is_required(path: tuple[str, ...], message: dict[str, Any]) -> None:
    assert not fits(edited(message, path))


@a_few_messages
@given(messages)
@pytest.mark.parametrize(
    "path",
    [path for path in PATHS if path[-1] not in NULLABLE],
    ids=".".join,
)
def test_only_an_optional_field_may_be_null(path: tuple[str, ...], message: dict[str, Any]) -> None:
    assert not fits(edited(message, path, value=None))


@a_few_messages
@given(messages, st.lists(json_values(), max_size=2) | st.builds(dict[str, Any]))
@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_field_of_a_wrong_type_does_not_fit(
    path: tuple[str, ...], message: dict[str, Any], value: object
) -> None:
    assert not fits(edited(message, path, value=value))


@a_few_messages
@given(messages, st.text().filter(lambda text: text not in set(RestoreStatus) | set(RestoreKind)))
@pytest.mark.parametrize("path", [path for path in PATHS if path[-1] not in TEXTS], ids=".".join)
def test_only_the_fields_that_hold_atlass_words_accept_any_text(
    path: tuple[str, ...], message: dict[str, Any], text: str
) -> None:
    assert not fits(edited(message, path, value=f"?{text}"))


@settings(max_examples=25, deadline=None)
@given(messages, st.text(), json_values())
@pytest.mark.parametrize("within", [(), ("data",)], ids=["message", "data"])
def test_an_additional_field_does_not_fit(
    within: tuple[str, ...], message: dict[str, Any], name: str, value: object
) -> None:
    added = copy.deepcopy(message)
    parent = added["data"] if within else added
    parent[f"{name}?"] = value

    assert fits(message)
    assert not fits(added)


@pytest.mark.parametrize(
    "name", ["snapshotUrl", "deliveryUrl", "privateDownloadDeliveryUrls", "components"]
)
def test_a_download_url_does_not_fit(name: str) -> None:
    message = cloud_event(plain_change())
    message["data"][name] = "https://restore.example.net:27017/token/restore.tar.gz"

    assert not fits(message)


COMPLETED = cloud_event(
    plain_change(
        plain_job(
            status=RestoreStatus.COMPLETED,
            atlas_status="COMPLETED",
            restore_scheduled_date="2026-05-04T11:58:00Z",
            restore_finished_date="2026-05-04T11:59:01Z",
        )
    )
)

CONTRADICTIONS: dict[str, tuple[tuple[str, ...], Any]] = {
    "completed, not terminal": (("data", "terminal"), False),
    "completed, not succeeded": (("data", "succeeded"), False),
    "completed, success open": (("data", "succeeded"), None),
    "failed, succeeded": (("data", "status"), "FAILED"),
    "running, terminal": (("data", "status"), "RUNNING"),
    "unknown, succeeded": (("data", "status"), "UNKNOWN"),
    "first, with a previous status": (("data", "sequence"), 1),
    "second, without a previous status": (("data", "previousStatus"), None),
    "sequence from zero": (("data", "sequence"), 0),
    "fraction of a sequence": (("data", "sequence"), 1.5),
    "negative duration": (("data", "durationSeconds"), -1),
    "fraction of a duration": (("data", "durationSeconds"), 61.5),
    "negative latency": (("data", "detectionLatencySeconds"), -0.5),
    "no latency though finished": (("data", "detectionLatencySeconds"), None),
    "latency though not finished": (("data", "restoreFinishedDate"), None),
    "date in another zone": (("data", "restoreFinishedDate"), "2026-05-04T13:59:01+02:00"),
    "date without a zone": (("data", "restoreFinishedDate"), "2026-05-04T11:59:01"),
    "date that does not exist": (("data", "restoreFinishedDate"), "2026-02-30T11:59:01Z"),
    "date alone": (("time",), "2026-05-04"),
    "id of another shape": (("id",), "6b4a0f800000000000000b01"),
    "id of a word": (("id",), "6b4a0f800000000000000b01:DONE"),
    "capitals in an id": (("subject",), "6B4A0F800000000000000B01"),
    "text too long": (("data", "targetDeploymentItemName"), "a" * 257),
    "cluster name too long": (("data", "clusterName"), "a" * 65),
    "another version": (("specversion",), "1.1"),
    "another type": (("type",), "atlas-restore-watch.status-changed.v2"),
}


@pytest.mark.parametrize(("path", "value"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_message_that_contradicts_itself_does_not_fit(
    path: tuple[str, ...], value: object
) -> None:
    assert fits(COMPLETED)
    assert not fits(edited(COMPLETED, path, value=value))


def test_an_unknown_status_requires_atlass_word() -> None:
    unknown = cloud_event(
        plain_change(plain_job(status=RestoreStatus.UNKNOWN, atlas_status="ARCHIVED"))
    )

    assert fits(unknown)
    assert not fits(edited(unknown, ("data", "atlasStatus"), value=None))


@pytest.mark.parametrize("word", ["ARCHIVED", "A" * TEXT_LIMIT, "\N{SNOWMAN}: x"], ids=repr)
def test_the_id_of_an_unknown_final_status_shows_that_the_job_ended(word: str) -> None:
    ended = cloud_event(
        plain_change(
            plain_job(
                status=RestoreStatus.UNKNOWN,
                atlas_status=word,
                restore_finished_date="2026-05-04T11:59:01Z",
            )
        )
    )

    assert ended["id"].endswith(":ENDED")
    assert fits(ended)
    assert not fits(edited(ended, ("id",), value=ended["id"].removesuffix(":ENDED") + "?"))


@pytest.mark.parametrize(
    ("status", "fits_with_latency"),
    [(status, status in {"COMPLETED", "EXPIRED"}) for status in RestoreStatus],
    ids=str,
)
def test_only_a_download_may_have_a_latency_without_a_finish_date(
    status: RestoreStatus,
    fits_with_latency: bool,  # noqa: FBT001 - a column of the table
) -> None:
    job = plain_job(status=status, atlas_status="WORD", kind=RestoreKind.DEDICATED)
    message = cloud_event(plain_change(job))

    assert fits(message)
    path = ("data", "detectionLatencySeconds")
    assert fits(edited(message, path, value=1.5)) is fits_with_latency
