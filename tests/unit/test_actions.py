"""Which events carry an action, and how a wrong one is refused."""

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.errors import InvalidEventError
from restore_watch.event.actions import (
    Action,
    Diagnose,
    FindNewestRestore,
    RecordValidation,
    Sweep,
    TestNotification,
    read_action,
)
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from strategies import json_values

TICK = datetime(2026, 10, 5, 12, 5, tzinfo=UTC)
RULE = {"source": "aws.events", "detail-type": "Scheduled Event"}


def refusal(event: dict[str, Any]) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        read_action(event)
    return refused.value


@pytest.mark.parametrize(
    ("event", "tick"),
    [
        ({"action": "sweep"}, None),
        ({"action": "sweep", "scheduledTime": "2026-10-05T12:05:00Z"}, TICK),
        ({"action": "sweep", "scheduledTime": "2026-10-05T14:05:00+02:00"}, TICK),
        (RULE | {"time": "2026-10-05T12:05:00Z", "detail": {}, "version": "0"}, TICK),
    ],
    ids=["by hand", "schedule", "another zone", "rule"],
)
def test_a_sweep_has_the_moment_of_its_tick_in_utc(
    event: dict[str, Any], tick: datetime | None
) -> None:
    action = read_action(event)

    assert isinstance(action, Sweep)
    assert action.tick == tick


PROJECT = "6a1f3c9e5b7d204e8c61f0b4"


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        ({}, Diagnose()),
        ({"groupId": PROJECT}, Diagnose(PROJECT)),
        ({"projectId": PROJECT, "clusterName": "orders"}, Diagnose(PROJECT, "orders")),
    ],
    ids=["stack", "project", "cluster"],
)
def test_a_diagnosis_may_be_of_a_project_or_a_cluster(
    event: dict[str, Any], wanted: Diagnose
) -> None:
    assert read_action({"action": "diagnose"} | event) == wanted


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"groupId": PROJECT.upper()}, "groupId"),
        ({"projectId": 7}, "projectId"),
        ({"groupId": PROJECT, "projectId": "6b" * 12}, "projectId"),
        ({"clusterName": "orders"}, "groupId"),
        ({"groupId": PROJECT, "clusterName": "../orders"}, "clusterName"),
        ({"restoreId": PROJECT}, "restoreId"),
    ],
    ids=str,
)
def test_a_diagnosis_of_what_has_no_such_id_or_name_is_refused(
    event: dict[str, Any], field: str
) -> None:
    assert refusal({"action": "diagnose"} | event).field == field


@pytest.mark.parametrize(
    ("more", "after"),
    [
        ({}, None),
        ({"createdAfter": None}, None),
        ({"createdAfter": "2026-10-05T14:05:00+02:00"}, TICK),
    ],
    ids=str,
)
def test_the_newest_restore_may_have_to_be_created_after_a_moment(
    more: dict[str, Any], after: datetime | None
) -> None:
    event = {"action": "newest-restore", "groupId": None, "projectId": PROJECT, **more}

    read = read_action(event | {"clusterName": "orders"})

    assert read == FindNewestRestore(PROJECT, "orders", after)


@pytest.mark.parametrize("moment", ["", "2026-10-05T12:05:00", 1790000000, ["now"]], ids=repr)
def test_a_wrong_moment_of_creation_is_refused(moment: object) -> None:
    event = {"action": "newest-restore", "groupId": PROJECT, "clusterName": "orders"}

    assert refusal(event | {"createdAfter": moment}).field == "createdAfter"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"groupId": "x"},
        {"scheduledTime": "2026-10-05T12:05:00Z"},
        {"source": "aws.events"},
        RULE | {"detail-type": "Other"},
        RULE | {"source": "other"},
    ],
    ids=str,
)
def test_an_event_without_an_action_is_not_one(event: dict[str, Any]) -> None:
    assert read_action(event) is None


@pytest.mark.parametrize(
    ("action", "given_as"),
    [
        ("Sweep", "text of 5 characters"),
        ("", "text of 0 characters"),
        (None, "nothing"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ([], "an empty list"),
        (["sweep"], "a list"),
        ({"sweep": 1}, "an object"),
        (b"sweep", "something else"),
    ],
    ids=repr,
)
def test_an_unknown_action_is_refused_with_the_known_ones(action: object, given_as: str) -> None:
    refused = refusal({"action": action})

    assert refused.field == "action"
    known = '"sweep", "test-notification", "diagnose", "record-validation", "newest-restore"'
    assert str(refused) == f"action: expected one of {known}, got {given_as}"


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("sweep", "groupId"),
        ("sweep", "targets"),
        ("sweep", "scheduledtime"),
        ("test-notification", "scheduledTime"),
        ("test-notification", "channel"),
        ("record-validation", "targets"),
        ("record-validation", "scheduledTime"),
        ("record-validation", "envelope"),
        ("record-validation", "baseUrl"),
    ],
)
def test_an_action_with_a_surplus_field_is_refused(action: str, field: str) -> None:
    refused = refusal({"action": action, field: "hidden"})

    assert str(refused) == f'{field}: not accepted beside the action "{action}"'


def test_a_test_notification_takes_no_fields() -> None:
    assert read_action({"action": "test-notification"}) == TestNotification()


VALIDATION = {
    "action": "record-validation",
    "groupId": "5f0000000000000000000a01",
    "clusterName": "orders",
    "restoreId": "6b4a0f800000000000000b01",
    "verdict": "PASSED",
}


def test_a_validation_names_its_job_as_a_target_does() -> None:
    spelt = {name: one for name, one in VALIDATION.items() if not name.endswith("Id")}
    spelt |= {"projectId": VALIDATION["groupId"], "restoreJobId": VALIDATION["restoreId"]}
    first, second = read_action(VALIDATION | {"kind": "auto"}), read_action(spelt)

    assert isinstance(first, RecordValidation)
    assert first == second
    assert first.target.as_json() == {
        "groupId": "5f0000000000000000000a01",
        "clusterName": "orders",
        "restoreId": "6b4a0f800000000000000b01",
        "kind": "auto",
    }
    assert first.validation == Validation(verdict=Verdict.PASSED)


def test_the_texts_of_a_validation_are_redacted_and_its_moment_is_in_utc() -> None:
    action = read_action(
        VALIDATION
        | {
            "verdict": "FAILED",
            "validatedBy": "drill of https://ci.example.net/7",
            "detail": "PASSWORD=hidden\nwas refused",
            "validatedAt": "2026-10-05T14:05:00+02:00",
        }
    )

    assert isinstance(action, RecordValidation)
    assert action.validation == Validation(
        verdict=Verdict.FAILED,
        validated_by="drill of [redacted]",
        detail="PASSWORD=[redacted] was refused",
        validated_at=TICK,
    )


@pytest.mark.parametrize("nothing", [None, "", " \n"], ids=repr)
def test_an_optional_field_with_nothing_in_it_is_absent(nothing: object) -> None:
    read = read_action(VALIDATION | {"validatedBy": nothing, "detail": nothing})

    assert read == read_action(VALIDATION)
    assert read == read_action(VALIDATION | {"validatedAt": None})


def test_the_longest_texts_of_a_validation_are_accepted() -> None:
    longest = {"validatedBy": "x" * VALIDATED_BY_LIMIT, "detail": "/" * DETAIL_LIMIT}

    assert isinstance(read_action(VALIDATION | longest), RecordValidation)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("verdict", ..., 'expected "PASSED" or "FAILED", got nothing'),
        ("verdict", "passed", 'expected "PASSED" or "FAILED", got text of 6 characters'),
        ("verdict", True, 'expected "PASSED" or "FAILED", got a boolean'),
        ("verdict", ["PASSED"], 'expected "PASSED" or "FAILED", got a list'),
        ("validatedBy", "x" * 257, "at most 256 characters, got text of 257 characters"),
        ("validatedBy", 7, "expected text of at most 256 characters, got a number"),
        ("detail", "x" * 1001, "at most 1000 characters, got text of 1001 characters"),
        ("detail", {"a": 1}, "expected text of at most 1000 characters, got an object"),
        ("validatedAt", "2026-10-05T12:05:00", "expected a moment in ISO 8601 with its zone"),
        ("validatedAt", 1790000000, "expected a moment in ISO 8601 with its zone"),
        ("groupId", ..., "expected Atlas's project id"),
        ("restoreId", "x", "expected the restore job's id"),
        ("clusterName", "a/b", "expected the source cluster's name"),
        ("kind", "serverless", "expected one of"),
    ],
)
def test_a_wrong_field_of_a_validation_is_refused_and_not_quoted(
    field: str, value: object, problem: str
) -> None:
    given = {name: one for name, one in VALIDATION.items() if name != field}
    refused = refusal(given if value is ... else given | {field: value})

    assert refused.field == field
    assert str(refused).startswith(f"{field}: ")
    assert problem in str(refused)
    assert "xxx" not in str(refused)


def test_the_name_of_a_surplus_field_is_trimmed_and_redacted() -> None:
    for name in ("x" * 5000, "https://host.example.net/token"):
        text = str(refusal({"action": "sweep", name: 1}))

        assert len(text) < 400
        assert "example.net" not in text


@pytest.mark.parametrize("given_in", ["scheduledTime", "time"])
@pytest.mark.parametrize(
    "moment",
    [
        None,
        5,
        "",
        "now",
        "2026-10-05T12:05:00",
        "2026-10-05",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        ["2026-10-05T12:05:00Z"],
    ],
    ids=repr,
)
def test_a_tick_that_is_not_a_moment_with_its_zone_is_refused(
    given_in: str, moment: object
) -> None:
    event = {"action": "sweep"} if given_in == "scheduledTime" else RULE
    refused = refusal(event | {given_in: moment})

    assert refused.field == given_in
    assert str(refused).startswith(f"{given_in}: expected a moment in ISO 8601 with its zone")


def test_a_rule_without_its_time_is_refused() -> None:
    assert refusal(RULE).field == "time"


names = st.sampled_from(
    ["action", "scheduledTime", "time", "source", "detail-type", "projectId", *VALIDATION, "detail"]
)
hidden = secrets.token_hex(8)


def outcome(event: dict[str, Any]) -> Action | InvalidEventError | None:
    try:
        return read_action(event)
    except InvalidEventError as refused:
        return refused


@given(
    st.dictionaries(
        names,
        json_values()
        | st.sampled_from(["sweep", "test-notification", "diagnose", "aws.events", hidden])
        | st.sampled_from(["Scheduled Event"])
        | st.sampled_from(sorted(VALIDATION.values())),
    )
)
def test_any_event_is_read_or_refused_without_its_values(event: dict[str, Any]) -> None:
    read = outcome(event)

    assert hidden not in str(read)
    if isinstance(read, InvalidEventError):
        assert read.field in event | {"time": None} | VALIDATION
