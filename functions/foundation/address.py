"""Addresses that an operator or a secret gives. Each function decides where it may send."""

from ipaddress import ip_address

import httpx


def read_address(text: str) -> httpx.URL | None:
    """Return the URL. None if the text is not a URL, or names a user or a part of a page."""
    try:
        url = httpx.URL(text)
        host = url.host
    except (httpx.InvalidURL, TypeError, ValueError):
        # `host` raises ValueError if it is not a valid international name.
        return None
    return None if not host or url.userinfo or url.fragment else url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
