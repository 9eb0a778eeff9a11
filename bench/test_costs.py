"""The dollars of the tables, computed a second time by hand, and compared."""

from dataclasses import replace
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from bench import loads, needs, waits
from bench.costs import (
    PEOPLE_MEGABYTES,
    REPORT_MEGABYTES,
    WATCH_MEGABYTES,
    Usage,
    as_toml,
    read_figures,
)
from bench.loads import FleetReport, Sweeps, standing
from bench.tables import LOADS, PRICES, in_all
from bench.waits import Asked, Waited, blocked_job, function_loop, http_loop, polled, token
from local_stack.stack import ROOT

MONTH = 43_800
"""Minutes."""

SWEEP = Sweeps(seconds=0.2, log_bytes=650, metrics=9, bookkeeping_bytes=4097)
WAITED = Waited(seconds=2, log_bytes=650, updates=2, other_updates=8, item_bytes=2500)
ASKED = Asked(seconds=0.5, questions=1, log_bytes=650, updates=1, item_bytes=1500)


@pytest.mark.parametrize("tables", [loads, waits], ids=["loads", "waits"])
def test_the_figures_are_read_as_they_were_written(tables: Any) -> None:
    figures = read_figures(tables.Figures, tables.FIGURES)

    assert as_toml(figures) == tables.FIGURES.read_text()


def test_a_month_of_sweeps() -> None:
    of_sweep = (
        0.2 * 0.5 * 0.0000133334  # 512 MB
        + 0.0000002  # its request
        + 2 * 0.000000625  # the lease
        + 4 * 0.000000125  # four shards at half a unit, and two for the bookkeeping
        + 1000e-9 * 0.50  # its log
        + 0.000001  # its schedule
        + 15 * 0.0000004  # empty receives of the queue
    )

    assert SWEEP.month().dollars(PRICES) == pytest.approx(MONTH * of_sweep + 9 * 0.30)
    fifth = of_sweep - 15 * 0.0000004  # the queue is polled all the same
    seldom = SWEEP.month(every=5).dollars(PRICES)
    assert seldom == pytest.approx(MONTH * (fifth / 5 + 15 * 0.0000004) + 9 * 0.30)


@pytest.mark.parametrize(
    ("seconds", "rounds", "billed"), [(0.5, 6, 65.5), (20, 3, 65.5), (200, 1, 125)]
)
def test_hot_sweeps_ask_until_the_next_one_takes_over(
    seconds: float, rounds: int, billed: float
) -> None:
    usage = replace(SWEEP, seconds=seconds).hot_month()

    assert usage.lambda_gb_second == pytest.approx(MONTH * billed * 0.5)
    assert usage.dynamodb_write_unit == pytest.approx(MONTH * (2 + 1 + rounds + 5.5))


def test_a_pipeline_that_names_jobs_all_day() -> None:
    of_minute = (
        12 * 2 * (0.2 * 0.5 * 0.0000133334 + 0.0000002 + 1000e-9 * 0.50)
        + (60 * 0.5) * 0.0000133334  # one sweep waits
        + (12 * 2 + 6 * 2 + 60) * 0.000000625  # those that end, the leases, and the looks
        + 6 * 2 * 0.000000125  # four shards at half a unit
    )

    assert SWEEP.named_month().dollars(PRICES) == pytest.approx(MONTH * of_minute)


def test_a_report_every_week() -> None:
    fleet = FleetReport(1000, 20_000, seconds=20, read_units=12_000, log_bytes=650)
    of_report = (
        20 * 0.0000133334  # 1,024 MB
        + 0.0000002  # its request
        + 12_000 * 0.000000125  # what it reads
        + 0.0000005  # its message
        + 1000e-9 * 0.50  # its log
        + 0.000001  # its schedule
        + 4 * 0.000005  # its files
    )

    assert fleet.weekly.dollars(PRICES) == pytest.approx(MONTH / 60 / 24 / 7 * of_report)


def test_an_alarm_costs_by_its_metrics() -> None:
    metric: dict[str, Any] = {"MetricStat": {"Metric": {}}}
    properties = [{"MetricName": "Sweeps"}, {"Metrics": [metric, metric, {"Expression": "a - b"}]}]
    alarms = [{"Type": "AWS::CloudWatch::Alarm", "Properties": each} for each in properties]
    resources = {str(number): alarm for number, alarm in enumerate(alarms)}

    assert standing(resources | {"Topic": {"Type": "AWS::SNS::Topic"}}) == Usage(
        secret_month=1, alarm_metric_month=3
    )


def test_the_default_and_small_cost_no_more_than_is_promised() -> None:
    """The promise of the README, with all that a month costs where nothing happens."""
    default, small = (
        in_all(load.usage, load.parameters).dollars(PRICES) for load in loads.loads(LOADS)[:2]
    )

    assert small <= 0.75
    assert default <= 3.00


def test_the_memory_is_the_templates() -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    people = template["Resources"]["NotifyPeopleFunction"]["Properties"]

    assert template["Parameters"]["MemorySize"]["Default"] == WATCH_MEGABYTES
    assert people["MemorySize"] == PEOPLE_MEGABYTES
    assert template["Resources"]["ReportFunction"]["Properties"]["MemorySize"] == REPORT_MEGABYTES


@pytest.mark.campaign
def test_an_idle_sweep_sends_the_metrics_that_were_measured() -> None:
    """If not: `python -m bench.needs`, and then `make docs`."""
    with needs.world(1) as world:
        for _ in range(3):
            world.sweep()
        *_, idle = world.watch.take()

    assert len(idle.metrics) == LOADS.idle.metrics, sorted(idle.metrics)


def test_a_token_costs_the_same_however_long_it_waits() -> None:
    usage = token(WAITED, states=6)

    assert (usage.state_transition, usage.lambda_request) == (6, 1)
    assert usage.lambda_gb_second == 2 * 0.5
    # Two writes of 3 KB and of the index, and one KB more for each of the eight others.
    assert usage.dynamodb_write_unit == 2 * (3 + 1) + 8
    assert usage.log_gb == pytest.approx(1000e-9)


def test_a_round_of_a_loop() -> None:
    of_states = 3 * 0.000025 + 1000e-9 * 0.09  # and what is sent to Atlas
    of_function = (
        0.25 * 0.0000133334
        + 0.0000002  # its request
        + 2 * 0.000000625  # the write that is refused
        + 1000e-9 * 0.50  # its log
    )

    assert http_loop(3601, 60).dollars(PRICES) == pytest.approx(61 * of_states)
    asked = function_loop(ASKED, 3600, 30).dollars(PRICES)
    assert asked == pytest.approx(120 * (of_states + of_function))
    assert blocked_job(61).dollars(PRICES) == pytest.approx(2 * 0.006)
    assert polled(60) == ("30 s", "57 s")


def test_fifty_projects_cost_more_than_ten_for_what_grows_alone() -> None:
    """Sweeps ask for longer and write more; metrics, the queue and the restores are the same."""
    named = {load.name: load for load in loads.loads(LOADS)}
    ten = named["10 projects with 100 clusters, 100 restores of Flex clusters a day"].usage
    fifty = named["50 projects with 500 clusters, 100 restores of Flex clusters a day"].usage

    assert ten.lambda_gb_second < fifty.lambda_gb_second < 5 * ten.lambda_gb_second
    # Each project is listed, and that stored, every 15 minutes.
    assert fifty.dynamodb_write_unit - ten.dynamodb_write_unit == pytest.approx(
        MONTH * 50 / loads.LISTED_EVERY
    )
    assert (fifty.metric_month, fifty.sns_publish) == (ten.metric_month, ten.sns_publish)
    assert fifty.queue_request == ten.queue_request


def test_a_webhook_costs_its_secret_and_no_delivery() -> None:
    load = loads.loads(LOADS)[3]
    by_email = load.with_people(LOADS.notice)
    by_webhook = load.with_people(LOADS.notice, by_email=False)

    assert by_webhook.secret_month - by_email.secret_month == 1
    assert (by_webhook.email_delivery, by_email.email_delivery) == (0, load.notices)
    assert by_email.sns_publish - by_webhook.sns_publish == pytest.approx(load.notices)
    assert by_email.lambda_gb_second == by_webhook.lambda_gb_second
