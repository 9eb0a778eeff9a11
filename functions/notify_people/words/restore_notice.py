"""A change of a restore job → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.message import AboutRestore, Status, StatusChange
from notify_people.plain_text import cut
from notify_people.severity_and_paging import severity_and_paging_of_restore
from notify_people.wanted_changes import Change
from notify_people.words.durations_and_moments import duration, minute, moment
from notify_people.words.notice import NAME_LIMIT, Notice, known, project_fact
from notify_people.words.what_to_do_next import is_ready, what_to_do_next

_KINDS = {"flex": "Flex", "tenant": "shared (M2 or M5)"}
"""The other kinds are their own words."""

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


def restore_notice(change: StatusChange, console: str, stack: str) -> Notice:
    """Return the notice about a restore. `console` is the address of Atlas's console."""
    what, outcome = _what(change), _outcome(change)
    severity, paging = severity_and_paging_of_restore(change)
    snapshot_age = duration(change.snapshot_age_seconds)
    return Notice(
        stack=stack,
        about=f"restore/{change.restore_id}",
        order=_order_of(change),
        thread=change.restore_id,
        change=_change_of(change),
        event_type=f"restore-{_change_of(change)}",
        what=what,
        outcome=outcome,
        severity=severity,
        paging=paging,
        title=with_project(f"{what.capitalize()} {outcome}: {_where(change)}", change),
        detail=f"The snapshot was {snapshot_age} old." if snapshot_age else "",
        facts=known(_facts(change, snapshot_age)),
        steps=tuple(what_to_do_next(change, console)),
        at=change.observed_at,
        source=change.source,
        keywords=("restore", change.kind, change.status.lower(), change.cluster_name),
    )


def _change_of(change: StatusChange) -> Change:
    if is_ready(change):
        return Change.READY
    if change.terminal:
        return Change.ENDED
    return Change.STARTED if change.previous_status is None else Change.PROGRESSED


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

    `sequence` begins at 1 again if the item is deleted. A download may end after it was ready.
    """
    rank = _RANKS.get(change.status, 6 if change.is_download else 5)
    if change.status is Status.UNKNOWN and change.terminal:
        rank += 1
    return rank * 10_000 + change.sequence


def clusters(message: AboutRestore) -> str:
    """Return the source cluster, and the target if there is a target."""
    source, target = message.cluster_name, message.target_deployment_item_name
    return f"{source} -> {target}" if target else source


def with_project(title: str, message: AboutRestore) -> str:
    """
    Return the title with the name of the project, if that is known.

    The name stands last: where a title is too long, the clusters go before.
    """
    name = message.project_name
    return f"{title} (project {cut(name, NAME_LIMIT)})" if name else title


def _what(change: StatusChange) -> str:
    if _is_expired_link(change):
        return "download link"
    return "download" if change.is_download else "restore"


def _outcome(change: StatusChange) -> str:
    if is_ready(change):
        return "ready"
    if _is_expired_link(change):
        return "expired"
    if _change_of(change) is Change.STARTED:
        return "started"
    if change.status is not Status.UNKNOWN:
        return _OUTCOMES.get(change.status, change.status)
    word = change.atlas_status or "no word"
    return f"ended with an unknown status ({word})" if change.terminal else f"at {word}"


def _where(change: StatusChange) -> str:
    """Return the clusters, and how long it took or how long the link works."""
    if is_ready(change):
        until = f", until {minute(change.expiration_date)}" if change.expiration_date else ""
        return f"{change.cluster_name}{until}"
    if _is_expired_link(change):
        return change.cluster_name
    took = duration(change.duration_seconds)
    if not change.terminal or not took:
        return clusters(change)
    preposition = "in" if change.status is Status.COMPLETED else "after"
    return f"{clusters(change)} {preposition} {took}"


def _is_expired_link(change: StatusChange) -> bool:
    return change.is_download and change.status is Status.EXPIRED


def _facts(change: StatusChange, snapshot_age: str) -> Mapping[str, str | None]:
    link_until = change.expiration_date if is_ready(change) else None
    project, target_project = change.group_id, change.target_project_id
    status: str = change.status
    if change.status is Status.UNKNOWN and change.atlas_status:
        status = f"{change.atlas_status} (unknown to this version)"
    delivery = change.delivery_type or ""
    # A kind or a delivery that has no words here is as Atlas wrote it.
    how = _DELIVERIES.get(delivery.casefold(), f"restore, {delivery}")
    return {
        "Status": status,
        "Project": project_fact(project, change.project_name),
        "Source cluster": change.cluster_name,
        "Target cluster": change.target_deployment_item_name,
        "Target project": target_project if target_project != project else None,
        "Kind": f"{_KINDS.get(change.kind, change.kind)} {how}",
        "Began": moment(change.restore_scheduled_date),
        "Ended": moment(change.restore_finished_date),
        "Took": duration(change.duration_seconds),
        "Age of the snapshot": snapshot_age and f"{snapshot_age}, when it was scheduled",
        "Link works until": moment(link_until),
        "Restore job": change.restore_id,
    }
