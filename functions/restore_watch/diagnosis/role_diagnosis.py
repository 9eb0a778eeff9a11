"""Which roles the credentials lack, and which they do not need. Pure."""

from collections.abc import Collection, Mapping
from typing import Protocol

from restore_watch.atlas.families import Family
from restore_watch.atlas.own_account import AccountAnswer, OwnAccount
from restore_watch.atlas.roles import ROLES_FOR_DEDICATED, ROLES_NEEDED
from restore_watch.diagnosis.line import Line, good, unsure


class SeenOfDedicated(Protocol):
    """What was seen of a project's dedicated clusters: `ProjectLook`, which imports this file."""

    @property
    def is_refused_dedicated_jobs(self) -> bool:
        """Whether Atlas refuses their restore jobs for want of a role."""

    @property
    def is_without_dedicated(self) -> bool:
        """Whether their list was read, and is empty."""


def fix_of_missing_role(family: Family) -> str:
    """Return the advice if Atlas refuses the questions of a family for want of a role."""
    return f"In Atlas, give the service account or API key {family.role}"


def lines_about_roles(
    roles: Collection[str] | None,
    answers: Mapping[str, AccountAnswer],
    looks: Mapping[str, SeenOfDedicated],
    *,
    are_all: bool,
) -> list[Line]:
    """
    Compare the roles of the credentials with what is needed in the projects that were looked at.

    `roles`: each as "NAME" or "NAME in <id>". None for a service account, whose roles are known in
    each project that shows them: if no project does, there is no line. `are_all`: no other project
    needs a role.
    """
    if roles is None:
        shown = _roles_shown(answers)
        if not shown:
            return []
        roles = [f"{role} in {group_id}" for group_id in shown for role in shown[group_id]]
        are_all = are_all and shown.keys() >= looks.keys()
        looks = {group_id: look for group_id, look in looks.items() if group_id in shown}
    held = ", ".join(sorted(set(roles))) or "none"
    fix = _fix_of_roles(roles, looks, are_all=are_all)
    return [good("roles", held) if fix is None else unsure("roles", held, fix)]


def _roles_shown(answers: Mapping[str, AccountAnswer]) -> dict[str, Collection[str]]:
    """Return the roles of a service account in each project that shows them."""
    shown: dict[str, Collection[str]] = {}
    for group_id, answer in answers.items():
        if isinstance(answer, OwnAccount) and answer.roles is not None:
            shown[group_id] = answer.roles
    return shown


def _fix_of_roles(
    roles: Collection[str], looks: Mapping[str, SeenOfDedicated], *, are_all: bool
) -> str | None:
    """Return what to change about the roles; None if nothing is to be changed."""
    names = {role.partition(" in ")[0] for role in roles}
    surplus = sorted(names - ROLES_NEEDED)
    if surplus:
        return f"In Atlas, take away {' and '.join(surplus)}: the watch only reads"
    for group_id in sorted(looks):
        if looks[group_id].is_refused_dedicated_jobs:
            for name, words in ROLES_FOR_DEDICATED.items():
                if f"{name} in {group_id}" not in roles:
                    return f"For restore jobs of dedicated clusters, add {words} in {group_id}"
    has_no_dedicated = bool(looks) and all(look.is_without_dedicated for look in looks.values())
    if are_all and has_no_dedicated:
        for name, words in ROLES_FOR_DEDICATED.items():
            if name in names:
                return (
                    f"Without dedicated clusters, Project Read Only is enough. {words} may restore "
                    "over a cluster"
                )
    return None
