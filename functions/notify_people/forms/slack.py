"""
Notice → a message for an incoming webhook of Slack. Pure.

The form: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ (`text` and
`blocks`). The limits: a header has 150 characters
(https://docs.slack.dev/reference/block-kit/blocks/header-block), the text of a section 3,000
(https://docs.slack.dev/reference/block-kit/blocks/section-block).
"""

from typing import Any

from notify_people.forms.mrkdwn import code, literal, story
from notify_people.plain_text import lines_within
from notify_people.words.notice import Notice, Step

HEADER_LIMIT = 150
TEXT_LIMIT = 3000


def webhook_message(notice: Notice) -> dict[str, Any]:
    """Return the body of the request. A phone's preview and old clients show `text`."""
    header = _header(notice.title_with_icon)
    steps = [_line(step) for step in notice.steps]
    return {
        "text": literal(notice.summary),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
            _section(story(notice)),
            *([{"type": "divider"}, _section(steps)] if steps else []),
        ],
    }


def _header(text: str) -> str:
    """Slack counts UTF-16 code units, so a sign outside of the first plane counts twice."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * HEADER_LIMIT:
        return text
    return units[: 2 * (HEADER_LIMIT - 1)].decode("utf-16-le", "ignore") + "…"


def _section(lines: list[str]) -> dict[str, Any]:
    # With verbatim, Slack does not search the text for channels, people and addresses.
    text = lines_within(lines, TEXT_LIMIT)
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _line(step: Step) -> str:
    if step.command:
        return f"• {literal(step.text)}: {code(step.command)}"
    if step.address:
        return f"• <{step.address}|{literal(step.text)}>"
    return f"• {literal(step.text)}"
