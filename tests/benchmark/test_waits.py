"""What it costs to wait, computed a second time by hand, and compared."""

import re

import pytest

from benchmark.cost_table import README
from benchmark.costs import Prices
from benchmark.wait_table import hours_that_pay, ways
from benchmark.waits import (
    STATES_OF_CHILD,
    STATES_OF_PARENT,
    Asked,
    Figures,
    Latency,
    Waited,
    blocked_job,
    function_loop,
    http_loop,
    token,
)

PRICES = Prices.read()
WAITED = Waited(seconds=2, log_bytes=650, updates=2, other_updates=8, item_bytes=2500)
ASKED = Asked(seconds=0.5, questions=1, log_bytes=650, updates=1, item_bytes=1500)


def test_a_token_costs_the_same_however_long_it_waits() -> None:
    usage = token(WAITED, states=6)

    assert (usage.state_transition, usage.lambda_request, usage.trace) == (6, 1, 1)
    assert usage.lambda_gb_second == 2 * 0.5
    # Two writes of 3 KB and of the index, and one KB more for each of the eight others.
    assert usage.dynamodb_write_unit == 2 * (3 + 1) + 8
    assert usage.log_gb == pytest.approx(1000 / 1e9)


def test_an_hour_of_a_loop_around_the_function() -> None:
    usage = function_loop(ASKED, 3600, 30)

    assert usage.state_transition == 120 * 3
    assert usage.lambda_gb_second == 120 * 0.5 * 0.5
    assert usage.dynamodb_write_unit == 120 * 2
    assert usage.total(PRICES) == pytest.approx(
        120
        * (
            3 * 0.000025  # states
            + 0.25 * 0.0000133334
            + 0.0000002  # its request
            + 2 * 0.000000625  # the write that is refused
            + 1000e-9 * 0.50  # its log
            + 0.000005  # its trace
            + 1000e-9 * 0.09  # to Atlas
        )
    )


def test_an_hour_of_a_loop_around_an_http_task() -> None:
    dollars = http_loop(3600, 60).total(PRICES)

    assert dollars == pytest.approx(60 * (3 * 0.000025 + 1000e-9 * 0.09))


def test_a_blocked_job_is_billed_by_the_full_minute() -> None:
    assert blocked_job(3600).total(PRICES) == pytest.approx(60 * 0.006)
    assert blocked_job(61).runner_minute == 2


def test_a_round_that_has_begun_counts() -> None:
    assert http_loop(61, 60).state_transition == 2 * 3


def test_a_question_comes_half_an_interval_after_half_of_all_changes() -> None:
    assert Latency.polled(60) == Latency(30, 57)


@pytest.mark.parametrize("hours", [1, 2, 6, 24])
def test_a_token_is_the_cheapest_from_one_hour_on(hours: int) -> None:
    tokens, others = ways(Figures.read())[:2], ways(Figures.read())[2:]

    dearest = max(way.dollars(hours, PRICES) for way in tokens)
    assert 5 * dearest < min(way.dollars(hours, PRICES) for way in others)


def test_only_a_token_costs_nothing_for_each_further_hour() -> None:
    further = [way.further(PRICES) for way in ways(Figures.read())]

    assert further[:2] == [0, 0]
    assert min(further[2:]) > 0.004


def test_the_workflow_of_the_stack_costs_its_states_more_than_a_token_alone() -> None:
    own, child, *_ = (way.dollars(1, PRICES) for way in ways(Figures.read()))

    assert child - own == pytest.approx((STATES_OF_PARENT + STATES_OF_CHILD - 1) * 0.000025)


def test_a_stack_that_only_waits_pays_from_these_hours_on() -> None:
    row = re.search(
        r"^\| one project, nothing happens \| ([\d.]+) ", README.read_text(), re.MULTILINE
    )
    assert row is not None

    hours = hours_that_pay(PRICES)

    assert hours * http_loop(3600, 60).total(PRICES) == pytest.approx(float(row[1]), abs=0.005)
