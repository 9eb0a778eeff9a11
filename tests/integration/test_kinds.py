"""The main job: every kind of restore job, from first sight to its end."""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

import pytest

from integration.checking import (
    LONG_AGO,
    check,
    expected_job,
    received,
    statuses,
    stored,
)
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.canaries import CANARY_DOWNLOAD_TOKEN
from local_stack.restores import object_id
from local_stack.stack import LocalStack, Received
from observed_stack import ObservedStack


@dataclass(frozen=True)
class Timeline:
    """The steps of a job, and the status that each step publishes. None means no message."""

    name: str
    kind: Kind
    steps: tuple[str, ...]
    published: tuple[str | None, ...]
    delivery_type: str | None = None
    tenant_endpoint: Literal[404, 405, 406, 410] | None = 410
    answers_as: Kind | None = None
    """The kind that answers, if it is not the requested one."""

    @property
    def answered(self) -> Kind:
        return self.answers_as or self.kind

    @property
    def changes(self) -> list[str]:
        return [status for status in self.published if status]

    def start(self, stack: LocalStack, group: str) -> EmulatedRestore:
        """Start the job with a date of three minutes ago, so that it has a duration."""
        stack.atlas.behaviour.tenant_endpoint = self.tenant_endpoint
        made = datetime.now(UTC) - timedelta(minutes=3)
        restore = stack.atlas.start_restore(
            group,
            "orders",
            self.kind,
            restore_id=object_id(made),
            delivery_type=self.delivery_type,
            timeline=self.steps,
        )
        restore.scheduled = made
        return restore


def flex(name: str, *steps: str, published: Sequence[str | None] = (), **more: Any) -> Timeline:
    return Timeline(name, "flex", steps, tuple(published) or steps, **more)


def dedicated(name: str, *steps: str, published: Sequence[str | None], **more: Any) -> Timeline:
    return Timeline(name, "dedicated", steps, tuple(published), **more)


def tenant(name: str, *steps: str, **more: Any) -> Timeline:
    return Timeline(name, "tenant", steps, steps, **more)


def collection(name: str, *steps: str, published: Sequence[str | None], **more: Any) -> Timeline:
    return Timeline(name, "collection", steps, tuple(published), **more)


FLEX = flex("flex", "PENDING", "QUEUED", "RUNNING", "COMPLETED")
FLEX_DOWNLOAD = flex("flex-download", "PENDING", "COMPLETED", delivery_type="DOWNLOAD")
AUTOMATED = dedicated("dedicated", "running", "finished", published=("RUNNING", "COMPLETED"))
DOWNLOAD = dedicated(
    "dedicated-download",
    *("running", "download-ready"),
    published=("RUNNING", "COMPLETED"),
    delivery_type="download",
)
TENANT = tenant("tenant-before-its-sunset", "PENDING", "RUNNING", "COMPLETED", tenant_endpoint=None)
RETIRED = tenant("tenant-after-its-sunset", "PENDING", "RUNNING", "COMPLETED", answers_as="flex")
COLLECTION = collection(
    "collection",
    *("INITIALIZING", "IN_PROGRESS", "SUCCESSFUL"),
    published=("PENDING", "RUNNING", "COMPLETED"),
)

EACH_KIND = [FLEX, FLEX_DOWNLOAD, AUTOMATED, DOWNLOAD, TENANT, RETIRED, COLLECTION]

TIMELINES = [
    *EACH_KIND,
    flex("flex-failed", "PENDING", "RUNNING", "FAILED"),
    flex(
        "flex-several-unknown-words",
        *("PENDING", "DOZING", "DREAMING", "DOZING", "COMPLETED"),
        published=("PENDING", "UNKNOWN", "UNKNOWN", None, "COMPLETED"),
    ),
    flex(
        "flex-going-back",
        "RUNNING",
        "QUEUED",
        "COMPLETED",
        published=("RUNNING", None, "COMPLETED"),
    ),
    flex("flex-contradiction", "FAILED", "COMPLETED", published=("FAILED", None)),
    dedicated("dedicated-failed", "running", "failed", published=("RUNNING", "FAILED")),
    dedicated("dedicated-seen-late", "finished", published=("COMPLETED",)),
    dedicated(
        "dedicated-expired-after-its-end",
        *("running", "finished", "expired"),
        published=("RUNNING", "COMPLETED", None),
    ),
    dedicated(
        "dedicated-download-cancelled-after-it-was-ready",
        *("running", "download-ready", "cancelled"),
        published=("RUNNING", "COMPLETED", "CANCELLED"),
        delivery_type="download",
    ),
    dedicated(
        "dedicated-download-seen-expired",
        *("running", "finished", "expired"),
        published=("RUNNING", "COMPLETED", "EXPIRED"),
        delivery_type="download",
    ),
    collection(
        "collection-of-every-state",
        *("INITIALIZING", "IN_PROGRESS", "FINALIZING", "CANCELED"),
        published=("PENDING", "RUNNING", None, "CANCELLED"),
    ),
]
"""One of each form; tests/reliability/test_fault_status.py has the other orders and ends."""


@dataclass(frozen=True)
class Step:
    """One step of a job, checked twice: what Atlas answered, and everything that followed."""

    job: dict[str, Any]
    published: str | None
    first: dict[str, Any]
    again: dict[str, Any]
    messages: list[Received]
    item: dict[str, Any]
    listed: bool
    """True if the index of open jobs has it."""

    ended: datetime

    @property
    def group(self) -> str:
        group: str = self.job["groupId"]
        return group

    @property
    def is_ready_download(self) -> bool:
        is_download = (self.job["deliveryType"] or "").lower() == "download"
        return is_download and self.job["status"] == "COMPLETED"


type Walked = Callable[[Timeline], list[Step]]


def open_jobs(stack: LocalStack) -> set[str]:
    dynamodb = stack.aws.client("dynamodb")
    entries = dynamodb.scan(TableName=stack.table_name, IndexName="OpenJobs")["Items"]
    return {entry["restoreId"]["S"] for entry in entries}


def walk(stack: LocalStack, timeline: Timeline, group: str) -> list[Step]:
    restore = timeline.start(stack, group)
    steps: list[Step] = []
    for published in timeline.published:
        if steps:
            restore.advance()
        first, again = (check(stack, restore, timeline.kind).result for _ in range(2))
        job = expected_job(restore, timeline.answered, published or steps[-1].job["status"])
        item = stored(stack, restore)
        listed = restore.restore_id in open_jobs(stack)
        now = datetime.now(UTC)
        steps.append(Step(job, published, first, again, received(stack), item, listed, now))
    return steps


@pytest.fixture(scope="module")
def walks(module_stack: ObservedStack) -> Walked:
    """Walks each timeline once; several tests examine the result."""

    @cache
    def walked(timeline: Timeline) -> list[Step]:
        steps = walk(module_stack, timeline, secrets.token_hex(12))
        module_stack.settle()
        return steps

    return walked


def named(timeline: Timeline) -> str:
    return timeline.name


@pytest.mark.parametrize("timeline", TIMELINES, ids=named)
def test_each_change_is_published_once_and_in_order(walks: Walked, timeline: Timeline) -> None:
    steps = walks(timeline)

    assert [statuses(step.messages) for step in steps] == [
        [status] if status else [] for status in timeline.published
    ]
    messages = [message.event for step in steps for message in step.messages]
    assert [message["data"]["sequence"] for message in messages] == [
        number for number, _ in enumerate(timeline.changes, start=1)
    ]
    assert [message["data"]["previousStatus"] for message in messages] == [
        None,
        *timeline.changes[:-1],
    ]
    words = [
        f":{message['data']['atlasStatus']}" if message["data"]["status"] == "UNKNOWN" else ""
        for message in messages
    ]
    assert [message["id"] for message in messages] == [
        f"{steps[0].job['restoreId']}:{status}{word}"
        for status, word in zip(timeline.changes, words, strict=True)
    ]
    assert len({message["id"] for message in messages}) == len(messages)


@pytest.mark.parametrize("timeline", EACH_KIND, ids=named)
def test_a_message_agrees_with_the_answer_of_atlas(walks: Walked, timeline: Timeline) -> None:
    steps = walks(timeline)

    for step in steps:
        (message,) = step.messages
        event, job = message.event, step.job
        data = dict(event["data"])
        assert event["id"] == f"{job['restoreId']}:{job['status']}"
        assert event["source"] == f"/groups/{step.group}/clusters/orders"
        assert event["type"] == "atlas-restore-watch.status-changed.v1"
        assert event["subject"] == job["restoreId"]
        assert event["time"] == data.pop("observedAt")
        age = step.ended - datetime.fromisoformat(event["time"])
        assert timedelta(0) <= age < timedelta(seconds=30)
        del data["sequence"], data["previousStatus"]
        latency = data.pop("detectionLatencySeconds")
        assert data == job
        # The expiry of a dedicated download's link dates the moment at which it was ready.
        is_dated_by_expiry = timeline is DOWNLOAD and step.is_ready_download
        if job["restoreFinishedDate"] is None and not is_dated_by_expiry:
            assert latency is None
        else:
            assert 0 <= latency < 30


@pytest.mark.parametrize("timeline", EACH_KIND, ids=named)
def test_a_message_can_be_filtered_by_its_attributes(walks: Walked, timeline: Timeline) -> None:
    steps = walks(timeline)

    for step, before in zip(steps, [None, *timeline.published], strict=False):
        (message,) = step.messages
        job = step.job
        expected = {
            "type": "atlas-restore-watch.status-changed.v1",
            "status": job["status"],
            "previousStatus": before,
            "terminal": json.dumps(job["terminal"]),
            "succeeded": {True: "true", False: "false", None: None}[job["succeeded"]],
            "kind": timeline.answered,
            "deliveryType": job["deliveryType"],
            "groupId": step.group,
            "clusterName": "orders",
        }
        assert message.attributes == {name: value for name, value in expected.items() if value}
        assert message.subject is not None
        assert message.subject.isascii()
        assert len(message.subject) < 100
        assert job["status"] in message.subject
        assert "orders" in message.subject


@pytest.mark.parametrize("timeline", TIMELINES, ids=named)
def test_a_result_has_the_job_and_its_change(walks: Walked, timeline: Timeline) -> None:
    steps = walks(timeline)

    before, sequence = None, 0
    for step in steps:
        now = step.job["status"]
        sequence += step.published is not None
        said = {
            "status": now,
            "terminal": step.job["terminal"],
            "succeeded": step.job["succeeded"],
            "sequence": sequence,
        }
        first, again = dict(step.first), dict(step.again)
        first_job, again_job = first.pop("job"), again.pop("job")
        assert first == said | {"previousStatus": before, "changed": step.published is not None}
        assert again == said | {"previousStatus": now, "changed": False}
        assert first_job == again_job
        if step.published:
            assert first_job == step.job
        before = now


@pytest.mark.parametrize("timeline", EACH_KIND, ids=named)
def test_the_item_holds_the_job_and_its_history(walks: Walked, timeline: Timeline) -> None:
    *_, last = steps = walks(timeline)

    item = last.item
    job = {name: value for name, value in last.job.items() if value is not None}
    assert {name: item[name] for name in job} == job
    assert set(item) - set(job) - {"openShard"} == {
        "cluster",
        "firstObservedAt",
        "observedAt",
        "history",
        "sequence",
        "publishedSequence",
        "expiresAt",
    }
    assert item["cluster"] == f"{last.group}/orders"
    assert item["sequence"] == item["publishedSequence"] == len(steps)
    messages = [message.event["data"] for step in steps for message in step.messages]
    assert item["firstObservedAt"] == messages[0]["observedAt"]
    assert item["observedAt"] == messages[-1]["observedAt"]
    for entry, data in zip(item["history"], messages, strict=True):
        assert entry.items() <= data.items()
        assert entry["status"] == data["status"]
        assert entry["observedAt"] == data["observedAt"]


@pytest.mark.parametrize("timeline", TIMELINES, ids=named)
def test_a_job_is_open_until_its_end_and_is_kept_for_a_year(
    walks: Walked, timeline: Timeline
) -> None:
    """A ready download stays open, because it can still expire or be cancelled."""
    steps = walks(timeline)

    for step in steps:
        is_open = not step.job["terminal"] or step.is_ready_download
        assert ("openShard" in step.item) == step.listed == is_open
        assert ("expiresAt" in step.item) == step.job["terminal"]
    a_year = datetime.now(UTC) + timedelta(days=365)
    assert steps[-1].item["expiresAt"] > a_year.timestamp()


def test_the_index_of_open_jobs_has_the_fields_that_a_sweep_reads(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, restore)
    (entry,) = stack.aws.client("dynamodb").scan(TableName=stack.table_name, IndexName="OpenJobs")[
        "Items"
    ]

    assert entry["cluster"]["S"] == f"{group}/orders"
    assert entry["restoreId"]["S"] == restore.restore_id
    assert entry["kind"]["S"] == "flex"
    assert entry.keys() - {"cluster", "restoreId", "openShard", "kind"} == {
        "status",
        "atlasStatus",
        "deliveryType",
        "expirationDate",
        "restoreScheduledDate",
        "firstObservedAt",
        "observedAt",
        "sequence",
        "publishedSequence",
    }


@pytest.mark.parametrize(
    "timeline", [FLEX_DOWNLOAD, DOWNLOAD], ids=["flex", "dedicated-with-every-kind-of-url"]
)
def test_a_download_is_published_without_its_url(
    stack: LocalStack, group: str, timeline: Timeline
) -> None:
    restore = timeline.start(stack, group)
    restore.run_to_end()
    answer = json.dumps(restore.body(timeline.kind))
    result = check(stack, restore, timeline.kind).result
    (message,) = received(stack)
    item = stored(stack, restore)

    assert CANARY_DOWNLOAD_TOKEN in answer
    assert result["job"]["downloadAvailable"] is True
    assert message.event["data"]["downloadAvailable"] is True
    assert item["downloadAvailable"] is True
    assert result["status"] == "COMPLETED"
    for output in (result, message, item, stack.logs()):
        assert "://" not in str(output)
        assert CANARY_DOWNLOAD_TOKEN not in str(output)


def test_a_partly_successful_collection_restore_ends_as_unknown_without_its_error_message(
    stack: LocalStack, group: str
) -> None:
    """Atlas reports a partial success as an event; the state of its job was never recorded."""
    restore = stack.atlas.start_restore(
        group, "orders", "collection", timeline=["FINALIZING", "PARTIALLY_SUCCESSFUL+finished"]
    )
    assert check(stack, restore, "collection").result["terminal"] is False
    restore.advance()
    assert CANARY_DOWNLOAD_TOKEN in restore.body("collection")["errorMessage"]
    result = check(stack, restore, "collection").result
    _, message = received(stack)

    assert (result["status"], result["terminal"], result["succeeded"]) == ("UNKNOWN", True, None)
    assert result["job"]["atlasStatus"] == "PARTIALLY_SUCCESSFUL"
    assert message.event["id"] == f"{restore.restore_id}:UNKNOWN:PARTIALLY_SUCCESSFUL:ENDED"
    for output in (result, message, stored(stack, restore), stack.logs()):
        assert "Stopped while" not in str(output)


def test_a_collection_restore_is_not_found_without_its_kind(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "collection", restore_id=LONG_AGO)
    check(stack, restore, "collection")
    stack.forget_calls()

    assert check(stack, restore).error_type == "RestoreJobNotFoundError"
    asked = [call.operation for call in stack.http_calls() if call.service == "atlas"]
    assert "collection" not in asked
    assert check(stack, restore, "collection").result["changed"] is False


def test_a_tenant_endpoint_that_still_answers_causes_no_warning(
    stack: LocalStack, group: str
) -> None:
    stack.atlas.behaviour.tenant_endpoint = None
    restore = stack.atlas.start_restore(group, "orders", "tenant")
    stack.logs()
    result = check(stack, restore, "tenant").result

    assert result["job"]["kind"] == "tenant"
    assert "WARNING" not in stack.logs()
