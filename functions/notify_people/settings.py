"""Environment variables → Settings. The only reader of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from foundation.environment import read_environment, standard_topic, wanted_metrics
from foundation.errors import ConfigurationError
from notify_people.channels.address import allowed_base_url
from notify_people.channels.channel import Channel
from notify_people.selection import DEFAULT_CHANGES, Change

_TOPICS = {Channel.CHAT: "CHAT_TOPIC_ARN", Channel.EMAIL: "EMAIL_TOPIC_ARN"}

DEFAULT_CONSOLE = "https://cloud.mongodb.com"
DEFAULT_PAGERDUTY = "https://events.pagerduty.com"


@dataclass(frozen=True)
class Settings:
    """
    The operator's choices when the stack was deployed.

    `topic_arns`: of chat and e-mail, if they have a topic. `channels`: in the order of tries; None
    for all that have a topic or a key in the secret `secret_id`. `console`: the address of Atlas's
    console, which is the address of Atlas's API too. `metrics`: the names to write, None for all.
    """

    sent_table_name: str
    topic_arns: Mapping[Channel, str]
    secret_id: str | None
    channels: tuple[Channel, ...] | None
    changes: frozenset[Change]
    pagerduty_base_url: str
    console: str
    stack_name: str
    log_level: str
    metrics: frozenset[str] | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError that names the missing variables, or the wrong variable."""
        given = read_environment(environment, "SENT_TABLE_NAME")
        topic_arns = {
            channel: standard_topic(given, name)
            for channel, name in _TOPICS.items()
            if given.get(name)
        }
        secret_id = given.get("NOTIFY_SECRET_ID") or None
        return cls(
            sent_table_name=given["SENT_TABLE_NAME"],
            topic_arns=topic_arns,
            secret_id=secret_id,
            channels=_channels(given.get("NOTIFY_CHANNELS", ""), topic_arns, secret_id),
            changes=_changes(given.get("NOTIFY_CHANGES", "")),
            pagerduty_base_url=_base_url(given, "PAGERDUTY_BASE_URL", DEFAULT_PAGERDUTY),
            console=_base_url(given, "ATLAS_BASE_URL", DEFAULT_CONSOLE),
            stack_name=given["POWERTOOLS_SERVICE_NAME"],
            log_level=given["POWERTOOLS_LOG_LEVEL"],
            metrics=wanted_metrics(given),
        )


def _base_url(given: Mapping[str, str], name: str, default: str) -> str:
    base_url = allowed_base_url(given.get(name) or default)
    if base_url is None:
        msg = f"{name}: expected https and a host, such as {default}; plain http is for loopback"
        raise ConfigurationError(msg)
    return base_url


def _channels(
    text: str, topic_arns: Mapping[Channel, str], secret_id: str | None
) -> tuple[Channel, ...] | None:
    """Return the channels that are named, in the order in which they are tried."""
    if not text:
        if not topic_arns and not secret_id:
            msg = f"no channel is set: expected {', '.join(_TOPICS.values())} or NOTIFY_SECRET_ID"
            raise ConfigurationError(msg)
        return None
    named = _words(text)
    _require_words("NOTIFY_CHANNELS", named, Channel)
    channels = tuple(channel for channel in Channel if channel in named)
    for channel in channels:
        needed = _TOPICS.get(channel)
        if (needed and channel not in topic_arns) or (not needed and not secret_id):
            msg = f"NOTIFY_CHANNELS: {channel} needs {needed or 'NOTIFY_SECRET_ID'}"
            raise ConfigurationError(msg)
    return channels


def _changes(text: str) -> frozenset[Change]:
    if not text:
        return DEFAULT_CHANGES
    named = _words(text)
    if named == {"all"}:
        return frozenset(Change)
    _require_words("NOTIFY_CHANGES", named, Change, ", or all")
    return frozenset(Change(word) for word in named)


def _words(text: str) -> set[str]:
    return {word.strip().casefold() for word in text.split(",") if word.strip()}


def _require_words(name: str, named: set[str], words: type[StrEnum], more: str = "") -> None:
    if not named or named - set(words):
        msg = f"{name}: expected words of {', '.join(words)}, with commas between them{more}"
        raise ConfigurationError(msg)
