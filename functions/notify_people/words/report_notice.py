"""A report of the restore tests → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.message import DueNext, ReportMade, ToLookAt, UnreadItem, UnreadProject
from notify_people.severity_and_paging import Paging, Severity
from notify_people.wanted_changes import Change
from notify_people.words.durations_and_moments import microseconds, moment
from notify_people.words.notice import Notice, Step, known

SHOWN = 5
"""Clusters that are named: the page of the report names all."""

_NEED_LOOK = ("failed", "overdue", "never", "cannotTell")
"""The states of clusters that need a look."""

_STATES = {"failed", "overdue", "never", "cannot tell"}
"""The states that say themselves why a cluster needs a look."""

_WORDS = {"never": "never tested", "cannotTell": "cannot tell", "notRequired": "not required"}
"""Other states and ends are their own words."""


def report_notice(made: ReportMade, stack: str) -> Notice:
    """Return the notice, which says first whether anything needs people. It pages nobody."""
    page = "Open the report: it has every cluster, and what helps"
    return Notice(
        stack=stack,
        about=f"report/{made.subject}",
        order=microseconds(made.at),
        thread=f"report-{made.subject}",
        change=Change.REPORT,
        event_type="report",
        what="report",
        outcome="to look at" if made.attention else "with nothing to do",
        severity=Severity.WARNING if made.attention else Severity.SUCCESS,
        paging=Paging.NOTHING,
        title=made.headline,
        detail=f"Report of the restore tests, {made.first} to {made.last}.",
        facts=known(_facts(made, stack)),
        steps=(Step(page, address=made.console_url, label="Open the report"),),
        at=made.at,
        source=f"/stacks/{made.subject}",
        keywords=("report",),
    )


def _facts(made: ReportMade, stack: str) -> Mapping[str, str | None]:
    return {
        "Stack": stack,
        "Also": " ".join(made.concerns[1:]),
        "Need a look": _clusters(made),
        "Due next": _due_next(made.due_next),
        "Not read": "; ".join([_unread(project) for project in made.unread_projects]),
        "Items not read": ", ".join([_item(item) for item in made.unreadable_items]),
        "Clusters": _counts(made.clusters),
        "Restores": _counts(made.restores) or "none",
        "Degraded": ", ".join(_degraded(made)),
        "Credentials expire": moment(made.credentials_expire_at),
    }


def _clusters(made: ReportMade) -> str:
    shown = [_cluster(cluster) for cluster in made.need_attention[:SHOWN]]
    # Long names leave room for fewer than need a look.
    bad = sum(made.clusters.get(state, 0) for state in _NEED_LOOK)
    more = max(bad, len(made.need_attention)) - len(shown)
    if more > 0:
        shown.append(f"and {more} more")
    return ", ".join(shown)


def _cluster(cluster: ToLookAt) -> str:
    name = f"{cluster.cluster_name} in {cluster.project_name or cluster.group_id}"
    if cluster.state not in _STATES and cluster.why:
        return f"{name} ({cluster.state}: {cluster.why.rstrip('.')})"
    if cluster.days is None:
        return f"{name} ({cluster.state})"
    return f"{name} ({cluster.state}, tested {_count(cluster.days, 'day')} ago)"


def _due_next(due: DueNext | None) -> str | None:
    if due is None:
        return None
    return f"{due.cluster_name} in {due.project_name or due.group_id} ({due.why})"


def _unread(project: UnreadProject) -> str:
    name = project.project_name or project.group_id or "The list of projects"
    return f"{name}: {project.why}"


def _item(item: UnreadItem) -> str:
    return f"restore {item.restore_id} of {item.cluster}"


def _degraded(made: ReportMade) -> list[str]:
    names = {project.group_id: project.project_name for project in made.project_names}
    names[""] = "the whole stack"
    return [names.get(group_id, group_id) for group_id in made.degraded]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {_WORDS.get(key, key)}" for key, count in counts.items() if count)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
