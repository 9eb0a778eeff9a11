"""The samples in events/ are what the triggers of the stack deliver."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.deployed_template import Stack

EVENTS = Path(__file__).parents[2] / "events"
SAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in EVENTS.glob("*.json")
    if not path.stem.endswith(".schema")
}
ACTIONS = {"eventbridge-schedule", "schedule", "sweep", "test-notification", "diagnose"}


def fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every field at any depth, also in the bodies of queue records."""
    named = list(value.items()) if isinstance(value, dict) else []
    yield from named
    inside = [json.loads(item) if name == "body" else item for name, item in named]
    for item in value if isinstance(value, list) else inside:
        yield from fields(item)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_use_ids_of_the_form_that_atlas_uses_and_actions_none(name: str) -> None:
    named = {"groupId", "projectId", "restoreId", "restoreJobId"}
    ids = [value for field, value in fields(SAMPLES[name]) if field in named]

    assert bool(ids) is (name not in ACTIONS)
    assert all(re.fullmatch("[a-f0-9]{24}", value) for value in ids)


def test_the_samples_of_a_schedule_are_what_it_delivers() -> None:
    delivered = Stack().properties("RestoreWatchFunctionSchedule")["Target"]["Input"]
    filled = delivered.replace("<aws.scheduler.scheduled-time>", "2026-10-05T12:05:00Z")
    of_rule = SAMPLES["eventbridge-schedule"]

    assert json.loads(filled) == SAMPLES["schedule"]
    assert list(SAMPLES["schedule"]) == ["action", "scheduledTime"]
    # One by hand that names the time of the sample would be skipped as too old.
    assert SAMPLES["sweep"] == {"action": "sweep"}
    assert list(of_rule) == list(SAMPLES["eventbridge-request"])
    assert (of_rule["source"], of_rule["detail-type"]) == ("aws.events", "Scheduled Event")
    assert of_rule["detail"] == {}


def test_the_bodies_of_queue_records_are_valid_requests() -> None:
    plain, from_rule = SAMPLES["sqs-batch"]["Records"]

    assert json.loads(plain["body"]) == SAMPLES["flex"]
    assert json.loads(from_rule["body"])["detail-type"] == "Atlas Restore Watch Requested"
    for record in (plain, from_rule):
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert record["md5OfBody"] == digest
