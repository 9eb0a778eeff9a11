"""How a change is identified, what contradicts it, and how late it was seen."""

from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import utc_text
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.status_change import is_contradiction
from strategies import jobs, plain_change, plain_job, utc_dates
from unit.histories import history_of, unknown
from unit.open_jobs import NOON

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus

ID = "6b4a0f800000000000000b01"


FINISHED = {"restore_finished_date": NOON}


@pytest.mark.parametrize(
    ("job", "event_id"),
    [
        *((plain_job(status=one), f"{ID}:{one}") for one in RestoreStatus if one is not UNKNOWN),
        (plain_job(status=RUNNING, **FINISHED), f"{ID}:RUNNING"),
        (plain_job(status=COMPLETED, **FINISHED), f"{ID}:COMPLETED"),
        (unknown("ARCHIVED"), f"{ID}:UNKNOWN:ARCHIVED"),
        (unknown("ARCHIVED", ended=True), f"{ID}:UNKNOWN:ARCHIVED:ENDED"),
        (unknown("A:ENDED"), f"{ID}:UNKNOWN:A:ENDED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_id_names_the_job_and_the_status_and_of_an_unknown_one_the_word_and_its_end(
    job: RestoreJob, event_id: str
) -> None:
    assert plain_change(job).event_id == event_id


AUTOMATED: dict[str, Any] = {"kind": RestoreKind.DEDICATED, "delivery_type": "automated"}
DOWNLOAD: dict[str, Any] = {"kind": RestoreKind.DEDICATED, "delivery_type": "download"}


CONTRADICTIONS = [
    ([FAILED], COMPLETED),
    ([RUNNING, FAILED], COMPLETED),
    ([CANCELLED], COMPLETED),
    ([COMPLETED], FAILED),
    ([COMPLETED], CANCELLED),
    ([FAILED], CANCELLED),
    ([CANCELLED], FAILED),
    ([FAILED], EXPIRED),
    ([EXPIRED], FAILED),
]
OLDER_OR_EXPIRED = [
    ([RUNNING, COMPLETED], RUNNING),
    ([COMPLETED, CANCELLED], COMPLETED),
    ([COMPLETED], EXPIRED),
    ([EXPIRED], COMPLETED),
    ([FAILED], UNKNOWN),
]
OPEN = [([stored], now) for stored in (PENDING, QUEUED, RUNNING) for now in RestoreStatus]


@pytest.mark.parametrize(
    ("fields", "recorded", "now", "is_one"),
    [
        *(({}, recorded, now, True) for recorded, now in CONTRADICTIONS),
        *((AUTOMATED, recorded, now, False) for recorded, now in OLDER_OR_EXPIRED),
        *((DOWNLOAD, recorded, now, False) for recorded, now in OLDER_OR_EXPIRED),
        *(({}, recorded, now, False) for recorded, now in OPEN),
    ],
    ids=str,
)
def test_an_end_that_differs_from_the_recorded_one_is_a_contradiction(
    fields: dict[str, Any], recorded: list[RestoreStatus], now: RestoreStatus, *, is_one: bool
) -> None:
    history = history_of(*(plain_job(status=status, **fields) for status in recorded))

    assert is_contradiction(plain_job(status=now, **fields), history) is is_one


FLEX_DOWNLOAD = {"delivery_type": "DOWNLOAD"}
AGO, LATER = NOON - timedelta(seconds=90), NOON + timedelta(minutes=58)

# Each row: delivery, status, finish date, expiry date, and the seconds since the change.
LATENCIES: dict[str, tuple[Any, RestoreStatus, datetime | None, datetime | None, float | None]] = {
    "flex": ({}, COMPLETED, AGO, None, 90.0),
    "automated": (AUTOMATED, COMPLETED, AGO, LATER, 90.0),
    "finished download": (DOWNLOAD, COMPLETED, AGO, LATER, 90.0),
    "fraction": ({}, COMPLETED, NOON - timedelta(microseconds=1_234_567), None, 1.235),
    "finished in the future": ({}, COMPLETED, LATER, None, 0.0),
    "no date": ({}, COMPLETED, None, None, None),
    "ready download": (DOWNLOAD, COMPLETED, None, LATER, 120.0),
    "download ready in the future": (DOWNLOAD, COMPLETED, None, NOON + timedelta(hours=2), 0.0),
    "download ready long ago": (DOWNLOAD, COMPLETED, None, NOON - timedelta(hours=1), 7200.0),
    "expired download": (DOWNLOAD, EXPIRED, None, AGO, 90.0),
    "expired download with a finish date": (DOWNLOAD, EXPIRED, LATER, AGO, 90.0),
    "download in preparation": (DOWNLOAD, RUNNING, None, AGO, None),
    "cancelled download": (DOWNLOAD, CANCELLED, None, AGO, None),
    "failed download": (DOWNLOAD, FAILED, None, AGO, None),
    "expired automated restore": (AUTOMATED, EXPIRED, None, AGO, None),
    "flex download": (FLEX_DOWNLOAD, COMPLETED, None, AGO, None),
    "expired flex download": (FLEX_DOWNLOAD, EXPIRED, None, AGO, None),
}


@pytest.mark.parametrize("row", LATENCIES.values(), ids=LATENCIES)
def test_latency_counts_from_the_finish_date_or_from_the_expiry_of_a_dedicated_download(
    row: tuple[Any, RestoreStatus, datetime | None, datetime | None, float | None],
) -> None:
    delivery, status, finished, expires, seconds = row
    job = plain_job(
        status=status, restore_finished_date=finished, expiration_date=expires, **delivery
    )

    assert plain_change(job).detection_latency_seconds == seconds


extreme_dates = utc_dates | st.sampled_from(
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)


@given(jobs(), extreme_dates, extreme_dates, st.none() | extreme_dates)
def test_latency_is_never_negative_and_never_overflows(
    job: RestoreJob, observed: datetime, expires: datetime, finished: datetime | None
) -> None:
    job = replace(job, expiration_date=expires, restore_finished_date=finished)

    seconds = plain_change(job, observed_at=observed).detection_latency_seconds

    assert seconds is None or seconds >= 0


@given(utc_dates)
def test_a_date_is_the_same_after_it_is_written_and_read(moment: datetime) -> None:
    text = utc_text(moment)

    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment
