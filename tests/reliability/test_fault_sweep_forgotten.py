"""Jobs that Atlas no longer knows, and downloads that do not expire: F70 and F83."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.refusal import atlas_error, oauth_error
from local_stack.wire import Action, Answer, Close, Selection
from reliability.campaign import Campaign, Stored
from reliability.steps import ATLAS, DEDICATED, MISSING_ROLE, PUBLISH, SECRET, TOKEN
from reliability.sweeping import ANY_QUESTION, Sweeps, many_jobs, metrics
from restore_watch.errors import (
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    NotificationPendingError,
    RestoreWatchError,
)

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

HOUR = 3600.0


def pending_jobs(campaign: Campaign) -> tuple[EmulatedRestore, EmulatedRestore]:
    """One job that has ended and one that has not; SNS refused the last message of both."""
    ended = campaign.job(timeline=["RUNNING", "COMPLETED"])
    running = campaign.job(timeline=["PENDING", "RUNNING"])
    checker = campaign.environment()
    for job in (ended, running):
        campaign.check(job, checker)
        job.advance()
        with campaign.inject(PUBLISH, Answer(400)):
            campaign.refused(NotificationPendingError, job, checker)
    campaign.pass_time(120)
    campaign.stack.forget_calls()
    return ended, running


def all_published(campaign: Campaign, ended: EmulatedRestore, running: EmulatedRestore) -> bool:
    return (
        campaign.published(ended) == ["RUNNING", "COMPLETED"]
        and campaign.published(running) == ["PENDING", "RUNNING"]
        and campaign.stored(ended) == Stored("COMPLETED", 2, 2)
        and campaign.stored(running) == Stored("RUNNING", 2, 2)
    )


GONE: dict[str, tuple[Action, str]] = {
    "job": (atlas_error(404, "RESOURCE_NOT_FOUND", "No such job."), "RestoreJobNotFoundError"),
    "project": (atlas_error(404, "GROUP_NOT_FOUND", "None."), "RestoreJobNotFoundError"),
    "role": (MISSING_ROLE, "AtlasUnauthorizedError"),
    "closed": (Close(), "AtlasUnavailableError"),
}


@pytest.mark.fault("F70")
@cases(("fault", "error"), list(GONE.values()), ids=list(GONE))
def test_what_is_pending_is_published_although_atlas_does_not_know_the_job(
    campaign: Campaign, sweeps: Sweeps, fault: Action, error: str
) -> None:
    jobs = pending_jobs(campaign)
    campaign.inject(ANY_QUESTION, fault, times=None)
    result = sweeps.sweep()

    assert result["published"] == 2
    # Nothing more can come of the job that has ended, so Atlas is not asked about it.
    assert [(one["restoreId"], one["error"]) for one in result["failures"]] == [
        (jobs[1].restore_id, error)
    ]
    assert all_published(campaign, *jobs)
    campaign.heal()
    campaign.pass_time(60)
    assert sweeps.sweep()["failures"] == []
    assert all_published(campaign, *jobs)


NO_ACCESS: dict[str, tuple[Selection, Action, type[RestoreWatchError]]] = {
    "token-refused": (TOKEN, oauth_error(401, "invalid_client", "x"), AtlasUnauthorizedError),
    "token-closed": (TOKEN, Close(), AtlasUnavailableError),
    "secret-denied": (SECRET, aws_error("secretsmanager", "AccessDenied"), CredentialsError),
}


@pytest.mark.fault("F70", "F55")
@cases(("step", "fault", "error"), list(NO_ACCESS.values()), ids=list(NO_ACCESS))
def test_what_is_pending_is_published_before_a_sweep_without_credentials_fails(
    campaign: Campaign,
    sweeps: Sweeps,
    step: Selection,
    fault: Action,
    error: type[RestoreWatchError],
) -> None:
    jobs = pending_jobs(campaign)
    campaign.inject(step, fault, times=None)
    sweeps.fails(error)
    assert all_published(campaign, *jobs)
    assert sweeps.questions() == []
    assert "owner" not in sweeps.lease

    campaign.heal()
    campaign.pass_time(60)
    assert sweeps.sweep()["checked"] == 1
    assert all_published(campaign, *jobs)


@pytest.mark.fault("F70")
def test_what_is_pending_waits_for_sns_although_atlas_forgot_the_job_a_day_ago(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    ended, running = pending_jobs(campaign)
    campaign.atlas.hide_restore(running)
    with campaign.inject(PUBLISH, aws_error("sns", "AuthorizationError", status=403), times=None):
        for _ in range(3):
            sweeps.sweep()
            campaign.pass_time(13 * HOUR)
    assert "openShard" in (campaign.item(running) or {})
    assert campaign.stored(running) == Stored("RUNNING", 2, 1)

    assert sweeps.sweep()["published"] == 2
    assert all_published(campaign, ended, running)
    campaign.pass_time(HOUR)
    sweeps.sweep()
    assert sweeps.sweep()["open"] == 0


def left(sweeps: Sweeps, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Why jobs are no longer followed, by the log; the metric counts as many."""
    counted = sum(metrics(capsys).get("JobsNoLongerFollowed", []))
    reasons = [line["reason"] for line in sweeps.logged("WARNING") if "reason" in line]
    assert counted == len(reasons)
    return reasons


def follow(sweeps: Sweeps, hours: float, step: float = HOUR) -> list[dict[str, Any]]:
    """Sweep again and again until this time has passed."""
    results = []
    for _ in range(round(hours * HOUR / step)):
        sweeps.campaign.pass_time(step)
        results.append(sweeps.sweep())
    return results


def link_without_a_date(job: EmulatedRestore) -> None:
    job.drop("expirationDate", "expiresAt")


def link_of_an_hour(job: EmulatedRestore) -> None:
    ends = job.clock() + timedelta(hours=1)
    job.set(expirationDate=ends.strftime("%Y-%m-%dT%H:%M:%SZ"))


@pytest.mark.fault("F83")
@cases(
    ("shape", "hours"),
    [(link_of_an_hour, 2), (link_without_a_date, 24)],
    ids=["with-a-date", "without-a-date"],
)
def test_a_download_that_never_expires_leaves_the_index(
    campaign: Campaign,
    sweeps: Sweeps,
    capsys: pytest.CaptureFixture[str],
    shape: Callable[[EmulatedRestore], None],
    hours: int,
) -> None:
    job = campaign.job(delivery_type="DOWNLOAD", timeline=["RUNNING", "COMPLETED"])
    shape(job)
    campaign.check(job)
    job.advance()
    assert sweeps.sweep()["changed"] == 1
    campaign.pass_time((hours - 1) * HOUR - 60)
    assert sweeps.sweep()["open"] == 1
    assert left(sweeps, capsys) == []

    assert [result["open"] for result in follow(sweeps, 3)] == [1, 1, 0]
    assert left(sweeps, capsys) == ["its link has expired"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    assert "expiresAt" in (campaign.item(job) or {})
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F83", "F13")
def test_a_download_that_expires_in_time_is_followed_to_its_end(
    campaign: Campaign, sweeps: Sweeps, capsys: pytest.CaptureFixture[str]
) -> None:
    job = campaign.job(
        "dedicated",
        delivery_type="download",
        timeline=["running", "download-ready", "finished+expired"],
    )
    campaign.check(job)
    job.advance()
    sweeps.sweep()
    follow(sweeps, 1)
    job.advance()
    follow(sweeps, 0.5, 600)

    assert campaign.published(job) == ["RUNNING", "COMPLETED", "EXPIRED"]
    assert left(sweeps, capsys) == []
    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F83")
@cases("code", ["RESOURCE_NOT_FOUND", "GROUP_NOT_FOUND"])
def test_a_job_that_atlas_has_forgotten_for_a_day_leaves_the_index(
    campaign: Campaign, sweeps: Sweeps, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    campaign.pass_time(120)
    gone = atlas_error(404, code, "It is gone.")
    faults = [campaign.inject(step, gone, times=None) for step in (ATLAS, DEDICATED)]
    campaign.atlas.omit_from_lists(job)
    sweeps.sweep()
    missing_since = (campaign.item(job) or {})["missingSince"]
    results = [one for _ in range(2) for one in follow(sweeps, 11.9, 11.9 * HOUR)]
    assert [result["failures"][0]["error"] for result in results] == ["RestoreJobNotFoundError"] * 2
    assert (campaign.item(job) or {})["missingSince"] == missing_since
    assert left(sweeps, capsys) == []
    assert [result["open"] for result in follow(sweeps, 2)] == [1, 0]
    assert left(sweeps, capsys) == ["Atlas does not know it"]
    assert campaign.stored(job) == Stored("RUNNING", 1, 1)
    assert "expiresAt" not in (campaign.item(job) or {})

    # A check by name follows it again.
    for fault in faults:
        fault.remove()
    assert not campaign.check(job).changed
    assert "missingSince" not in (campaign.item(job) or {})
    job.advance()
    assert sweeps.sweep()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F83")
@cases("by_name", [False, True], ids=["by-a-sweep", "by-a-check"])
def test_a_job_that_is_found_again_has_another_day(
    campaign: Campaign,
    sweeps: Sweeps,
    capsys: pytest.CaptureFixture[str],
    by_name: bool,  # noqa: FBT001
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    campaign.pass_time(120)
    campaign.atlas.hide_restore(job)
    follow(sweeps, 20, 20 * HOUR)
    campaign.atlas.show_restore(job)
    if by_name:
        assert not campaign.check(job).changed
    else:
        sweeps.sweep(sweeps.environment())
    assert "missingSince" not in (campaign.item(job) or {})
    campaign.atlas.hide_restore(job)
    follow(sweeps, 40, 20 * HOUR)
    assert left(sweeps, capsys) == []

    campaign.atlas.show_restore(job)
    job.advance()
    follow(sweeps, 1)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F83")
def test_a_forgotten_job_does_not_make_the_others_of_its_cluster_forgotten(
    campaign: Campaign, sweeps: Sweeps, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, other = many_jobs(campaign, 2, clusters=1, timeline=["RUNNING", "COMPLETED"])
    campaign.pass_time(120)
    for job in (gone, other):
        campaign.atlas.omit_from_lists(job)
    campaign.atlas.hide_restore(gone)
    # What Atlas's dedicated endpoint answers for a Flex cluster was never recorded.
    campaign.inject(DEDICATED, atlas_error(404, "CLUSTER_NOT_FOUND", "No."), times=None)
    other.advance()
    follow(sweeps, 3)

    assert campaign.stored(other) == Stored("COMPLETED", 2, 2)
    follow(sweeps, 27)
    assert left(sweeps, capsys) == ["Atlas does not know it"]
    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F83")
def test_a_job_leaves_the_index_although_the_endpoint_of_the_other_kind_is_gone(
    campaign: Campaign, sweeps: Sweeps, capsys: pytest.CaptureFixture[str]
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    campaign.pass_time(120)
    campaign.atlas.hide_restore(job)
    campaign.inject(DEDICATED, atlas_error(410, "GONE", "No."), times=None)
    follow(sweeps, 27)

    assert left(sweeps, capsys) == ["Atlas does not know it"]
    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F83")
def test_a_ready_download_that_atlas_forgets_leaves_the_index_after_its_link(
    campaign: Campaign, sweeps: Sweeps, capsys: pytest.CaptureFixture[str]
) -> None:
    job = campaign.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
    link_of_an_hour(job)
    campaign.check(job)
    campaign.pass_time(120)
    campaign.atlas.hide_restore(job)
    follow(sweeps, 3)

    assert left(sweeps, capsys) == ["its link has expired"]
    assert sweeps.sweep()["open"] == 0
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F83")
def test_a_job_that_could_not_leave_the_index_leaves_it_with_the_next_sweep(
    campaign: Campaign, sweeps: Sweeps, capsys: pytest.CaptureFixture[str]
) -> None:
    job = campaign.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
    link_of_an_hour(job)
    campaign.check(job)
    campaign.pass_time(2 * HOUR)
    refused = Selection("dynamodb", "UpdateItem", lambda call: b"REMOVE #openShard" in call.body)
    with campaign.inject(refused, aws_error("dynamodb", "InternalServerError", status=500)):
        failures = sweeps.sweep()["failures"]
    assert [one["error"] for one in failures] == ["TableUnavailableError"]
    assert left(sweeps, capsys) == []

    follow(sweeps, 1)
    assert left(sweeps, capsys) == ["its link has expired"]
    assert sweeps.sweep()["open"] == 0
