"""The figures of a sweep: what is open and pending, how old it is, how long links are valid."""

from datetime import timedelta

from restore_watch.telemetry.figures import Figures, figures
from unit.open_jobs import NOON, open_job, ready_download

MINUTE = timedelta(minutes=1)


def test_without_open_jobs_every_figure_is_zero() -> None:
    assert figures([], [], NOON) == Figures(0, 0, 0.0, 0.0, None, None)


def test_ages_are_those_of_the_oldest_job_and_of_the_oldest_pending_job() -> None:
    jobs = [
        open_job(1, first_observed_at=NOON - 9 * MINUTE, observed_at=NOON - 8 * MINUTE),
        open_job(2, sequence=3, published=1, observed_at=NOON - 2 * MINUTE),
        open_job(3, sequence=2, observed_at=NOON - MINUTE),
    ]

    told = figures(jobs, jobs, NOON)

    assert (told.open_jobs, told.pending_changes) == (3, 3)
    assert (told.oldest_pending_seconds, told.oldest_open_job_seconds) == (120, 540)


def test_a_moment_that_is_unknown_or_in_the_future_has_no_age() -> None:
    jobs = [
        open_job(1, first_observed_at=None, observed_at=None, sequence=2),
        open_job(2, first_observed_at=NOON + MINUTE, observed_at=NOON + MINUTE, sequence=2),
    ]

    told = figures(jobs, jobs, NOON)

    assert (told.oldest_pending_seconds, told.oldest_open_job_seconds) == (0, 0)


def test_the_link_that_expires_first_counts_as_known_at_the_end_of_the_sweep() -> None:
    at_end = [
        ready_download(1, expiration_date=NOON + 20 * MINUTE),
        ready_download(2, expiration_date=NOON + 5 * MINUTE),
        ready_download(3, expiration_date=NOON - MINUTE),
        ready_download(4),
        open_job(5, expiration_date=NOON + MINUTE),
    ]

    assert figures([], at_end, NOON).download_seconds_left == 300
    assert figures(at_end, at_end[2:], NOON).download_seconds_left is None


def test_an_acknowledgement_that_the_index_shows_before_the_change_is_not_pending() -> None:
    assert figures([open_job(sequence=1, published=2)], [], NOON).pending_changes == 0


def test_a_restore_runs_from_when_it_was_scheduled_until_it_has_ended() -> None:
    at_end = [
        open_job(1, scheduled_at=NOON - 5 * MINUTE, first_observed_at=NOON),
        open_job(2, scheduled_at=NOON + MINUTE),
        ready_download(3, scheduled_at=NOON - 90 * MINUTE),
        open_job(4, scheduled_at=NOON - 90 * MINUTE, missing_since=NOON - MINUTE),
        open_job(5, scheduled_at=NOON - 90 * MINUTE, is_foreign=True),
        open_job(6, scheduled_at=NOON - 90 * MINUTE, status=None),
    ]

    assert figures([], at_end, NOON).oldest_running_seconds == 300
    assert figures([], at_end[1:], NOON).oldest_running_seconds == 0
    assert figures(at_end, at_end[2:], NOON).oldest_running_seconds is None


def test_a_restore_without_a_date_runs_since_its_id_was_made() -> None:
    job = open_job(1, scheduled_at=None)

    running = figures([], [job], job.target.created_at + MINUTE).oldest_running_seconds

    assert running == 60
