"""
Asks Atlas for our own service account: when the secret in use expires, and which roles it has.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/operation/operation-getgroupserviceaccount
"""

import re
from datetime import datetime
from functools import partial
from typing import NamedTuple

from pydantic import Field, StrictStr, ValidationError

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.json_text import read_json
from foundation.outside import FromOutside, IfReadable, UtcDate
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import SERVICE_ACCOUNT
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession, Get
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.credentials_expiry import ExpiringSecret, is_client_id
from restore_watch.redaction import redact

_HIDDEN = re.compile(r"[.*\u2022\u2026]")
"""Signs that stand for hidden letters. No secret of a service account has them."""


class _Secret(FromOutside):
    """A secret of the account, of which Atlas shows the last letters at most."""

    created_at: IfReadable[UtcDate]
    expires_at: UtcDate
    masked_secret_value: IfReadable[StrictStr] = Field(default=None, repr=False)

    def may_be(self, secret: str) -> bool:
        """Whether the mask shows an ending of this secret, or no ending at all."""
        return secret.endswith(_HIDDEN.split(self.masked_secret_value or "")[-1])


class _Account(FromOutside):
    client_id: StrictStr
    roles: IfReadable[list[StrictStr]]
    secrets: list[_Secret] = Field(min_length=1)


class OwnAccount(NamedTuple):
    """
    Our service account, as a project shows it, without masks. `roles` is None in an unknown form.

    `others`: if the secret in use is not certain, the other secrets that may be in use.
    """

    secret: ExpiringSecret
    roles: tuple[str, ...] | None
    others: tuple[ExpiringSecret, ...] = ()


type AccountAnswer = OwnAccount | ApplicationError | None
"""What a project says about the service account; None for a client id of an unknown form."""


def read_own_account(session: AtlasSession, group_id: str, deadline: Deadline) -> OwnAccount | None:
    """Ask once, in this project. None for an API key, which has no date: nothing is asked."""
    account = session.credentials(deadline)
    if not isinstance(account, ServiceAccount) or not is_client_id(account.client_id):
        return None
    bucket = Bucket(group_id, SERVICE_ACCOUNT)
    path = SERVICE_ACCOUNT.path_of(group_id, account.client_id)
    return session.ask_once(Get(path, None, bucket, partial(_read, account)), account, deadline)


def _read(account: ServiceAccount, answer: Answer) -> OwnAccount:
    try:
        read = _Account.read(read_json(answer.body))
    except ValidationError:
        read = None  # the error is not chained: it may hold a mask
    if read is None or read.client_id != account.client_id:
        msg = "Atlas described the service account in an unknown shape"
        raise UnexpectedAtlasResponseError(msg)
    now = answer.date

    def expires_next(secret: _Secret) -> tuple[bool, datetime]:
        has_expired = now is not None and secret.expires_at <= now
        return has_expired, secret.expires_at

    # If the masks fit several secrets, the secret with the earliest date to come counts.
    fitting = [secret for secret in read.secrets if secret.may_be(account.client_secret)]
    first, *others = (
        ExpiringSecret(
            client_id=account.client_id,
            expires_at=secret.expires_at,
            is_certain=len(fitting) == 1,
            created_at=secret.created_at,
        )
        for secret in sorted(fitting or read.secrets, key=expires_next)
    )
    roles = None if read.roles is None else tuple(map(redact, read.roles))
    return OwnAccount(first, roles, tuple(others))
