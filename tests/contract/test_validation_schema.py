"""Every message of a validation fits its published schema, and nothing else does."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contract.documents import blocks, names, page, section
from contract.test_message_schema import CONTRADICTIONS, ENVELOPE, JOB, edited
from restore_watch.aws.cloud_events import VALIDATION_EVENT_TYPE, cloud_event, message_attributes
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.validation import (
    DETAIL_LIMIT,
    VALIDATED_BY_LIMIT,
    VALIDATIONS_LIMIT,
    RecordedValidation,
    Validation,
    Verdict,
)
from strategies import json_values, recorded_validations

EVENTS = Path(__file__).parents[2] / "events"
SCHEMA = json.loads((EVENTS / "validation-recorded.schema.json").read_text())
OF_CHANGES = json.loads((EVENTS / "restore-status-changed.schema.json").read_text())
validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

(EXAMPLE,) = SCHEMA["examples"]
VALIDATION = ["verdict", "validatedBy", "detail", "validatedAt"]
DATA = [*JOB, "sequence", "observedAt", "validation"]
PATHS = [
    *((name,) for name in ENVELOPE),
    *(("data", name) for name in DATA),
    *(("data", "validation", name) for name in VALIDATION),
]


def test_the_example_in_the_schema_is_the_message_of_its_validation() -> None:
    data = EXAMPLE["data"]
    entry = RecordedValidation(
        job=RestoreJob.model_validate(data),
        validation=Validation.model_validate(data["validation"]),
        sequence=data["sequence"],
        observed_at=datetime.fromisoformat(data["observedAt"]),
    )

    validator.validate(EXAMPLE)
    assert json.loads(json.dumps(cloud_event(entry))) == EXAMPLE


@settings(deadline=None)
@given(recorded_validations)
def test_every_validation_makes_a_message_that_fits(entry: RecordedValidation) -> None:
    message = json.loads(json.dumps(cloud_event(entry)))

    validator.validate(message)
    assert list(message) == ENVELOPE == SCHEMA["required"]
    assert list(message["data"]) == DATA == SCHEMA["$defs"]["validated"]["required"]
    assert list(message["data"]["validation"]) == SCHEMA["$defs"]["validation"]["required"]


def test_the_job_is_described_as_in_the_message_of_a_change() -> None:
    here, there = SCHEMA["$defs"], OF_CHANGES["$defs"]
    fields = here["validated"]["properties"]

    assert {name: fields[name] for name in JOB} == {
        name: there["change"]["properties"][name] for name in JOB
    }
    assert {name: one for name, one in here.items() if not name.startswith("valid")} == {
        name: one for name, one in there.items() if name != "change"
    }


def test_the_schema_has_the_verdicts_and_limits_of_the_code() -> None:
    validation = SCHEMA["$defs"]["validation"]["properties"]

    assert validation["verdict"]["enum"] == list(Verdict)
    assert validation["validatedBy"]["maxLength"] == VALIDATED_BY_LIMIT
    assert validation["detail"]["maxLength"] == DETAIL_LIMIT


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_every_field_is_required_and_has_a_type(path: tuple[str, ...]) -> None:
    assert not validator.is_valid(edited(EXAMPLE, path))
    assert not validator.is_valid(edited(EXAMPLE, path, value=[]))


@settings(max_examples=25)
@given(st.text(), json_values())
@pytest.mark.parametrize("within", [(), ("data",), ("data", "validation")], ids=len)
def test_an_additional_field_does_not_fit(
    within: tuple[str, ...], name: str, value: object
) -> None:
    added = json.loads(json.dumps(EXAMPLE))
    parent = added
    for step in within:
        parent = parent[step]
    parent[f"{name}?"] = value

    assert not validator.is_valid(added)


OF_A_VALIDATION: dict[str, tuple[tuple[str, ...], Any]] = {
    "the first entry": (("data", "sequence"), 1),
    "another verdict": (("data", "validation", "verdict"), "passed"),
    "detail too long": (("data", "validation", "detail"), "x" * (DETAIL_LIMIT + 1)),
    "id of a change": (("id",), f"{EXAMPLE['subject']}:COMPLETED"),
    "type of a change": (("type",), "atlas-restore-watch.status-changed.v1"),
}
OF_A_CHANGE = ("previous status", "latency", "id of another shape")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *OF_A_VALIDATION.values(),
        *(one for name, one in CONTRADICTIONS.items() if not any(w in name for w in OF_A_CHANGE)),
    ],
)
def test_a_message_that_contradicts_itself_does_not_fit(
    path: tuple[str, ...], value: object
) -> None:
    assert not validator.is_valid(edited(EXAMPLE, path, value=value))


# --- the pages


def test_the_pages_describe_the_event_the_result_the_message_and_its_attributes() -> None:
    of_events, of_messages = (
        section(page("events"), "A validation"),
        section(page("messages"), "A validation"),
    )
    event, result = map(json.loads, blocks(of_events, "json"))
    entry = RecordedValidation(
        RestoreJob.model_validate(EXAMPLE["data"]),
        Validation(verdict=Verdict.PASSED),
        4,
        datetime.fromisoformat(EXAMPLE["time"]),
    )

    assert event == json.loads((EVENTS / "record-validation.json").read_text())
    assert names(of_events) == {*event, *result, "kind"}
    assert set(result["validation"]) == set(VALIDATION)
    assert f"{VALIDATIONS_LIMIT} validations" in of_events
    assert f"{DETAIL_LIMIT} characters" in of_events
    assert f"{VALIDATED_BY_LIMIT} characters" in of_events
    assert names(of_messages) == {"id", "time", *message_attributes(entry), "validation"}
    assert f"`{VALIDATION_EVENT_TYPE}`" in of_events
    assert f"`{VALIDATION_EVENT_TYPE}`" in of_messages
