"""A change of the watch itself → the words about it. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from notify_people.message import WatchChange
from notify_people.plain_text import cut
from notify_people.severity_and_paging import severity_and_paging_of_watch
from notify_people.wanted_changes import Change
from notify_people.words.durations_and_moments import duration, microseconds, moment
from notify_people.words.notice import NAME_LIMIT, Notice, Step, known, project_fact

_CAUSES = {
    "AtlasUnauthorizedError": "Atlas refuses the role or the credentials",
    "AtlasForbiddenError": "Atlas refuses the address or the access",
    "CredentialsError": "the secret cannot be used",
    "AtlasRateLimitError": "the rate limit is used up",
    "AtlasUnavailableError": "Atlas does not answer",
    "RestoreJobNotFoundError": "Atlas has no such project",
    "AtlasBadRequestError": "Atlas refuses the request",
    "EndpointRetiredError": "Atlas has retired an endpoint",
    "UnexpectedAtlasResponseError": "Atlas gives an unknown answer",
    "TimeBudgetExceededError": "a sweep has too little time",
}
"""The cause in a few words, by the name of an error of `restore_watch`."""


def watch_notice(change: WatchChange, console: str, stack: str) -> Notice:
    """Return the notice. Both notices about an outage have the same `since`."""
    story = _story_of(change, console)
    severity, paging = severity_and_paging_of_watch(change)
    happened = Change.RECOVERED if change.recovered else Change.DEGRADED
    return Notice(
        stack=stack,
        about=f"watch/{change.subject}",
        # By outage, and within an outage degraded before recovered.
        order=2 * microseconds(change.since) + change.recovered,
        thread=change.subject,
        change=happened,
        event_type=f"watch-{happened}",
        what="project" if change.group_id else "stack",
        outcome=story.outcome,
        severity=severity,
        paging=paging,
        title=story.title,
        detail=story.detail,
        facts=known(_facts(change)),
        steps=story.steps,
        at=change.at,
        source=f"/{'groups' if change.group_id else 'stacks'}/{change.subject}",
        keywords=("watch", happened, change.error),
    )


class _Story(NamedTuple):
    """The parts of a notice that differ by what happened to the watch."""

    outcome: str
    title: str
    detail: str
    steps: tuple[Step, ...] = ()


def _story_of(change: WatchChange, console: str) -> _Story:
    name = _name(change)
    if change.is_removed:
        title = f"Restore watch ended: {name} is no longer watched"
        detail = "Nothing is left to do. Restores there are not reported any more."
        again = (
            "To watch it again, name it in the stack's parameter AtlasProjectIds; or, if that is "
            "all, give the service account or API key access to it"
        )
        return _Story("no longer watched", title, detail, (Step(again),))
    if change.recovered:
        outage = duration((change.at - change.since).total_seconds())
        title = f"Restore watch recovered after {outage}: {name}"
        detail = "Nothing is left to do. Restores that ran meanwhile are reported now."
        return _Story("seen again", title, detail)
    title = f"Restore watch blind in {name}: {_CAUSES.get(change.error, change.error)}"
    if change.group_id and change.error == "RestoreJobNotFoundError":
        title = f"Restore watch blind: Atlas has no project {name}"
    where = " there" if change.group_id else ""
    detail = (
        f"Until this is fixed, restores{where} are reported late. Those of the last 7 days are "
        "caught up."
    )
    return _Story("not seen", title, detail, tuple(_steps(change, console)))


def _name(change: WatchChange) -> str:
    """Return the stack, or the project by its name, or by its id if it has none."""
    if change.group_id is None:
        return f"stack {cut(change.subject, NAME_LIMIT)}"
    return cut(change.project_name or change.group_id, NAME_LIMIT)


def _steps(change: WatchChange, console: str) -> Iterator[Step]:
    # 1.0.0 sends no fix.
    look = "Read what failed above, and the log group that the output LogGroupName names"
    yield Step(change.fix or look)
    if change.error == "AtlasUnavailableError":
        page = "https://status.mongodb.com"
        yield Step("See whether Atlas has an incident", address=page, label="Open the status page")
    elif change.group_id and change.error != "RestoreJobNotFoundError":
        yield Step("Open the project in Atlas", address=f"{console}/v2/{change.group_id}")
    yield Step("When the watch recovers, it is reported here")


def _facts(change: WatchChange) -> Mapping[str, str | None]:
    if change.group_id:
        facts = {"Project": project_fact(change.group_id, change.project_name)}
    else:
        facts = {"Stack": change.subject}
    facts["Error"] = change.error
    # An error's text may contain advice, which is out of date after a recovery.
    if change.recovered:
        facts["The cause was"] = _CAUSES.get(change.error, change.error)
    else:
        facts["What failed"] = change.message
    facts["Since"] = moment(change.since)
    if change.is_removed:
        facts["No longer watched"] = f"since {moment(change.at)}"
    elif change.recovered:
        facts["Seen again"] = moment(change.at)
    facts["Last seen before"] = moment(change.last_success_at) or "not known"
    facts["Open restores at that moment"] = str(change.open_jobs)
    return facts
