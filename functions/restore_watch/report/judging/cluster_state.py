"""The state of a cluster: has a restore shown lately that its backups can be restored? Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from restore_watch.report.cluster import Cluster
from restore_watch.report.judging.policy import Policy
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.why_unread import WhyUnread


class ClusterState(StrEnum):
    """The states, in the order in which a report shows them: the bad ones come first."""

    FAILED = "failed"
    OVERDUE = "overdue"
    NEVER = "never"
    CANNOT_TELL = "cannot tell"
    NEW = "new"
    TESTED = "tested"
    EXEMPT = "exempt"
    NOT_REQUIRED = "not required"

    @property
    def is_bad(self) -> bool:
        """Whether a cluster in this state needs a look for the state alone."""
        return self in {
            ClusterState.FAILED,
            ClusterState.OVERDUE,
            ClusterState.NEVER,
            ClusterState.CANNOT_TELL,
        }

    @property
    def needs_test(self) -> bool:
        """Whether the cluster is one of those that need a test."""
        return self not in {ClusterState.EXEMPT, ClusterState.NOT_REQUIRED}


@dataclass(frozen=True)
class JudgedCluster:
    """
    A cluster and its state, with its own restores as they stood then, the oldest first.

    `good`: the last good test. `failed`: the test that failed last, if no good test came after it.
    `differs`: the last good test or a later restore, if its data differ from their source.
    `unread`: why its restores could not be read, or not all. `listed_since`: when the oldest
    restore began that was read of a list that goes on.
    """

    cluster: Cluster
    state: ClusterState
    restores: tuple[Restore, ...]
    good: Restore | None
    failed: Restore | None
    differs: Restore | None = None
    unread: WhyUnread | None = None
    listed_since: datetime | None = None

    @property
    def decides(self) -> Restore | None:
        """
        The restore that the state rests on: the one that failed, or else the last good test.

        Without a need for a test, the state rests on no restore.
        """
        return (self.failed or self.good) if self.state.needs_test else None

    @property
    def last_attempt(self) -> Restore | None:
        """The newest restore of the whole cluster into a cluster, however it ended."""
        attempts = [restore for restore in self.restores if restore.is_whole]
        return max(attempts, key=lambda each: each.attempted_at, default=None)

    def days(self, at: datetime) -> int | None:
        """Whole days since the last good test."""
        return None if self.good is None else (at - self.good.ended_at).days


def judge_cluster(
    cluster: Cluster,
    restores: Iterable[Restore],
    unread: WhyUnread | None,
    policy: Policy,
    at: datetime,
) -> JudgedCluster:
    """
    Return the state of the cluster at that moment, by these restores of its name.

    A restore that was scheduled before the cluster was made is of an older cluster of its name.
    What happened to a restore at that moment or later does not count.
    """
    made, window = cluster.created_at, policy.window_of(cluster)
    own = [
        restore.as_of(at)
        for restore in restores
        if restore.began < at and cluster.existed_at(restore.began)
    ]
    good = newest_ended(restore for restore in own if policy.is_good(restore))
    failed = failure_after(good, own)
    differs = _difference_since(good, own)
    is_required = policy.requires_test_of(cluster)
    # The first that is so.
    rules = (
        (ClusterState.EXEMPT, cluster.by_tags.exemption is not None),
        (ClusterState.NOT_REQUIRED, not is_required or cluster.is_free or cluster.is_internal),
        (ClusterState.FAILED, failed is not None),
        (ClusterState.TESTED, good is not None and at - good.ended_at <= window),
        (ClusterState.CANNOT_TELL, unread is not None),
        (ClusterState.NEW, good is None and made is not None and at - made < window),
        (ClusterState.OVERDUE, good is not None),
        (ClusterState.NEVER, True),
    )
    state = next(state for state, is_so in rules if is_so)
    return JudgedCluster(cluster, state, tuple(own), good, failed, differs, unread)


def newest_ended(restores: Iterable[Restore]) -> Restore | None:
    """Return the restore that ended last."""
    return max(restores, key=lambda restore: restore.ended_at, default=None)


def _difference_since(good: Restore | None, restores: Iterable[Restore]) -> Restore | None:
    """Return the last restore of all data that differ, unless a good test came after it."""
    differing = newest_ended(one for one in restores if one.is_whole and one.differs)
    if differing is None or good is None or differing is good:
        return differing
    return differing if differing.ended_at > good.ended_at else None


def failure_after(good: Restore | None, restores: Iterable[Restore]) -> Restore | None:
    """Return the restore that failed last as a test, if that was after the last good test."""
    newest: Restore | None = None
    newest_at = good.ended_at if good is not None else None
    for restore in restores:
        failed_at = restore.failed_at
        if failed_at is not None and (newest_at is None or failed_at > newest_at):
            newest, newest_at = restore, failed_at
    return newest
