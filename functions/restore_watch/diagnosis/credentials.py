"""Diagnoses when the credentials expire, and whether they may do what is needed. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from restore_watch.atlas.credentials import ApiKey, Credentials
from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.service_account import OwnAccount
from restore_watch.diagnosis.atlas import Look
from restore_watch.diagnosis.line import Line
from restore_watch.errors import RestoreWatchError
from restore_watch.model.fixes import fix_of_expiry
from restore_watch.model.status_change import utc_text

ENOUGH = {"ORG_MEMBER", "ORG_READ_ONLY", "GROUP_READ_ONLY", "GROUP_BACKUP_MANAGER"}
"""The roles that the watch needs, the last for dedicated clusters. Any other may do more."""

LATE = timedelta(days=7)
"""Less time left than this is wrong. The alarm has the same threshold."""

_OF_DEDICATED = {"GROUP_BACKUP_MANAGER", "GROUP_OWNER"}

_LOOK_IT_UP = "In Atlas, the page of the service account shows when its secrets expire"

_NO_PROJECT = (
    "no project to ask in is known: neither a watched one nor one with an open restore job"
)

type Seen = OwnAccount | RestoreWatchError | None


def expiry(credentials: Credentials, seen: Sequence[Seen], now: datetime) -> Line:
    """Look when the credentials expire, as the first project says it that does."""
    check = "credentials expire"
    if isinstance(credentials, ApiKey):
        return Line(check, ok=None, found="an API key has no date")
    known = next((one for one in seen if isinstance(one, OwnAccount)), None)
    if known is None:
        reasons = (str(one) for one in seen if one is not None)
        found = next(reasons, "the client id has an unknown form" if seen else _NO_PROJECT)
        return Line(check, ok=None, found=f"cannot be told: {found}", fix=_LOOK_IT_UP)
    secret = known.secret
    days = secret.days_left(now)
    found = f"at {utc_text(secret.expires_at)}, days left: {days}"
    if not secret.is_certain:
        found += (
            "; Atlas does not show which secret the stack uses: this is the earliest known date"
        )
    if secret.expires_at - now < LATE:
        return Line(check, ok=False, found=found, fix=fix_of_expiry(secret, now))
    return Line(check, ok=True, found=found)


def roles_of_account(seen: Mapping[str, Seen]) -> dict[str, list[str]]:
    """The roles of the service account, as "NAME in <id>", in each project that shows them."""
    return {
        group_id: [f"{role} in {group_id}" for role in one.roles]
        for group_id, one in seen.items()
        if isinstance(one, OwnAccount) and one.roles is not None
    }


def held_roles(roles: Collection[str], looks: Mapping[str, Look], *, are_all: bool) -> Line:
    """
    Compare the roles of the credentials, in projects where they are known, with what is needed.

    `are_all` is true if these are all the projects in which they may be needed.
    """
    names = {role.partition(" ")[0] for role in roles}
    told = ", ".join(sorted(set(roles))) or "none"
    surplus = sorted(names - ENOUGH)
    if surplus:
        fix = f"In Atlas, take away {' and '.join(surplus)}: the watch only reads"
        return Line("roles", ok=None, found=told, fix=fix)
    of_projects = {role.partition(" in ")[2] for role in roles if role.split()[0] in _OF_DEDICATED}
    lacking = sorted(
        group_id
        for group_id, look in looks.items()
        if look.clusters.get(AtlasList.CLUSTERS) and group_id not in of_projects
    )
    if lacking:
        # A project whose jobs Atlas refuses for it has a line that is wrong.
        fix = f"Restore jobs of dedicated clusters need Project Backup Manager in {lacking[0]}"
        return Line("roles", ok=None, found=told, fix=fix)
    none_is_dedicated = all(look.clusters.get(AtlasList.CLUSTERS) == [] for look in looks.values())
    if "GROUP_BACKUP_MANAGER" in names and are_all and looks and none_is_dedicated:
        fix = (
            "Without dedicated clusters, Project Read Only is enough. Project Backup Manager may "
            "restore over a cluster"
        )
        return Line("roles", ok=None, found=told, fix=fix)
    return Line("roles", ok=True, found=told)
