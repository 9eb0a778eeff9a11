"""
Asks Atlas for the clusters of the watched projects, their newest restores and snapshot.

A project costs two questions, and a cluster that has backups two more. What Atlas would not answer
now, because a rate limit is used up or it is out of order, is asked again after a pause: the report
has minutes. What cannot be read is no failure of the report: the report says so.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Lock

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.json_text import as_map
from restore_watch.asking.list_pages import MORE_CLUSTERS, NOTHING_NEW
from restore_watch.asking.pace import Pace, Permission
from restore_watch.atlas.entries import (
    UNWATCHED,
    cluster_entries,
    job_entries,
    project_entries,
)
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.families import (
    CLUSTER_LISTS,
    DEDICATED_SNAPSHOTS,
    FLEX_SNAPSHOTS,
    PROJECTS,
    SHARDED_SNAPSHOTS,
    Family,
    JobFamily,
    jobs_of,
)
from restore_watch.atlas.pages import Page, PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.read_restore_job import read_job
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.fields import AHEAD, date_or_null, is_cluster_name, text_or_null
from restore_watch.model.outage import Trouble
from restore_watch.model.restore_job import RestoreKind, RestoreTarget
from restore_watch.redaction import redact
from restore_watch.report.cluster import Cluster, ClusterKey, read_cluster
from restore_watch.report.restores.what_a_restore_proves import Restore, restore_listed
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread
from restore_watch.table.bookkeeping import Books
from restore_watch.threads.agenda import Agenda, Task
from restore_watch.time_limits import QUESTION_TIME
from restore_watch.wires import Wires

JOBS_ASKED = PageAt(size=100)
"""The newest restores of each cluster: a quarter of nightly ones. Nobody documents the order."""

MORE_RESTORES = "Atlas has more restores of this cluster than were read, among them newer ones"

PAUSE = 10.0
"""Seconds before what Atlas would not answer is asked again. Its rate limits refill in a minute."""

LONGEST_PAUSE = 60.0
"""Seconds: each round in which Atlas answers nothing makes the next pause longer, up to this."""

SILENT_TIME = 600.0
"""Seconds for which a question that Atlas does not answer is asked again and again."""

SILENCES = 3
"""A project in which Atlas leaves so many questions open is left alone until the next round."""

_OF_THE_OTHER_KIND = {
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
    "FEATURE_UNSUPPORTED",
}
"""Atlas's codes for a question about a cluster of the other kind."""

_NO_BACKUPS = "BACKUP_CONFIG_NOT_FOUND"

_NO_DATE = "A completed snapshot in Atlas's list has no date that can be read"

_NOT_LISTED = WhyUnread(
    "Atlas's list of projects does not show this project, which the stack watches",
    "If it was deleted, or the service account lost its role in it, the watch forgets it within a "
    "day. If not, ask for the period again.",
)

_TIME_IS_OVER = "The time of the report was over before this could be asked"
_ASK_AGAIN = (
    "Ask for the period again. If that does not help, let another stack watch some of the projects."
)
_NOT_THERE = (
    "Atlas lists the cluster and does not find it. If it is being made, renamed or deleted, ask "
    "for the period again in an hour."
)

type Key = tuple[str, str, Family]
"""A question: its project, "" for all; its cluster, "" for a list of clusters; what is asked."""

ALL_PROJECTS: Key = ("", "", PROJECTS)


@dataclass
class Fleet:
    """
    What Atlas shows: projects by name, clusters, restores, snapshots; why it is `unread`.

    `projects`: the ids of those that Atlas was asked about. `reach`: when the oldest restore began
    of a list that goes on. `snapshots`: by project, cluster and kind, because Atlas may list a
    cluster in both lists.
    """

    projects: set[str] = field(default_factory=set)
    project_names: dict[str, str] = field(default_factory=dict)
    clusters: list[Cluster] = field(default_factory=list)
    restores: list[Restore] = field(default_factory=list)
    snapshots: dict[tuple[str, str, RestoreKind], Snapshot] = field(default_factory=dict)
    unread: dict[Key, WhyUnread] = field(default_factory=dict)
    reach: dict[ClusterKey, datetime] = field(default_factory=dict)

    @property
    def unread_projects(self) -> dict[str, WhyUnread]:
        """Why no clusters of a project, or not all, are known; "" for the list of projects."""
        lists = [
            (group_id, family.name, why)
            for (group_id, cluster_name, family), why in self.unread.items()
            if not cluster_name
        ]
        # If neither list of clusters could be read, the list of dedicated ones says why.
        lists.sort(key=lambda unread: unread[:2])
        return {group_id: why for group_id, _, why in lists}


@dataclass(eq=False)
class _Ask(Task):
    """
    A question. `page`: of the list of projects. An earlier try may have had an `error`.

    `is_held`: too little of Atlas's rate limit was left when its turn came.
    """

    about: Key
    page: int = 1
    tries: int = 0
    error: RestoreWatchError | None = None
    is_held: bool = False

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.about[0] or None, self.about[2])


@dataclass(frozen=True)
class FleetReader:
    """
    Asks Atlas, and leaves half of its rate limits to other tools. One object serves a report.

    `books`: what the watch knows.
    """

    wires: Wires
    project_ids: Collection[str]
    books: Books
    fleet: Fleet = field(default_factory=Fleet)
    _open: dict[_Ask, None] = field(default_factory=dict)
    _silences: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def read(self, deadline: Deadline) -> Fleet:
        """Return what Atlas shows; without its list of projects, of those that the watch knows."""
        self._plan([_Ask(ALL_PROJECTS)])
        self._plan_lists(() if self._wants_all else self.project_ids)
        silence = deadline.within(SILENT_TIME)
        pause = PAUSE
        while True:
            were_open = set(self._open)
            self._ask_round(deadline, silence)
            has_answer = not were_open <= set(self._open)
            pause = PAUSE if has_answer else min(2 * pause, LONGEST_PAUSE)
            if not self._open or deadline.remaining() < pause + LEAST_EXCHANGE:
                break
            self.wires.clock.sleep(pause)
        for ask in list(self._open):
            self._give_up(ask, ask.error or _not_asked(ask))
        return self.fleet

    @property
    def _wants_all(self) -> bool:
        return self.project_ids == "all"

    def _plan(self, asks: list[_Ask]) -> list[_Ask]:
        self._open.update(dict.fromkeys(asks))
        return asks

    def _plan_lists(self, group_ids: Iterable[str]) -> list[_Ask]:
        new = dict.fromkeys(one for one in group_ids if one not in self.fleet.projects)
        self.fleet.projects.update(new)
        return self._plan([_Ask((one, "", which)) for one in new for which in CLUSTER_LISTS])

    @property
    def _known_projects(self) -> list[str]:
        """The projects that the watch knows, and has not forgotten."""
        return [key for key, project in self.books.projects.items() if project.marks is not None]

    def _ask_round(self, deadline: Deadline, silence: Deadline) -> None:
        """Ask what may be asked now. The rest stays open. `silence`: until when to ask again."""
        limits, workers = self.wires.atlas.limits, self.wires.workers
        pace = Pace(partial(limits.share_left, since=self.wires.clock.unix()), limits.waits)
        self._silences.clear()
        agenda: Agenda[_Ask] = Agenda(
            workers.at_once,
            allows=lambda ask: self._allows(ask, pace),
            skip=lambda _ask: None,
            is_over=lambda: deadline.remaining() < LEAST_EXCHANGE,
        )
        agenda.add(list(self._open))
        threads = workers.start(
            agenda, lambda ask: self._ask_atlas(ask, deadline, silence), workers.at_once
        )
        agenda.wait_until_done(deadline.remaining())
        agenda.close()
        workers.join(threads, deadline)

    def _allows(self, ask: _Ask, pace: Pace) -> bool:
        """Whether the question may be asked in this round."""
        with self._lock:
            if self._silences[ask.about[0]] >= SILENCES:
                return False
        ask.is_held = pace.take_call(ask.bucket, to_find=True) is not Permission.GIVEN
        return not ask.is_held

    def _ask_atlas(self, ask: _Ask, deadline: Deadline, silence: Deadline) -> list[_Ask]:
        """Ask, and keep what the answer shows. Return the questions that follow."""
        try:
            more = self._keep(ask, deadline.within(QUESTION_TIME))
        except RestoreWatchError as error:
            ask.tries, ask.error = ask.tries + 1, error
            is_silent = isinstance(error, AtlasUnavailableError)
            if is_silent:
                with self._lock:
                    self._silences[ask.about[0]] += 1
            may_ask_again = is_silent and silence.remaining() > 0
            if not may_ask_again and not isinstance(error, AtlasRateLimitError):
                self._give_up(ask, error)
            if ask.about != ALL_PROJECTS or not self._wants_all:
                return []
            return self._plan_lists([*self.fleet.project_names, *self._known_projects])
        self._open.pop(ask, None)
        return more

    def _keep(self, ask: _Ask, deadline: Deadline) -> list[_Ask]:
        atlas, (group_id, cluster_name, family) = self.wires.atlas, ask.about
        cluster = group_id, cluster_name
        if family is PROJECTS:
            return self._read_projects(atlas.projects(ask.page, deadline), ask.page)
        if family in CLUSTER_LISTS:
            return self._read_clusters(ask, atlas.clusters(group_id, family, deadline))
        if isinstance(family, JobFamily):
            page = atlas.page_of_jobs(cluster, family.kind, JOBS_ASKED, deadline)
            self._read_restores(cluster, family.kind, page)
            return []
        page = atlas.snapshots(cluster, family, deadline)
        newest = _newest_snapshot(page, self.wires.clock.now() + AHEAD)
        self.fleet.snapshots[*cluster, _kind_of(family)] = newest
        return []

    def _read_projects(self, page: Page, number: int) -> list[_Ask]:
        """Those that the operator named need no list, but their names stand in it."""
        names, entries = self.fleet.project_names, project_entries(page)
        known = len(names)
        names |= {one.id: text_or_null(one.content.get("name")) or "" for one in entries.readable}
        if entries.unreadable:
            raise UnexpectedAtlasResponseError(entries.unreadable[0].problem)
        if page.has_next and len(names) == known:
            raise UnexpectedAtlasResponseError(NOTHING_NEW)
        if page.has_next:
            return self._plan([_Ask(ALL_PROJECTS, number + 1)]) + self._plan_all(names)
        for group_id in self._known_projects:
            if self._wants_all and group_id not in names:
                self.fleet.unread[group_id, "", PROJECTS] = _NOT_LISTED
        return self._plan_all([*names, *self._known_projects])

    def _plan_all(self, group_ids: Iterable[str]) -> list[_Ask]:
        """Plan the lists of these projects, if the operator did not name some."""
        return self._plan_lists(group_ids if self._wants_all else ())

    def _read_clusters(self, ask: _Ask, page: Page) -> list[_Ask]:
        group_id, _, which = ask.about
        asks, entries = [], cluster_entries(page, which)
        problems = [entry.problem for entry in entries.unreadable]
        if page.has_next:
            problems.append(MORE_CLUSTERS)
        if problems:
            self._give_up(ask, UnexpectedAtlasResponseError(problems[0]))
        for entry in entries.readable:
            cluster = read_cluster(group_id, _kind_of(which), entry.content)
            if cluster.created_at and cluster.created_at > self.wires.clock.now() + AHEAD:
                cluster = replace(cluster, created_at=None)
            self.fleet.clusters.append(cluster)
            jobs = _Ask((*cluster.key, jobs_of(cluster.kind)))
            if not is_cluster_name(cluster.name):
                self._give_up(jobs, UnexpectedAtlasResponseError(UNWATCHED))
            elif not cluster.is_free and cluster.has_backups is not False:
                asks += [jobs, _Ask((*cluster.key, _snapshots_of(cluster)))]
        return self._plan(asks)

    def _read_restores(self, cluster: ClusterKey, kind: RestoreKind, page: Page) -> None:
        entries, restores = job_entries(page, kind), []
        problems = [one.problem for one in entries.unreadable]
        for entry in entries.readable:
            target = RestoreTarget.listed(*cluster, entry.id, kind)
            try:
                restores.append(restore_listed(read_job(entry.content, target, kind)))
            except UnexpectedAtlasResponseError as error:
                problems.append(str(error))
        self.fleet.restores += restores
        began = [one.began for one in restores]
        if page.has_next and began:
            self.fleet.reach[cluster] = min(began)
        # Of one entry alone, nobody knows the order.
        is_newest_first = len(began) > 1 and began == sorted(began, reverse=True)
        if page.has_next and not is_newest_first:
            problems.append(MORE_RESTORES)
        if problems:
            raise UnexpectedAtlasResponseError(problems[0])

    def _give_up(self, ask: _Ask, error: RestoreWatchError) -> None:
        self._open.pop(ask, None)
        group_id, cluster_name, family = ask.about
        if not group_id and not self._wants_all:
            return
        if cluster_name and self._has_nothing_to_read(ask, error):
            return
        unread = self._unread(ask.about, error)
        if _is_of_snapshots(family):
            missing = Snapshot(None, unread=unread)
            self.fleet.snapshots[group_id, cluster_name, _kind_of(family)] = missing
        else:
            self.fleet.unread[ask.about] = unread

    def _has_nothing_to_read(self, ask: _Ask, error: RestoreWatchError) -> bool:
        """
        Whether Atlas's refusal is the answer about a cluster that it lists.

        It is about a cluster in both lists, which the other kind's question answers; and about one
        of whose backups its list says nothing: then it has none.
        """
        code = (isinstance(error, AtlasError) and error.error_code) or ""
        if code != _NO_BACKUPS and code not in _OF_THE_OTHER_KIND:
            return False
        group_id, cluster_name, family = ask.about
        same = [one for one in self.fleet.clusters if one.key == (group_id, cluster_name)]
        if code in _OF_THE_OTHER_KIND:
            return len({cluster.kind for cluster in same}) > 1
        if any(cluster.has_backups for cluster in same):
            return False
        if _is_of_snapshots(family):
            self.fleet.snapshots[group_id, cluster_name, _kind_of(family)] = Snapshot(None)
        return True

    def _unread(self, about: Key, error: RestoreWatchError) -> WhyUnread:
        """Return why a question has no answer, what helps, and since when that is so."""
        group_id, cluster_name, family = about
        project = self.books.projects.get(group_id)
        watched = (project and project.watched) if group_id else self.books.stack
        question = family.list_question if isinstance(family, JobFamily) else family.question
        known = watched.troubles.get(question) if watched and question else None
        trouble = Trouble.of(error, self.wires.clock.now(), of_stack=not group_id)
        fix = trouble.fix or ""
        if isinstance(error, TimeBudgetExceededError):
            fix = _ASK_AGAIN
        elif cluster_name and _is_not_found(error):
            fix = _NOT_THERE
        return WhyUnread(redact(trouble.message), fix, known.since if known else None)


def _is_not_found(error: RestoreWatchError) -> bool:
    """Whether Atlas does not know the cluster, although it knows the project."""
    if not isinstance(error, RestoreJobNotFoundError):
        return False
    return error.error_code != "GROUP_NOT_FOUND"


def _not_asked(ask: _Ask) -> RestoreWatchError:
    if ask.is_held:
        return AtlasRateLimitError(
            f"Too little was left of Atlas's rate limit for {ask.about[2].of_list}"
        )
    return TimeBudgetExceededError(_TIME_IS_OVER)


def _snapshots_of(cluster: Cluster) -> Family:
    if cluster.kind is RestoreKind.FLEX:
        return FLEX_SNAPSHOTS
    return SHARDED_SNAPSHOTS if cluster.is_sharded else DEDICATED_SNAPSHOTS


def _is_of_snapshots(family: Family) -> bool:
    return family in {FLEX_SNAPSHOTS, DEDICATED_SNAPSHOTS, SHARDED_SNAPSHOTS}


def _kind_of(family: Family) -> RestoreKind:
    return RestoreKind.FLEX if family.kind is RestoreKind.FLEX else RestoreKind.DEDICATED


def _newest_snapshot(page: Page, latest: datetime) -> Snapshot:
    """
    Return the newest completed snapshot. Flex says other words than dedicated.

    A date after `latest` is wrong. Raises UnexpectedAtlasResponseError if a completed snapshot
    has no date, because it may be the newest.
    """
    newest = Snapshot(None)
    for value in page.entries:
        entry = as_map(value)
        if value is not None and str(entry.get("status")).upper() != "COMPLETED":
            continue
        taken_at = date_or_null(entry.get("createdAt") or entry.get("finishTime"))
        if taken_at is None:
            raise UnexpectedAtlasResponseError(_NO_DATE)
        is_newer = newest.taken_at is None or taken_at >= newest.taken_at
        if is_newer and taken_at <= latest:
            is_fallback = str(entry.get("snapshotType")).casefold() == "fallback"
            newest = Snapshot(taken_at, is_fallback)
    return newest
