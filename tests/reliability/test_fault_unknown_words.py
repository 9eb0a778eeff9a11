"""Status words that Atlas may add one day: F15 and F58."""

import json
from contextlib import suppress

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.wire import (
    Answer,
)
from reliability.campaign import Campaign, Stored
from reliability.steps import PUBLISH
from restore_watch.errors import NotificationPendingError
from restore_watch.model.results import CheckResult
from restore_watch.model.status_change import UNKNOWN_LIMIT

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.mark.fault("F15")
def test_an_unknown_word_is_published_once_and_the_job_stays_open(campaign: Campaign) -> None:
    job = campaign.job(timeline=["RUNNING", "PAUSED", "COMPLETED"])
    campaign.check(job)
    job.advance()
    for changed in (True, False):
        result = campaign.check(job)
        assert (result.changed, result.job.status) == (changed, "UNKNOWN")
        assert (result.job.terminal, result.job.atlas_status) == (False, "PAUSED")

    job.advance()
    assert campaign.check(job).previous_status == "UNKNOWN"
    assert campaign.published(job) == ["RUNNING", "UNKNOWN:PAUSED", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


def follow(campaign: Campaign, job: EmulatedRestore) -> list[CheckResult]:
    """Check the job at its present step and at all that follow."""
    checker = campaign.environment()
    results = [campaign.check(job, checker)]
    with suppress(LookupError):
        while job.advance():
            results.append(campaign.check(job, checker))
    return results


@pytest.mark.fault("F58")
def test_each_unknown_word_is_a_change_with_its_own_id(campaign: Campaign) -> None:
    job = campaign.job(timeline=["RUNNING", "PAUSED", "RESUMING", "COMPLETED"])
    results = follow(campaign, job)

    assert all(result.changed for result in results)
    assert [result.sequence for result in results] == [1, 2, 3, 4]
    assert results[2].previous_status == "UNKNOWN"
    ids = ["RUNNING", "UNKNOWN:PAUSED", "UNKNOWN:RESUMING", "COMPLETED"]
    assert campaign.published(job) == ids
    assert campaign.stored(job) == Stored("COMPLETED", 4, 4)


@pytest.mark.fault("F58")
def test_a_cancellation_in_an_unknown_spelling_ends_as_cancelled(
    campaign: Campaign,
) -> None:
    job = campaign.job(timeline=["RUNNING", "CANCELLING", "CANCELED"])
    checker = campaign.environment()
    campaign.check(job, checker)
    job.advance()
    campaign.check(job, checker)
    assert "openShard" in (campaign.item(job) or {})
    job.advance()
    job.set(restoreFinishedDate="2026-10-05T12:05:05Z")
    result = campaign.check(job, checker)

    assert (result.job.terminal, result.job.succeeded) == (True, False)
    assert campaign.published(job) == ["RUNNING", "UNKNOWN:CANCELLING", "CANCELLED"]
    assert campaign.stored(job) == Stored("CANCELLED", 3, 3)
    assert "openShard" not in (campaign.item(job) or {})


@pytest.mark.fault("F15", "F58")
@cases("words", [["CLOSED", "CLOSED"], ["CLOSING", "CLOSED"]], ids=["same-word", "another-word"])
def test_an_unknown_word_that_gains_a_finish_date_is_a_change_and_an_end(
    campaign: Campaign, words: list[str]
) -> None:
    job = campaign.job(timeline=words)
    campaign.check(job)
    assert "expiresAt" not in (campaign.item(job) or {})

    job.advance()
    job.set(restoreFinishedDate="2026-10-05T12:05:05Z")
    result = campaign.check(job)
    assert (result.changed, result.job.terminal, result.job.succeeded) == (True, True, None)
    item = campaign.item(job) or {}
    assert item["terminal"] is True
    assert item["restoreFinishedDate"] == "2026-10-05T12:05:05Z"
    assert "expiresAt" in item
    assert "openShard" not in item

    assert not campaign.check(job).changed
    assert campaign.published(job) == [f"UNKNOWN:{words[0]}", "UNKNOWN:CLOSED:ENDED"]
    assert campaign.stored(job) == Stored("UNKNOWN", 2, 2)


@pytest.mark.fault("F58")
def test_an_older_answer_does_not_bring_an_unknown_word_back(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PAUSED", "RESUMING", "PAUSED", "RESUMING", "RUNNING"])
    results = follow(campaign, job)

    assert [result.changed for result in results] == [True, True, False, False, False]
    assert results[-1].job.atlas_status == "RESUMING"
    assert campaign.published(job) == ["UNKNOWN:PAUSED", "UNKNOWN:RESUMING"]


WORDS_RECORDED = UNKNOWN_LIMIT - 1
"""Unknown words without a finish date that a history holds; one more place is kept for an end."""


@pytest.mark.fault("F49", "F58")
def test_thirty_unknown_words_leave_room_for_the_end(campaign: Campaign) -> None:
    words = [f"WORD-{number}-{'x' * 200}" for number in range(30)]
    job = campaign.job(timeline=words)
    results = follow(campaign, job)
    assert [result.changed for result in results] == [n < WORDS_RECORDED for n in range(30)]
    assert [one.unrecorded_word for one in results if one.unrecorded_word] == words[WORDS_RECORDED:]
    assert "openShard" in (campaign.item(job) or {})

    job.set(restoreFinishedDate="2026-10-05T12:05:05Z")
    ended = campaign.check(job)
    assert (ended.changed, ended.job.terminal, ended.job.succeeded) == (True, True, None)
    assert "openShard" not in (campaign.item(job) or {})

    job.set(status="COMPLETED")
    assert campaign.check(job).changed
    ids = [f"UNKNOWN:{word}" for word in words[:WORDS_RECORDED]]
    assert campaign.published(job) == [*ids, f"UNKNOWN:{words[-1]}:ENDED", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", UNKNOWN_LIMIT + 1, UNKNOWN_LIMIT + 1)
    assert len(json.dumps(campaign.item(job), default=str)) < 100_000


@pytest.mark.fault("F8", "F58")
def test_an_unknown_end_is_final_for_unknown_words(campaign: Campaign) -> None:
    job = campaign.job(timeline=["CLOSED", "PAUSED"])
    job.set(restoreFinishedDate="2026-10-05T12:05:05Z")
    campaign.check(job)
    job.advance()
    job.drop("restoreFinishedDate")

    assert not campaign.check(job).changed
    assert campaign.published(job) == ["UNKNOWN:CLOSED:ENDED"]
    assert "openShard" not in (campaign.item(job) or {})


@pytest.mark.fault("F3", "F58")
def test_unknown_words_that_sns_refused_are_published_in_order(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PAUSED", "RESUMING", "CLOSED"])
    with campaign.inject(PUBLISH, Answer(400), times=None):
        for _ in range(3):
            campaign.refused(NotificationPendingError, job)
            with suppress(LookupError):
                job.advance()
    campaign.check(job)

    ids = ["UNKNOWN:PAUSED", "UNKNOWN:RESUMING", "UNKNOWN:CLOSED"]
    assert campaign.published(job) == ids
    assert [one.event["data"]["sequence"] for one in campaign.messages(job)] == [1, 2, 3]
