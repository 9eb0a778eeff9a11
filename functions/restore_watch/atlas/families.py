"""Families of Atlas's endpoints: each is read with one role and has one rate limit in a project."""

from enum import StrEnum

from restore_watch.restore_job import RestoreKind


class AtlasList(StrEnum):
    """The lists by which restore jobs are found. The values are their names in messages."""

    PROJECTS = "projects"
    EVENTS = "events"
    FLEX_CLUSTERS = "Flex clusters"
    CLUSTERS = "dedicated clusters"


type Family = RestoreKind | AtlasList
"""The restore jobs of a kind, or a list."""

ROLES: dict[Family, str] = {
    AtlasList.PROJECTS: "Organization Member",
    AtlasList.EVENTS: "Project Read Only",
    AtlasList.FLEX_CLUSTERS: "Project Read Only",
    AtlasList.CLUSTERS: "Project Read Only",
    RestoreKind.FLEX: "Project Read Only",
    RestoreKind.TENANT: "Project Read Only",
    RestoreKind.DEDICATED: "Project Backup Manager",
    RestoreKind.COLLECTION: "Project Backup Manager",
}
"""The least role that may read each, from the specification's x-rolesRequirements."""

CLUSTER_LISTS = {
    RestoreKind.FLEX: AtlasList.FLEX_CLUSTERS,
    RestoreKind.DEDICATED: AtlasList.CLUSTERS,
    RestoreKind.COLLECTION: AtlasList.CLUSTERS,
}
"""Which list shows the clusters whose restore jobs are of a kind."""


def named(family: Family) -> str:
    """What is asked for, in a message."""
    if isinstance(family, AtlasList):
        return f"the list of {family}"
    return f"a {family} restore job"
