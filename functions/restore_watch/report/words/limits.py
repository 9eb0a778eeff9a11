"""What a report can say, and what it cannot. Pure."""

from collections.abc import Sequence
from datetime import datetime

from restore_watch.report.fleet.fleet import RESTORES_READ
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Rung
from restore_watch.report.words.own_objectives import own_objectives
from restore_watch.report.words.wording import count, day

PROJECTS_NAMED = 20
"""Projects that are not watched, by name. report.json has them all."""


def limits(report: Report) -> list[str]:
    """Return what the report can say, and what it cannot."""
    counts = "a completed restore of a whole cluster into a cluster"
    if report.policy.counts is Rung.VERIFIED:
        counts += ", if a pipeline reported the verdict PASSED on its data"
    since, expiry = report.stored.watched_since, report.credentials_expire_at
    table = f"The table of this stack begins on {day(since)}." if since else "The table is empty."
    shown = (
        f"Months and weeks also show the newest {RESTORES_READ} restores of each cluster in Atlas."
    )
    known = (
        f"States know what had happened by {_moment(report.at)}. Restores, verdicts, clusters, "
        f"their tags, backups and snapshots are those of {_moment(report.read_at)}, when Atlas was "
        "read."
    )
    said = [
        f"A good test is {counts}. Downloads and restores of some collections never count.",
        "COMPLETED says that Atlas wrote the data. Only a verdict says that somebody tested them.",
        known,
        f"{table} {shown}",
        "How long Atlas lists a restore is not documented.",
    ]
    unwatched = report.coverage.unwatched_projects
    if unwatched is None:
        said.append("Whether the credentials see other projects could not be read.")
    elif unwatched:
        said.append(_unwatched(report, unwatched))
    if report.policy.required_tag:
        said.append("Only clusters with the tag of the parameter RestoreTestTag need a test.")
    if any(own_objectives(report, judged.cluster) for judged in report.coverage.clusters):
        said.append(
            "Clusters with an objective or a window in their tags are judged by it; timelines show "
            "the objectives of the stack."
        )
    if not all(judged.cluster.is_listed for judged in report.coverage.clusters):
        said.append(
            "Clusters of a list that could not be read are judged by the values of the stack: "
            "their own objectives, windows and exemptions were not read."
        )
    if expiry:
        expire = "expired" if report.has_expired_credentials else "expire"
        said.append(f"The credentials for Atlas {expire} on {day(expiry)}.")
    return said


def _unwatched(report: Report, group_ids: Sequence[str]) -> str:
    """Name the projects that the credentials see, and of which the report knows nothing."""
    names = sorted(map(report.coverage.project_name, group_ids))
    left_out = len(names) - PROJECTS_NAMED
    more = f" and {left_out} more" if left_out > 0 else ""
    named = ", ".join(names[:PROJECTS_NAMED]) + more
    number = count(len(names), "project")
    return f"The credentials also see {number} that the stack does not watch: {named}."


def _moment(moment: datetime) -> str:
    return f"{day(moment)}, {moment:%H:%M} UTC"
