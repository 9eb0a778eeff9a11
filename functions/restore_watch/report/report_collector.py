"""Collects what a report says: it reads the table and Atlas, and judges the clusters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from botocore.utils import ArnParser

from foundation import __version__
from foundation.deadline import Deadline
from restore_watch.report.fleet.fleet import Fleet
from restore_watch.report.fleet.fleet_reader import FleetReader
from restore_watch.report.judging.coverage import Coverage
from restore_watch.report.judging.judge_fleet import judge_fleet
from restore_watch.report.period import Period, next_report
from restore_watch.report.report import Origin, Report
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.restores.projects_in_table import projects_in_table
from restore_watch.report.restores.stored_restores import StoredRestores, read_stored_restores
from restore_watch.report.restores.what_a_restore_proves import Restore, merged
from restore_watch.table.bookkeeping import Bookkeeping, Books
from restore_watch.wires import Wires

WRITING_TIME = 60.0
"""Seconds that are kept for the files and the message: 10,000 clusters take seconds."""


@dataclass(frozen=True)
class ReportCollector:
    """Reads what reports say. Its methods raise TableUnavailableError."""

    settings: ReportSettings
    wires: Wires

    def read_books(self, deadline: Deadline) -> Books:
        """Return what the watch knows."""
        return self._bookkeeping().read_books(deadline, self.wires.clock.now())

    def collect(
        self, period: Period, asked_at: datetime, books: Books, deadline: Deadline
    ) -> Report:
        """Return the report of a period. What Atlas does not show is no failure: it says so."""
        settings = self.settings
        at = period.known_until(asked_at)
        items = self._bookkeeping().read_all(deadline)
        stored = read_stored_restores(items, period, now=asked_at)
        read_at = self.wires.clock.now()
        fleet = self._read_atlas(books, deadline)
        stored = stored.without_old_unreadable(self._since(fleet, period, at))
        restores = merged(stored.restores, fleet.restores)
        secret = books.expiry.secret
        return Report(
            origin=self._origin(),
            period=period,
            asked_at=asked_at,
            read_at=read_at,
            next_at=next_report(settings.schedule, asked_at),
            policy=settings.policy,
            objectives=settings.objectives,
            coverage=self._judge(fleet, restores, stored, books, period, at),
            stored=stored.as_merged(restores),
            all_restores=restores,
            degraded=_degraded(books),
            credentials_expire_at=secret.expires_at if secret else None,
            swept_at=books.succeeded_at,
        )

    def _bookkeeping(self) -> Bookkeeping:
        table = self.wires.table
        return Bookkeeping(table.client, table.table_name)

    def _since(self, fleet: Fleet, period: Period, at: datetime) -> Callable[[str, str], datetime]:
        """Say from when on restores of a cluster matter: by its window, and by the period."""
        policy = self.settings.policy
        windows = {cluster.key: policy.window_of(cluster) for cluster in fleet.clusters}

        def since(group_id: str, cluster_name: str) -> datetime:
            window = windows.get((group_id, cluster_name), policy.window)
            return min(at - window, period.begin)

        return since

    def _read_atlas(self, books: Books, deadline: Deadline) -> Fleet:
        project_ids = self.settings.of_stack.project_ids
        if not project_ids:
            return Fleet()
        reader = FleetReader(self.wires, project_ids, books)
        return reader.read(deadline.earlier(WRITING_TIME))

    def _judge(
        self,
        fleet: Fleet,
        restores: Sequence[Restore],
        stored: StoredRestores,
        books: Books,
        period: Period,
        at: datetime,
    ) -> Coverage:
        if not self.settings.of_stack.project_ids:
            return Coverage.of(fleet, None)
        judged = judge_fleet(
            fleet,
            restores,
            policy=self.settings.policy,
            at=at,
            must_be_listed_since=period.begin,
            projects_in_table=projects_in_table(books, stored.watched_since, period.begin),
        )
        return Coverage.of(fleet, judged)

    def _origin(self) -> Origin:
        of_stack = self.settings.of_stack
        topic = ArnParser().parse_arn(of_stack.topic_arn)
        return Origin(
            stack=of_stack.stack_name,
            partition=topic["partition"],
            region=topic["region"],
            account=topic["account"],
            version=__version__,
        )


def _degraded(books: Books) -> list[str]:
    """Return the projects that the watch cannot see; "", which is the stack, comes first."""
    degraded: list[str] = []
    if books.stack.degraded:
        degraded.append("")
    for group_id, project in sorted(books.projects.items()):
        if project.health.degraded:
            degraded.append(group_id)
    return degraded
