"""Where notices may be sent: https, or http to this machine for tests."""

import re

from foundation.address import is_loopback, read_address

_VISIBLE = re.compile(r"[!-~]+")
"""Only ASCII, and no blank: httpx would send it in another spelling."""

# A label of a host name has 1 to 63 characters. An address of version 6 has colons.
_LABELS = re.compile(r"(?:[^.]{1,63}\.){0,20}[^.]{1,63}\.?")


def is_allowed_address(text: str) -> bool:
    """Whether a webhook may be at this address."""
    url = read_address(text) if _VISIBLE.fullmatch(text) else None
    if url is None or not _LABELS.fullmatch(url.host):
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))


def allowed_base_url(text: str) -> str | None:
    """Return the address of a whole host without a trailing slash, or None for other text."""
    url = read_address(text) if is_allowed_address(text) else None
    if url is None or url.path.strip("/") or url.query:
        return None
    return f"{url.scheme}://{url.netloc.decode()}"
