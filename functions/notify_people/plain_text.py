"""Texts from outside that people may see: one short printable line, without URLs and secrets."""

import re
from collections.abc import Iterable
from unicodedata import category

from foundation.secret_patterns import CREDENTIAL, URL

TEXT_LIMIT = 256
"""Characters kept of a name or a word from Atlas. Its longest name has 64."""

SENTENCE_LIMIT = 600
"""Characters kept of an error's text. The longest text of our own errors has about 500."""

REMOVED = "[removed]"

# Every message needs them, so they are compiled when the environment starts.
_URL, _CREDENTIAL = map(re.compile, (URL, CREDENTIAL))


def plain(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text as one line that can be printed, without URLs and secrets, cut to a limit."""
    # 2,000 characters are more than any limit. The patterns are slow on longer text.
    line = " ".join("".join(map(_printable, text[:2000])).split())
    for pattern in (_URL, _CREDENTIAL):
        line = pattern.sub(REMOVED, line)
    return cut(line, limit)


def _printable(character: str) -> str:
    """Remove a sign without a width: a space in its place would end a URL."""
    if category(character) == "Cf":
        return ""
    return character if character.isprintable() else " "


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters. An ellipsis shows that something is missing."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def lines_within(lines: Iterable[str], limit: int) -> str:
    """Return the lines that fit the limit together; a line that is too long is left out."""
    kept: list[str] = []
    left = limit + 1
    for line in lines:
        if len(line) < left:
            left -= len(line) + 1
            kept.append(line)
    return "\n".join(kept)
