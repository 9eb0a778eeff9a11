"""
How a sweep lists the restore jobs of a project, by its clusters.

The entries take the one path for what Atlas says (`acting`). Parts that were read to the end are
known up to the moment at which the listing began. A part that could not be read is a failure of the
project, or is set aside because nobody could ever read it: the credentials may have no role for a
kind of restore job, or Atlas refuses to say anything about a cluster, such as one without backups,
with a code that nobody knows.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from foundation.errors import ApplicationError
from restore_watch.asking.asked import NO_ROLE_ERRORS, Subject, answering_families
from restore_watch.asking.nothing_to_read import has_nothing_to_read
from restore_watch.atlas.clusters_to_watch import UNWATCHED, clusters_to_watch
from restore_watch.atlas.entries import cluster_entries
from restore_watch.atlas.families import LISTED_JOBS, Family, jobs_of
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasRateLimitError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
    UnforeseenError,
)
from restore_watch.model.marks import Part
from restore_watch.sweep.acting.list_actions import ListActions, ShownJobs
from restore_watch.sweep.finding.finding_step import StepCalls
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.sweep.finding.project_listing import (
    ClustersPage,
    JobsPage,
    ListingStep,
    ProjectListing,
)
from restore_watch.sweep.finding.project_marks import ProjectMarks
from restore_watch.sweep.log import Listed, Unread
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob
from restore_watch.table.project_item import Project

LONG_UNREAD = timedelta(minutes=30)
"""If a rate limit keeps a cluster from being read for so long, the project cannot be seen."""

type Failures = Mapping[Family | Part, ApplicationError]
"""Why lists of clusters, or of a cluster's jobs, could not be read."""


class Excused(NamedTuple):
    """
    The parts whose failures in one listing are no failures of the project.

    `refused`: clusters that Atlas refuses. `without_role`: parts that the credentials may not read.
    """

    refused: frozenset[Part] = frozenset()
    without_role: frozenset[Part] = frozenset()

    @property
    def parts(self) -> frozenset[Part]:
        """All of them."""
        return self.refused | self.without_role


@dataclass(frozen=True)
class ListingReader:
    """Takes the steps of the listings that are `under_way` in one sweep. Any thread may use it."""

    run: Run
    calls: StepCalls
    memory: ProjectMemory
    atlas: AtlasSession
    marks: ProjectMarks
    list_actions: ListActions
    under_way: set[ProjectListing] = field(default_factory=set)

    def postpone_step(self, step: ListingStep) -> None:
        """Leave a step to the next sweep. It makes no call to AWS."""
        if step.error is not None:
            step.listing.note_failure(step, step.error)
        step.listing.finish_step(step, is_read=False)

    def note_unforeseen(self, step: ListingStep, error: UnforeseenError) -> None:
        """Our own code failed about a step."""
        # The step is not finished, on purpose: while it is open, what it reads counts as unread.
        self.run.log.append(Unread(step.subject, error))

    def end(self, listing: ProjectListing) -> None:
        """Store how far a listing came, once."""
        try:
            self.under_way.remove(listing)
        except KeyError:
            return
        group_id = listing.wanted.group_id
        # The next listing begins with these clusters.
        self.memory.store_clusters(group_id, listing.cluster_names)
        read, failures = listing.parts_read(), listing.failures
        excused = self._excused(group_id, failures)
        self._log_failures(listing, failures, excused.refused)
        still_aside = self.memory.note_tried(
            group_id,
            read=read.read,
            failing=failures.keys() - excused.parts,
            aside=excused.parts,
        )
        unread = read.unread - still_aside
        # After a listing, the marks say what is still to be read.
        if not read.is_listing:
            self.memory.add_to_read_again(group_id, unread)
        self.marks.store(group_id, listing.wanted.marks, read)
        # Parts that are set aside cannot be listed.
        is_whole = read.is_listing and not unread
        self.run.log.append(Listed(group_id, still_aside, is_whole))

    def ask_for_clusters_page(self, step: ClustersPage) -> Sequence[ListingStep]:
        """Ask for a list of clusters. Return the steps that follow."""
        listing, begun = step.listing, self.run.asking.clock()
        try:
            clusters = partial(self.atlas.clusters, listing.wanted.group_id, step.which)
            page = self.calls.ask(step, clusters)
        except ApplicationError as error:
            return self._again(step, error, begun)
        entries = cluster_entries(page, step.which)
        self.run.telemetry.objectives.note_clusters(step.bucket, entries.readable)
        shown = clusters_to_watch(entries)
        for name in shown.unwatched:
            odd = UnexpectedAtlasResponseError(UNWATCHED)
            self.run.telemetry.report_unread_cluster(listing.wanted.group_id, name, odd)
        more = listing.note_clusters_page(step, page, shown)
        failure = listing.failures.get(step.which)
        if failure is not None:
            self.run.log.append(Unread(step.subject, failure))
        self._finish(step)
        return more

    def ask_for_jobs_page(self, step: JobsPage) -> Sequence[ListingStep]:
        """Ask for a page of a cluster's jobs. Return the steps that follow."""
        listing, part, begun = step.listing, step.part, self.run.asking.clock()
        shown = ShownJobs(listing.wanted.group_id, part, self.run.now())
        cluster = listing.wanted.group_id, part.cluster_name or ""
        try:
            jobs = partial(self.atlas.page_of_jobs, cluster, part.kind, step.pages.at)
            page = self.calls.ask(step, jobs)
        except ApplicationError as error:
            if isinstance(error, RestoreJobNotFoundError) or has_nothing_to_read(error):
                listing.note_gone(part)
            if has_nothing_to_read(error):
                self._finish(step)
                return ()
            return self._again(step, error, begun)
        entries = self.list_actions.read_page(page, shown)
        if shown.unreadable:
            listing.note_failure(step, UnexpectedAtlasResponseError(shown.unreadable[0].problem))
        more = listing.note_jobs_page(step, page, entries)
        self._finish(step, is_read=self.list_actions.act_on_news(shown))
        return more

    def _again(
        self, step: ListingStep, error: ApplicationError, begun: float
    ) -> Sequence[ListingStep]:
        again = self.calls.again(step, error, begun)
        if not again:
            if isinstance(error, AtlasError):
                step.listing.note_failure(step, error)
            self._finish(step, is_read=False)
        return again

    def _finish(self, step: ListingStep, *, is_read: bool = True) -> None:
        if step.listing.finish_step(step, is_read=is_read):
            self.end(step.listing)

    def _excused(self, group_id: str, failures: Failures) -> Excused:
        """Return the parts to set aside, by what was read before this listing."""
        if not failures:
            return Excused()
        project = self.run.projects[group_id]
        open_jobs = [job for job in self.run.open_jobs() if job.target.group_id == group_id]
        return Excused(
            refused=self._refused_clusters(project, failures, open_jobs),
            without_role=self._parts_without_role(project, failures, open_jobs),
        )

    def _log_failures(
        self, listing: ProjectListing, failures: Failures, refused: Container[Family | Part]
    ) -> None:
        """Log why clusters could not be read, unless Atlas refuses to say anything about them."""
        group_id = listing.wanted.group_id
        for part, error in failures.items():
            if not isinstance(part, Part):
                continue
            if part in refused:
                self.run.telemetry.report_unread_cluster(group_id, part.cluster_name, error)
            else:
                # The verdict on the project excuses a refusal for want of a role.
                self._log_unread(listing, part, error)

    def _refused_clusters(
        self, project: Project, failures: Failures, open_jobs: Iterable[OpenJob]
    ) -> frozenset[Part]:
        """
        Return the clusters that Atlas refuses, and that were never read as far as anybody knows.

        Such a refusal is no failure. A missing role is none of these.
        """
        clusters = {Part(job.kind, job.target.cluster_name) for job in open_jobs if job.kind}
        refused: set[Part] = set()
        for part, error in failures.items():
            is_refusal = isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError))
            if not is_refusal or not isinstance(part, Part) or part in clusters:
                continue
            is_reported = jobs_of(part.kind).list_question in project.health.troubles
            if not is_reported and not self.memory.was_read(project.group_id, part):
                refused.add(part)
        return frozenset(refused)

    def _parts_without_role(
        self, project: Project, failures: Failures, open_jobs: Iterable[OpenJob]
    ) -> frozenset[Part]:
        """Return the parts that are refused, of families that could never be read."""
        seen = answering_families(self.run.log.records_of(project.group_id))
        readable = project.readable.union(family.name for family in seen)
        readable |= {jobs_of(job.kind).name for job in open_jobs if job.kind}
        parts: set[Part] = set()
        for what, error in failures.items():
            family = jobs_of(what.kind) if isinstance(what, Part) else what
            if isinstance(error, NO_ROLE_ERRORS) and family.name not in readable:
                parts.update(_parts_of(what))
        return frozenset(parts)

    def _log_unread(self, listing: ProjectListing, part: Part, error: ApplicationError) -> None:
        marks = listing.wanted.marks
        unread_for = self.run.now() - max(marks.mark_of(part), marks.first_tried_at)
        lasts = not isinstance(error, AtlasRateLimitError) or unread_for > LONG_UNREAD
        subject = Subject.jobs_of_cluster(listing.wanted.group_id, part)
        self.run.log.append(Unread(subject, error, lasts))


def _parts_of(what: Family | Part) -> list[Part]:
    if isinstance(what, Part):
        return [what]
    return [Part(family.kind) for family in LISTED_JOBS if family.clusters is what]
