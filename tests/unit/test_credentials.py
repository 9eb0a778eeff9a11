"""Credentials know which of their parts are secret, and never show them."""

import base64
from urllib.parse import unquote

import pytest
from hypothesis import given

from restore_watch.atlas.credentials import ApiKey, ServiceAccount
from strategies import secrets

MARK = "~|~"
marked_secrets = secrets.map(lambda secret: MARK + secret)


@given(secrets, marked_secrets)
def test_credentials_do_not_show_their_secret(name: str, secret: str) -> None:
    for credentials in (ServiceAccount(name, secret), ApiKey(name, secret)):
        assert MARK not in repr(credentials).replace(name, "")
        assert MARK not in str(credentials).replace(name, "")


@given(secrets, secrets)
def test_a_service_account_hides_its_secret_in_every_form(name: str, secret: str) -> None:
    plain, quoted, basic = ServiceAccount(name, secret).secrets

    assert plain == unquote(quoted) == secret
    client, _, password = base64.b64decode(basic).decode().partition(":")
    assert (unquote(client), unquote(password)) == (name, secret)


def test_an_api_key_hides_its_private_key() -> None:
    assert ApiKey("abcdefgh", "hidden").secrets == ("hidden",)


@pytest.mark.parametrize("kind", [ServiceAccount, ApiKey])
def test_credentials_have_no_address_by_default(
    kind: type[ServiceAccount] | type[ApiKey],
) -> None:
    assert kind("name", "secret").base_url is None
