"""
Every recorded answer of Atlas is read, or refused with the right error.

The recordings are kept beside the checkout, and nothing of them is copied into it.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.atlas.refusals import family_refusal
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreKind

SHARED = Path(os.environ.get("ATLAS_SHARED") or Path(__file__).parents[3] / "shared")
FOLDER = SHARED / "atlas" / "recordings" / "real"

_JOBS = re.compile(
    r"/groups/(?P<group>[a-f0-9]{24})/(?P<family>clusters|flexClusters)/(?P<cluster>[^/]+)"
    r"/backup/restoreJobs(/(?P<id>[a-f0-9]{24}))?(\?|$)"
)
EXPECTED_ERRORS = {
    400: AtlasBadRequestError,
    401: AtlasUnauthorizedError,
    404: RestoreJobNotFoundError,
    500: AtlasUnavailableError,
    502: AtlasUnavailableError,
}


def encoded(body: Any) -> bytes:
    """The body as Atlas sent it. A body that is not JSON was recorded as text."""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@dataclass(frozen=True)
class Recording:
    name: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def asked(self) -> re.Match[str] | None:
        return _JOBS.search(self.request["path"])

    @property
    def is_of_one_job(self) -> bool:
        asked = self.asked
        return self.request["method"] == "GET" and asked is not None and bool(asked["id"])

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The restore jobs of a successful answer: one, or those of a page of a list."""
        if self.asked is None or self.response["status"] != 200:
            return []
        if self.request["method"] == "GET" and not self.is_of_one_job:
            return list(self.response["body"]["results"])
        return [self.response["body"]]

    @property
    def kind(self) -> RestoreKind:
        is_flex = "/flexClusters/" in self.request["path"]
        return RestoreKind.FLEX if is_flex else RestoreKind.DEDICATED

    def read(self, answer: dict[str, Any]) -> RestoreJob:
        asked = self.asked
        assert asked is not None
        named = {"groupId": asked["group"], "clusterName": asked["cluster"]}
        target = read_target(named | {"restoreId": answer["id"]})
        return restore_job(encoded(answer), target, self.kind)


RECORDINGS = [
    Recording(path.name, file["request"], file["response"])
    for path in sorted(FOLDER.glob("*.json"))
    if isinstance(file := json.loads(path.read_text()), dict)
]
JOBS = [one for one in RECORDINGS if one.jobs]
REFUSED = [one for one in RECORDINGS if one.response["status"] != 200]
OTHERS = [one for one in RECORDINGS if one.response["status"] == 200 and not one.jobs]

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings are not there: ATLAS_SHARED names their folder"
)


def named(recording: Recording) -> str:
    return recording.name.removesuffix(".json")


def expected_status(answer: dict[str, Any]) -> str:
    """The status of a recorded answer, derived in another way than the code does."""
    if "status" in answer:
        return str(answer["status"])
    if answer["cancelled"]:
        return "CANCELLED"
    if answer["failed"]:
        return "FAILED"
    assert not answer["expired"]
    return "COMPLETED" if "finishedAt" in answer or answer["deliveryUrl"] else "RUNNING"


def test_every_recording_is_tested() -> None:
    index = json.loads((FOLDER / "index.json").read_text())

    assert {entry["file"] for entry in index} == {recording.name for recording in RECORDINGS}
    assert min(len(JOBS), len(REFUSED), len(OTHERS)) > 0


@pytest.mark.parametrize("recording", JOBS, ids=named)
def test_a_recorded_job_has_its_status_and_dates_and_keeps_no_url(recording: Recording) -> None:
    for answer in recording.jobs:
        job = recording.read(answer)
        shown = job.as_json()

        assert str(job.status) == expected_status(answer)
        assert job.kind is recording.kind
        assert job.snapshot_id == answer["snapshotId"]
        assert job.delivery_type == answer["deliveryType"]
        assert job.atlas_status == answer.get("status")
        for ours, theirs in (
            ("restoreFinishedDate", "finishedAt"),
            ("snapshotFinishedDate", "timestamp"),
            ("expirationDate", "expiresAt"),
        ):
            assert shown[ours] == answer.get(ours, answer.get(theirs))
        assert job.terminal == (job.duration_seconds is not None or job.download_available)
        assert (job.snapshot_age_seconds or 0) > 0
        assert job.download_available == bool(answer.get("deliveryUrl"))
        assert "://" not in repr(job) + json.dumps(shown)


@pytest.mark.parametrize("recording", REFUSED, ids=named)
@pytest.mark.parametrize("kind", RestoreKind)
def test_a_recorded_refusal_is_a_typed_error(recording: Recording, kind: RestoreKind) -> None:
    status, recorded = recording.response["status"], recording.response["body"]
    headers = httpx.Headers(recording.response["headers"])
    answer = Answer(status, headers, encoded(recorded))
    error = family_refusal(Bucket(None, jobs_of(kind)), answer, secrets=())

    assert type(error) is EXPECTED_ERRORS[status]
    body = recorded if isinstance(recorded, dict) else {}
    assert error.error_code == body.get("errorCode")
    assert error.reason is not None
    assert error.reason.detail == body.get("detail")
    assert "<" not in str(error)


@pytest.mark.parametrize("recording", OTHERS, ids=named)
@pytest.mark.parametrize("kind", RestoreKind)
def test_a_recorded_answer_that_is_not_a_job_is_refused(
    recording: Recording, kind: RestoreKind
) -> None:
    target = read_target({"groupId": "0" * 24, "clusterName": "orders", "restoreId": "0" * 24})

    with pytest.raises(UnexpectedAtlasResponseError):
        restore_job(encoded(recording.response["body"]), target, kind)
