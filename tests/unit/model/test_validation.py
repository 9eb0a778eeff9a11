"""What a validation is: its repetitions and its message."""

from copy import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from restore_watch.aws.restore_messages import message_of_job
from restore_watch.model.history_entry import RecordedValidation
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.validation import Validation, Verdict, recorded_before
from strategies import plain_job, recorded_validations, validations
from unit.open_jobs import NOON

DONE = plain_job(status=RestoreStatus.COMPLETED)
PASSED = Validation(verdict=Verdict.PASSED, validated_by="drill", validated_at=NOON)
FAILED = Validation(verdict=Verdict.FAILED, detail="2 documents are missing")


# Repetitions


def recorded_as(*found: Validation, requests: str = "") -> tuple[RecordedValidation, ...]:
    """Validations that were recorded in this order, each for its request, if there is one."""
    ids = [*requests.split(), *[None] * len(found)]
    return tuple(
        RecordedValidation(DONE, one, number, NOON, ids[number - 2])
        for number, one in enumerate(found, start=2)
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
    recorded = recorded_as(FAILED, PASSED, FAILED, requests="r1 r2")

    assert recorded_before(FAILED, recorded, "r1") == recorded[0]
    # Another invocation, so it may repeat the last one only, or one with a moment.
    assert recorded_before(FAILED, recorded, "r3") == recorded[2]
    assert recorded_before(FAILED, recorded[:2], "r3") is None
    assert all("request" not in str(message_of_job(one).event) for one in recorded)


@given(validations, st.sampled_from(["verdict", "validated_by", "detail", "validated_at"]))
def test_a_validation_that_differs_in_any_field_is_new(validation: Validation, field: str) -> None:
    others: dict[str, Any] = {
        "verdict": next(one for one in Verdict if one is not validation.verdict),
        "validated_by": f"{validation.validated_by}?",
        "detail": f"{validation.detail}?",
        "validated_at": NOON if validation.validated_at != NOON else None,
    }
    other = replace(validation, **{field: others[field]})

    assert recorded_before(other, recorded_as(validation)) is None


# The message


@given(recorded_validations)
def test_the_subject_and_the_attributes_are_what_sns_accepts(entry: RecordedValidation) -> None:
    attributes = {
        name: one["StringValue"] for name, one in message_of_job(entry).sns_attributes.items()
    }

    assert message_of_job(entry).subject.isascii()
    assert len(message_of_job(entry).subject) < 100
    assert attributes == {
        "type": "atlas-restore-watch.validation-recorded.v1",
        "verdict": entry.validation.verdict,
        "kind": entry.job.kind,
        "groupId": entry.job.group_id,
        "clusterName": entry.job.cluster_name,
    }
    assert (
        message_of_job(entry).event["id"] == f"{entry.job.restore_id}:VALIDATION:{entry.sequence}"
    )
