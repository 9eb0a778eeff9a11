"""
What a listing could not read: a failure of the project, or nothing that anybody could ever read.

The credentials may have no role for a kind of restore job. Or Atlas refuses to say anything about a
cluster, such as one without backups, with a code that nobody knows.
"""

from collections.abc import Collection
from datetime import timedelta

from restore_watch.atlas.endpoints import CLUSTER_LISTS
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasRateLimitError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.marks import FIRST_MARK, Part
from restore_watch.sweep.find.calls import FindCalls, asked_by
from restore_watch.sweep.find.listing import LISTED_KINDS, ProjectListing
from restore_watch.sweep.find.steps import JobsPage
from restore_watch.sweep.outcomes import REFUSALS_OF_A_FAMILY, of_clusters
from restore_watch.table.open_job import OpenJob
from restore_watch.table.project_item import Project

LONG_UNREAD = timedelta(minutes=30)
"""If a rate limit keeps a cluster from being read for so long, the project cannot be seen."""


def set_aside(calls: FindCalls, project: Project, listing: ProjectListing) -> set[Part]:
    """
    Note what a listing could not read. Return the parts that nobody could ever read.

    They are tried again when everything is listed.
    """
    aside: set[Part] = set()
    failures = listing.failures
    if not failures:
        return aside
    known = list(calls.run.known.values())
    open_jobs = [job for job in known if job.target.group_id == project.group_id]
    for what, error in failures.items():
        if isinstance(what, Part):
            is_reported = of_clusters(what.kind) in project.watched.troubles
            if not is_reported and _was_never_read(calls, project, what, error, open_jobs):
                aside.add(what)
                calls.run.telemetry.not_read(project.group_id, what.cluster_name, error)
                continue
            if _has_no_role(calls, project, what.kind, error, open_jobs):
                aside.add(what)
            _note_failure(calls, listing, what, error)
        elif _has_no_role(calls, project, what, error, open_jobs):
            aside.update(Part(kind) for kind in LISTED_KINDS if CLUSTER_LISTS[kind] is what)
    return aside


def _note_failure(
    calls: FindCalls, listing: ProjectListing, part: Part, error: RestoreWatchError
) -> None:
    """A refusal for want of a role is excused where failures are counted."""
    since = max(listing.marks.of(part), listing.marks.first + FIRST_MARK)
    waits_long = calls.run.now() - since > LONG_UNREAD
    lasts = not isinstance(error, AtlasRateLimitError) or waits_long
    calls.run.outcomes.failed(asked_by(JobsPage(listing.group_id, part)), error, lasts=lasts)
    calls.found_failing(listing.group_id, part.cluster_name, error)


def _has_no_role(
    calls: FindCalls,
    project: Project,
    family: object,
    error: RestoreWatchError,
    open_jobs: Collection[OpenJob],
) -> bool:
    """Nothing of the family was ever read, not by a question about a known job either."""
    if not isinstance(error, REFUSALS_OF_A_FAMILY):
        return False
    was_read = str(family) in project.readable or any(job.kind is family for job in open_jobs)
    return not was_read and family not in calls.run.outcomes.families(project.group_id)


def _was_never_read(
    calls: FindCalls,
    project: Project,
    part: Part,
    error: RestoreWatchError,
    open_jobs: Collection[OpenJob],
) -> bool:
    """Atlas has never said anything about this cluster, as far as this environment knows."""
    if not isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError)):
        return False
    is_known = any(
        (job.kind, job.target.cluster_name) == (part.kind, part.cluster_name) for job in open_jobs
    )
    return not is_known and not calls.memory.was_read(project.group_id, part)
