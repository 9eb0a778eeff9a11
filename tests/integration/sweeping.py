"""An environment in the process of the tests that sweeps, with a clock that the test moves."""

import io
import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from integration.checking import item_of, refuse_publications
from local_stack.atlas import EmulatedRestore, Kind, in_group
from local_stack.clock import Clock
from local_stack.faults import Action
from local_stack.in_process import Clients, cold_start, sweeper_of
from local_stack.stack import LocalStack
from local_stack.wire import Fault, Injected
from restore_watch.event.actions import Sweep
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.sweep.find.watched_projects import ProjectIds
from restore_watch.telemetry.telemetry import Telemetry

HOUR = 3600.0
DAY = 24 * HOUR

NOTHING_NEW = {"changed": 0, "published": 0, "notReached": 0, "failures": []}
"""The counts of a sweep that found nothing new, beside those of its jobs."""

YESTERDAY = 1_777_809_600
"""A moment so long ago that a 404 is not excused by the age of a job."""


def old_id() -> str:
    """The id of a job that is older than a minute."""
    return f"{YESTERDAY:08x}{secrets.token_hex(8)}"


class Sweeping:
    """
    One environment. Its waits move the clock instead of taking time.

    `hot_seconds` is 0 and no project is watched unless they are given. Credentials and token are
    at hand if the environment `is_warm`.
    """

    def __init__(
        self,
        stack: LocalStack,
        by: Clients,
        *,
        hot_seconds: float = 0,
        rate_limit_reserve: float = 0.5,
        project_ids: ProjectIds = (),
        clock: Clock | None = None,
        is_warm: bool = True,
    ) -> None:
        self.stack = stack
        self.clock = clock or Clock()
        self.log = io.StringIO()
        telemetry = Telemetry(Logger(service=secrets.token_hex(8), stream=self.log, level="DEBUG"))
        self.checker = cold_start(stack, by, now=self.clock, sleep=self.pass_time)
        self.sweeper = sweeper_of(
            stack,
            by,
            self.checker,
            telemetry,
            hot_seconds=hot_seconds,
            rate_limit_reserve=rate_limit_reserve,
            project_ids=project_ids,
        )
        if is_warm:
            self.checker.atlas.prepare(Deadline.after(60))

    def pass_time(self, seconds: float) -> None:
        """These seconds pass, or a wait takes them."""
        self.clock.advance(seconds)

    def deadline(self, seconds: float = 60.0) -> Deadline:
        return Deadline.after(seconds, lambda: self.clock().timestamp())

    def check(self, *restores: EmulatedRestore, kind: Kind | None = None) -> None:
        """Name these jobs once."""
        for restore in restores:
            named = RestoreTarget.model_validate({**restore.event, "kind": kind})
            self.checker.check(named, self.deadline())
        self.stack.received()

    def sweep(self, seconds: float = 60.0) -> Mapping[str, Any]:
        """Sweep, a little after whatever was asked before. Forget the earlier calls."""
        self.stack.forget_calls()
        self.log.seek(0)
        self.log.truncate()
        return self.sweeper.sweep(Sweep(), self.deadline(seconds))

    def sweep_after(self, seconds: float) -> Mapping[str, Any]:
        self.pass_time(seconds)
        return self.sweep()

    def lines(self, message: str) -> list[dict[str, Any]]:
        """The log lines of the last sweep with this message."""
        lines = map(json.loads, self.log.getvalue().splitlines())
        return [line for line in lines if line["message"] == message]


def asked(stack: LocalStack) -> list[str]:
    """What Atlas was asked since the calls were last forgotten, in the order of names."""
    return sorted(call.operation for call in stack.http_calls() if call.service == "atlas")


def asked_about(stack: LocalStack) -> list[str]:
    """The ids of the jobs that Atlas was asked about one by one, in order."""
    paths = [call.path for call in stack.http_calls() if not call.operation.endswith("_list")]
    return [path.rpartition("/")[2] for path in paths if "restore" in path.lower()]


def start_several(
    stack: LocalStack, group: str, count: int, kind: Kind = "flex", cluster: str = "orders"
) -> list[EmulatedRestore]:
    """Several restores of one cluster, none of them new."""
    return [
        stack.atlas.start_restore(group, cluster, kind, restore_id=old_id()) for _ in range(count)
    ]


def break_project(stack: LocalStack, group: str, action: Action, **how: Any) -> Injected:
    """This happens to the requests about a project."""
    return stack.atlas.wire.inject(Fault(action=action, when=in_group(group), **how))


def is_open(stack: LocalStack, restore: EmulatedRestore) -> bool:
    """Whether the index has the job."""
    item = item_of(stack, restore)
    return item is not None and "openShard" in item


def hidden(sweeping: Sweeping, stack: LocalStack, group: str) -> EmulatedRestore:
    """An open job that Atlas does not know any more."""
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id=old_id())
    sweeping.check(restore)
    stack.atlas.hide_restore(restore)
    return restore


def check_without_topic(sweeping: Sweeping, stack: LocalStack, restore: EmulatedRestore) -> None:
    """A check dies before its message is published."""
    with refuse_publications(stack), pytest.raises(Exception, match="SNS"):
        sweeping.check(restore)
