"""How the index of open jobs is read, page by page."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from foundation.errors import TimeBudgetExceededError
from restore_watch.errors import TableUnavailableError
from restore_watch.table.job_item import OPEN_SHARDS
from restore_watch.table.open_jobs import OpenJobs
from unit.open_jobs import NOON, open_job, ready_download, restore_id
from unit.scripted_atlas import GROUP, Clock
from unit.stubbed_aws import Refusal, dynamodb

PAGES = 3


def key(number: int) -> dict[str, Any]:
    return {"cluster": {"S": f"{GROUP}/orders"}, "restoreId": {"S": restore_id(number)}}


class PagedIndex:
    """An index of one job on each of three pages of each shard, and a last page without any."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str | None]] = Counter()
        self.refusal: Refusal | None = None

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert parameters["IndexName"] == "OpenJobs"
        shard = parameters["ExpressionAttributeValues"][":value"]["S"]
        start = parameters.get("ExclusiveStartKey", {}).get("restoreId", {}).get("S")
        self.asked[shard, start] += 1
        if self.refusal and start:
            raise self.refusal
        page = 0 if start is None else int(start[-2:], 16) // 16 + 1
        if page == PAGES:
            return {"Items": []}
        item = key(16 * page + int(shard))
        return {"Items": [item], "LastEvaluatedKey": item}


@pytest.fixture
def index() -> PagedIndex:
    return PagedIndex()


def test_every_page_of_every_shard_is_read_once(index: PagedIndex, clock: Clock) -> None:
    jobs = OpenJobs(dynamodb(index), "restore-jobs").read(clock.deadline(), NOON)

    expected = {restore_id(16 * page + int(shard)) for page in range(PAGES) for shard in "0123"}
    assert {job.target.restore_id for job in jobs} == expected
    assert len(jobs) == len(expected)
    assert len(index.asked) == len(OPEN_SHARDS) * (PAGES + 1)
    assert set(index.asked.values()) == {1}


def test_a_page_that_is_refused_fails_the_whole_read(index: PagedIndex, clock: Clock) -> None:
    """Half of the open jobs would look like all of them."""
    index.refusal = Refusal("AccessDeniedException")

    with pytest.raises(TableUnavailableError, match="AccessDeniedException"):
        OpenJobs(dynamodb(index), "restore-jobs").read(clock.deadline(), NOON)


def test_no_page_is_read_without_the_time_for_it(index: PagedIndex, clock: Clock) -> None:
    open_jobs = OpenJobs(dynamodb(index), "restore-jobs")

    with pytest.raises(TimeBudgetExceededError):
        open_jobs.read(clock.deadline(0.9), NOON)
    with pytest.raises(TimeBudgetExceededError):
        open_jobs.forget(open_job(missing_since=NOON), clock.deadline(0.9))
    with pytest.raises(TimeBudgetExceededError):
        open_jobs.leave_link(ready_download(), clock.deadline(0.9))
    assert not index.asked


def test_a_job_that_atlas_knows_is_not_forgotten(index: PagedIndex, clock: Clock) -> None:
    """The index has no moment to compare with, so no call is made."""
    open_jobs = OpenJobs(dynamodb(index), "restore-jobs")

    assert not open_jobs.forget(open_job(missing_since=None), clock.deadline())
    assert not index.asked
