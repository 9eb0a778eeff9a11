"""
What to do next about a restore. Pure.

Where these sentences come from:
- Atlas deletes the target's data before a restore into a cluster, and replaces only what was
  chosen in a collection restore: https://www.mongodb.com/docs/atlas/backup/cloud-backup/restore-from-local-file/
  and the Admin API's description of restore jobs.
- `atlas backups restores describe <restoreJobId> --clusterName --projectId` reads Flex and
  dedicated jobs: https://www.mongodb.com/docs/atlas/cli/current/command/atlas-backups-restores-describe/
- A project's pages in the console begin with `/v2/<project id>`; its own menu leads to a cluster's
  backups. Deeper addresses are not documented.
- Atlas gives no reason for a failed restore job.
- After a restore to a dedicated cluster, search indexes are built anew:
  https://www.mongodb.com/docs/atlas/backup/cloud-backup/restore-from-snapshot/
"""

from notify_people.message import Status, StatusChange
from notify_people.selection import Change, change_of
from notify_people.words.notice import Step
from notify_people.words.spans import moment

_WITH_COMMAND = ("flex", "dedicated")


def next_steps(change: StatusChange, console: str) -> tuple[Step, ...]:
    """Return what to do next, the most urgent first."""
    return (
        *_advice(change),
        project_step(change.group_id, change.cluster_name, console),
        *_look(change),
    )


def project_step(group_id: str, cluster_name: str, console: str) -> Step:
    """Return the step that leads to the project in Atlas's console."""
    return Step(
        f"Open the project in Atlas; the backups are in the menu of {cluster_name}",
        address=f"{console}/v2/{group_id}",
    )


def _advice(change: StatusChange) -> tuple[Step, ...]:
    if change_of(change) is Change.READY:
        return _fetch(change)
    if not change.terminal:
        return ()
    target = change.target_deployment_item_name
    if change.is_download and change.status is not Status.UNKNOWN:
        return (Step("Start a new download if you still need it"),)
    match change.status:
        case Status.COMPLETED:
            check = Step(f"Check the data in {target or 'the target'} before anyone relies on it")
            return (check, _SEARCH) if change.kind == "dedicated" else (check,)
        case Status.UNKNOWN:
            return (
                Step(
                    "Look in Atlas whether all of it was done: this status may stand for an error"
                ),
            )
        case _:
            return (_warning(change), *_again(change))


_SEARCH = Step(
    "Wait until search finds what it should, if you use it: Atlas builds search indexes anew after "
    "the restore, so the data is there before search is"
)


def _warning(change: StatusChange) -> Step:
    target = change.target_deployment_item_name or "the target"
    had_begun = change.previous_status not in {Status.PENDING, Status.QUEUED}
    if change.status is Status.CANCELLED and not had_begun:
        return Step(
            f"It had not begun when it was last seen, so {target} is probably as it was: check"
        )
    if change.kind == "collection":
        return Step(f"Do not rely on the restored collections in {target}")
    return Step(
        f"Treat the data in {target} as lost: Atlas empties the target before it restores. Use it "
        "only after a restore has completed"
    )


def _again(change: StatusChange) -> tuple[Step, ...]:
    if change.status is Status.CANCELLED:
        return (Step("Somebody cancelled it. If that was not meant, start the restore again"),)
    if change.status is Status.FAILED:
        return (Step("Start the restore again. Atlas gives no reason for a failure"),)
    return (Step("Start the restore again"),)


def _fetch(change: StatusChange) -> tuple[Step, ...]:
    until = change.expiration_date
    limit = f" before {moment(until)}" if until else " soon: the link works for a short time"
    return (
        Step(
            f"Fetch it{limit}. The link is in Atlas, and is in no notice: it opens the whole "
            "database to anyone who has it"
        ),
    )


def _look(change: StatusChange) -> tuple[Step, ...]:
    if change.kind not in _WITH_COMMAND:
        return ()
    is_ready = change_of(change) is Change.READY
    command = (
        f"atlas backups restores describe {change.restore_id} --clusterName {change.cluster_name} "
        f"--projectId {change.group_id}" + (" --output json" if is_ready else "")
    )
    return (Step("Or get the link with the CLI" if is_ready else "Or use the CLI", command),)
