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
from notify_people.channels.secret import KEYS, MAX_AGE, NotifySecret, read_secret
from notify_people.errors import SecretError
from strategies import json_values
from unit.stubbed_aws import Refusal, secrets_manager

WHOLE = {
    "slack_webhook_url": "https://hooks.slack.com/services/T0/B0/canary",
    "teams_webhook_url": "https://prod-1.westus.logic.azure.com:443/workflows/1?sig=canary",
    "pagerduty_routing_key": "canary0123456789abcdef0123456789",
}


def refusal(text: str | None) -> SecretError:
    with pytest.raises(SecretError) as refused:
        read_secret(text)
    return refused.value


def test_every_key_is_optional() -> None:
    for channel, key in (
        (Channel.SLACK, "slack_webhook_url"),
        (Channel.TEAMS, "teams_webhook_url"),
        (Channel.PAGER, "pagerduty_routing_key"),
    ):
        made = read_secret(json.dumps({key: f" {WHOLE[key]}\n", "other": 1}))

        assert made.values == {channel: WHOLE[key]}
        assert made.of(channel) == WHOLE[key]


@pytest.mark.parametrize("text", [None, "", "[]", "canary", "{}", '{"slack_webhook_url": ""}'])
def test_a_secret_without_any_key_is_refused(text: str | None) -> None:
    assert "canary" not in str(refusal(text))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("slack_webhook_url", "http://hooks.slack.com/canary"),
        ("slack_webhook_url", "https://canary@hooks.slack.com/"),
        ("slack_webhook_url", "https://hooks.slack.com/#canary"),
        ("slack_webhook_url", "https://hooks.slack.com/canary\u00e9"),
        ("slack_webhook_url", "https://hooks.slack.com/services/canary/..."),
        ("slack_webhook_url", "https://hooks.slack.com/services/canary/TODO"),
        ("teams_webhook_url", ["canary"]),
        ("teams_webhook_url", "canary"),
        ("pagerduty_routing_key", "canary"),
        ("pagerduty_routing_key", {"canary": 1}),
    ],
)
def test_a_wrong_value_is_named_by_its_key_and_not_quoted(key: str, value: object) -> None:
    made = read_secret(json.dumps(WHOLE | {key: value}))
    (channel,) = (one for one, name in KEYS.items() if name == key)

    with pytest.raises(SecretError, match=key) as refused:
        made.of(channel)
    assert "canary" not in str(refused.value)
    others = {KEYS[one]: made.of(one) for one in KEYS if one is not channel}
    assert others == {name: WHOLE[name] for name in others}, "the others are not affected"


def test_a_channel_without_a_key_is_named() -> None:
    made = read_secret(json.dumps({"slack_webhook_url": WHOLE["slack_webhook_url"]}))

    with pytest.raises(SecretError, match="the secret has no teams_webhook_url"):
        made.of(Channel.TEAMS)


@pytest.mark.parametrize(
    ("key", "channel"),
    [
        ("pagerDutyRoutingKey", Channel.PAGER),
        ("PAGERDUTY_ROUTING_KEY", Channel.PAGER),
        ("pagerduty_key", Channel.PAGER),
        ("pager_routing_key", Channel.PAGER),
        ("Teams_Webhook_Url", Channel.TEAMS),
        ("teams_url", Channel.TEAMS),
        ("taems-webhook-url", Channel.TEAMS),
    ],
)
def test_a_mistyped_key_beside_a_good_one_is_named(key: str, channel: Channel) -> None:
    good = {"slack_webhook_url": WHOLE["slack_webhook_url"]}
    made = read_secret(json.dumps(good | {key: "canary"}))

    assert made.of(Channel.SLACK) == WHOLE["slack_webhook_url"]
    assert set(made.values) == {Channel.SLACK, channel}
    with pytest.raises(SecretError) as refused:
        made.of(channel)
    problem = f"the secret has no {KEYS[channel]}, but a key that is much like it: {key}"
    assert str(refused.value) == problem


@pytest.mark.parametrize(
    "more", [{"teams_url": ""}, {"slack_webhook_url_of_last_year": "x"}, {"comment": "teams"}]
)
def test_a_key_that_nothing_depends_on_is_ignored(more: dict[str, str]) -> None:
    good = {"slack_webhook_url": WHOLE["slack_webhook_url"]}

    assert read_secret(json.dumps(good | more)).values == {Channel.SLACK: good["slack_webhook_url"]}


def test_an_address_in_the_place_of_a_key_is_not_named() -> None:
    made = read_secret(json.dumps({WHOLE["slack_webhook_url"]: "slack_webhook_url"}))

    with pytest.raises(SecretError, match="has no slack_webhook_url, but a key") as refused:
        made.of(Channel.SLACK)
    assert "canary" not in str(refused.value)


def test_the_text_of_the_values_shows_none() -> None:
    made = read_secret(json.dumps(WHOLE))

    assert "canary" not in f"{made!r} {made}"


@given(json_values() | st.dictionaries(st.sampled_from(list(WHOLE)), json_values()))
def test_any_secret_is_read_or_refused(value: Any) -> None:
    with suppress(SecretError):
        read_secret(json.dumps(value))


def test_without_an_id_the_secret_is_empty() -> None:
    def answer(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refusal("ResourceNotFoundException")

    assert NotifySecret(secrets_manager(answer), None).read(Deadline.after(10)).values == {}


class TestTheCache:
    def test_the_secret_is_read_again_after_five_minutes(self) -> None:
        reads: list[Mapping[str, Any]] = []
        now = 0.0

        def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
            reads.append(asked)
            return {"ARN": "arn", "SecretString": json.dumps(WHOLE)}

        secret = NotifySecret(secrets_manager(answer), "people", now=lambda: now)
        for moment, count in ((0, 1), (MAX_AGE - 1, 1), (MAX_AGE, 2), (MAX_AGE - 1, 3)):
            now = moment
            secret.read(Deadline.after(10))
            assert len(reads) == count

    def test_a_secret_that_cannot_be_read_is_an_error_without_its_name(self) -> None:
        def answer(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
            raise Refusal("AccessDeniedException")

        with pytest.raises(SecretError, match="AccessDeniedException") as refused:
            NotifySecret(secrets_manager(answer), "canary").read(Deadline.after(10))
        assert "canary" not in str(refused.value)
