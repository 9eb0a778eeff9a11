"""The operator's policy on restore tests. Pure."""

from datetime import timedelta
from typing import NamedTuple

from restore_watch.report.cluster import Cluster
from restore_watch.report.restores.what_a_restore_proves import Restore, Rung


class Policy(NamedTuple):
    """
    The operator's choices: what counts as a good test, for how long, and for which clusters.

    With a `required_tag`, a key and a value, only the clusters that have it need a test. The tags
    of a cluster may name a window of its own.
    """

    counts: Rung = Rung.RESTORED
    window: timedelta = timedelta(days=90)
    required_tag: tuple[str, str] | None = None

    @property
    def measurements_count(self) -> bool:
        """Whether a measurement makes a restore a test: then a difference needs a look."""
        return self.counts is Rung.MEASURED

    def is_good(self, restore: Restore) -> bool:
        """Whether the restore is a good test."""
        rung = restore.rung
        return rung is not None and rung.reaches(self.counts)

    def requires_test_of(self, cluster: Cluster) -> bool:
        """
        Whether a cluster needs a test by its tags.

        A cluster whose tags nobody knows does: the tag is listed more than once, or Atlas's list
        could not be read.
        """
        if self.required_tag is None or not cluster.is_listed:
            return True
        key, _ = self.required_tag
        return key in cluster.repeated_tags or self.required_tag in cluster.tags.items()

    def window_of(self, cluster: Cluster) -> timedelta:
        """For how long a good test of the cluster counts."""
        return cluster.by_tags.window or self.window
