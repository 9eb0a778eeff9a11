"""
What to do next after a change of a restore job. Pure.

The sources:
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

from collections.abc import Iterator

from notify_people.message import AboutRestore, Status, StatusChange
from notify_people.words.durations_and_moments import moment
from notify_people.words.notice import Step

_AGAIN = {
    Status.CANCELLED: "Somebody cancelled it. If that was not meant, start the restore again",
    Status.FAILED: "Start the restore again. Atlas gives no reason for a failure",
}


def is_ready(change: StatusChange) -> bool:
    """Whether a download can be fetched now."""
    return change.is_download and change.status is Status.COMPLETED


def what_to_do_next(change: StatusChange, console: str) -> Iterator[Step]:
    """Yield the next steps, the most urgent first."""
    yield from map(Step, _advice(change))
    yield project_step(change, console)
    if change.kind not in {"flex", "dedicated"}:
        return
    command = (
        f"atlas backups restores describe {change.restore_id} --clusterName {change.cluster_name} "
        f"--projectId {change.group_id}"
    )
    if is_ready(change):
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
    if is_ready(change):
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
