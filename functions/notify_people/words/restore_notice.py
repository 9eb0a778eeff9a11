"""A change of a restore job → the words about it. Pure."""

from notify_people.message import Status, StatusChange
from notify_people.selection import Change, change_of
from notify_people.words.notice import Fact, Notice, Paging, Severity, facts_of
from notify_people.words.restore_steps import next_steps
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
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELLED",
    Status.EXPIRED: "EXPIRED",
}

_SEVERITIES = {
    Status.COMPLETED: Severity.SUCCESS,
    Status.FAILED: Severity.ERROR,
    Status.CANCELLED: Severity.WARNING,
    Status.EXPIRED: Severity.ERROR,
    Status.UNKNOWN: Severity.WARNING,
}


def restore_notice(change: StatusChange, console: str, stack: str) -> Notice:
    """
    Return the notice about a restore. `console` is the address of Atlas's console.

    An end that is not known to be good is paged, also one whose word is unknown: a collection
    restore that succeeded only in part has such a word. The end of a download's link is not paged,
    because every link expires some hours after it was reported as ready.
    """
    title, severity = _title_of(change)
    happened = change_of(change)
    return Notice(
        stack=stack,
        subject=f"restore/{change.restore_id}",
        order=order_of(change),
        thread=change.restore_id,
        event_type=f"restore-{happened}",
        severity=severity,
        paging=_paging(change),
        title=title,
        detail=_age_in_a_sentence(change),
        facts=_facts(change),
        steps=next_steps(change, console),
        at=change.observed_at,
        source=f"/groups/{change.group_id}/clusters/{change.cluster_name}",
        keywords=("restore", change.kind, change.status.lower(), change.cluster_name),
    )


_RANKS = {
    Status.PENDING: 0,
    Status.QUEUED: 1,
    Status.RUNNING: 2,
    Status.UNKNOWN: 3,
    Status.COMPLETED: 5,
}


def order_of(change: StatusChange) -> int:
    """
    Order the notices of a restore.

    By the rank of its status, which never falls, because a restore whose item was deleted is
    recorded anew: its `sequence` begins at 1 again. A download may end after it was ready.
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


def _title_of(change: StatusChange) -> tuple[str, Severity]:
    where = change.cluster_name
    if change.is_download and change.status is Status.COMPLETED:
        return f"Download ready: {where}{_until(change)}", Severity.SUCCESS
    if change.is_download and change.status is Status.EXPIRED:
        return f"Download link expired: {where}", Severity.INFO
    if change.target_deployment_item_name:
        where += f" -> {change.target_deployment_item_name}"
    what = "Download" if change.is_download else "Restore"
    if change.terminal:
        severity = _SEVERITIES.get(change.status, Severity.WARNING)
        return f"{what} {_outcome(change)}: {where}{_in_time(change)}", severity
    if change_of(change) is Change.STARTED:
        return f"{what} started: {where}", Severity.INFO
    return f"{what} {_outcome(change)}: {where}", Severity.INFO


def _outcome(change: StatusChange) -> str:
    if change.status is not Status.UNKNOWN:
        return _OUTCOMES[change.status]
    word = change.atlas_status or "no word"
    return f"ended with an unknown status ({word})" if change.terminal else f"at {word}"


def _until(change: StatusChange) -> str:
    return f", until {minute(change.expiration_date)}" if change.expiration_date else ""


def _in_time(change: StatusChange) -> str:
    if change.duration_seconds is None:
        return ""
    preposition = "in" if change.status is Status.COMPLETED else "after"
    return f" {preposition} {duration(change.duration_seconds)}"


def _age_in_a_sentence(change: StatusChange) -> str:
    age = change.snapshot_age_seconds
    return "" if age is None else f"The snapshot was {duration(age)} old."


def _facts(change: StatusChange) -> tuple[Fact, ...]:
    age = change.snapshot_age_seconds
    took = change.duration_seconds
    link_until = change.expiration_date if change_of(change) is Change.READY else None
    project, target_project = change.group_id, change.target_project_id
    values = {
        "Status": _status(change),
        "Project": project,
        "Source cluster": change.cluster_name,
        "Target cluster": change.target_deployment_item_name,
        "Target project": target_project if target_project != project else None,
        "Kind": _kind(change),
        "Began": moment(change.restore_scheduled_date),
        "Ended": moment(change.restore_finished_date),
        "Took": None if took is None else duration(took),
        "Age of the snapshot": f"{duration(age)}, when it was scheduled" if age is not None else "",
        "Link works until": moment(link_until),
        "Restore job": change.restore_id,
    }
    return facts_of(values)


def _kind(change: StatusChange) -> str:
    """Return the kind and the delivery in words, or as Atlas wrote them."""
    delivery = change.delivery_type or ""
    how = _DELIVERIES.get(delivery.casefold(), f"restore, {delivery}")
    return f"{_KINDS.get(change.kind, change.kind)} {how}"


def _status(change: StatusChange) -> str:
    if change.status is Status.UNKNOWN and change.atlas_status:
        return f"{change.atlas_status} (unknown to this version)"
    return change.status
