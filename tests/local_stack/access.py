"""Whom the emulated Atlas lets in: credentials, their roles, and the access list."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from werkzeug.wrappers import Request

from local_stack.behaviour import Behaviour
from local_stack.digest import DigestGuard, Verdict
from local_stack.faults import Answer
from local_stack.oauth import TokenOffice
from local_stack.refusal import Refusal, atlas_error
from local_stack.routes import Family


class Role(StrEnum):
    READ_ONLY = "Project Read Only"
    RECOVERY_OPERATOR = "Project Backup Recovery Operator"
    """What it reads beside restores is not documented: here all but the processes."""
    BACKUP_MANAGER = "Project Backup Manager"
    OWNER = "Project Owner"

    @property
    def code(self) -> str:
        """Its name in the API."""
        return self.replace("Project", "GROUP").replace(" ", "_").upper()


_NEEDED: dict[Family, set[Role]] = {
    "dedicated": {Role.RECOVERY_OPERATOR, Role.BACKUP_MANAGER, Role.OWNER},
    "processes": {Role.READ_ONLY, Role.BACKUP_MANAGER, Role.OWNER},
    "collection": {Role.RECOVERY_OPERATOR, Role.BACKUP_MANAGER, Role.OWNER},
}
"""
The roles that may read an endpoint, if not every role may.

The specification names Project Backup Manager alone, the page about restores these three.
"""


class Access:
    """Both authentications, and what the credentials may read."""

    def __init__(self, behaviour: Behaviour, clock: Callable[[], datetime]) -> None:
        self.digest = DigestGuard(behaviour, clock)
        self.oauth = TokenOffice(behaviour, clock)
        self.roles: dict[str, frozenset[Role]] = {}
        """Of each client id and public key."""
        self.locked_out: dict[tuple[str, Family | None], Answer] = {}
        """The answer to everything in a project, or to one family of its endpoints."""
        self._behaviour = behaviour

    def clear(self) -> None:
        """Start the token limits anew, end lockouts and give every credential its roles back."""
        self.locked_out.clear()
        self.oauth.start_limits_anew()
        self.roles = dict.fromkeys(self.roles, frozenset({Role.BACKUP_MANAGER}))

    def remove(self, name: str) -> None:
        self.oauth.accounts.remove(name)
        self.oauth.expire_tokens(name)
        self.digest.keys.pop(name, None)

    def admit(self, request: Request, family: Family, group_id: str) -> str:
        """
        Return the client id or public key that asks.

        Raise Refusal if it, or the address, may not read this in this project.
        """
        name = self._authenticated(request)
        address = self._behaviour.refused_address
        if address is not None:
            detail = f"Requests from {address} are not let in."
            raise Refusal(atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", detail, [address]))
        for key in ((group_id, None), (group_id, family)):
            if key in self.locked_out:
                raise Refusal(self.locked_out[key])
        if not self.roles[name] & _NEEDED.get(family, set(Role)):
            detail = "This credential has no role that allows it."
            raise Refusal(atlas_error(401, "USER_UNAUTHORIZED", detail))
        return name

    def is_api_key(self, name: str) -> bool:
        return name in self.digest.keys

    def _authenticated(self, request: Request) -> str:
        """Return the public key or client id of a request. A refused token gets no challenge."""
        given = request.authorization
        if given and given.type == "bearer":
            holder = self.oauth.holder(given.token or "")
            if holder is None:
                raise Refusal(self._unauthorized({}))
            return holder
        verdict = Verdict.REFUSED
        if given and given.type == "digest":
            uri = str(request.environ["RAW_URI"])
            verdict = self.digest.verdict(given, request.method, uri)
            if verdict is Verdict.ACCEPTED:
                return given.get("username") or ""
        challenge = self.digest.challenge(stale=verdict is Verdict.STALE)
        raise Refusal(self._unauthorized({"Www-Authenticate": challenge}))

    def _unauthorized(self, headers: dict[str, str]) -> Answer:
        """Return a 401; a challenge and a refusal have the same body."""
        body: dict[str, Any] = {"error": 401, "reason": "Unauthorized", "detail": "Who is asking?"}
        match self._behaviour.challenge_body:
            case "empty":
                return Answer(401, headers)
            case "uncoded":
                return Answer.json(401, body, headers)
            case "coded":
                coded = {**body, "errorCode": "UNEXPECTED_ERROR"}
                return Answer.json(401, coded, {"Vary": "Accept-Encoding", **headers})
            case other:
                assert_never(other)
