"""The computation of a month's dollars."""

from dataclasses import fields, replace

import pytest

from benchmark.costs import MINUTES, Measured, Prices, Usage, Watched, hot_seconds_of, month_of_old

IDLE = Measured(seconds=0.1, jobs=0, questions=0, entry_bytes=400, log_bytes=1000, metrics=7)
BUSY = replace(IDLE, seconds=40, jobs=10_000, questions=10_000, metrics=10)


def test_every_used_thing_has_a_price_and_every_price_is_used() -> None:
    assert Prices.read().usd.keys() == {one.name for one in fields(Usage)}


def test_prices_have_their_date_and_region() -> None:
    prices = Prices.read()

    assert (prices.date.year, prices.region) == (2026, "us-east-1")
    assert min(prices.usd.values()) > 0


def test_dollars_are_usage_times_price() -> None:
    prices = replace(Prices.read(), usd=dict.fromkeys(Prices.read().usd, 2.0))
    usage = Usage(trace=3, sent_gb=0.5) + Usage(trace=1)

    assert usage.dollars(prices)["trace"] == 8
    assert usage.total(prices) == 9
    assert usage.times(10).total(prices) == 90


def test_a_month_of_idle_sweeps() -> None:
    usage = IDLE.month()

    assert usage.lambda_gb_second == pytest.approx(MINUTES * 0.05)
    assert usage.dynamodb_write_unit == 2 * MINUTES
    assert usage.dynamodb_read_unit == 3 * MINUTES
    assert usage.sent_gb == 0


def test_reading_the_index_costs_half_a_unit_for_each_4_kilobytes() -> None:
    """The bookkeeping takes one more: it is read consistently."""
    assert replace(IDLE, jobs=4).read_units == 2 + 1
    assert replace(IDLE, jobs=10_000).read_units == 4 * 245 / 2 + 1
    assert replace(IDLE, bookkeeping_bytes=5000).read_units == 2 + 2


@pytest.mark.parametrize(
    ("seconds", "rounds", "billed"),
    [(0.5, 6, 65.5), (9.0, 6, 65.5), (20.0, 3, 65.5), (200.0, 1, 125)],
)
def test_hot_sweeps_ask_until_the_next_one_takes_over(
    seconds: float, rounds: int, billed: float
) -> None:
    hot = replace(BUSY, seconds=seconds).hot(10)

    assert hot.questions == rounds * BUSY.questions
    assert hot.seconds == billed
    assert hot.lease_writes == 2 + 1 + rounds + 5.5


def test_old_jobs_are_asked_in_every_fifth_sweep() -> None:
    usage = month_of_old(BUSY, replace(BUSY, seconds=5, questions=0, metrics=8))

    assert usage.lambda_gb_second == pytest.approx(MINUTES * 0.5 * (40 + 4 * 5) / 5)
    assert usage.sent_gb == pytest.approx(BUSY.month().sent_gb / 5)
    assert usage.metric_month == 10


@pytest.mark.parametrize(
    ("duration", "seconds"),
    # A job that ends before the first tick is hot in no sweep; during a long one, sweeps follow on
    # each other, and each waits for a while.
    [(0.2, 0), (60 * 1000, pytest.approx(65.5 * 1000, rel=0.01))],
)
def test_a_job_keeps_sweeps_at_work_until_its_end_is_seen(duration: float, seconds: float) -> None:
    assert hot_seconds_of(duration, 10) == seconds


def test_a_short_restore_is_billed_for_less_than_its_duration() -> None:
    assert 25 < hot_seconds_of(61, 10) < 40


def test_a_restore_adds_its_messages() -> None:
    assert Watched(61, changes=4).usage().sns_publish == 4
