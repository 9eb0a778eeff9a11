"""Where credentials may be sent."""

from ipaddress import ip_address

import httpx

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
    try:
        url = httpx.URL(text)
        host = url.host
    except (httpx.InvalidURL, TypeError, ValueError):
        # `host` raises ValueError if it is not a valid international name.
        return None
    if url.userinfo or url.path.strip("/") or url.query or url.fragment:
        return None
    if url.scheme == "https" and host in _HOSTS and url.port is None:
        return f"https://{host}"
    if loopback and url.scheme in {"http", "https"} and _is_loopback(host):
        return f"{url.scheme}://{url.netloc.decode()}"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
