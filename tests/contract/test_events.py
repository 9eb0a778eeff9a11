"""The samples in events/ are what the triggers of the stack deliver."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from contract.deployed_template import Stack

CHECKOUT = Path(__file__).parents[2]
EVENTS = CHECKOUT / "events"
SAMPLES = sorted(set(EVENTS.glob("*.json")) - set(EVENTS.glob("*.schema.json")))
SWEEPS = ("eventbridge-schedule.json", "schedule.json", "sweep.json")
NAMING_NO_JOB = (*SWEEPS, "test-notification.json", "diagnose.json")
NAMING_JOBS = [path for path in SAMPLES if path.name not in NAMING_NO_JOB]


def sample(name: str) -> Any:
    return json.loads((EVENTS / name).read_text())


@pytest.fixture(scope="module")
def triggers() -> dict[str, Any]:
    template = yaml_parse((CHECKOUT / "template.yaml").read_text())
    events: dict[str, Any] = template["Resources"]["RestoreWatchFunction"]["Properties"]["Events"]
    return events


def fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every field at any depth, also in the bodies of queue records."""
    if isinstance(value, list):
        for item in value:
            yield from fields(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from fields(json.loads(item) if name == "body" else item)


@pytest.mark.parametrize("path", NAMING_JOBS, ids=lambda path: path.name)
def test_samples_use_ids_of_the_form_that_atlas_uses(path: Path) -> None:
    ids = [
        value
        for name, value in fields(json.loads(path.read_text()))
        if name in {"groupId", "projectId", "restoreId", "restoreJobId"}
    ]

    assert ids
    assert all(re.fullmatch("[a-f0-9]{24}", value) for value in ids)


@pytest.mark.parametrize(
    ("request_source", "is_matched"),
    [("", True), ("com.example.restore-drill", True), ("com.example.other", False)],
    ids=["any source", "its source", "another source"],
)
def test_the_sample_of_an_eventbridge_event_matches_the_rule(
    request_source: str,
    is_matched: bool,  # noqa: FBT001 - a column of the table
) -> None:
    rule = Stack(RequestSource=request_source).only("AWS::Events::Rule")
    pattern = EventPattern.load(json.dumps(rule["EventPattern"]))

    assert sorted(rule["EventPattern"]) == ["detail-type", "source"]
    assert pattern.matches_event(sample("eventbridge-request.json")) is is_matched


def test_the_schedule_delivers_its_sample_with_the_time_filled_in(triggers: dict[str, Any]) -> None:
    delivered = triggers["Schedule"]["Properties"]["Input"]
    time = "2026-10-05T12:05:00Z"

    assert json.loads(delivered.replace("<aws.scheduler.scheduled-time>", time)) == sample(
        "schedule.json"
    )


def test_the_sample_of_a_sweep_by_hand_names_no_time() -> None:
    """One that names the time of the sample would be skipped as too old."""
    assert sample("sweep.json") == {"action": "sweep"}


def test_the_sample_of_a_scheduled_event_has_the_form_of_an_eventbridge_event() -> None:
    scheduled, requested = sample("eventbridge-schedule.json"), sample("eventbridge-request.json")

    assert list(scheduled) == list(requested)
    assert (scheduled["source"], scheduled["detail-type"]) == ("aws.events", "Scheduled Event")
    assert scheduled["detail"] == {}


@pytest.mark.parametrize("name", NAMING_NO_JOB)
def test_an_action_names_no_job(name: str) -> None:
    named = {field for field, _ in fields(sample(name))}

    assert named.isdisjoint({"groupId", "projectId", "clusterName", "restoreId", "targets"})


def test_the_bodies_of_queue_records_are_valid_requests(triggers: dict[str, Any]) -> None:
    plain, from_rule = sample("sqs-batch.json")["Records"]
    event = json.loads(from_rule["body"])

    assert json.loads(plain["body"]) == sample("flex.json")
    assert event["detail-type"] in triggers["Request"]["Properties"]["Pattern"]["detail-type"]
    for record in (plain, from_rule):
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert record["md5OfBody"] == digest
