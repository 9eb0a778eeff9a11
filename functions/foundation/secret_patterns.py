r"""
Patterns of URLs and secrets, which nobody may see in a text from outside.

Each pattern is built of named parts, and each part has an example. Quantifiers such as `{0,40}`
limit how long a search takes. Each pattern is slow on long text all the same, so cut the text
first. `re` compiles a pattern at its first use, and keeps it.
"""

# URLs

_SCHEME = r"(?:[a-z][a-z0-9+.-]{0,30}:)?"  # `https:`, `mongodb+srv:`, or nothing
_SLASH = r"(?:\\{0,3}/|%2f)"  # `/`, `\/` as in JSON, `%2F` as in a query
_HOST = r"\b[a-z0-9._-]{1,253}"  # `cluster0.abc`
_PORT_OR_DOMAIN = r"(?:(?::|%3a)\d{2,5}|\.[a-z]{2,24})"  # `:27017`, `%3A443`, `.net`
_REST = r"[^ ]+"  # to the next space: unprintable characters could hide an end

_WITH_TWO_SLASHES = rf"{_SCHEME}{_SLASH}{{2}}{_REST}"  # `https://host/path`, `//host/path`
_WITHOUT_SCHEME = rf"{_HOST}{_PORT_OR_DOMAIN}{_SLASH}{_REST}"  # `host.net/path`, `host:443/path`
_ARCHIVE = r"[^ ]{0,200}\.tar\.gz[^ ]*"  # `restore-5f00.tar.gz`, the file of a download

URL = rf"(?i){_WITH_TWO_SLASHES}|{_WITHOUT_SCHEME}|{_ARCHIVE}"
"""A URL, also escaped or without a scheme: a download URL opens the whole database."""

# Credentials that show what they are

_USER_AND_PASSWORD = r"(?<!\S)[^\s:@]++:[^\s@]++@\S*(?:[.:]\w|localhost)\S*"  # `user:password@host`
_JSON_WEB_TOKEN = r"eyJ[\w-]{10,}(?:\.[\w-]*){0,4}"  # RFC 7519, also cut off
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_AWS_ACCESS_KEY_ID = r"(?:AKIA|ASIA)[A-Z0-9]{12,}"
_SLACK_OR_GITHUB_TOKEN = r"(?:xox[a-z]-|gh[a-z]_|github_pat_)[\w-]{6,}"
_ATLAS_SECRET = r"mdb_sa_sk_[\w.*\u2022\u2026-]{6,}"  # also masked: `mdb_sa_sk_****1234`

CREDENTIAL = (
    rf"{_USER_AND_PASSWORD}"
    r"|(?<![A-Za-z0-9])"
    rf"(?:{_JSON_WEB_TOKEN}|{_AWS_ACCESS_KEY_ID}|{_SLACK_OR_GITHUB_TOKEN}|{_ATLAS_SECRET})"
)
"""A password before a host, a token of the web, or the key or token of a service."""

# Secrets after a name

_WORD_FOR_SECRET = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private)[ _-]?key)"
NAME = rf"[\w-]{{0,40}}{_WORD_FOR_SECRET}[\w-]{{0,40}}"
"""The name of a secret, as in `DB_PASSWORD`."""

_END = r"[.,;:)]?(?:\s|\Z)"  # the end of a word, with a sign after it or not

_AFTER_PLURAL = r"(?:(?<=[denty]s )|(?<=[denty]s: ))"  # `passwords `, `secrets: `
_NUMBER = r"\d{1,12}(?:[.,]\d{1,6})?%?"  # `12`, `1,234`, `7.5%`
COUNT = rf"(?!{_AFTER_PLURAL}{_NUMBER}{_END})"
"""Rejects a number after a plural, as in `tokens: 12`, which is no secret."""
