"""The state of each cluster of a fleet, by the restores of the table and of Atlas. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from restore_watch.atlas.families import jobs_of
from restore_watch.model.restore_job import RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.cluster_state import Judged, Policy, Unread, judge
from restore_watch.report.fleet.fleet import Fleet
from restore_watch.report.what_a_restore_proves import Restore

_OLDER = Unread(
    "Atlas has older restores of this cluster than the newest 100, which were read",
    "Restore the whole cluster once: a newer test decides.",
)


def judge_fleet(
    fleet: Fleet,
    restores: Sequence[Restore],
    policy: Policy,
    at: datetime,
    since: datetime | None = None,
) -> list[Judged]:
    """
    Judge every cluster that existed at that moment.

    Where a list of clusters could not be read, those that the table knows stand in. `since`: from
    when on each restore has to be known of Atlas; None if the table knows them.
    """
    own: defaultdict[tuple[str, str], list[Restore]] = defaultdict(list)
    for restore in restores:
        own[restore.job.group_id, restore.job.cluster_name].append(restore)
    # Atlas lists some Flex clusters among the dedicated ones too.
    by_kind = sorted(fleet.clusters, key=lambda cluster: cluster.kind is RestoreKind.FLEX)
    clusters = {cluster.key: cluster for cluster in by_kind}
    for key, known in own.items():
        is_flex = known[-1].job.kind in {RestoreKind.FLEX, RestoreKind.TENANT}
        kind = RestoreKind.FLEX if is_flex else RestoreKind.DEDICATED
        unlisted = fleet.unread.get((key[0], "", jobs_of(kind).clusters))
        if key not in clusters and unlisted:
            clusters[key] = Cluster(*key, kind)
            fleet.unread[*key, jobs_of(kind)] = unlisted
    return [
        _judge(fleet, cluster, own[key], policy, at, since)
        for key, cluster in clusters.items()
        if cluster.created_at is None or cluster.created_at < at
    ]


def _judge(
    fleet: Fleet,
    cluster: Cluster,
    own: Sequence[Restore],
    policy: Policy,
    at: datetime,
    since: datetime | None,
) -> Judged:
    unread = fleet.unread.get((*cluster.key, jobs_of(cluster.kind)))
    judged = judge(cluster, own, unread, policy, at)
    reach = fleet.reach.get(cluster.key)
    if reach is None or unread is not None or not judged.state.needs_test:
        return replace(judged, reach=reach)
    # Among those that were not read, a good test may lie, or a failure of the period.
    may_hide_test = judged.good is None and at - reach < policy.window
    may_hide_failure = since is not None and reach > since
    if may_hide_test or may_hide_failure:
        judged = judge(cluster, own, _OLDER, policy, at)
    return replace(judged, reach=reach)
