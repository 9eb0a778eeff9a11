"""Whether the roles of the credentials are the roles that the watch needs. Pure."""

from collections.abc import Collection, Mapping

from restore_watch.atlas.own_account import AccountAnswer, OwnAccount
from restore_watch.diagnosis.line import Line, good, unsure
from restore_watch.diagnosis.project_look import ProjectLook
from restore_watch.diagnosis.role_fixes import fix_of_roles


def lines_about_roles(
    roles: Collection[str] | None,
    answers: Mapping[str, AccountAnswer],
    looks: Mapping[str, ProjectLook],
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
    refused = [group_id for group_id, look in looks.items() if look.is_refused_dedicated_jobs]
    have_none = bool(looks) and all(look.is_without_dedicated for look in looks.values())
    fix = fix_of_roles(roles, refused_dedicated=refused, has_no_dedicated=are_all and have_none)
    held = ", ".join(sorted(set(roles))) or "none"
    return [good("roles", held) if fix is None else unsure("roles", held, fix)]


def _roles_shown(answers: Mapping[str, AccountAnswer]) -> dict[str, Collection[str]]:
    """Return the roles of a service account in each project that shows them."""
    shown: dict[str, Collection[str]] = {}
    for group_id, answer in answers.items():
        if isinstance(answer, OwnAccount) and answer.roles is not None:
            shown[group_id] = answer.roles
    return shown
