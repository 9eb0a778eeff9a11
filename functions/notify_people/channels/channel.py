"""The channels to people."""

from enum import StrEnum


class Channel(StrEnum):
    """The channels for a notice, in the order in which they are tried: the most urgent first."""

    PAGER = "pager"
    CHAT = "chat"
    SLACK = "slack"
    TEAMS = "teams"
    EMAIL = "email"
