"""Restores of each kind, from the first check to the end: answer, message and item agree."""

import json
from datetime import timedelta
from typing import Any, Literal, NamedTuple

import pytest

from behaviour.expected_job import expected_job
from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment, target_of
from local_stack.stack import Received
from local_stack.world import LONG_AGO, World
from restore_watch.errors import RestoreJobNotFoundError

cases = pytest.mark.parametrize


class Followed(NamedTuple):
    """A kind, its steps, and what is published at each; what answers for the kind, if another."""

    kind: Kind
    steps: str
    published: str
    delivery_type: str | None = None
    answered_as: Kind | None = None
    tenant_endpoint: Literal[410] | None = 410


FLEX = "PENDING QUEUED RUNNING COMPLETED"
EACH_KIND = {
    "flex": Followed("flex", FLEX, FLEX),
    "flex-download": Followed("flex", "RUNNING COMPLETED", "RUNNING COMPLETED", "DOWNLOAD"),
    "flex-failed": Followed("flex", "RUNNING FAILED", "RUNNING FAILED"),
    "dedicated": Followed("dedicated", "running finished", "RUNNING COMPLETED"),
    "dedicated-download": Followed(
        "dedicated", "running download-ready", "RUNNING COMPLETED", "download"
    ),
    "dedicated-cancelled": Followed("dedicated", "running cancelled", "RUNNING CANCELLED"),
    "tenant": Followed("tenant", "RUNNING COMPLETED", "RUNNING COMPLETED", tenant_endpoint=None),
    "tenant-retired": Followed(
        "tenant", "RUNNING COMPLETED", "RUNNING COMPLETED", answered_as="flex"
    ),
    "collection": Followed(
        "collection", "INITIALIZING IN_PROGRESS SUCCESSFUL", "PENDING RUNNING COMPLETED"
    ),
    "collection-cancelled": Followed(
        "collection", "IN_PROGRESS FINALIZING CANCELED", "RUNNING - CANCELLED"
    ),
}
SUCCEEDED = {True: "true", False: "false"}


@cases("followed", rows(EACH_KIND, "flex", "dedicated-download", "tenant-retired", "collection"))
def test_a_job_is_followed_from_the_first_check_to_its_end(
    world: World, environment: Environment, followed: Followed
) -> None:
    """Each step is checked 7 s after Atlas took it, and once more."""
    world.atlas.behaviour.tenant_endpoint = followed.tenant_endpoint
    kind = followed.answered_as or followed.kind
    job = world.job(
        followed.kind, timeline=followed.steps.split(), delivery_type=followed.delivery_type
    )
    before: str | None = None
    changes: list[dict[str, Any]] = []
    for number, word in enumerate(followed.published.split()):
        if number:
            world.pass_time(60)
            job.advance()
        world.pass_time(7)
        first, again = (environment.answer({**job.event, "kind": followed.kind}) for _ in range(2))
        is_change = word != "-"
        status = word if is_change else str(before)
        expected = expected_job(job, kind, status)
        said = {
            "status": status,
            "terminal": expected["terminal"],
            "succeeded": expected["succeeded"],
            "sequence": len(changes) + is_change,
        }
        assert first == {**said, "job": first["job"], "previousStatus": before} | {
            "changed": is_change
        }
        assert again == {**first, "previousStatus": status, "changed": False}
        messages = world.messages(job)[len(changes) :]
        assert len(messages) == is_change
        if is_change:
            assert first["job"] == expected
            assert_is_message(messages[0], expected, before, len(changes) + 1)
            changes.append(messages[0].event["data"])
        assert_is_item(world, job, changes)
        before = status


def assert_is_message(
    message: Received, job: dict[str, Any], before: str | None, sequence: int
) -> None:
    event, data, status = message.event, dict(message.event["data"]), job["status"]
    assert event["id"] == f"{job['restoreId']}:{status}"
    assert event["source"] == f"/groups/{job['groupId']}/clusters/{job['clusterName']}"
    assert event["type"] == "atlas-restore-watch.status-changed.v1"
    assert event["subject"] == job["restoreId"]
    assert event["time"] == data.pop("observedAt")
    # The expiry of a dedicated download's link dates the moment at which it was ready.
    latency = data.pop("detectionLatencySeconds")
    assert 7 <= latency < 9 if job["terminal"] else latency is None
    # Nobody watches its project.
    others = {"sequence": sequence, "previousStatus": before, "projectName": None}
    assert data == job | others
    attributes = {
        "type": "atlas-restore-watch.status-changed.v1",
        "status": status,
        "previousStatus": before,
        "terminal": json.dumps(job["terminal"]),
        "succeeded": SUCCEEDED.get(job["succeeded"]),
        **{name: job[name] for name in ("kind", "deliveryType", "groupId", "clusterName")},
    }
    assert message.attributes == {name: value for name, value in attributes.items() if value}
    assert message.subject == f"Atlas restore {status}: {job['clusterName']}"


def assert_is_item(world: World, job: EmulatedRestore, changes: list[dict[str, Any]]) -> None:
    """The item has the last change, and the history of all. It is open unless it has ended."""
    item, last = dict(world.item(job) or {}), changes[-1]
    others = {"sequence", "previousStatus", "detectionLatencySeconds"}
    for name in last.keys() - others:
        assert item.pop(name, None) == last[name]
    is_ready_download = last["downloadAvailable"] and last["terminal"]
    assert ("openShard" in item) == (is_ready_download or not last["terminal"])
    assert ("expiresAt" in item) == last["terminal"]
    if last["terminal"]:
        end = world.clock() + timedelta(days=365)
        assert item["expiresAt"] > end.timestamp()
    assert item.keys() - {"openShard", "expiresAt"} == {
        "cluster",
        "firstObservedAt",
        "history",
        "sequence",
        "publishedSequence",
    }
    assert item["cluster"] == f"{job.group_id}/{job.cluster}"
    assert item["sequence"] == item["publishedSequence"] == len(changes)
    assert item["firstObservedAt"] == changes[0]["observedAt"]
    for entry, data in zip(item["history"], changes, strict=True):
        assert entry.items() <= data.items()
        assert entry.keys() >= {"status", "observedAt"}


def test_a_partly_successful_collection_restore_ends_as_unknown_without_its_error_message(
    world: World, environment: Environment
) -> None:
    """Atlas reports a partial success as an event; the state of its job was never recorded."""
    job = world.job("collection", timeline=["FINALIZING", "PARTIALLY_SUCCESSFUL+finished"])
    assert environment.check(target_of(job, "collection")).job.terminal is False
    job.advance()
    assert "Stopped while" in job.body("collection")["errorMessage"]
    result = environment.check(target_of(job, "collection")).job

    assert (result.status, result.terminal, result.succeeded) == ("UNKNOWN", True, None)
    assert world.published(job)[1:] == ["UNKNOWN:PARTIALLY_SUCCESSFUL:ENDED"]
    outputs = [result, world.messages(job), world.item(job), environment.log.getvalue()]
    assert "Stopped while" not in str(outputs)


def test_a_collection_restore_is_not_found_without_its_kind(
    world: World, environment: Environment
) -> None:
    job = world.job("collection", restore_id=LONG_AGO)
    environment.check(target_of(job, "collection"))
    world.stack.forget_calls()
    world.refused(RestoreJobNotFoundError, job, environment)

    assert "collection" not in world.operations()
    assert not environment.check(target_of(job, "collection")).changed


def test_a_tenant_endpoint_that_still_answers_causes_no_warning(
    world: World, environment: Environment
) -> None:
    world.atlas.behaviour.tenant_endpoint = None
    job = world.job("tenant")

    assert environment.answer({**job.event, "kind": "tenant"})["job"]["kind"] == "tenant"
    assert environment.lines(level="WARNING") == []
