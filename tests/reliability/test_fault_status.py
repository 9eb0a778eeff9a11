"""The statuses of a restore, in any order: F11 to F14."""

from collections.abc import Mapping

import pytest

from local_stack.atlas import EmulatedRestore, Kind
from reliability.campaign import Campaign, Stored, log_lines
from restore_watch.model.restore_job import RestoreStatus

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.mark.fault("F11")
@cases(
    ("kind", "timeline", "before", "after"),
    [
        ("flex", ["PENDING", "COMPLETED"], "PENDING", "COMPLETED"),
        ("dedicated", ["running", "finished"], "RUNNING", "COMPLETED"),
        ("dedicated", ["running", "cancelled"], "RUNNING", "CANCELLED"),
    ],
    ids=["flex", "dedicated", "dedicated-cancelled"],
)
def test_statuses_skipped_between_checks_give_one_message(
    campaign: Campaign, kind: Kind, timeline: list[str], before: str, after: str
) -> None:
    job = campaign.job(kind, timeline=timeline)
    campaign.check(job)
    campaign.pass_time(61)
    job.run_to_end()
    campaign.pass_time(7)
    result = campaign.check(job)
    assert (result.previous_status, result.job.status, result.sequence) == (before, after, 2)

    _, message = campaign.messages(job)
    data = message.event["data"]
    assert (data["previousStatus"], data["status"], data["sequence"]) == (before, after, 2)
    assert data["durationSeconds"] in {60, 61, 62}
    assert 7 <= data["detectionLatencySeconds"] < 10
    assert data["succeeded"] is (after == "COMPLETED")
    assert campaign.published(job) == [before, after]


@pytest.mark.fault("F11")
@cases("kind", ["flex", "dedicated"])
def test_a_job_that_has_ended_before_its_first_check_gives_one_message(
    campaign: Campaign, kind: Kind
) -> None:
    job = campaign.finished_job(kind)
    assert campaign.check(job).previous_status is None

    (message,) = campaign.messages(job)
    assert message.event["data"]["previousStatus"] is None
    assert "previousStatus" not in message.attributes


@pytest.mark.fault("F11")
def test_detection_latency_is_measured_only_for_jobs_seen_before_their_end(
    campaign: Campaign,
) -> None:
    seen = campaign.job()
    campaign.invoke(seen)
    seen.run_to_end()
    campaign.stack.logs()
    campaign.invoke(seen)
    assert len([line for line in log_lines(campaign.stack) if "DetectionLatency" in line]) == 1

    late = campaign.job(timeline=["COMPLETED"])
    late.set(restoreFinishedDate="2026-01-05T12:00:00Z")
    campaign.invoke(late)
    assert [line for line in log_lines(campaign.stack) if "DetectionLatency" in line] == []
    (message,) = campaign.messages(late)
    assert message.event["data"]["detectionLatencySeconds"] > 3600


@pytest.mark.fault("F12")
@cases("delivery_type", ["automated", "pointInTime"])
def test_an_automated_restore_that_expires_later_sends_no_message(
    campaign: Campaign, delivery_type: str
) -> None:
    timeline = ["running", "finished", "expired"]
    job = campaign.job("dedicated", delivery_type=delivery_type, timeline=timeline)
    checker = campaign.environment()
    job.advance()
    campaign.check(job, checker)
    job.advance()
    job.drop("finishedAt")
    campaign.stack.forget_calls()
    result = campaign.check(job, checker)

    assert (result.changed, result.contradiction, result.job.status) == (False, None, "COMPLETED")
    assert campaign.calls() == ["dedicated", "record"]
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F14")
@cases(
    ("kind", "timeline", "contradicts"),
    [
        ("flex", ["FAILED", "COMPLETED"], {}),
        ("dedicated", ["failed"], {"failed": False}),
        ("dedicated", ["cancelled"], {"cancelled": False, "failed": False}),
    ],
    ids=["flex", "dedicated-failed", "dedicated-cancelled"],
)
def test_the_first_end_stays_when_atlas_names_another_one(
    campaign: Campaign, kind: Kind, timeline: list[str], contradicts: Mapping[str, bool]
) -> None:
    job = campaign.job(kind, timeline=timeline)
    end = campaign.check(job).job.status
    job.run_to_end()
    job.set(**contradicts)
    result = campaign.check(job)

    assert (result.changed, result.job.status) == (False, end)
    assert result.contradiction is RestoreStatus.COMPLETED
    assert campaign.published(job) == [end]
    assert campaign.stored(job) == Stored(end, 1, 1)


@pytest.mark.fault("F14")
def test_a_contradiction_is_logged_and_counted_once(campaign: Campaign) -> None:
    job = campaign.job(timeline=["FAILED", "COMPLETED"])
    campaign.invoke(job)
    job.advance()
    campaign.stack.logs()
    for _ in range(3):
        campaign.invoke(job)
    lines = log_lines(campaign.stack)

    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert (warning["recorded"], warning["contradiction"]) == ("FAILED", "COMPLETED")
    assert [line["Contradictions"] for line in lines if "Contradictions" in line] == [[1.0]]


# Downloads

DOWNLOAD = {"dedicated": "download", "flex": "DOWNLOAD"}
READY = {"dedicated": "download-ready", "flex": "COMPLETED"}


def download(campaign: Campaign, kind: Kind, *steps: str) -> EmulatedRestore:
    """A download on its way: running, then these steps."""
    first = "running" if kind == "dedicated" else "RUNNING"
    return campaign.job(kind, delivery_type=DOWNLOAD[kind], timeline=[first, *steps])


@pytest.mark.fault("F13", "F56")
@cases(
    ("kind", "step", "end"),
    [
        ("dedicated", "expired", "EXPIRED"),
        ("dedicated", "cancelled", "CANCELLED"),
        ("dedicated", "failed", "FAILED"),
        ("flex", "EXPIRED", "EXPIRED"),
        ("flex", "CANCELED", "CANCELLED"),
        ("flex", "FAILED", "FAILED"),
    ],
)
def test_a_ready_download_stays_open_and_its_later_end_is_published(
    campaign: Campaign, kind: Kind, step: str, end: str
) -> None:
    job = download(campaign, kind, READY[kind], step)
    checker = campaign.environment()
    campaign.check(job, checker)
    job.advance()
    ready = campaign.check(job, checker)
    assert (ready.job.download_available, ready.job.succeeded) == (True, True)
    item = campaign.item(job) or {}
    assert "openShard" in item
    assert "expiresAt" in item

    job.advance()
    ended = campaign.check(job, checker)
    assert (ended.previous_status, ended.job.status) == ("COMPLETED", end)
    assert (ended.job.download_available, ended.job.succeeded) == (False, False)
    assert campaign.published(job) == ["RUNNING", "COMPLETED", end]
    assert campaign.stored(job) == Stored(end, 3, 3)
    item = campaign.item(job) or {}
    assert item["downloadAvailable"] is False
    assert "openShard" not in item

    assert not campaign.check(job, checker).changed
    assert campaign.published(job) == ["RUNNING", "COMPLETED", end]


@pytest.mark.fault("F8", "F56")
def test_an_older_answer_does_not_make_a_cancelled_download_ready_again(
    campaign: Campaign,
) -> None:
    job = download(campaign, "dedicated", "download-ready", "cancelled")
    for _ in range(2):
        job.advance()
        campaign.check(job)
    job.set(cancelled=False, failed=False)
    result = campaign.check(job)

    assert (result.changed, result.job.status) == (False, "CANCELLED")
    assert result.contradiction is None
    assert campaign.published(job) == ["COMPLETED", "CANCELLED"]


@pytest.mark.fault("F13")
def test_the_message_of_a_ready_download_counts_the_latency_from_its_link(
    campaign: Campaign,
) -> None:
    job = download(campaign, "dedicated", "download-ready")
    campaign.check(job)
    job.advance()
    campaign.pass_time(40)
    campaign.check(job)

    _, ready = campaign.messages(job)
    assert 39 <= ready.event["data"]["detectionLatencySeconds"] <= 43


@pytest.mark.fault("F57")
@cases(
    ("checked_after", "published"),
    [
        (["expired", "finished"], ["RUNNING", "EXPIRED"]),
        (["finished", "expired"], ["RUNNING", "COMPLETED", "EXPIRED"]),
        (["finished+expired"], ["RUNNING", "EXPIRED"]),
        (["expired+finished"], ["RUNNING", "EXPIRED"]),
        (["download-ready+expired"], ["RUNNING", "EXPIRED"]),
        (["download-ready", "expired+finished"], ["RUNNING", "COMPLETED", "EXPIRED"]),
        (["download-ready", "finished+expired"], ["RUNNING", "COMPLETED", "EXPIRED"]),
        (["download-ready", "finished", "expired"], ["RUNNING", "COMPLETED", "EXPIRED"]),
    ],
    ids=",".join,
)
def test_a_download_expires_with_or_without_a_finish_date(
    campaign: Campaign, checked_after: list[str], published: list[str]
) -> None:
    moves = [move.split("+") for move in checked_after]
    job = download(campaign, "dedicated", *(step for move in moves for step in move))
    checker = campaign.environment()
    campaign.check(job, checker)
    for move in moves:
        for _ in move:
            job.advance()
        result = campaign.check(job, checker)
        assert result.contradiction is None

    assert campaign.published(job) == published
    assert campaign.stored(job) == Stored("EXPIRED", len(published), len(published))
    assert (campaign.item(job) or {})["downloadAvailable"] is False
