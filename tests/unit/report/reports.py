"""Made-up reports: fleets of any size, with and without what needs a look."""

from collections.abc import Callable, Mapping, Sequence
from copy import replace
from csv import DictReader
from dataclasses import fields as dataclass_fields
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from random import Random
from typing import Any

from restore_watch.model.measurement import (
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    MayBe,
    Measurement,
    Outcome,
    WhyNotMeasured,
    not_measured,
)
from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import Verdict
from restore_watch.report.cluster import Cluster
from restore_watch.report.files.coverage_columns import COLUMNS
from restore_watch.report.files.coverage_csv import coverage_csv
from restore_watch.report.judging.cluster_state import judge_cluster
from restore_watch.report.judging.coverage import Coverage
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY, Period
from restore_watch.report.report import Origin, Report
from restore_watch.report.restores.restore_evidence import RestoreEvidence
from restore_watch.report.restores.stored_restores import StoredRestores
from restore_watch.report.restores.what_a_restore_proves import (
    DatedMeasurement,
    DatedVerdict,
    Restore,
)
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread
from restore_watch.table.job_item import Recorded

WEEK = Period(date(2026, 11, 23), date(2026, 11, 29))
END = WEEK.end
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
USUAL = 42 * MINUTE

MATCHES = Measurement(
    outcome=Outcome.MATCHES,
    databases=Count(found=12, expected=12),
    documents=Count(found=41_234_567, expected=41_250_000),
    collections=Count(found=44, expected=44),
    indexes=Count(found=131, expected=131),
)
DIFFERS = Measurement(
    outcome=Outcome.DIFFERS,
    databases=Count(found=10, expected=12),
    documents=Count(found=40_146_567, expected=41_250_000),
    collections=Count(found=42, expected=44),
    indexes=Count(found=131, expected=131),
    differing=(
        DifferingDatabase(name="archive", is_missing=True),
        DifferingDatabase(
            name="sales",
            figures=(
                DifferingFigure(figure=Figure.COLLECTIONS, least=12, found=11),
                DifferingFigure(
                    figure=Figure.DOCUMENTS,
                    least=2_176_000,
                    most=2_190_000,
                    found=1_088_000,
                    may_be=MayBe.EXPIRED_OR_DELETED,
                ),
            ),
        ),
    ),
)
SHARDED = not_measured(WhyNotMeasured.SHARDED)

NO_ROLE = WhyUnread(
    "Atlas answers 403 to the list of its restores",
    "Add the role Project Backup Recovery Operator to the service account.",
    datetime(2026, 9, 3, 6, tzinfo=UTC),
)

EMPTY = Report(
    origin=Origin("atlas-restore-watch", "aws", "eu-west-1", "123456789012", "2.0.0"),
    period=WEEK,
    asked_at=END + 6 * HOUR,
    read_at=END + 6 * HOUR,
    next_at=END + 7 * DAY + 6 * HOUR,
    policy=Policy(),
    objectives=Objectives(HOUR, 24 * HOUR),
    coverage=Coverage(
        is_configured=False,
        clusters=(),
        watched_projects=0,
        project_names={},
        unread_projects={},
        snapshots={},
    ),
    stored=StoredRestores(watched_since=datetime(2025, 11, 3, 9, tzinfo=UTC)),
    all_restores=(),
    degraded=(),
    credentials_expire_at=datetime(2027, 3, 1, tzinfo=UTC),
    swept_at=END + 6 * HOUR,
)

_COVERAGE = [field.name for field in dataclass_fields(Coverage)]
_STORED = [field.name for field in dataclass_fields(StoredRestores)]

PROJECTS = ("catalogue", "crm", "orders", "payments")
NAMES = ("accounts", "archive", "billing", "cards", "images", "ledger", "prices", "search", "stock")


def group(number: int) -> str:
    return f"{number + 1:024x}"


def changed(made: Report, **fields: Any) -> Report:
    """The report with other values of these fields of it, its origin, coverage or table."""
    origin = {name: fields.pop(name) for name in Origin._fields if name in fields}
    coverage = {name: fields.pop(name) for name in _COVERAGE if name in fields}
    stored = {name: fields.pop(name) for name in _STORED if name in fields}
    return replace(
        made,
        origin=made.origin._replace(**origin),
        coverage=replace(made.coverage, **coverage),
        stored=replace(made.stored, **stored),
        **fields,
    )


def restore(
    cluster: Cluster, began: datetime, number: int = 1, took: timedelta = USUAL, **fields: Any
) -> Restore:
    """A completed restore of the cluster, except for the given fields of the job."""
    verdict, ended = fields.pop("verdict", None), began + took
    measurement: Measurement | None = fields.pop("measurement", None)
    job: dict[str, Any] = {
        "groupId": cluster.group_id,
        "clusterName": cluster.name,
        "restoreId": f"{int(began.timestamp()):08x}{number:016x}",
        "kind": cluster.kind,
        "deliveryType": "RESTORE",
        "status": "COMPLETED",
        "snapshotFinishedDate": began - 3 * HOUR,
        "restoreScheduledDate": began,
        "restoreFinishedDate": ended,
        "targetProjectId": cluster.group_id,
        "targetDeploymentItemName": "drill",
    }
    read = RestoreJob.read(job | fields)
    verdicts = (DatedVerdict(ended + HOUR, verdict),) if verdict else ()
    return measured_as(measurement, Restore(read, began, ended, verdicts))


def measured_as(measurement: Measurement | None, one: Restore) -> Restore:
    """The restore with this measurement, of 18 minutes after its end."""
    if measurement is None:
        return one
    at = one.ended_at + 18 * MINUTE
    if measurement.outcome is not Outcome.NOT_MEASURED:
        measurement = replace(measurement, measured_at=at)
    return replace(one, measured=DatedMeasurement(at, measurement))


def cluster(name: str = "ledger", number: int = 0, **fields: Any) -> Cluster:
    usual: dict[str, Any] = {
        "id": f"{sum(map(ord, name)):024x}",
        "created_at": datetime(2024, 5, 3, tzinfo=UTC),
        "has_backups": True,
        "is_continuous": True,
        "is_paused": False,
    }
    return Cluster(group(number), name, fields.pop("kind", RestoreKind.DEDICATED), **usual | fields)


def evidence(restore: Restore) -> RestoreEvidence:
    """What the table has of a restore, which it has seen once, and no verdicts."""
    change = StatusChange(restore.job, None, 1, restore.end_if_undated)
    recorded = Recorded(restore.job, (change,), 1, None)
    return RestoreEvidence(restore, recorded, None, EMPTY.at)


def rows(made: Report) -> list[dict[str, str]]:
    """The lines of coverage.csv."""
    text = coverage_csv(made)
    assert text.startswith("\ufeff" + ",".join(COLUMNS))
    return list(DictReader(StringIO(text[1:], newline="")))


def report(
    clusters: Sequence[tuple[Cluster, Sequence[Restore]]],
    unread: Mapping[str, WhyUnread] | None = None,
    **fields: Any,
) -> Report:
    """A report of these clusters and their restores. `unread`: by the name of a cluster."""
    policy = fields.get("policy", EMPTY.policy)
    period = fields.get("period", WEEK)
    judged = [
        judge_cluster(
            one, sorted(own, key=_began), (unread or {}).get(one.name), policy, period.end
        )
        for one, own in clusters
    ]
    restores = sorted((each for _, own in clusters for each in own), key=_began)
    usual: dict[str, Any] = {
        "is_configured": True,
        "clusters": judged,
        "watched_projects": 1,
        "unwatched_projects": (),
        "project_names": {group(number): name for number, name in enumerate(PROJECTS)},
        "snapshots": {one.key: Snapshot(period.end + HOUR) for one, _ in clusters},
        "all_restores": restores,
        "of_period": [evidence(one) for one in restores if period.includes(one.began)],
    }
    return changed(EMPTY, **usual | fields)


def _began(restore: Restore) -> datetime:
    return restore.began


def fleet(
    size: int, *, is_well: bool = False, name: Callable[[str], str] = str, **fields: Any
) -> Report:
    """Clusters of one project in ten; one in three needs a look unless all `is_well`."""
    random = Random(size)  # noqa: S311  the same fleet each time
    projects = max(1, min(len(PROJECTS), size // 3)) if size <= 40 else size // 10
    names = {
        group(number): name(PROJECTS[number] if number < len(PROJECTS) else f"team-{number:02}")
        for number in range(projects)
    }
    clusters: list[tuple[Cluster, list[Restore]]] = []
    unread: dict[str, WhyUnread] = {}
    for number in range(size):
        title = NAMES[number % len(NAMES)] + (f"-{number // len(NAMES)}" if number >= 9 else "")
        one = cluster(title, number * projects // size, id=f"{number:024x}")
        if number % 11 == 4:
            one = replace(one, created_at=datetime(2026, 6, 3, tzinfo=UTC))
        bad = "" if is_well or number % 3 != 1 else BAD[number // 3 % len(BAD)]
        own = _history(one, bad, random, name)
        if is_well:
            own = [_in_time(each) for each in own if each.failed_at is None and not each.differs]
        if bad == "cannot tell":
            unread[one.name] = NO_ROLE
            own = [each for each in own if each.began < END - 120 * DAY]
        if number % 13 == 7:
            one = replace(one, is_paused=True)
        if number % 17 == 12:
            one = replace(one, tags={"restore-test": "exempt:" + name("copied each night")})
        clusters.append((one, own))
    snapshots = {
        one.key: Snapshot(
            END + HOUR, id=f"{0x5E7E00128F8C + number:024x}", size=10**9 * (number + 9)
        )
        for number, (one, _) in enumerate(clusters)
    }
    usual: dict[str, Any] = {"project_names": names, "snapshots": snapshots}
    return report(clusters, unread, **usual | fields)


def _in_time(one: Restore) -> Restore:
    """The restore, within the objectives."""
    ended = one.began + min(one.ended_at - one.began, HOUR)
    taken = one.began - 3 * HOUR
    job = replace(one.job, snapshot_finished_date=taken, restore_finished_date=ended)
    return replace(one, job=job)


BAD = ("failed", "overdue", "never", "cannot tell")


def _history(one: Cluster, bad: str, random: Random, name: Callable[[str], str]) -> list[Restore]:
    if bad == "never":
        return []
    until = END - 130 * DAY if bad in {"overdue", "cannot tell"} else END
    at = max(one.created_at or END, datetime(2025, 11, 3, tzinfo=UTC))
    own: list[Restore] = []
    while (at := at + random.uniform(9, 44) * DAY) < until:
        fields: dict[str, Any] = {
            "took": timedelta(minutes=random.triangular(8, 95, 35)),
            "snapshotFinishedDate": at - random.triangular(0.3, 30, 4) * HOUR,
            "verdict": random.choice((None, Verdict.PASSED, Verdict.PASSED)),
            "targetDeploymentItemName": name(random.choice(("drill", "staging"))),
        }
        if random.random() < 0.06:
            fields |= {"status": "FAILED", "verdict": None}
        elif random.random() < 0.06:
            fields |= {"deliveryType": "DOWNLOAD", "verdict": None}
        own.append(restore(one, at, len(own), **fields))
    if bad == "failed":
        fields = {"verdict": Verdict.FAILED, "targetDeploymentItemName": name("drill")}
        own.append(restore(one, END - 2 * DAY, 99, **fields))
    elif not bad:
        took = timedelta(minutes=random.triangular(20, 80, 40))
        own.append(restore(one, END - random.uniform(0.1, 40) * DAY, 98, took))
    return [_measured(_with_words(each), name) for each in own]


def _measured(one: Restore, name: Callable[[str], str]) -> Restore:
    """The restore with the measurement that the moment of its beginning draws."""
    if one.rung is None or not one.is_whole:
        return one
    named = [replace(each, name=name(each.name)) for each in DIFFERS.differing]
    differs = replace(DIFFERS, differing=tuple(named))
    drawn = (None, MATCHES, MATCHES, MATCHES, SHARDED, differs)
    return measured_as(drawn[int(one.began.timestamp()) % len(drawn)], one)


def _with_words(one: Restore) -> Restore:
    """The restore, whose verdicts say what was checked."""
    details = {
        Verdict.PASSED: "12 of 12 collections have the expected number of documents",
        Verdict.FAILED: "11 of 12 collections have the expected number of documents",
    }
    verdicts = [
        said._replace(detail=details[said.verdict], validated_by="nightly-tests")
        for said in one.verdicts
    ]
    return replace(one, verdicts=tuple(verdicts))
