"""Credentials are read from a secret in every spelling that people have stored."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel, to_pascal

from restore_watch.atlas.credentials import DEFAULT_BASE_URL, ApiKey, Credentials, ServiceAccount
from restore_watch.aws.secrets_manager import read_credentials
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


def test_a_service_account_is_preferred_to_an_api_key() -> None:
    assert isinstance(read_credentials(json.dumps(KEY | ACCOUNT)), ServiceAccount)


@pytest.mark.parametrize("empty", [None, ""], ids=["null", "empty"])
def test_a_key_without_a_value_counts_as_absent(empty: str | None) -> None:
    text = json.dumps({"client_id": empty, "client_secret": empty} | KEY)

    assert isinstance(read_credentials(text), ApiKey)


@pytest.mark.parametrize("secret", [ACCOUNT, KEY], ids=["service account", "api key"])
@pytest.mark.parametrize("missing", [0, 1], ids=["name", "secret"])
@pytest.mark.parametrize(
    "value",
    [None, "", " ", 5, ["x"], "in\nside", "h\u00e4", "\ud800", "nul\0"],
    ids=repr,
)
def test_a_missing_or_wrong_key_is_named(
    secret: dict[str, Any], missing: int, value: object
) -> None:
    key = list(secret)[missing]

    assert f"{key} is missing" in refusal(secret | {key: value})


@pytest.mark.parametrize(
    "secret", [{}, {"username": "x", "password": "y"}], ids=["empty", "other keys"]
)
def test_a_secret_without_credentials_names_the_known_keys(
    secret: dict[str, str],
) -> None:
    text = refusal(secret)

    assert all(key in text for key in (*ACCOUNT, *KEY))


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "{", "abcdefgh:11111111", "null", "[]", "NaN", "\ufeff{}"),
        *("[" * 100_000, "9" * 5000),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_a_secret_that_is_not_a_json_object_is_refused(text: str | None) -> None:
    assert "not a JSON object" in refusal(text)


def test_a_service_account_stored_as_an_api_key_is_recognised() -> None:
    text = refusal({"public_key": "mdb_sa_id_1", "private_key": "mdb_sa_sk_hidden"})

    assert "client_id" in text
    assert "client_secret" in text


@pytest.mark.parametrize("spelling", ["base_url", "baseUrl", "BaseUrl"])
@pytest.mark.parametrize("secret", [ACCOUNT, KEY], ids=["service account", "api key"])
def test_a_secret_may_name_another_host_of_mongodb(secret: dict[str, str], spelling: str) -> None:
    text = json.dumps(secret | {spelling: "https://cloud.mongodbgov.com/"})

    assert read_credentials(text).base_url == "https://cloud.mongodbgov.com"


@pytest.mark.parametrize(
    "value", ["https://example.org", "http://127.0.0.1:8080", 5, [DEFAULT_BASE_URL]], ids=repr
)
def test_a_secret_may_not_name_a_foreign_host(value: object) -> None:
    text = refusal(KEY | {"BaseUrl": value})

    assert "base_url" in text
    assert "example.org" not in text


@pytest.mark.parametrize(
    "spelling", ["is_mongodbgov_cloud", "isMongodbgovCloud", "IsMongoDBGovCloud"]
)
@pytest.mark.parametrize("value", [True, "true", "True"], ids=repr)
def test_a_secret_may_be_for_the_government_cloud(spelling: str, value: object) -> None:
    text = json.dumps(KEY | {spelling: value})

    assert read_credentials(text).base_url == "https://cloud.mongodbgov.com"


@pytest.mark.parametrize("government", [False, "false", None, ""], ids=repr)
@pytest.mark.parametrize("base_url", [None, ""], ids=repr)
def test_a_secret_may_have_no_address(base_url: object, government: object) -> None:
    text = json.dumps(KEY | {"BaseUrl": base_url, "IsMongoDBGovCloud": government})

    assert read_credentials(text).base_url is None


def test_an_address_overrides_the_government_flag() -> None:
    text = json.dumps(KEY | {"BaseUrl": "https://cloud-dev.mongodb.com", "IsMongoDBGovCloud": True})

    assert read_credentials(text).base_url == "https://cloud-dev.mongodb.com"


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


def outcome(text: str) -> Credentials | CredentialsError:
    try:
        return read_credentials(text)
    except CredentialsError as error:
        return error


@given(json_values(st.booleans() | marked).map(json.dumps) | similar_secrets.map(json.dumps))
def test_any_json_is_credentials_or_a_typed_error_that_quotes_nothing(text: str) -> None:
    result = outcome(text)

    if isinstance(result, CredentialsError):
        assert MARK not in str(result)
    else:
        assert all(result.secrets)


@given(marked)
def test_a_text_that_is_not_json_is_not_quoted_or_kept(text: str) -> None:
    with pytest.raises(CredentialsError) as refused:
        read_credentials(text)

    assert MARK not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
