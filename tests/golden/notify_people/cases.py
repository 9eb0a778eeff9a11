"""
The messages of every kind and outcome, as `restore_watch` makes them, and what people then get.

`python -m golden.notify_people --write` stores what they get beside this file.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notify_people.channels.channel import Channel
from notify_people.forms import chat, pager, slack, teams
from notify_people.forms.mail import mail
from notify_people.message import read_message
from notify_people.words.notice import Notice
from notify_people.words.notices import notice_of
from restore_watch.aws.cloud_events import cloud_event, cloud_event_of_test, watch_cloud_event
from restore_watch.errors import AtlasForbiddenError, AtlasReason
from restore_watch.model.fixes import fix_of
from restore_watch.model.outage import Trouble, WatchChange, WatchState
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import RecordedValidation, Validation, Verdict

FOLDER = Path(__file__).parent
CONSOLE = "https://cloud.mongodb.com"
PROJECT = "6a1f3c9e5b7d204e8c61f0a3"
RESTORE = "6b4a0f800000000000000b01"
STACK = "atlas-restore-watch"
ODD_NAME = "_*<&@everyone>|`~[x](y):fire:#general {{DATE(2017-02-14T06:08:00Z)}}"
"""It tries to format, to link, to notify everybody and to be a date."""

SCHEDULED = datetime(2026, 11, 26, 9, 14, tzinfo=UTC)
ENDED = SCHEDULED + timedelta(minutes=42)
SNAPSHOT = SCHEDULED - timedelta(hours=6, minutes=12)
OBSERVED = ENDED + timedelta(seconds=12, microseconds=125_000)

_WORDS = {
    RestoreKind.COLLECTION: {
        RestoreStatus.PENDING: "INITIALIZING",
        RestoreStatus.COMPLETED: "SUCCESSFUL",
        RestoreStatus.CANCELLED: "CANCELED",
    },
}
_ODD_WORDS = {RestoreKind.COLLECTION: "PARTIAL_SUCCESS"}

OUTCOMES = {
    "started": RestoreStatus.PENDING,
    "completed": RestoreStatus.COMPLETED,
    "failed": RestoreStatus.FAILED,
    "cancelled": RestoreStatus.CANCELLED,
    "expired": RestoreStatus.EXPIRED,
    "unknown-end": RestoreStatus.UNKNOWN,
}

TROUBLES = {
    "AtlasUnauthorizedError": "Atlas answered 401 for the list of events: USER_UNAUTHORIZED",
    "AtlasForbiddenError": (
        "Atlas answered 403 for a flex restore job: IP_ADDRESS_NOT_ON_ACCESS_LIST"
    ),
    "CredentialsError": (
        "the secret holds neither client_id and client_secret (service account) nor public_key and "
        "private_key (API key)"
    ),
    "AtlasRateLimitError": "Atlas answered 429 for dedicated restore jobs: RATE_LIMITED",
    "AtlasUnavailableError": "Atlas did not answer: ConnectTimeout: no reason given",
    "RestoreJobNotFoundError": "Atlas answered 404 for the list of events: GROUP_NOT_FOUND",
    "EndpointRetiredError": "Atlas answered 410 for the list of events: VERSION_GONE",
    "UnexpectedAtlasResponseError": "Atlas sent more than 10000000 bytes",
    "TimeBudgetExceededError": "0.4 s of the invocation are left, too few to ask Atlas safely",
    "SomeNewerError": "something that this version does not know",
}


NOT_ON_THE_LIST = AtlasForbiddenError(
    "refused", AtlasReason(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", address="203.0.113.7")
)


@dataclass(frozen=True)
class Case:
    """A message with a name."""

    name: str
    message: Mapping[str, Any]

    @property
    def body(self) -> str:
        """As it lies in the queue."""
        return json.dumps(self.message)

    def notice(self) -> Notice:
        return notice_of(read_message(self.body), CONSOLE, STACK)


def cases() -> Iterator[Case]:
    """Every case, under a name that no other has."""
    for kind in RestoreKind:
        for outcome in OUTCOMES:
            yield restore(kind, outcome)
        if kind is not RestoreKind.COLLECTION:
            yield download(kind, "ready")
            yield download(kind, "link-expired")
    for verdict in Verdict:
        yield validated(verdict)
    yield validated(Verdict.PASSED, "failed")
    yield another_restore()
    odd = {"targetDeploymentItemName": ODD_NAME, "kind": ODD_NAME, "deliveryType": ODD_NAME}
    yield restore(RestoreKind.FLEX, "odd-name", odd)
    for error, text in TROUBLES.items():
        yield watch(WatchState.DEGRADED, error, text, PROJECT)
    for state in WatchState:
        for error in ("CredentialsError", "AtlasUnauthorizedError"):
            yield watch(state, error, TROUBLES[error], None)
    refused = ("AtlasForbiddenError", TROUBLES["AtlasForbiddenError"], PROJECT)
    yield watch(WatchState.RECOVERED, *refused)
    yield watch(WatchState.RECOVERED, *refused, reason="removed")
    yield Case("test", message_of_a_test())


def restore(kind: RestoreKind, outcome: str, data: Mapping[str, Any] | None = None) -> Case:
    """A restore into a cluster, which begins as PENDING and has a second change at its end."""
    status = OUTCOMES.get(outcome, RestoreStatus.FAILED)
    ends = status is not RestoreStatus.PENDING
    word = _WORDS.get(kind, {}).get(status, status.value)
    if status is RestoreStatus.UNKNOWN:
        word = _ODD_WORDS.get(kind, "CLOSED")
    delivery = {RestoreKind.DEDICATED: "automated", RestoreKind.COLLECTION: None}
    job = RestoreJob(
        group_id=PROJECT,
        cluster_name="production",
        restore_id=RESTORE,
        kind=kind,
        delivery_type=delivery.get(kind, "RESTORE"),
        status=status,
        atlas_status=None if kind is RestoreKind.DEDICATED and status != "UNKNOWN" else word,
        snapshot_id="69f835e00000000000000c01",
        snapshot_finished_date=SNAPSHOT,
        restore_scheduled_date=SCHEDULED,
        restore_finished_date=ENDED if ends else None,
        target_project_id=PROJECT,
        target_deployment_item_name="staging",
    )
    return _change(f"{kind}-{outcome}", job, 2 if ends else 1, data or {})


def another_restore() -> Case:
    """It fails later on the same day, in other clusters. The pictures show it beside the first."""
    scheduled = SCHEDULED + timedelta(hours=4, minutes=51)
    ended = scheduled + timedelta(minutes=7)
    job = RestoreJob(
        group_id=PROJECT,
        cluster_name="orders-flex",
        restore_id="6b4a558a0000000000000b02",
        kind=RestoreKind.FLEX,
        delivery_type="RESTORE",
        status=RestoreStatus.FAILED,
        atlas_status="FAILED",
        snapshot_id="69f835e00000000000000c02",
        snapshot_finished_date=scheduled - timedelta(hours=11, minutes=2),
        restore_scheduled_date=scheduled,
        restore_finished_date=ended,
        target_project_id=PROJECT,
        target_deployment_item_name="orders-staging",
    )
    observed = ended + timedelta(seconds=8)
    message = cloud_event(StatusChange(job, RestoreStatus.RUNNING, 3, observed))
    return Case("another-failed-restore", message)


def validated(verdict: Verdict, outcome: str = "completed") -> Case:
    """A pipeline tested the data of the Flex restore, half an hour after its end."""
    tested = ENDED + timedelta(minutes=30)
    details = {
        Verdict.PASSED: "12 of 12 collections have the expected number of documents.",
        Verdict.FAILED: "orders.invoices: 2 documents of 48,120 are missing.",
    }
    validation = Validation(
        verdict=verdict,
        validated_by="restore-drill",
        detail=details[verdict],
        validated_at=tested,
    )
    job = RestoreJob.model_validate(restore(RestoreKind.FLEX, outcome).message["data"])
    recorded = RecordedValidation(job, validation, 3, tested + timedelta(seconds=4))
    name = f"validation-{verdict.lower()}{'' if outcome == 'completed' else f'-of-{outcome}'}"
    return Case(name, cloud_event(recorded))


def download(kind: RestoreKind, outcome: str) -> Case:
    """A download; that of a dedicated cluster has no finish date."""
    is_dedicated = kind is RestoreKind.DEDICATED
    is_ready = outcome == "ready"
    expires = ENDED + timedelta(hours=1) if is_dedicated else SCHEDULED + timedelta(hours=6)
    job = RestoreJob(
        group_id=PROJECT,
        cluster_name="production",
        restore_id=RESTORE,
        kind=kind,
        delivery_type="download" if is_dedicated else "DOWNLOAD",
        status=RestoreStatus.COMPLETED if is_ready else RestoreStatus.EXPIRED,
        snapshot_finished_date=SNAPSHOT,
        restore_scheduled_date=SCHEDULED,
        restore_finished_date=None if is_dedicated else ENDED,
        expiration_date=expires,
        download_available=is_ready,
    )
    return _change(f"{kind}-download-{outcome}", job, 2 if is_ready else 3, {})


def watch(
    state: WatchState, error: str, text: str, group_id: str | None, reason: str | None = None
) -> Case:
    """A change of the watch: it could not see for 12 minutes."""
    fix = fix_of(NOT_ON_THE_LIST) if error == "AtlasForbiddenError" else ""
    trouble = Trouble(SCHEDULED, error, text, fix)
    seen = SCHEDULED - timedelta(minutes=1)
    at = SCHEDULED + timedelta(minutes=12)
    change = WatchChange(state, group_id, trouble, at, seen, 2, reason)
    scope = "project" if group_id else "stack"
    return Case(f"{scope}-{reason or state}-{error}", watch_cloud_event(change, STACK))


def message_of_a_test(requested_at: datetime = SCHEDULED) -> dict[str, Any]:
    """What is sent when somebody wants to see whether notices arrive."""
    return cloud_event_of_test(STACK, requested_at)


def _change(name: str, job: RestoreJob, sequence: int, data: Mapping[str, Any]) -> Case:
    previous = {
        1: None,
        2: RestoreStatus.PENDING,
        3: RestoreStatus.COMPLETED,
    }
    message = cloud_event(StatusChange(job, previous[sequence], sequence, OBSERVED))
    return Case(name, message | {"data": {**message["data"], **data}})


RENDERERS: Mapping[Channel, Callable[[Notice], Any]] = {
    Channel.CHAT: chat.custom_notification,
    Channel.SLACK: slack.webhook_message,
    Channel.TEAMS: teams.workflow_message,
    Channel.PAGER: pager.events,
    Channel.EMAIL: mail,
}


def golden_path(channel: Channel, case: Case) -> Path:
    return FOLDER / channel / f"{case.name}.{'txt' if channel is Channel.EMAIL else 'json'}"


def rendered(channel: Channel, case: Case) -> str | None:
    """What a channel gets, as text; None if it gets nothing."""
    notice = case.notice()
    if channel is Channel.EMAIL:
        made = mail(notice)
        return f"Subject: {made.subject}\n\n{made.text}"
    value = RENDERERS[channel](notice)
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n" if value else None


def golden_files() -> dict[Path, str]:
    """Every file that should exist, and its text."""
    texts = {
        golden_path(channel, case): rendered(channel, case)
        for case in cases()
        for channel in Channel
    }
    return {path: text for path, text in texts.items() if text is not None}
