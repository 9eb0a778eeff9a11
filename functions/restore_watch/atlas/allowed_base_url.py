"""Where credentials of Atlas may be sent."""

from foundation.address import is_loopback, read_address

DEFAULT_BASE_URL = "https://cloud.mongodb.com"
GOVERNMENT_BASE_URL = "https://cloud.mongodbgov.com"

# MongoDB's own hosts, from its Terraform provider and CLI.
_HOSTS = frozenset(
    f"{name}.{domain}"
    for name in ("cloud", "cloud-qa", "cloud-dev")
    for domain in ("mongodb.com", "mongodbgov.com")
)


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
