"""Removes URLs and secrets from texts of Atlas, AWS and pipelines, so that they can be quoted."""

import re
from collections.abc import Iterable

from foundation.secret_patterns import COUNT, CREDENTIAL, NAME, URL

QUOTE_LIMIT = 300
"""Characters of such a text that an error may quote."""

REDACTED = "[redacted]"

# `basic checks` and `bearer of` stay: one word in lower case follows.
_AUTHORIZATION = (
    r"(?i)\b(?:access_token|(?<=authorization: )(?:bearer|basic|digest)"
    r"|(?:bearer|basic|digest)(?!\s++(?-i:[A-Za-z][a-z]{0,15})[.,;:!?]?(?:\s|\Z)))\b"
    r"[\s\\\"'=:]+\S+"
)

# A private key in PEM (RFC 7468), also of PGP, also on one line. Without an end, the whole rest.
_PRIVATE_KEY = (
    r"(?is)-{2,5} {0,2}BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?"
    r"(?:-{2,5} {0,2}END [A-Z0-9 ]{0,60}-{2,5}|\Z)"
)

# A secret after its name, as in `DB_PASSWORD=...`, `"token": "..."` or `--password ...`.
_VALUE = r"(?:\\{1,3}\"[^\"]*\"?|\"(?:[^\"\\]|\\[\s\S])*\"?|'[^']*'?|\S+)"
_NAMED_SECRET = rf"(?i)(?<![\w-])(--?{NAME}[\s=:]+|{NAME}[\\\"']*\s*[=:]\s*{COUNT}){_VALUE}"
# Atlas writes sentences such as `invalid_token: The token expired`.
_ASSIGNED_SECRET = rf"(?i)(?<![\w-])({NAME}(?:[\\\"']*\s*=|[\\\"']+\s*:)\s*){_VALUE}"


def without_urls(text: str) -> str:
    """Remove every URL from a short text."""
    may_hold_one = "/" in text or "%" in text or "." in text
    return re.sub(URL, REDACTED, text) if may_hold_one else text


def redact_report(text: str, limit: int) -> str:
    """Redact a pipeline's text: also private keys and every named secret. Keep all letters."""
    # The key first: removing a likely URL from it would hide where it begins or ends.
    for pattern in (_PRIVATE_KEY, URL, _AUTHORIZATION, CREDENTIAL):
        text = re.sub(pattern, REDACTED, text)
    text = re.sub(_NAMED_SECRET, rf"\1{REDACTED}", text)
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line[:limit].strip()


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove every given secret, and all likely URLs and secrets, then trim to one line."""
    # The longest first: a secret may be part of another one.
    hidden = sorted(filter(None, secrets), key=len, reverse=True)
    for secret in hidden:
        text = text.replace(secret, REDACTED)
    # This is longer than any quote. The patterns are slow on longer text.
    text = text[: 10 * QUOTE_LIMIT]
    for pattern in (URL, _AUTHORIZATION, CREDENTIAL):
        text = re.sub(pattern, REDACTED, text)
    text = re.sub(_ASSIGNED_SECRET, rf"\1{REDACTED}", text)
    text = re.sub(r"[^\x20-\x7e]+", " ", text)
    if len(text) > QUOTE_LIMIT:
        text = f"{text[:QUOTE_LIMIT]}..."
    # Removing a part may join the text around it to a secret. Quote nothing then.
    return REDACTED if any(secret in text for secret in hidden) else text
