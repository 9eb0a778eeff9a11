"""What an operator sees: metrics, log lines, and warnings that come once."""

import json
import secrets
from collections.abc import Sequence
from copy import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from foundation.emitting import MetricsLog
from foundation.errors import ApplicationError
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasReason,
    AtlasUnavailableError,
    NotificationPendingError,
)
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.results import CheckResult, Failure, SweepResult
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded
from restore_watch.table.open_job import OpenJob
from restore_watch.telemetry.metrics import metrics_of_open_jobs
from restore_watch.telemetry.rto_of_clusters import ListedCluster, RtoOfClusters
from restore_watch.telemetry.telemetry import Telemetry
from strategies import plain_change, plain_job
from unit.open_jobs import NOON, open_job, ready_download, restore_id, target
from unit.scripted_atlas import GROUP

DOWN = AtlasUnavailableError("Atlas did not answer")
NAMES = {"group_id": GROUP, "cluster_name": "orders", "restore_id": restore_id(1)}


class Output:
    """A telemetry, and what it has written since the last read."""

    def __init__(
        self,
        capsys: pytest.CaptureFixture[str],
        level: str = "INFO",
        *,
        has_metrics: bool = True,
        rto: timedelta | None = None,
    ) -> None:
        self._capsys = capsys
        self._rto = rto
        self._level = level
        self._has_metrics = has_metrics

    @cached_property
    def telemetry(self) -> Telemetry:
        # A logger keeps the output stream that was set when its service was first named.
        logger = Logger(service=secrets.token_hex(8), location=None, level=self._level)
        objectives = RtoOfClusters(self._rto, NOON.timestamp)
        return Telemetry(logger, MetricsLog(self._has_metrics), objectives)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if "_aws" not in line]

    def metrics(self) -> list[dict[str, Any]]:
        """Names, values and dimensions of each line."""
        return [
            {
                name: value[0] if isinstance(value, list) else value
                for name, value in line.items()
                if name not in {"_aws", "service"}
            }
            for line in self.lines()
            if "_aws" in line
        ]


@pytest.fixture(autouse=True)
def powertools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Output:
    return Output(capsys)


# Checks


def result(number: int, **fields: Any) -> CheckResult:
    job = plain_job(restore_id=restore_id(number))
    return CheckResult(job, RestoreStatus.RUNNING, changed=False, sequence=2, **fields)


RUNNING = plain_change()
COMPLETED = plain_change(
    plain_job(
        status=RestoreStatus.COMPLETED,
        restore_scheduled_date="2026-05-04T11:58:00Z",
        restore_finished_date="2026-05-04T11:59:01Z",
    )
)
READY = plain_change(
    plain_job(
        kind=RestoreKind.DEDICATED,
        delivery_type="download",
        status=RestoreStatus.COMPLETED,
        restore_scheduled_date="2026-05-04T11:50:00Z",
        expiration_date="2026-05-04T12:58:00Z",
    )
)
DATED = plain_change(replace(COMPLETED.job, status=RestoreStatus.RUNNING))
PUBLISHED: dict[str, tuple[StatusChange, list[dict[str, Any]]]] = {
    "end": (COMPLETED, [{"status": "COMPLETED", "RestoreDuration": 61}]),
    "ready download": (READY, []),
    "change before the end": (RUNNING, []),
    "with the date of the end before it": (DATED, []),
}


@pytest.mark.parametrize(("change", "metrics"), PUBLISHED.values(), ids=PUBLISHED)
def test_the_end_of_a_restore_says_how_long_it_took(
    output: Output, change: StatusChange, metrics: list[dict[str, Any]]
) -> None:
    output.telemetry.report_publication(change, Recorded(change.job, (change,), 0, None))

    assert output.metrics() == metrics


OF_NOON = {
    "snapshot_finished_date": "2026-05-04T10:00:00Z",
    "restore_scheduled_date": "2026-05-04T12:00:00Z",
}


@pytest.mark.parametrize(
    ("delivery_type", "ages"),
    [("RESTORE", [{"SnapshotAge": 7200}]), ("pointInTime", []), ("POINTINTIME", [])],
    ids=["a snapshot", "a point in time", "a point in time in capitals"],
)
def test_the_age_of_a_snapshot_is_a_metric_of_the_first_change_that_knows_it(
    output: Output, delivery_type: str, ages: list[dict[str, float]]
) -> None:
    """An alarm looks at it. After a restore to a point in time, the data are newer than it."""
    dated = {**OF_NOON, "delivery_type": delivery_type}
    history = (
        plain_change(sequence=1),
        plain_change(plain_job(**dated), sequence=2),
        plain_change(plain_job(status=RestoreStatus.COMPLETED, **dated), sequence=3),
    )
    for change in history:
        output.telemetry.report_publication(change, Recorded(history[2].job, history, 0, None))

    assert output.metrics() == ages


@pytest.mark.parametrize("field", ["contradiction", "unrecorded_word"])
def test_what_every_check_of_a_job_may_find_is_a_warning_once(output: Output, field: str) -> None:
    def warns(number: int) -> bool:
        output.telemetry.report_check(result(number, **{field: "DANCING"}))
        return "WARNING" in {line.get("level") for line in output.lines()}

    assert [warns(number) for number in (0, 0, 1)] == [True, False, True]

    assert all(warns(number) for number in range(2, 1001))
    assert warns(0)
    assert not warns(1000)


@pytest.mark.parametrize(
    ("sunset", "logged"),
    [
        ("Sun, 1 Mar 2026 00:00:00 GMT", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00+00:00"),
        ("@1772323200", "not a date"),
        ("https://restore.example.net/token", "not a date"),
    ],
)
def test_a_sunset_is_counted_and_logged_as_a_date_only(
    output: Output, sunset: str, logged: str
) -> None:
    output.telemetry.report_sunset(sunset)

    metric, warning = output.lines()
    assert metric["AtlasSunsets"] == [1]
    assert (warning["level"], warning["sunset"]) == ("WARNING", logged)


# Sweeps


def swept(*failures: Failure, **counts: int) -> SweepResult:
    usual = dict.fromkeys(("found", "checked", "changed", "published", "not_reached"), 0)
    return SweepResult(**{"open": 4} | usual | counts, failures=failures)


def failed(error: ApplicationError, number: int = 1, **fields: Any) -> Failure:
    names: dict[str, Any] = {**NAMES, "restore_id": restore_id(number)}
    return Failure(**names | {"error": error} | fields)


def test_what_a_sweep_saw_of_open_jobs_has_metrics_with_their_units(output: Output) -> None:
    pending = ready_download(sequence=2, observed_at=NOON)

    output.telemetry.report_open_jobs([pending], NOON + timedelta(seconds=4))

    (line,) = output.lines()
    (published,) = line["_aws"]["CloudWatchMetrics"]
    assert published["Dimensions"] == [["service"]]
    assert published["Metrics"] == [{"Name": "OldestPendingSeconds", "Unit": "Seconds"}]
    assert line["OldestPendingSeconds"] == [4]


def test_a_failure_is_logged_once_with_its_job(output: Output) -> None:
    refused = AtlasForbiddenError("no", AtlasReason(403, error_code="SOME_CODE"))
    failures = [
        failed(refused),
        failed(DOWN, 2, is_known=True),  # the table remembers it
        failed(DOWN, cluster_name="carts", restore_id=None),
    ]

    output.telemetry.report_failures(failures)

    first, of_list = output.lines()
    said = {"error": "AtlasForbiddenError", "error_code": "SOME_CODE", "message": "no"}
    assert (NAMES | said | {"level": "ERROR"}).items() <= first.items()
    assert (of_list["cluster_name"], of_list.get("restore_id")) == ("carts", None)


def test_of_many_failures_twenty_are_logged(output: Output) -> None:
    errors = [DOWN, NotificationPendingError("not accepted")] * 25
    failures = [failed(error, number) for number, error in enumerate(errors)]

    output.telemetry.report_failures(failures)

    assert len(output.lines()) == 20


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 1), ("INFO", 0), ("WARNING", 0)])
def test_an_unchanged_job_is_logged_at_the_level_debug_only(
    capsys: pytest.CaptureFixture[str], level: str, lines: int
) -> None:
    output = Output(capsys, level)

    output.telemetry.report_unchanged(target(restore_id(1)))

    logs = output.logs()
    assert len(logs) == lines
    for line in logs:
        assert (NAMES | {"level": "DEBUG", "message": "unchanged"}).items() <= line.items()


# Open jobs


MINUTE = timedelta(minutes=1)


def values(jobs: Sequence[OpenJob], now: datetime = NOON) -> dict[str, float]:
    metrics = metrics_of_open_jobs(jobs, now)
    assert {unit for unit, _ in metrics.values()} <= {MetricUnit.Seconds}
    return {name: value for name, (_, value) in metrics.items()}


def test_without_open_jobs_there_is_no_metric_of_them() -> None:
    assert values([]) == {}


def test_the_age_of_what_is_pending_is_that_of_the_oldest_pending_job() -> None:
    jobs = [
        open_job(1, observed_at=NOON - 8 * MINUTE),
        open_job(2, sequence=3, published=1, observed_at=NOON - 2 * MINUTE),
        open_job(3, sequence=2, observed_at=NOON - MINUTE),
    ]

    assert values(jobs)["OldestPendingSeconds"] == 120

    # A moment that is unknown or in the future has no age, and the index may lag.
    for at in (None, NOON + MINUTE):
        assert values([open_job(observed_at=at, sequence=2)])["OldestPendingSeconds"] == 0
    stale = open_job(sequence=1, published=2, observed_at=NOON - MINUTE)
    assert "OldestPendingSeconds" not in values([stale])


def test_a_restore_runs_from_when_it_was_scheduled_until_it_has_ended() -> None:
    jobs = [
        open_job(1, scheduled_at=NOON - 5 * MINUTE, first_observed_at=NOON),
        open_job(2, scheduled_at=NOON + MINUTE),
        ready_download(3, scheduled_at=NOON - 90 * MINUTE),
        open_job(4, scheduled_at=NOON - 90 * MINUTE, missing_since=NOON - MINUTE),
        open_job(5, scheduled_at=NOON - 90 * MINUTE, is_foreign=True),
        open_job(6, scheduled_at=NOON - 90 * MINUTE, status=None),
    ]

    assert values(jobs)["OldestRunningSeconds"] == 300
    assert values(jobs[1:])["OldestRunningSeconds"] == 0
    assert "OldestRunningSeconds" not in values(jobs[2:])


def test_a_restore_without_a_date_runs_since_its_id_was_made() -> None:
    job = open_job(1, scheduled_at=None)

    now = job.target.created_at + MINUTE
    assert values([job], now)["OldestRunningSeconds"] == 60


# Objectives


ORDERS = ListedCluster.of_jobs((GROUP, "orders"), RestoreKind.FLEX)


def test_a_running_restore_is_late_from_a_moment_after_its_rto(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output(capsys, rto=5 * MINUTE)
    jobs = [
        open_job(1, scheduled_at=NOON - 5 * MINUTE),
        ready_download(2, scheduled_at=NOON - 90 * MINUTE),
        open_job(3, scheduled_at=NOON - 90 * MINUTE, missing_since=NOON - MINUTE),
    ]

    output.telemetry.report_open_jobs(jobs, NOON)
    output.telemetry.report_open_jobs(jobs, NOON + timedelta(seconds=2))

    (late,) = [line for line in output.metrics() if "SecondsOverRto" in line]
    assert late == {"SecondsOverRto": 2}


@pytest.mark.parametrize(
    ("rto", "late"),
    [(60, [{"SecondsOverRto": 1}]), (61, []), (None, [])],
    ids=["late", "just in time", "no objective"],
)
def test_a_restore_that_completed_late_has_a_metric(
    capsys: pytest.CaptureFixture[str], rto: int | None, late: list[dict[str, int]]
) -> None:
    output = Output(capsys, rto=timedelta(seconds=rto) if rto else None)
    output.telemetry.report_late_end(COMPLETED.job, ORDERS)

    assert output.metrics() == late


def test_a_restore_without_dates_is_not_late(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(capsys, rto=timedelta(seconds=1))
    output.telemetry.report_late_end(RUNNING.job, ORDERS)

    assert output.metrics() == []


@pytest.mark.parametrize("has_metrics", [True, False])
def test_metrics_are_written_unless_the_operator_wants_none(
    capsys: pytest.CaptureFixture[str],
    has_metrics: bool,  # noqa: FBT001
) -> None:
    output = Output(capsys, has_metrics=has_metrics)
    output.telemetry.report_tick(swept(), degraded=2, seconds=1)

    assert output.metrics() == [{"SuccessfulSweeps": 1, "ProjectsDegraded": 2}] * has_metrics
