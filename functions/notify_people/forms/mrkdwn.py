"""
Text in Slack's mrkdwn in which no sign has a special meaning.

`&`, `<` and `>` have entities; the other signs have no escape at all, so each is replaced by its
full-width double, which looks alike and means nothing to Slack:
https://docs.slack.dev/messaging/formatting-message-text/
"""

import re

from notify_people.plain_text import cut
from notify_people.words.notice import Notice

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

# Underscores within a word format nothing, and are frequent in names. A hash is a channel, an at
# sign a person, and a word between colons an emoji.
_SIGNS = re.compile(r"[*~`|@#\[\]]|\{(?=\{)|(?<!\w)_+|_+(?!\w)|:(?=[\w+'-]*[a-z][\w+'-]*:)")

_FULL_WIDTH = {ord(sign): ord(sign) + 0xFEE0 for sign in "*~`|@#[]{_:"}

LITERAL_LIMIT = 1500
"""Characters of a text with its entities. The longest of our own texts has about 700."""


def literal(text: str, limit: int = LITERAL_LIMIT) -> str:
    """Return the text, within the limit, so that no part of it formats, links or notifies."""
    escaped = _escaped(text)
    # An entity must not be cut in two, so the text is made shorter until it fits.
    while len(escaped) > limit:
        text = cut(text, len(text) - (len(escaped) - limit + 4) // 5)
        escaped = _escaped(text)
    return escaped


def _escaped(text: str) -> str:
    return _SIGNS.sub(lambda signs: signs[0].translate(_FULL_WIDTH), text).translate(_ENTITIES)


def story(notice: Notice) -> list[str]:
    """Return the lines of the story: the detail and the facts."""
    detail = [literal(notice.detail), ""] if notice.detail else []
    return [*detail, *(f"*{name}:* {literal(value)}" for name, value in notice.facts.items())]


def code(command: str) -> str:
    """Return a command that can be copied. Commands have no backtick."""
    return f"`{command.translate(_ENTITIES)}`"
