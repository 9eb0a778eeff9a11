"""What a validation is, how it is kept beside status changes, and which texts are removed."""

import json
import secrets as random_secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.aws.cloud_events import cloud_event, message_attributes, subject
from restore_watch.errors import TableUnavailableError
from restore_watch.model.fields import TEXT_LIMIT
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.model.status_change import (
    UNKNOWN_LIMIT,
    StatusChange,
    has_room_for_unknown,
    is_contradiction,
    is_new_unknown,
)
from restore_watch.model.validation import (
    DETAIL_LIMIT,
    VALIDATED_BY_LIMIT,
    VALIDATIONS_LIMIT,
    RecordedValidation,
    Validation,
    Verdict,
    recorded_before,
)
from restore_watch.redaction import redact_report
from restore_watch.table.job_item import history_entry, read_item, state_of, validation_entry
from strategies import TEXTS, jobs, plain_job, recorded_validations, validations, visible_ascii

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
RUNNING = plain_job(status=RestoreStatus.RUNNING)
DONE = plain_job(status=RestoreStatus.COMPLETED, restore_finished_date="2026-05-04T12:00:30Z")
PASSED = Validation(verdict=Verdict.PASSED, validated_by="drill", validated_at=NOON)
DATES = [name for name in RestoreJob.model_fields if name.endswith("_date")]
FAILED = Validation(verdict=Verdict.FAILED, detail="2 documents are missing")


def status_entry(job: RestoreJob, minute: int) -> dict[str, Any]:
    return history_entry(state_of(job), job.restore_id, NOON + timedelta(minutes=minute))


def verdict_entry(job: RestoreJob, validation: Validation, minute: int) -> dict[str, Any]:
    return validation_entry(job, validation, NOON + timedelta(minutes=minute))


def stored(*entries: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """An item in DynamoDB's types, whose state is that of the last entry."""
    state = {name: value for name, value in entries[-1].items() if name != "validation"}
    item = {**state, "history": list(entries), "publishedSequence": 0, **attributes}
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


MIXED = (
    status_entry(RUNNING, 0),
    verdict_entry(RUNNING, FAILED, 1),
    status_entry(DONE, 2),
    verdict_entry(DONE, PASSED, 3),
    verdict_entry(DONE, FAILED, 4),
)


# --- in the item


@given(jobs(), validations)
def test_an_entry_holds_the_state_and_the_whole_validation(
    job: RestoreJob, validation: Validation
) -> None:
    recorded = read_item(stored(status_entry(job, 0), verdict_entry(job, validation, 1)))

    assert recorded.validations == (
        RecordedValidation(job, validation, 2, NOON + timedelta(minutes=1)),
    )
    assert recorded.job == job


def test_changes_and_validations_share_one_sequence_and_previous_statuses_skip_validations() -> (
    None
):
    recorded = read_item(stored(*MIXED, publishedSequence=2))

    assert [one.sequence for one in recorded.history] == [1, 2, 3, 4, 5]
    assert [(one.sequence, one.previous_status) for one in recorded.changes] == [
        (1, None),
        (3, RestoreStatus.RUNNING),
    ]
    assert [one.sequence for one in recorded.validations] == [2, 4, 5]
    assert recorded.pending == recorded.history[2:]


def test_an_invocation_recognises_the_validation_that_it_wrote() -> None:
    recorded = read_item(stored(*MIXED), MIXED[3])

    assert recorded.written == recorded.history[3]
    assert recorded.change is None
    assert read_item(stored(*MIXED), verdict_entry(DONE, PASSED, 9)).written is None


def test_an_older_version_reads_a_validation_as_the_same_status_once_more() -> None:
    """It reads every entry as a job, and ignores attributes that it does not know."""
    read = [RestoreJob.model_validate(entry) for entry in MIXED]
    ids = [StatusChange(job, None, 1, NOON).event_id for job in read]

    assert read == [RUNNING, RUNNING, DONE, DONE, DONE]
    assert ids == [ids[0], ids[0], ids[2], ids[2], ids[2]]
    assert all(entry.keys() - {"validation"} == status_entry(DONE, 0).keys() for entry in MIXED[2:])


@pytest.mark.parametrize(
    "validation",
    [None, "PASSED", {}, {"verdict": "~|~"}, {"verdict": "PASSED", "validatedAt": "~|~"}],
    ids=["nothing", "text", "no verdict", "another verdict", "no moment"],
)
def test_a_validation_that_cannot_be_read_is_an_error_that_quotes_nothing(
    validation: object,
) -> None:
    with pytest.raises(TableUnavailableError, match="this version cannot read") as refused:
        read_item(stored(MIXED[0], MIXED[1] | {"validation": validation}))

    assert "~|~" not in str(refused.value)


def test_the_largest_item_fits_in_dynamodb() -> None:
    """400 KB: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""
    sign = "\N{COLLISION SYMBOL}"
    texts = dict.fromkeys(TEXTS, sign * TEXT_LIMIT)
    dates = dict.fromkeys(DATES, "2026-05-04T12:00:00.123456Z")
    job = plain_job(cluster_name="c" * 64, **texts, **dates)
    validation = Validation(
        verdict=Verdict.FAILED,
        validated_by=sign * VALIDATED_BY_LIMIT,
        detail=sign * DETAIL_LIMIT,
        validated_at=NOON,
    )
    known = len(RestoreStatus) - 1
    item = stored(
        *([status_entry(job, 0)] * (UNKNOWN_LIMIT + known)),
        *([verdict_entry(job, validation, 1)] * VALIDATIONS_LIMIT),
    )

    assert len(json.dumps(item, ensure_ascii=False).encode()) < 400 * 1024


# --- beside status changes


def unknown(word: str) -> RestoreJob:
    return plain_job(status=RestoreStatus.UNKNOWN, atlas_status=word)


@settings(max_examples=50)
@given(st.lists(validations, max_size=VALIDATIONS_LIMIT), jobs())
def test_validations_do_not_affect_what_counts_as_a_change(
    found: list[Validation], job: RestoreJob
) -> None:
    statuses = [RUNNING, *(unknown(f"W{n}") for n in range(UNKNOWN_LIMIT - 2))]
    plain = [status_entry(one, n) for n, one in enumerate(statuses)]
    last = statuses[-1]
    without = read_item(stored(*plain))
    mixed = read_item(
        stored(
            plain[0],
            *(verdict_entry(RUNNING, one, 0) for one in found),
            *plain[1:],
            *(verdict_entry(last, one, 99) for one in found),
        )
    )

    for candidate in (job, unknown("W1"), unknown("NEW"), DONE):
        for judge in (is_contradiction, is_new_unknown, has_room_for_unknown):
            assert judge(candidate, mixed.changes) == judge(candidate, without.changes)
    assert [one.event_id for one in mixed.changes] == [one.event_id for one in without.changes]
    assert [one.previous_status for one in mixed.changes] == [
        one.previous_status for one in without.changes
    ]


# --- repetitions


def recorded_as(*found: Validation) -> tuple[RecordedValidation, ...]:
    return tuple(
        RecordedValidation(DONE, one, number, NOON) for number, one in enumerate(found, start=2)
    )


@given(validations, validations)
def test_a_validation_that_equals_the_last_one_is_a_repetition(
    earlier: Validation, last: Validation
) -> None:
    found = recorded_before(last, recorded_as(earlier, last))

    assert found is not None
    assert (found.sequence, found.validation) == (3, last)


def test_only_the_moment_of_the_test_identifies_an_earlier_validation() -> None:
    recorded = recorded_as(PASSED, FAILED, Validation(verdict=Verdict.PASSED))

    assert recorded_before(PASSED, recorded) == recorded[0]
    # The same verdict of another test, or a repetition that came late: nobody can know.
    assert recorded_before(FAILED, recorded) is None
    assert recorded_before(PASSED, ()) is None


def test_a_retry_by_lambda_is_a_repetition_wherever_it_stands_in_the_history() -> None:
    entries = [
        status_entry(DONE, 0),
        *(
            validation_entry(DONE, one, NOON, request_id)
            for one, request_id in [(FAILED, "r1"), (PASSED, "r2"), (FAILED, None)]
        ),
    ]
    recorded = read_item(stored(*entries)).validations

    assert [one.request_id for one in recorded] == ["r1", "r2", None]
    assert recorded_before(FAILED, recorded, "r1") == recorded[0]
    # Another invocation, so it may repeat the last one only, or one with a moment.
    assert recorded_before(FAILED, recorded, "r3") == recorded[2]
    assert recorded_before(FAILED, recorded[:2], "r3") is None
    assert all("request" not in str(cloud_event(one)) for one in recorded)


@given(validations, st.sampled_from(["verdict", "validated_by", "detail", "validated_at"]))
def test_a_validation_that_differs_in_any_field_is_new(validation: Validation, field: str) -> None:
    others: dict[str, Any] = {
        "verdict": next(one for one in Verdict if one is not validation.verdict),
        "validated_by": f"{validation.validated_by}?",
        "detail": f"{validation.detail}?",
        "validated_at": NOON if validation.validated_at != NOON else None,
    }
    other = validation.model_copy(update={field: others[field]})

    assert recorded_before(other, recorded_as(validation)) is None


# --- the message


@given(recorded_validations)
def test_the_subject_and_the_attributes_are_what_sns_accepts(entry: RecordedValidation) -> None:
    attributes = {name: one["StringValue"] for name, one in message_attributes(entry).items()}

    assert subject(entry).isascii()
    assert len(subject(entry)) < 100
    assert attributes == {
        "type": "atlas-restore-watch.validation-recorded.v1",
        "verdict": entry.validation.verdict,
        "kind": entry.job.kind,
        "groupId": entry.job.group_id,
        "clusterName": entry.job.cluster_name,
    }


def test_every_entry_of_a_history_has_an_id_that_no_other_has() -> None:
    ids = [cloud_event(one)["id"] for one in read_item(stored(*MIXED)).history]

    assert len(set(ids)) == len(ids)
    assert ids == [cloud_event(one)["id"] for one in read_item(stored(*MIXED)).history]


# --- what is removed from its texts


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("12 of 12 collections: ok", "12 of 12 collections: ok"),
        ("Prüfung bestanden, 検証済み", "Prüfung bestanden, 検証済み"),
        ("read mongodb+srv://u:p@host.example.net/db", "read [redacted]"),
        ("see https://ci.example.net/1?sig=x now", "see [redacted] now"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("DB_PASSWORD=x1 failed", "DB_PASSWORD=[redacted] failed"),
        ("--password x1 --db a", "--password [redacted] --db a"),
        ('{"client_secret": "a b", "n": 1}', '{"client_secret": [redacted], "n": 1}'),
        (r"{\"apiKey\":\"a b\"}", r"{\"apiKey\":[redacted]}"),
        ("token:'a b' x", "token:[redacted] x"),
        ("the password is wrong", "the password is wrong"),
        (
            "key -----BEGIN PRIVATE KEY-----\nMI//x\n-----END PRIVATE KEY-----\nok",
            "key [redacted] ok",
        ),
        (
            r"a -----BEGIN RSA PRIVATE KEY-----\nMI+x=\n-----END RSA PRIVATE KEY----- b",
            "a [redacted] b",
        ),
        ('{"key": "-----BEGIN EC PRIVATE KEY-----\nMI x"}', '{"key": "[redacted]'),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----",
            "[redacted]",
        ),
        ("-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----"),
        ("one\ntwo\x1b[31m\ud800\u202ethree", "one two [31m  three"),
        (" \t\n", ""),
    ],
    ids=repr,
)
def test_urls_and_named_secrets_are_removed_and_words_stay(given: str, kept: str) -> None:
    assert redact_report(given, DETAIL_LIMIT) == kept


@given(
    st.sampled_from(["https://h.example.net/", "PASSWORD=", "--token ", '"secret": "', "bearer "]),
    st.text(visible_ascii, max_size=40).filter(lambda text: not {*text} & {'"', "'"}),
    st.text(max_size=40),
)
def test_a_secret_after_its_name_never_stays(name: str, around: str, rest: str) -> None:
    hidden = random_secrets.token_hex(8)

    assert hidden not in redact_report(f"{rest} {name}{around}{hidden} {rest}", DETAIL_LIMIT)


@given(st.text(max_size=DETAIL_LIMIT), st.sampled_from([VALIDATED_BY_LIMIT, DETAIL_LIMIT]))
def test_a_text_becomes_one_line_within_its_limit(text: str, limit: int) -> None:
    kept = redact_report(text, limit)

    assert len(kept) <= limit
    assert kept.isprintable()
