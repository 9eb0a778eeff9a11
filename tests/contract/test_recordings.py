"""
Every recorded answer of Atlas is read, or refused with the right error.

The recordings are kept beside the checkout, and nothing of them is copied into it.
"""

import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.atlas.refusals import family_refusal
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus, RestoreTarget
from restore_watch.model.status_change import is_contradiction
from strategies import plain_change

CHECKOUT = Path(__file__).parents[2]
FOLDER = (
    Path(os.environ.get("ATLAS_SHARED") or CHECKOUT.parent / "shared")
    / "atlas"
    / "recordings"
    / "real"
)

_JOBS = re.compile(
    r"/groups/(?P<group>[a-f0-9]{24})/(?P<family>clusters|flexClusters)/(?P<cluster>[^/]+)"
    r"/backup/restoreJobs(/(?P<id>[a-f0-9]{24}))?(\?|$)"
)

EXPECTED_ERRORS: dict[int, type[AtlasError]] = {
    400: AtlasBadRequestError,
    401: AtlasUnauthorizedError,
    404: RestoreJobNotFoundError,
    500: AtlasUnavailableError,
    502: AtlasUnavailableError,
}


@dataclass(frozen=True)
class Recording:
    name: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def content(self) -> bytes:
        """The body as Atlas sent it. A body that is not JSON was recorded as text."""
        return encoded(self.body)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The restore jobs of a successful answer: one, or those of a page of a list."""
        asked = _JOBS.search(self.path)
        if asked is None or self.status != 200:
            return []
        if self.method == "GET" and asked["id"] is None:
            return list(self.body["results"])
        return [self.body]

    @property
    def kind(self) -> RestoreKind:
        return RestoreKind.FLEX if "/flexClusters/" in self.path else RestoreKind.DEDICATED

    def target(self, restore_id: str) -> RestoreTarget:
        asked = _JOBS.search(self.path)
        assert asked is not None
        return RestoreTarget.model_validate(
            {
                "groupId": asked["group"],
                "clusterName": asked["cluster"],
                "restoreId": restore_id,
            }
        )

    def read(self, answer: dict[str, Any]) -> RestoreJob:
        return restore_job(encoded(answer), self.target(answer["id"]), self.kind)


def encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def loaded() -> list[Recording]:
    recordings = []
    for path in sorted(FOLDER.glob("*.json")):
        file = json.loads(path.read_text())
        if isinstance(file, dict):
            request, response = file["request"], file["response"]
            recordings.append(
                Recording(
                    name=path.name,
                    method=request["method"],
                    path=request["path"],
                    status=response["status"],
                    headers=response["headers"],
                    body=response["body"],
                )
            )
    return recordings


RECORDINGS = loaded()
JOBS = [recording for recording in RECORDINGS if recording.jobs]
REFUSED = [recording for recording in RECORDINGS if recording.status != 200]
OTHERS = [recording for recording in RECORDINGS if recording.status == 200 and not recording.jobs]

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
    if "finishedAt" in answer:
        return "COMPLETED"
    assert not answer["expired"]
    return "COMPLETED" if answer["deliveryUrl"] else "RUNNING"


def test_every_recording_is_tested() -> None:
    index = json.loads((FOLDER / "index.json").read_text())

    assert {entry["file"] for entry in index} == {recording.name for recording in RECORDINGS}
    assert len(JOBS) + len(REFUSED) + len(OTHERS) == len(RECORDINGS)
    assert min(len(JOBS), len(REFUSED), len(OTHERS)) > 0


@pytest.mark.parametrize("recording", JOBS, ids=named)
def test_a_recorded_job_has_its_status(recording: Recording) -> None:
    for answer in recording.jobs:
        job = recording.read(answer)

        assert str(job.status) == expected_status(answer)
        assert job.kind is recording.kind
        assert job.snapshot_id == answer["snapshotId"]
        assert job.delivery_type == answer["deliveryType"]
        assert job.atlas_status == answer.get("status")


@pytest.mark.parametrize("recording", JOBS, ids=named)
def test_a_recorded_date_is_unchanged_after_reading(recording: Recording) -> None:
    for answer in recording.jobs:
        shown = recording.read(answer).as_json()

        for ours, theirs in (
            ("restoreFinishedDate", ("restoreFinishedDate", "finishedAt")),
            ("snapshotFinishedDate", ("snapshotFinishedDate", "timestamp")),
            ("expirationDate", ("expirationDate", "expiresAt")),
        ):
            given = [answer[name] for name in theirs if name in answer]
            assert shown[ours] == (given[0] if given else None)


@pytest.mark.parametrize("recording", JOBS, ids=named)
def test_a_recorded_job_ends_with_a_duration_or_a_download(recording: Recording) -> None:
    for answer in recording.jobs:
        job = recording.read(answer)

        assert job.terminal == (job.duration_seconds is not None or job.download_available)
        assert (job.snapshot_age_seconds or 0) > 0


@pytest.mark.parametrize("recording", JOBS, ids=named)
def test_no_recorded_url_is_kept_after_parsing(recording: Recording) -> None:
    for answer in recording.jobs:
        job = recording.read(answer)

        assert "://" not in repr(job) + json.dumps(job.as_json())
        assert job.download_available == bool(answer.get("deliveryUrl"))


@pytest.mark.parametrize("recording", REFUSED, ids=named)
@pytest.mark.parametrize("kind", RestoreKind)
def test_a_recorded_refusal_is_a_typed_error(recording: Recording, kind: RestoreKind) -> None:
    error = family_refusal(
        kind, recording.status, httpx.Headers(recording.headers), recording.content, secrets=()
    )

    assert type(error) is EXPECTED_ERRORS[recording.status]
    body = recording.body if isinstance(recording.body, dict) else {}
    assert error.error_code == body.get("errorCode")
    assert error.reason is not None
    assert error.reason.detail == body.get("detail")
    assert "<" not in str(error)


@pytest.mark.parametrize("recording", OTHERS, ids=named)
@pytest.mark.parametrize("kind", RestoreKind)
def test_a_recorded_answer_that_is_not_a_job_is_refused(
    recording: Recording, kind: RestoreKind
) -> None:
    target = RestoreTarget.model_validate(
        {"groupId": "0" * 24, "clusterName": "orders", "restoreId": "0" * 24}
    )

    with pytest.raises(UnexpectedAtlasResponseError):
        restore_job(recording.content, target, kind)


def sequences() -> dict[str, list[RestoreJob]]:
    """The recorded answers for each job, in the order of the recording."""
    found: defaultdict[str, list[RestoreJob]] = defaultdict(list)
    for recording in JOBS:
        asked = _JOBS.search(recording.path)
        if recording.method == "GET" and asked is not None and asked["id"] is not None:
            found[asked["id"]].append(recording.read(recording.body))
    return found


def test_no_recorded_job_contradicts_itself() -> None:
    recorded = sequences()

    assert len(recorded) >= 7
    for jobs in recorded.values():
        for before, after in pairwise(jobs):
            assert after.status is before.status or before.status in after.may_replace
            assert not is_contradiction(after, [plain_change(before)])


def test_every_recorded_sequence_ends_in_success() -> None:
    for jobs in sequences().values():
        assert jobs[-1].status is RestoreStatus.COMPLETED
        assert jobs[-1].succeeded
