"""Reports by the real reporter, of clusters that the emulated Atlas lists."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foundation.clock import utc_text
from foundation.deadline import Deadline
from local_stack.atlas import EmulatedCluster, EmulatedRestore, Kind, Role
from local_stack.environment import Environment, target_of
from local_stack.stack import CREDENTIALS
from local_stack.wire import Call, Selection
from local_stack.world import World
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.reporter import Reporter

DAY = timedelta(days=1)
QUARTER_HOUR = 890.0
"""Seconds that an invocation has."""

PUT = Selection("s3", None, lambda call: call.method == "PUT")


class Reports:
    """The report's function, whose schedule is daily, and the test's project, which it watches."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stack = world.stack
        self.settings = {"REPORT": "daily"}
        self.projects: tuple[str, ...] = (world.group,)
        self.bucket: str = self.stack.resources["ReportBucket"]
        self.event = {"action": "report", "scheduledTime": world.clock().isoformat()}
        self.at = datetime.combine(world.clock().astimezone(UTC), datetime.min.time(), UTC)
        """The end of the period."""
        self.is_swept = True
        """Whether the schedule of sweeps runs, so that one has just succeeded."""
        world.atlas.add_project(world.group)

    def cluster(
        self, name: str, kind: Kind = "dedicated", *, days: float = 400, **said: Any
    ) -> EmulatedCluster:
        """A cluster of so many days. `said`: fields of its entry in the list."""
        made = self.world.atlas.add_cluster(self.world.group, name, kind)
        made.created, made.said = self.at - days * DAY, said
        return made

    def restored(
        self, name: str, kind: Kind = "dedicated", *, days: float = 5, is_known: bool = False
    ) -> EmulatedRestore:
        """A restore of a cluster that completed so many days ago; the table may know it."""
        newest = self.at - days * DAY
        (job,) = self.world.atlas.add_ended_restores(self.world.group, name, kind, 1, newest=newest)
        if is_known:
            self.world.check(target_of(job, kind))
        return job

    def target(self, job: EmulatedRestore, kind: Kind) -> RestoreTarget:
        """The target of a check of the restore."""
        return target_of(job, kind)

    def page(self) -> str:
        """The newest page in the bucket."""
        return self._newest("html").decode()

    def environment(self) -> Environment:
        projects: Any = "all" if self.projects == ("all",) else self.projects
        return self.world.environment(project_ids=projects)

    def make(
        self,
        event: object = None,
        environment: Environment | None = None,
        seconds: float = QUARTER_HOUR,
        request_id: str | None = None,
    ) -> Mapping[str, Any]:
        """Make a report in a new environment, unless one is named."""
        environment = environment or self.environment()
        if self.is_swept:
            self._sweep()
        variables = {"ATLAS_PROJECT_IDS": ",".join(self.projects), **self.settings}
        settings = ReportSettings.from_environment(self.stack.report_environment | variables)
        bucket = ReportBucket(environment.by.s3, settings.bucket, environment.wires.clock)
        reporter = Reporter(settings, environment.wires, bucket)
        deadline = Deadline.after(seconds, self.world.uptime)
        result = reporter.answer(self.event if event is None else event, deadline, request_id)
        self.world.said.append(json.dumps(result))
        return result

    def _sweep(self) -> None:
        """Store that a sweep has succeeded now. It has met no restore."""
        now = utc_text(self.world.clock())
        key = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}
        self.stack.put_items([{**key, "succeededAt": {"S": now}}])

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Within the block, the service account has the role Project Read Only alone."""
        account, atlas = CREDENTIALS["service_account"]["client_id"], self.world.atlas
        atlas.grant(account, Role.READ_ONLY)
        yield
        atlas.grant(account, Role.BACKUP_MANAGER)

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """The objects in the bucket by key."""
        return {key: self._read(key) for key in self._keys(prefix)}

    def delete_files(self) -> None:
        """Empty the bucket."""
        keys = [{"Key": key} for key in self._keys()]
        if keys:
            self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys})

    def contents(self, prefix: str = "") -> dict[str, object]:
        """The objects in the bucket by key, without the moment at which Atlas was read."""
        files = self.files(prefix)
        found: dict[str, object] = dict(files)
        for key, body in files.items():
            if key.endswith(".json"):
                whole = json.loads(body)
                for moving in ("readAt", "limits", "files"):
                    del whole[moving]
                found[key] = whole
            elif key.endswith(".html"):
                found[key] = re.sub(rb"[^>]*, when Atlas was read", b"", body)
        return found

    def json(self) -> dict[str, Any]:
        """The newest report in the bucket."""
        read: dict[str, Any] = json.loads(self._newest("json"))
        return read

    def _newest(self, form: str) -> bytes:
        """The newest file of a form, by the last day of its period."""
        return self._read(max(key for key in self._keys("reports/2") if key.endswith(form)))

    def _keys(self, prefix: str = "") -> list[str]:
        listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for one in listed.get("Contents", ())]

    def _read(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    @property
    def _s3(self) -> Any:
        return self.world.aws.client("s3")

    def clusters(self) -> dict[str, dict[str, Any]]:
        """The clusters of a new report by name."""
        self.make()
        return {one["clusterName"]: one for one in self.json()["clusters"]}

    def states(self) -> dict[str, str]:
        """Their states."""
        return {name: one["state"] for name, one in self.clusters().items()}

    def messages(self) -> list[Any]:
        """The messages of reports since the last call."""
        kind = "atlas-restore-watch.report.v1"
        return [one for one in self.world.received() if one.event["type"] == kind]

    def asked(self) -> list[Call]:
        """What Atlas was asked, without tokens."""
        calls = self.world.calls(Selection("atlas"))
        return [call for call in calls if call.operation != "token"]


@pytest.fixture
def reports(world: World) -> Iterator[Reports]:
    """A stack without any report. What is put into the bucket, the canaries see as requests."""
    made = Reports(world)
    yield made
    made.delete_files()
