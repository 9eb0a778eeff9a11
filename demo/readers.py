"""How the demo shows what people read: e-mail, chat, pages, and what a measurement says."""

import re
from html import unescape
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel


def show_email(console: Console, subject: str, text: str) -> None:
    _show(console, f"e-mail: {subject}", escape(text.rstrip()))


def show_chat(console: Console, message: dict[str, Any]) -> None:
    """A message of Amazon Q, as Slack shows its markdown."""
    content = message["content"]
    steps = "\n".join(f"• {step}" for step in content["nextSteps"])
    text = escape(f"*{content['title']}*\n\n{content['description']}\n\n{steps}")
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*", r"[bold]\1[/]", text)
    text = re.sub(r"`([^`\n]+)`", r"[cyan]\1[/]", text)
    _show(console, f"chat, thread {message['metadata']['threadId']}", unescape(text))


def show_pages(console: Console, pages: list[dict[str, Any]]) -> None:
    lines = list[str]()
    for page in pages:
        summary = escape(str(page.get("payload", {}).get("summary", "")))
        lines.append(f"{page['event_action']:<8}{page['dedup_key']}  [dim]{summary}[/]")
    _show(console, "pager", "\n".join(lines))


def show_measurement(console: Console, data: dict[str, Any]) -> None:
    """What a message says of a measurement, and of each database that differs."""
    said = data["measurement"]
    counts = {name: said[name] for name in ("databases", "documents", "indexes")}
    found = ", ".join(
        f"{of['found']:,} of {of['expected']:,} {name}" for name, of in counts.items()
    )
    colour = "green" if said["outcome"] == "matches" else "yellow"
    clusters = escape(f"{data['clusterName']} → {data['targetDeploymentItemName']}")
    console.print(f"     [bold {colour}]{said['outcome']:<9}[/]  {clusters}")
    console.print(f"                {found}")
    for database in said["differing"]:
        figures = [
            f"{one['found']:,} {one['figure']} instead of {one['least']:,}"
            for one in database["figures"]
        ]
        differs = "it is missing" if database["isMissing"] else ", ".join(figures)
        console.print(f"                [bold]{escape(database['name'])}[/]: {differs}")


def _show(console: Console, title: str, text: str) -> None:
    console.print(
        Panel(text, title=escape(title), title_align="left", border_style="dim", width=92)
    )
