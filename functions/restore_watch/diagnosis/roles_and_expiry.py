"""When the credentials expire, and whether their roles are the roles that the watch needs. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from foundation.clock import utc_text
from foundation.errors import ApplicationError
from restore_watch.atlas.credentials import ApiKey, Credentials
from restore_watch.atlas.own_account import OwnAccount
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.diagnosis.project_look import ProjectLook
from restore_watch.model.fixes_of_errors import UNCERTAIN, fix_of_expiry

OF_DEDICATED = {
    "GROUP_BACKUP_RECOVERY_OPERATOR": "Project Backup Recovery Operator",
    "GROUP_BACKUP_MANAGER": "Project Backup Manager",
}
"""
The roles that may be needed for dedicated clusters, and what people call them.

The first may do less.
"""

ENOUGH = {"ORG_MEMBER", "ORG_READ_ONLY", "GROUP_READ_ONLY", *OF_DEDICATED}
"""The roles that the watch may need. Any other may do more."""

LATE = timedelta(days=7)
"""Less time left than this is wrong. The alarm has the same threshold."""

_NO_PROJECT = (
    "no project to ask in is known: neither a watched one nor one with an open restore job"
)

type AccountAnswer = OwnAccount | ApplicationError | None
"""What a project says about the service account; None for a client id of an unknown form."""


def line_about_expiry(
    credentials: Credentials, answers: Sequence[AccountAnswer], now: datetime
) -> Line:
    """Return when the credentials expire, by the first project that says it."""
    check = "credentials expire"
    if isinstance(credentials, ApiKey):
        return unsure(check, "an API key has no date")
    for answer in answers:
        if isinstance(answer, OwnAccount):
            return _expiry_of(check, answer, now)
    fix = "In Atlas, the page of the service account shows when its secrets expire"
    return unsure(check, f"cannot be told: {_why_unknown(answers)}", fix)


def _expiry_of(check: str, account: OwnAccount, now: datetime) -> Line:
    secret = account.secret
    found = f"at {utc_text(secret.expires_at)}, days left: {secret.days_left(now)}"
    if not secret.is_certain:
        found += f"; {UNCERTAIN}"
    if secret.expires_at - now < LATE:
        return bad(check, found, fix_of_expiry(secret, now))
    return good(check, found)


def _why_unknown(answers: Sequence[AccountAnswer]) -> str:
    """Return the first error of the answers, none of which shows the account."""
    if not answers:
        return _NO_PROJECT
    for answer in answers:
        if answer is not None:
            return str(answer)
    return "the client id has an unknown form"


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
    held = ", ".join(sorted(set(roles))) or "none"
    fix = _fix(roles, looks, are_all=are_all)
    return [good("roles", held) if fix is None else unsure("roles", held, fix)]


def _roles_shown(answers: Mapping[str, AccountAnswer]) -> dict[str, Collection[str]]:
    """Return the roles of a service account in each project that shows them."""
    shown: dict[str, Collection[str]] = {}
    for group_id, answer in answers.items():
        if isinstance(answer, OwnAccount) and answer.roles is not None:
            shown[group_id] = answer.roles
    return shown


def _fix(roles: Collection[str], looks: Mapping[str, ProjectLook], *, are_all: bool) -> str | None:
    """Return what to change about the roles; None if nothing is to be changed."""
    names = {role.partition(" in ")[0] for role in roles}
    surplus = sorted(names - ENOUGH)
    if surplus:
        return f"In Atlas, take away {' and '.join(surplus)}: the watch only reads"
    for group_id in sorted(looks):
        if looks[group_id].is_refused_dedicated_jobs:
            for name, words in OF_DEDICATED.items():
                if f"{name} in {group_id}" not in roles:
                    return f"For restore jobs of dedicated clusters, add {words} in {group_id}"
    has_no_dedicated = bool(looks) and all(look.is_without_dedicated for look in looks.values())
    if are_all and has_no_dedicated:
        for name, words in OF_DEDICATED.items():
            if name in names:
                return (
                    f"Without dedicated clusters, Project Read Only is enough. {words} may restore "
                    "over a cluster"
                )
    return None
