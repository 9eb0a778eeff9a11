"""The two kinds of credentials that Atlas accepts, and where they may be sent."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote

from foundation.address import is_loopback, read_address

DEFAULT_BASE_URL = "https://cloud.mongodb.com"
GOVERNMENT_BASE_URL = "https://cloud.mongodbgov.com"

STORE_AS_API_KEY = (
    "The client_id does not begin with mdb_sa, as that of a service account does: if it is the "
    "public key of an API key, store it as public_key, and its private key as private_key"
)
"""Advice if Atlas refuses a `ServiceAccount` that may be an API key."""

# MongoDB's own hosts, from its Terraform provider and CLI.
_HOSTS = frozenset(
    f"{name}.{domain}"
    for name in ("cloud", "cloud-qa", "cloud-dev")
    for domain in ("mongodb.com", "mongodbgov.com")
)


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


def allowed_base_url(text: str, *, loopback: bool) -> str | None:
    """
    Return the base URL without a trailing slash, or None if credentials must not be sent there.

    Allowed: https to MongoDB's own hosts and, with `loopback`, http or https to this machine.
    """
    url = read_address(text)
    if url is None or url.path.strip("/") or url.query:
        return None
    if url.scheme == "https" and url.host in _HOSTS and url.port is None:
        return f"https://{url.host}"
    if loopback and url.scheme in {"http", "https"} and is_loopback(url.host):
        return f"{url.scheme}://{url.netloc.decode()}"
    return None
