"""Machine messages are read, or refused with the name of the field that is wrong."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from notify_people.errors import InvalidMessageError
from notify_people.message import (
    NotificationTest,
    Status,
    StatusChange,
    ValidationRecorded,
    WatchChange,
    read_message,
)
from strategies import json_values
from unit.notify_people.messages import event, read

DOWNLOAD_URL = "https://restore-6b4a.production.mongodb-dev.net:27017/canary/restore.tar.gz"


def refusal(value: object) -> InvalidMessageError:
    with pytest.raises(InvalidMessageError) as refused:
        read_message(value if isinstance(value, str) else json.dumps(value))
    return refused.value


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flex-failed", StatusChange),
        ("project-degraded-AtlasForbiddenError", WatchChange),
        ("stack-recovered-CredentialsError", WatchChange),
        ("validation-passed", ValidationRecorded),
        ("test", NotificationTest),
    ],
)
def test_each_type_is_read(name: str, kind: type[object]) -> None:
    assert isinstance(read(name), kind)


def test_fields_that_a_newer_version_adds_are_ignored() -> None:
    assert read(newField={"any": ["thing"]}) == read()


def test_a_status_that_a_newer_version_adds_is_unknown() -> None:
    message = read(status="PAUSED")

    assert isinstance(message, StatusChange)
    assert message.status is Status.UNKNOWN


@pytest.mark.parametrize("field", ["groupId", "clusterName", "restoreId", "status", "sequence"])
@pytest.mark.parametrize("value", [None, 7.5, True, [], {}])
def test_a_wrong_field_of_a_status_change_is_named(field: str, value: object) -> None:
    assert refusal(event(**{field: value})).field == f"data.{field}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clusterName", "; rm -rf /"),
        ("restoreId", "6B4A0F800000000000000B01"),
        ("sequence", 0),
        ("observedAt", "2026-11-26T09:14:00"),
        ("observedAt", "0001-01-01T00:00:00+10:00"),
        ("durationSeconds", -1),
        ("terminal", "yes"),
    ],
)
def test_a_value_out_of_its_range_is_refused(field: str, value: object) -> None:
    assert refusal(event(**{field: value})).field == f"data.{field}"


@pytest.mark.parametrize(
    ("found", "field"),
    [(None, "validation"), ({}, "validation.verdict"), ({"verdict": 7}, "validation.verdict")],
)
def test_a_wrong_field_of_a_validation_is_named(found: object, field: str) -> None:
    assert refusal(event("validation-failed", validation=found)).field == f"data.{field}"


@pytest.mark.parametrize("field", ["since", "error", "message", "groupId"])
def test_a_missing_field_of_a_watch_change_is_named(field: str) -> None:
    message = event("project-degraded-AtlasForbiddenError")
    del message["data"][field]

    assert refusal(message).field == f"data.{field}"


@pytest.mark.parametrize("field", ["subject", "time", "data", "type", "specversion"])
def test_a_wrong_field_of_the_envelope_is_named(field: str) -> None:
    assert refusal(event("project-degraded-AtlasForbiddenError") | {field: 7}).field == field


@pytest.mark.parametrize("text", ["", "not JSON", "[]", "null", "[" * 100_000, '"text"'])
def test_a_body_that_is_no_cloud_event_is_refused(text: str) -> None:
    assert refusal(text).field == "body"


def test_an_unknown_type_is_refused() -> None:
    assert refusal(event() | {"type": "atlas-restore-watch.status-changed.v2"}).field == "type"


def test_a_url_in_any_text_is_removed() -> None:
    texts = ("deliveryType", "atlasStatus", "kind", "targetProjectId", "targetDeploymentItemName")
    message = read(**dict.fromkeys(texts, f"at {DOWNLOAD_URL}"))
    watch = read("project-degraded-AtlasForbiddenError", message=f"at {DOWNLOAD_URL} now")

    found = dict.fromkeys(("verdict", "validatedBy", "detail"), f"at {DOWNLOAD_URL}")
    validation = read("validation-failed", validation=found)

    assert "canary" not in repr(message)
    assert "canary" not in repr(watch)
    assert "canary" not in repr(validation)


def test_a_text_is_one_printable_line() -> None:
    message = read(targetDeploymentItemName="a\r\nBcc: b\x00\u202ec\ud800")

    assert isinstance(message, StatusChange)
    assert message.target_deployment_item_name == "a Bcc: b c"


def test_a_refusal_quotes_no_value() -> None:
    error = refusal(event(sequence=DOWNLOAD_URL, clusterName=DOWNLOAD_URL))

    assert "canary" not in str(error)
    assert error.__cause__ is None


@given(json_values())
def test_any_json_is_read_or_refused(value: Any) -> None:
    data = value if isinstance(value, dict) else {"groupId": value, "sequence": value}
    for message in (value, event() | {"data": value}, event(**data)):
        with suppress(InvalidMessageError):
            read_message(json.dumps(message))
