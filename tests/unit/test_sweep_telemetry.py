"""What an operator sees of a sweep: metrics, one log line, and no more for what is unchanged."""

import json
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from threading import Event
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasReason,
    AtlasUnavailableError,
    NotificationPendingError,
)
from restore_watch.model.results import FAILURES_SHOWN
from restore_watch.sweep.tally import Tally
from restore_watch.telemetry.telemetry import Telemetry
from unit.checking import target
from unit.open_jobs import NOON, open_job, restore_id
from unit.scripted_atlas import GROUP

DOWN = AtlasUnavailableError("Atlas did not answer")
NAMES = {"group_id": GROUP, "cluster_name": "orders", "restore_id": restore_id(1)}


class Output:
    """A telemetry, and what it has written."""

    def __init__(self, capsys: pytest.CaptureFixture[str], level: str = "INFO") -> None:
        self._capsys = capsys
        self._level = level

    @cached_property
    def telemetry(self) -> Telemetry:
        # A logger keeps the output stream that was set when its service was first named.
        return Telemetry(Logger(service=secrets.token_hex(8), location=None, level=self._level))

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        self.telemetry.flush()
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "_aws" not in line]

    @property
    def metrics(self) -> dict[str, tuple[str, float]]:
        """Unit and value by name; no metric is written twice."""
        found: dict[str, tuple[str, float]] = {}
        for line in self.lines:
            for metric in self._metrics_of(line):
                assert metric["Name"] not in found
                (value,) = line[metric["Name"]]
                found[metric["Name"]] = metric["Unit"], value
        return found

    @property
    def failed_checks(self) -> dict[str, float]:
        return {
            line["error"]: line["FailedChecks"][0] for line in self.lines if "FailedChecks" in line
        }

    @staticmethod
    def _metrics_of(line: dict[str, Any]) -> list[dict[str, str]]:
        if "_aws" not in line:
            return []
        (published,) = line["_aws"]["CloudWatchMetrics"]
        assert published["Dimensions"] == [["service"]]
        metrics: list[dict[str, str]] = published["Metrics"]
        return metrics


@pytest.fixture(autouse=True)
def powertools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Output:
    return Output(capsys)


def test_what_a_sweep_asked_about_has_metrics_with_their_units(output: Output) -> None:
    tally = Tally(opened=4)
    tally.asked([open_job(1), open_job(2)])
    tally.skipped([open_job(3)])

    output.telemetry.asked({"OpenJobs": (MetricUnit.Count, 4)}, 0.75, tally.result)

    assert output.metrics == {
        "OpenJobs": ("Count", 4),
        "NotReached": ("Count", 1),
        "RateLimitRemaining": ("None", 0.75),
        "SuccessfulChecks": ("Count", 2),
    }


def test_a_bucket_that_is_unknown_has_no_metric(output: Output) -> None:
    output.telemetry.asked({}, None, Tally(opened=0).result)

    assert output.metrics == {"NotReached": ("Count", 0)}


def test_a_bucket_that_is_empty_has_a_metric(output: Output) -> None:
    output.telemetry.asked({}, 0.0, Tally(opened=0).result)

    assert output.metrics["RateLimitRemaining"] == ("None", 0)


def test_a_sweep_that_did_its_work_is_counted_and_logged_in_one_line(output: Output) -> None:
    tally = Tally(opened=5)
    tally.asked([open_job(1), open_job(2)])
    tally.changed_one(found=True)
    tally.published_for(open_job(1), 2)
    tally.succeeded_for(open_job(1))
    tally.failed(open_job(2), DOWN)
    tally.skipped([open_job(3), open_job(4)])

    output.telemetry.swept(tally.result, 1, 1.23456)

    assert output.metrics == {
        "ProjectsDegraded": ("Count", 1),
        "SuccessfulSweeps": ("Count", 1),
        "SweepSeconds": ("Seconds", 1.235),
    }
    (line,) = output.logs
    counts = {
        "open": 5,
        "found": 1,
        "checked": 2,
        "changed": 1,
        "published": 2,
        "not_reached": 2,
        "failed": 1,
        "seconds": 1.235,
    }
    assert counts.items() <= line.items()
    assert (line["level"], line["message"]) == ("INFO", "swept")


def test_a_failure_of_a_sweep_is_logged_once_with_its_job_and_counted_by_its_error(
    output: Output,
) -> None:
    tally = Tally(opened=3)
    refused = AtlasForbiddenError("no", AtlasReason(403, error_code="SOME_CODE"))
    tally.failed(open_job(1), refused)
    tally.failed(open_job(2), DOWN)
    tally.failed(open_job(3, cluster="carts"), DOWN, whole_list=True)

    output.telemetry.asked({}, None, tally.result)

    first, _, of_list = output.logs
    assert (NAMES | {"error": "AtlasForbiddenError", "error_code": "SOME_CODE"}).items() <= (
        first.items()
    )
    assert (first["level"], first["message"]) == ("ERROR", "no")
    assert of_list["cluster_name"] == "carts"
    assert of_list.get("restore_id") is None
    counted = [line for line in output.lines if "FailedChecks" in line]
    assert {line["error"]: line["FailedChecks"] for line in counted} == {
        "AtlasForbiddenError": [1],
        "AtlasUnavailableError": [2],
    }


def test_of_many_failures_twenty_are_logged_and_all_are_counted(output: Output) -> None:
    tally = Tally(opened=50)
    for number in range(50):
        error = DOWN if number % 2 else NotificationPendingError("not accepted")
        tally.failed(open_job(number), error)

    output.telemetry.asked({}, None, tally.result)

    assert len(output.logs) == FAILURES_SHOWN
    assert sum(line["FailedChecks"][0] for line in output.lines if "FailedChecks" in line) == 50


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 1), ("INFO", 0), ("WARNING", 0)])
def test_an_unchanged_job_is_logged_at_the_level_debug_only(
    capsys: pytest.CaptureFixture[str], level: str, lines: int
) -> None:
    output = Output(capsys, level)

    output.telemetry.unchanged(target(restore_id(1)))

    assert len(output.lines) == lines
    for line in output.lines:
        assert (NAMES | {"level": "DEBUG", "message": "unchanged"}).items() <= line.items()


def test_a_job_that_is_no_longer_followed_is_counted_and_logged(output: Output) -> None:
    output.telemetry.no_longer_followed(target(restore_id(1)), "Atlas does not know it")

    assert output.metrics == {"JobsNoLongerFollowed": ("Count", 1)}
    (line,) = output.logs
    assert (
        NAMES | {"level": "WARNING", "reason": "Atlas does not know it"}
    ).items() <= line.items()


def test_a_cluster_that_atlas_has_never_listed_is_reported_once(output: Output) -> None:
    for cluster in ("orders", "orders", "carts"):
        output.telemetry.not_read(GROUP, cluster, AtlasBadRequestError("SOMETHING_NEW"))

    assert [(line["level"], line["cluster_name"]) for line in output.logs] == [
        ("WARNING", "orders"),
        ("WARNING", "carts"),
    ]


def test_a_failure_that_the_table_remembers_is_counted_and_not_logged_again(
    output: Output,
) -> None:
    tally = Tally(opened=2)
    tally.failed(open_job(1, missing_since=NOON), DOWN)
    tally.failed(open_job(2), DOWN)

    output.telemetry.asked({}, None, tally.result)

    assert [line["restore_id"] for line in output.logs] == [restore_id(2)]
    assert output.failed_checks == {"AtlasUnavailableError": 2}


def test_a_skipped_sweep_is_logged_and_not_counted(output: Output) -> None:
    output.telemetry.skipped()

    assert [line["message"] for line in output.logs] == ["skipped"]
    assert output.metrics == {}


# Threads


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns a thousand times more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def at_once(works: list[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(works)) as threads:
        for one in [threads.submit(work) for work in works]:
            one.result()


@pytest.mark.usefixtures("eager_threads")
def test_counts_of_many_threads_are_exact_also_while_they_are_written(output: Output) -> None:
    telemetry, written = output.telemetry, Event()

    def count() -> None:
        for _ in range(50):
            telemetry.atlas_answered(429, None)

    def write() -> None:
        while not written.wait(0.0001):
            telemetry.flush()

    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(write)
        at_once([count] * 32)
        written.set()
        writing.result()

    sums: Counter[str] = Counter()
    for line in output.lines:
        sums.update({name: line[name][0] for name in ("AtlasCalls", "AtlasThrottles")})
    assert sums == {"AtlasCalls": 1600, "AtlasThrottles": 1600}


@pytest.mark.usefixtures("eager_threads")
def test_the_lines_of_many_threads_do_not_mix(output: Output) -> None:
    telemetry, tally = output.telemetry, Tally(opened=1)

    def report(number: int) -> None:
        for _ in range(10):
            telemetry.no_longer_followed(target(restore_id(number)), "reason")
            telemetry.swept(tally.result, 0, number)

    at_once([partial(report, number) for number in range(32)])

    lines = output.lines  # each of them is JSON
    seconds = Counter(line["SweepSeconds"][0] for line in lines if "SweepSeconds" in line)
    assert seconds == Counter({float(number): 10 for number in range(32)})
    followed = Counter(line.get("restore_id") for line in lines if "reason" in line)
    assert followed == Counter({restore_id(number): 10 for number in range(32)})
    assert sum(line.get("message") == "swept" for line in lines) == 320
