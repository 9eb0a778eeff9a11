"""Every message that the function can make fits its published schema in events/, and no other."""

import copy
import functools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from restore_watch.aws.restore_messages import message_of_job, message_of_test
from restore_watch.aws.watch_messages import message_of_credentials, message_of_watch
from restore_watch.model.credentials_expiry import CredentialsChange, ExpiringSecret
from restore_watch.model.history_entry import HistoryEntry, RecordedMeasurement, RecordedValidation
from restore_watch.model.measurement import DATABASES_NAMED, Figure, MayBe, Measurement, Outcome
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import Validation, Verdict
from restore_watch.model.watch_change import Trouble, WatchChange, WatchState
from restore_watch.report.report_message import message_of_report
from strategies import (
    changes,
    plain_change,
    plain_job,
    recorded_measurements,
    recorded_validations,
    values_of,
)
from unit.report.reports import fleet

type Json = dict[str, Any]

EVENTS = Path(__file__).parents[2] / "events"
CHANGED, VALIDATED, MEASURED, WATCH, EXPIRY, TEST, REPORT = (
    "restore-status-changed",
    "validation-recorded",
    "restore-measured",
    "watch-changed",
    "credentials-changed",
    "test-notification",
    "report",
)
SCHEMAS: dict[str, Json] = {
    name: json.loads((EVENTS / f"{name}.schema.json").read_text())
    for name in (CHANGED, VALIDATED, MEASURED, WATCH, EXPIRY, TEST, REPORT)
}
GROUP = "5f0000000000000000000a01"
NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)

moments = st.floats(1.6e9, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
stack_names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,127}", fullmatch=True)
watch_changes = values_of(
    WatchChange,
    state=st.sampled_from(WatchState),
    group_id=st.just(GROUP) | st.none(),
    trouble=values_of(
        Trouble,
        since=moments,
        error=st.sampled_from(["AtlasUnauthorizedError", "CredentialsError"]),
        message=st.text(),
        fix=st.text(),
    ),
    at=moments,
    last_success_at=st.none() | moments,
    open_jobs=st.integers(0, 10_000),
    reason=st.none(),
)
secrets = values_of(
    ExpiringSecret,
    client_id=st.from_regex(r"mdb_sa_id_[a-f0-9]{24}", fullmatch=True),
    expires_at=moments,
    is_certain=st.booleans(),
)
PLACE = ("atlas-restore-watch-reportbucket-1x2y3z", "reports/2026-11-29/report.html")
DAYS_LEFT = (1, 3, 7, 14, 30)
"""The page about messages says at which of them a message comes."""

credentials_changes = values_of(
    CredentialsChange,
    secret=secrets,
    at=moments,
    threshold=st.none() | st.sampled_from(DAYS_LEFT),
)
MESSAGES = {
    CHANGED: changes().map(lambda one: message_of_job(one).event),
    VALIDATED: recorded_validations.map(lambda one: message_of_job(one).event),
    MEASURED: recorded_measurements.map(lambda one: message_of_job(one).event),
    WATCH: st.builds(message_of_watch, watch_changes, stack_names).map(itemgetter(1)),
    EXPIRY: st.builds(message_of_credentials, credentials_changes, stack_names).map(itemgetter(1)),
    TEST: st.builds(message_of_test, stack_names, moments).map(itemgetter(1)),
    REPORT: st.builds(fleet, st.integers(1, 60), stack=stack_names).map(
        lambda one: message_of_report(one, *PLACE).event
    ),
}


def fits(name: str, message: Json) -> bool:
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(SCHEMAS[name], format_checker=checker).is_valid(message)


def fields_of(name: str) -> Json:
    """What the schema says of `data`."""
    said: Json = SCHEMAS[name]["properties"]["data"]
    defined: Json = SCHEMAS[name]["$defs"].get(said.get("$ref", "").rpartition("/")[2], said)
    return defined


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
@given(data=st.data())
def test_every_message_fits_and_has_the_fields_in_their_order(
    name: str, data: st.DataObject
) -> None:
    message = json.loads(json.dumps(data.draw(MESSAGES[name])))

    assert fits(name, message)
    for said, fields in ((message, SCHEMAS[name]), (message["data"], fields_of(name))):
        assert list(said) == fields["required"] == list(fields["properties"])


def entry_of(name: str, data: Json) -> HistoryEntry:
    """The entry of the history that a message about a job is made of."""
    job, sequence = RestoreJob.read(data), data["sequence"]
    at = datetime.fromisoformat(data["observedAt"])
    if name == VALIDATED:
        return RecordedValidation(job, Validation.read(data["validation"]), sequence, at)
    if name == MEASURED:
        return RecordedMeasurement(job, Measurement.read(data["measurement"]), sequence, at)
    return StatusChange(job, RestoreStatus(data["previousStatus"]), sequence, at)


def test_the_examples_in_the_schemas_are_the_messages_of_what_they_say() -> None:
    for name in (CHANGED, VALIDATED, MEASURED):
        (example,) = SCHEMAS[name]["examples"]
        data = example["data"]
        entry = entry_of(name, data)
        assert fits(name, example)
        assert json.loads(json.dumps(message_of_job(entry, data["projectName"]).event)) == example

    for example in SCHEMAS[EXPIRY]["examples"]:
        data = example["data"]
        expires_at, at = map(datetime.fromisoformat, (data["expiresAt"], example["time"]))
        secret = ExpiringSecret(
            client_id=data["clientId"], expires_at=expires_at, is_certain=data["isCertain"]
        )
        change = CredentialsChange(secret=secret, at=at, threshold=data["daysLeft"])
        assert fits(EXPIRY, example)
        assert message_of_credentials(change, data["stack"]).event == example

    assert SCHEMAS[REPORT]["examples"] == [message_of_report(fleet(11), *PLACE).event]


def test_the_schemas_have_the_enum_values_and_limits_of_the_code() -> None:
    validation = SCHEMAS[VALIDATED]["$defs"]["validation"]["properties"]
    days = fields_of(EXPIRY)["properties"]["daysLeft"]["enum"]
    measurement = SCHEMAS[MEASURED]["$defs"]["measurement"]["properties"]
    figure = SCHEMAS[MEASURED]["$defs"]["figure"]["properties"]

    assert set(days) == {None, *DAYS_LEFT}
    assert measurement["outcome"]["enum"] == list(Outcome)
    assert measurement["differing"]["maxItems"] == DATABASES_NAMED
    assert (figure["figure"]["enum"], figure["mayBe"]["enum"]) == (list(Figure), [*MayBe, None])
    assert SCHEMAS[CHANGED]["$defs"]["status"]["enum"] == list(RestoreStatus)
    assert fields_of(CHANGED)["properties"]["kind"]["enum"] == list(RestoreKind)
    assert SCHEMAS[CHANGED]["$defs"]["textOrNull"]["maxLength"] == 256
    assert validation["verdict"]["enum"] == list(Verdict)
    assert (validation["validatedBy"]["maxLength"], validation["detail"]["maxLength"]) == (
        256,
        1000,
    )


@pytest.mark.parametrize("name", [VALIDATED, MEASURED])
def test_a_job_is_described_alike_in_all_messages_about_it(name: str) -> None:
    here, there = fields_of(name)["properties"], fields_of(CHANGED)["properties"]
    names = list(plain_job().as_json())

    assert {name: here[name] for name in names} == {name: there[name] for name in names}
    common = SCHEMAS[CHANGED]["$defs"].keys() - {"change"}
    own = {name: one for name, one in SCHEMAS[name]["$defs"].items() if name in common}
    assert {"change": fields_of(CHANGED), **own} == SCHEMAS[CHANGED]["$defs"]


# What does not fit


def watch_message(state: WatchState = WatchState.DEGRADED, group_id: str | None = GROUP) -> Json:
    trouble = Trouble(since=NOON, error="AtlasError", message="no")
    return message_of_watch(
        WatchChange(
            state=state,
            group_id=group_id,
            trouble=trouble,
            at=NOON,
            last_success_at=NOON,
            open_jobs=1,
        ),
        "restore-watch",
    ).event


COMPLETED = plain_job(
    status=RestoreStatus.COMPLETED,
    atlas_status="COMPLETED",
    restore_scheduled_date="2026-05-04T11:58:00Z",
    restore_finished_date="2026-05-04T11:59:01Z",
)
SAMPLES: dict[str, Json] = {
    CHANGED: message_of_job(plain_change(COMPLETED)).event,
    VALIDATED: SCHEMAS[VALIDATED]["examples"][0],
    MEASURED: SCHEMAS[MEASURED]["examples"][0],
    WATCH: watch_message(),
    EXPIRY: SCHEMAS[EXPIRY]["examples"][0],
    TEST: message_of_test("restore-watch", NOON).event,
    REPORT: SCHEMAS[REPORT]["examples"][0],
}
NULLABLE = {
    *("deliveryType", "atlasStatus", "snapshotId", "snapshotFinishedDate", "expirationDate"),
    *("restoreScheduledDate", "restoreFinishedDate", "targetProjectId", "succeeded"),
    *("targetDeploymentItemName", "durationSeconds", "snapshotAgeSeconds", "previousStatus"),
    *("detectionLatencySeconds", "validatedBy", "detail", "validatedAt"),
    *("groupId of watch-changed", "reason", "lastSuccessAt", "credentialsExpireAt"),
    *("dueNext", "dueAt", "projectName"),
    *("why of restore-measured", "error", "errorCode", "indexes", "measuredAt"),
}
TEXTS = {
    *("deliveryType", "atlasStatus", "snapshotId", "targetProjectId", "targetDeploymentItemName"),
    *("validatedBy", "detail", "message", "fix", "headline", "why", "errorCode"),
    *("error of restore-measured", "name of restore-measured"),
    *("projectName", "clusterName of report"),
}
"""Fields that hold any text: words of Atlas, and what people read."""


def paths(message: Json) -> Iterator[str]:
    for name, value in message.items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}.{below}" for below in paths(value))


def value_at(message: Json, path: str) -> object:
    return functools.reduce(lambda place, step: place[step], path.split("."), message)


def edited(message: Json, path: str, **edit: Any) -> Json:
    """A copy of the message without the field at the path, or with `value` there."""
    message = copy.deepcopy(message)
    *to_parent, name = path.split(".")
    parent = message
    for step in to_parent:
        parent = parent[step]
    parent.pop(name, None)
    if edit:
        parent[name] = edit["value"]
    return message


@pytest.mark.parametrize(
    ("name", "path"), [(name, path) for name, sample in SAMPLES.items() for path in paths(sample)]
)
def test_every_field_is_required_and_has_its_type(name: str, path: str) -> None:
    sample, field = SAMPLES[name], path.rpartition(".")[2]
    wrong: list[Any] = [[], {}, [None]]
    if NULLABLE.isdisjoint({field, f"{field} of {name}"}):
        wrong.append(None)
    if TEXTS.isdisjoint({field, f"{field} of {name}"}):
        wrong += ["?", "?COMPLETED"]
    if isinstance(value_at(sample, path), list):
        wrong.remove([])

    assert fits(name, sample)
    assert not fits(name, edited(sample, path))
    assert [value for value in wrong if fits(name, edited(sample, path, value=value))] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_an_additional_field_does_not_fit(name: str) -> None:
    for place in {path[: path.rfind(".") + 1] for path in paths(SAMPLES[name])}:
        for added in ("?", "snapshotUrl", "deliveryUrl"):
            assert not fits(name, edited(SAMPLES[name], f"{place}{added}", value="x"))


OF_JOBS: dict[str, tuple[str, Any]] = {
    "completed, not terminal": ("data.terminal", False),
    "completed, not succeeded": ("data.succeeded", False),
    "completed, success open": ("data.succeeded", None),
    "failed, succeeded": ("data.status", "FAILED"),
    "running, terminal": ("data.status", "RUNNING"),
    "unknown, succeeded": ("data.status", "UNKNOWN"),
    "sequence from zero": ("data.sequence", 0),
    "fraction of a sequence": ("data.sequence", 1.5),
    "negative duration": ("data.durationSeconds", -1),
    "fraction of a duration": ("data.durationSeconds", 61.5),
    "date in another zone": ("data.restoreFinishedDate", "2026-05-04T13:59:01+02:00"),
    "date without a zone": ("data.restoreFinishedDate", "2026-05-04T11:59:01"),
    "date that does not exist": ("data.restoreFinishedDate", "2026-02-30T11:59:01Z"),
    "date alone": ("time", "2026-05-04"),
    "capitals in an id": ("subject", "6B4A0F800000000000000B01"),
    "text too long": ("data.targetDeploymentItemName", "a" * 257),
    "cluster name too long": ("data.clusterName", "a" * 65),
    "another version": ("specversion", "1.1"),
    "another type": ("type", "atlas-restore-watch.status-changed.v2"),
}
CONTRADICTIONS: dict[str, dict[str, tuple[str, Any]]] = {
    CHANGED: OF_JOBS
    | {
        "first, with a previous status": ("data.sequence", 1),
        "second, without a previous status": ("data.previousStatus", None),
        "negative latency": ("data.detectionLatencySeconds", -0.5),
        "no latency though finished": ("data.detectionLatencySeconds", None),
        "latency though not finished": ("data.restoreFinishedDate", None),
        "id of another shape": ("id", "6b4a0f800000000000000b01"),
        "id of a word": ("id", "6b4a0f800000000000000b01:DONE"),
    },
    VALIDATED: OF_JOBS
    | {
        "the first entry": ("data.sequence", 1),
        "another verdict": ("data.validation.verdict", "passed"),
        "detail too long": ("data.validation.detail", "x" * 1001),
        "id of a change": ("id", f"{SAMPLES[VALIDATED]['subject']}:COMPLETED"),
        "type of a change": ("type", "atlas-restore-watch.status-changed.v1"),
    },
    WATCH: {
        "id of a recovery": ("id", f"{GROUP}:recovered:2026-10-05T12:00:00.000000Z"),
        "source of the stack": ("source", "/stacks/restore-watch"),
        "subject of the stack": ("subject", "restore-watch"),
        "type of a change": ("type", "atlas-restore-watch.status-changed.v1"),
        "date in another zone": ("time", "2026-10-05T12:00:00+02:00"),
        "fewer open jobs than none": ("data.openJobs", -1),
        "degraded, with a reason": ("data.reason", "removed"),
        "no group, of a project": ("data.groupId", None),
    },
    EXPIRY: {
        "expiring, without days": ("data.daysLeft", None),
        "a number that is no threshold": ("data.daysLeft", 5),
        "expiring, without advice": ("data.fix", ""),
        "id of a renewal": ("id", SCHEMAS[EXPIRY]["examples"][1]["id"]),
        "type of a renewal": ("type", "atlas-restore-watch.credentials-renewed.v1"),
        "source of a project": ("source", f"/groups/{GROUP}"),
        "id with a slash": ("data.clientId", "mdb_sa/.."),
    },
    REPORT: {
        "id of a day": ("id", "atlas-restore-watch:report:2026-11-29"),
        "fewer restores than none": ("data.restores.failed", -1),
        "a cluster that needs no look": (
            "data.needAttention",
            [SCHEMAS[REPORT]["examples"][0]["data"]["needAttention"][0] | {"state": "well"}],
        ),
        "more clusters than 20": (
            "data.needAttention",
            SCHEMAS[REPORT]["examples"][0]["data"]["needAttention"] * 6,
        ),
        "a page of another name": ("data.report.key", "reports/2026-11-29/coverage.csv"),
    },
}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        pytest.param(name, *edit, id=f"{name}: {says}")
        for name, edits in CONTRADICTIONS.items()
        for says, edit in edits.items()
    ],
)
def test_a_message_that_contradicts_itself_does_not_fit(name: str, path: str, value: Any) -> None:
    assert not fits(name, edited(SAMPLES[name], path, value=value))


def test_an_unknown_status_needs_atlass_word_and_its_id_shows_that_the_job_ended() -> None:
    for word in ("ARCHIVED", "A" * 256, "\N{SNOWMAN}: x"):
        finished = {"restore_finished_date": "2026-05-04T11:59:01Z", "atlas_status": word}
        ended = message_of_job(
            plain_change(plain_job(status=RestoreStatus.UNKNOWN, **finished))
        ).event
        still_open = ended["id"].removesuffix(":ENDED")

        assert ended["id"] == f"{still_open}:ENDED"
        assert fits(CHANGED, ended)
        assert not fits(CHANGED, edited(ended, "id", value=f"{still_open}?"))
        assert not fits(CHANGED, edited(ended, "data.atlasStatus", value=None))


def test_only_a_download_may_have_a_latency_without_a_finish_date() -> None:
    for status in RestoreStatus:
        job = plain_job(status=status, atlas_status="WORD", kind=RestoreKind.DEDICATED)
        message = message_of_job(plain_change(job)).event
        with_latency = edited(message, "data.detectionLatencySeconds", value=1.5)

        assert fits(CHANGED, message)
        assert fits(CHANGED, with_latency) is (status in {"COMPLETED", "EXPIRED"})


def test_a_message_about_the_stack_names_no_project_and_a_recovery_may_have_a_reason() -> None:
    of_stack, recovered = watch_message(group_id=None), watch_message(WatchState.RECOVERED)

    assert fits(WATCH, of_stack)
    assert not fits(WATCH, edited(of_stack, "data.groupId", value=GROUP))
    assert fits(WATCH, edited(recovered, "data.reason", value="removed"))
