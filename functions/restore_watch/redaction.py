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
# `basic checks` and `bearer of` stay: what follows is one word in lower case.
_AUTHORIZATION = re.compile(
    r"\b(?:access_token|(?<=authorization: )(?:bearer|basic|digest)"
    r"|(?:bearer|basic|digest)(?!\s++(?-i:[A-Za-z][a-z]{0,15})[.,;:!?]?(?:\s|\Z)))\b"
    r"[\s\\\"'=:]+\S+",
    re.IGNORECASE,
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
_VALUE = r"(?:\\{1,3}\"[^\"]*\"?|\"(?:[^\"\\]|\\[\s\S])*\"?|'[^']*'?|\S+)"
# A percentage or a date is no secret, nor is a number after a plural, as in `tokens: 12`.
_END = r"[.,;:)]?(?:\s|\Z)"
_COUNT = rf"(?!(?:(?<=[denty]s )|(?<=[denty]s: ))\d{{1,12}}(?:[.,]\d{{1,6}})?%?{_END})"
_FIGURE = (
    r"(?!(?:\d{1,3}(?:\.\d{1,6})?%|\d{4}-\d\d-\d\d(?:T\d\d:\d\d[\d:.]{0,12}(?:Z|[+-]\d\d:\d\d)?)?)"
    rf"{_END})"
)
_NAMED_SECRET = re.compile(
    rf"(?<![\w-])(--?{_NAME}[\s=:]+|{_NAME}[\\\"']*\s*[=:]\s*{_COUNT}){_VALUE}", re.IGNORECASE
)
# Atlas writes sentences such as `invalid_token: The token expired`.
_ASSIGNED_SECRET = re.compile(
    rf"(?<![\w-])({_NAME}(?:[\\\"']*\s*=|[\\\"']+\s*:)\s*){_VALUE}", re.IGNORECASE
)

# The same in a sentence, as in `password hunter3`. Six characters or more, with a digit or a sign
# among them, are a secret; so `the password is wrong` and `token 401` stay. An ARN is none.
_SIGN = r"(?:\d|[!#$%&*+=@^~]\w)"
_SPOKEN_SECRET = re.compile(
    rf"(?<![\w-])({_NAME}\s+(?:(?:is|was)(?:\s*[:=]\s*|\s+))?[\"'`]?)(?!arn:){_COUNT}{_FIGURE}"
    rf"(?:(?<=\")(?=[^\"]{{0,200}}{_SIGN})[^\"]{{6,200}}(?=\")"
    rf"|(?<=')(?=[^']{{0,200}}{_SIGN})[^']{{6,200}}(?='(?!\w))"
    rf"|(?=\S*{_SIGN})[^\s\"'`]{{6,}}(?:[\"'`]+\w\S*)?)",
    re.IGNORECASE,
)

# A JSON Web Token (RFC 7519), also one that was cut off, the id of an AWS access key, secrets of
# Atlas, Slack and GitHub, and `user:password@host`:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_CREDENTIAL = re.compile(
    r"(?<!\S)[^\s:@]++:[^\s@]++@\S*(?:[.:]\w|localhost)\S*"
    r"|(?<![A-Za-z0-9])(?:eyJ[\w-]{10,}(?:\.[\w-]*){0,4}|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?:mdb_sa_sk_|xox[a-z]-|gh[a-z]_|github_pat_)[\w-]{6,})"
)


def without_urls(text: str) -> str:
    """Remove every URL from a short text."""
    may_hold_one = "/" in text or "%" in text or "." in text
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
    for pattern in (_ASSIGNED_SECRET, _SPOKEN_SECRET):
        text = pattern.sub(rf"\1{REDACTED}", text)
    text = _UNPRINTABLE.sub(" ", text)
    if len(text) > QUOTE_LIMIT:
        text = f"{text[:QUOTE_LIMIT]}..."
    # Removing a part may join the text around it to a secret. Quote nothing then.
    return REDACTED if any(secret in text for secret in hidden) else text
