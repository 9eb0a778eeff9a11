"""What an operator sees: metrics, log lines, and warnings that come once."""

import json
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from threading import Event
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from foundation.emitting import MetricsLog
from foundation.environment import ESSENTIAL_METRICS
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasReason,
    AtlasUnavailableError,
    NotificationPendingError,
    RestoreWatchError,
)
from restore_watch.model.restore_job import RestoreKind, RestoreStatus
from restore_watch.model.results import CheckResult, Failure, SweepResult
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded
from restore_watch.table.open_job import OpenJob
from restore_watch.telemetry.metrics import metrics_of_open_jobs
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
        wanted: frozenset[str] | None = None,
    ) -> None:
        self._capsys = capsys
        self._level = level
        self._wanted = wanted

    @cached_property
    def telemetry(self) -> Telemetry:
        # A logger keeps the output stream that was set when its service was first named.
        logger = Logger(service=secrets.token_hex(8), location=None, level=self._level)
        return Telemetry(logger, MetricsLog(self._wanted))

    def lines(self) -> list[dict[str, Any]]:
        self.telemetry.flush()
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
PUBLISHED: dict[str, tuple[StatusChange, list[StatusChange], dict[str, float]]] = {
    "end": (COMPLETED, [RUNNING, COMPLETED], {"RestoreDuration": 61, "DetectionLatency": 59}),
    "end before the first check": (COMPLETED, [COMPLETED], {"RestoreDuration": 61}),
    "ready download": (READY, [RUNNING, READY], {"DetectionLatency": 120}),
    "change before the end": (RUNNING, [RUNNING, COMPLETED], {}),
}


@pytest.mark.parametrize(("change", "history", "seconds"), PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_change_is_counted_with_its_duration_and_its_latency(
    output: Output, change: StatusChange, history: list[StatusChange], seconds: dict[str, float]
) -> None:
    output.telemetry.count_publication(change, Recorded(change.job, tuple(history), 0, None))

    assert output.metrics() == [{"status": change.job.status, "StatusChanges": 1} | seconds]


OF_NOON = {
    "snapshot_finished_date": "2026-05-04T10:00:00Z",
    "restore_scheduled_date": "2026-05-04T12:00:00Z",
}


@pytest.mark.parametrize(
    ("delivery_type", "ages"),
    [("RESTORE", [{"SnapshotAge": 7200}]), ("pointInTime", []), ("POINTINTIME", [])],
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
        output.telemetry.count_publication(change, Recorded(history[2].job, history, 0, None))

    assert [one for one in output.metrics() if "StatusChanges" not in one] == ages


@pytest.mark.parametrize("field", ["contradiction", "unrecorded_word"])
def test_what_every_check_of_a_job_may_find_is_a_warning_once(output: Output, field: str) -> None:
    def warns(number: int) -> bool:
        output.telemetry.report_result(result(number, **{field: "DANCING"}))
        lines = output.lines()
        is_warned = "WARNING" in {line.get("level") for line in lines}
        counted = any("Contradictions" in line for line in lines)
        assert counted is (is_warned and field == "contradiction")
        return is_warned

    assert [warns(number) for number in (0, 0, 1)] == [True, False, True]

    assert all(warns(number) for number in range(2, 1001))
    assert warns(0)
    assert not warns(1000)


def test_answers_of_atlas_are_counted_once_for_an_invocation(output: Output) -> None:
    for status, sunset in ((200, None), (429, None), (200, "2026-03-01")):
        output.telemetry.count_atlas_call(status, sunset)

    assert output.metrics() == [{"AtlasCalls": 3, "AtlasThrottles": 1, "AtlasSunsets": 1}]
    assert output.metrics() == []


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
def test_a_sunset_is_logged_as_a_date_only(output: Output, sunset: str, logged: str) -> None:
    output.telemetry.count_atlas_call(200, sunset)

    (warning,) = output.logs()
    assert (warning["level"], warning["sunset"]) == ("WARNING", logged)


# Sweeps


def swept(*failures: Failure, **counts: int) -> SweepResult:
    usual = dict.fromkeys(("found", "checked", "changed", "published", "not_reached"), 0)
    return SweepResult(**{"open": 4, "succeeded": 0} | usual | counts, failures=failures)


def failed(error: RestoreWatchError, number: int = 1, **fields: Any) -> Failure:
    names: dict[str, Any] = {**NAMES, "restore_id": restore_id(number)}
    return Failure(**names | {"error": error} | fields)


@pytest.mark.parametrize("share", [None, 0.0, 0.75], ids=["unknown", "empty", "known"])
def test_what_a_sweep_asked_about_has_metrics_with_their_units(
    output: Output, share: float | None
) -> None:
    result = swept(succeeded=2, not_reached=1)

    output.telemetry.report_open_jobs({"OpenJobs": (MetricUnit.Count, 4)}, share, result)

    first, second = output.lines()
    (published,) = first["_aws"]["CloudWatchMetrics"]
    assert published["Dimensions"] == [["service"]]
    assert {one["Name"]: (one["Unit"], *first[one["Name"]]) for one in published["Metrics"]} == {
        "OpenJobs": ("Count", 4),
        "NotReached": ("Count", 1),
    } | ({} if share is None else {"RateLimitRemaining": ("None", share)})
    assert second["SuccessfulChecks"] == [2]


def test_a_failure_is_logged_once_with_its_job_and_counted_by_its_error(output: Output) -> None:
    refused = AtlasForbiddenError("no", AtlasReason(403, error_code="SOME_CODE"))
    failures = [
        failed(refused),
        failed(DOWN, 2, is_known=True),  # the table remembers it
        failed(DOWN, cluster_name="carts", restore_id=None),
    ]

    output.telemetry.report_open_jobs({}, None, swept(*failures))

    lines = output.lines()
    first, of_list = [line for line in lines if "_aws" not in line]
    said = {"error": "AtlasForbiddenError", "error_code": "SOME_CODE", "message": "no"}
    assert (NAMES | said | {"level": "ERROR"}).items() <= first.items()
    assert (of_list["cluster_name"], of_list.get("restore_id")) == ("carts", None)
    assert {line["error"]: line["FailedChecks"] for line in lines if "FailedChecks" in line} == {
        "AtlasForbiddenError": [1],
        "AtlasUnavailableError": [2],
    }


def test_of_many_failures_twenty_are_logged_and_all_are_counted(output: Output) -> None:
    errors = [DOWN, NotificationPendingError("not accepted")] * 25
    failures = [failed(error, number) for number, error in enumerate(errors)]

    output.telemetry.report_open_jobs({}, None, swept(*failures))

    lines = output.lines()
    assert sum("_aws" not in line for line in lines) == 20
    assert sum(line["FailedChecks"][0] for line in lines if "FailedChecks" in line) == 50


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


# Threads


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns a thousand times more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def at_once(works: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(works)) as threads:
        for one in [threads.submit(work) for work in works]:
            one.result()


@pytest.mark.usefixtures("eager_threads")
def test_counts_of_many_threads_are_exact_also_while_they_are_written(output: Output) -> None:
    telemetry, written = output.telemetry, Event()

    def count() -> None:
        for _ in range(50):
            telemetry.count_atlas_call(429, None)

    def write() -> None:
        while not written.wait(0.0001):
            telemetry.flush()

    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(write)
        at_once([count] * 32)
        written.set()
        writing.result()

    sums: Counter[str] = Counter()
    for line in output.metrics():
        sums.update(line)
    assert sums == {"AtlasCalls": 1600, "AtlasThrottles": 1600}


# Open jobs


MINUTE = timedelta(minutes=1)


def values(
    at_start: Sequence[OpenJob], at_end: Sequence[OpenJob], now: datetime = NOON
) -> dict[str, float]:
    metrics = metrics_of_open_jobs(at_start, at_end, now)
    for name, (unit, _) in metrics.items():
        assert unit is (MetricUnit.Seconds if "Seconds" in name else MetricUnit.Count)
    return {name: value for name, (_, value) in metrics.items()}


def test_without_open_jobs_nothing_is_open_or_pending_and_the_rest_has_no_metric() -> None:
    assert values([], []) == {"OpenJobs": 0, "PendingChanges": 0, "OldestPendingSeconds": 0}


def test_the_age_of_what_is_pending_is_that_of_the_oldest_pending_job() -> None:
    jobs = [
        open_job(1, observed_at=NOON - 8 * MINUTE),
        open_job(2, sequence=3, published=1, observed_at=NOON - 2 * MINUTE),
        open_job(3, sequence=2, observed_at=NOON - MINUTE),
    ]

    assert values(jobs, []) == {"OpenJobs": 3, "PendingChanges": 3, "OldestPendingSeconds": 120}

    # A moment that is unknown or in the future has no age, and the index may lag.
    for at in (None, NOON + MINUTE):
        assert values([open_job(observed_at=at, sequence=2)], [])["OldestPendingSeconds"] == 0
    assert values([open_job(sequence=1, published=2)], [])["PendingChanges"] == 0


def test_the_link_that_expires_first_counts_as_known_at_the_end_of_the_sweep() -> None:
    at_end = [
        ready_download(1, expiration_date=NOON + 20 * MINUTE),
        ready_download(2, expiration_date=NOON + 5 * MINUTE),
        ready_download(3, expiration_date=NOON - MINUTE),
        ready_download(4),
        open_job(5, expiration_date=NOON + MINUTE),
    ]

    assert values([], at_end)["DownloadSecondsLeft"] == 300
    assert "DownloadSecondsLeft" not in values(at_end, at_end[2:])


def test_a_restore_runs_from_when_it_was_scheduled_until_it_has_ended() -> None:
    at_end = [
        open_job(1, scheduled_at=NOON - 5 * MINUTE, first_observed_at=NOON),
        open_job(2, scheduled_at=NOON + MINUTE),
        ready_download(3, scheduled_at=NOON - 90 * MINUTE),
        open_job(4, scheduled_at=NOON - 90 * MINUTE, missing_since=NOON - MINUTE),
        open_job(5, scheduled_at=NOON - 90 * MINUTE, is_foreign=True),
        open_job(6, scheduled_at=NOON - 90 * MINUTE, status=None),
    ]

    assert values([], at_end)["OldestRunningSeconds"] == 300
    assert values([], at_end[1:])["OldestRunningSeconds"] == 0
    assert "OldestRunningSeconds" not in values(at_end, at_end[2:])


def test_a_restore_without_a_date_runs_since_its_id_was_made() -> None:
    job = open_job(1, scheduled_at=None)

    now = job.target.created_at + MINUTE
    assert values([], [job], now)["OldestRunningSeconds"] == 60


def test_a_job_that_is_no_longer_followed_is_counted(output: Output) -> None:
    output.telemetry.report_dropped_job(target(restore_id(1)), "its link has expired")

    line, counted = output.lines()
    assert line["reason"] == "its link has expired"
    assert counted["JobsNoLongerFollowed"] == [1]


def test_only_metrics_that_are_wanted_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    """What the alarms read by default; with none, there is no line of metrics at all."""
    for wanted, written in (
        (ESSENTIAL_METRICS, [{"SuccessfulSweeps": 1, "ProjectsDegraded": 2}]),
        (frozenset[str](), []),
    ):
        output = Output(capsys, wanted=wanted)
        output.telemetry.count_atlas_call(429, None)
        output.telemetry.report_tick(swept(), degraded=2, seconds=1)

        assert output.metrics() == written
