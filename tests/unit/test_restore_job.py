"""What a restore job is, and what counts as a change."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from restore_watch.restore_job import (
    TEXT_LIMIT,
    RestoreJob,
    RestoreKind,
    RestoreStatus,
    RestoreTarget,
)
from restore_watch.status_change import StatusChange, utc_text
from strategies import (
    changes,
    jobs,
    object_ids,
    plain_change,
    plain_job,
    statuses,
    targets,
    unknown_words,
    utc_dates,
)

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

SUCCESSORS = {
    PENDING: {QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED},
    QUEUED: {RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED},
    RUNNING: {UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED},
    UNKNOWN: {COMPLETED, FAILED, CANCELLED, EXPIRED},
    COMPLETED: {EXPIRED},
    FAILED: set(),
    CANCELLED: set(),
    EXPIRED: set(),
}


@pytest.mark.parametrize("stored", RestoreStatus)
def test_a_downloads_status_is_replaced_only_by_those_that_may_come_after(
    stored: RestoreStatus,
) -> None:
    followers = {
        status
        for status in RestoreStatus
        if stored in plain_job(status=status, delivery_type="DOWNLOAD").follows
    }

    assert followers == SUCCESSORS[stored]


@pytest.mark.parametrize("delivery_type", ["RESTORE", "automated", "pointInTime", None])
def test_a_completed_restore_without_a_download_never_expires(delivery_type: str | None) -> None:
    expired = plain_job(status=EXPIRED, delivery_type=delivery_type)

    assert COMPLETED not in expired.follows
    assert {PENDING, QUEUED, RUNNING, UNKNOWN} == set(expired.follows)


@pytest.mark.parametrize("delivery_type", ["DOWNLOAD", "download", "Download"])
def test_a_lapsed_download_expires_in_either_spelling(delivery_type: str) -> None:
    assert COMPLETED in plain_job(status=EXPIRED, delivery_type=delivery_type).follows


@pytest.mark.parametrize("later", RestoreStatus)
def test_a_failed_job_never_becomes_anything_else(later: RestoreStatus) -> None:
    assert FAILED not in plain_job(status=later, delivery_type="DOWNLOAD").follows


@given(jobs())
def test_a_status_follows_only_those_of_lower_rank(job: RestoreJob) -> None:
    assert all(status.rank < job.status.rank for status in job.follows)


@given(jobs(), jobs())
def test_no_two_statuses_may_each_follow_the_other(one: RestoreJob, other: RestoreJob) -> None:
    assert not (one.status in other.follows and other.status in one.follows)


def test_statuses_rank_in_the_documented_order() -> None:
    by_rank: dict[int, set[RestoreStatus]] = {}
    for status in RestoreStatus:
        by_rank.setdefault(status.rank, set()).add(status)

    assert [by_rank[rank] for rank in sorted(by_rank)] == [
        {PENDING},
        {QUEUED},
        {RUNNING},
        {UNKNOWN},
        {COMPLETED, FAILED, CANCELLED},
        {EXPIRED},
    ]


@given(unknown_words)
def test_a_word_nobody_knows_yet_is_unknown_and_survives(word: str) -> None:
    job = plain_job(status=word, atlas_status=word)
    again = RestoreJob.model_validate(json.loads(json.dumps(job.as_json())))

    assert again.status is UNKNOWN
    assert again.atlas_status == word


@pytest.mark.parametrize("word", ["completed", "Completed", " COMPLETED", "CANCELED", ""])
def test_a_known_word_in_another_spelling_is_unknown(word: str) -> None:
    assert RestoreStatus(word) is UNKNOWN


@pytest.mark.parametrize("value", [None, 200, True, ["RUNNING"]], ids=repr)
def test_what_is_no_word_is_no_status(value: Any) -> None:
    with pytest.raises(ValueError, match="not a valid RestoreStatus"):
        RestoreStatus(value)


@pytest.mark.parametrize(
    ("status", "terminal", "succeeded"),
    [
        (PENDING, False, None),
        (QUEUED, False, None),
        (RUNNING, False, None),
        (UNKNOWN, False, None),
        (COMPLETED, True, True),
        (FAILED, True, False),
        (CANCELLED, True, False),
        (EXPIRED, True, False),
    ],
)
def test_only_a_completed_restore_succeeded(
    status: RestoreStatus,
    terminal: bool,  # noqa: FBT001 - a column of the table
    succeeded: bool | None,  # noqa: FBT001
) -> None:
    job = plain_job(status=status)

    assert (job.terminal, job.succeeded) == (terminal, succeeded)


def test_an_unknown_status_with_a_finish_date_is_an_end_of_unknown_success() -> None:
    job = plain_job(status=UNKNOWN, atlas_status="ARCHIVED", restore_finished_date=NOON)

    assert job.terminal
    assert job.succeeded is None


@pytest.mark.parametrize("status", [PENDING, QUEUED, RUNNING], ids=str)
def test_a_finish_date_alone_ends_no_job(status: RestoreStatus) -> None:
    assert not plain_job(status=status, restore_finished_date=NOON).terminal


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        (FAILED, COMPLETED),
        (CANCELLED, COMPLETED),
        (COMPLETED, FAILED),
        (COMPLETED, CANCELLED),
        (FAILED, CANCELLED),
        (CANCELLED, FAILED),
    ],
)
def test_one_end_after_another_is_a_contradiction(
    stored: RestoreStatus, now: RestoreStatus
) -> None:
    job = plain_job(status=now)

    assert job.contradicts(stored)
    assert stored not in job.follows


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        (COMPLETED, EXPIRED),
        (COMPLETED, COMPLETED),
        (FAILED, FAILED),
        (COMPLETED, RUNNING),
        (RUNNING, COMPLETED),
        (UNKNOWN, FAILED),
        (EXPIRED, COMPLETED),
    ],
)
def test_what_time_or_a_slower_check_explains_is_no_contradiction(
    stored: RestoreStatus, now: RestoreStatus
) -> None:
    assert not plain_job(status=now).contradicts(stored)


@given(jobs(), statuses)
def test_what_may_be_recorded_is_no_contradiction(job: RestoreJob, stored: RestoreStatus) -> None:
    assert not (stored in job.follows and job.contradicts(stored))


@given(jobs())
def test_a_job_survives_the_way_into_json_and_back(job: RestoreJob) -> None:
    text = json.dumps(job.as_json())

    assert RestoreJob.model_validate(json.loads(text)) == job


@given(jobs())
def test_a_job_can_be_encoded_as_utf_8(job: RestoreJob) -> None:
    text = json.dumps(job.as_json(), ensure_ascii=False)

    assert json.loads(text.encode()) == job.as_json()


def test_a_job_speaks_the_public_vocabulary() -> None:
    assert list(plain_job().as_json()) == [
        "groupId",
        "clusterName",
        "restoreId",
        "kind",
        "deliveryType",
        "status",
        "atlasStatus",
        "snapshotId",
        "snapshotFinishedDate",
        "restoreScheduledDate",
        "restoreFinishedDate",
        "expirationDate",
        "targetProjectId",
        "targetDeploymentItemName",
        "downloadAvailable",
        "terminal",
        "succeeded",
        "durationSeconds",
        "snapshotAgeSeconds",
    ]


def test_what_is_stored_beside_a_job_is_ignored_when_it_is_read() -> None:
    stored = plain_job().as_json() | {"sequence": 1, "history": [], "colourOfTheSky": "blue"}

    assert RestoreJob.model_validate(stored) == plain_job()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-04T12:00:00Z", NOON),
        ("2026-05-04T14:00:00+02:00", NOON),
        ("2026-05-04T06:30:00-05:30", NOON),
        ("2026-05-04T12:00:00", NOON),
        ("2026-05-04 12:00:00Z", NOON),
        ("2026-05-04T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
        ("2026-05-04T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
    ],
    ids=["utc", "east", "west", "naive", "space", "milliseconds", "nanoseconds"],
)
def test_dates_are_read_in_any_zone_and_kept_in_utc(text: str, utc: datetime) -> None:
    date = plain_job(restore_finished_date=text).restore_finished_date

    assert date is not None
    assert (date, date.utcoffset()) == (utc, timedelta(0))


@pytest.mark.parametrize(
    "value",
    [1777896000, 1777896000.5, True, "1777896000", "yesterday", "", "0001-01-01T00:00:00+10:00"],
    ids=repr,
)
def test_what_is_no_iso_date_is_no_date(value: object) -> None:
    with pytest.raises(ValueError, match="restore_finished_date"):
        plain_job(restore_finished_date=value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "~|~"),
        ("delivery_type", ["~|~"]),
        ("snapshot_id", {"~|~": "~|~"}),
        ("restore_finished_date", "~|~"),
        ("expiration_date", ["~|~"]),
    ],
)
def test_a_value_that_does_not_fit_is_not_quoted(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field) as refused:
        plain_job(**{field: value})

    assert "~|~" not in str(refused.value)


far_from_the_ends_of_the_calendar = st.datetimes(
    datetime(2, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.timezones(),
)


@given(far_from_the_ends_of_the_calendar, far_from_the_ends_of_the_calendar)
def test_durations_are_whole_and_never_negative(start: datetime, end: datetime) -> None:
    job = plain_job(
        snapshot_finished_date=end, restore_scheduled_date=start, restore_finished_date=end
    )

    seconds = end.timestamp() - start.timestamp()
    assert job.duration_seconds == pytest.approx(max(0.0, seconds), abs=0.51)
    assert job.snapshot_age_seconds == pytest.approx(max(0.0, -seconds), abs=0.51)


def test_durations_that_lack_a_date_are_not_made_up() -> None:
    scheduled_only = plain_job(restore_scheduled_date=NOON)

    assert scheduled_only.duration_seconds is None
    assert scheduled_only.snapshot_age_seconds is None


@pytest.mark.parametrize(
    "field",
    [
        "delivery_type",
        "atlas_status",
        "snapshot_id",
        "target_project_id",
        "target_deployment_item_name",
    ],
)
def test_a_text_of_atlas_is_cut_to_a_length_that_fits(field: str) -> None:
    job = plain_job(**{field: "\N{SNOWMAN}" * 10_000})

    assert getattr(job, field) == "\N{SNOWMAN}" * TEXT_LIMIT


@given(changes(), changes())
def test_an_event_is_named_alike_whenever_and_by_whomever_it_was_observed(
    change: StatusChange, other: StatusChange
) -> None:
    again = replace(other, job=change.job)

    assert again.event_id == change.event_id


@pytest.mark.parametrize("status", [status for status in RestoreStatus if status is not UNKNOWN])
def test_an_event_is_named_after_its_job_and_status(status: RestoreStatus) -> None:
    job = plain_job(status=status, atlas_status=str(status))

    assert plain_change(job).event_id == f"6b4a0f800000000000000b01:{status}"


def test_an_event_of_an_unknown_status_is_named_after_atlass_word() -> None:
    job = plain_job(status=UNKNOWN, atlas_status="ARCHIVED")

    assert plain_change(job).event_id == "6b4a0f800000000000000b01:UNKNOWN:ARCHIVED"


@given(jobs(), jobs())
def test_different_changes_of_one_job_are_different_events(
    one: RestoreJob, other: RestoreJob
) -> None:
    other = other.model_copy(update={"restore_id": one.restore_id})

    alike = one.status is other.status and (
        one.status is not UNKNOWN or one.atlas_status == other.atlas_status
    )
    assert (plain_change(one).event_id == plain_change(other).event_id) is alike


@given(jobs(), jobs())
def test_changes_of_different_jobs_are_different_events(one: RestoreJob, other: RestoreJob) -> None:
    assume(one.restore_id != other.restore_id)

    assert plain_change(one).event_id != plain_change(other).event_id


@pytest.mark.parametrize(
    ("finished", "latency"),
    [
        (NOON - timedelta(seconds=61), 61.0),
        (NOON - timedelta(microseconds=1_234_567), 1.235),
        (NOON + timedelta(hours=1), 0.0),
        (None, None),
    ],
    ids=["a minute ago", "a fraction", "in the future", "never said"],
)
def test_detection_latency_counts_from_atlass_own_finish_date(
    finished: datetime | None, latency: float | None
) -> None:
    change = plain_change(plain_job(status=COMPLETED, restore_finished_date=finished))

    assert change.detection_latency_seconds == latency


@given(targets)
def test_an_object_id_tells_when_its_job_was_made(target: RestoreTarget) -> None:
    created = target.created_at

    assert created.tzinfo is UTC
    assert f"{int(created.timestamp()):08x}" == target.restore_id[:8]


@given(object_ids, st.sampled_from([None, *RestoreKind]))
def test_a_target_is_told_in_the_words_that_ask_for_it(
    restore_id: str, kind: RestoreKind | None
) -> None:
    words: dict[str, Any] = {
        "groupId": "5f0000000000000000000a01",
        "clusterName": "orders",
        "restoreId": restore_id,
    }
    target = RestoreTarget.model_validate(words | {"kind": kind})

    assert target.as_json() == words | {"kind": "auto" if kind is None else str(kind)}


@given(utc_dates)
def test_a_moment_is_written_so_that_it_can_be_read_back(moment: datetime) -> None:
    text = utc_text(moment)

    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment
