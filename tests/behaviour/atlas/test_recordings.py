"""
What Atlas really answered, replayed.

The recordings are kept beside the checkout, because they are not ours to publish.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.world import World

if TYPE_CHECKING:
    from local_stack.atlas import Kind

cases = pytest.mark.parametrize

CHECKOUT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("ATLAS_SHARED") or CHECKOUT.parent / "shared")
REAL = SHARED / "atlas" / "recordings" / "real"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="ATLAS_SHARED does not name the folder of the recordings"
)


class Recording(NamedTuple):
    """One request and its answer."""

    name: str
    request: str
    answer: Answer
    body: Any


def recordings() -> Iterator[Recording]:
    for file in sorted(REAL.glob("*.json")):
        recorded = json.loads(file.read_text())
        if isinstance(recorded, dict):  # and not the index
            asked, said = recorded["request"], recorded["response"]
            body = said["body"]
            # A body that was not JSON was recorded as text; its length was not recorded.
            text = body if isinstance(body, str) else json.dumps(body)
            left_out = {"content-length", "transfer-encoding", "connection"}
            headers = {n: v for n, v in said["headers"].items() if n.lower() not in left_out}
            answer = Answer(said["status"], headers, text)
            yield Recording(file.stem, f"{asked['method']} {asked['path']}", answer, body)


_JOB = re.compile(
    r"GET .*/groups/([a-f0-9]{24})/(clusters|flexClusters)/([^/]+)/backup/restoreJobs/"
    r"([a-f0-9]{24})$"
)

RECORDINGS = list(recordings())
REFUSED = [one for one in RECORDINGS if one.answer.status != 200]
SEQUENCES: defaultdict[tuple[str, ...], list[Recording]] = defaultdict(list)
"""The recorded answers for each job, in order."""

for one in RECORDINGS:
    job_path = _JOB.search(one.request)
    if job_path and one not in REFUSED:
        SEQUENCES[job_path.groups()].append(one)


def status_of(body: dict[str, Any]) -> str:
    """The status that the recorded words and flags mean."""
    if "status" in body:
        return str(body["status"])
    if body["cancelled"] or body["failed"]:
        return "CANCELLED" if body["cancelled"] else "FAILED"
    return "COMPLETED" if "finishedAt" in body or body["deliveryUrl"] else "RUNNING"


@cases("names", list(SEQUENCES), ids="-".join)
def test_each_change_of_a_recorded_sequence_is_published(
    world: World, environment: Environment, names: tuple[str, ...]
) -> None:
    group, family, cluster, restore_id = names
    kind: Kind = "flex" if family == "flexClusters" else "dedicated"
    world.atlas.add_cluster(group, cluster, kind)
    event = {"groupId": group, "clusterName": cluster, "restoreId": restore_id}
    results = []
    for recording in SEQUENCES[names]:
        world.atlas.serve(group, cluster, kind, restore_id, recording.answer)
        results.append(environment.answer(event))
    messages, item = world.messages(restore_id), world.stack.item(group, cluster, restore_id)

    bodies = [recording.body for recording in SEQUENCES[names]]
    changes = [status for status, _ in groupby(map(status_of, bodies))]
    assert world.published(restore_id) == changes
    data = [message.event["data"] for message in messages]
    assert [one["previousStatus"] for one in data] == [None, *changes[:-1]]
    assert [one["sequence"] for one in data] == list(range(1, len(changes) + 1))
    assert [result["status"] for result in results] == [status_of(body) for body in bodies]
    assert {result["job"]["kind"] for result in results} == {kind}
    assert [result["job"]["snapshotId"] for result in results] == [
        body["snapshotId"] for body in bodies
    ]
    assert item is not None
    assert item["sequence"] == item["publishedSequence"] == len(changes)
    assert "://" not in f"{results}{messages}{item}{environment.log.getvalue()}"


def test_the_recorded_refusal_of_a_dedicated_cluster_leads_to_its_kind(world: World) -> None:
    (refusal,) = [one for one in REFUSED if one.name == "error_400_non_flex_in_flex_get_job"]
    job = world.job("dedicated")
    world.atlas.serve(world.group, job.cluster, "flex", job.restore_id, refusal.answer)

    assert world.check(job).job.kind == "dedicated"
