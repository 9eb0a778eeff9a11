"""What an operator sees: a line for each check, metrics of few dimensions, and nothing else."""

import json
import re
from typing import Any

import pytest

from integration.conftest import RuntimeWith
from integration.watching import LONG_AGO, ROOT, by_either_credential, check, target
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from local_stack.wire import Fault
from observed_stack import ObservedStack

# Powertools' own, with the identity of the function and the invocation.
STANDARD = {
    "level",
    "message",
    "timestamp",
    "service",
    "cold_start",
    "function_name",
    "function_memory_size",
    "function_arn",
    "function_request_id",
}
NAMES = {"group_id", "cluster_name", "restore_id"}
CHECKED = STANDARD | NAMES | {"kind", "status", "changed", "published"}

_ROW = re.compile(
    r"^\| (?P<names>(`\w+` ?)+)\| (?P<unit>\w+) \| (?P<dimensions>[\w, ]+) \|$", re.MULTILINE
)


def documented_metrics() -> dict[str, tuple[str, list[str]]]:
    """Unit and dimensions by the metric's name, from the table in the docs."""
    _, _, seen = (ROOT / "docs" / "operations.md").read_text().partition("\n## Metrics\n")
    return {
        name: (row["unit"], sorted(row["dimensions"].split(", ")))
        for row in _ROW.finditer(seen)
        for name in re.findall(r"\w+", row["names"])
    }


METRICS = documented_metrics()


class Lines:
    """The log lines of a few invocations; every line is JSON, a traceback of the runtime apart."""

    def __init__(self, logs: str) -> None:
        self.all = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]

    @property
    def checked(self) -> list[dict[str, Any]]:
        return [line for line in self.all if line.get("message") == "checked"]

    @property
    def warnings(self) -> list[dict[str, Any]]:
        return [line for line in self.all if line.get("level") == "WARNING"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [line for line in self.all if line.get("level") == "ERROR"]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [line for line in self.all if "_aws" in line]

    def sum_of(self, metric: str) -> float:
        return sum(float(value) for line in self.metrics for value in line.get(metric, ()))


def lines(stack: LocalStack) -> Lines:
    return Lines(stack.logs())


def test_the_readme_documents_metrics() -> None:
    assert {"AtlasCalls", "StatusChanges", "RestoreDuration", "Contradictions"} <= METRICS.keys()


@by_either_credential
def test_each_check_is_one_line(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    stack.logs()
    for _ in range(2):
        check(stack, restore)
    first, second = lines(stack).checked

    assert set(first) == set(second) == CHECKED
    names = {"group_id": group, "cluster_name": "orders", "restore_id": restore.restore_id}
    assert names.items() <= first.items()
    assert (first["kind"], first["status"], first["level"]) == ("flex", "PENDING", "INFO")
    assert (first["changed"], first["published"]) == (True, 1)
    assert (second["changed"], second["published"]) == (False, 0)


def test_each_target_of_several_is_one_line(stack: LocalStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(3)]
    stack.logs()
    stack.invoke({"targets": [target(restore) for restore in restores]})

    assert [line["restore_id"] for line in lines(stack).checked] == [
        restore.restore_id for restore in restores
    ]


def test_a_failed_check_is_one_line_that_says_what_to_do(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    stack.atlas.behaviour.refused_address = "203.0.113.9"
    stack.logs()
    answer = check(stack, restore)
    seen = lines(stack)

    (error,) = seen.errors
    assert set(error) == STANDARD | NAMES | {"error", "error_code"}
    assert error["error"] == answer.error_type == "AtlasForbiddenError"
    assert error["error_code"] == "IP_ADDRESS_NOT_ON_ACCESS_LIST"
    assert error["message"] == answer.error_message
    assert error["restore_id"] == restore.restore_id
    assert seen.checked == []
    assert seen.sum_of("FailedChecks") == 1


def test_a_bad_event_is_one_line(stack: LocalStack) -> None:
    stack.logs()
    stack.invoke({"groupId": "nothing"})
    seen = lines(stack)

    assert [error["error"] for error in seen.errors] == ["InvalidEventError"]
    assert seen.sum_of("FailedChecks") == 1


def test_metrics_have_the_documented_units_and_dimensions_only(
    stack: LocalStack, group: str
) -> None:
    flex = stack.atlas.start_restore(group, "orders", "flex")
    download = stack.atlas.start_restore(group, "sales", "dedicated", delivery_type="download")
    stack.logs()
    for restore in (flex, download):
        check(stack, restore)
        restore.run_to_end()
        check(stack, restore)
    stack.invoke({})
    seen = lines(stack).metrics

    units = {"Count": "count", "Seconds": "seconds"}
    names = set()
    for line in seen:
        (published,) = line["_aws"]["CloudWatchMetrics"]
        assert published["Namespace"] == "AtlasRestoreWatch"
        (dimensions,) = published["Dimensions"]
        for metric in published["Metrics"]:
            assert METRICS[metric["Name"]] == (units[metric["Unit"]], sorted(dimensions))
            names.add(metric["Name"])
        values = {name: value for name, value in line.items() if name != "_aws"}
        assert set(values) == set(dimensions) | {metric["Name"] for metric in published["Metrics"]}
        assert values["service"] == "atlas-restore-watch"
        for name in (flex.restore_id, download.restore_id, group, "orders", "sales"):
            assert name not in json.dumps(line)
    assert names == {
        "AtlasCalls",
        "FailedChecks",
        "StatusChanges",
        "RestoreDuration",
        "DetectionLatency",
    }


def test_status_changes_and_durations_are_measured_by_status(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["PENDING", "FAILED"])
    stack.logs()
    check(stack, restore)
    restore.advance()
    result = check(stack, restore).result
    check(stack, restore)
    changes = [line for line in lines(stack).metrics if "StatusChanges" in line]

    assert [line["status"] for line in changes] == ["PENDING", "FAILED"]
    assert [line["StatusChanges"] for line in changes] == [[1], [1]]
    assert "RestoreDuration" not in changes[0]
    assert changes[1]["RestoreDuration"] == [result["job"]["durationSeconds"]]
    assert 0 <= changes[1]["DetectionLatency"][0] < 30


@by_either_credential
def test_every_call_to_atlas_is_counted(new_stack: ObservedStack, group: str) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "dedicated")
    new_stack.logs()
    for _ in range(3):
        check(new_stack, restore)

    assert lines(new_stack).sum_of("AtlasCalls") == new_stack.atlas.wire.count()
    assert new_stack.atlas.wire.count() == 5


def test_a_throttle_is_counted(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    stack.atlas.script(
        "flex", atlas_error(429, "RATE_LIMITED", "Slower.", headers={"Retry-After": "300"})
    )
    stack.logs()
    check(stack, restore)

    assert lines(stack).sum_of("AtlasThrottles") == 1


@pytest.mark.parametrize(
    ("timeline", "kind"),
    [(("FAILED", "COMPLETED"), "flex"), (("COMPLETED", "FAILED"), "flex")],
    ids=["failed-then-completed", "completed-then-failed"],
)
def test_a_contradiction_is_counted_and_logged_and_not_written(
    stack: LocalStack, group: str, timeline: tuple[str, str], kind: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=timeline)
    check(stack, restore, kind)
    restore.advance()
    stack.received()
    stack.logs()
    result = check(stack, restore, kind).result
    seen = lines(stack)

    (warning,) = seen.warnings
    assert (warning["recorded"], warning["contradiction"]) == timeline
    assert warning["restore_id"] == restore.restore_id
    assert seen.sum_of("Contradictions") == 1
    assert (result["status"], result["changed"]) == (timeline[0], False)
    assert stack.received() == []


def test_an_end_that_only_lapses_is_no_contradiction(stack: LocalStack, group: str) -> None:
    steps = ["finished", "expired"]
    restore = stack.atlas.start_restore(group, "orders", "dedicated", timeline=steps)
    check(stack, restore)
    restore.advance()
    stack.logs()
    check(stack, restore)
    seen = lines(stack)

    assert (seen.warnings, seen.sum_of("Contradictions")) == ([], 0)


@pytest.mark.parametrize("header", ["Sunset", "Deprecation"])
def test_an_announced_sunset_is_counted_and_logged(
    stack: LocalStack, group: str, header: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    date = "Sun, 1 Mar 2026 00:00:00 GMT"
    headers = {"Content-Type": "application/json", header: date}
    stack.atlas.script("flex", Answer(200, headers, json.dumps(restore.body("flex"))))
    stack.logs()
    result = check(stack, restore).result
    seen = lines(stack)

    assert result["changed"] is True
    assert [warning["sunset"] for warning in seen.warnings] == [date]
    assert seen.sum_of("AtlasSunsets") == 1


# What a library, or Powertools itself, would write at this level if it were let.
SAID_BY_OTHERS = (
    "http://",
    "https://",
    "HTTP Request",
    "HTTP/1.1",
    "httpcore",
    "botocore",
    "urllib3",
    "uthorization",
    "User-Agent",
    "Www-Authenticate",
    "nonce",
    "x-amz",
    "SecretString",
    "Event",
)


LEVELS = {
    "debug": {"POWERTOOLS_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOGGER_LOG_EVENT": "true"},
    # With these, Lambda's own handler writes whatever any library logs.
    "debug-for-all": {
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
        "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    },
}


@by_either_credential
@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
def test_no_event_url_or_header_is_logged_at_any_level(
    stack: LocalStack, group: str, runtime_with: RuntimeWith, level: dict[str, str]
) -> None:
    restore = stack.atlas.start_restore(
        group, "orders", "dedicated", delivery_type="download", snapshot_id=LONG_AGO
    )
    runtime = runtime_with(**level)
    answers = [runtime.invoke(target(restore, pretty=True)).result]
    restore.run_to_end()
    answers.append(runtime.invoke(target(restore, pretty=True)).result)
    stack.aws.wire.inject(Fault(action=Answer(500), service="dynamodb"))
    answers.append(runtime.invoke(target(restore, pretty=True)).result)
    logs = runtime.logs()

    assert [answer["status"] for answer in answers] == ["RUNNING", "COMPLETED", "COMPLETED"]
    assert [word for word in SAID_BY_OTHERS if word in logs] == []
    assert "pretty" not in logs
    assert LONG_AGO not in logs
    seen = Lines(logs)
    assert len(seen.all) == len(logs.splitlines())
    assert len(seen.checked) == 3


def test_a_level_above_info_leaves_only_what_went_wrong(
    stack: LocalStack, group: str, runtime_with: RuntimeWith
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "tenant")
    runtime = runtime_with(POWERTOOLS_LOG_LEVEL="WARNING")
    runtime.invoke(target(restore, "tenant")).result  # noqa: B018 - there must be one
    seen = Lines(runtime.logs())

    assert seen.checked == []
    assert len(seen.warnings) == 1
    assert seen.sum_of("AtlasCalls") == 3
