"""When the credentials expire. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from foundation.clock import utc_text
from restore_watch.atlas.credentials import ApiKey, Credentials
from restore_watch.atlas.own_account import AccountAnswer, OwnAccount
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.model.fixes_of_errors import UNCERTAIN, fix_of_expiry

LATE = timedelta(days=7)
"""Less time left than this is wrong. The alarm has the same threshold."""

_NO_PROJECT = (
    "no project to ask in is known: neither a watched one nor one with an open restore job"
)


def line_about_expiry(
    credentials: Credentials, answers: Sequence[AccountAnswer], now: datetime
) -> Line:
    """Return when the credentials expire, by the first project that says it."""
    check = "credentials expire"
    if isinstance(credentials, ApiKey):
        return unsure(check, "an API key has no date")
    for answer in answers:
        if isinstance(answer, OwnAccount):
            return _expiry_of(check, answer, now)
    fix = "In Atlas, the page of the service account shows when its secrets expire"
    return unsure(check, f"cannot be told: {_why_unknown(answers)}", fix)


def _expiry_of(check: str, account: OwnAccount, now: datetime) -> Line:
    secret = account.secret
    found = f"at {utc_text(secret.expires_at)}, days left: {secret.days_left(now)}"
    if not secret.is_certain:
        found += f"; {UNCERTAIN}"
    if secret.expires_at - now < LATE:
        return bad(check, found, fix_of_expiry(secret, now))
    return good(check, found)


def _why_unknown(answers: Sequence[AccountAnswer]) -> str:
    """Return the first error of the answers, none of which shows the account."""
    if not answers:
        return _NO_PROJECT
    for answer in answers:
        if answer is not None:
            return str(answer)
    return "the client id has an unknown form"
