"""One report: read the table and Atlas, judge the clusters, write files, publish a message."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation import __version__
from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.plain_class import plain_class
from restore_watch.atlas.endpoints import CLUSTER_LISTS
from restore_watch.errors import ReportNotWrittenError
from restore_watch.model.restore_job import RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.cluster_state import Judged, Policy, judge
from restore_watch.report.coverage_csv import coverage_csv
from restore_watch.report.fleet import Fleet, FleetReader
from restore_watch.report.html_page import page
from restore_watch.report.period import ReportRequest, read_request
from restore_watch.report.report import ClusterKey, Report
from restore_watch.report.report_json import report_json
from restore_watch.report.report_message import message_of_report
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.restore_evidence import read_stored
from restore_watch.report.restores_csv import line_of, restores_csv
from restore_watch.report.what_a_restore_proves import Restore, merged
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.wires import Wires

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITING_TIME = 60.0
"""Seconds that are kept for the files and the message: 10,000 clusters take seconds."""

_EXISTS = "PreconditionFailed"
"""S3's code if a key exists that must not: "Conditional writes", Amazon S3 User Guide."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


@plain_class
class Reporter:
    """Makes the reports of an environment."""

    settings: ReportSettings
    wires: Wires
    s3: "S3Client"

    def report(self, event: object, deadline: Deadline) -> Mapping[str, Any]:
        """
        Make the report for which the event asks, and return where it lies.

        Raises InvalidEventError before anything is read, and TableUnavailableError,
        ReportNotWrittenError or NotificationPendingError, after which a retry does all of it again.
        """
        request = read_request(event, self.settings.schedule, self.wires.clock.now())
        report, period = self._collect(request, deadline), request.period
        bucket, prefix, files = self.settings.bucket, f"reports/{period.last}/", _files(report)
        for name, body in files.items():
            self._put_file(f"{prefix}{name}", body, deadline)
        # S3 refuses to replace a month, so what an outage of Atlas hides must not be kept.
        if period.is_whole_month and period.end <= report.asked_at and not report.is_unanswered:
            self._keep_month(report, files, deadline)
        if request.is_scheduled:
            _, partition, *_ = self.settings.of_stack.topic_arn.split(":")
            message = message_of_report(report, bucket, f"{prefix}report.html", partition)
            outcome = "the report lies in the bucket, and a retry publishes it"
            self.wires.outbox.topic.publish(message, deadline, outcome)
        return {
            "period": {"from": str(period.first), "to": str(period.last)},
            "bucket": bucket,
            "prefix": prefix,
            "files": list(files),
            "counts": {"restores": report.outcomes, "clusters": report.states},
        }

    def _keep_month(self, report: Report, files: Mapping[str, bytes], deadline: Deadline) -> None:
        """
        Store the files of a month that are not there yet.

        An earlier attempt may have stored some, of another answer of Atlas. The JSON, which is the
        last, has the sums of those that stay.
        """
        *others, whole = files
        month, kept = f"months/{report.period.first:%Y-%m}/", {name: files[name] for name in others}
        for name in others:
            if not self._put_file(f"{month}{name}", files[name], deadline, once=True):
                kept[name] = self._read_file(f"{month}{name}", deadline)
        self._put_file(f"{month}{whole}", report_json(report, kept).encode(), deadline, once=True)

    def _read_file(self, key: str, deadline: Deadline) -> bytes:
        def whole(**place: Any) -> Mapping[str, bytes]:
            return {"Body": self.s3.get_object(**place)["Body"].read()}

        place = {"Bucket": self.settings.bucket, "Key": key}
        try:
            return bytes(aws_call(deadline, "store the report", whole, "Body", **place)["Body"])
        except AwsCallError as error:
            raise _not_written(error) from None

    def _put_file(self, key: str, body: bytes, deadline: Deadline, *, once: bool = False) -> bool:
        """Store a file. If it is stored `once`, one of its key stays: return whether it is new."""
        how: dict[str, Any] = {"IfNoneMatch": "*"} if once else {}
        try:
            aws_call(
                deadline,
                "store the report",
                self.s3.put_object,
                "ETag",
                Bucket=self.settings.bucket,
                Key=key,
                Body=body,
                ContentType=_TYPES[key.rpartition(".")[2]],
                **how,
            )
        except AwsCallError as error:
            if not (once and error.code == _EXISTS):
                raise _not_written(error) from None
            return False
        return True

    def _collect(self, request: ReportRequest, deadline: Deadline) -> Report:
        of_stack, policy = self.settings.of_stack, self.settings.policy
        period, asked_at, objectives = request.period, request.asked_at, self.settings.objectives
        jobs = self.wires.outbox.table
        table = Bookkeeping(jobs.client, jobs.table_name)
        books = table.read_books(deadline, self.wires.clock.now())
        stored = read_stored(table.read_all(deadline), period, objectives, asked_at)
        at, fleet = period.known_until(asked_at), Fleet()
        if of_stack.project_ids:
            reader = FleetReader(self.wires, of_stack.project_ids, books, at - policy.window)
            fleet = reader.read(deadline.earlier(WRITING_TIME))
        restores = merged(stored.restores, fleet.restores)
        _, _, _, region, account, _ = of_stack.topic_arn.split(":")
        secret = books.expiry.secret
        degraded = sorted(key for key, one in books.projects.items() if one.watched.degraded)
        return Report(
            stack=of_stack.stack_name,
            region=region,
            account=account,
            version=__version__,
            period=period,
            asked_at=asked_at,
            policy=policy,
            objectives=objectives,
            judged=judge_fleet(fleet, restores, policy, at) if of_stack.project_ids else None,
            project_names={key: name for key, name in fleet.project_names.items() if name},
            unread_projects=fleet.unread_projects,
            snapshots=fleet.snapshots,
            all_restores=restores,
            evidence=stored.evidence,
            unreadable=stored.unreadable,
            degraded=[""] * bool(books.stack.degraded) + degraded,
            credentials_expire_at=secret.expires_at if secret else None,
            watched_since=stored.watched_since,
            is_unanswered=fleet.is_unanswered,
        )


def judge_fleet(
    fleet: Fleet, restores: Sequence[Restore], policy: Policy, at: datetime
) -> list[Judged]:
    """
    Judge every cluster that existed at that moment.

    Where a list of clusters could not be read, those that the table knows stand in.
    """
    own: defaultdict[ClusterKey, list[Restore]] = defaultdict(list)
    for one in restores:
        own[one.job.group_id, one.job.cluster_name].append(one)
    # Atlas lists some Flex clusters among the dedicated ones too.
    by_kind = sorted(fleet.clusters, key=lambda one: one.kind is RestoreKind.FLEX)
    clusters = {one.key: one for one in by_kind}
    for key, known in own.items():
        is_flex = known[-1].job.kind in {RestoreKind.FLEX, RestoreKind.TENANT}
        kind = RestoreKind.FLEX if is_flex else RestoreKind.DEDICATED
        unlisted = fleet.unread.get((key[0], "", CLUSTER_LISTS[kind]))
        if key not in clusters and unlisted:
            clusters[key] = Cluster(*key, kind)
            fleet.unread[*key, kind] = unlisted
    unread = {key: fleet.unread.get((*key, one.kind)) for key, one in clusters.items()}
    return [
        replace(judge(one, own[key], unread[key], policy, at), reach=fleet.reach.get(key))
        for key, one in clusters.items()
        if one.created_at is None or one.created_at < at
    ]


def _not_written(error: AwsCallError) -> ReportNotWrittenError:
    return ReportNotWrittenError(f"S3 {error}; a retry writes the same files")


def _files(report: Report) -> dict[str, bytes]:
    """The files by name. The JSON, which has the sums of the others, is the last."""
    files = {
        "report.html": page(report).encode(),
        "coverage.csv": coverage_csv(report).encode(),
        "restores.csv": restores_csv(map(line_of, report.evidence)).encode(),
    }
    return files | {"report.json": report_json(report, files).encode()}
