"""Secrets Manager → the credentials for Atlas."""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.clock import is_recent
from foundation.deadline import Deadline
from foundation.json_text import read_object
from foundation.renewable import Renewable
from restore_watch.atlas.allowed_base_url import GOVERNMENT_BASE_URL, allowed_base_url
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.errors import CredentialsError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

REFUSAL_PAUSE = 60.0
"""After a read because of a 401, no other 401 causes a read for this many seconds."""

# The spellings of the Terraform provider, JSON APIs and MongoDB's CloudFormation resources, so that
# people can use the secret they have.
_SPELLINGS = {
    "client_id": ("client_id", "clientId", "ClientId"),
    "client_secret": ("client_secret", "clientSecret", "ClientSecret"),
    "public_key": ("public_key", "publicKey", "PublicKey"),
    "private_key": ("private_key", "privateKey", "PrivateKey"),
    "base_url": ("base_url", "baseUrl", "BaseUrl"),
    "government": ("is_mongodbgov_cloud", "isMongodbgovCloud", "IsMongoDBGovCloud"),
}


class AtlasSecret(Renewable[Credentials]):
    """The secret with the credentials, read again after four minutes, or if Atlas refuses them."""

    renewal_age, max_age, pause = 240.0, 300.0, 20.0

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_id: str,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(now)
        self._get = partial(client.get_secret_value, SecretId=secret_id)
        self._elsewhere = secret_elsewhere(secret_id, client.meta.region_name)
        self._read_for_refusal_at = -math.inf

    def credentials(self, deadline: Deadline, *, refused: Credentials | None = None) -> Credentials:
        """
        Return the credentials. If Atlas `refused` the cached value, read the secret again first.

        The refused credentials are returned if the secret still holds them, or was read for a
        refusal in the last minute.
        """
        with self._lock:
            now = self._now()
            is_paused = is_recent(now - self._read_for_refusal_at, REFUSAL_PAUSE)
            is_refused = refused is not None and refused == self._value and not is_paused
            if is_refused:
                self._read_for_refusal_at = now
            return self.current(deadline, is_refused=is_refused)

    def _read(self, deadline: Deadline) -> Credentials:
        try:
            answer = aws_call(deadline, "read the secret", self._get, "ARN")
        except AwsCallError as error:
            msg = f"the secret ATLAS_SECRET_ID: Secrets Manager {error}"
            if self._elsewhere and error.is_lasting:
                msg += f"; {self._elsewhere}"
            # The answers to a partial ARN, if the role may read exactly one secret.
            elif error.code in {"AccessDeniedException", "ResourceNotFoundException"}:
                msg += "; give the full ARN or the name"
            raise CredentialsError(msg) from None
        return read_credentials(answer.get("SecretString"))


def secret_elsewhere(secret_id: str, region: str) -> str | None:
    """Say in which other region a secret is by its ARN. None if it is in this region, or a name."""
    parts = secret_id.split(":")
    if parts[0] != "arn":
        return None
    its_region = parts[3] if len(parts) > 3 else ""
    if its_region == region:
        return None
    return f"by its ARN, the secret is in {its_region}, and the stack in {region}"


def read_credentials(text: str | None) -> Credentials:
    """
    Return the credentials in a secret's text. If it has both, the service account is used.

    Raises CredentialsError naming the key that is missing or wrong, never a value.
    """
    given = _given(text)
    base_url = _base_url(given)
    if "client_id" in given or "client_secret" in given:
        return ServiceAccount(_text(given, "client_id"), _text(given, "client_secret"), base_url)
    if "public_key" in given or "private_key" in given:
        public_key = _text(given, "public_key")
        if public_key.startswith("mdb_sa_"):
            raise CredentialsError(
                "the secret's public_key holds a service account's client id: store it as "
                "client_id, and its secret as client_secret"
            )
        return ApiKey(public_key, _text(given, "private_key"), base_url)
    raise CredentialsError(
        "the secret holds neither client_id and client_secret (service account) nor public_key "
        "and private_key (API key)"
    )


def _given(text: str | None) -> dict[str, Any]:
    """Return the values that are not empty, each by the first spelling of its key."""
    secret = read_object(text)
    if secret is None:
        raise CredentialsError("the secret is not a JSON object in SecretString")
    given = {}
    for key, spellings in _SPELLINGS.items():
        for name in spellings:
            if secret.get(name) not in (None, ""):
                given[key] = secret[name]
                break
    return given


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    # Both go into headers, where only visible ASCII is unambiguous.
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isascii() or not text.isprintable():
        msg = f"the secret's {key} is missing, or not a text of visible ASCII characters"
        raise CredentialsError(msg)
    return text


def _base_url(given: Mapping[str, Any]) -> str | None:
    value = given.get("base_url")
    if value:
        allowed = allowed_base_url(value, loopback=False) if isinstance(value, str) else None
        if allowed is None:
            msg = "the secret's base_url is not one of MongoDB's own hosts under https"
            raise CredentialsError(msg)
        return allowed
    return GOVERNMENT_BASE_URL if str(given.get("government")).casefold() == "true" else None
