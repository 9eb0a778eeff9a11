"""A change of the watch itself → the words about it. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notify_people.message import WatchChange
from notify_people.plain_text import cut
from notify_people.selection import change_of
from notify_people.words.notice import Fact, Notice, Paging, Severity, Step
from notify_people.words.remedies import cause, remedies
from notify_people.words.spans import duration, moment

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NAME_LIMIT = 30
"""Characters of a stack's name in a title, so that an e-mail's subject has room for the cause."""

_WATCH_AGAIN = Step(
    "To watch it again, name it in the stack's parameter AtlasProjectIds; or, if that is all, give "
    "the service account or API key access to it"
)


def watch_notice(change: WatchChange, console: str, stack: str) -> Notice:
    """
    Return the notice. Both about one outage have the same `since`; the recovered one is newer.

    Restores are reported late while the watch cannot see, so degraded is always paged. The whole
    stack is worse than a project. What is no longer watched closes its page too.
    """
    story = _story_of(change, console)
    happened = change_of(change)
    return Notice(
        stack=stack,
        subject=f"watch/{change.subject}",
        order=order_of(change),
        thread=change.subject,
        event_type=f"watch-{happened}",
        severity=story.severity,
        paging=Paging.RESOLVE if change.recovered else Paging.TRIGGER,
        title=story.title,
        detail=story.detail,
        facts=_facts(change),
        steps=story.steps,
        at=change.at,
        source=f"/{'groups' if change.group_id else 'stacks'}/{change.subject}",
        keywords=("watch", happened, change.error),
    )


def order_of(change: WatchChange) -> int:
    """Order the notices of a subject: by outage, and within an outage degraded before recovered."""
    since = (change.since - _UNIX_EPOCH) // timedelta(microseconds=1)
    return 2 * since + change.recovered


@dataclass(frozen=True)
class _Story:
    severity: Severity
    title: str
    detail: str
    steps: tuple[Step, ...] = ()


def _story_of(change: WatchChange, console: str) -> _Story:
    name = change.group_id or f"stack {cut(change.subject, _NAME_LIMIT)}"
    if change.is_removed:
        title = f"Restore watch ended: {name} is no longer watched"
        detail = "Nothing is left to do. Restores there are not reported any more."
        return _Story(Severity.INFO, title, detail, (_WATCH_AGAIN,))
    if change.recovered:
        outage = duration((change.at - change.since).total_seconds())
        title = f"Restore watch recovered after {outage}: {name}"
        detail = "Nothing is left to do. Restores that ran meanwhile are reported now."
        return _Story(Severity.SUCCESS, title, detail)
    title = f"Restore watch blind in {name}: {cause(change.error)}"
    if change.group_id and change.error == "RestoreJobNotFoundError":
        title = f"Restore watch blind: Atlas has no project {name}"
    where = " there" if change.group_id else ""
    detail = (
        f"Until this is fixed, restores{where} are reported late. Those of the last 7 days are "
        "caught up."
    )
    severity = Severity.ERROR if change.group_id else Severity.CRITICAL
    return _Story(severity, title, detail, remedies(change, console))


def _facts(change: WatchChange) -> tuple[Fact, ...]:
    """The facts, in order. One without a value is left out."""
    seen, at = change.last_success_at, moment(change.at)
    values = {
        "Project" if change.group_id else "Stack": change.subject,
        "Error": change.error,
        # An error's text may also say what to do, which is over.
        "The cause was" if change.recovered else "What failed": (
            cause(change.error) if change.recovered else change.message
        ),
        "Since": moment(change.since),
        "Seen again": at if change.recovered and not change.is_removed else "",
        "No longer watched": f"since {at}" if change.is_removed else "",
        "Last seen before": moment(seen) if seen else "never",
        "Open restores at that moment": str(change.open_jobs),
    }
    return tuple(Fact(name, value) for name, value in values.items() if value)
