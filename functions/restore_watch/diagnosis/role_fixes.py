"""Advice about the roles of the credentials. Pure."""

from collections.abc import Collection

from restore_watch.atlas.families import Family
from restore_watch.atlas.roles import ROLES_FOR_DEDICATED, ROLES_NEEDED


def fix_of_missing_role(family: Family) -> str:
    """Return the advice if Atlas refuses the questions of a family for want of a role."""
    return f"In Atlas, give the service account or API key {family.role}"


def fix_of_roles(
    roles: Collection[str], *, refused_dedicated: Collection[str], has_no_dedicated: bool
) -> str | None:
    """
    Return what to change about the roles that the credentials have; None if nothing.

    `roles`: each as "NAME" or "NAME in <id>". `refused_dedicated`: the projects in which Atlas
    refuses the restore jobs of dedicated clusters. `has_no_dedicated`: no project has such a
    cluster.
    """
    names = {role.partition(" in ")[0] for role in roles}
    surplus = sorted(names - ROLES_NEEDED)
    if surplus:
        return f"In Atlas, take away {' and '.join(surplus)}: the watch only reads"
    for group_id in sorted(refused_dedicated):
        for name, words in ROLES_FOR_DEDICATED.items():
            if f"{name} in {group_id}" not in roles:
                return f"For restore jobs of dedicated clusters, add {words} in {group_id}"
    if has_no_dedicated:
        for name, words in ROLES_FOR_DEDICATED.items():
            if name in names:
                return (
                    f"Without dedicated clusters, Project Read Only is enough. {words} may restore "
                    "over a cluster"
                )
    return None
