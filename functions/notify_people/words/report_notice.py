"""A report of the restore tests → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.change import Change
from notify_people.message import ReportMade
from notify_people.severity_and_alerts import Paging, Severity
from notify_people.words.notice import Notice, Step, known
from notify_people.words.spans import microseconds, moment

SHOWN = 5
"""Clusters that are named: the page of the report names all."""

_WORDS = {"never": "never tested", "cannotTell": "cannot tell", "notRequired": "not required"}
"""Other states and ends are their own words."""


def report_notice(made: ReportMade, stack: str) -> Notice:
    """Return the notice, which says first whether anything needs people. It pages nobody."""
    bad = sum(made.clusters.get(state, 0) for state in ("failed", "overdue", "never", "cannotTell"))
    # A newer version may have another such state.
    bad = max(bad, len(made.need_attention))
    required = bad + made.clusters.get("tested", 0) + made.clusters.get("new", 0)
    look = _look(made, bad, required)
    page = "Open the report: it has every cluster, and what helps"
    return Notice(
        stack=stack,
        subject=f"report/{made.subject}",
        order=microseconds(made.at),
        thread=f"report-{made.subject}",
        change=Change.REPORT,
        event_type="report",
        what="report",
        outcome="to look at" if look else "with nothing to do",
        severity=Severity.WARNING if look else Severity.SUCCESS,
        paging=Paging.NOTHING,
        title=look or _well(made, required),
        detail=f"Report of the restore tests, {made.first} to {made.last}.",
        facts=known(_facts(made, stack, bad)),
        steps=(Step(page, address=made.console_url, label="Open the report"),),
        at=made.at,
        source=f"/stacks/{made.subject}",
        keywords=("report",),
    )


def _look(made: ReportMade, bad: int, required: int) -> str:
    if bad:
        return f"{bad} of {_count(required, 'cluster')} need{'s' if bad == 1 else ''} a look"
    if failed := made.restores.get("failed"):
        return f"{_count(failed, 'restore')} FAILED"
    return "A restore or the watch needs a look" if made.attention or made.degraded else ""


def _well(made: ReportMade, required: int) -> str:
    well = f"All is well: {_count(made.restores.get('completed', 0), 'restore')} completed"
    tested = f"{made.clusters.get('tested', 0)} of {_count(required, 'cluster')} tested"
    return f"{well}, {tested} in {_count(made.window_days, 'day')}" if required else well


def _facts(made: ReportMade, stack: str, bad: int) -> Mapping[str, str | None]:
    shown = [
        f"{one.cluster_name} in {one.group_id} ({one.state}"
        + (")" if one.days is None else f", tested {_count(one.days, 'day')} ago)")
        for one in made.need_attention[:SHOWN]
    ]
    # Long names leave room for fewer.
    more = [f"and {bad - len(shown)} more"] if bad > len(shown) else []
    return {
        "Stack": stack,
        "Need a look": ", ".join(shown + more),
        "Clusters": _counts(made.clusters),
        "Restores": _counts(made.restores) or "none",
        "Degraded": ", ".join(one or "the whole stack" for one in made.degraded),
        "Credentials expire": moment(made.credentials_expire_at),
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {_WORDS.get(key, key)}" for key, count in counts.items() if count)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
