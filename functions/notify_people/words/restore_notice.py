"""
A change of a restore job → the words about it. Pure.

The sources of the next steps:
- Atlas deletes the target's data before a restore into a cluster, and replaces only the chosen
  collections in a collection restore: https://www.mongodb.com/docs/atlas/backup/cloud-backup/restore-from-local-file/
  and the Admin API's description of restore jobs.
- `atlas backups restores describe <restoreJobId> --clusterName --projectId` reads Flex and
  dedicated jobs: https://www.mongodb.com/docs/atlas/cli/current/command/atlas-backups-restores-describe/
- A project's pages in the console begin with `/v2/<project id>`; its own menu leads to a cluster's
  backups. Deeper addresses are not documented.
- Atlas gives no reason for a failed restore job.
- After a restore to a dedicated cluster, search indexes are built anew:
  https://www.mongodb.com/docs/atlas/backup/cloud-backup/restore-from-snapshot/
"""

from collections.abc import Iterator, Mapping

from notify_people.change import Change
from notify_people.message import AboutRestore, Status, StatusChange
from notify_people.severity_and_alerts import of_restore
from notify_people.words.notice import Notice, Step, known
from notify_people.words.spans import duration, minute, moment

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
    what, outcome, where = _headline(change)
    severity, paging = of_restore(change)
    snapshot_age = duration(change.snapshot_age_seconds)
    return Notice(
        stack=stack,
        subject=f"restore/{change.restore_id}",
        order=_order_of(change),
        thread=change.restore_id,
        change=_change_of(change),
        event_type=f"restore-{_change_of(change)}",
        what=what,
        outcome=outcome,
        severity=severity,
        paging=paging,
        title=f"{what.capitalize()} {outcome}: {where}",
        detail=f"The snapshot was {snapshot_age} old." if snapshot_age else "",
        facts=known(_facts(change, snapshot_age)),
        steps=tuple(_steps(change, console)),
        at=change.observed_at,
        source=change.source,
        keywords=("restore", change.kind, change.status.lower(), change.cluster_name),
    )


def _change_of(change: StatusChange) -> Change:
    if change.status is Status.COMPLETED and change.is_download:
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


def _headline(change: StatusChange) -> tuple[str, str, str]:
    """Return the noun, the outcome, and the clusters."""
    if _change_of(change) is Change.READY:
        until = f", until {minute(change.expiration_date)}" if change.expiration_date else ""
        return "download", "ready", f"{change.cluster_name}{until}"
    if change.is_download and change.status is Status.EXPIRED:
        return "download link", "expired", change.cluster_name
    what = "download" if change.is_download else "restore"
    if change.terminal:
        took = duration(change.duration_seconds)
        preposition = "in" if change.status is Status.COMPLETED else "after"
        in_time = f" {preposition} {took}" if took else ""
        return what, _outcome(change), f"{clusters(change)}{in_time}"
    outcome = "started" if _change_of(change) is Change.STARTED else _outcome(change)
    return what, outcome, clusters(change)


def _outcome(change: StatusChange) -> str:
    if change.status is not Status.UNKNOWN:
        return _OUTCOMES.get(change.status, change.status)
    word = change.atlas_status or "no word"
    return f"ended with an unknown status ({word})" if change.terminal else f"at {word}"


def _facts(change: StatusChange, snapshot_age: str) -> Mapping[str, str | None]:
    link_until = change.expiration_date if _change_of(change) is Change.READY else None
    project, target_project = change.group_id, change.target_project_id
    status: str = change.status
    if change.status is Status.UNKNOWN and change.atlas_status:
        status = f"{change.atlas_status} (unknown to this version)"
    delivery = change.delivery_type or ""
    # A kind or a delivery that has no words here is as Atlas wrote it.
    how = _DELIVERIES.get(delivery.casefold(), f"restore, {delivery}")
    return {
        "Status": status,
        "Project": project,
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


_AGAIN = {
    Status.CANCELLED: "Somebody cancelled it. If that was not meant, start the restore again",
    Status.FAILED: "Start the restore again. Atlas gives no reason for a failure",
}


def clusters(message: AboutRestore) -> str:
    """Return the source cluster, and the target if there is a target."""
    target = message.target_deployment_item_name
    return f"{message.cluster_name} -> {target}" if target else message.cluster_name


def _steps(change: StatusChange, console: str) -> Iterator[Step]:
    """Yield the next steps, the most urgent first."""
    yield from map(Step, _advice(change))
    yield project_step(change, console)
    if change.kind not in {"flex", "dedicated"}:
        return
    command = (
        f"atlas backups restores describe {change.restore_id} --clusterName {change.cluster_name} "
        f"--projectId {change.group_id}"
    )
    if _change_of(change) is Change.READY:
        yield Step("Or get the link with the CLI", f"{command} --output json")
    else:
        yield Step("Or use the CLI", command)


def project_step(message: AboutRestore, console: str) -> Step:
    """Return the step that opens the project in Atlas's console."""
    return Step(
        f"Open the project in Atlas; the backups are in the menu of {message.cluster_name}",
        address=f"{console}/v2/{message.group_id}",
    )


def _advice(change: StatusChange) -> Iterator[str]:
    target = change.target_deployment_item_name or "the target"
    if _change_of(change) is Change.READY:
        until = moment(change.expiration_date)
        limit = f" before {until}" if until else " soon: the link works for a short time"
        yield (
            f"Fetch it{limit}. The link is in Atlas, and is in no notice: it opens the whole "
            "database to anyone who has it"
        )
    elif not change.terminal:
        return
    elif change.status is Status.UNKNOWN:
        yield "Look in Atlas whether all of it was done: this status may stand for an error"
    elif change.is_download:
        yield "Start a new download if you still need it"
    elif change.status is Status.COMPLETED:
        yield f"Check the data in {target} before anyone relies on it"
        if change.kind == "dedicated":
            yield (
                "Wait until search finds what it should, if you use it: Atlas builds search "
                "indexes anew after the restore, so the data is there before search is"
            )
    else:
        yield _warning(change, target)
        yield _AGAIN.get(change.status, "Start the restore again")


def _warning(change: StatusChange, target: str) -> str:
    had_begun = change.previous_status not in {Status.PENDING, Status.QUEUED}
    if change.status is Status.CANCELLED and not had_begun:
        return f"It had not begun when it was last seen, so {target} is probably as it was: check"
    if change.kind == "collection":
        return f"Do not rely on the restored collections in {target}"
    return (
        f"Treat the data in {target} as lost: Atlas empties the target before it restores. Use it "
        "only after a restore has completed"
    )
