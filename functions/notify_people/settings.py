"""Environment variables → Settings of the people's function."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, PlainValidator

from foundation.environment import FromEnvironment, TopicArn, word_of
from foundation.errors import ConfigurationError
from foundation.outside import unreadable
from notify_people.channels.allowed_address import allowed_base_url
from notify_people.channels.channel import Channel
from notify_people.wanted_changes import DEFAULT_CHANGES, Change

_TOPICS = {Channel.CHAT: "CHAT_TOPIC_ARN", Channel.EMAIL: "EMAIL_TOPIC_ARN"}
_SECRET = "NOTIFY_SECRET_ID"  # noqa: S105 - the name of a variable


class _Counts(StrEnum):
    """What makes a restore a test, in the words of the parameter RestoreTestCounts."""

    RESTORED = "restored"
    VERIFIED = "verified"
    MEASURED = "measured"


@dataclass(frozen=True)
class Settings:
    """
    The operator's choices when the stack was deployed.

    `alarm_topic_arn`: the topic by which CloudWatch mails alarms, which is no channel.
    `channels`: in the order of tries; None for all that have a topic or a key in the secret.
    `measurements_count`: whether a measurement makes a restore a test. `console`: the address of
    Atlas's console and API.
    """

    sent_table_name: str
    topic_arns: Mapping[Channel, str]
    alarm_topic_arn: str | None
    secret_id: str | None
    channels: tuple[Channel, ...] | None
    changes: frozenset[Change]
    measurements_count: bool
    console: str
    stack_name: str
    log_level: str
    metrics: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError that names the missing variables, or the wrong variable."""
        read = _Variables.of(environment)
        topics = {Channel.CHAT: read.chat_topic_arn, Channel.EMAIL: read.email_topic_arn}
        topic_arns = {channel: topic for channel, topic in topics.items() if topic}
        _require_ways(read.channels, topic_arns, read.secret_id)
        return cls(
            sent_table_name=read.sent_table_name,
            topic_arns=topic_arns,
            alarm_topic_arn=read.alarm_topic_arn,
            secret_id=read.secret_id,
            channels=read.channels,
            changes=read.changes,
            measurements_count=read.counts is _Counts.MEASURED,
            console=read.console,
            stack_name=read.service_name,
            log_level=read.log_level,
            metrics=read.metrics,
        )


def _require_ways(
    channels: tuple[Channel, ...] | None,
    topic_arns: Mapping[Channel, str],
    secret_id: str | None,
) -> None:
    """Raise ConfigurationError if a channel that is wanted, or any, has no topic and no secret."""
    if channels is None and not topic_arns and not secret_id:
        msg = f"no channel is set: expected {', '.join(_TOPICS.values())} or {_SECRET}"
        raise ConfigurationError(msg)
    for channel in channels or ():
        way = topic_arns.get(channel) if channel in _TOPICS else secret_id
        if not way:
            needed = _TOPICS.get(channel, _SECRET)
            raise ConfigurationError(f"NOTIFY_CHANNELS: {channel} needs {needed}")


def _console(text: str) -> str:
    base_url = allowed_base_url(text)
    if base_url is None:
        raise unreadable(
            "expected https and a host, such as https://cloud.mongodb.com; plain http is for "
            "loopback"
        )
    return base_url


def _channels(text: str) -> tuple[Channel, ...]:
    return _named(text, Channel)


def _changes(text: str) -> frozenset[Change]:
    if _words(text) == {"all"}:
        return frozenset(Change)
    return frozenset(_named(text, Change, ", or all"))


def _named[Word: StrEnum](text: str, words: type[Word], more: str = "") -> tuple[Word, ...]:
    """Return the words that are named, in the order of all words."""
    named = _words(text)
    if not named or named - set(words):
        raise unreadable(f"expected words of {', '.join(words)}, with commas between them{more}")
    return tuple(word for word in words if word in named)


def _words(text: str) -> set[str]:
    return {word.strip().casefold() for word in text.split(",") if word.strip()}


_Channels = Annotated[tuple[Channel, ...] | None, PlainValidator(_channels)]
_Changes = Annotated[frozenset[Change], PlainValidator(_changes)]
_TestCounts = Annotated[_Counts, word_of(_Counts)]
_Console = Annotated[str, PlainValidator(_console)]


class _Variables(FromEnvironment):
    sent_table_name: str = Field(alias="SENT_TABLE_NAME")
    chat_topic_arn: TopicArn | None = Field(default=None, alias=_TOPICS[Channel.CHAT])
    email_topic_arn: TopicArn | None = Field(default=None, alias=_TOPICS[Channel.EMAIL])
    alarm_topic_arn: TopicArn | None = Field(default=None, alias="ALARM_TOPIC_ARN")
    secret_id: str | None = Field(default=None, alias=_SECRET)
    channels: _Channels = Field(default=None, alias="NOTIFY_CHANNELS")
    changes: _Changes = Field(default=DEFAULT_CHANGES, alias="NOTIFY_CHANGES")
    counts: _TestCounts = Field(default=_Counts.RESTORED, alias="RESTORE_TEST_COUNTS")
    console: _Console = Field(default="https://cloud.mongodb.com", alias="ATLAS_BASE_URL")
