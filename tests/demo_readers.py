"""How the demo shows what people read: an e-mail, a message in chat, and pages."""

import re
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

WIDTH = 92

_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def show_email(console: Console, subject: str, text: str) -> None:
    _show(console, f"e-mail: {subject}", escape(text.rstrip()))


def show_chat(console: Console, message: dict[str, Any]) -> None:
    """A message of Amazon Q, as Slack shows its markdown."""
    content = message["content"]
    steps = "\n".join(f"• {step}" for step in content["nextSteps"])
    text = f"*{content['title']}*\n\n{content['description']}\n\n{steps}"
    _show(console, f"chat, thread {message['metadata']['threadId']}", as_slack_shows(text))


def show_pages(console: Console, pages: list[dict[str, Any]]) -> None:
    lines = [
        f"{page['event_action']:<8}{page['dedup_key']}  [dim]{escape(_summary(page))}[/]"
        for page in pages
    ]
    _show(console, "pager", "\n".join(lines))


def as_slack_shows(text: str) -> str:
    """Return Slack's markdown as rich's."""
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*", r"[bold]\1[/]", escape(text))
    text = re.sub(r"`([^`\n]+)`", r"[cyan]\1[/]", text)
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    return text


def _summary(page: dict[str, Any]) -> str:
    return str(page.get("payload", {}).get("summary", ""))


def _show(console: Console, title: str, text: str) -> None:
    console.print(
        Panel(text, title=escape(title), title_align="left", border_style="dim", width=WIDTH)
    )
