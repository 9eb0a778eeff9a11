"""What a month costs under a load, and whether what was measured is still what happens."""

import secrets
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from benchmark.costs import MINUTES, Prices, Usage
from benchmark.loads import (
    HOURS,
    PEOPLE_MEGABYTES,
    WATCH_MEGABYTES,
    Figures,
    Sweeps,
    loads,
    priced,
    watching,
)
from benchmark.measuring_loads import metrics_of
from foundation.deadline import Deadline
from local_stack.in_process import clients, cold_start, sweeper_of
from local_stack.stack import ROOT
from observed_stack import ObservedStack
from restore_watch.atlas.network import http_client
from restore_watch.event.actions import Sweep
from restore_watch.telemetry.telemetry import Telemetry

FIGURES = Figures.read()
NOTHING = Sweeps(seconds=0, questions=0, log_bytes=0, metrics=0, bookkeeping_bytes=0)


def test_an_idle_month_has_a_listing_in_every_fifteenth_sweep() -> None:
    idle, listing = replace(NOTHING, seconds=1, metrics=5), replace(NOTHING, seconds=16, metrics=4)
    (load, *_) = loads(replace(FIGURES, idle=idle, listing=listing))

    assert load.usage.lambda_gb_second == pytest.approx(MINUTES * 2 / 2)
    assert load.usage.metric_month == 5


def test_a_metric_costs_only_in_the_hours_in_which_it_is_sent() -> None:
    idle, nightly, often, *_ = loads(FIGURES)
    nights = FIGURES.automated.metrics / 24

    assert nightly.usage.metric_month == pytest.approx(idle.usage.metric_month + nights)
    assert often.usage.metric_month == FIGURES.idle_10.metrics + FIGURES.flex.metrics


def test_people_cost_a_poller_and_what_each_message_needs() -> None:
    idle, nightly, *_ = loads(FIGURES)
    more = [load.with_people(FIGURES.notice) + load.usage.times(-1) for load in (idle, nightly)]

    assert (more[0].queue_request, more[0].email_delivery) == (15 * MINUTES, 0)
    assert more[1].email_delivery == pytest.approx(HOURS / 24)
    assert more[1].trace == pytest.approx(2 * HOURS / 24)


def test_a_young_job_keeps_sweeps_at_work_unless_that_is_turned_off() -> None:
    *_, hot, cold = loads(FIGURES)

    assert hot.usage.lambda_gb_second > 65 / 2 * MINUTES
    assert cold.usage.lambda_gb_second < 1 / 2 * MINUTES
    assert hot.usage.sns_publish == cold.usage.sns_publish


def test_the_secret_and_traffic_are_not_in_the_table() -> None:
    prices = Prices.read()

    assert priced(Usage(secret_month=1, secret_call=9, sent_gb=1)).total(prices) == 0
    assert priced(Usage(trace=1)) == Usage(trace=1)


def test_an_alarm_costs_by_its_metrics() -> None:
    one: dict[str, Any] = {"MetricStat": {"Metric": {}}}
    properties = [
        {"MetricName": "SuccessfulSweeps"},
        {"Metrics": [one, one, {"Expression": "a - b"}]},
    ]
    alarms = [{"Type": "AWS::CloudWatch::Alarm", "Properties": each} for each in properties]
    others = [{"Type": "AWS::CloudWatch::Dashboard"}, {"Type": "AWS::SNS::Topic"}]
    template = {"Resources": dict(enumerate((*alarms, *others)))}

    assert watching(template) == Usage(alarm_metric_month=3, dashboard_month=1)


def test_the_memory_is_the_templates() -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    people = template["Resources"]["NotifyPeopleFunction"]["Properties"]

    assert template["Parameters"]["MemorySize"]["Default"] == WATCH_MEGABYTES
    assert people["MemorySize"] == PEOPLE_MEGABYTES


def test_an_idle_sweep_sends_the_metrics_that_were_measured(
    stack: ObservedStack,
    group: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If not: `python -m benchmark.measuring_loads`, and then `make docs`."""
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.setenv(name, "costs")
    stack.atlas.add_cluster(group, "orders", "flex")
    telemetry = Telemetry(Logger(service=secrets.token_hex(8), level="ERROR"))
    by = clients(stack)
    by.http.close()
    by = replace(by, http=http_client(telemetry.atlas_answered))
    sweeper = sweeper_of(stack, by, cold_start(stack, by), telemetry, project_ids=(group,))
    for _ in range(2):
        capsys.readouterr()
        sweeper.sweep(Sweep(), Deadline.after(60))
        telemetry.flush()
    sent = set(metrics_of(capsys.readouterr().out))
    by.close()

    assert len(sent) == FIGURES.idle.metrics, sorted(sent)
