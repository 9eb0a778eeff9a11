"""
Patterns of URLs and secrets, which nobody may see in a text from outside.

Each pattern is slow on long text, so cut the text first. `re` compiles a pattern at its first
use, and keeps it.
"""

URL = (
    r"(?i)(?:[a-z][a-z0-9+.-]{0,30}:)?(?:\\{0,3}/|%2f){2}[^ ]+"
    r"|\b[a-z0-9._-]{1,253}(?:(?::|%3a)\d{2,5}|\.[a-z]{2,24})(?:\\{0,3}/|%2f)[^ ]+"
    r"|[^ ]{0,200}\.tar\.gz[^ ]*"
)
"""
A URL, also one that is escaped or has no scheme: a download URL opens the whole database.

Only a space ends it, because unprintable characters could hide its end.
"""

CREDENTIAL = (
    r"(?<!\S)[^\s:@]++:[^\s@]++@\S*(?:[.:]\w|localhost)\S*"
    r"|(?<![A-Za-z0-9])(?:eyJ[\w-]{10,}(?:\.[\w-]*){0,4}|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?:xox[a-z]-|gh[a-z]_|github_pat_)[\w-]{6,}|mdb_sa_sk_[\w.*\u2022\u2026-]{6,})"
)
"""
A JSON Web Token (RFC 7519), also one that was cut off, the id of an AWS access key, secrets of
Atlas, also masked ones, Slack and GitHub, and `user:password@host`.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

NAME = (
    r"[\w-]{0,40}(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private)[ _-]?key)"
    r"[\w-]{0,40}"
)
"""The name of a secret, as in `DB_PASSWORD`."""

# Not a secret: a percentage, a date, or a number after a plural, as in `tokens: 12`.
_END = r"[.,;:)]?(?:\s|\Z)"
COUNT = rf"(?!(?:(?<=[denty]s )|(?<=[denty]s: ))\d{{1,12}}(?:[.,]\d{{1,6}})?%?{_END})"
"""Rejects a number after a plural."""

_FIGURE = (
    r"(?!(?:\d{1,3}(?:\.\d{1,6})?%|\d{4}-\d\d-\d\d(?:T\d\d:\d\d[\d:.]{0,12}(?:Z|[+-]\d\d:\d\d)?)?)"
    rf"{_END})"
)
_SIGN = r"(?:\d|[!#$%&*+=@^~]\w)"

SPOKEN_SECRET = (
    rf"(?i)(?<![\w-])({NAME}\s+(?:(?:is|was)(?:\s*[:=]\s*|\s+))?[\"'`]?)(?!arn:){COUNT}{_FIGURE}"
    rf"(?:(?<=\")(?=[^\"]{{0,200}}{_SIGN})[^\"]{{6,200}}(?=\")"
    rf"|(?<=')(?=[^']{{0,200}}{_SIGN})[^']{{6,200}}(?='(?!\w))"
    rf"|(?=\S*{_SIGN})[^\s\"'`]{{6,}}(?:[\"'`]+\w\S*)?)"
)
"""
A secret in a sentence, as in `password hunter3`. The first group is the text before it.

A secret has six characters or more, with a digit or a sign among them, so `the password is wrong`
and `token 401` stay. An ARN is not a secret.
"""
