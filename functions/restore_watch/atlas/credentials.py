"""The two kinds of credentials that Atlas accepts."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote

STORE_AS_API_KEY = (
    "The client_id does not begin with mdb_sa, as that of a service account does: if it is the "
    "public key of an API key, store it as public_key, and its private key as private_key"
)
"""Advice if Atlas refuses a `ServiceAccount` that may be an API key."""


@dataclass(frozen=True)
class ServiceAccount:
    """OAuth2 client credentials. If `base_url` is None, the operator's address applies."""

    client_id: str
    client_secret: str = field(repr=False)
    base_url: str | None = None

    @property
    def may_be_api_key(self) -> bool:
        """Whether the id has not the form that the ids of service accounts have."""
        return not self.client_id.startswith("mdb_sa")

    @property
    def basic_pair(self) -> tuple[str, str]:
        """Id and secret, encoded for the Basic header (RFC 6749, 2.3.1)."""
        return quote(self.client_id, safe=""), quote(self.client_secret, safe="")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret in all its forms, which must never be quoted."""
        basic = b64encode(":".join(self.basic_pair).encode()).decode()
        return (self.client_secret, self.basic_pair[1], basic)


@dataclass(frozen=True)
class ApiKey:
    """A programmatic API key, used with HTTP digest. `base_url` as for a service account."""

    public_key: str
    private_key: str = field(repr=False)
    base_url: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be quoted."""
        return (self.private_key,)


Credentials = ServiceAccount | ApiKey
