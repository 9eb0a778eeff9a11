"""Ticks that come late, twice or out of order: F84."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from reliability.campaign import Campaign, Stored, event
from reliability.sweeping import GIVE_BACK, SKIPPED, Sweeps, changed_job
from restore_watch.model.status_change import utc_text
from restore_watch.sweep.sweep import TICK_LIFE

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.mark.fault("F84")
@cases("age", [TICK_LIFE + 1, 3600.0], ids=str)
@cases("form", ["schedule", "rule"])
def test_a_tick_that_is_too_old_is_skipped_without_any_call(
    campaign: Campaign, sweeps: Sweeps, age: float, form: str
) -> None:
    job = changed_job(campaign)
    tick = campaign.clock() - timedelta(seconds=age)
    if form == "schedule":
        assert sweeps.sweep(tick=tick) == SKIPPED
    else:
        assert sweeps.answer(classic(tick)) == SKIPPED
    assert campaign.calls() == []
    assert campaign.stored(job) == Stored("RUNNING", 1, 1)

    assert sweeps.tick()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


def classic(tick: datetime) -> dict[str, Any]:
    """What EventBridge sends for a rule with a schedule."""
    return {
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "time": tick.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": {},
    }


@pytest.mark.fault("F84")
@cases("age", [TICK_LIFE - 1, 0.0, -59.0], ids=str)
def test_a_tick_that_is_less_than_two_minutes_old_or_a_little_early_is_swept(
    campaign: Campaign, sweeps: Sweeps, age: float
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()

    assert sweeps.sweep(tick=campaign.clock() - timedelta(seconds=age))["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert sweeps.sweep(tick=campaign.clock() + timedelta(seconds=60))["open"] == 0


@pytest.mark.fault("F84")
@cases("seconds", [0.0, -1.0, -60.0], ids=["again", "a-second-older", "a-minute-older"])
def test_a_tick_delivered_again_or_after_a_newer_one_is_skipped_at_once(
    campaign: Campaign, sweeps: Sweeps, seconds: float
) -> None:
    job, tick = campaign.job(timeline=["RUNNING", "COMPLETED"]), campaign.clock()
    campaign.check(job)
    assert sweeps.sweep(tick=tick)["checked"] == 1
    job.advance()
    campaign.stack.forget_calls()
    again = sweeps.environment(campaign.patient)
    assert sweeps.sweep(again, tick + timedelta(seconds=seconds)) == SKIPPED
    assert campaign.calls() == ["UpdateItem"]
    assert campaign.naps == []
    assert sweeps.lease["lastTick"] == utc_text(tick)

    campaign.pass_time(60)
    assert sweeps.tick()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.count(GIVE_BACK) == 1


@pytest.mark.fault("F84")
@cases("order", ["as-sent", "reversed", "mixed"])
def test_an_hour_of_throttled_ticks_is_swept_twice_at_most(
    campaign: Campaign, sweeps: Sweeps, order: str
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    campaign.pass_time(3600)
    job.advance()
    campaign.stack.forget_calls()
    now = campaign.clock()
    ticks = [now - timedelta(minutes=number) for number in reversed(range(61))]
    if order == "reversed":
        ticks.reverse()
    elif order == "mixed":
        ticks = ticks[1::2] + ticks[::2]
    results = [sweeps.sweep(tick=tick) for tick in ticks]

    assert 1 <= sum(result != SKIPPED for result in results) <= 2
    assert len(sweeps.questions()) == 1  # a second sweep has nothing to ask
    assert sweeps.lease["lastTick"] == utc_text(now)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F84")
def test_a_tick_that_lambda_repeats_after_a_failed_sweep_is_skipped_in_the_real_runtime(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = changed_job(campaign)
    tick = campaign.clock()
    assert campaign.stack.tick(tick - timedelta(seconds=TICK_LIFE + 2)).result == SKIPPED
    assert campaign.calls() == []

    assert campaign.stack.tick(tick).result["changed"] == 1
    assert campaign.stack.tick(tick).result == SKIPPED
    assert campaign.invoke_with(event(job)).result["changed"] is False
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert sweeps.lease["lastTick"] == utc_text(tick.replace(microsecond=0))
