"""
Notice → a message with an Adaptive Card for a Workflows webhook of Microsoft Teams. Pure.

The form: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
(`type` and `attachments`; a message has 28 KB at most). The card:
https://adaptivecards.io/explorer/AdaptiveCard.html. Only RichTextBlock is used for text, because it
does not read markdown (https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features),
so no name needs an escape. Only `msteams.entities` notify people, and no message has any.
"""

import re
from collections.abc import Iterator
from typing import Any

from notify_people.plain_text import cut
from notify_people.severity_and_paging import Severity
from notify_people.words.notice import Notice, Step

RUN_LIMIT = 1000

_TWO_BRACES = re.compile(r"\{(?=\{)")

_COLORS = {Severity.SUCCESS: "good", Severity.INFO: "default", Severity.WARNING: "warning"}


def teams_message(notice: Notice) -> dict[str, Any]:
    """Return the body of the request."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": _literal(notice.summary),
        "msteams": {"width": "Full"},
        "body": list(_body(notice)),
    }
    if notice.links:
        card["actions"] = [_action(step) for step in notice.links]
    content_type = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": content_type, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _action(step: Step) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": step.label, "url": step.address}


def _body(notice: Notice) -> Iterator[dict[str, Any]]:
    color = _COLORS.get(notice.severity, "attention")
    yield _block(_run(notice.title_with_icon, size="large", weight="bolder", color=color))
    if notice.detail:
        yield _block(_run(notice.detail))
    for name, value in notice.facts.items():
        yield _block(_run(f"{name}: ", weight="bolder"), _run(value), spacing="small")
    yield from map(_step, notice.steps)


def _step(step: Step) -> dict[str, Any]:
    if step.command:
        return _block(_run(f"→ {step.text}: "), _run(step.command, fontType="monospace"))
    return _block(_run(f"→ {step.text}"))


def _block(*runs: dict[str, Any], spacing: str = "medium") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": _literal(text), **style}


def _literal(text: str) -> str:
    # Two braces, also two of three, would begin a date that the client puts into local time.
    return _TWO_BRACES.sub("{ ", cut(text, RUN_LIMIT))
