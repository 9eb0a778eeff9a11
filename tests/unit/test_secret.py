"""Credentials are read from a secret in every spelling that people have stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.errors import CredentialsError
from restore_watch.secret import read_credentials
from strategies import json_values, secrets

ACCOUNT = {"client_id": "mdb_sa_id_1", "client_secret": "mdb_sa_sk_hidden"}
KEY = {"public_key": "abcdefgh", "private_key": "11111111-2222-3333-4444-555555555555"}


def refusal(secret: object) -> str:
    text = secret if isinstance(secret, str) or secret is None else json.dumps(secret)
    with pytest.raises(CredentialsError) as refused:
        read_credentials(text)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "secret"),
    [("client_id", "client_secret"), ("clientId", "clientSecret"), ("ClientId", "ClientSecret")],
    ids=str,
)
def test_a_service_account_is_read_in_every_spelling(name: str, secret: str) -> None:
    text = json.dumps({name: "mdb_sa_id_1", secret: "mdb_sa_sk_hidden"})

    assert read_credentials(text) == ServiceAccount("mdb_sa_id_1", "mdb_sa_sk_hidden")


@pytest.mark.parametrize(
    ("public", "private"),
    [("public_key", "private_key"), ("publicKey", "privateKey"), ("PublicKey", "PrivateKey")],
    ids=str,
)
def test_an_api_key_is_read_in_every_spelling(public: str, private: str) -> None:
    text = json.dumps({public: "abcdefgh", private: "hidden"})

    assert read_credentials(text) == ApiKey("abcdefgh", "hidden")


def test_a_service_account_comes_before_an_api_key() -> None:
    assert isinstance(read_credentials(json.dumps(KEY | ACCOUNT)), ServiceAccount)


@pytest.mark.parametrize("empty", [None, ""], ids=["null", "empty"])
def test_a_key_without_a_value_counts_as_absent(empty: str | None) -> None:
    text = json.dumps({"client_id": empty, "client_secret": empty} | KEY)

    assert isinstance(read_credentials(text), ApiKey)


def test_a_null_in_one_spelling_does_not_hide_the_value_in_another() -> None:
    text = json.dumps({"client_id": None, "clientId": "mdb_sa_id_1", "client_secret": "hidden"})

    assert read_credentials(text) == ServiceAccount("mdb_sa_id_1", "hidden")


def test_other_keys_of_a_secret_are_ignored() -> None:
    text = json.dumps(ACCOUNT | {"DebugClient": True, "rotated": 5, "notes": ["one"]})

    assert read_credentials(text) == ServiceAccount("mdb_sa_id_1", "mdb_sa_sk_hidden")


def test_spaces_around_a_value_are_ignored() -> None:
    text = json.dumps({name: f" {value}\n" for name, value in ACCOUNT.items()})

    assert read_credentials(text) == ServiceAccount("mdb_sa_id_1", "mdb_sa_sk_hidden")


@pytest.mark.parametrize("secret", [ACCOUNT, KEY], ids=["service account", "api key"])
@pytest.mark.parametrize("missing", [0, 1], ids=["name", "secret"])
@pytest.mark.parametrize(
    "value",
    [None, "", " ", 5, True, ["x"], {"x": 1}, "in\nside", "h\u00e4", "\ud800", "nul\0"],
    ids=repr,
)
def test_a_missing_or_wrong_key_is_named(
    secret: dict[str, Any], missing: int, value: object
) -> None:
    key = list(secret)[missing]

    assert f"{key} is missing" in refusal(secret | {key: value})


@pytest.mark.parametrize("secret", [ACCOUNT, KEY], ids=["service account", "api key"])
@pytest.mark.parametrize("missing", [0, 1], ids=["name", "secret"])
def test_half_of_a_pair_is_not_enough(secret: dict[str, Any], missing: int) -> None:
    key = list(secret)[missing]
    half = {name: value for name, value in secret.items() if name != key}

    assert f"{key} is missing" in refusal(half)


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
        None,
        "",
        "{",
        "abcdefgh:11111111",
        "null",
        "[]",
        '"text"',
        "5",
        "NaN",
        "[" * 100_000,
        "9" * 5000,
        "\ufeff{}",
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


@pytest.mark.parametrize("value", [None, ""], ids=["null", "empty"])
def test_a_secret_without_an_address_leaves_it_to_the_operator(value: str | None) -> None:
    assert read_credentials(json.dumps(KEY | {"BaseUrl": value})).base_url is None


@pytest.mark.parametrize(
    "value",
    [
        "https://example.org",
        "http://cloud.mongodb.com",
        "http://127.0.0.1:8080",
        "https://cloud.mongodb.com@example.org",
        "cloud.mongodb.com",
        5,
        ["https://cloud.mongodb.com"],
    ],
    ids=repr,
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


@pytest.mark.parametrize("value", [False, "false", None, ""], ids=repr)
def test_a_government_flag_that_is_not_set_changes_nothing(value: object) -> None:
    assert read_credentials(json.dumps(KEY | {"IsMongoDBGovCloud": value})).base_url is None


def test_an_address_comes_before_the_government_flag() -> None:
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


@given(st.text() | json_values().map(json.dumps) | similar_secrets.map(json.dumps))
def test_any_text_is_credentials_or_a_typed_error(text: str) -> None:
    result = outcome(text)

    assert isinstance(result, CredentialsError) or all(result.secrets)
    assert str(result)


@given(similar_secrets)
def test_no_value_of_a_secret_is_quoted(secret: dict[str, Any]) -> None:
    result = outcome(json.dumps(secret))

    assert isinstance(result, Credentials) or MARK not in str(result)


@given(marked)
def test_a_text_that_is_not_json_is_not_quoted_and_not_kept(text: str) -> None:
    with pytest.raises(CredentialsError) as refused:
        read_credentials(text)

    assert MARK not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
