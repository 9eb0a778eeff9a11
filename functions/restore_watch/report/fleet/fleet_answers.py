"""
Puts what Atlas answers to a report into the fleet, and says which questions follow.

A project costs two questions, and a cluster that has backups two more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from foundation.clock import Clock
from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.list_pages import MORE_CLUSTERS, NOTHING_NEW, Stop
from restore_watch.atlas.clusters_to_watch import UNWATCHED
from restore_watch.atlas.entries import cluster_entries, job_entries, project_entries
from restore_watch.atlas.families import CLUSTER_LISTS, PROJECTS, JobFamily, jobs_of
from restore_watch.atlas.pages import Page
from restore_watch.atlas.read_restore_job import read_job
from restore_watch.errors import (
    AtlasError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.forms_of_fields import AHEAD, is_cluster_name, text_or_null
from restore_watch.model.health import Health
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.watch_change import Trouble
from restore_watch.redaction import redact
from restore_watch.report.cluster import Cluster, read_cluster
from restore_watch.report.fleet.fleet import AtlasList, Fleet
from restore_watch.report.fleet.fleet_question import (
    ALL_PROJECTS,
    FleetQuestion,
    snapshots_of,
)
from restore_watch.report.fleet.newest_snapshot import newest_snapshot
from restore_watch.report.restores.what_a_restore_proves import Restore, restore_listed
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread
from restore_watch.table.bookkeeping import Books

MORE_RESTORES = "Atlas has more restores of this cluster than were read, among them newer ones"

_OF_THE_OTHER_KIND = {
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
    "FEATURE_UNSUPPORTED",
}
"""Atlas's codes for a question about a cluster of the other kind."""

_NO_BACKUPS = "BACKUP_CONFIG_NOT_FOUND"
"""Atlas's code for a question about the backups of a cluster that has none."""

_NOT_LISTED = WhyUnread(
    "Atlas's list of projects does not show this project, which the stack watches",
    "If it was deleted, or the service account lost its role in it, the watch forgets it within a "
    "day. If not, ask for the period again.",
)

_ASK_AGAIN = (
    "Ask for the period again. If that does not help, let another stack watch some of the projects."
)
_NOT_THERE = (
    "Atlas lists the cluster and does not find it. If it is being made, renamed or deleted, ask "
    "for the period again in an hour."
)


class Reading(NamedTuple):
    """
    What came of reading an answer: what could be read is in the fleet.

    `following`: the questions that follow. `problem`: why the answer could not be read, or not as a
    whole; None if all of it was read.
    """

    following: list[FleetQuestion]
    problem: str | None


@dataclass(frozen=True)
class FleetAnswers:
    """
    The answers of Atlas to one report.

    `books`: what the watch knows. `project_ids`: the projects that the operator named, or "all".

    Any thread may use it, without a lock. An answer about a project or a cluster only adds to the
    fleet, or sets the entry of its own list, and Python does that in one step. Only the list of
    projects is compared with what the fleet has, before projects are added. No two threads do that
    at a time, because each page of the list is asked for after the one before it.
    """

    clock: Clock
    project_ids: Collection[str]
    books: Books
    fleet: Fleet = field(default_factory=Fleet)

    def first_questions(self) -> list[FleetQuestion]:
        """Return the questions to begin with."""
        named = () if self._wants_all else self.project_ids
        return [FleetQuestion(ALL_PROJECTS), *self._plan_projects(named)]

    def read(self, question: FleetQuestion, page: Page) -> list[FleetQuestion]:
        """
        Keep what an answer shows. Return the questions that follow.

        Of an answer that cannot be read as a whole, the rest is kept, and the problem is noted.
        """
        reading = self._read_by_family(question, page)
        if reading.problem is not None:
            self.note_unread(question, UnexpectedAtlasResponseError(reading.problem))
        return reading.following

    def plan_without_answer(self, question: FleetQuestion) -> list[FleetQuestion]:
        """Return the questions that can be asked although this one was not answered."""
        if question.atlas_list != ALL_PROJECTS:
            return []
        return self._plan_without_whole_list()

    def needs(self, question: FleetQuestion) -> bool:
        """
        Whether the report is not whole without an answer.

        Projects that the operator named need no list: it only has names, and other projects.
        """
        return self._wants_all or question.atlas_list != ALL_PROJECTS

    def add_stored_names(self) -> None:
        """Name the projects that the operator named as the table does, if no list names them."""
        if self._wants_all:
            return
        names = self.fleet.project_names
        for group_id in self.fleet.projects:
            project = self.books.projects.get(group_id)
            if project is not None and project.name and not names.get(group_id):
                names[group_id] = project.name

    def note_unread(self, question: FleetQuestion, error: ApplicationError) -> None:
        """
        Note why a list could not be read, or not as a whole.

        Nothing is noted of a list that nobody needs, or if the error says all that the list would.
        """
        atlas_list = question.atlas_list
        if not self.needs(question):
            return
        if atlas_list.cluster_name and self._is_of_other_kind(atlas_list, error):
            # The question about the other kind answers.
            return
        if atlas_list.cluster_name and self._has_no_backups(atlas_list, error):
            if question.is_of_snapshots:
                self._note_snapshot(question, Snapshot(None))
            return
        unread = self._why_unread(question, error)
        if question.is_of_snapshots:
            self._note_snapshot(question, Snapshot(None, unread=unread))
        else:
            self.fleet.unread[atlas_list] = unread

    @property
    def _wants_all(self) -> bool:
        return self.project_ids == "all"

    @property
    def _known_projects(self) -> list[str]:
        """The projects that the watch knows, and has not forgotten."""
        return [
            group_id
            for group_id, project in self.books.projects.items()
            if project.marks is not None
        ]

    def _plan_projects(self, group_ids: Iterable[str]) -> list[FleetQuestion]:
        """Note these projects. Return the questions about those that are new."""
        following: list[FleetQuestion] = []
        for group_id in group_ids:
            if group_id in self.fleet.projects:
                continue
            self.fleet.projects.add(group_id)
            lists = [AtlasList.of_project(group_id, which) for which in CLUSTER_LISTS]
            following += [FleetQuestion(each) for each in lists]
        return following

    def _plan_without_whole_list(self) -> list[FleetQuestion]:
        """Return the questions about the projects that were listed, and that the watch knows."""
        if not self._wants_all:
            # Those that the operator named are asked about from the beginning.
            return []
        return self._plan_projects([*self.fleet.project_names, *self._known_projects])

    def _read_by_family(self, question: FleetQuestion, page: Page) -> Reading:
        family = question.atlas_list.family
        if family is PROJECTS:
            return self._read_projects(question, page)
        if family in CLUSTER_LISTS:
            return self._read_clusters(question, page)
        if isinstance(family, JobFamily):
            return self._read_restores(question, family, page)
        return self._read_snapshots(question, page)

    def _read_projects(self, question: FleetQuestion, page: Page) -> Reading:
        """Those that the operator named need no list, but their names stand in it."""
        names, entries = self.fleet.project_names, project_entries(page)
        for entry in entries.readable:
            names[entry.id] = text_or_null(entry.content.get("name")) or ""
        if entries.unreadable:
            return Reading(self._plan_without_whole_list(), entries.unreadable[0].problem)
        pages = question.pages.after(page, [entry.id for entry in entries.readable])
        if pages.stop is Stop.NOTHING_NEW:
            return Reading(self._plan_without_whole_list(), NOTHING_NEW)
        following: list[FleetQuestion] = []
        listed = list(names)
        self.fleet.has_all_projects = pages.stop is not None
        if pages.stop is None:
            following.append(FleetQuestion(ALL_PROJECTS, pages))
        elif self._wants_all:
            self._note_not_listed()
            listed += self._known_projects
        if self._wants_all:
            following += self._plan_projects(listed)
        return Reading(following, None)

    def _note_not_listed(self) -> None:
        """Note the projects that the watch knows, and that the whole list does not show."""
        for group_id in self._known_projects:
            if group_id not in self.fleet.project_names:
                self.fleet.unread[AtlasList.of_project(group_id, PROJECTS)] = _NOT_LISTED

    def _read_clusters(self, question: FleetQuestion, page: Page) -> Reading:
        group_id = question.atlas_list.group_id
        entries = cluster_entries(page, question.atlas_list.family)
        problems = [entry.problem for entry in entries.unreadable]
        if page.has_next:
            problems.append(MORE_CLUSTERS)
        following: list[FleetQuestion] = []
        for entry in entries.readable:
            cluster = read_cluster(group_id, question.kind_of_cluster, entry.content)
            if cluster.created_at and cluster.created_at > self.clock.now() + AHEAD:
                cluster = replace(cluster, created_at=None)
            self.fleet.clusters.append(cluster)
            following += self._plan_cluster(cluster)
        return Reading(following, _first(problems))

    def _plan_cluster(self, cluster: Cluster) -> list[FleetQuestion]:
        """Return the questions about a cluster; none, and perhaps why, if it is not asked about."""
        restores = FleetQuestion(AtlasList.of_cluster(cluster.key, jobs_of(cluster.kind)))
        if not is_cluster_name(cluster.name):
            self.note_unread(restores, UnexpectedAtlasResponseError(UNWATCHED))
            return []
        if cluster.is_free or cluster.has_backups is False:
            return []
        return [restores, snapshots_of(cluster)]

    def _read_restores(self, question: FleetQuestion, family: JobFamily, page: Page) -> Reading:
        group_id, cluster_name = question.atlas_list.cluster_key
        entries = job_entries(page, family.kind)
        problems = [entry.problem for entry in entries.unreadable]
        restores: list[Restore] = []
        for entry in entries.readable:
            target = RestoreTarget.listed(group_id, cluster_name, entry.id, family.kind)
            try:
                restores.append(restore_listed(read_job(entry.content, target, family.kind)))
            except UnexpectedAtlasResponseError as error:
                problems.append(str(error))
        self.fleet.restores.extend(restores)
        began = [restore.began for restore in restores]
        if page.has_next and began:
            self.fleet.listed_since[group_id, cluster_name] = min(began)
        # Of one entry alone, nobody knows the order.
        is_newest_first = len(began) > 1 and began == sorted(began, reverse=True)
        if page.has_next and not is_newest_first:
            problems.append(MORE_RESTORES)
        return Reading([], _first(problems))

    def _read_snapshots(self, question: FleetQuestion, page: Page) -> Reading:
        try:
            snapshot = newest_snapshot(page, self.clock.now() + AHEAD)
        except UnexpectedAtlasResponseError as error:
            return Reading([], str(error))
        self._note_snapshot(question, snapshot)
        return Reading([], None)

    def _note_snapshot(self, question: FleetQuestion, snapshot: Snapshot) -> None:
        group_id, cluster_name = question.atlas_list.cluster_key
        self.fleet.snapshots[group_id, cluster_name, question.kind_of_cluster] = snapshot

    def _is_of_other_kind(self, atlas_list: AtlasList, error: ApplicationError) -> bool:
        """Whether Atlas refuses this kind for a cluster that is in both of its lists."""
        if _code_of(error) not in _OF_THE_OTHER_KIND:
            return False
        kinds = {cluster.kind for cluster in self._entries_of(atlas_list)}
        return len(kinds) > 1

    def _has_no_backups(self, atlas_list: AtlasList, error: ApplicationError) -> bool:
        """Whether Atlas knows no backups of a cluster, and its list does not say otherwise."""
        if _code_of(error) != _NO_BACKUPS:
            return False
        return not any(cluster.has_backups for cluster in self._entries_of(atlas_list))

    def _entries_of(self, atlas_list: AtlasList) -> list[Cluster]:
        """Return the cluster's entries: in one list of clusters, or in both."""
        return [cluster for cluster in self.fleet.clusters if cluster.key == atlas_list.cluster_key]

    def _why_unread(self, question: FleetQuestion, error: ApplicationError) -> WhyUnread:
        """Return why a list could not be read, what helps, and since when that is so."""
        of_stack = not question.atlas_list.group_id
        trouble = Trouble.of(error, self.clock.now(), of_stack=of_stack)
        fix = _fix_in_report(question.atlas_list, error) or trouble.fix or ""
        return WhyUnread(redact(trouble.message), fix, self._known_since(question))

    def _known_since(self, question: FleetQuestion) -> datetime | None:
        """Return since when the watch gets no answer to this question, None if it does not say."""
        health, name = self._health(question.atlas_list), question.subject.question
        if health is None or name is None:
            return None
        known = health.troubles.get(name)
        return known.since if known is not None else None

    def _health(self, atlas_list: AtlasList) -> Health | None:
        """Return what the watch knows of the project, or of the stack for the list of projects."""
        if not atlas_list.group_id:
            return self.books.stack
        project = self.books.projects.get(atlas_list.group_id)
        return project.health if project is not None else None


def _first(problems: list[str]) -> str | None:
    return problems[0] if problems else None


def _fix_in_report(atlas_list: AtlasList, error: ApplicationError) -> str | None:
    """Return what helps a report, None if that is the fix that any trouble of this kind has."""
    if isinstance(error, TimeBudgetExceededError):
        return _ASK_AGAIN
    if atlas_list.cluster_name and _is_not_found(error):
        return _NOT_THERE
    return None


def _code_of(error: ApplicationError) -> str | None:
    return error.error_code if isinstance(error, AtlasError) else None


def _is_not_found(error: ApplicationError) -> bool:
    """Whether Atlas does not know the cluster, although it knows the project."""
    if not isinstance(error, RestoreJobNotFoundError):
        return False
    return error.error_code != "GROUP_NOT_FOUND"
