"""How the emulated Atlas behaves, wherever a test may want it to behave otherwise."""

from dataclasses import dataclass, fields
from typing import Literal


@dataclass(frozen=True)
class RateLimit:
    """The token bucket of a project and endpoint; by default the restore endpoints' real one."""

    capacity: int = 1200
    refill: int = 500
    seconds: int = 60


@dataclass
class Behaviour:
    """Each default is what Atlas really does, as far as anyone has recorded it."""

    tenant_endpoint: Literal[404, 405, 406, 410] | None = 410
    """What the retired tenant endpoint refuses with; None lets it answer as before its sunset."""

    envelope_key: Literal["content", "envelope"] = "content"
    refused_address: str | None = None
    """The caller's address, once it is not on the access list."""

    rate_limit: RateLimit = RateLimit()
    announces_limits: bool = True
    """Whether answers carry the rate limit headers, and a 429 its Retry-After."""

    challenge_body: Literal["coded", "uncoded", "empty"] = "coded"
    """The body of a 401: with an errorCode as since 2026-08, without as before, or none at all."""

    nonce_seconds: float = 300
    nonce_once: bool = False
    """Refuses a nonce the second time, as a server does that does not count them."""

    opaque: str | None = None

    token_seconds: float = 3600
    expires_in: int | None = 3600
    """What the token endpoint says of a token's life; None leaves it out."""

    token_limit: int = 100
    token_requests_per_minute: int = 50

    def lift_limits(self) -> None:
        """No campaign of thousands of checks is a single tenant's; limits are tested apart."""
        self.rate_limit = RateLimit(capacity=10**9)
        self.token_limit = self.token_requests_per_minute = 10**9

    def reset(self) -> None:
        for one in fields(self):
            setattr(self, one.name, one.default)
