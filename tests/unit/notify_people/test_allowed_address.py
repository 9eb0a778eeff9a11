"""Where notices may be sent."""

import pytest

from notify_people.channels.allowed_address import allowed_base_url, is_allowed_address


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://hooks.slack.com/services/T0/B0/X", True),
        ("https://prod-1.westus.logic.azure.com:443/workflows/1?sig=x", True),
        ("http://127.0.0.1:8080/slack", True),
        ("http://[::1]/slack", True),
        ("http://localhost/slack", True),
        ("http://hooks.slack.com/", False),
        ("http://127.0.0.1.example.net/", False),
        ("ftp://127.0.0.1/", False),
        ("https://user@hooks.slack.com/", False),
        ("https://hooks.slack.com/#part", False),
        ("https://hooks..slack.com/services/T", False),
        (f"https://{'a' * 70}.com/x", False),
        ("https://", False),
        ("https://xn--/", False),
        ("https://host\x00/", False),
        ("https://hooks.slack.com/services/T0 /B0/X", False),
        ("https://hooks.slack.com/caf\u00e9", False),
        ("TODO", False),
        ("", False),
    ],
)
def test_notices_go_by_https_or_to_this_machine(address: str, *, allowed: bool) -> None:
    assert is_allowed_address(address) is allowed


def test_a_base_url_is_a_whole_host() -> None:
    assert allowed_base_url("https://events.pagerduty.com/") == "https://events.pagerduty.com"
    assert allowed_base_url("https://events.pagerduty.com/v2") is None
