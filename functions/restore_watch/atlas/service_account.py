"""
Asks Atlas for our own service account: when the secret in use expires, and which roles it has.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/operation/operation-getgroupserviceaccount
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from foundation.deadline import Deadline
from restore_watch.atlas.client import Get
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.endpoints import AtlasStatus, service_account_path
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.credentials_expiry import ExpiringSecret, is_client_id
from restore_watch.model.fields import OrNull, UtcDate
from restore_watch.redaction import redact

_HIDDEN = re.compile(r"[.*\u2022\u2026]")
"""Signs that stand for hidden ones. No secret of a service account has them."""


class _Secret(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)

    expires_at: UtcDate
    masked_secret_value: OrNull[str] = Field(repr=False)

    def may_be(self, secret: str) -> bool:
        """Whether the mask shows an ending of this secret, or no ending at all."""
        return secret.endswith(_HIDDEN.split(self.masked_secret_value or "")[-1])


class _Account(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)

    client_id: str
    roles: OrNull[list[str]]
    secrets: list[_Secret] = Field(min_length=1)


class OwnAccount(NamedTuple):
    """Our service account, as a project shows it. `roles` is None in an unknown form."""

    secret: ExpiringSecret
    roles: tuple[str, ...] | None


class ServiceAccounts:
    """
    Asks about the service account whose credentials the session has. Changes nothing.

    No part of a secret, and no mask of one, leaves this module.
    """

    def __init__(self, session: AtlasSession) -> None:
        self._session = session

    def own(self, group_id: str, deadline: Deadline) -> OwnAccount | None:
        """
        Ask once, in this project. None for an API key, which has no date: nothing is asked.

        Raises AtlasError, or CredentialsError if there are no credentials.
        """
        account = self._session.credentials(deadline)
        if not isinstance(account, ServiceAccount) or not is_client_id(account.client_id):
            return None
        path = service_account_path(group_id, account.client_id)
        get = Get(path, None, Bucket(group_id, AtlasStatus.SERVICE_ACCOUNT))
        return self._session.ask_once(get, account, deadline, partial(_read, account))


def _read(account: ServiceAccount, answer: Answer) -> OwnAccount:
    try:
        read = _Account.model_validate_json(answer.body)
    except ValidationError:
        read = None  # the error is not chained: it may hold a mask
    if read is None or read.client_id != account.client_id:
        msg = "Atlas described the service account in an unknown shape"
        raise UnexpectedAtlasResponseError(msg)
    expires_at, is_certain = _in_use(read.secrets, account.client_secret, answer.date)
    roles = None if read.roles is None else tuple(map(redact, read.roles))
    return OwnAccount(ExpiringSecret(account.client_id, expires_at, is_certain), roles)


def _in_use(secrets: Sequence[_Secret], secret: str, now: datetime | None) -> tuple[datetime, bool]:
    """
    When the secret in use expires, and whether it is certain which one that is.

    If the masks do not single one out, it is the earliest date that has not passed.
    """
    fitting = [one.expires_at for one in secrets if one.may_be(secret)]
    if len(fitting) == 1:
        return fitting[0], True
    dates = fitting or [one.expires_at for one in secrets]
    return min([one for one in dates if now is None or one > now] or dates), False
