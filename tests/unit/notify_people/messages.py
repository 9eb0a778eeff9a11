"""The messages of every kind and outcome, as `restore_watch` makes them."""

import json
from collections.abc import Callable
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notify_people.message import Message, read_message
from notify_people.words.notice import Notice
from notify_people.words.notices import notice_of
from restore_watch.aws.restore_messages import message_of_job, message_of_test
from restore_watch.aws.watch_messages import message_of_credentials, message_of_watch
from restore_watch.errors import AtlasForbiddenError, AtlasReason
from restore_watch.model.credentials_expiry import CredentialsChange, ExpiringSecret, Threshold
from restore_watch.model.fixes_of_errors import fix_of
from restore_watch.model.history_entry import RecordedMeasurement, RecordedValidation
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
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import Validation, Verdict
from restore_watch.model.watch_change import Trouble, WatchChange, WatchState
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.report_message import message_of_report
from strategies import job_of
from unit.report.reports import END, cluster, report, restore

PROJECT = "6a1f3c9e5b7d204e8c61f0a3"
RESTORE = "6b4a0f800000000000000b01"
STACK = "atlas-restore-watch"

ODD_NAME = "_*<&@everyone>|`~[x](y):fire:#general {{DATE(2017-02-14T06:08:00Z)}}"
"""It tries to format, to link, to notify everybody and to be a date."""

_BEGAN = datetime(2026, 11, 26, 9, 14, tzinfo=UTC)
_ENDED = _BEGAN + timedelta(minutes=42)
_LATER = _BEGAN + timedelta(hours=4, minutes=51)
_DELIVERIES = {"dedicated": "automated", "collection": None}


def _restore(
    kind: str, status: str, sequence: int = 2, previous: str | None = "PENDING", **fields: Any
) -> dict[str, Any]:
    """A change of a restore into a cluster, except for the given fields."""
    usual = {
        "group_id": PROJECT,
        "cluster_name": "production",
        "restore_id": RESTORE,
        "kind": kind,
        "delivery_type": _DELIVERIES.get(kind, "RESTORE"),
        "status": status,
        "snapshot_finished_date": _BEGAN - timedelta(hours=6, minutes=12),
        "restore_scheduled_date": _BEGAN,
        "restore_finished_date": None if previous is None else _ENDED,
        "target_project_id": PROJECT,
        "target_deployment_item_name": "staging",
    }
    job = job_of(**usual | fields)
    observed_at = (job.restore_finished_date or _ENDED) + timedelta(seconds=12, milliseconds=125)
    before = RestoreStatus(previous) if previous else None
    return message_of_job(StatusChange(job, before, sequence, observed_at)).event


_NO_TARGET: dict[str, Any] = {"target_project_id": None, "target_deployment_item_name": None}
_FLEX_FILE: dict[str, Any] = {"delivery_type": "DOWNLOAD", "expiration_date": _LATER, **_NO_TARGET}
_DEDICATED_FILE: dict[str, Any] = {
    "delivery_type": "download",
    "restore_finished_date": None,
    "expiration_date": _ENDED + timedelta(hours=1),
    **_NO_TARGET,
}
_ANOTHER: dict[str, Any] = {
    "cluster_name": "orders-flex",
    "restore_id": "6b4a558a0000000000000b02",
    "snapshot_finished_date": _LATER - timedelta(hours=11, minutes=2),
    "restore_scheduled_date": _LATER,
    "restore_finished_date": _LATER + timedelta(minutes=7),
    "target_deployment_item_name": "orders-staging",
}
"""A restore later on the same day."""

ALL = "12 of 12 collections have the expected number of documents."
FEW = "orders.invoices: 2 documents of 48,120 are missing."


def _validated(verdict: Verdict, detail: str, status: str = "COMPLETED") -> dict[str, Any]:
    """A pipeline tested the data of the Flex restore, half an hour after its end."""
    at = _ENDED + timedelta(minutes=30)
    job = RestoreJob.read(_restore("flex", status)["data"])
    validation = Validation(
        verdict=verdict, validated_by="restore-drill", detail=detail, validated_at=at
    )
    return message_of_job(RecordedValidation(job, validation, 3, at + timedelta(seconds=4))).event


_HALF = DifferingFigure(
    figure=Figure.DOCUMENTS,
    least=2_176_000,
    most=2_181_000,
    found=1_088_000,
    may_be=MayBe.EXPIRED_OR_DELETED,
)
_FEWER = DifferingFigure(figure=Figure.INDEXES, least=7, found=6)
_DIFFERING = (
    DifferingDatabase(name="invoices", is_missing=True),
    DifferingDatabase(name="sessions", figures=(_HALF, _FEWER)),
)


def _compared(*differing: DifferingDatabase) -> Measurement:
    """Twelve databases of the dedicated restore, 18 minutes after its end."""
    return Measurement(
        outcome=Outcome.DIFFERS if differing else Outcome.MATCHES,
        databases=Count(found=12 - len(differing), expected=12),
        differing=differing,
        measured_at=_ENDED + timedelta(minutes=18),
    )


def _measured(measurement: Measurement) -> dict[str, Any]:
    job = RestoreJob.read(_restore("dedicated", "COMPLETED")["data"])
    at = _ENDED + timedelta(minutes=26)
    return message_of_job(RecordedMeasurement(job, measurement, 3, at)).event


MEASURED: dict[str, Callable[[], dict[str, Any]]] = {
    "matches": lambda: _measured(_compared()),
    "differs": lambda: _measured(_compared(*_DIFFERING)),
    "not measured": lambda: _measured(not_measured(WhyNotMeasured.SHARDED)),
}
"""The measurement of a restore by its outcome. Only a difference is for people."""


_CODE = "IP_ADDRESS_NOT_ON_ACCESS_LIST"
_REFUSED = AtlasForbiddenError("refused", AtlasReason(403, _CODE, address="203.0.113.7"))
_OF_PROJECT = Trouble(
    since=_BEGAN,
    error="AtlasForbiddenError",
    message=f"Atlas answered 403 for a flex restore job: {_CODE}",
)
_OF_STACK = Trouble(
    since=_BEGAN, error="CredentialsError", message="the secret is not a JSON object", fix=""
)


def _watch(state: WatchState, group_id: str | None, reason: str | None = None) -> dict[str, Any]:
    """The watch could not see for 12 minutes."""
    trouble = replace(_OF_PROJECT, fix=fix_of(_REFUSED)) if group_id else _OF_STACK
    at, seen = _BEGAN + timedelta(minutes=12), _BEGAN - timedelta(minutes=1)
    return message_of_watch(
        WatchChange(
            state=state,
            group_id=group_id,
            trouble=trouble,
            at=at,
            last_success_at=seen,
            open_jobs=2,
            reason=reason,
        ),
        STACK,
    ).event


ACCOUNT = "mdb_sa_id_6a1f3c9e5b7d204e8c61f0a4"


def _credentials(
    days: Threshold | None, at: datetime, *, is_certain: bool = True
) -> dict[str, Any]:
    """The secret expires within so many days; None if another one is in use, for a year."""
    expires_at = _BEGAN + timedelta(days=30 if days else 393)
    secret = ExpiringSecret(client_id=ACCOUNT, expires_at=expires_at, is_certain=is_certain)
    return message_of_credentials(
        CredentialsChange(secret=secret, at=at, threshold=days), STACK
    ).event


def _report(made: Report) -> dict[str, Any]:
    place = ("watch-reports-1a2b", f"reports/{made.period.last}/report.html")
    return message_of_report(made, *place).event


_LEDGER, _STOCK = cluster("ledger"), cluster("stock", 1)
_GOOD = [(one, [restore(one, END - 3 * DAY)]) for one in (_LEDGER, _STOCK)]
_BAD = [restore(_LEDGER, END - 99 * DAY), restore(_LEDGER, END - DAY, 2, status="FAILED")]

NOTICES: dict[str, Callable[[], dict[str, Any]]] = {
    "flex-started": lambda: _restore("flex", "PENDING", 1, None),
    "dedicated-completed": lambda: _restore("dedicated", "COMPLETED"),
    "another-failed-restore": lambda: _restore("flex", "FAILED", 3, "RUNNING", **_ANOTHER),
    "collection-cancelled": lambda: _restore("collection", "CANCELLED"),
    "tenant-expired": lambda: _restore("tenant", "EXPIRED"),
    "collection-unknown-end": lambda: _restore(
        "collection", "UNKNOWN", atlas_status="PARTIAL_SUCCESS"
    ),
    "dedicated-download-ready": lambda: _restore("dedicated", "COMPLETED", **_DEDICATED_FILE),
    "flex-download-link-expired": lambda: _restore("flex", "EXPIRED", 3, "COMPLETED", **_FLEX_FILE),
    "validation-passed": lambda: _validated(Verdict.PASSED, ALL),
    "validation-failed": lambda: _validated(Verdict.FAILED, FEW),
    "validation-passed-of-failed": lambda: _validated(Verdict.PASSED, ALL, "FAILED"),
    "measured-differs": MEASURED["differs"],
    "project-degraded": lambda: _watch(WatchState.DEGRADED, PROJECT),
    "project-recovered": lambda: _watch(WatchState.RECOVERED, PROJECT),
    "project-removed": lambda: _watch(WatchState.RECOVERED, PROJECT, "removed"),
    "stack-degraded": lambda: _watch(WatchState.DEGRADED, None),
    "credentials-expiring": lambda: _credentials(30, _BEGAN),
    "credentials-expiring-soon": lambda: _credentials(
        3, _BEGAN + timedelta(days=27), is_certain=False
    ),
    "credentials-renewed": lambda: _credentials(None, _BEGAN + timedelta(days=28)),
    "report-well": lambda: _report(report(_GOOD)),
    "report-to-look-at": lambda: _report(
        report(
            [(_LEDGER, _BAD), _GOOD[1], (cluster(ODD_NAME, 1), [])],
            degraded=["", PROJECT],
            credentials_expire_at=None,
        )
    ),
    "test": lambda: message_of_test(STACK, _BEGAN).event,
}
"""What makes one for each kind of notice. With an odd name, these are the golden files."""

MESSAGES = NOTICES | {
    "flex-completed": lambda: _restore("flex", "COMPLETED"),
    "flex-failed": lambda: _restore("flex", "FAILED"),
    "flex-cancelled": lambda: _restore("flex", "CANCELLED"),
    "flex-expired": lambda: _restore("flex", "EXPIRED"),
    "flex-unknown-end": lambda: _restore("flex", "UNKNOWN", atlas_status="CLOSED"),
    "flex-download-ready": lambda: _restore("flex", "COMPLETED", **_FLEX_FILE),
    "collection-completed": lambda: _restore("collection", "COMPLETED"),
    "stack-recovered": lambda: _watch(WatchState.RECOVERED, None),
    "credentials-expiring-in-7": lambda: _credentials(7, _BEGAN + timedelta(days=23)),
    "credentials-expiring-in-1": lambda: _credentials(1, _BEGAN + timedelta(days=29, hours=2)),
    "credentials-expired": lambda: _credentials(1, _BEGAN + timedelta(days=30)),
    "credentials-renewed-and-expiring": lambda: _credentials(14, _BEGAN + timedelta(days=28)),
    "report-later": lambda: _report(report(_GOOD, asked_at=END + timedelta(hours=7))),
}


def event(name: str = "flex-failed", /, **data: Any) -> dict[str, Any]:
    """The message of this name, with other data."""
    message = MESSAGES[name]()
    return {**message, "data": {**message["data"], **data}}


def read(name: str = "flex-failed", /, **data: Any) -> Message:
    return read_message(json.dumps(event(name, **data)))


def notice(name: str = "flex-failed", /, **data: Any) -> Notice:
    return notice_of(read(name, **data), "https://cloud.mongodb.com", STACK)


NAMED: dict[str, Callable[[], dict[str, Any]]] = {
    "flex-odd-name": lambda: event(
        targetDeploymentItemName=ODD_NAME, kind=ODD_NAME, deliveryType=ODD_NAME
    ),
    "named-completed": lambda: event("flex-completed", projectName="payments"),
    "named-validation-failed": lambda: event("validation-failed", projectName="payments"),
    "named-degraded": lambda: event("project-degraded", projectName="payments"),
    "odd-named-degraded": lambda: event("project-degraded", projectName=ODD_NAME),
}
"""Of projects whose names are known, and of an odd target."""

NOTICES.update(NAMED)
MESSAGES.update(NAMED)
