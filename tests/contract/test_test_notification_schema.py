"""Every test notification fits its published schema, and nothing else does."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contract.test_watch_schema import moments, stack_names
from restore_watch.aws.cloud_events import TEST_EVENT_TYPE, cloud_event_of_test

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "events" / "test-notification.schema.json").read_text())
validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


@given(stack_names, moments)
def test_every_test_notification_fits(stack_name: str, requested_at: datetime) -> None:
    body = json.loads(json.dumps(cloud_event_of_test(stack_name, requested_at)))

    validator.validate(body)
    assert body["time"] == body["data"]["requestedAt"]


@given(moments, st.sampled_from(SCHEMA["required"]))
def test_one_without_a_field_does_not_fit(requested_at: datetime, field: str) -> None:
    body = cloud_event_of_test("restore-watch", requested_at)
    del body[field]

    assert not validator.is_valid(body)


@pytest.mark.parametrize("page", ["events", "messages"])
def test_the_docs_name_its_type(page: str) -> None:
    assert f"`{TEST_EVENT_TYPE}`" in (ROOT / "docs" / f"{page}.md").read_text()
