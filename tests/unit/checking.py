"""A `JobChecker` with its real parts, on a scripted Atlas and a stubbed AWS."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from foundation.clock import Clock as SystemClock
from local_stack.in_process import Quiet
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.secrets_manager import AtlasSecret
from restore_watch.aws.step_functions import Workflows
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.check.check import JobChecker
from restore_watch.check.outbox import Outbox
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.sweep.parts import SweepOptions
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers
from unit.scripted_atlas import BASE_URL, GROUP, RESTORE, Clock, ScriptedAtlas
from unit.stubbed_aws import StubbedTable, StubbedTopic, dynamodb, secrets_manager, sns

if TYPE_CHECKING:
    from restore_watch.model.validation import Entry
    from restore_watch.table.job_item import Recorded

LONG_AGO = timedelta(days=1)


def target(restore_id: str = RESTORE, **fields: object) -> RestoreTarget:
    named = {"groupId": GROUP, "clusterName": "orders", "restoreId": restore_id, "kind": "flex"}
    return RestoreTarget.model_validate(named | fields)


class Checking:
    """The checker and all that it talks to. The secret holds an API key."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self.table = StubbedTable()
        self.topic = StubbedTopic()
        self.private_key = "first"
        self.reported: list[tuple[Entry, Recorded]] = []
        secrets = secrets_manager(lambda _: self._secret())
        secret = AtlasSecret(secrets, "atlas/credentials", now=clock)
        client = AtlasClient(BASE_URL, atlas.client(), now=clock, sleep=clock.sleep)
        outbox = Outbox(
            RestoreJobsTable(dynamodb(self.table), "restore-jobs"),
            StatusChangesTopic(sns(self.topic), "arn:aws:sns:eu-central-1:123456789012:changes"),
            Workflows(self._no_client),
            Quiet(lambda change, recorded: self.reported.append((change, recorded))),
            SystemClock(self.utc_now, clock.sleep),
        )
        self.checker = JobChecker(AtlasSession(client, secret.credentials), outbox)

    def _no_client(self) -> Any:
        """Nobody waits for the jobs of these tests."""
        raise NotImplementedError

    def _secret(self) -> dict[str, str]:
        keys = {"public_key": "abcdefgh", "private_key": self.private_key}
        return {"ARN": "arn", "SecretString": json.dumps(keys)}

    def utc_now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now, UTC)

    def sweeper(self, telemetry: Telemetry) -> Sweeper:
        client = dynamodb(self.table)
        return Sweeper(
            self.checker.atlas,
            self.checker.outbox,
            OpenJobs(client, "restore-jobs"),
            Bookkeeping(client, "restore-jobs"),
            SweepLease(client, "restore-jobs", now=self.clock, sleep=self.clock.sleep),
            Workers(),
            telemetry,
            options=SweepOptions(hot_seconds=0, rate_limit_reserve=0.5),
        )

    def check(self, which: RestoreTarget | None = None) -> CheckResult:
        return self.checker.check(which or target(), self.clock.deadline())
