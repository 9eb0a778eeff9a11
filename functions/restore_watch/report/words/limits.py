"""What a report can say, and what it cannot. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from restore_watch.report.fleet.fleet import RESTORES_READ
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Rung
from restore_watch.report.words.own_objectives import own_objectives
from restore_watch.report.words.wording import count, day

PROJECTS_NAMED = 20
"""Projects that are not watched, by name. report.json has them all."""


_ALSO_NEEDED = {
    Rung.RESTORED: "",
    Rung.MEASURED: ", if its measurement matches or a pipeline reported the verdict PASSED on its "
    "data",
    Rung.VERIFIED: ", if a pipeline reported the verdict PASSED on its data",
}
"""What a good test needs beside a completed restore, by what counts as a test."""


class Limit(NamedTuple):
    """
    A sentence, whose `names` are from outside: they stand between its `text` and its `end`.

    A page keeps the direction in which a name is written away from the sentence.
    """

    text: str
    names: Sequence[str] = ()
    end: str = ""

    def __str__(self) -> str:
        """Return the whole sentence."""
        return f"{self.text}{', '.join(self.names)}{self.end}"


def limits(report: Report) -> list[Limit]:
    """Return what the report can say, and what it cannot."""
    unwatched = report.coverage.unwatched_projects
    named = [_unwatched(report, unwatched)] if unwatched else []
    return [*map(Limit, _about_states(report)), *named, *map(Limit, _about_choices(report))]


def _about_states(report: Report) -> list[str]:
    also_needed = _ALSO_NEEDED[report.policy.counts]
    counts = f"a completed restore of a whole cluster into a cluster{also_needed}"
    since = report.stored.watched_since
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
    if any(restore.measured for restore in report.all_restores):
        said.append(
            "A measurement compares how many documents, collections and indexes Atlas counts. It "
            "does not say that a document is right, or that an application starts."
        )
    if report.coverage.unwatched_projects is None:
        said.append("Whether the credentials see other projects could not be read.")
    return said


def _about_choices(report: Report) -> list[str]:
    said: list[str] = []
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
    expiry = report.credentials_expire_at
    if expiry:
        expire = "expired" if report.has_expired_credentials else "expire"
        said.append(f"The credentials for Atlas {expire} on {day(expiry)}.")
    return said


def _unwatched(report: Report, group_ids: Sequence[str]) -> Limit:
    """Name the projects that the credentials see, and of which the report knows nothing."""
    names = sorted(map(report.coverage.project_name, group_ids))
    left_out = len(names) - PROJECTS_NAMED
    number = count(len(names), "project")
    return Limit(
        f"The credentials also see {number} that the stack does not watch: ",
        names[:PROJECTS_NAMED],
        f" and {left_out} more." if left_out > 0 else ".",
    )


def _moment(moment: datetime) -> str:
    return f"{day(moment)}, {moment:%H:%M} UTC"
