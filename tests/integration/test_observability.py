"""What an operator sees: one log line for each check, metrics of few dimensions, and no more."""

import json
import re
from typing import Any

import pytest

from integration.checking import LONG_AGO, ROOT, check, target
from integration.conftest import RuntimeWith
from local_stack.atlas import Kind
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from local_stack.wire import Fault
from observed_stack import ObservedStack

# Powertools' own fields, with the identity of the function and the invocation.
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
    """The log lines of a few invocations; every line is JSON, except a traceback of the runtime."""

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

    def failed_checks(self) -> dict[str, float]:
        """The metric FailedChecks by its dimension `error`."""
        failed = [line for line in self.metrics if "FailedChecks" in line]
        return {line["error"]: sum(line["FailedChecks"]) for line in failed}


def lines(stack: LocalStack) -> Lines:
    return Lines(stack.logs())


def test_each_check_logs_one_line(stack: LocalStack, group: str) -> None:
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


def test_each_of_several_targets_logs_one_line(stack: LocalStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(3)]
    stack.logs()
    stack.invoke({"targets": [target(restore) for restore in restores]})

    assert sorted(line["restore_id"] for line in lines(stack).checked) == sorted(
        restore.restore_id for restore in restores
    )


def test_a_failed_check_logs_one_line_with_advice(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    stack.atlas.behaviour.refused_address = "203.0.113.9"
    stack.logs()
    answer = check(stack, restore)
    seen = lines(stack)

    (error,) = seen.errors
    assert set(error) == STANDARD | NAMES | {"error", "error_code", "notes"}
    assert error["error"] == answer.error_type == "AtlasForbiddenError"
    assert error["error_code"] == "IP_ADDRESS_NOT_ON_ACCESS_LIST"
    assert error["message"] == answer.error_message
    assert error["restore_id"] == restore.restore_id
    assert seen.checked == []
    assert seen.failed_checks() == {"AtlasForbiddenError": 1}
    assert seen.sum_of("SuccessfulChecks") == 0


def test_a_bad_event_logs_one_line(stack: LocalStack) -> None:
    stack.logs()
    stack.invoke({"groupId": "nothing"})
    seen = lines(stack)

    assert [error["error"] for error in seen.errors] == ["InvalidEventError"]
    assert seen.failed_checks() == {"InvalidEventError": 1}


def test_metrics_have_the_documented_units_and_dimensions_only(
    stack: LocalStack, group: str
) -> None:
    flex = stack.atlas.start_restore(group, "orders", "flex")
    download = stack.atlas.start_restore(group, "sales", "dedicated", delivery_type="download")
    # A cold environment would also count a request for a token.
    check(stack, stack.atlas.start_restore(group, "first", "flex"))
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
        "SuccessfulChecks",
        "FailedChecks",
        "StatusChanges",
        "RestoreDuration",
        "DetectionLatency",
        "SnapshotAge",
    }


def test_each_successful_check_is_counted(stack: LocalStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(3)]
    unknown = {"groupId": group, "clusterName": "orders-0", "restoreId": LONG_AGO, "kind": "flex"}
    stack.logs()
    stack.invoke({"targets": [*map(target, restores), unknown]})
    seen = lines(stack)

    assert seen.sum_of("SuccessfulChecks") == 3
    assert seen.failed_checks() == {"RestoreJobNotFoundError": 1}


def test_status_changes_and_durations_have_a_status_dimension(
    stack: LocalStack, group: str
) -> None:
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


@pytest.mark.parametrize("is_seen_before", [True, False], ids=["before-its-end", "at-its-end"])
@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_detection_latency_is_measured_only_for_a_job_seen_before_its_end(
    stack: LocalStack, group: str, kind: Kind, *, is_seen_before: bool
) -> None:
    """Both are downloads: the dedicated one has no finish date when it is ready."""
    words: dict[Kind, str] = {"flex": "DOWNLOAD", "dedicated": "download"}
    restore = stack.atlas.start_restore(group, "orders", kind, delivery_type=words[kind])
    if is_seen_before:
        check(stack, restore, kind)
    restore.run_to_end()
    stack.logs()
    check(stack, restore, kind)
    (change,) = [line for line in lines(stack).metrics if "StatusChanges" in line]

    assert change["status"] == "COMPLETED"
    assert ("DetectionLatency" in change) is is_seen_before


def test_every_call_to_atlas_is_counted(new_stack: ObservedStack, group: str) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "dedicated")
    new_stack.logs()
    for _ in range(3):
        check(new_stack, restore)

    assert lines(new_stack).sum_of("AtlasCalls") == new_stack.atlas.wire.count()
    assert new_stack.atlas.wire.count() == 5


@pytest.mark.parametrize("is_enveloped", [False, True], ids=["plain", "enveloped"])
def test_a_throttle_is_counted(stack: LocalStack, group: str, *, is_enveloped: bool) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    plain = atlas_error(429, "RATE_LIMITED", "Slower.", headers={"Retry-After": "300"})
    wrapped = Answer.json(
        200, {"status": 429, "content": json.loads(plain.body)}, {"Retry-After": "300"}
    )
    stack.atlas.script("flex", wrapped if is_enveloped else plain)
    stack.logs()
    answer = check(stack, restore, "flex", envelope=is_enveloped)

    assert answer.error_type == "AtlasRateLimitError"

    assert lines(stack).sum_of("AtlasThrottles") == 1


# What a library, or Powertools itself, writes at this level unless the function prevents it.
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
    # With these, Lambda's own handler writes what any library logs.
    "debug-for-all": {
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
        "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    },
}


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


def test_the_log_level_warning_omits_successful_checks(
    stack: LocalStack, group: str, runtime_with: RuntimeWith
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "tenant")
    runtime = runtime_with(POWERTOOLS_LOG_LEVEL="WARNING")
    runtime.invoke(target(restore, "tenant")).result  # noqa: B018 - it must succeed
    seen = Lines(runtime.logs())

    assert seen.checked == []
    assert len(seen.warnings) == 1
    assert seen.sum_of("AtlasCalls") == 3
