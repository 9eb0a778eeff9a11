"""A change of a restore job → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.message import Status, StatusChange
from notify_people.selection import Change, change_of
from notify_people.words.notice import Notice, Paging, Severity, known
from notify_people.words.restore_steps import clusters, next_steps
from notify_people.words.spans import duration, minute, moment

_KINDS = {
    "flex": "Flex",
    "dedicated": "dedicated",
    "tenant": "shared (M2 or M5)",
    "collection": "collection",
}

_DELIVERIES = {
    "": "restore",
    "restore": "restore into a cluster",
    "automated": "restore into a cluster",
    "pointintime": "restore to a point in time",
    "download": "download",
}

_OUTCOMES = {
    Status.PENDING: "scheduled",
    Status.QUEUED: "queued",
    Status.RUNNING: "running",
    Status.COMPLETED: "completed",
}
"""A bad end keeps its word in capitals."""

_SEVERITIES = {
    Status.COMPLETED: Severity.SUCCESS,
    Status.FAILED: Severity.ERROR,
    Status.EXPIRED: Severity.ERROR,
}
"""Any other end is a warning."""


def restore_notice(change: StatusChange, console: str, stack: str) -> Notice:
    """
    Return the notice about a restore. `console` is the address of Atlas's console.

    An end pages somebody unless it is known to be good. An unknown word pages too: a collection
    restore that succeeded only in part has one. The end of a download's link does not page, because
    every link expires some hours after it was reported as ready.
    """
    what, outcome, where, severity = _headline(change)
    snapshot_age = duration(change.snapshot_age_seconds)
    return Notice(
        stack=stack,
        subject=f"restore/{change.restore_id}",
        order=_order_of(change),
        thread=change.restore_id,
        event_type=f"restore-{change_of(change)}",
        what=what,
        outcome=outcome,
        severity=severity,
        paging=_paging(change),
        title=f"{what.capitalize()} {outcome}: {where}",
        detail=f"The snapshot was {snapshot_age} old." if snapshot_age else "",
        facts=known(_facts(change, snapshot_age)),
        steps=tuple(next_steps(change, console)),
        at=change.observed_at,
        source=change.source,
        keywords=("restore", change.kind, change.status.lower(), change.cluster_name),
    )


_RANKS = {
    Status.PENDING: 0,
    Status.QUEUED: 1,
    Status.RUNNING: 2,
    Status.UNKNOWN: 3,
    Status.COMPLETED: 5,
}


def _order_of(change: StatusChange) -> int:
    """
    Order the notices of a restore by the rank of its status, which never falls.

    Its `sequence` may fall: if the item is deleted, the restore is recorded anew and `sequence`
    begins at 1 again. A download may end after it was ready.
    """
    rank = _RANKS.get(change.status, 6 if change.is_download else 5)
    if change.status is Status.UNKNOWN and change.terminal:
        rank += 1
    return rank * 10_000 + change.sequence


def _paging(change: StatusChange) -> Paging:
    is_link = change.is_download and change.status is Status.EXPIRED
    if change.terminal and change.status is not Status.COMPLETED and not is_link:
        return Paging.TRIGGER
    # An unknown word was paged; now it is known to be good.
    is_known_now = change.status is Status.COMPLETED and change.previous_status is Status.UNKNOWN
    return Paging.RESOLVE if is_known_now else Paging.NOTHING


def _headline(change: StatusChange) -> tuple[str, str, str, Severity]:
    """Return what it is, its outcome, in which clusters, and how bad that is."""
    if change_of(change) is Change.READY:
        until = f", until {minute(change.expiration_date)}" if change.expiration_date else ""
        return "download", "ready", f"{change.cluster_name}{until}", Severity.SUCCESS
    if change.is_download and change.status is Status.EXPIRED:
        return "download link", "expired", change.cluster_name, Severity.INFO
    what = "download" if change.is_download else "restore"
    if change.terminal:
        severity = _SEVERITIES.get(change.status, Severity.WARNING)
        return what, _outcome(change), f"{clusters(change)}{_in_time(change)}", severity
    outcome = "started" if change_of(change) is Change.STARTED else _outcome(change)
    return what, outcome, clusters(change), Severity.INFO


def _outcome(change: StatusChange) -> str:
    if change.status is not Status.UNKNOWN:
        return _OUTCOMES.get(change.status, change.status)
    word = change.atlas_status or "no word"
    return f"ended with an unknown status ({word})" if change.terminal else f"at {word}"


def _in_time(change: StatusChange) -> str:
    took = duration(change.duration_seconds)
    preposition = "in" if change.status is Status.COMPLETED else "after"
    return f" {preposition} {took}" if took else ""


def _facts(change: StatusChange, snapshot_age: str) -> Mapping[str, str | None]:
    link_until = change.expiration_date if change_of(change) is Change.READY else None
    project, target_project = change.group_id, change.target_project_id
    return {
        "Status": _status(change),
        "Project": project,
        "Source cluster": change.cluster_name,
        "Target cluster": change.target_deployment_item_name,
        "Target project": target_project if target_project != project else None,
        "Kind": _kind(change),
        "Began": moment(change.restore_scheduled_date),
        "Ended": moment(change.restore_finished_date),
        "Took": duration(change.duration_seconds),
        "Age of the snapshot": snapshot_age and f"{snapshot_age}, when it was scheduled",
        "Link works until": moment(link_until),
        "Restore job": change.restore_id,
    }


def _kind(change: StatusChange) -> str:
    """Return the kind and the delivery in words, or as Atlas wrote them."""
    delivery = change.delivery_type or ""
    how = _DELIVERIES.get(delivery.casefold(), f"restore, {delivery}")
    return f"{_KINDS.get(change.kind, change.kind)} {how}"


def _status(change: StatusChange) -> str:
    if change.status is Status.UNKNOWN and change.atlas_status:
        return f"{change.atlas_status} (unknown to this version)"
    return change.status
