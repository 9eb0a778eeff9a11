"""Sweeps over an index that lags behind its table: F67."""

import pytest

from local_stack.stale_index import stale_index
from local_stack.wire import Answer
from reliability.campaign import Campaign, Stored, delete_item
from reliability.steps import PUBLISH, RECORD
from reliability.sweeping import Sweeps, missing_job
from restore_watch.errors import NotificationPendingError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

STEPS = ["PENDING", "RUNNING", "COMPLETED"]


@pytest.mark.fault("F67")
@cases("steps", [1, 2], ids=["an-older-state", "a-job-that-is-settled"])
def test_an_index_that_lags_brings_nothing_back_and_repeats_nothing(
    campaign: Campaign, sweeps: Sweeps, steps: int
) -> None:
    job = campaign.job(timeline=STEPS)
    campaign.check(job)
    with stale_index(campaign.stack):
        for _ in range(steps):
            job.advance()
            campaign.check(job)
        before, messages = campaign.item(job), campaign.published(job)
        campaign.stack.forget_calls()
        result = sweeps.sweep()

    assert (result["open"], result["checked"], result["changed"]) == (1, 1, 0)
    assert campaign.count(RECORD) == 1  # the conditional write decides
    assert campaign.item(job) == before
    assert campaign.published(job) == messages == STEPS[: steps + 1]

    job.run_to_end()
    sweeps.sweep()
    assert campaign.published(job) == STEPS
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)
    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F67")
def test_a_change_is_recorded_once_although_the_index_shows_the_state_before_the_last(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=STEPS)
    campaign.check(job)
    with stale_index(campaign.stack):
        job.advance()
        campaign.check(job)
        job.advance()
        results = [sweeps.sweep(application) for application in (None, sweeps.environment())]

    assert [result["changed"] for result in results] == [1, 0]
    history = (campaign.item(job) or {})["history"]
    assert [one["status"] for one in history] == STEPS
    assert campaign.published(job) == STEPS


@pytest.mark.fault("F67")
@cases("published", [False, True], ids=["not-published", "published-meanwhile"])
def test_what_the_index_shows_as_pending_is_published_once(
    campaign: Campaign,
    sweeps: Sweeps,
    published: bool,  # noqa: FBT001
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.inject(PUBLISH, Answer(400))
    campaign.refused(NotificationPendingError, job)
    with stale_index(campaign.stack):
        if published:
            campaign.check(job)
        results = [sweeps.sweep() for _ in range(2)]

    assert [result["published"] for result in results] == ([0, 0] if published else [1, 0])
    assert campaign.published(job) == ["RUNNING"]
    assert campaign.stored(job) == Stored("RUNNING", 1, 1)


@pytest.mark.fault("F67")
def test_a_change_that_the_index_does_not_show_as_pending_yet_is_published_once_it_does(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    with stale_index(campaign.stack):
        job.advance()
        campaign.inject(PUBLISH, Answer(400))
        campaign.refused(NotificationPendingError, job)
        campaign.pass_time(60)
        # Atlas's answer is news to the index, so the item is asked, which knows what is pending.
        assert sweeps.sweep()["published"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)

    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F67")
def test_a_job_that_the_index_does_not_show_yet_is_followed_once_it_does(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    with stale_index(campaign.stack):
        campaign.check(job)
        job.advance()
        assert sweeps.sweep()["open"] == 0

    assert sweeps.sweep()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F67")
def test_a_job_that_was_found_again_stays_although_the_index_shows_it_as_missing(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = missing_job(campaign, sweeps)
    with stale_index(campaign.stack):
        campaign.atlas.show_restore(job)
        campaign.pass_time(300)
        sweeps.sweep()
        assert "missingSince" not in (campaign.item(job) or {})
        campaign.atlas.hide_restore(job)
        campaign.pass_time(25 * 3600)
        # By the index it has been missing for a day, by the table for no time at all.
        sweeps.sweep()
    assert "openShard" in (campaign.item(job) or {})

    campaign.pass_time(300)
    campaign.atlas.show_restore(job)
    job.advance()
    assert sweeps.sweep()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F67", "F63")
def test_a_job_whose_item_was_deleted_is_recorded_again_only_by_a_change(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    with stale_index(campaign.stack):
        delete_item(campaign, job)
        sweeps.sweep()
        assert campaign.item(job) is None
        job.advance()
        assert sweeps.sweep()["changed"] == 1

    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
