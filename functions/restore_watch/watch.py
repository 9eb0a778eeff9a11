"""The use case, top to bottom: fetch, record, publish, acknowledge."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from restore_watch.atlas.client import AtlasClient
from restore_watch.deadline import Deadline
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.restore_job import RestoreJob, RestoreStatus, RestoreTarget, StatusChange
from restore_watch.secret import AtlasSecret
from restore_watch.table import Recorded, RestoreJobsTable
from restore_watch.topic import StatusChangesTopic

PATIENCE = (0.1, 0.2, 0.4)
"""
Seconds between the looks at a change that another check is about to publish.

To publish and acknowledge takes some tens of milliseconds within one region.
"""


@dataclass(frozen=True)
class CheckResult:
    """
    What a check found.

    `job` is the recorded state; `previous_status` is what was stored before this check, None at
    first sight; `changed` says whether this check recorded a change; `published` are the changes
    it published, earlier ones included that had been left pending; `contradiction` is an end that
    Atlas now says although another is recorded.
    """

    job: RestoreJob
    previous_status: RestoreStatus | None
    changed: bool
    sequence: int
    published: tuple[StatusChange, ...] = ()
    contradiction: RestoreStatus | None = None

    def as_json(self) -> dict[str, Any]:
        """The result of an invocation, plain JSON."""
        return {
            "job": self.job.as_json(),
            "status": self.job.status,
            "previousStatus": self.previous_status,
            "changed": self.changed,
            "terminal": self.job.terminal,
            "succeeded": self.job.succeeded,
            "sequence": self.sequence,
        }


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RestoreWatch:
    """Checks restore jobs; holds what lives as long as the execution environment."""

    def __init__(
        self,
        secret: AtlasSecret,
        atlas: AtlasClient,
        table: RestoreJobsTable,
        topic: StatusChangesTopic,
        *,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.secret = secret
        self.atlas = atlas
        self.table = table
        self.topic = topic
        self.now = now
        self.sleep = sleep

    def check(self, target: RestoreTarget, deadline: Deadline) -> CheckResult:
        """
        Look the job up and announce its status if that changed.

        Whoever gets an answer can rely on it: every change up to `sequence` is published. A check
        that is interrupted leaves its change pending; the next one publishes it, by the same id.
        """
        begun = self.now()
        job = self._fetch(target, deadline)
        observed_at = self.now()
        recorded = self.table.record(job, observed_at, deadline)
        for pause in PATIENCE:
            if not _is_in_other_hands(recorded, begun):
                break
            deadline.require(pause, "wait for the check that publishes this change")
            self.sleep(pause)
            recorded = self.table.record(job, observed_at, deadline)
        published = self._publish(recorded, deadline)
        if recorded.change is None and _gained_an_end(recorded.job, job):
            self.table.settle(job, observed_at, deadline)
        return _result(job, recorded, published)

    def _fetch(self, target: RestoreTarget, deadline: Deadline) -> RestoreJob:
        credentials = self.secret.credentials(deadline)
        try:
            return self.atlas.get_restore_job(target, credentials, deadline)
        except AtlasUnauthorizedError:
            # The secret may have been rotated since it was read.
            renewed = self.secret.credentials(deadline, refused=credentials)
            if renewed == credentials:
                raise
        return self.atlas.get_restore_job(target, renewed, deadline)

    def _publish(self, recorded: Recorded, deadline: Deadline) -> tuple[StatusChange, ...]:
        if recorded.pending:
            for change in recorded.pending:
                self.topic.publish(change, deadline)
            self.table.acknowledge(recorded, deadline)
        return recorded.pending


def _is_in_other_hands(recorded: Recorded, begun: datetime) -> bool:
    """
    Whether another check recorded the newest change after this one had begun.

    That check publishes it, and all before it, unless it dies. A change recorded earlier is taken
    for what a dead one left behind. Clocks that disagree cost a short wait or a second message.
    """
    overlaps = bool(recorded.pending) and recorded.history[-1].observed_at > begun
    return overlaps and recorded.change is None


def _gained_an_end(stored: RestoreJob, job: RestoreJob) -> bool:
    return job.status is stored.status and job.terminal and not stored.terminal


def _result(
    job: RestoreJob, recorded: Recorded, published: tuple[StatusChange, ...]
) -> CheckResult:
    stored = recorded.job
    change = recorded.change
    return CheckResult(
        # What Atlas said just now, unless the table knows better.
        job=job if job.status is stored.status else stored,
        previous_status=change.previous_status if change else stored.status,
        changed=change is not None,
        sequence=len(recorded.history),
        published=published,
        contradiction=job.status if job.contradicts(stored.status) else None,
    )
