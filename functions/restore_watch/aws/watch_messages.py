"""The messages about the watch itself: it cannot see, or its credentials expire."""

from foundation.clock import utc_text
from restore_watch.aws.message import Message, cloud_event
from restore_watch.model.credentials_expiry import CredentialsChange
from restore_watch.model.fixes_of_errors import fix_named, fix_of_expiry
from restore_watch.model.watch_change import WatchChange, WatchState

WATCH_EVENT_TYPES = {
    WatchState.DEGRADED: "atlas-restore-watch.watch-degraded.v1",
    WatchState.RECOVERED: "atlas-restore-watch.watch-recovered.v1",
}
EXPIRING_EVENT_TYPE = "atlas-restore-watch.credentials-expiring.v1"
RENEWED_EVENT_TYPE = "atlas-restore-watch.credentials-renewed.v1"


def message_of_watch(
    change: WatchChange, stack_name: str, project_name: str | None = None
) -> Message:
    """Return the message that a project or the stack is degraded or has recovered."""
    name = change.group_id or stack_name
    trouble = change.trouble
    since = utc_text(trouble.since)
    success_at = change.last_success_at
    return cloud_event(
        f"Atlas restore watch {change.state}: {name}",
        {
            "stack": stack_name,
            "groupId": change.group_id,
            "projectName": project_name,
            "error": trouble.error,
            "message": trouble.message,
            "fix": trouble.fix or fix_named(trouble.error, of_stack=change.group_id is None),
            "reason": change.reason,
            "since": since,
            "lastSuccessAt": utc_text(success_at) if success_at else None,
            "openJobs": change.open_jobs,
        },
        {"groupId": change.group_id},
        id=f"{name}:{change.state}:{since}",
        source=f"/groups/{name}" if change.group_id else f"/stacks/{name}",
        type=WATCH_EVENT_TYPES[change.state],
        subject=name,
        time=since if change.is_degraded else utc_text(change.at),
    )


def message_of_credentials(change: CredentialsChange, stack_name: str) -> Message:
    """Return the message that the credentials are about to expire, or were renewed."""
    secret, days = change.secret, change.threshold
    if days is None:
        subject = f"Atlas credentials renewed: {stack_name}"
    elif secret.has_expired(change.at):
        subject = f"Atlas credentials have expired: {stack_name}"
    else:
        plural = "" if days == 1 else "s"
        subject = f"Atlas credentials expire within {days} day{plural}: {stack_name}"
    return cloud_event(
        subject,
        {
            "stack": stack_name,
            "clientId": secret.client_id,
            "expiresAt": utc_text(secret.expires_at),
            "daysLeft": days,
            "isCertain": secret.is_certain,
            "fix": "" if days is None else fix_of_expiry(secret, change.at),
        },
        {},
        # A secret that is used again after another secret is said again: the date is no id.
        id=f"{stack_name}:credentials:{utc_text(change.at)}:{days or 'renewed'}",
        source=f"/stacks/{stack_name}",
        type=RENEWED_EVENT_TYPE if days is None else EXPIRING_EVENT_TYPE,
        subject=stack_name,
        time=utc_text(change.at),
    )
