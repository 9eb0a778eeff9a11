"""
Asks Atlas for the caller's own address and roles. Only a diagnosis does.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/operation/operation-getsystemstatus
"""

from dataclasses import dataclass
from datetime import datetime

from foundation.deadline import Deadline
from foundation.json_text import as_map, read_object
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import API_STATUS
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.refusals import read_ip_address
from restore_watch.atlas.session import AtlasSession, Get
from restore_watch.redaction import redact


@dataclass(frozen=True)
class OwnAddressAndRoles:
    """
    Who asks, as Atlas sees it.

    `address` is None if Atlas does not say it. `roles` has each role as "NAME" or "NAME in <id>";
    it is None for a service account, whose roles each project shows. `date` is when Atlas
    answered, by its own clock.
    """

    address: str | None
    roles: tuple[str, ...] | None
    date: datetime | None


def read_own_address_and_roles(session: AtlasSession, deadline: Deadline) -> OwnAddressAndRoles:
    """Return who asks, as Atlas sees it. If Atlas answers, it accepts the credentials."""
    get = Get(API_STATUS.path_of(), None, Bucket(None, API_STATUS), _read)
    return session.ask(get, deadline)


def _read(answer: Answer) -> OwnAddressAndRoles:
    """A field of an unknown form counts as a field that Atlas left out."""
    said = read_object(answer.body) or {}
    roles = as_map(said.get("apiKey")).get("roles")
    return OwnAddressAndRoles(
        address=read_ip_address(said.get("ipAddress")),
        roles=tuple(filter(None, map(_role, roles))) if isinstance(roles, list) else None,
        date=answer.date,
    )


def _role(entry: object) -> str | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("roleName"), str):
        return None
    where = entry.get("groupId") or entry.get("orgId")
    name = redact(entry["roleName"])
    return f"{name} in {redact(where)}" if isinstance(where, str) else name
