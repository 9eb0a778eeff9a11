"""When an open job is asked about: hot, in every sweep, every five minutes, no longer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from restore_watch.model.restore_job import RestoreStatus
from restore_watch.sweep.cadence import is_due, is_forgotten, is_hot, is_past_its_link
from unit.open_jobs import NOON, open_job, ready_download

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

MOMENTS = ("scheduled_at", "first_observed_at", "observed_at")


def aged(age: timedelta, **latest: Any) -> dict[str, Any]:
    """The three moments of a job: old ones, except for the latest."""
    return dict.fromkeys(MOMENTS, NOON - 30 * DAY) | dict.fromkeys(latest, NOON - age)


@pytest.mark.parametrize("latest", MOMENTS)
@pytest.mark.parametrize(
    ("age", "hot"),
    [(timedelta(), True), (30 * MINUTE - SECOND, True), (30 * MINUTE, False), (-MINUTE, True)],
    ids=["now", "almost half an hour", "half an hour", "a clock that is a minute fast"],
)
def test_a_job_is_hot_for_half_an_hour_after_its_latest_moment(
    latest: str, age: timedelta, *, hot: bool
) -> None:
    job = open_job(**aged(age, **{latest: True}))

    assert is_hot(job, NOON) is hot


@pytest.mark.parametrize("status", RestoreStatus)
def test_only_a_job_that_has_not_ended_is_hot(status: RestoreStatus) -> None:
    assert is_hot(open_job(status=status), NOON) is not status.ends


def test_a_job_whose_status_is_unknown_to_this_version_is_hot() -> None:
    assert is_hot(open_job(status=None), NOON)


@pytest.mark.parametrize("moments", [(None, None, None), (NOON + MINUTE + SECOND, None, None)])
def test_a_job_without_a_moment_that_has_come_is_not_hot(
    moments: tuple[datetime | None, ...],
) -> None:
    fields: dict[str, Any] = dict(zip(MOMENTS, moments, strict=True))
    job = open_job(**fields)

    assert not is_hot(job, NOON)
    assert is_due(job, None, NOON)


def test_a_restore_that_is_scheduled_for_next_week_is_hot_by_its_other_moments_only() -> None:
    scheduled = NOON + 7 * DAY

    assert is_hot(open_job(scheduled_at=scheduled), NOON)
    assert not is_hot(open_job(scheduled_at=scheduled), NOON + HOUR)
    assert is_hot(open_job(scheduled_at=scheduled), scheduled + MINUTE)


@pytest.mark.parametrize("status", RestoreStatus)
@pytest.mark.parametrize("delivery_type", ["RESTORE", "DOWNLOAD", "download", None])
def test_a_job_that_can_change_is_due_when_it_was_never_asked(
    status: RestoreStatus, delivery_type: str | None
) -> None:
    job = open_job(status=status, delivery_type=delivery_type, **aged(30 * DAY))
    is_ready_download = status == "COMPLETED" and delivery_type in {"DOWNLOAD", "download"}

    assert is_due(job, None, NOON) is (not status.ends or is_ready_download)


def test_a_job_is_due_in_every_sweep_for_six_hours() -> None:
    asked_at = (NOON - SECOND).timestamp()

    assert is_due(open_job(**aged(6 * HOUR - SECOND, observed_at=True)), asked_at, NOON)
    assert not is_due(open_job(**aged(6 * HOUR, observed_at=True)), asked_at, NOON)
    assert is_due(ready_download(**aged(HOUR, observed_at=True)), asked_at, NOON)


@pytest.mark.parametrize(
    ("ago", "due"),
    [(0, False), (60, False), (284.9, False), (285, True), (300, True), (-0.1, True), (-900, True)],
    ids=str,
)
def test_an_older_job_is_due_every_five_minutes_and_after_the_clock_was_set_back(
    ago: float, *, due: bool
) -> None:
    assert is_due(open_job(**aged(DAY)), NOON.timestamp() - ago, NOON) is due


def test_a_job_that_atlas_does_not_know_is_not_hot_and_due_every_five_minutes_only() -> None:
    job = open_job(missing_since=NOON)

    assert not is_hot(job, NOON)
    assert is_due(job, None, NOON)
    assert not is_due(job, NOON.timestamp() - 284, NOON)
    assert is_due(job, NOON.timestamp() - 285, NOON)


def test_a_job_of_a_kind_that_only_another_version_knows_is_never_due() -> None:
    assert not is_due(open_job(kind=None, is_foreign=True), None, NOON)


@pytest.mark.parametrize(
    ("fields", "past"),
    [
        ({"expiration_date": NOON - HOUR}, True),
        ({"expiration_date": NOON - HOUR + SECOND}, False),
        ({"expiration_date": NOON - HOUR, "observed_at": NOON}, True),
        ({"observed_at": NOON - DAY}, True),
        ({"observed_at": NOON - DAY + SECOND}, False),
        ({"observed_at": None}, True),
    ],
    ids=["an hour", "less", "seen just now", "no date, a day", "no date, less", "no moment"],
)
def test_a_ready_download_is_past_its_link_an_hour_after_it_or_a_day_without_a_date(
    fields: dict[str, Any], *, past: bool
) -> None:
    assert is_past_its_link(ready_download(**fields), NOON) is past


@pytest.mark.parametrize(
    "fields",
    [{"status": RestoreStatus.RUNNING}, {"delivery_type": "RESTORE"}, {"status": None}],
    ids=str,
)
def test_only_a_ready_download_is_past_its_link(fields: dict[str, Any]) -> None:
    assert not is_past_its_link(ready_download(expiration_date=NOON - DAY, **fields), NOON)


@pytest.mark.parametrize(
    ("missing_since", "forgotten"),
    [(None, False), (NOON, False), (NOON - DAY + SECOND, False), (NOON - DAY, True)],
    ids=["known", "just now", "almost a day", "a day"],
)
def test_a_job_is_forgotten_after_a_day_in_which_atlas_did_not_know_it(
    missing_since: datetime | None, *, forgotten: bool
) -> None:
    assert is_forgotten(open_job(missing_since=missing_since), NOON) is forgotten
