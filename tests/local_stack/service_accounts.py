"""Service accounts and their secrets, which expire by the emulator's clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local_stack.canaries import SECRET_MASK
from local_stack.restores import date

LONG = timedelta(days=3650)
"""Longer than Atlas allows, so that nothing expires in a test that is not about it."""


@dataclass
class AccountSecret:
    """A secret. Atlas shows its `mask`, with the last four signs unless a test says otherwise."""

    text: str
    created_at: datetime
    expires_at: datetime
    mask: str = field(init=False)
    last_used_at: datetime | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(12))

    def __post_init__(self) -> None:
        self.mask = f"{SECRET_MASK}{self.text[-4:]}"

    def body(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "createdAt": date(self.created_at),
            "expiresAt": date(self.expires_at),
            "lastUsedAt": date(self.last_used_at) if self.last_used_at else None,
            "maskedSecretValue": self.mask,
        }


class ServiceAccounts:
    """The accounts by their client ids."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._secrets: dict[str, list[AccountSecret]] = {}
        self.projects: dict[str, str] = {}
        """The project that an account belongs to, which alone shows it, if not an organization."""

    def add(self, client_id: str, text: str, life: timedelta = LONG) -> None:
        now = self._clock()
        made = AccountSecret(text, now, now + life)
        self._secrets.setdefault(client_id, []).append(made)

    def rotate(self, client_id: str, text: str, life: timedelta = LONG) -> None:
        """Make a new secret, and delete every other."""
        self.remove(client_id)
        self.add(client_id, text, life)

    def remove(self, client_id: str) -> None:
        self._secrets.pop(client_id, None)

    def of(self, client_id: str) -> list[AccountSecret]:
        return self._secrets.get(client_id, [])

    def shows(self, client_id: str, group_id: str) -> bool:
        return bool(self.of(client_id)) and self.projects.get(client_id, group_id) == group_id

    def use(self, client_id: str, text: str) -> AccountSecret | None:
        """Return the secret, if it is one of the account and has not expired."""
        for one in self.of(client_id):
            if one.text == text and one.expires_at > self._clock():
                one.last_used_at = self._clock()
                return one
        return None

    def body(self, client_id: str, roles: list[str]) -> dict[str, Any]:
        known = self.of(client_id)
        return {
            "clientId": client_id,
            "createdAt": date(min(one.created_at for one in known)),
            "description": "reads restore jobs",
            "name": "restore watch",
            "roles": roles,
            "secrets": [one.body() for one in known],
        }
