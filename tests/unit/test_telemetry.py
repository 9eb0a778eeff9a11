"""What an operator sees of a check: metrics, one log line, and warnings."""

import json
import secrets
from functools import cached_property
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from restore_watch.errors import AtlasForbiddenError, AtlasReason, InvalidEventError
from restore_watch.model.restore_job import RestoreKind, RestoreStatus
from restore_watch.model.results import CheckResult
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.checks import REPORTS_REMEMBERED
from restore_watch.telemetry.telemetry import Telemetry
from strategies import plain_change, plain_job
from unit.checking import target

RUNNING = plain_change()
COMPLETED = plain_change(
    plain_job(
        status=RestoreStatus.COMPLETED,
        restore_scheduled_date="2026-05-04T11:58:00Z",
        restore_finished_date="2026-05-04T11:59:01Z",
    )
)


class Output:
    """A telemetry, and what it has written since the last read."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    @cached_property
    def telemetry(self) -> Telemetry:
        # A logger keeps the output stream that was set when its service was first named.
        return Telemetry(Logger(service=secrets.token_hex(8), location=None))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if "_aws" not in line]

    def metrics(self) -> list[dict[str, Any]]:
        """Names, values and dimensions only."""
        self.telemetry.flush()
        return [
            {
                name: value[0] if isinstance(value, list) else value
                for name, value in line.items()
                if name not in {"_aws", "service"}
            }
            for line in self.lines()
            if "_aws" in line
        ]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Output:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")
    return Output(capsys)


def result(**fields: Any) -> CheckResult:
    return CheckResult(plain_job(), RestoreStatus.RUNNING, changed=False, sequence=2, **fields)


def test_an_unchanged_check_is_counted_and_logged_once(output: Output) -> None:
    output.telemetry.checked(target(), result())
    (line,) = output.logs()
    output.telemetry.checked(target(), result())

    assert output.metrics() == [{"SuccessfulChecks": 2}]
    assert (line["level"], line["message"]) == ("INFO", "checked")
    assert (line["kind"], line["status"], line["changed"], line["published"]) == (
        "flex",
        "RUNNING",
        False,
        0,
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
    recorded = Recorded(change.job, tuple(history), published=0, first_observed_at=None)

    output.telemetry.published(change, recorded)

    assert output.metrics() == [{"status": change.job.status, "StatusChanges": 1} | seconds]


OF_NOON = {
    "snapshot_finished_date": "2026-05-04T10:00:00Z",
    "restore_scheduled_date": "2026-05-04T12:00:00Z",
}


def test_the_age_of_a_snapshot_is_a_metric_of_the_first_change_that_knows_it(
    output: Output,
) -> None:
    history = (
        plain_change(sequence=1),
        plain_change(plain_job(**OF_NOON), sequence=2),
        plain_change(plain_job(status=RestoreStatus.COMPLETED, **OF_NOON), sequence=3),
    )
    recorded = Recorded(history[2].job, history, published=0, first_observed_at=None)

    for change in history:
        output.telemetry.published(change, recorded)

    metrics = [one for one in output.metrics() if "StatusChanges" not in one]
    assert metrics == [{"SnapshotAge": 7200}]


@pytest.mark.parametrize("word", ["pointInTime", "POINTINTIME"])
def test_the_snapshot_of_a_restore_to_a_point_in_time_has_no_metric(
    output: Output, word: str
) -> None:
    """The alarm about the RPO looks at it, and the data are newer than the snapshot."""
    change = plain_change(plain_job(delivery_type=word, **OF_NOON), sequence=1)

    output.telemetry.published(change, Recorded(change.job, (change,), 0, None))

    assert not [one for one in output.metrics() if "SnapshotAge" in one]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidEventError("groupId", "wrong"), None),
        (AtlasForbiddenError("no", AtlasReason(403, error_code="SOME_CODE")), "SOME_CODE"),
        (AtlasForbiddenError("no"), None),
    ],
    ids=["event", "Atlas with a code", "Atlas"],
)
def test_a_failed_check_is_counted_by_its_error(
    output: Output, error: InvalidEventError | AtlasForbiddenError, code: str | None
) -> None:
    output.telemetry.failed(error, target())
    metric, line = output.lines()

    assert (metric["FailedChecks"], metric["error"]) == ([1.0], type(error).__name__)
    assert (line["level"], line["message"]) == ("ERROR", str(error))
    assert (line["error"], line.get("error_code")) == (type(error).__name__, code)
    assert line["notes"] == []
    assert line["restore_id"] == target().restore_id


def test_the_notes_of_an_error_are_logged(output: Output) -> None:
    error = AtlasForbiddenError("no")
    error.add_note("Pending changes were not published")

    output.telemetry.failed(error)

    assert output.logs()[0]["notes"] == ["Pending changes were not published"]


def test_the_log_of_a_failure_without_a_target_has_no_restore_id(output: Output) -> None:
    output.telemetry.failed(InvalidEventError("event", "wrong"))

    assert "restore_id" not in output.logs()[0]


WARNINGS: dict[str, tuple[dict[str, Any], dict[str, str], int]] = {
    "contradiction": (
        {"contradiction": RestoreStatus.FAILED},
        {"recorded": "RUNNING", "contradiction": "FAILED"},
        1,
    ),
    "unrecorded word": ({"unrecorded_word": "NEW"}, {"atlas_status": "NEW"}, 0),
    "retired tenant endpoint": ({"successor": RestoreKind.FLEX}, {}, 0),
}


@pytest.mark.parametrize(("fields", "extra", "counted"), WARNINGS.values(), ids=WARNINGS)
def test_a_report_that_a_check_makes_once_is_a_warning_that_names_the_job(
    output: Output, fields: dict[str, Any], extra: dict[str, str], counted: int
) -> None:
    output.telemetry.checked(target(), result(**fields))

    warning, line = output.logs()
    assert output.metrics()[0].get("Contradictions", 0) == counted
    assert (warning["level"], line["level"]) == ("WARNING", "INFO")
    assert warning["restore_id"] == target().restore_id
    assert extra.items() <= warning.items()


@pytest.mark.parametrize("field", ["contradiction", "unrecorded_word"])
def test_what_every_check_of_a_job_may_find_is_a_warning_once(output: Output, field: str) -> None:
    def warns(number: int) -> bool:
        output.telemetry.settled(target(f"{number:024x}"), result(**{field: "DANCING"}))
        return "WARNING" in {line["level"] for line in output.logs()}

    assert [warns(number) for number in (0, 0, 1)] == [True, False, True]

    assert all(warns(number) for number in range(2, REPORTS_REMEMBERED + 1))
    assert warns(0)
    assert not warns(REPORTS_REMEMBERED)


def test_answers_of_atlas_are_counted_once_for_an_invocation(output: Output) -> None:
    for status, sunset in ((200, None), (429, None), (200, "2026-03-01")):
        output.telemetry.atlas_answered(status, sunset)

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
    output.telemetry.atlas_answered(200, sunset)

    (warning,) = output.logs()
    assert (warning["level"], warning["sunset"]) == ("WARNING", logged)


class BrokenLogger(Logger):
    def info(self, *_: Any, **__: Any) -> None:
        raise OSError("no space left")


def test_a_log_that_cannot_be_written_does_not_fail_a_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Telemetry(BrokenLogger(service="broken", location=None)).checked(target(), result())

    assert capsys.readouterr().out == "telemetry failed: OSError\n"
