"""When the credentials expire, as the stack's bookkeeping item has it: one map. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from restore_watch.model.credentials_expiry import (
    THRESHOLDS,
    CredentialsChange,
    CredentialsExpiry,
    ExpiringSecret,
    is_client_id,
)
from restore_watch.model.status_change import utc_text
from restore_watch.table.stored_fields import past_moment, present, read_map, read_moment


def expiry_as_value(expiry: CredentialsExpiry) -> dict[str, Any]:
    """The map, without values that are absent."""
    return present(
        {
            "askedAt": utc_text(expiry.asked_at) if expiry.asked_at else None,
            **(_secret(expiry.secret) if expiry.secret else {}),
            "said": expiry.said,
            "unsent": [_change(one) for one in expiry.unsent] or None,
        }
    )


def read_expiry(stored: object, now: datetime) -> CredentialsExpiry:
    """Read the map. A value that cannot be read counts as absent."""
    read = read_map(stored)
    unsent = read.get("unsent")
    changes = (_read_change(one, now) for one in (unsent if isinstance(unsent, list) else ()))
    return CredentialsExpiry(
        asked_at=past_moment(read.get("askedAt"), now),
        secret=_read_secret(read),
        said=_threshold(read.get("said")),
        unsent=tuple(one for one in changes if one),
        stored=stored,
    )


def _secret(secret: ExpiringSecret) -> dict[str, Any]:
    return {
        "clientId": secret.client_id,
        "expiresAt": utc_text(secret.expires_at),
        "isCertain": secret.is_certain,
    }


def _change(change: CredentialsChange) -> dict[str, Any]:
    return present(
        {**_secret(change.secret), "daysLeft": change.threshold, "at": utc_text(change.at)}
    )


def _read_secret(read: Mapping[str, Any]) -> ExpiringSecret | None:
    client_id, expires_at = read.get("clientId"), read_moment(read.get("expiresAt"))
    if expires_at is None or not isinstance(client_id, str) or not is_client_id(client_id):
        return None
    return ExpiringSecret(client_id, expires_at, read.get("isCertain") is True)


def _read_change(stored: object, now: datetime) -> CredentialsChange | None:
    read = read_map(stored)
    secret, at = _read_secret(read), past_moment(read.get("at"), now)
    threshold = _threshold(read.get("daysLeft"))
    if secret is None or at is None or (threshold is None and "daysLeft" in read):
        return None
    return CredentialsChange(secret, threshold, at)


def _threshold(stored: object) -> int | None:
    return next((days for days in THRESHOLDS if stored == days), None)
