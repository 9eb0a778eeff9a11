"""HTTP digest authentication as Atlas does it: MD5, qop auth, one form of header."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from werkzeug.datastructures import Authorization, WWWAuthenticate

from local_stack.behaviour import Behaviour

REALM = "MMS Public API"


class Verdict(Enum):
    ACCEPTED = "accepted"
    STALE = "stale"
    REFUSED = "refused"


@dataclass
class _Nonce:
    ends: datetime
    count: int = 0


class DigestGuard:
    """Sends challenges and checks the answers: response, rising count, lifetime of the nonce."""

    def __init__(self, behaviour: Behaviour, clock: Callable[[], datetime]) -> None:
        self.keys: dict[str, str] = {}
        self._behaviour = behaviour
        self._clock = clock
        self._nonces: dict[str, _Nonce] = {}

    def challenge(self, *, stale: bool) -> str:
        nonce = secrets.token_urlsafe(24)
        lifetime = timedelta(seconds=self._behaviour.nonce_seconds)
        self._nonces[nonce] = _Nonce(ends=self._clock() + lifetime)
        parameters: dict[str, str | None] = {
            "realm": REALM,
            "domain": "",
            "nonce": nonce,
            "algorithm": "MD5",
            "qop": "auth",
            "stale": str(stale).lower(),
        }
        if self._behaviour.opaque is not None:
            parameters["opaque"] = self._behaviour.opaque
        return WWWAuthenticate("digest", parameters).to_header()

    def expire_nonces(self) -> None:
        for nonce in self._nonces.values():
            nonce.ends = self._clock()

    def verdict(self, given: Authorization, method: str, uri: str) -> Verdict:
        """Return STALE for a right response to an old nonce, REFUSED for a wrong one."""
        nonce = self._nonces.get(given.get("nonce") or "")
        if nonce is None or not self._is_right(given, method, uri):
            return Verdict.REFUSED
        if nonce.ends <= self._clock() or (self._behaviour.nonce_once and nonce.count):
            return Verdict.STALE
        count = int(given.get("nc") or "0", 16)
        if count <= nonce.count:
            return Verdict.REFUSED
        nonce.count = count
        return Verdict.ACCEPTED

    def _is_right(self, given: Authorization, method: str, uri: str) -> bool:
        """RFC 2617, 3.2.2.1, for qop auth."""
        username, key = given.get("username") or "", self.keys.get(given.get("username") or "")
        if key is None or given.get("uri") != uri or given.get("opaque") != self._behaviour.opaque:
            return False
        secret = _md5(f"{username}:{REALM}:{key}")
        challenge = [given.get(name) or "" for name in ("nonce", "nc", "cnonce", "qop")]
        return given.get("response") == _md5(
            ":".join([secret, *challenge, _md5(f"{method}:{uri}")])
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
