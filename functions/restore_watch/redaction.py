"""What may be quoted of a text that somebody else wrote."""

import re
from collections.abc import Iterable

QUOTE_LIMIT = 300
"""Characters of a foreign text that an error may quote."""

REDACTED = "[redacted]"

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
# A URL may be a download URL, and a download URL opens the whole database.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"\b(?:bearer|basic|digest)\s+\S+", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove every given secret, every URL and every authorization, then trim to one short line."""
    # The longest first, so that no secret is left in part because another is a piece of it.
    hidden = sorted(filter(None, secrets), key=len, reverse=True)
    text = _without(hidden, text)
    for pattern, stand_in in ((_UNPRINTABLE, " "), (_URL, REDACTED), (_AUTHORIZATION, REDACTED)):
        text = pattern.sub(stand_in, text)
    # Once more, since taking something away may have joined what stood on both sides of it.
    text = _without(hidden, text)
    return text if len(text) <= QUOTE_LIMIT else f"{text[:QUOTE_LIMIT]}..."


def _without(hidden: list[str], text: str) -> str:
    for secret in hidden:
        text = text.replace(secret, REDACTED)
    return text
