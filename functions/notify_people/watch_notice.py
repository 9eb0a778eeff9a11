"""A change of the watch itself → the words about it. Pure."""

from datetime import UTC, datetime, timedelta

from notify_people.message import WatchChange
from notify_people.notice import Fact, Notice, Paging, Severity
from notify_people.remedies import cause, remedies
from notify_people.selection import change_of
from notify_people.spans import duration, moment

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def watch_notice(change: WatchChange, console: str) -> Notice:
    """
    Return the notice. Both about one outage have the same `since`; the recovered one is newer.

    A restore may fail unnoticed while the watch cannot see, so degraded is always paged. The whole
    stack is worse than a project.
    """
    name, since = _name(change), moment(change.since)
    if change.recovered:
        outage = duration((change.at - change.since).total_seconds())
        title = f"Restore watch recovered after {outage}: {name}"
        detail = f"It had not been seen since {since}."
        severity = Severity.SUCCESS
    else:
        title = f"Restore watch degraded: {cause(change.error)} ({name})"
        detail = f"Since {since}, restores there may go unnoticed until this is fixed."
        severity = Severity.ERROR if change.group_id else Severity.CRITICAL
    happened = change_of(change)
    return Notice(
        subject=f"watch/{change.subject}",
        order=order_of(change),
        thread=change.subject,
        event_type=f"watch-{happened}",
        severity=severity,
        paging=Paging.RESOLVE if change.recovered else Paging.TRIGGER,
        title=title,
        detail=detail,
        facts=_facts(change),
        steps=() if change.recovered else remedies(change, console),
        at=change.at,
        source=f"/{'groups' if change.group_id else 'stacks'}/{change.subject}",
        keywords=("watch", happened, change.error),
    )


def order_of(change: WatchChange) -> int:
    """Order the notices of a subject: by outage, and within an outage degraded before recovered."""
    since = (change.since - _UNIX_EPOCH) // timedelta(microseconds=1)
    return 2 * since + change.recovered


def _name(change: WatchChange) -> str:
    return f"project {change.group_id}" if change.group_id else f"stack {change.subject}"


def _facts(change: WatchChange) -> tuple[Fact, ...]:
    seen = change.last_success_at
    values = {
        "Project" if change.group_id else "Stack": change.subject,
        "Error": change.error,
        "What failed": change.message,
        "Since": moment(change.since),
        "Seen again": moment(change.at) if change.recovered else "",
        "Last seen before": moment(seen) if seen else "never",
        "Restores followed then": str(change.open_jobs),
    }
    return tuple(Fact(name, value) for name, value in values.items() if value)
