"""The metrics of open jobs: what is open and pending, how old it is, how long links are valid."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aws_lambda_powertools.metrics import MetricUnit

from restore_watch.table.open_job import OpenJob
from restore_watch.telemetry.metrics import metrics_of_open_jobs
from unit.open_jobs import NOON, open_job, ready_download

MINUTE = timedelta(minutes=1)


def values(
    at_start: Sequence[OpenJob], at_end: Sequence[OpenJob], now: datetime = NOON
) -> dict[str, float]:
    metrics = metrics_of_open_jobs(at_start, at_end, now)
    for name, (unit, _) in metrics.items():
        assert unit is (MetricUnit.Seconds if "Seconds" in name else MetricUnit.Count)
    return {name: value for name, (_, value) in metrics.items()}


def test_without_open_jobs_nothing_is_open_or_pending_and_the_rest_has_no_metric() -> None:
    assert values([], []) == {"OpenJobs": 0, "PendingChanges": 0, "OldestPendingSeconds": 0}


def test_the_age_of_what_is_pending_is_that_of_the_oldest_pending_job() -> None:
    jobs = [
        open_job(1, observed_at=NOON - 8 * MINUTE),
        open_job(2, sequence=3, published=1, observed_at=NOON - 2 * MINUTE),
        open_job(3, sequence=2, observed_at=NOON - MINUTE),
    ]

    assert values(jobs, []) == {"OpenJobs": 3, "PendingChanges": 3, "OldestPendingSeconds": 120}


def test_a_moment_that_is_unknown_or_in_the_future_has_no_age() -> None:
    jobs = [
        open_job(1, observed_at=None, sequence=2),
        open_job(2, observed_at=NOON + MINUTE, sequence=2),
    ]

    assert values(jobs, [])["OldestPendingSeconds"] == 0


def test_the_link_that_expires_first_counts_as_known_at_the_end_of_the_sweep() -> None:
    at_end = [
        ready_download(1, expiration_date=NOON + 20 * MINUTE),
        ready_download(2, expiration_date=NOON + 5 * MINUTE),
        ready_download(3, expiration_date=NOON - MINUTE),
        ready_download(4),
        open_job(5, expiration_date=NOON + MINUTE),
    ]

    assert values([], at_end)["DownloadSecondsLeft"] == 300
    assert "DownloadSecondsLeft" not in values(at_end, at_end[2:])


def test_an_acknowledgement_that_the_index_shows_before_the_change_is_not_pending() -> None:
    assert values([open_job(sequence=1, published=2)], [])["PendingChanges"] == 0


def test_a_restore_runs_from_when_it_was_scheduled_until_it_has_ended() -> None:
    at_end = [
        open_job(1, scheduled_at=NOON - 5 * MINUTE, first_observed_at=NOON),
        open_job(2, scheduled_at=NOON + MINUTE),
        ready_download(3, scheduled_at=NOON - 90 * MINUTE),
        open_job(4, scheduled_at=NOON - 90 * MINUTE, missing_since=NOON - MINUTE),
        open_job(5, scheduled_at=NOON - 90 * MINUTE, is_foreign=True),
        open_job(6, scheduled_at=NOON - 90 * MINUTE, status=None),
    ]

    assert values([], at_end)["OldestRunningSeconds"] == 300
    assert values([], at_end[1:])["OldestRunningSeconds"] == 0
    assert "OldestRunningSeconds" not in values(at_end, at_end[2:])


def test_a_restore_without_a_date_runs_since_its_id_was_made() -> None:
    job = open_job(1, scheduled_at=None)

    now = job.target.created_at + MINUTE
    assert values([], [job], now)["OldestRunningSeconds"] == 60
