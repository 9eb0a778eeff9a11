"""The form of a restore job's item: what is written, and what is read back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from foundation.retention import expires_at
from restore_watch.errors import TableUnavailableError
from restore_watch.model.history_entry import RecordedMeasurement, RecordedValidation
from restore_watch.model.measurement import (
    DATABASES_NAMED,
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    MayBe,
    Measurement,
    Outcome,
    WhyNotMeasured,
    not_measured,
)
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import Validation, Verdict
from restore_watch.table.job_item import (
    history_entry,
    key_of,
    measurement_entry,
    read_item,
    validation_entry,
)
from strategies import TEXTS, jobs, measurements, plain_job, validations
from unit.open_jobs import NOON

MINUTE = timedelta(minutes=1)
PENDING = plain_job(status=RestoreStatus.PENDING)
DONE = plain_job(
    status=RestoreStatus.COMPLETED, restore_finished_date="2026-05-04T12:00:30Z", delivery_type=None
)
PASSED = Validation(verdict=Verdict.PASSED, validated_by="drill", validated_at=NOON)
FAILED = Validation(verdict=Verdict.FAILED, detail="2 documents are missing")

DIFFERS = Measurement(
    outcome=Outcome.DIFFERS,
    databases=Count(found=1, expected=2),
    differing=(DifferingDatabase(name="sales", is_missing=True),),
)

# Later dates cannot be added to the retention.
moments = st.datetimes(max_value=datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def status_entry(job: RestoreJob, minute: int = 0) -> dict[str, Any]:
    return history_entry(job, NOON + minute * MINUTE)


def verdict_entry(job: RestoreJob, validation: Validation, minute: int) -> dict[str, Any]:
    return validation_entry(job, validation, NOON + minute * MINUTE)


def measured_entry(job: RestoreJob, measurement: Measurement, minute: int) -> dict[str, Any]:
    return measurement_entry(job, measurement, NOON + minute * MINUTE)


def stored(*entries: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """An item in DynamoDB's types. Its state is that of the last entry. What is `...` is absent."""
    beside = {"validation", "measurement"}
    state = {name: value for name, value in entries[-1].items() if name not in beside}
    item = {**state, "history": list(entries), "publishedSequence": 0, **attributes}
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items() if value is not ...}


def first() -> dict[str, Any]:
    return status_entry(PENDING)


def mixed() -> list[dict[str, Any]]:
    """The entries of a restore that completed, with three verdicts."""
    return [
        first(),
        verdict_entry(PENDING, FAILED, 1),
        status_entry(DONE, 2),
        verdict_entry(DONE, PASSED, 3),
        verdict_entry(DONE, FAILED, 4),
    ]


def test_the_key_of_an_item_identifies_its_job() -> None:
    assert key_of(plain_job()) == {
        "cluster": {"S": "5f0000000000000000000a01/orders"},
        "restoreId": {"S": "6b4a0f800000000000000b01"},
    }


@given(jobs(), moments, validations)
def test_the_history_holds_whole_changes_and_validations(
    job: RestoreJob, moment: datetime, validation: Validation
) -> None:
    entry = history_entry(job, moment)
    assert None not in entry.values()

    recorded = read_item(stored(entry, validation_entry(job, validation, moment)))

    assert recorded.history == (
        StatusChange(job, None, 1, moment),
        RecordedValidation(job, validation, 2, moment),
    )
    assert recorded.job == job


@given(jobs(), moments, measurements)
def test_the_history_holds_a_whole_measurement(
    job: RestoreJob, moment: datetime, measurement: Measurement
) -> None:
    entry, measured = history_entry(job, moment), measurement_entry(job, measurement, moment)

    recorded = read_item(stored(entry, measured), measured)

    assert recorded.history[1] == RecordedMeasurement(job, measurement, 2, moment)
    assert recorded.measurement == recorded.written == recorded.history[1]
    assert (recorded.change, recorded.validation, recorded.validations) == (None, None, ())
    assert recorded.changes == recorded.history[:1]


def test_a_measurement_is_no_change_and_an_older_version_reads_the_same_status_once_more() -> None:
    measured = measured_entry(DONE, DIFFERS, 3)
    recorded = read_item(stored(first(), status_entry(DONE, 2), measured, status_entry(DONE, 4)))

    assert [(one.sequence, one.previous_status) for one in recorded.changes] == [
        (1, None),
        (2, RestoreStatus.PENDING),
        (4, RestoreStatus.COMPLETED),
    ]
    assert read_item(stored(first())).measurement is None
    assert RestoreJob.read(measured) == DONE
    assert measured.keys() - {"measurement"} == status_entry(DONE).keys()


def test_why_nothing_was_measured_survives_in_the_words_of_a_newer_version() -> None:
    measured = measured_entry(DONE, not_measured(WhyNotMeasured.SHARDED), 3)
    measured["measurement"] |= {"why": "the moon is full", "added": {"nested": [1]}}

    recorded = read_item(stored(first(), measured)).measurement

    assert recorded is not None
    assert recorded.measurement.why == "the moon is full"
    assert not recorded.measurement.may_pass


def test_an_item_that_nobody_writes_is_deleted_after_four_hundred_days() -> None:
    assert expires_at(NOON) == datetime(2027, 6, 8, 12, tzinfo=UTC).timestamp()


def test_changes_and_validations_share_one_sequence_and_previous_statuses_skip_validations() -> (
    None
):
    recorded = read_item(stored(*mixed(), publishedSequence=2, firstObservedAt="then"))

    assert [one.sequence for one in recorded.history] == [1, 2, 3, 4, 5]
    assert [(one.sequence, one.previous_status) for one in recorded.changes] == [
        (1, None),
        (3, RestoreStatus.PENDING),
    ]
    assert [one.sequence for one in recorded.validations] == [2, 4, 5]
    assert recorded.pending == recorded.history[2:]
    assert (recorded.job, recorded.first_observed_at) == (DONE, "then")


def test_an_invocation_recognises_the_entry_that_it_wrote() -> None:
    item = stored(*mixed())
    assert read_item(item).written is None

    change, validation = read_item(item, mixed()[2]), read_item(item, mixed()[3])

    assert (change.change, change.validation) == (change.history[2], None)
    assert (validation.change, validation.validation) == (None, validation.history[3])
    # Another invocation has seen or found the same at another moment.
    assert read_item(item, status_entry(DONE, 9)).written is None
    assert read_item(item, verdict_entry(DONE, PASSED, 9)).written is None


def test_items_of_other_versions_are_read() -> None:
    older = read_item(stored(first(), publishedSequence=...))
    assert (older.published, older.first_observed_at) == (0, None)

    newer = stored(first() | {"added": "x"}, added={"nested": [1, None]}, openShard="1")
    assert read_item(newer).history == older.history
    # Nobody here writes bytes.
    in_bytes = {"added": {"B": b"\xff"}, "more": {"M": {"added": {"BS": [b"\xff"]}}}}
    assert read_item(newer | in_bytes).history == older.history

    later = first() | {"status": "PAUSED", "atlasStatus": "PAUSED"}
    assert read_item(stored(later)).job.status is RestoreStatus.UNKNOWN


def test_an_older_version_reads_a_validation_as_the_same_status_once_more() -> None:
    """It reads every entry as a job, and ignores attributes that it does not know."""
    read = [RestoreJob.read(entry) for entry in mixed()]

    assert read == [PENDING, PENDING, DONE, DONE, DONE]
    assert all(entry.keys() - {"validation"} == status_entry(DONE).keys() for entry in mixed()[2:])


def entry_with(**fields: Any) -> dict[str, Any]:
    return stored(first(), history=[first() | fields])


def with_measurement(said: object) -> dict[str, Any]:
    return stored(first(), first() | {"measurement": said})


def with_validation(said: object) -> dict[str, Any]:
    return stored(first(), mixed()[1] | {"validation": said})


DAMAGED: dict[str, Callable[[], dict[str, Any]]] = {
    "no history": lambda: stored(first(), history=...),
    "empty history": lambda: stored(first(), history=[]),
    "history of another type": lambda: stored(first(), history="none"),
    "entry of another type": lambda: stored(first(), history=["~|~"]),
    "entry without a date": lambda: entry_with(observedAt="~|~"),
    "entry of the year 9999": lambda: entry_with(observedAt="9999-12-31T00:00:00Z"),
    "entry without a status": lambda: entry_with(status=None),
    "status of another type": lambda: entry_with(status=["~|~"]),
    "validation first": lambda: stored(mixed()[1]),
    **{
        f"validation {odd!r}": partial(with_validation, odd)
        for odd in (None, "PASSED", {}, {"verdict": "~|~"}, {"verdict": "FAILED", "detail": 5})
    },
    "validation at no moment": partial(
        with_validation, {"verdict": "PASSED", "validatedAt": "~|~"}
    ),
    "measurement first": lambda: stored(measured_entry(PENDING, DIFFERS, 1)),
    **{
        f"measurement {odd!r}": partial(with_measurement, odd)
        for odd in (None, "matches", {}, {"outcome": ["~|~"]})
    },
    "measurement of half a database": partial(
        with_measurement, {"outcome": "matches", "databases": {"found": Decimal("0.5")}}
    ),
    "no status": lambda: stored(first(), status=...),
    "unknown kind": lambda: stored(first(), kind="~|~"),
    "no job": lambda: stored(first(), groupId=...),
    "number of another type": lambda: stored(first(), publishedSequence="~|~"),
    "unknown type": lambda: stored(first()) | {"history": {"X": "~|~"}},
    "no type": lambda: stored(first()) | {"history": {"L": ["S"]}},
    "nothing": dict,
}


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED)
def test_an_item_that_cannot_be_read_is_an_error_that_quotes_nothing(
    make: Callable[[], dict[str, Any]],
) -> None:
    item = make()

    with pytest.raises(TableUnavailableError, match="this version cannot read") as refused:
        read_item(item)

    assert "~|~" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_largest_item_fits_in_dynamodb() -> None:
    """400 KB: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""
    sign = "\N{COLLISION SYMBOL}"
    dates = [name for name in RestoreJob.model_fields if name.endswith("_date")]
    job = plain_job(
        cluster_name="c" * 64,
        **dict.fromkeys(TEXTS, sign * 256),
        **dict.fromkeys(dates, "2026-05-04T12:00:00.123456Z"),
    )
    validation = Validation(
        verdict=Verdict.FAILED, validated_by=sign * 256, detail=sign * 1000, validated_at=NOON
    )
    figures = [
        DifferingFigure(figure=one, least=10**18, most=10**18, found=10**18, may_be=MayBe.WRITTEN)
        for one in Figure
    ]
    database = DifferingDatabase(name=sign * 63, figures=tuple(figures))
    measurement = Measurement(
        outcome=Outcome.DIFFERS, differing=(database,) * DATABASES_NAMED, measured_at=NOON
    )
    # Every known status, 14 unknown words, 20 validations and a measurement.
    item = stored(
        *([status_entry(job)] * (len(RestoreStatus) - 1 + 14)),
        *([verdict_entry(job, validation, 1)] * 20),
        measured_entry(job, measurement, 1),
    )

    assert len(json.dumps(item, ensure_ascii=False).encode()) < 400 * 1024
