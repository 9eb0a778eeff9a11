"""Where notices may be sent: https, or http to this machine for tests."""

import re
from ipaddress import ip_address

import httpx

# A label of a host name has 1 to 63 characters. An address of version 6 has colons.
_LABELS = re.compile(r"(?:[^.]{1,63}\.){0,20}[^.]{1,63}\.?")


def is_allowed(text: str) -> bool:
    """Whether a webhook may be at this address."""
    try:
        url = httpx.URL(text)
        host = url.host
    except (httpx.InvalidURL, TypeError, ValueError):
        # `host` raises ValueError if it is not a valid international name.
        return False
    if url.userinfo or url.fragment or not host or not _LABELS.fullmatch(host):
        return False
    return url.scheme == "https" or (url.scheme == "http" and _is_loopback(host))


def allowed_base_url(text: str) -> str | None:
    """Return the address of a whole host without a trailing slash, or None if it is not one."""
    if not is_allowed(text):
        return None
    url = httpx.URL(text)
    if url.path.strip("/") or url.query:
        return None
    return f"{url.scheme}://{url.netloc.decode()}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
