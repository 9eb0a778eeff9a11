"""The channels, by which people are reached."""

from enum import StrEnum


class Channel(StrEnum):
    """Where a notice is sent to, the most urgent first: in this order they are tried."""

    PAGER = "pager"
    CHAT = "chat"
    SLACK = "slack"
    TEAMS = "teams"
    EMAIL = "email"
