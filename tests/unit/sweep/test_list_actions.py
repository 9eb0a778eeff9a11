"""How open jobs are grouped and ordered, and what a list says of a job that is missing."""

import pytest

from restore_watch.model.marks import Part
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.sweep.acting.list_actions import ShownJobs
from strategies import plain_job
from unit.open_jobs import NOON
from unit.records import (
    FLEX,
)
from unit.scripted_atlas import GROUP

ORDERS = (GROUP, Part(FLEX, "orders"))


@pytest.mark.parametrize(
    "words",
    [("RUNNING", "COMPLETED"), ("COMPLETED", "RUNNING")],
    ids=["the later one last", "the later one first"],
)
def test_of_a_job_that_a_list_shows_twice_the_later_status_counts(words: tuple[str, str]) -> None:
    """If pages shift while they are read, two of them show the job."""
    shown = ShownJobs(*ORDERS, NOON)
    for word in words:
        shown.add(plain_job(status=RestoreStatus(word)))

    assert [job.status for job in shown.jobs.values()] == [RestoreStatus.COMPLETED]
