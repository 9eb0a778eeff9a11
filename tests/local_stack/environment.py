"""An execution environment in the process of the tests: the product's own parts, over sockets."""

import io
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from foundation.clock import Clock, utc_text
from foundation.deadline import Deadline
from foundation.emitting import MetricsLog
from local_stack.atlas import EmulatedRestore
from local_stack.connections import Connections
from local_stack.stack import LocalStack
from restore_watch.application import Application
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.atlas_secret import AtlasSecret
from restore_watch.aws.own_function import OwnFunction
from restore_watch.aws.status_changes_topic import StatusChangesTopic
from restore_watch.aws.step_functions import StepFunctions
from restore_watch.check.batch import BatchChecker
from restore_watch.check.check import JobChecker
from restore_watch.check.outbox import Outbox
from restore_watch.check.tag_reader import TagReader
from restore_watch.event.actions import Diagnose
from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.sweep import composition
from restore_watch.sweep.finding.watched_projects import ProjectIds
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.project_names import ProjectNames, StoredNames
from restore_watch.table.sweep_lease import SweepLease
from restore_watch.telemetry.rto_of_clusters import RtoOfClusters
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.how_many_threads import threads_for
from restore_watch.threads.workers import Workers
from restore_watch.wires import Wires

PLENTY = 60.0
"""Seconds left to an invocation whose deadline is not tested."""

MINUTE = 60.0


class Surroundings(Protocol):
    """The stack on which environments run, and their clock. `said` is what they said."""

    stack: LocalStack
    said: list[str]

    @property
    def clock(self) -> Callable[[], datetime]: ...
    def now(self) -> datetime: ...
    def uptime(self) -> float: ...
    def pass_time(self, seconds: float) -> None: ...


class Environment:
    """
    A cold start, put together as `restore_watch.composition` does it, with the clock of its world.

    It has cached nothing; its connections may be warm. What it says, `log` keeps.
    """

    def __init__(
        self,
        world: Surroundings,
        by: Connections,
        *,
        sleep: Callable[[float], None],
        atlas_url: str | None = None,
        hot_rounds: bool = False,
        project_ids: ProjectIds = (),
        metrics: bool = True,
        rto: timedelta | None = None,
        log: io.StringIO | None = None,
    ) -> None:
        stack = world.stack
        self.world = world
        self.by = by
        self.log = log or io.StringIO()
        clock = Clock(world.now, sleep)
        self.telemetry = Telemetry(
            Logger(service=secrets.token_hex(8), stream=self.log, level="DEBUG"),
            MetricsLog(metrics),
            RtoOfClusters(rto, clock.unix),
        )
        secret = AtlasSecret(by.secretsmanager, stack.secret_arn, now=clock.unix)
        atlas = AtlasSession(
            atlas_url or stack.atlas.url, secret.credentials, by.http, now=clock.unix, sleep=sleep
        )
        outbox = Outbox(
            RestoreJobsTable(by.dynamodb, stack.table_name),
            StatusChangesTopic(
                by.sns, stack.topic_arn, stack.function.environment["POWERTOOLS_SERVICE_NAME"]
            ),
            StepFunctions(lambda: by.stepfunctions),
            self.telemetry,
            clock,
            ProjectNames(StoredNames(by.dynamodb, stack.table_name), project_ids, clock.unix),
            TagReader(atlas, self.telemetry),
        )
        self.checker = JobChecker(atlas, outbox)
        self._hot_rounds, self._project_ids = hot_rounds, project_ids

    @cached_property
    def wires(self) -> Wires:
        """Its threads start when a sweep, a batch or a report needs them."""
        workers = Workers(threads_for(512))
        return Wires(self.checker.atlas, self.checker.outbox, workers, self.telemetry)

    @cached_property
    def application(self) -> Application:
        """From the event to its answer."""
        dynamodb, table, clock = self.by.dynamodb, self.world.stack.table_name, self.wires.clock
        sweeper = Sweeper(
            composition.SweepEnvironment(self.wires, self._hot_rounds, self._project_ids),
            SweepLease(dynamodb, table, now=clock.unix, sleep=clock.sleep),
        )
        return Application(
            self.checker,
            BatchChecker(self.checker, self.wires.workers, self.telemetry),
            self.telemetry,
            OwnFunction(lambda: self.by.lambda_, self.world.stack.function.name),
            self._hot_rounds,
            lambda: sweeper,
            _no_diagnosis,
        )

    def deadline(self, seconds: float = PLENTY) -> Deadline:
        return Deadline.after(seconds, self.world.uptime)

    def check(self, job: EmulatedRestore | RestoreTarget, seconds: float = PLENTY) -> CheckResult:
        """Check one job."""
        target = job if isinstance(job, RestoreTarget) else target_of(job)
        return self.checker.check(target, self.deadline(seconds))

    def answer(self, event: object, seconds: float = PLENTY) -> dict[str, Any]:
        """Answer an event as the function does."""
        result = dict(self.application.answer(event, self.deadline(seconds)))
        self.world.said.append(json.dumps(result))
        return result

    def sweep(self, tick: datetime | None = None, seconds: float = PLENTY) -> dict[str, Any]:
        """Sweep, as the schedule does at a `tick`, by default that of this moment."""
        scheduled = {"scheduledTime": utc_text(tick or self.world.clock())}
        return self.answer({"action": "sweep", **scheduled}, seconds)

    def follow(self, seconds: float = PLENTY) -> dict[str, Any]:
        """Sweep without a tick."""
        return self.answer({"action": "sweep"}, seconds)

    def tick(self, minutes: float = 1, seconds: float = PLENTY) -> dict[str, Any]:
        """Forget calls and log lines, let these minutes pass, and sweep as the schedule does."""
        self.world.pass_time(minutes * MINUTE)
        self.world.stack.forget_calls()
        self.forget_log()
        return self.sweep(self.world.clock(), seconds)

    def ticks(self, count: int, minutes: float = 1) -> list[dict[str, Any]]:
        return [self.tick(minutes) for _ in range(count)]

    def lines(
        self, message: str | None = None, *, level: str | None = None
    ) -> list[Mapping[str, Any]]:
        """The log lines so far, those with this message and level if they are given."""
        lines = map(json.loads, self.log.getvalue().splitlines())
        return [
            line
            for line in lines
            if message in {None, line["message"]} and level in {None, line["level"]}
        ]

    def forget_log(self) -> None:
        self.world.said.append(self.log.getvalue())
        self.log.seek(0)
        self.log.truncate()


def target_of(job: EmulatedRestore, kind: str | None = None, **more: Any) -> RestoreTarget:
    """The target that a caller names; without a kind, the product finds it out."""
    return read_target({**job.event, "kind": kind, **more})


def _no_diagnosis(_wanted: Diagnose, _deadline: Deadline) -> Mapping[str, Any]:
    """A diagnosis needs the settings of the real runtime."""
    raise NotImplementedError
