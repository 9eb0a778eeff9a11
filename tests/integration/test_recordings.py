"""
What Atlas really answered, replayed through the real function.

The recordings are kept beside the checkout, because they are not ours to publish.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.checking import (
    LONG_AGO,
    ROOT,
    received,
    statuses,
)
from local_stack.faults import Answer
from local_stack.stack import LocalStack

if TYPE_CHECKING:
    from local_stack.atlas import Kind

SHARED = Path(os.environ.get("ATLAS_SHARED") or ROOT.parent / "shared")
REAL = SHARED / "atlas" / "recordings" / "real"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="ATLAS_SHARED does not name the folder of the recordings"
)

_JOB = re.compile(
    r"/groups/(?P<group>[a-f0-9]{24})/(?P<family>clusters|flexClusters)/(?P<cluster>[^/]+)"
    r"/backup/restoreJobs/(?P<id>[a-f0-9]{24})$"
)

ERRORS = {
    400: "AtlasBadRequestError",
    401: "AtlasUnauthorizedError",
    404: "RestoreJobNotFoundError",
}


@dataclass(frozen=True)
class Recording:
    """One request and its answer."""

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
        # A body that was not JSON was recorded as text; its length was not recorded.
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
    """The recorded answers for each job, in order."""
    found: defaultdict[str, list[Recording]] = defaultdict(list)
    for recording in recordings(REAL):
        asked = _JOB.search(recording.path)
        if asked and recording.method == "GET" and recording.answer.status == 200:
            found[f"{asked['family']}-{asked['id']}"].append(recording)
    return found


def status_of(body: dict[str, Any]) -> str:
    """The status that the recorded words and flags mean."""
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


def named(recording: Recording) -> str:
    return recording.name


def test_every_recorded_job_and_refusal_is_replayed() -> None:
    assert len(SEQUENCES) >= 7
    assert {recording.answer.status for recording in REFUSED} == {400, 401, 404, 500, 502}


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_each_change_of_a_recorded_sequence_is_published(
    stack: LocalStack, sequence: list[Recording]
) -> None:
    asked = _JOB.search(sequence[0].path)
    assert asked is not None
    kind: Kind = "flex" if asked["family"] == "flexClusters" else "dedicated"
    stack.atlas.add_cluster(asked["group"], asked["cluster"], kind)
    event = {
        "groupId": asked["group"],
        "clusterName": asked["cluster"],
        "restoreId": asked["id"],
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


@pytest.mark.parametrize(
    "recording",
    # A 5xx is retried for seconds; the catalogue proves it without waiting.
    [recording for recording in REFUSED if recording.answer.status < 500],
    ids=named,
)
def test_a_recorded_refusal_is_a_typed_error(
    stack: LocalStack, group: str, recording: Recording
) -> None:
    stack.atlas.serve(group, "orders", "flex", LONG_AGO, recording.answer)
    wanted = {"groupId": group, "clusterName": "orders", "restoreId": LONG_AGO, "kind": "flex"}
    answer = stack.invoke(wanted)

    assert answer.error_type == ERRORS[recording.answer.status]
    assert (stack.items(), stack.received()) == ([], [])


def test_the_recorded_refusal_of_a_dedicated_cluster_leads_to_its_kind(
    stack: LocalStack, group: str
) -> None:
    (refusal,) = [one for one in REFUSED if one.name == "error_400_non_flex_in_flex_get_job"]
    restore = stack.atlas.start_restore(group, "orders", "dedicated")
    stack.atlas.serve(group, "orders", "flex", restore.restore_id, refusal.answer)
    event = {"groupId": group, "clusterName": "orders", "restoreId": restore.restore_id}

    assert stack.invoke(event).result["job"]["kind"] == "dedicated"
