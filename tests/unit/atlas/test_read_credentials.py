"""Credentials are read from a secret in any spelling, or refused by the name of the key."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel, to_pascal

from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.read_credentials import read_credentials
from restore_watch.errors import CredentialsError
from strategies import json_values, secrets

ACCOUNT = {"client_id": "mdb_sa_id_1", "client_secret": "mdb_sa_sk_hidden"}
KEY = {"public_key": "abcdefgh", "private_key": "11111111-2222-3333-4444-555555555555"}


def refusal(secret: object) -> str:
    text = secret if isinstance(secret, str) or secret is None else json.dumps(secret)
    with pytest.raises(CredentialsError) as refused:
        read_credentials(text)
    return str(refused.value)


@pytest.mark.parametrize("kind", [ServiceAccount, ApiKey])
@pytest.mark.parametrize("spelling", [str, to_camel, to_pascal], ids=["snake", "camel", "pascal"])
def test_credentials_are_read_in_every_spelling_without_spaces_around_them(
    kind: type[ServiceAccount] | type[ApiKey], spelling: Callable[[str], str]
) -> None:
    name, secret = ACCOUNT if kind is ServiceAccount else KEY
    other_spelling = to_camel(name) if spelling is str else name

    text = {other_spelling: None, spelling(name): " name", spelling(secret): "hidden\n", "notes": 5}

    assert read_credentials(json.dumps(text)) == kind("name", "hidden")


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (KEY | ACCOUNT, ServiceAccount),
        ({"client_id": None, "client_secret": None} | KEY, ApiKey),
        ({"client_id": "", "client_secret": ""} | KEY, ApiKey),
    ],
    ids=["both", "null", "empty"],
)
def test_a_service_account_is_preferred_to_an_api_key_if_it_has_values(
    secret: dict[str, str], kind: type[Credentials]
) -> None:
    assert isinstance(read_credentials(json.dumps(secret)), kind)


@pytest.mark.parametrize("secret", [ACCOUNT, KEY], ids=["service account", "api key"])
@pytest.mark.parametrize("missing", [0, 1], ids=["name", "secret"])
@pytest.mark.parametrize(
    "value", [None, "", " ", 5, ["x"], "in\nside", "h\u00e4", "\ud800", "nul\0"], ids=repr
)
def test_a_missing_or_wrong_key_is_named(
    secret: dict[str, Any], missing: int, value: object
) -> None:
    key = list(secret)[missing]

    assert f"{key} is missing" in refusal(secret | {key: value})


EVERY = "client_id client_secret public_key private_key"


@pytest.mark.parametrize(
    ("secret", "named"),
    [
        ({}, EVERY),
        ({"username": "x", "password": "y"}, EVERY),
        ({"public_key": "mdb_sa_id_1", "private_key": "mdb_sa_sk_1"}, "client_id client_secret"),
    ],
    ids=["empty", "other keys", "a service account as an api key"],
)
def test_a_secret_without_credentials_names_the_known_keys(
    secret: dict[str, str], named: str
) -> None:
    assert all(key in refusal(secret) for key in named.split())


@pytest.mark.parametrize("text", [None, "", "abcdefgh:11111111", "null", "[]"])
def test_a_secret_that_is_not_a_json_object_is_refused(text: str | None) -> None:
    assert "not a JSON object" in refusal(text)


GOV = "https://cloud.mongodbgov.com"
DEV = "https://cloud-dev.mongodb.com"
ADDRESSES: list[tuple[Mapping[str, object], str | None]] = [
    *(({name: f"{GOV}/"}, GOV) for name in ("base_url", "baseUrl", "BaseUrl")),
    *(
        ({name: value}, GOV)
        for name in ("is_mongodbgov_cloud", "isMongodbgovCloud", "IsMongoDBGovCloud")
        for value in (True, "true", "True")
    ),
    *(
        ({"BaseUrl": base_url, "IsMongoDBGovCloud": government}, None)
        for base_url in (None, "")
        for government in (False, "false", None, "")
    ),
    ({"BaseUrl": DEV, "IsMongoDBGovCloud": True}, DEV),
]


@pytest.mark.parametrize(("fields", "base_url"), ADDRESSES, ids=str)
@pytest.mark.parametrize("secret", [ACCOUNT, KEY], ids=["service account", "api key"])
def test_a_secret_may_name_another_host_of_mongodb_or_the_government_cloud(
    secret: dict[str, str], fields: Mapping[str, object], base_url: str | None
) -> None:
    assert read_credentials(json.dumps({**secret, **fields})).base_url == base_url


@pytest.mark.parametrize(
    "value",
    ["https://example.org", "http://127.0.0.1:8080", 5, ["https://cloud.mongodb.com"]],
    ids=repr,
)
def test_a_secret_may_not_name_a_foreign_host(value: object) -> None:
    text = refusal(KEY | {"BaseUrl": value})

    assert "base_url" in text
    assert "example.org" not in text


NAMES = [
    *("client_id", "clientId", "ClientId", "client_secret", "clientSecret", "ClientSecret"),
    *("public_key", "publicKey", "PublicKey", "private_key", "privateKey", "PrivateKey"),
    *("base_url", "baseUrl", "BaseUrl", "is_mongodbgov_cloud", "IsMongoDBGovCloud"),
]
MARK = "~|~"
"""Our own texts never contain it, so a value with it is recognised wherever it is quoted."""

marked = (secrets | st.text()).map(lambda text: MARK + text)
similar_secrets = st.dictionaries(
    st.sampled_from(NAMES), marked | json_values(st.booleans() | marked), max_size=6
)


@given(
    json_values(st.booleans() | marked).map(json.dumps) | similar_secrets.map(json.dumps) | marked
)
def test_any_text_is_credentials_or_a_typed_error_that_quotes_and_keeps_nothing(text: str) -> None:
    result: Credentials | CredentialsError
    try:
        result = read_credentials(text)
    except CredentialsError as error:
        result = error

    if isinstance(result, CredentialsError):
        assert MARK not in str(result)
        assert result.__cause__ is result.__context__ is None
    else:
        assert all(result.secrets)
