"""
Parts that a listing could not read: a failure of the project, or nobody could ever read them.

The credentials may have no role for a kind of restore job. Or Atlas refuses to say anything about a
cluster, such as one without backups, with a code that nobody knows.
"""

from collections.abc import Collection
from datetime import timedelta

from restore_watch.atlas.endpoints import CLUSTER_LISTS, AtlasList
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasRateLimitError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.marks import FIRST_MARK, Part
from restore_watch.sweep.find.calls import FindCalls, asked_by
from restore_watch.sweep.find.listing import ProjectListing
from restore_watch.sweep.find.listing_scope import LISTED_KINDS
from restore_watch.sweep.find.steps import JobsPage
from restore_watch.sweep.outcomes import REFUSALS_OF_A_FAMILY, of_clusters
from restore_watch.table.open_job import OpenJob
from restore_watch.table.project_item import Project

LONG_UNREAD = timedelta(minutes=30)
"""If a rate limit keeps a cluster from being read for so long, the project cannot be seen."""


def set_aside(calls: FindCalls, project: Project, listing: ProjectListing) -> set[Part]:
    """
    Note the failures of a listing. Return the parts that nobody could ever read.

    They are tried again when everything is listed.
    """
    aside: set[Part] = set()
    failures = listing.failures
    open_jobs = calls.run.open_jobs() if failures else ()
    known = [job for job in open_jobs if job.target.group_id == project.group_id]
    for what, error in failures.items():
        if isinstance(error, REFUSALS_OF_A_FAMILY):
            if not _was_family_read(calls, project, what, known):
                aside.update(_parts_of(what))
        elif isinstance(what, Part) and not _is_failure(calls, project, what, error, known):
            aside.add(what)
            calls.run.telemetry.report_unread_cluster(project.group_id, what.cluster_name, error)
            continue
        if isinstance(what, Part):
            _note_failure(calls, listing, what, error)
    return aside


def _parts_of(what: AtlasList | Part) -> list[Part]:
    if isinstance(what, Part):
        return [what]
    return [Part(kind) for kind in LISTED_KINDS if CLUSTER_LISTS[kind] is what]


def _was_family_read(
    calls: FindCalls, project: Project, what: AtlasList | Part, known: Collection[OpenJob]
) -> bool:
    """Whether anything of the family was ever read: without a role for it, nothing is."""
    family = what.kind if isinstance(what, Part) else what
    return (
        str(family) in project.readable
        or family in calls.run.outcomes.families(project.group_id)
        or any(job.kind is family for job in known)
    )


def _is_failure(
    calls: FindCalls,
    project: Project,
    part: Part,
    error: RestoreWatchError,
    known: Collection[OpenJob],
) -> bool:
    """Whether a cluster was read before, as far as this environment knows, or fails otherwise."""
    if not isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError)):
        return True
    clusters = {Part(job.kind, job.target.cluster_name) for job in known if job.kind}
    is_reported = of_clusters(part.kind) in project.watched.troubles
    return is_reported or part in clusters or calls.memory.was_read(project.group_id, part)


def _note_failure(
    calls: FindCalls, listing: ProjectListing, part: Part, error: RestoreWatchError
) -> None:
    """A refusal for want of a role is excused where failures are counted."""
    marks = listing.wanted.marks
    unread_for = calls.run.now() - max(marks.mark_of(part), marks.first + FIRST_MARK)
    lasts = not isinstance(error, AtlasRateLimitError) or unread_for > LONG_UNREAD
    calls.run.outcomes.failed(asked_by(JobsPage(listing.group_id, part)), error, lasts=lasts)
    calls.found_failing(listing.group_id, part.cluster_name, error)
