"""What a report can say, and what it cannot. Pure."""

from datetime import datetime

from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Rung
from restore_watch.report.words.own_objectives import own_objectives
from restore_watch.report.words.wording import day


def limits(report: Report) -> list[str]:
    """Return what the report can say, and what it cannot."""
    counts = "a completed restore of a whole cluster into a cluster"
    if report.policy.counts is Rung.VERIFIED:
        counts += ", if a pipeline reported the verdict PASSED on its data"
    since, expiry = report.stored.watched_since, report.credentials_expire_at
    table = f"The table of this stack begins on {day(since)}." if since else "The table is empty."
    known = (
        f"States know what had happened by {_moment(report.at)}. Restores, verdicts, clusters, "
        f"their tags, backups and snapshots are those of {_moment(report.read_at)}, when Atlas was "
        "read."
    )
    said = [
        f"A good test is {counts}. Downloads and restores of some collections never count.",
        "COMPLETED says that Atlas wrote the data. Only a verdict says that somebody tested them.",
        known,
        f"{table} Months and weeks also show the newest 100 restores of each cluster in Atlas.",
        "How long Atlas lists a restore is not documented.",
    ]
    if report.policy.required_tag:
        said.append("Only clusters with the tag of the parameter RestoreTestTag need a test.")
    if any(own_objectives(report, judged.cluster) for judged in report.coverage.clusters):
        said.append(
            "Clusters with an objective or a window in their tags are judged by it; timelines show "
            "the objectives of the stack."
        )
    if expiry:
        expire = "expired" if report.has_expired_credentials else "expire"
        said.append(f"The credentials for Atlas {expire} on {day(expiry)}.")
    return said


def _moment(moment: datetime) -> str:
    return f"{day(moment)}, {moment:%H:%M} UTC"
