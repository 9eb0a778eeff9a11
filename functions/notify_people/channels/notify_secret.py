"""Secrets Manager → the webhooks, and the routing key with its address."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.json_text import read_object
from foundation.renewable import Renewable
from notify_people.channels.allowed_address import allowed_base_url, is_allowed_address
from notify_people.channels.channel import Channel
from notify_people.errors import SecretError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEYS = {
    Channel.SLACK: "slack_webhook_url",
    Channel.TEAMS: "teams_webhook_url",
    Channel.PAGER: "pagerduty_routing_key",
}
"""The key of each channel in the secret. Any may be absent."""

PAGERDUTY_URL = "pagerduty_url"
"""The key of the address of PagerDuty's Events API. It may be absent."""

_PAGERDUTY = ("https://events.pagerduty.com", "https://events.eu.pagerduty.com")

_KEY_NAME = re.compile(r"[A-Za-z_-]{1,40}")
"""An error names only such a key. In the place of another key there may be an address."""


@dataclass(frozen=True)
class ChannelSecrets:
    """
    The value of each channel, or the error in it. Its text shows no value.

    `pagerduty_url`: the address of PagerDuty's Events API, without its path.
    """

    values: Mapping[Channel, str | SecretError] = field(repr=False)
    pagerduty_url: str = _PAGERDUTY[0]

    def of(self, channel: Channel) -> str:
        """Return the webhook's address or the routing key. Raises SecretError."""
        value = self.values.get(channel) or SecretError(f"the secret has no {KEYS[channel]}")
        if isinstance(value, SecretError):
            raise value
        return value


class NotifySecret(Renewable[ChannelSecrets]):
    """
    The secret with the webhooks, read again after five minutes. Without an id it is empty.

    If it cannot be read again, the old values are used for an hour: a page should not wait for
    Secrets Manager. Raises SecretError.
    """

    renewal_age, max_age = 300.0, 3600.0
    pause = 60.0  # not for every notice of a batch

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_id: str | None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(now)
        self._get = partial(client.get_secret_value, SecretId=secret_id) if secret_id else None

    def _read(self, deadline: Deadline) -> ChannelSecrets:
        if self._get is None:
            return ChannelSecrets({})
        try:
            # The channels without a secret have to have time left.
            answer = aws_call(deadline.within(5.0), "read the secret", self._get, "ARN")
        except AwsCallError as error:
            raise SecretError(f"the secret NOTIFY_SECRET_ID: Secrets Manager {error}") from None
        return read_secret(answer.get("SecretString"))


def read_secret(text: str | None) -> ChannelSecrets:
    """Return the values in a secret's text. Raises SecretError that names a key, never a value."""
    secret = read_object(text)
    if secret is None:
        raise SecretError("the secret is not a JSON object in SecretString")
    found: dict[Channel, str | SecretError] = {
        channel: _checked(channel, secret[key]) for channel, key in KEYS.items() if secret.get(key)
    }
    if not found:
        names = ", ".join(filter(_KEY_NAME.fullmatch, secret)) or "others"
        msg = f"the secret has none of {', '.join(KEYS.values())}; it has {names}"
        raise SecretError(msg)
    address = _pagerduty_url(secret)
    if isinstance(address, SecretError):
        return ChannelSecrets(found | {Channel.PAGER: address})
    return ChannelSecrets(found, address)


def _pagerduty_url(secret: Mapping[str, object]) -> str | SecretError:
    """Return the address to use, or an error if it is not PagerDuty's. Http is for loopback."""
    value = secret.get(PAGERDUTY_URL)
    if not value:
        return _PAGERDUTY[0]
    url = allowed_base_url(value.strip()) if isinstance(value, str) else None
    if url and (url in _PAGERDUTY or url.startswith("http:")):
        return url
    return SecretError(f"the secret's {PAGERDUTY_URL} is not {' or '.join(_PAGERDUTY)}")


def _checked(channel: Channel, value: object) -> str | SecretError:
    """Return the value, or an error that concerns this channel alone."""
    text = value.strip() if isinstance(value, str) else ""
    key = KEYS[channel]
    if channel is Channel.PAGER:
        if not re.fullmatch("[A-Za-z0-9]{32}", text):
            return SecretError(f"the secret's {key} is not a key of 32 letters and digits")
    elif not is_allowed_address(text):
        return SecretError(f"the secret's {key} is not an https address without blanks")
    return text
