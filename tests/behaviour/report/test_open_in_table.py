"""A restore that the table knows as open, and that Atlas's list shows as ended."""

import csv
import io
import re

import pytest

from behaviour.report.conftest import Reports
from local_stack.world import World


@pytest.mark.fault("F129")
def test_a_restore_whose_end_only_atlas_shows_has_one_state_in_all_files(
    world: World, reports: Reports
) -> None:
    """No sweep has recorded its end."""
    # So that the restore ends on the day that the report is about.
    world.pass_time_to(12)
    reports.settings |= {"RTO_MINUTES": "60"}
    reports.cluster("orders", "flex")
    job = world.job("flex", cluster="orders", timeline=["RUNNING", "COMPLETED"])
    world.check(job)
    world.pass_time(30 * 60)
    job.advance()
    world.pass_time_to(12)
    reports.event = {"action": "report", "scheduledTime": world.clock().isoformat()}

    counts = reports.make()["counts"]

    files = {key.rsplit("/", 1)[1]: body for key, body in reports.files("reports/2").items()}
    (row,) = csv.DictReader(io.StringIO(files["restores.csv"].decode("utf-8-sig"), newline=""))
    (cluster,) = csv.DictReader(io.StringIO(files["coverage.csv"].decode("utf-8-sig"), newline=""))
    (restore,) = reports.json()["restores"]
    assert (counts["restores"]["COMPLETED"], counts["restores"]["OPEN"]) == (1, 0)
    assert (row["outcome"], row["rtoMet"], row["restoreId"]) == (
        "COMPLETED",
        "true",
        cluster["decidedBy"],
    )
    assert row["durationSeconds"] == cluster["durationSeconds"]
    assert (restore["outcome"], restore["rtoMet"]) == ("COMPLETED", True)
    assert "open" not in re.findall(r'<td class="end">(.*?)</td>', reports.page())[0]
