"""Texts from outside that people may see: one short printable line, without URLs and secrets."""

import re
from collections.abc import Iterable
from unicodedata import category

TEXT_LIMIT = 256
"""Characters kept of a name or a word from Atlas. Its longest name has 64."""

SENTENCE_LIMIT = 600
"""Characters kept of what an error says. The longest text of our own errors has about 500."""

REMOVED = "[removed]"

# A URL may be a download URL, which opens the whole database. Only a space ends it.
_URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,30}:)?(?:\\{0,3}/|%2f){2}[^ ]+"
    r"|\b[a-z0-9._-]{1,253}(?:(?::|%3a)\d{2,5}|\.[a-z]{2,24})(?:\\{0,3}/|%2f)[^ ]+"
    r"|[^ ]{0,200}\.tar\.gz[^ ]*",
    re.IGNORECASE,
)

# A JSON Web Token, the id of an AWS access key, secrets of Atlas, Slack and GitHub, and
# `user:password@host`.
_CREDENTIAL = re.compile(
    r"(?<!\S)[^\s:@]++:[^\s@]++@\S*(?:[.:]\w|localhost)\S*"
    r"|(?<![A-Za-z0-9])(?:eyJ[\w-]{10,}(?:\.[\w-]*){0,4}|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?:mdb_sa_sk_|xox[a-z]-|gh[a-z]_|github_pat_)[\w-]{6,})"
)

# What follows a word such as `password`, if six characters or more have a digit or a sign among
# them: a usual word, as in `the password is wrong`, has none. A percentage or a date is no secret,
# nor is a number after a plural, as in `tokens 12`.
_SIGN = r"(?:\d|[!#$%&*+=@^~]\w)"
_SPOKEN_SECRET = re.compile(
    r"(?<![\w-])([\w-]{0,40}(?:passw(?:or)?d|passphrase|pwd|secret|token|"
    r"(?:api|access|private)[ _-]?key)[\w-]{0,40} (?:(?:is|was)(?: ?[:=] ?| ))?[\"'`]?)(?!arn:)"
    r"(?!(?:(?<=[denty]s )[\d.,]{1,16}|\d{1,3}(?:\.\d{1,6})?%"
    r"|\d{4}-\d\d-\d\d(?:T\d\d:\d\d[\d:.]{0,12}(?:Z|[+-]\d\d:\d\d)?)?)"
    r"[.,;:)]?(?: |\Z))"
    rf"(?:(?<=\")(?=[^\"]{{0,200}}{_SIGN})[^\"]{{6,200}}(?=\")"
    rf"|(?<=')(?=[^']{{0,200}}{_SIGN})[^']{{6,200}}(?='(?!\w))"
    rf"|(?=\S*{_SIGN})[^ \"'`]{{6,}}(?:[\"'`]+\w\S*)?)",
    re.IGNORECASE,
)


def plain(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text as one line that can be printed, without URLs and secrets, cut to a limit."""
    # Longer than any limit, and short enough for the patterns, which are slow on long text.
    line = " ".join("".join(map(_printable, text[:2000])).split())
    for pattern in (_URL, _CREDENTIAL):
        line = pattern.sub(REMOVED, line)
    return cut(_SPOKEN_SECRET.sub(rf"\1{REMOVED}", line), limit)


def _printable(character: str) -> str:
    """A sign without a width goes: a space in its place would end a URL."""
    if category(character) == "Cf":
        return ""
    return character if character.isprintable() else " "


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters. An ellipsis shows that something is missing."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def lines_within(lines: Iterable[str], limit: int) -> str:
    """Return the lines that fit the limit together; a long one is left out."""
    kept: list[str] = []
    left = limit + 1
    for line in lines:
        if len(line) < left:
            left -= len(line) + 1
            kept.append(line)
    return "\n".join(kept)


def ascii_only(text: str) -> str:
    """Return the text with a question mark for each character that is not printable ASCII."""
    return re.sub(r"[^\x20-\x7e]", "?", text.replace("…", "..."))
