"""Every message about the watch fits its published schema, and no other does."""

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from restore_watch.aws.cloud_events import WATCH_EVENT_TYPES, watch_cloud_event
from restore_watch.model.outage import REMOVED, Trouble, WatchChange, WatchState

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "events" / "watch-changed.schema.json").read_text())
validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

GROUP = "5f0000000000000000000a01"

moments = st.floats(1.6e9, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
stack_names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,127}", fullmatch=True)
changes = st.builds(
    WatchChange,
    state=st.sampled_from(WatchState),
    group_id=st.just(GROUP) | st.none(),
    trouble=st.builds(
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
) | st.builds(
    WatchChange,
    state=st.just(WatchState.RECOVERED),
    group_id=st.just(GROUP),
    trouble=st.builds(Trouble, since=moments, error=st.just("AtlasError"), message=st.text()),
    at=moments,
    last_success_at=st.none() | moments,
    open_jobs=st.integers(0, 10_000),
    reason=st.just(REMOVED),
)


def message(state: WatchState = WatchState.DEGRADED, group_id: str | None = GROUP) -> Any:
    noon = datetime(2026, 10, 5, 12, tzinfo=UTC)
    change = WatchChange(state, group_id, Trouble(noon, "AtlasError", "no"), noon, noon, 1)
    return watch_cloud_event(change, "restore-watch")


@given(changes, stack_names)
def test_every_change_of_the_watch_fits(change: WatchChange, stack_name: str) -> None:
    body = watch_cloud_event(change, stack_name)

    validator.validate(json.loads(json.dumps(body)))


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_a_message_without_a_field_does_not_fit(field: str) -> None:
    body = message()
    del body[field]

    assert not validator.is_valid(body)


@pytest.mark.parametrize("field", SCHEMA["properties"]["data"]["required"])
def test_data_without_a_field_does_not_fit(field: str) -> None:
    body = message()
    del body["data"][field]

    assert not validator.is_valid(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", f"{GROUP}:recovered:2026-10-05T12:00:00.000000Z"),
        ("source", "/stacks/restore-watch"),
        ("subject", "restore-watch"),
        ("type", "atlas-restore-watch.status-changed.v1"),
        ("time", "2026-10-05T12:00:00+02:00"),
    ],
)
def test_a_message_that_contradicts_itself_does_not_fit(field: str, value: str) -> None:
    assert validator.is_valid(message())
    assert not validator.is_valid(message() | {field: value})


def test_a_message_about_the_stack_names_no_project() -> None:
    body = message(group_id=None)
    of_project = copy.deepcopy(body)
    of_project["data"]["groupId"] = GROUP

    assert validator.is_valid(body)
    assert not validator.is_valid(of_project)


def test_only_a_recovery_has_a_reason() -> None:
    removed = message(WatchState.RECOVERED)
    removed["data"]["reason"] = REMOVED
    degraded = message()
    degraded["data"]["reason"] = REMOVED

    assert validator.is_valid(removed)
    assert not validator.is_valid(degraded)


def test_the_message_shown_in_the_docs_fits_and_the_types_are_the_functions() -> None:
    page = (ROOT / "docs" / "messages.md").read_text()
    (block,) = re.findall(r"```json\n(\{\n.*?)```", page, flags=re.DOTALL)

    validator.validate(json.loads(block))
    assert all(f"`{kind}`" in page for kind in WATCH_EVENT_TYPES.values())
