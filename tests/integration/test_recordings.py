"""
What Atlas really answered, replayed body by body through everything there is.

The recordings are evidence that is kept beside the checkout; nothing of them is copied into it.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from integration.watching import (
    LONG_AGO,
    ROOT,
    by_either_credential,
    received,
    statuses,
)
from local_stack.atlas import Kind
from local_stack.faults import Answer
from local_stack.in_process import Clients, cold_start
from local_stack.stack import LocalStack
from local_stack.wire import Call
from restore_watch.deadline import Deadline
from restore_watch.errors import RestoreWatchError
from restore_watch.restore_job import RestoreTarget

SHARED = Path(os.environ.get("ATLAS_SHARED") or ROOT.parent / "shared")
REAL = SHARED / "atlas" / "recordings" / "real"
DOCUMENTED = SHARED / "atlas" / "recordings" / "documented"

pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the recordings are not there: ATLAS_SHARED names their folder"
)

_JOB = re.compile(
    r"/groups/(?P<group>[a-f0-9]{24})/(?P<family>clusters|flexClusters)/(?P<cluster>[^/]+)"
    r"/backup/restoreJobs/(?P<id>[a-f0-9]{24})$"
)

# The HTTP status decides, whatever else is in the answer.
ERRORS = {
    400: "AtlasBadRequestError",
    401: "AtlasUnauthorizedError",
    403: "AtlasForbiddenError",
    404: "RestoreJobNotFoundError",
    410: "EndpointRetiredError",
    429: "AtlasRateLimitError",
    500: "AtlasUnavailableError",
    502: "AtlasUnavailableError",
    503: "AtlasUnavailableError",
}


@dataclass(frozen=True)
class Recording:
    """One request and what was answered."""

    name: str
    method: str
    path: str
    answer: Answer
    body: Any

    @classmethod
    def read(cls, path: Path) -> "Recording | None":
        """The recording in a file, None for the index."""
        file = json.loads(path.read_text())
        if not isinstance(file, dict):
            return None
        request, response = file["request"], file["response"]
        body = response["body"]
        # What was no JSON was recorded as text. Of its length nothing is known any more.
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {
            name: value
            for name, value in response["headers"].items()
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}
        }
        answer = Answer(response["status"], headers, text)
        return cls(path.stem, request["method"], request["path"], answer, body)


def recordings(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*.json")):
        recording = Recording.read(path)
        if recording is not None:
            yield recording


def sequences() -> dict[str, list[Recording]]:
    """The answers for each job that was asked for, in the order of the recording."""
    found: defaultdict[str, list[Recording]] = defaultdict(list)
    for recording in recordings(REAL):
        asked = _JOB.search(recording.path)
        if asked and recording.method == "GET" and recording.answer.status == 200:
            found[f"{asked['family']}-{asked['id']}"].append(recording)
    return found


def status_of(body: dict[str, Any]) -> str:
    """What the recorded words and flags come to."""
    if "status" in body:
        return str(body["status"])
    if body["cancelled"]:
        return "CANCELLED"
    if body["failed"]:
        return "FAILED"
    return "COMPLETED" if "finishedAt" in body or body["deliveryUrl"] else "RUNNING"


def urls_in(value: Any) -> Iterator[str]:
    if isinstance(value, str) and "://" in value:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from urls_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from urls_in(item)


SEQUENCES = sequences()
REFUSED = [recording for recording in recordings(REAL) if recording.answer.status != 200]
DOCUMENTED_REFUSALS = [
    recording
    for recording in recordings(DOCUMENTED)
    if recording.answer.status != 200 and "oauth" not in recording.path
]


def named(recording: Recording) -> str:
    return recording.name


def test_every_recorded_job_and_refusal_is_replayed() -> None:
    assert len(SEQUENCES) >= 7
    assert {recording.answer.status for recording in REFUSED} == {400, 401, 404, 500, 502}
    assert {recording.answer.status for recording in DOCUMENTED_REFUSALS} == {403, 410, 429, 503}


@by_either_credential
@pytest.mark.parametrize("said", ["auto", "its-kind"])
@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_a_recorded_sequence_is_announced_change_by_change(
    stack: LocalStack, sequence: list[Recording], said: str
) -> None:
    asked = _JOB.search(sequence[0].path)
    assert asked is not None
    kind: Kind = "flex" if asked["family"] == "flexClusters" else "dedicated"
    stack.atlas.add_cluster(asked["group"], asked["cluster"], kind)
    event = {
        "groupId": asked["group"],
        "clusterName": asked["cluster"],
        "restoreId": asked["id"],
        "kind": kind if said == "its-kind" else "auto",
    }
    results = []
    for recording in sequence:
        stack.atlas.serve(asked["group"], asked["cluster"], kind, asked["id"], recording.answer)
        results.append(stack.invoke(event).result)
    messages = received(stack)
    item = stack.item(asked["group"], asked["cluster"], asked["id"])

    changes = [status for status, _ in groupby(status_of(one.body) for one in sequence)]
    assert statuses(messages) == changes
    assert [message.event["id"] for message in messages] == [
        f"{asked['id']}:{status}" for status in changes
    ]
    assert [message.event["data"]["previousStatus"] for message in messages] == [
        None,
        *changes[:-1],
    ]
    assert [message.event["data"]["sequence"] for message in messages] == [
        number for number, _ in enumerate(changes, start=1)
    ]
    assert [result["status"] for result in results] == [status_of(one.body) for one in sequence]
    assert {result["job"]["kind"] for result in results} == {kind}
    assert {result["job"]["snapshotId"] for result in results} == {
        one.body["snapshotId"] for one in sequence
    }
    assert item is not None
    assert item["status"] == changes[-1]
    assert item["sequence"] == item["publishedSequence"] == len(changes)
    told = f"{results}{messages}{item}{stack.logs()}"
    assert not [url for one in sequence for url in urls_in(one.body) if url in told]
    assert "://" not in told


@by_either_credential
@pytest.mark.parametrize("recording", REFUSED, ids=named)
def test_a_recorded_refusal_is_a_typed_error(
    stack: LocalStack, own_clients: Clients, group: str, recording: Recording
) -> None:
    """In the process of the test, where the seconds between attempts need not pass."""
    for kind in ("flex", "dedicated", "tenant"):
        assert_refused(stack, own_clients, group, recording, kind)


@pytest.mark.parametrize("recording", DOCUMENTED_REFUSALS, ids=named)
def test_a_documented_refusal_is_a_typed_error(
    stack: LocalStack, own_clients: Clients, group: str, recording: Recording
) -> None:
    for kind in ("flex", "dedicated", "tenant"):
        assert_refused(stack, own_clients, group, recording, kind)


def assert_refused(
    stack: LocalStack, by: Clients, group: str, recording: Recording, kind: Kind
) -> None:
    status = recording.answer.status
    # Flex, the successor, refuses a tenant job alike.
    for endpoint in {kind, "flex"}:
        stack.atlas.serve(group, kind, endpoint, LONG_AGO, recording.answer)
    wanted = {"groupId": group, "clusterName": kind, "restoreId": LONG_AGO, "kind": kind}
    watch = cold_start(stack, by)
    stack.forget_calls()
    with pytest.raises(RestoreWatchError) as refused:
        # Less than the minute for which the recorded Retry-After asks.
        watch.check(RestoreTarget.model_validate(wanted), Deadline.after(30))

    assert type(refused.value).__name__ == ERRORS[status]
    body = recording.body if isinstance(recording.body, dict) else {}
    assert (body.get("errorCode") or "") in str(refused.value)
    assert "<" not in str(refused.value)
    assert stack.atlas.wire.count(when=gave(status)) <= 4
    assert (stack.items(), stack.received()) == ([], [])


def gave(status: int) -> Any:
    def is_meant(call: Call) -> bool:
        return call.status == status

    return is_meant


@by_either_credential
@pytest.mark.parametrize(
    "recording",
    # A server that is out of order is asked again after seconds; those need not pass here.
    [recording for recording in REFUSED if recording.answer.status < 500],
    ids=named,
)
def test_a_recorded_refusal_has_its_name_in_the_real_runtime(
    stack: LocalStack, group: str, recording: Recording
) -> None:
    stack.atlas.serve(group, "orders", "flex", LONG_AGO, recording.answer)
    wanted = {"groupId": group, "clusterName": "orders", "restoreId": LONG_AGO, "kind": "flex"}
    answer = stack.invoke(wanted)

    assert answer.error_type == ERRORS[recording.answer.status]
    assert (stack.items(), stack.received()) == ([], [])


def test_the_recorded_refusal_of_a_dedicated_cluster_leads_to_the_right_kind(
    stack: LocalStack, group: str
) -> None:
    (refusal,) = [one for one in REFUSED if one.name == "error_400_non_flex_in_flex_get_job"]
    restore = stack.atlas.start_restore(group, "orders", "dedicated")
    stack.atlas.serve(group, "orders", "flex", restore.restore_id, refusal.answer)
    event = {"groupId": group, "clusterName": "orders", "restoreId": restore.restore_id}

    assert stack.invoke(event).result["job"]["kind"] == "dedicated"
