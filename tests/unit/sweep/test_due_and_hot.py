"""When an open job is asked about: hot, in every sweep, every five minutes, no longer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from restore_watch.model.restore_status import RestoreStatus
from restore_watch.sweep.acting.when_to_stop_following import (
    FORGOTTEN,
    REFUSED,
    dropped_at,
    is_forgotten,
    is_past_its_link,
)
from restore_watch.sweep.following.due_and_hot import is_due, is_hot
from restore_watch.table.open_job import OpenJob
from unit.open_jobs import NOON, open_job, ready_download

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

MOMENTS = ("scheduled_at", "first_observed_at", "observed_at")


def aged(age: timedelta, *latest: str) -> dict[str, Any]:
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
    assert is_hot(open_job(**aged(age, latest)), NOON) is hot


NEXT_WEEK = {"scheduled_at": NOON + 7 * DAY}
NO_MOMENT: dict[str, Any] = dict.fromkeys(MOMENTS)


@pytest.mark.parametrize(
    ("fields", "now", "hot"),
    [
        *(({"status": status}, NOON, not status.ends) for status in RestoreStatus),
        ({"status": None}, NOON, True),
        ({"missing_since": NOON}, NOON, False),
        (NO_MOMENT, NOON, False),
        (NO_MOMENT | {"scheduled_at": NOON + MINUTE + SECOND}, NOON, False),
        # It is hot by its other moments, and when it is to begin.
        (NEXT_WEEK, NOON, True),
        (NEXT_WEEK, NOON + HOUR, False),
        (NEXT_WEEK, NOON + 7 * DAY + MINUTE, True),
    ],
    ids=str,
)
def test_a_job_is_hot_that_has_not_ended_and_has_a_moment_that_has_come(
    fields: dict[str, Any], now: datetime, *, hot: bool
) -> None:
    assert is_hot(open_job(**fields), now) is hot


READY = {"status": RestoreStatus.COMPLETED, "delivery_type": "DOWNLOAD"}


@pytest.mark.parametrize(
    ("fields", "ago", "due"),
    [
        # Never asked
        *((aged(30 * DAY) | {"status": one}, None, not one.ends) for one in RestoreStatus),
        (aged(30 * DAY) | READY, None, True),
        (NO_MOMENT, None, True),
        ({"missing_since": NOON}, None, True),
        ({"kind": None, "is_foreign": True}, None, False),
        # In every sweep for six hours
        (aged(6 * HOUR - SECOND, "observed_at"), 1, True),
        (aged(6 * HOUR, "observed_at"), 1, False),
        (aged(HOUR, "observed_at") | READY, 1, True),
        # Then every five minutes, and after the clock was set back
        *((aged(DAY), ago, False) for ago in (0, 60, 284.9)),
        *((aged(DAY), ago, True) for ago in (285, 300, -0.1, -900)),
        ({"missing_since": NOON}, 284, False),
        ({"missing_since": NOON}, 285, True),
    ],
    ids=str,
)
def test_a_job_is_due_in_every_sweep_for_six_hours_and_then_every_five_minutes(
    fields: dict[str, Any], ago: float | None, *, due: bool
) -> None:
    asked_at = None if ago is None else NOON.timestamp() - ago

    assert is_due(open_job(**fields), asked_at, NOON, is_tick=True) is due


@pytest.mark.fault("F103", "F117")
@pytest.mark.parametrize("ago", [None, 1, 285])
@pytest.mark.parametrize(("age", "due"), [(HOUR / 2 - SECOND, True), (HOUR / 2, False)], ids=str)
def test_between_ticks_only_a_hot_job_is_due_also_if_nobody_here_has_asked_about_it(
    age: timedelta, ago: float | None, *, due: bool
) -> None:
    asked_at = None if ago is None else NOON.timestamp() - ago
    known, missing = aged(age, "observed_at"), aged(age, "observed_at") | {"missing_since": NOON}

    assert is_due(open_job(**known), asked_at, NOON, is_tick=False) is due
    assert not is_due(open_job(**missing), asked_at, NOON, is_tick=False)


@pytest.mark.parametrize(
    ("fields", "past"),
    [
        ({"expiration_date": NOON - HOUR}, True),
        ({"expiration_date": NOON - HOUR + SECOND}, False),
        ({"expiration_date": NOON - HOUR, "observed_at": NOON}, True),
        ({"observed_at": NOON - DAY}, True),
        ({"observed_at": NOON - DAY + SECOND}, False),
        ({"observed_at": None}, True),
        *(
            ({"expiration_date": NOON - DAY, **other}, False)
            for other in ({"status": "RUNNING"}, {"delivery_type": "RESTORE"}, {"status": None})
        ),
    ],
    ids=str,
)
def test_a_ready_download_is_past_its_link_an_hour_after_it_or_a_day_without_a_date(
    fields: dict[str, Any], *, past: bool
) -> None:
    assert is_past_its_link(ready_download(**fields), NOON) is past


@pytest.mark.parametrize(
    ("missing_since", "missed_for", "forgotten"),
    [
        (None, 900, False),
        (NOON, 900, False),
        (NOON - DAY + SECOND, 900, False),
        (NOON - DAY, 900, True),
        (NOON - DAY, 899, False),
    ],
    ids=["known", "just now", "almost a day", "a day", "another environment"],
)
def test_a_job_is_forgotten_after_a_day_in_which_atlas_did_not_know_it(
    missing_since: datetime | None, missed_for: float, *, forgotten: bool
) -> None:
    job = open_job(missing_since=missing_since)

    assert is_forgotten(job, NOON, missed_for, DAY) is forgotten


@pytest.mark.parametrize(
    ("job", "after", "expected"),
    [
        (open_job(missing_since=NOON), FORGOTTEN, NOON + DAY),
        (open_job(missing_since=NOON), REFUSED, NOON + 7 * DAY),
        (ready_download(expiration_date=NOON), FORGOTTEN, NOON + DAY),
        (open_job(missing_since=None), FORGOTTEN, None),
    ],
    ids=["unknown", "refused", "a link that is gone", "a job that goes on"],
)
def test_when_a_job_was_left_at_the_latest(
    job: OpenJob, after: timedelta, expected: datetime | None
) -> None:
    assert dropped_at(job, after) == expected
