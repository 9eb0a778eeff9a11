"""How a restore is judged by RTO and RPO."""

from datetime import UTC, datetime, timedelta

import pytest

from operate.restore_evidence import Objectives, read_minutes
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.status_change import StatusChange
from strategies import plain_job

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def job(status: str, minutes: int | None = None, **fields: object) -> RestoreJob:
    """A job that was scheduled at noon, and that has finished after these minutes."""
    finished = None if minutes is None else NOON + timedelta(minutes=minutes)
    return plain_job(
        status=status, restore_scheduled_date=NOON, restore_finished_date=finished, **fields
    )


def rto_met(*jobs: RestoreJob, after: float = 24, rto: timedelta | None = HOUR) -> bool | None:
    """Judge a restore with these states, so many hours after noon."""
    changes = [StatusChange(one, None, number, NOON) for number, one in enumerate(jobs, start=1)]
    return Objectives(rto=rto).rto_met(changes, NOON, NOON + timedelta(hours=after))


@pytest.mark.parametrize(("minutes", "met"), [(59, True), (60, True), (61, False)])
def test_a_restore_meets_the_rto_if_it_completes_in_time(minutes: int, *, met: bool) -> None:
    assert rto_met(job("RUNNING"), job("COMPLETED", minutes)) is met


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_restore_that_ends_otherwise_misses_the_rto(status: str) -> None:
    assert rto_met(job("RUNNING"), job(status, 1)) is False
    assert rto_met(job(status)) is False


@pytest.mark.parametrize("status", ["PENDING", "QUEUED", "RUNNING", "UNKNOWN"])
def test_an_open_restore_misses_the_rto_when_its_time_is_over(status: str) -> None:
    assert rto_met(job(status), after=0.99) is None
    assert rto_met(job(status), after=1.01) is False


def test_an_end_that_nobody_knows_or_without_a_date_is_not_judged() -> None:
    assert rto_met(job("UNKNOWN", 1, atlas_status="PARTLY")) is None
    assert rto_met(job("COMPLETED", delivery_type="download")) is None


@pytest.mark.parametrize("end", ["EXPIRED", "CANCELLED", "FAILED"])
def test_a_download_is_judged_by_when_it_was_ready(end: str) -> None:
    ready = job("COMPLETED", 5, delivery_type="DOWNLOAD")

    assert rto_met(ready, job(end, 90, delivery_type="DOWNLOAD")) is True


def test_nothing_is_judged_without_an_objective() -> None:
    assert rto_met(job("COMPLETED", 1), rto=None) is None
    assert Objectives().rpo_met(of_snapshot(1)) is None


def of_snapshot(age: int | None, **fields: object) -> RestoreJob:
    """A job whose snapshot was so many seconds old."""
    taken = None if age is None else NOON - timedelta(seconds=age)
    return job("COMPLETED", 1, snapshot_finished_date=taken, **fields)


@pytest.mark.parametrize(
    ("age", "met"),
    [(3599, True), (3600, True), (3601, False), (0, True), (None, None), (-60, None)],
)
def test_a_snapshot_meets_the_rpo_if_it_is_young_enough(age: int | None, met: object) -> None:
    assert Objectives(rpo=HOUR).rpo_met(of_snapshot(age)) is met


@pytest.mark.parametrize("word", ["pointInTime", "POINTINTIME"])
@pytest.mark.parametrize("age", [60, 72_000])
def test_the_rpo_of_a_restore_to_a_point_in_time_is_not_judged(word: str, age: int) -> None:
    """Its data are newer than its snapshot."""
    assert Objectives(rpo=HOUR).rpo_met(of_snapshot(age, delivery_type=word)) is None


@pytest.mark.parametrize(("text", "value"), [("60", 3600), ("0", 0), ("0.5", 30), ("1440", 86400)])
def test_reads_minutes(text: str, value: float) -> None:
    assert read_minutes(text).total_seconds() == value


@pytest.mark.parametrize("text", ["", "-1", "1h", "1e9", "inf", "nan", "1,5", "٣", "9" * 99])
def test_rejects_what_is_not_a_number_of_minutes(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number of minutes; expected one such as 60"):
        read_minutes(text)
