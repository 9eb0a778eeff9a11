"""The state of each cluster of a fleet, by the restores of the table and of Atlas. Pure."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from restore_watch.atlas.families import jobs_of
from restore_watch.model.restore_target import ClusterKey, RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.fleet.fleet import RESTORES_READ, AtlasList, Fleet
from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster, judge_cluster
from restore_watch.report.judging.policy import Policy
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.why_unread import WhyUnread

_MAY_HIDE_TEST = WhyUnread(
    f"Atlas has older restores of this cluster than the newest {RESTORES_READ}, which were read",
    "Restore the whole cluster once: a newer test decides.",
)
"""A good test may be among the older ones, so the state is not known either."""

_PERIOD_NOT_COVERED = WhyUnread(
    f"The newest {RESTORES_READ} restores of this cluster in Atlas do not reach back to the "
    "beginning of the period, and the table of this stack begins later than the period",
    "Look in Atlas whether an older restore of the period failed. A period that begins after the "
    "table does not depend on Atlas's list.",
)
"""A restore of the period may have failed. The state needs no older restore."""


def judge_fleet(
    fleet: Fleet,
    restores: Iterable[Restore],
    *,
    policy: Policy,
    at: datetime,
    must_be_listed_since: datetime | None = None,
    projects_in_table: Container[str] = (),
) -> list[JudgedCluster]:
    """
    Judge every cluster that existed at that moment.

    `must_be_listed_since`: the beginning of a period, to which Atlas's lists of restores have to go
    back. `projects_in_table`: those of which the table knows each restore of the period, so that
    the lists of their clusters need not.
    """
    by_cluster: defaultdict[ClusterKey, list[Restore]] = defaultdict(list)
    for restore in restores:
        by_cluster[restore.job.group_id, restore.job.cluster_name].append(restore)
    fleet_judged: list[JudgedCluster] = []
    for cluster, unread in _clusters(fleet, by_cluster):
        if cluster.created_at is not None and cluster.created_at >= at:
            continue
        own = by_cluster.get(cluster.key, ())
        listed_since = fleet.listed_since.get(cluster.key)
        judged = judge_cluster(cluster, own, unread, policy, at)
        why = unread
        if why is None and listed_since is not None:
            is_in_table = cluster.group_id in projects_in_table
            why = _why_list_is_too_short(
                judged,
                listed_since=listed_since,
                policy=policy,
                at=at,
                must_be_listed_since=None if is_in_table else must_be_listed_since,
            )
        if why is _MAY_HIDE_TEST:
            # NEW, OVERDUE and NEVER say that there is no such test. The state is CANNOT_TELL.
            judged = judge_cluster(cluster, own, why, policy, at)
        fleet_judged.append(replace(judged, unread=why, listed_since=listed_since))
    return fleet_judged


def _clusters(
    fleet: Fleet, by_cluster: Mapping[ClusterKey, Sequence[Restore]]
) -> Iterator[tuple[Cluster, WhyUnread | None]]:
    """
    Yield each cluster, and why its restores could not be read.

    Where a list of clusters could not be read, those that the table knows stand in.
    """
    # Atlas lists some Flex clusters among the dedicated ones too: they are Flex.
    listed: dict[ClusterKey, Cluster] = {}
    for cluster in fleet.clusters:
        other = listed.get(cluster.key)
        if other is None or other.kind is not RestoreKind.FLEX or cluster.kind is RestoreKind.FLEX:
            listed[cluster.key] = cluster
    for cluster in listed.values():
        restores = AtlasList.of_cluster(cluster.key, jobs_of(cluster.kind))
        yield cluster, fleet.unread.get(restores)
    for key, known in by_cluster.items():
        group_id, _ = key
        is_flex = known[-1].job.kind in {RestoreKind.FLEX, RestoreKind.TENANT}
        kind = RestoreKind.FLEX if is_flex else RestoreKind.DEDICATED
        unlisted = fleet.unread.get(AtlasList.of_project(group_id, jobs_of(kind).clusters))
        if key not in listed and unlisted is not None:
            yield Cluster(*key, kind, is_listed=False), unlisted


def _why_list_is_too_short(
    judged: JudgedCluster,
    *,
    listed_since: datetime,
    policy: Policy,
    at: datetime,
    must_be_listed_since: datetime | None,
) -> WhyUnread | None:
    """Return why a list of restores since then is too short; None if it is not."""
    if not judged.state.needs_test:
        return None
    knows_period = must_be_listed_since is None
    if _may_hide_test(
        judged, listed_since=listed_since, policy=policy, at=at, knows_period=knows_period
    ):
        return _MAY_HIDE_TEST
    if must_be_listed_since is not None and listed_since > must_be_listed_since:
        return _PERIOD_NOT_COVERED
    return None


def _may_hide_test(
    judged: JudgedCluster,
    *,
    listed_since: datetime,
    policy: Policy,
    at: datetime,
    knows_period: bool,
) -> bool:
    """
    Whether a good test that decides the state may lie among the restores that were not read.

    `knows_period`: whether the table knows each restore of the period.
    """
    if judged.state is ClusterState.TESTED:
        # The test that decides is known.
        return False
    if at - listed_since >= policy.window_of(judged.cluster):
        # What was not read began before the window of the cluster, so it is too old to decide.
        return False
    if judged.good is None:
        # No good test is known at all. The table does not show that there was none: even one that
        # knows the period may begin within the window, after that test.
        return True
    # A good test is known, but it is too old, or a failure came after it. A table that knows the
    # period is taken to know each newer test as well. A table that begins later may not.
    return not knows_period
