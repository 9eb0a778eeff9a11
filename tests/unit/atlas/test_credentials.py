"""Credentials are sent to MongoDB's own hosts, and to this machine in tests, and never shown."""

import base64
import ipaddress
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.allowed_base_url import allowed_base_url
from restore_watch.atlas.credentials import ApiKey, ServiceAccount
from strategies import secrets

HOSTS = (
    "cloud.mongodb.com",
    "cloud-qa.mongodb.com",
    "cloud-dev.mongodb.com",
    "cloud.mongodbgov.com",
    "cloud-qa.mongodbgov.com",
    "cloud-dev.mongodbgov.com",
)


SPELLINGS = {
    **{f"https://{host}": f"https://{host}" for host in HOSTS},
    **dict.fromkeys(
        [
            "https://cloud.mongodb.com/",
            "https://cloud.mongodb.com//",
            "HTTPS://Cloud.MongoDB.com",
            "https://cloud.mongodb.com:443",
        ],
        "https://cloud.mongodb.com",
    ),
}


@pytest.mark.parametrize(("text", "address"), SPELLINGS.items(), ids=SPELLINGS)
@pytest.mark.parametrize("loopback", [True, False], ids=["operator", "secret"])
def test_mongodbs_own_hosts_are_allowed_in_every_spelling(
    text: str, address: str, *, loopback: bool
) -> None:
    assert allowed_base_url(text, loopback=loopback) == address


OTHERS = [
    *("", "cloud.mongodb.com", "//cloud.mongodb.com", "http://cloud.mongodb.com", "https://["),
    *("https://cloud.mongodb.com:8443", "https://cloud.mongodb.com/api", "https://\0"),
    *("https://cloud.mongodb.com?to=elsewhere", "https://cloud.mongodb.com#elsewhere"),
    *("https://user@cloud.mongodb.com", "https://cloud.mongodb.com@example.org"),
    *("https://cloud.mongodb.com\\@example.org", "https://cloud.mongodb.com.example.org"),
    *("https://cloud.mongodb.com%2eexample.org", "https://example.org/cloud.mongodb.com"),
    *("https://evil-cloud.mongodb.com", "https://cloud.mongodb.com."),
    *("https://cloud.mongodb.com\r\nHost: example.org", "http://169.254.169.254"),
    *("http://0.0.0.0:8080", "http://127.0.0.1.example.org", "http://localhost.example.org"),
    *("http://2130706433", "https://" + "a" * 100_000),
]


@pytest.mark.parametrize("text", OTHERS, ids=lambda text: repr(text)[:40])
@pytest.mark.parametrize("loopback", [True, False], ids=["operator", "secret"])
def test_every_other_address_is_refused(text: str, *, loopback: bool) -> None:
    assert allowed_base_url(text, loopback=loopback) is None


LOOPBACK = {
    "http://127.0.0.1:8080": "http://127.0.0.1:8080",
    "http://127.0.0.1:8080/": "http://127.0.0.1:8080",
    "http://127.1.2.3": "http://127.1.2.3",
    "http://[::1]:8080": "http://[::1]:8080",
    "http://localhost:8080": "http://localhost:8080",
    "https://localhost:8443": "https://localhost:8443",
}


@pytest.mark.parametrize(("text", "address"), LOOPBACK.items(), ids=LOOPBACK)
def test_the_operator_may_set_a_loopback_address_and_a_secret_may_not(
    text: str, address: str
) -> None:
    assert allowed_base_url(text, loopback=True) == address
    assert allowed_base_url(text, loopback=False) is None


addresses = st.from_regex(
    r"(https?|HTTPS|ftp)://[\[\]a-zA-Z0-9.:@%\\?#-]{0,40}(:[0-9]{0,6})?/?", fullmatch=True
)
near_misses = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS://", "//", ""]),
    st.text(max_size=4),
    st.sampled_from([*HOSTS, "127.0.0.1", "localhost", "[::1]"]),
    st.text(max_size=4),
)


@given(text=st.text() | addresses | near_misses, loopback=st.booleans())
def test_any_allowed_address_has_an_allowed_host(text: str, *, loopback: bool) -> None:
    address = allowed_base_url(text, loopback=loopback)
    if address is None:
        return

    url = httpx.URL(f"{address}/api")
    assert not url.userinfo
    assert url.path == "/api"
    assert (url.scheme == "https" and url.host in HOSTS) or (
        loopback and (url.host == "localhost" or ipaddress.ip_address(url.host).is_loopback)
    )


# Secrets


@given(secrets, secrets)
def test_a_service_account_hides_its_secret_in_every_form(name: str, secret: str) -> None:
    plain, quoted, basic = ServiceAccount(name, secret).secrets

    assert plain == unquote(quoted) == secret
    client, _, password = base64.b64decode(basic).decode().partition(":")
    assert (unquote(client), unquote(password)) == (name, secret)


def test_an_api_key_hides_its_private_key() -> None:
    assert ApiKey("abcdefgh", "hidden").secrets == ("hidden",)
