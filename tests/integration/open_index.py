"""The index of open jobs, as a sweep uses it."""

from datetime import UTC, datetime, timedelta

from foundation.deadline import Deadline
from integration.tables import NOON, Stored
from restore_watch.model.restore_job import RestoreJob
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs

HOUR = timedelta(hours=1)


def soon() -> Deadline:
    return Deadline.after(60)


class Index:
    """The index as a sweep uses it."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.open_jobs = OpenJobs(stored.client, stored.stack.table_name)

    def entry(self, job: RestoreJob) -> OpenJob | None:
        """What a sweep knows of this job."""
        found = [
            one
            for one in self.open_jobs.read(soon(), datetime.now(UTC))
            if one.target.group_id == job.group_id
        ]
        return found[0] if found else None

    def known(self, job: RestoreJob) -> OpenJob:
        entry = self.entry(job)
        assert entry is not None
        return entry

    def settle(self, job: RestoreJob, minute: int = 0) -> OpenJob:
        """Record and publish."""
        self.stored.acknowledge(self.stored.record(job, minute))
        return self.known(job)

    def miss(self, job: RestoreJob) -> OpenJob:
        """Record and publish. Then Atlas does not know it."""
        self.open_jobs.missed(self.settle(job), NOON, soon())
        return self.known(job)
