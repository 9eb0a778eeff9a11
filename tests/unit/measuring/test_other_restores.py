"""Another restore that may have written into the target before Atlas counted it."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.clock import date_text
from restore_watch.atlas.pages import Page
from restore_watch.measuring.other_restores import is_written_over, read_jobs
from restore_watch.model.forms_of_fields import id_made_at
from unit.measuring.figures import ENDED, MINUTE, RESTORE
from unit.scripted_atlas import GROUP

BEGAN = id_made_at(RESTORE.restore_id)
COUNTED_AT = BEGAN + 90 * MINUTE


def job(after: timedelta = 80 * MINUTE, **fields: Any) -> dict[str, Any]:
    """A job that began so long after the restore, and wrote into the same target."""
    return {
        "id": f"{int((BEGAN + after).timestamp()):08x}0000000000000002",
        "deliveryType": "automated",
        "targetGroupId": GROUP,
        "targetClusterName": "copy",
    } | fields


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (job(), True),
        (job(timedelta()), True),
        (job(90 * MINUTE), True),
        (job(91 * MINUTE), False),
        (job(-MINUTE), False),
        (job(deliveryType="pointInTime"), True),
        (job(deliveryType=None), True),
        (job(targetClusterName="Copy"), True),
        (job(targetClusterName="other"), False),
        (job(targetGroupId="5f0000000000000000000b02"), False),
        (job(targetClusterName=None), True),
        (job(targetGroupId=7), True),
        (job(deliveryType="download", targetClusterName=None), False),
        (job(-MINUTE, finishedAt=date_text(ENDED + MINUTE)), True),
        (job(-MINUTE, finishedAt=date_text(ENDED)), False),
        (job(91 * MINUTE, finishedAt=date_text(ENDED + 200 * MINUTE)), False),
        (job(id=RESTORE.restore_id), False),
        (job(id="7"), False),
    ],
    ids=[
        "between the restore and the count",
        "in the same second",
        "at the count",
        "after the count",
        "before the restore",
        "to a point in time",
        "nobody knows how",
        "in other case",
        "into another cluster",
        "into another project",
        "nobody knows into which cluster",
        "nobody knows into which project",
        "a download",
        "begun before, ended after it",
        "begun and ended before",
        "begun after the count",
        "the restore itself",
        "without a usable id",
    ],
)
def test_a_later_restore_into_the_target_is_found(other: dict[str, Any], *, expected: bool) -> None:
    jobs = read_jobs(Page([job(-MINUTE), other], has_next=False))

    assert is_written_over(RESTORE, jobs, COUNTED_AT) is expected
