"""The secret is validated, masked and cached."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.deadline import Deadline
from notify_people.channels.channel import Channel
from notify_people.channels.notify_secret import NotifySecret, read_secret
from notify_people.errors import SecretError
from strategies import json_values
from unit.stubbed_aws import Refusal, secrets_manager

KEYS = {
    Channel.SLACK: "slack_webhook_url",
    Channel.TEAMS: "teams_webhook_url",
    Channel.PAGER: "pagerduty_routing_key",
}
SLACK = {"slack_webhook_url": "https://hooks.slack.com/services/T0/B0/canary"}
WHOLE = SLACK | {
    "teams_webhook_url": "https://prod-1.westus.logic.azure.com:443/workflows/1?sig=canary",
    "pagerduty_routing_key": "canary0123456789abcdef0123456789",
}
NO_ADDRESS = "is not an https address without blanks"


def refusal(values: Mapping[str, object], channel: Channel) -> str:
    """What is wrong with the value of a channel. No error may quote a value."""
    with pytest.raises(SecretError) as refused:
        read_secret(json.dumps(values)).of(channel)
    assert "canary" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("channel", KEYS)
def test_every_key_is_optional(channel: Channel) -> None:
    key = KEYS[channel]
    made = read_secret(json.dumps({key: f" {WHOLE[key]}\n", "other": 1}))

    assert made.values == {channel: WHOLE[key]}
    assert made.of(channel) == WHOLE[key]
    assert "canary" not in f"{made!r} {made}"


@pytest.mark.parametrize("text", [None, "", "[]", "canary", "{}", '{"slack_webhook_url": ""}'])
def test_a_secret_without_any_key_is_refused(text: str | None) -> None:
    with pytest.raises(SecretError) as refused:
        read_secret(text)

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("channel", "value", "problem"),
    [
        (Channel.SLACK, "http://hooks.slack.com/canary", NO_ADDRESS),
        (Channel.SLACK, "https://canary@hooks.slack.com/", NO_ADDRESS),
        (Channel.SLACK, "https://hooks.slack.com/canary\u00e9", NO_ADDRESS),
        (Channel.SLACK, "https://hooks.slack.com/T0 /canary", NO_ADDRESS),
        (Channel.TEAMS, ["canary"], NO_ADDRESS),
        (Channel.PAGER, "canary", "is not a key of 32 letters and digits"),
        (Channel.PAGER, {"canary": 1}, "is not a key of 32 letters and digits"),
    ],
    ids=[
        "http",
        "a user",
        "not ASCII",
        "a blank",
        "a list",
        "a short key",
        "an object",
    ],
)
def test_a_wrong_value_concerns_its_channel_alone(
    channel: Channel, value: object, problem: str
) -> None:
    values = WHOLE | {KEYS[channel]: value}

    assert refusal(values, channel) == f"the secret's {KEYS[channel]} {problem}"
    for other in KEYS.keys() - {channel}:
        assert read_secret(json.dumps(values)).of(other) == WHOLE[KEYS[other]]


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("", "https://events.pagerduty.com"),
        ("https://events.pagerduty.com", "https://events.pagerduty.com"),
        (" https://events.eu.pagerduty.com/\n", "https://events.eu.pagerduty.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_secret_names_the_service_region_of_pagerduty(value: str, taken: str) -> None:
    assert read_secret(json.dumps(WHOLE | {"pagerduty_url": value})).pagerduty_url == taken


@pytest.mark.parametrize(
    "value",
    [
        *("https://canary.example.org", "http://events.pagerduty.com", "canary", ["canary"]),
        *("https://events.pagerduty.com/v2/enqueue", "https://canary@events.pagerduty.com"),
    ],
    ids=["another host", "http", "no address", "a list", "a path", "a user"],
)
def test_another_address_than_one_of_pagerduty_concerns_the_pager_alone(value: object) -> None:
    """The routing key is a credential."""
    values = WHOLE | {"pagerduty_url": value}

    assert refusal(values, Channel.PAGER) == (
        "the secret's pagerduty_url is not https://events.pagerduty.com or "
        "https://events.eu.pagerduty.com"
    )
    assert read_secret(json.dumps(values)).of(Channel.SLACK) == WHOLE["slack_webhook_url"]


def test_an_address_of_pagerduty_needs_a_routing_key() -> None:
    values = SLACK | {"pagerduty_url": "https://events.eu.pagerduty.com"}

    assert refusal(values, Channel.PAGER).startswith("the secret has no pagerduty_routing_key")


@pytest.mark.parametrize(
    "more",
    [{"teams_url": ""}, {"slack_webhook_url_of_last_year": "x"}, {"comment": "teams"}],
    ids=["empty", "of last year", "a comment"],
)
def test_a_key_that_nothing_depends_on_is_ignored(more: dict[str, str]) -> None:
    values = SLACK | more

    assert read_secret(json.dumps(values)).values == {Channel.SLACK: SLACK["slack_webhook_url"]}
    assert refusal(values, Channel.TEAMS) == "the secret has no teams_webhook_url"


@given(json_values() | st.dictionaries(st.sampled_from(list(WHOLE)), json_values()))
def test_any_secret_is_read_or_refused(value: Any) -> None:
    with suppress(SecretError):
        read_secret(json.dumps(value))


def refused(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise Refusal("AccessDeniedException")


def test_without_an_id_the_secret_is_empty() -> None:
    assert NotifySecret(secrets_manager(refused), None).current(Deadline.after(10)).values == {}


def test_a_secret_that_cannot_be_read_is_an_error_without_its_name() -> None:
    with pytest.raises(SecretError, match="AccessDeniedException") as error:
        NotifySecret(secrets_manager(refused), "canary").current(Deadline.after(10))

    assert "canary" not in str(error.value)


def test_the_secret_is_read_again_after_five_minutes() -> None:
    """If it cannot be read, the old values are used for an hour, and it is asked once a minute."""
    asked: list[float] = []
    now, works = 0.0, True

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(now)
        return {"ARN": "arn", "SecretString": json.dumps(WHOLE)} if works else refused(parameters)

    secret = NotifySecret(secrets_manager(answer), "people", now=lambda: now)
    for at in (100, 399, 400, 399):
        now = at
        secret.current(Deadline.after(10))
    works = False
    for at in (699, 758, 759, 3998):
        now = at
        secret.current(Deadline.after(10))
    now = 4058
    with pytest.raises(SecretError):
        secret.current(Deadline.after(10))

    assert asked == [100, 400, 399, 699, 759, 3998, 4058]


def test_a_secret_with_other_keys_alone_names_them_but_no_address_in_the_place_of_one() -> None:
    values = {"teams_url": "canary", "https://hooks.slack.com/services/canary": "x", "note": "x"}

    with pytest.raises(SecretError, match=r"; it has teams_url, note$"):
        read_secret(json.dumps(values))
