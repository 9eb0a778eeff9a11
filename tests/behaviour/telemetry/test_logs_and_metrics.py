"""What the function writes: a log line for each check, metrics of few dimensions, and no more."""

import json
from collections.abc import Iterator
from typing import Any

from local_stack.refusal import atlas_error
from local_stack.runtime import Invocation
from local_stack.steps import FLEX
from local_stack.world import World

# Powertools' own fields, with the identity of the function and the invocation.
STANDARD = {
    *("level", "message", "timestamp", "service", "cold_start", "function_name"),
    *("function_memory_size", "function_arn", "function_request_id"),
}
NAMES = {"group_id", "cluster_name", "restore_id"}


class Lines:
    """Log lines. Each is JSON, except the traceback that Lambda writes of an error."""

    def __init__(self, logs: str) -> None:
        self.all = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
        self.checked = [line for line in self.all if line.get("message") == "checked"]
        self.errors = [line for line in self.all if line.get("level") == "ERROR"]

    def metrics(self) -> Iterator[tuple[tuple[str, str, tuple[str, ...]], dict[str, Any]]]:
        """Yield each metric, by its name, unit and dimensions, with its line."""
        for line in self.all:
            for one in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                assert one["Namespace"] == "AtlasRestoreWatch"
                (dimensions,) = one["Dimensions"]
                values = set(line) - {"_aws"} - set(dimensions)
                assert values == {metric["Name"] for metric in one["Metrics"]}
                for metric in one["Metrics"]:
                    yield (metric["Name"], metric["Unit"], tuple(sorted(dimensions))), line


def written(world: World, *events: Any) -> tuple[list[Invocation], Lines]:
    """Answer these events in a warm environment. Return the answers, and what it has written."""
    world.invoke(world.job())
    world.stack.logs()
    answers = [world.invoke(event) for event in events]
    return answers, Lines(world.stack.logs())


def test_each_check_logs_one_line(world: World) -> None:
    jobs = [world.job() for _ in range(3)]
    _, lines = written(world, jobs[0], jobs[0], {"targets": [job.event for job in jobs[1:]]})
    first, second, *others = lines.checked

    assert (
        set(first) == set(second) == STANDARD | NAMES | {"kind", "status", "changed", "published"}
    )
    names = {"cluster_name": jobs[0].cluster, "restore_id": jobs[0].restore_id}
    said = {"group_id": world.group, "kind": "flex", "status": "PENDING", "level": "INFO"}
    assert (names | said | {"changed": True, "published": 1}).items() <= first.items()
    assert (names | said | {"changed": False, "published": 0}).items() <= second.items()
    assert {line["restore_id"] for line in others} == {job.restore_id for job in jobs[1:]}


def test_a_failed_check_logs_one_line_with_advice(world: World) -> None:
    job, address = world.job(), "203.0.113.9"
    refusal = atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "No.", [address])
    world.inject(FLEX, refusal, skip=1)  # the warm environment is not refused
    (answer, _), lines = written(world, job.event | {"kind": "flex"}, {"groupId": "nothing"})
    error, of_event = lines.errors

    assert set(error) == STANDARD | NAMES | {"error", "error_code", "notes"}
    assert error["error"] == answer.error_type == "AtlasForbiddenError"
    assert error["error_code"] == "IP_ADDRESS_NOT_ON_ACCESS_LIST"
    assert error["message"] == answer.error_message
    assert f"Add {address}" in error["message"]
    assert error["restore_id"] == job.restore_id
    assert of_event["error"] == "InvalidEventError"
    assert lines.checked == []


METRICS = {
    ("RestoreDuration", "Seconds", ("service", "status")),
    ("SnapshotAge", "Seconds", ("service",)),
}


def test_metrics_have_few_dimensions_and_name_no_job(world: World) -> None:
    jobs = world.job(timeline=["PENDING", "FAILED"]), world.job("dedicated")
    _, first = written(world, *jobs)
    for job in jobs:
        job.run_to_end()
    answers, lines = written(world, *jobs, {})
    metrics = {**dict(first.metrics()), **dict(lines.metrics())}

    assert set(metrics) == METRICS
    for line in metrics.values():
        assert line["service"] == "atlas-restore-watch"
        names = [world.group, *(job.restore_id for job in jobs), *(job.cluster for job in jobs)]
        assert [name for name in names if name in json.dumps(line)] == []
    (ended,) = [line for line in lines.all if line.get("status") == "FAILED" and "_aws" in line]
    assert ended["RestoreDuration"] == [answers[0].result["job"]["durationSeconds"]]
