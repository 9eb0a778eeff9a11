"""What a restore job is, and which stored status it may replace."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreTarget
from strategies import TEXTS, plain_job, targets
from unit.open_jobs import NOON

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus

OPEN = {PENDING, QUEUED, RUNNING, UNKNOWN}
# Each row: a status, and the stored statuses that it may replace.
MAY_REPLACE: dict[RestoreStatus, set[RestoreStatus]] = {
    PENDING: set(),
    QUEUED: {PENDING},
    RUNNING: {PENDING, QUEUED},
    UNKNOWN: {PENDING, QUEUED, RUNNING},
    **dict.fromkeys((COMPLETED, FAILED, CANCELLED, EXPIRED), OPEN),
}


@pytest.mark.parametrize(
    "delivery_type", ["RESTORE", "automated", None, "DOWNLOAD", "download", "Download"], ids=str
)
@pytest.mark.parametrize("status", RestoreStatus)
def test_a_status_replaces_lower_ones_and_a_ready_download_may_still_end(
    status: RestoreStatus, delivery_type: str | None
) -> None:
    job = plain_job(status=status, delivery_type=delivery_type)

    is_later_end = job.is_download and status in {FAILED, CANCELLED, EXPIRED}
    assert job.may_replace == MAY_REPLACE[status] | ({COMPLETED} if is_later_end else set())
    assert job.is_download is ((delivery_type or "").casefold() == "download")
    assert job.is_ready_download is (job.is_download and status is COMPLETED)


@pytest.mark.parametrize(
    "word", ["completed", "Completed", " COMPLETED", "canceled", "CANCELLING", ""], ids=repr
)
def test_any_other_spelling_of_a_known_word_is_unknown(word: str) -> None:
    assert RestoreStatus(word) is UNKNOWN


@pytest.mark.parametrize("finished", [None, NOON], ids=["open", "finished"])
@pytest.mark.parametrize("status", RestoreStatus)
def test_an_end_is_final_and_an_unknown_word_with_a_finish_date(
    status: RestoreStatus, finished: datetime | None
) -> None:
    job = plain_job(status=status, restore_finished_date=finished)

    is_unknown_end = status is UNKNOWN and finished is not None
    assert job.terminal is (status not in OPEN or is_unknown_end)
    assert job.succeeded is (None if status in OPEN else status is COMPLETED)


@pytest.mark.fault("F48")
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-04T12:00:00Z", NOON),
        ("2026-05-04T14:00:00+02:00", NOON),
        ("2026-05-04T06:30:00-05:30", NOON),
        ("2026-05-04T12:00:00", NOON),
        ("2026-05-04 12:00:00Z", NOON),
        ("2026-05-04t12:00:00z", NOON),
        ("2026-05-04T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
        ("2026-05-04T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
    ],
    ids=["utc", "east", "west", "naive", "space", "small letters", "milliseconds", "nanoseconds"],
)
def test_dates_are_read_in_any_zone_and_kept_in_utc(text: str, utc: datetime) -> None:
    date = plain_job(restore_finished_date=text).restore_finished_date

    assert date is not None
    assert (date, date.utcoffset()) == (utc, timedelta(0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("restore_finished_date", odd) for odd in (1777896000, 1777896000.5, True, "1777896000")),
        *(("restore_finished_date", odd) for odd in ("~|~", "", "0001-01-01T00:00:00+10:00")),
        ("restore_finished_date", "2026-05-04T12:00:156Z"),
        ("restore_finished_date", "2026-05-04T12:00:00.125sZ"),
        ("restore_finished_date", "2026-05-04-05:00"),
        ("restore_finished_date", "2026-W19"),
        ("expiration_date", ["~|~"]),
        ("kind", "~|~"),
        ("delivery_type", ["~|~"]),
        ("snapshot_id", {"~|~": "~|~"}),
    ],
    ids=str,
)
def test_a_value_that_is_not_an_iso_date_or_a_text_is_refused_and_not_quoted(
    field: str, value: object
) -> None:
    with pytest.raises(ValueError, match=to_camel(field)) as refused:
        plain_job(**{field: value})

    assert "~|~" not in str(refused.value)


far_from_the_ends_of_the_calendar = st.datetimes(
    datetime(2, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.timezones(),
)


@pytest.mark.fault("F48")
@given(far_from_the_ends_of_the_calendar, far_from_the_ends_of_the_calendar)
def test_durations_are_whole_seconds_and_never_negative(start: datetime, end: datetime) -> None:
    job = plain_job(
        snapshot_finished_date=end, restore_scheduled_date=start, restore_finished_date=end
    )

    seconds = end.timestamp() - start.timestamp()
    is_likely = 0 <= seconds <= 30 * 24 * 3600
    took = pytest.approx(seconds, abs=0.51) if is_likely else None
    assert job.duration_seconds == took
    assert job.snapshot_age_seconds == pytest.approx(max(0.0, -seconds), abs=0.51)


@pytest.mark.fault("F48")
@pytest.mark.parametrize(
    ("end", "seconds"),
    [
        (NOON, 0),
        (NOON - timedelta(microseconds=1), None),
        (NOON + timedelta(days=30), 30 * 24 * 3600),
        (NOON + timedelta(days=30, microseconds=1), None),
        (datetime(1, 1, 1, tzinfo=UTC), None),
        (datetime(9999, 12, 31, tzinfo=UTC), None),
    ],
    ids=["at once", "before it began", "30 days", "longer", "in the year 1", "in the year 9999"],
)
def test_how_long_a_restore_took_is_not_known_by_an_end_that_cannot_be(
    end: datetime, seconds: int | None
) -> None:
    job = plain_job(restore_scheduled_date=NOON, restore_finished_date=end)

    assert job.duration_seconds == seconds


@pytest.mark.parametrize("field", TEXTS)
def test_a_text_from_atlas_is_cut_to_its_limit_and_loses_its_urls(field: str) -> None:
    long = plain_job(**{field: "\N{SNOWMAN}" * 10_000})
    with_url = plain_job(**{field: "see restore.example.net/token/restore.tar.gz for more"})

    assert getattr(long, field) == "\N{SNOWMAN}" * 256
    assert getattr(with_url, field) == "see [redacted] for more"


def test_a_text_of_many_urls_is_cut_to_the_limit_and_survives_a_json_round_trip() -> None:
    job = plain_job(status=UNKNOWN, atlas_status="//x " * 64)

    assert len(job.atlas_status or "") <= 256
    assert RestoreJob.read(job.as_json()) == job


@given(targets)
def test_an_object_id_contains_the_creation_date(target: RestoreTarget) -> None:
    created = target.created_at

    assert created.tzinfo is UTC
    assert f"{int(created.timestamp()):08x}" == target.restore_id[:8]


@given(targets)
def test_a_target_is_written_with_the_field_names_of_an_event(target: RestoreTarget) -> None:
    assert target.as_json() == {
        "groupId": target.group_id,
        "clusterName": target.cluster_name,
        "restoreId": target.restore_id,
        "kind": "auto" if target.kind is None else str(target.kind),
    }
