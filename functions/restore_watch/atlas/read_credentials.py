"""Reads the credentials from the text of a secret. Pure."""

from collections.abc import Mapping
from typing import Any

from foundation.json_text import read_object
from restore_watch.atlas.allowed_base_url import GOVERNMENT_BASE_URL, allowed_base_url
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.errors import CredentialsError

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
