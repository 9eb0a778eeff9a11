"""Invocations of several jobs in the model's world: delivered, tried again, and judged."""

import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from foundation.deadline import Deadline
from reliability.checks import INVOCATION, MAY_LEAVE_PENDING, SLACK, Checks
from reliability.drawn import Form
from reliability.judgement import judge_done, judge_secrecy
from reliability.world import OUTPUT
from reliability.world_parts import Job
from restore_watch.errors import RestoreWatchError
from restore_watch.event.event import DETAIL_TYPE

RETRIES = (60.0, 120.0)
"""Seconds that Lambda waits before it tries an asynchronous invocation again."""

VARIABLES = {"POWERTOOLS_METRICS_NAMESPACE": "Model", "POWERTOOLS_SERVICE_NAME": "model"}


def event_of(form: Form, targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The event that names these jobs."""
    match form:
        case "event":
            return {"detail-type": DETAIL_TYPE, "detail": {"targets": targets}}
        case "targets":
            return {"targets": targets}
        case "queue":
            return {
                "Records": [
                    {"messageId": str(n), "eventSource": "aws:sqs", "body": json.dumps(target)}
                    for n, target in enumerate(targets)
                ]
            }


def finished_jobs(form: Form, jobs: Sequence[Job], answer: Mapping[str, Any]) -> list[Job]:
    """The jobs that the caller takes for checked."""
    match form:
        case "event":
            return list(jobs)  # AWS reads no result
        case "targets":
            checked = {one["job"]["restoreId"] for one in answer["results"]}
            assert len(checked) + len(answer["failures"]) == len(jobs), "a target has no outcome"
            return [job for job in jobs if job.restore.restore_id in checked]
        case "queue":
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            return [job for n, job in enumerate(jobs) if str(n) not in failed]


@dataclass
class Attempt:
    """One invocation. `reports` are its log lines, `metrics` its metric lines."""

    finished: list[Job]
    reports: list[dict[str, Any]]
    metrics: list[dict[str, Any]]


class Deliveries:
    """Delivers events to environments, as AWS does."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._world = checks.world

    def deliver(
        self,
        slots: Sequence[int],
        jobs: Sequence[Job],
        form: Form,
        disturbed: AbstractContextManager[object] | None = None,
    ) -> None:
        """
        Invoke until it succeeds, three times at most, in these slots one after the other.

        The first attempt is `disturbed`. A direct call is not repeated.
        """
        left = list(jobs)
        is_calm = False
        for number, slot in enumerate(slots):
            if number:
                self._world.pass_time(RETRIES[number - 1])
            is_calm = self._world.is_healthy and (number > 0 or disturbed is None)
            with (not number and disturbed) or nullcontext():
                finished = self._attempt(slot, left, form).finished
            self._checks.tally[f"{form}: attempt {number + 1}"] += 1
            left = [job for job in left if job not in finished]
            if not left or form == "targets":
                break
        if is_calm:
            for job in jobs:
                if not job.is_hidden:
                    self._judge_done(job)

    def _attempt(self, slot: int, jobs: Sequence[Job], form: Form) -> Attempt:
        world = self._world
        before = [(job, world.item(job), len(world.received(job))) for job in jobs]
        calls = len(world.stack.aws.wire.calls)
        environment = world.environments[slot]
        deadline = Deadline.after(INVOCATION, lambda: world.uptime)
        world.begin(slot, len(jobs))
        printed = io.StringIO()
        OUTPUT.seek(0)
        OUTPUT.truncate()
        finished: list[Job] = []
        # A check without an application has no telemetry: what it says would go to our own output.
        reports = patch.object(environment.checker.outbox, "telemetry", environment.telemetry)
        try:
            with redirect_stdout(printed), patch.dict(os.environ, VARIABLES), reports:
                answer = environment.application.answer(
                    event_of(form, [job.event for job in jobs]), deadline
                )
            finished = finished_jobs(form, jobs, answer)
            self._checks.outcomes.append(answer)
        except RestoreWatchError as error:
            self._checks.outcomes.append(error)
        assert world.uptime - deadline.at < SLACK, "I6: an invocation ended after its deadline"
        output = OUTPUT.getvalue()
        judge_secrecy([output, printed.getvalue()])
        attempt = Attempt(finished, list(_objects(output)), list(_objects(printed.getvalue())))
        self._judge(attempt, before, calls, slot)
        return attempt

    def _judge(
        self,
        attempt: Attempt,
        before: Sequence[tuple[Job, Mapping[str, Any] | None, int]],
        calls: int,
        slot: int,
    ) -> None:
        if self._checks.is_dead(slot):
            return
        for job in attempt.finished:
            self._judge_done(job)
        table_failed = self._checks.table_failed(slot, calls)
        reports = {
            report["restore_id"]: report.get("error")
            for report in attempt.reports
            if "restore_id" in report and report["level"] in {"INFO", "ERROR"}
        }
        assert len(reports) == len(before), "a target is not reported"
        for job, item, _ in before:
            error = reports[job.restore.restore_id]
            if error is None or not (error in MAY_LEAVE_PENDING or table_failed):
                self._checks.judge_pending(job, item)
        self._judge_metrics(attempt, before)

    def _judge_done(self, job: Job) -> None:
        item = self._world.item(job)
        judge_done(item, job.last, may_have_left=self._checks.may_have_left(item))

    def _judge_metrics(
        self, attempt: Attempt, before: Sequence[tuple[Job, Mapping[str, Any] | None, int]]
    ) -> None:
        counts = [_amount(line, "SuccessfulChecks", "FailedChecks") for line in attempt.metrics]
        assert sum(counts) == len(before), "metrics: a check is not counted once"
        ends = 0
        for job, _, messages in before:
            item = self._world.item(job)
            if item is not None and not item["history"][0]["terminal"]:
                new = self._world.received(job)[messages:]
                ends += sum(message.event["data"]["terminal"] for message in new)
        latencies = sum("DetectionLatency" in line for line in attempt.metrics)
        assert latencies <= ends, "metrics: the latency of a job that was first seen ended"


def _objects(lines: str) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in lines.splitlines())


def _amount(line: Mapping[str, Any], *names: str) -> float:
    amounts: list[list[float]] = [line[name] for name in names if name in line]
    return sum(itertools.chain.from_iterable(amounts))
