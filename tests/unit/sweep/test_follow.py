"""What the whole list of a cluster says about a job that its own endpoint does not know."""

from datetime import timedelta

import pytest

from restore_watch.sweep.asking.follow import Whole
from unit.open_jobs import NOON, open_job

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("whole", "lacks"),
    [
        (Whole(NOON, is_read=True), True),
        (Whole(NOON, has_jobs=False), True),
        (Whole(NOON), False),
        (Whole(NOON - SECOND, is_read=True), False),
    ],
    ids=["without it", "no jobs at all", "not read to its end", "read before it was first seen"],
)
def test_a_list_lacks_a_job_if_it_was_read_to_its_end_after_the_job_was_seen(
    whole: Whole, *, lacks: bool
) -> None:
    assert whole.lacks(open_job(first_observed_at=NOON)) is lacks
