"""Environment variables → Settings. The only reader of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from foundation.environment import read_environment, standard_topic, wants_metrics
from foundation.errors import ConfigurationError
from notify_people.change import DEFAULT_CHANGES, Change
from notify_people.channels.allowed_address import allowed_base_url
from notify_people.channels.channel import Channel

_TOPICS = {Channel.CHAT: "CHAT_TOPIC_ARN", Channel.EMAIL: "EMAIL_TOPIC_ARN"}


@dataclass(frozen=True)
class Settings:
    """
    The operator's choices when the stack was deployed.

    `alarm_topic_arn`: the topic by which CloudWatch mails alarms, which is no channel.
    `channels`: in the order of tries; None for all that have a topic or a key in the secret.
    `console`: the address of Atlas's console and API.
    """

    sent_table_name: str
    topic_arns: Mapping[Channel, str]
    alarm_topic_arn: str | None
    secret_id: str | None
    channels: tuple[Channel, ...] | None
    changes: frozenset[Change]
    console: str
    stack_name: str
    log_level: str
    metrics: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError that names the missing variables, or the wrong variable."""
        given = read_environment(environment, "SENT_TABLE_NAME")
        return cls(
            sent_table_name=given["SENT_TABLE_NAME"],
            topic_arns={
                channel: standard_topic(given, name)
                for channel, name in _TOPICS.items()
                if given.get(name)
            },
            alarm_topic_arn=(
                standard_topic(given, "ALARM_TOPIC_ARN") if given.get("ALARM_TOPIC_ARN") else None
            ),
            secret_id=given.get("NOTIFY_SECRET_ID") or None,
            channels=_channels(given),
            changes=_changes(given),
            console=_console(given.get("ATLAS_BASE_URL") or "https://cloud.mongodb.com"),
            stack_name=given["POWERTOOLS_SERVICE_NAME"],
            log_level=given["POWERTOOLS_LOG_LEVEL"],
            metrics=wants_metrics(given),
        )


def _console(text: str) -> str:
    base_url = allowed_base_url(text)
    if base_url is None:
        raise ConfigurationError(
            "ATLAS_BASE_URL: expected https and a host, such as https://cloud.mongodb.com; plain "
            "http is for loopback"
        )
    return base_url


def _channels(given: Mapping[str, str]) -> tuple[Channel, ...] | None:
    needs = {channel: _TOPICS.get(channel, "NOTIFY_SECRET_ID") for channel in Channel}
    if not given.get("NOTIFY_CHANNELS"):
        if not any(map(given.get, needs.values())):
            msg = f"no channel is set: expected {', '.join(_TOPICS.values())} or NOTIFY_SECRET_ID"
            raise ConfigurationError(msg)
        return None
    channels = _named(given, "NOTIFY_CHANNELS", Channel)
    for channel in channels:
        if not given.get(needs[channel]):
            raise ConfigurationError(f"NOTIFY_CHANNELS: {channel} needs {needs[channel]}")
    return channels


def _changes(given: Mapping[str, str]) -> frozenset[Change]:
    text = given.get("NOTIFY_CHANGES", "")
    if not text:
        return DEFAULT_CHANGES
    if _words(text) == {"all"}:
        return frozenset(Change)
    return frozenset(_named(given, "NOTIFY_CHANGES", Change, ", or all"))


def _named[Word: StrEnum](
    given: Mapping[str, str], variable: str, words: type[Word], more: str = ""
) -> tuple[Word, ...]:
    """Return the words that the variable names, in the order of all words."""
    named = _words(given[variable])
    if not named or named - set(words):
        msg = f"{variable}: expected words of {', '.join(words)}, with commas between them{more}"
        raise ConfigurationError(msg)
    return tuple(word for word in words if word in named)


def _words(text: str) -> set[str]:
    return {word.strip().casefold() for word in text.split(",") if word.strip()}
