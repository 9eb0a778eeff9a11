"""What may be quoted from a text that Atlas or AWS wrote."""

import re
from collections.abc import Iterable

QUOTE_LIMIT = 300
"""Characters of such a text that an error may quote."""

REDACTED = "[redacted]"

# A URL may be a download URL, which opens the whole database. Only a space ends it, because
# unprintable characters could hide its end. The pattern finds escaped URLs, and those without a
# scheme.
_URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,30}:)?(?:\\{0,3}/|%2f){2}[^ ]+"
    r"|\b[a-z0-9._-]{1,253}(?:(?::|%3a)\d{2,5}|\.[a-z]{2,24})(?:\\{0,3}/|%2f)[^ ]+"
    r"|[^ ]{0,200}\.tar\.gz[^ ]*",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"\b(?:bearer|basic|digest|access_token)\b[\s\\\"'=:]+\S+", re.IGNORECASE
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")

# A private key in PEM (RFC 7468), also of PGP, also on one line. Without its end, all that follows.
_PRIVATE_KEY = re.compile(
    r"-{2,5} {0,2}BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-{2,5} {0,2}END [A-Z0-9 ]{0,60}-{2,5}|\Z)",
    re.IGNORECASE | re.DOTALL,
)

# A secret after its name, as in `DB_PASSWORD=...`, `"token": "..."` or `--password ...`.
_NAME = (
    r"[\w-]{0,40}(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private)[ _-]?key)"
    r"[\w-]{0,40}"
)
_NAMED_SECRET = re.compile(
    rf"(?<![\w-])(--?{_NAME}[\s=:]+|{_NAME}[\\\"']*\s*[=:]\s*)"
    r"(?:\\{0,3}\"[^\"]*\"?|'[^']*'?|\S+)",
    re.IGNORECASE,
)

# The same in a sentence, as in `password hunter3`. Six characters or more, with a digit or a sign
# among them, are a secret; so `the password is wrong` and `token 401` stay. An ARN is none.
_SPOKEN_SECRET = re.compile(
    rf"(?<![\w-])({_NAME}\s+(?:(?:is|was)\s+)?[\"'`]?)(?!arn:)"
    r"(?=\S*(?:\d|[!#$%&*+=@^~]\w))[^\s\"'`]{6,}",
    re.IGNORECASE,
)

# A JSON Web Token (RFC 7519), also one that was cut off, and the id of an AWS access key:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_CREDENTIAL = re.compile(
    r"(?<![A-Za-z0-9])(?:eyJ[\w-]{10,}(?:\.[\w-]*){0,4}|(?:AKIA|ASIA)[A-Z0-9]{12,})"
)


def without_urls(text: str) -> str:
    """Remove every URL from a short text."""
    may_hold_one = any(sign in text for sign in "/%.")
    return _URL.sub(REDACTED, text) if may_hold_one else text


def redact_report(text: str, limit: int) -> str:
    """
    Remove private keys, URLs, authorizations and every secret that is named, then trim to one line.

    For a text that a pipeline wrote. Letters of every language stay.
    """
    # The key first: it may hold what looks like a URL, which would hide where it begins or ends.
    for pattern in (_PRIVATE_KEY, _URL, _AUTHORIZATION, _CREDENTIAL):
        text = pattern.sub(REDACTED, text)
    for pattern in (_NAMED_SECRET, _SPOKEN_SECRET):
        text = pattern.sub(rf"\1{REDACTED}", text)
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line[:limit].strip()


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove every given secret, and what looks like a URL or a secret, then trim to one line."""
    # The longest first: a secret may be part of another one.
    hidden = sorted(filter(None, secrets), key=len, reverse=True)
    for secret in hidden:
        text = text.replace(secret, REDACTED)
    # Longer than any quote, and short enough for the patterns, which are slow on long text.
    text = text[: 10 * QUOTE_LIMIT]
    for pattern in (_URL, _AUTHORIZATION, _CREDENTIAL):
        text = pattern.sub(REDACTED, text)
    text = _UNPRINTABLE.sub(" ", _SPOKEN_SECRET.sub(rf"\1{REDACTED}", text))
    if len(text) > QUOTE_LIMIT:
        text = f"{text[:QUOTE_LIMIT]}..."
    # Removing a part may join the text around it to a secret. Quote nothing then.
    return REDACTED if any(secret in text for secret in hidden) else text
