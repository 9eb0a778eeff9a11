"""A question of a report to Atlas."""

from dataclasses import dataclass

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import Subject
from restore_watch.asking.list_pages import NOTHING_YET, ListPages
from restore_watch.asking.pace import Permission
from restore_watch.atlas.families import (
    DEDICATED_SNAPSHOTS,
    FLEX_SNAPSHOTS,
    PROJECTS,
    SHARDED_SNAPSHOTS,
    JobFamily,
)
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import AtlasRateLimitError, AtlasUnavailableError
from restore_watch.model.restore_target import RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.fleet.fleet import AtlasList
from restore_watch.threads.agenda import Task

ALL_PROJECTS = AtlasList("", "", PROJECTS)

_PROJECT_IS_SILENT = "Atlas did not answer other questions about this project"

_TIME_IS_OVER = "The time of the report was over before this could be asked"

_SNAPSHOTS = {FLEX_SNAPSHOTS, DEDICATED_SNAPSHOTS, SHARDED_SNAPSHOTS}


@dataclass(eq=False)
class FleetQuestion(Task):
    """
    A question for a list of Atlas, after the `pages` of it that were read.

    `error`: how the last try to ask it failed. `permission`: what the pace said at its last turn.
    Both are None if there was none.
    """

    atlas_list: AtlasList
    pages: ListPages = NOTHING_YET
    error: ApplicationError | None = None
    permission: Permission | None = None

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is taken from."""
        return Bucket(self.atlas_list.group_id or None, self.atlas_list.family)

    @property
    def subject(self) -> Subject:
        """What the record of the question says that it was about."""
        family = self.atlas_list.family
        question = family.list_question if isinstance(family, JobFamily) else family.question
        return Subject(self.bucket, question, self.atlas_list.cluster_name)

    @property
    def is_of_snapshots(self) -> bool:
        """Whether it asks for the snapshots of a cluster."""
        return self.atlas_list.family in _SNAPSHOTS

    @property
    def kind_of_cluster(self) -> RestoreKind:
        """The kind of the clusters that it is about."""
        is_flex = self.atlas_list.family.kind is RestoreKind.FLEX
        return RestoreKind.FLEX if is_flex else RestoreKind.DEDICATED

    @property
    def failure(self) -> ApplicationError:
        """Why it has no answer in the end."""
        if self.error is not None:
            return self.error
        if self.permission is Permission.RESERVED:
            of_list = self.atlas_list.family.of_list
            return AtlasRateLimitError(f"Too little was left of Atlas's rate limit for {of_list}")
        if self.permission is Permission.SILENT:
            return AtlasUnavailableError(_PROJECT_IS_SILENT)
        return TimeBudgetExceededError(_TIME_IS_OVER)


def snapshots_of(cluster: Cluster) -> FleetQuestion:
    """Return the question for the snapshots of a cluster."""
    family = DEDICATED_SNAPSHOTS
    if cluster.kind is RestoreKind.FLEX:
        family = FLEX_SNAPSHOTS
    elif cluster.is_sharded:
        family = SHARDED_SNAPSHOTS
    return FleetQuestion(AtlasList.of_cluster(cluster.key, family))
