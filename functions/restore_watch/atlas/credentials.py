"""The two kinds of credentials that Atlas accepts."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True)
class ServiceAccount:
    """OAuth2 client credentials. If `base_url` is None, the operator's address applies."""

    client_id: str
    client_secret: str = field(repr=False)
    base_url: str | None = None

    @property
    def quoted(self) -> tuple[str, str]:
        """Id and secret, encoded for the Basic header (RFC 6749, 2.3.1)."""
        return quote(self.client_id, safe=""), quote(self.client_secret, safe="")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be quoted: the secret in all its forms."""
        basic = b64encode(":".join(self.quoted).encode()).decode()
        return (self.client_secret, self.quoted[1], basic)


@dataclass(frozen=True)
class ApiKey:
    """A programmatic API key, used with HTTP digest. `base_url` as for a service account."""

    public_key: str
    private_key: str = field(repr=False)
    base_url: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be quoted."""
        return (self.private_key,)


Credentials = ServiceAccount | ApiKey
