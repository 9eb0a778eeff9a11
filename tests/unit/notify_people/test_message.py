"""Machine messages are read, or refused with the name of the field that is wrong."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from notify_people.errors import InvalidMessageError
from notify_people.message import (
    CredentialsChange,
    ReportMade,
    RestoreMeasured,
    Status,
    StatusChange,
    read_message,
)
from strategies import json_values
from unit.notify_people.messages import event, read

DOWNLOAD_URL = "https://restore-6b4a.production.mongodb-dev.net:27017/canary/restore.tar.gz"


def test_what_a_newer_version_adds_is_no_error() -> None:
    message = read(newField={"any": ["thing"]}, status="PAUSED")

    assert message == read(status="UNKNOWN")
    assert isinstance(message, StatusChange)
    assert message.status is Status.UNKNOWN


def without(field: str, name: str = "project-degraded") -> dict[str, Any]:
    message = event(name)
    del message["data"][field]
    return message


@pytest.mark.parametrize("field", ["stack", "clientId", "daysLeft", "isCertain", "fix"])
def test_only_the_date_of_an_expiry_is_needed(field: str) -> None:
    """A version that knows less, or more, still warns."""
    message = read_message(json.dumps(without(field, "credentials-expiring")))

    assert isinstance(message, CredentialsChange)
    assert message.days == 30


@pytest.mark.parametrize(
    ("data", "days"),
    [
        ({"daysLeft": 60}, 60),
        ({"daysLeft": 0}, 1),
        ({"daysLeft": None, "expiresAt": "2026-12-03T09:13:00Z"}, 7),
        ({"daysLeft": None, "expiresAt": "2026-11-26T09:13:59Z"}, 1),
    ],
    ids=["60", "0", "none, a week before", "none, a minute before"],
)
def test_other_days_than_those_of_this_version_are_read(data: dict[str, Any], days: int) -> None:
    message = read("credentials-expiring", **data)

    assert isinstance(message, CredentialsChange)
    assert message.days == days


@pytest.mark.parametrize(
    "field", ["stack", "attention", "needAttention", "credentialsExpireAt", "degraded"]
)
def test_a_report_that_says_less_or_more_is_read(field: str) -> None:
    message = read_message(json.dumps(without(field, "report-to-look-at")))
    more = read("report-well", restores={"completed": 2, "halved": 1}, places=[])

    assert isinstance(message, ReportMade)
    assert isinstance(more, ReportMade)
    assert more.restores == {"completed": 2, "halved": 1}


@pytest.mark.parametrize(
    ("outcome", "differs"),
    [("matches", False), ("not measured", False), ("differs", True), ("halved", False)],
)
def test_only_the_outcome_says_that_restored_data_differs(outcome: str, *, differs: bool) -> None:
    """Whatever else a measurement of a newer version has, or leaves out."""
    said = {"outcome": outcome, "databases": {"found": 1, "expected": 2, "halved": 1}}
    message = read("measured-differs", measurement=said)

    assert isinstance(message, RestoreMeasured)
    assert message.differs is differs


@pytest.mark.parametrize(
    ("expected", "found", "named", "differing"),
    [(12, 10, 2, 2), (60, 4, 10, 56), (2, 2, 1, 1), (1, 3, 0, 0)],
    ids=["all named", "more than are named", "named all the same", "more than expected"],
)
def test_no_database_that_differs_is_left_out_of_their_number(
    expected: int, found: int, named: int, differing: int
) -> None:
    said = {
        "outcome": "differs",
        "databases": {"found": found, "expected": expected},
        "differing": [{"name": f"db{number}"} for number in range(named)],
    }
    message = read("measured-differs", measurement=said)

    assert isinstance(message, RestoreMeasured)
    assert message.measurement.differing_databases == differing


def replaced(name: str, **fields: object) -> dict[str, Any]:
    """The message of this name, with other fields beside its data."""
    return event(name) | fields


def differing(**figure: object) -> dict[str, Any]:
    """A measurement with a database that differs in one figure."""
    figures = [{"figure": "documents", "least": 2, "found": 1, **figure}]
    found = {"name": "sales", "figures": figures}
    databases = {"found": 1, "expected": 2}
    return {"outcome": "differs", "databases": databases, "differing": [found]}


FIGURE = "data.measurement.differing.0.figures.0"
CLUSTER = {"groupId": "a", "clusterName": "b", "state": "never", "lastTestAt": None, "days": None}
CONSOLE = "https://eu-west-1.console.aws.amazon.com/s3/object/a"
NO_TEXTS: tuple[object, ...] = (None, 7.5, True, [], {})
WRONG: list[tuple[Callable[[], object], str]] = [
    *(
        (partial(event, **{field: value}), f"data.{field}")
        for field in ("groupId", "clusterName", "restoreId", "status", "sequence")
        for value in NO_TEXTS
    ),
    (partial(event, clusterName="a;reboot"), "data.clusterName"),
    (partial(event, restoreId="6B4A0F800000000000000B01"), "data.restoreId"),
    (partial(event, sequence=0), "data.sequence"),
    (partial(event, observedAt="2026-11-26T09:14:00"), "data.observedAt"),
    (partial(event, observedAt="0001-01-01T00:00:00+10:00"), "data.observedAt"),
    (partial(event, observedAt=1_795_000_000), "data.observedAt"),
    (partial(event, durationSeconds=-1), "data.durationSeconds"),
    (partial(event, terminal="yes"), "data.terminal"),
    (partial(event, projectName=7), "data.projectName"),
    (partial(event, "project-degraded", projectName=["x"]), "data.projectName"),
    (partial(event, "validation-failed", validation=None), "data.validation"),
    (partial(event, "measured-differs", measurement=None), "data.measurement"),
    (partial(event, "measured-differs", measurement={}), "data.measurement.outcome"),
    (
        partial(event, "measured-differs", measurement={"outcome": "differs"}),
        "data.measurement.databases",
    ),
    (
        partial(
            event,
            "measured-differs",
            measurement=differing() | {"databases": {"found": 1, "expected": -1}},
        ),
        "data.measurement.databases.expected",
    ),
    *(
        (
            partial(event, "measured-differs", measurement=differing(**{name: value})),
            f"{FIGURE}.{name}",
        )
        for name, value in (("least", -1), ("most", "2"), ("found", 1.5), ("mayBe", 7))
    ),
    (partial(event, "validation-failed", validation={}), "data.validation.verdict"),
    (partial(event, "validation-failed", validation={"verdict": 7}), "data.validation.verdict"),
    *(
        (partial(without, field), f"data.{field}")
        for field in ("since", "error", "message", "groupId")
    ),
    *(
        (partial(replaced, name, **{field: 7}), field)
        for name in ("project-degraded", "credentials-expiring", "credentials-renewed")
        for field in ("subject", "time", "data", "type", "specversion")
    ),
    (partial(without, "expiresAt", "credentials-expiring"), "data.expiresAt"),
    (partial(event, "credentials-renewed", expiresAt=1_795_000_000), "data.expiresAt"),
    (partial(event, "credentials-expiring", daysLeft=7.5), "data.daysLeft"),
    (partial(event, "credentials-expiring", daysLeft=-1), "data.daysLeft"),
    (partial(event, "credentials-expiring", isCertain="yes"), "data.isCertain"),
    (partial(event, "credentials-expiring", stack="; rm -rf /"), "data.stack"),
    (
        partial(
            replaced, "credentials-expiring", type="atlas-restore-watch.credentials-expiring.v2"
        ),
        "type",
    ),
    *(
        (partial(event, "report-well", report={"consoleUrl": url}), "data.report.consoleUrl")
        for url in (
            *("https://one.test/x", "javascript:alert()", "https://aws.amazon.com.one.test/s3"),
            *(
                f"{CONSOLE}|<!channel>",
                f"{CONSOLE}>",
                f"{CONSOLE} b",
                f"{CONSOLE}{'/' * 400}",
                None,
            ),
            CONSOLE.replace("console.", ""),
        )
    ),
    (partial(event, "report-well", period={"from": "2026-11-23"}), "data.period.to"),
    (partial(event, "report-well", restores={"completed": "2"}), "data.restores.completed"),
    (partial(event, "report-well", clusters=[]), "data.clusters"),
    (partial(event, "report-well", needAttention=[CLUSTER] * 21), "data.needAttention"),
    (
        partial(event, "report-well", needAttention=[{**CLUSTER, "days": -1}]),
        "data.needAttention.0.days",
    ),
    (partial(event, "report-well", degraded=[None]), "data.degraded.0"),
    (partial(replaced, "flex-failed", type="atlas-restore-watch.status-changed.v2"), "type"),
    *((partial(str, text), "body") for text in ("", "not JSON", "[]", "null", '"text"')),
]


@pytest.mark.parametrize(("make", "field"), WRONG, ids=[field for _, field in WRONG])
def test_the_wrong_field_is_named(make: Callable[[], object], field: str) -> None:
    message = make()

    with pytest.raises(InvalidMessageError) as refused:
        read_message(message if isinstance(message, str) else json.dumps(message))

    assert refused.value.field == field


def test_a_refusal_quotes_no_value() -> None:
    with pytest.raises(InvalidMessageError) as refused:
        read(sequence=DOWNLOAD_URL, clusterName=DOWNLOAD_URL)

    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "name",
    [
        *("flex-failed", "project-degraded", "validation-failed", "measured-differs"),
        *("credentials-expiring", "report-well"),
    ],
)
def test_a_url_in_any_field_is_refused_or_removed(name: str) -> None:
    url = f"at {DOWNLOAD_URL} now"
    shown = ""
    for field in event(name)["data"]:
        with suppress(InvalidMessageError):
            shown += repr(read(name, **{field: url}))
    for field in ("verdict", "validatedBy", "detail"):
        shown += repr(read("validation-failed", validation={"verdict": "", field: url}))
    for field in ("figure", "mayBe"):
        shown += repr(read("measured-differs", measurement=differing(**{field: url})))
    named = differing() | {"differing": [{"name": url}]}
    shown += repr(read("measured-differs", measurement=named))
    for field in ("groupId", "clusterName", "state"):
        shown += repr(
            read("report-well", needAttention=[{**CLUSTER, field: url}], clusters={url: 1})
        )

    assert "[removed] now" in shown
    assert "canary" not in shown


def test_a_text_is_one_printable_line() -> None:
    message = read(targetDeploymentItemName="a\r\nBcc: b\x00\u202ec\ud800")

    assert isinstance(message, StatusChange)
    assert message.target_deployment_item_name == "a Bcc: b c"


@given(json_values())
def test_any_json_is_read_or_refused(value: Any) -> None:
    data = value if isinstance(value, dict) else {"groupId": value, "sequence": value}
    for message in (value, event() | {"data": value}, event(**data)):
        with suppress(InvalidMessageError):
            read_message(json.dumps(message))
