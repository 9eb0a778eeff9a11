"""The state of each cluster of a fleet, by the restores of the table and of Atlas. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from restore_watch.atlas.families import jobs_of
from restore_watch.model.restore_job import RestoreKind
from restore_watch.report.cluster import Cluster, ClusterKey
from restore_watch.report.fleet.fleet import Fleet, Key
from restore_watch.report.judging.cluster_state import Judged, Policy, State, judge
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.why_unread import WhyUnread

_OLDER = WhyUnread(
    "Atlas has older restores of this cluster than the newest 100, which were read",
    "Restore the whole cluster once: a newer test decides.",
)

_PERIOD_NOT_COVERED = WhyUnread(
    "The newest 100 restores of this cluster in Atlas do not reach back to the beginning of the "
    "period, and the table of this stack begins later than the period",
    "Look in Atlas whether an older restore of the period failed. A period that begins after the "
    "table does not depend on Atlas's list.",
)


def judge_fleet(
    fleet: Fleet,
    restores: Iterable[Restore],
    policy: Policy,
    at: datetime,
    since: datetime | None = None,
) -> list[Judged]:
    """
    Judge every cluster that existed at that moment.

    `since`: from when on each restore has to be known of Atlas; None if the table knows them.
    """
    by_cluster: defaultdict[ClusterKey, list[Restore]] = defaultdict(list)
    for restore in restores:
        by_cluster[restore.job.group_id, restore.job.cluster_name].append(restore)
    fleet_judged: list[Judged] = []
    for cluster, unread in _clusters(fleet, by_cluster):
        if cluster.created_at is not None and cluster.created_at >= at:
            continue
        own, reach = by_cluster.get(cluster.key, ()), fleet.reach.get(cluster.key)
        judged = judge(cluster, own, unread, policy, at)
        if reach is not None and judged.unread is None and judged.state.needs_test:
            if _may_hide_test(judged, reach, policy, at, since):
                judged = judge(cluster, own, _OLDER, policy, at)
            elif since is not None and reach > since:
                # A restore of the period may have failed. The state needs no older restore.
                judged = replace(judged, unread=_PERIOD_NOT_COVERED)
        fleet_judged.append(replace(judged, reach=reach))
    return fleet_judged


def _clusters(
    fleet: Fleet, by_cluster: Mapping[ClusterKey, Sequence[Restore]]
) -> Iterator[tuple[Cluster, WhyUnread | None]]:
    """
    Yield each cluster, and why its restores could not be read.

    Where a list of clusters could not be read, those that the table knows stand in.
    """
    # Atlas lists some Flex clusters among the dedicated ones too: they are Flex.
    by_kind = sorted(fleet.clusters, key=lambda cluster: cluster.kind is RestoreKind.FLEX)
    listed = {cluster.key: cluster for cluster in by_kind}
    for cluster in listed.values():
        yield cluster, fleet.unread.get(Key(*cluster.key, jobs_of(cluster.kind)))
    for key, known in by_cluster.items():
        group_id, _ = key
        is_flex = known[-1].job.kind in {RestoreKind.FLEX, RestoreKind.TENANT}
        kind = RestoreKind.FLEX if is_flex else RestoreKind.DEDICATED
        unlisted = fleet.unread.get(Key(group_id, "", jobs_of(kind).clusters))
        if key not in listed and unlisted is not None:
            yield Cluster(*key, kind), unlisted


def _may_hide_test(
    judged: Judged, reach: datetime, policy: Policy, at: datetime, since: datetime | None
) -> bool:
    """Whether a good test that decides the state may lie among the restores that were not read."""
    if judged.state is State.TESTED or at - reach >= policy.window_of(judged.cluster):
        return False
    return judged.good is None or since is not None
