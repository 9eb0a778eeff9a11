"""
Notice → a message for an incoming webhook of Slack. Pure.

The form: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ (`text` and
`blocks`). The limits: a header has 150 characters
(https://docs.slack.dev/reference/block-kit/blocks/header-block), the text of a section 3,000
(https://docs.slack.dev/reference/block-kit/blocks/section-block).

In mrkdwn, `&`, `<` and `>` have entities; the other signs have no escape at all, so each is
replaced by its full-width double, which looks alike and means nothing to Slack:
https://docs.slack.dev/messaging/formatting-message-text/
"""

import re
from typing import Any

from notify_people.plain_text import cut, lines_within
from notify_people.words.notice import Notice, Step

HEADER_LIMIT = 150

ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

# Underscores within a word format nothing, and are frequent in names. A hash is a channel, an at
# sign a person, and a word between colons an emoji.
_SIGNS = re.compile(r"[*~`|@#\[\]]|\{(?=\{)|(?<!\w)_+|_+(?!\w)|:(?=[\w+'-]*[a-z][\w+'-]*:)")

_FULL_WIDTH = {ord(sign): ord(sign) + 0xFEE0 for sign in "*~`|@#[]{_:"}

LITERAL_LIMIT = 1500
"""Characters of a text with its entities. The longest of our own texts has about 700."""


def slack_message(notice: Notice) -> dict[str, Any]:
    """Return the body of the request. A phone's preview and old clients show `text`."""
    header = _header(notice.title_with_icon)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        _section(story(notice)),
    ]
    if notice.steps:
        steps = [_line(step) for step in notice.steps]
        blocks += [{"type": "divider"}, _section(steps)]
    return {"text": literal(notice.summary), "blocks": blocks}


def _header(text: str) -> str:
    """Slack counts UTF-16 code units, so a sign outside of the first plane counts twice."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * HEADER_LIMIT:
        return text
    return units[: 2 * (HEADER_LIMIT - 1)].decode("utf-16-le", "ignore") + "…"


def _section(lines: list[str]) -> dict[str, Any]:
    # With verbatim, Slack does not search the text for channels, people and addresses.
    text = lines_within(lines, 3000)
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _line(step: Step) -> str:
    if step.command:
        return f"• {literal(step.text)}: {code(step.command)}"
    if step.address:
        return f"• <{step.address.translate(ENTITIES)}|{literal(step.text)}>"
    return f"• {literal(step.text)}"


def literal(text: str, limit: int = LITERAL_LIMIT) -> str:
    """Return the text, within the limit, so that no part of it formats, links or notifies."""
    # An entity must not be cut in two, so the text is made shorter until it fits.
    while len(escaped := _escaped(text)) > limit:
        text = cut(text, len(text) - (len(escaped) - limit + 4) // 5)
    return escaped


def _escaped(text: str) -> str:
    return _SIGNS.sub(lambda signs: signs[0].translate(_FULL_WIDTH), text).translate(ENTITIES)


def story(notice: Notice) -> list[str]:
    """Return the lines of the detail and the facts."""
    facts = [f"*{name}:* {literal(value)}" for name, value in notice.facts.items()]
    if notice.detail:
        return [literal(notice.detail), "", *facts]
    return facts


def code(command: str) -> str:
    """Return a command that can be copied. Commands have no backtick."""
    return f"`{command.translate(ENTITIES)}`"
