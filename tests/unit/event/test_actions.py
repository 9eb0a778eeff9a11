"""Which events carry an action, and how a wrong one is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from restore_watch.errors import InvalidEventError
from restore_watch.event.action_fields import read_action
from restore_watch.event.actions import (
    Action,
    Diagnose,
    FindNewestRestore,
    RecordValidation,
    TestNotification,
    has_action,
)
from restore_watch.event.sweep_request import SweepRequest
from restore_watch.model.validation import Validation, Verdict

TICK = datetime(2026, 10, 5, 12, 5, tzinfo=UTC)
RULE = {"source": "aws.events", "detail-type": "Scheduled Event"}
NEWEST = {"action": "newest-restore"}


def refusal(event: dict[str, Any]) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        read_action(event)
    return refused.value


PROJECT = "6a1f3c9e5b7d204e8c61f0b4"
CLUSTER = {"projectId": PROJECT, "clusterName": "orders"}
MOMENT = "2026-10-05T14:05:00+02:00"
READ: dict[str, tuple[dict[str, Any], Action]] = {
    "sweep by hand": ({"action": "sweep"}, SweepRequest(None)),
    "tick": ({"action": "sweep", "scheduledTime": "2026-10-05T12:05:00Z"}, SweepRequest(TICK)),
    "tick in another zone": ({"action": "sweep", "scheduledTime": MOMENT}, SweepRequest(TICK)),
    "sweep of a check": (
        {"action": "sweep", "requestedAt": MOMENT},
        SweepRequest(requested_at=TICK),
    ),
    "rule": (
        RULE | {"time": "2026-10-05T12:05:00Z", "detail": {}, "version": "0"},
        SweepRequest(TICK, "time"),
    ),
    "stack": ({"action": "diagnose"}, Diagnose()),
    "project": ({"action": "diagnose", "groupId": PROJECT}, Diagnose(PROJECT)),
    "cluster": ({"action": "diagnose"} | CLUSTER, Diagnose(PROJECT, "orders")),
    "newest": (NEWEST | CLUSTER, FindNewestRestore(PROJECT, "orders", None)),
    "newest after nothing": (
        NEWEST | CLUSTER | {"groupId": None, "createdAfter": None},
        FindNewestRestore(PROJECT, "orders", None),
    ),
    "newest after a moment": (
        NEWEST | CLUSTER | {"createdAfter": MOMENT},
        FindNewestRestore(PROJECT, "orders", TICK),
    ),
    "test": ({"action": "test-notification"}, TestNotification()),
}


@pytest.mark.parametrize(("event", "action"), READ.values(), ids=READ)
def test_an_action_is_read(event: dict[str, Any], action: Action) -> None:
    read = read_action(event)

    assert (type(read), read) == (type(action), action)


DIAGNOSE = {"action": "diagnose"}


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (DIAGNOSE | {"groupId": PROJECT.upper()}, "groupId"),
        (DIAGNOSE | {"projectId": 7}, "projectId"),
        (DIAGNOSE | {"groupId": PROJECT, "projectId": "6b" * 12}, "projectId"),
        (DIAGNOSE | {"clusterName": "orders"}, "groupId"),
        (DIAGNOSE | {"groupId": PROJECT, "clusterName": "../orders"}, "clusterName"),
        (DIAGNOSE | {"restoreId": PROJECT}, "restoreId"),
        (NEWEST | CLUSTER | {"createdAfter": ""}, "createdAfter"),
        (NEWEST | CLUSTER | {"createdAfter": "2026-10-05T12:05:00"}, "createdAfter"),
        (RULE, "time"),
    ],
    ids=str,
)
def test_a_field_that_an_action_cannot_have_is_refused_by_name(
    event: dict[str, Any], field: str
) -> None:
    assert refusal(event).field == field


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
    assert not has_action(event)


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
        ("sweep", "scheduledtime"),
        ("test-notification", "scheduledTime"),
        ("record-validation", "targets"),
        ("record-validation", "envelope"),
        ("record-validation", "baseUrl"),
    ],
)
def test_an_action_with_a_surplus_field_is_refused(action: str, field: str) -> None:
    refused = refusal({"action": action, field: "hidden"})

    assert str(refused) == f'{field}: not accepted beside the action "{action}"'


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


def test_a_text_that_is_longer_when_it_is_redacted_is_cut_to_its_limit() -> None:
    action = read_action(VALIDATION | {"validatedBy": "x://a " * 42})

    assert isinstance(action, RecordValidation)
    assert action.validation.validated_by == ("[redacted] " * 42)[:256]


@pytest.mark.parametrize("nothing", [None, "", " \n"], ids=repr)
def test_an_optional_text_may_be_empty_or_as_long_as_its_limit(nothing: object) -> None:
    empty = {"validatedBy": nothing, "detail": nothing, "validatedAt": None}

    assert read_action(VALIDATION | empty) == read_action(VALIDATION)
    longest = {"validatedBy": "x" * 256, "detail": "/" * 1000}
    assert isinstance(read_action(VALIDATION | longest), RecordValidation)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("verdict", ..., 'expected "PASSED" or "FAILED", got nothing'),
        ("verdict", "passed", 'expected "PASSED" or "FAILED", got text of 6 characters'),
        ("validatedBy", "x" * 257, "at most 256 characters, got text of 257 characters"),
        ("validatedBy", 7, "expected text of at most 256 characters, got a number"),
        ("detail", "x" * 1001, "at most 1000 characters, got text of 1001 characters"),
        ("detail", {"a": 1}, "expected text of at most 1000 characters, got an object"),
        ("validatedAt", "2026-10-05T12:05:00", "expected a moment in ISO 8601 with its zone"),
        ("kind", "serverless", "expected one of"),
    ],
    ids=[
        "no verdict",
        "small letters",
        "a long name",
        "a number",
        "a long detail",
        "an object",
        "no zone",
        "an unknown kind",
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


ODD_MOMENTS = [
    *(None, 5, "", "now", "2026-10-05T12:05:00", "2026-10-05", ["2026-10-05T12:05:00Z"]),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
]


@pytest.mark.parametrize("given_in", ["scheduledTime", "requestedAt", "time"])
@pytest.mark.parametrize("moment", ODD_MOMENTS, ids=repr)
def test_a_tick_that_is_not_a_moment_with_its_zone_is_refused(
    given_in: str, moment: object
) -> None:
    event = RULE if given_in == "time" else {"action": "sweep"}
    refused = refusal(event | {given_in: moment})

    assert str(refused).startswith(f"{given_in}: expected a moment in ISO 8601 with its zone")


@pytest.mark.parametrize("given_in", ["scheduledTime", "requestedAt", "time"])
def test_a_refused_tick_is_described_without_quoting_it(given_in: str) -> None:
    event = RULE if given_in == "time" else {"action": "sweep"}

    assert str(refusal(event | {given_in: "at noon"})) == (
        f"{given_in}: expected a moment in ISO 8601 with its zone, such as 2026-11-25T12:00:00Z, "
        "got text of 7 characters"
    )
