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


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
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


def test_the_schedule_delivers_the_fields_of_its_sample(triggers: dict[str, Any]) -> None:
    delivered = json.loads(triggers["Schedule"]["Properties"]["Input"]["Fn::Sub"])

    assert list(delivered) == list(sample("schedule.json"))
    assert delivered == {
        "groupId": "${GroupId}",
        "clusterName": "${ClusterName}",
        "restoreId": "${RestoreId}",
        "kind": "${Kind}",
    }


def test_the_bodies_of_queue_records_are_valid_requests(triggers: dict[str, Any]) -> None:
    plain, from_rule = sample("sqs-batch.json")["Records"]
    event = json.loads(from_rule["body"])

    assert json.loads(plain["body"]) == sample("flex.json")
    assert event["detail-type"] in triggers["Request"]["Properties"]["Pattern"]["detail-type"]
    for record in (plain, from_rule):
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert record["md5OfBody"] == digest
