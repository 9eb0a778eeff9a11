"""Golden files → what people see of them, as HTML without a frame."""

import json
from dataclasses import dataclass
from datetime import datetime
from html import escape

from pictures.mrkdwn import bullets, command, inline, plain, to_html
from pictures.template import ROOT, Json

GOLDEN = ROOT / "tests" / "unit" / "notify_people" / "__snapshots__" / "test_golden"


@dataclass(frozen=True)
class Mail:
    """An e-mail, and when it was sent."""

    subject: str
    text: str
    at: datetime

    @property
    def preview(self) -> str:
        """What a list of e-mails shows of the text."""
        return self.text.partition("\n")[0]


def golden(channel: str, name: str) -> str:
    """The file of what a channel gets in a case. A test has stored it under its own name."""
    ending = "txt" if channel == "email" else "json"
    return (GOLDEN / f"test_people_get_what_is_stored[{channel}-{name}].{ending}").read_text()


def document(channel: str, name: str) -> Json:
    """What a channel gets in a case."""
    stored: Json = json.loads(golden(channel, name))
    return stored


def observed_at(name: str) -> datetime:
    """When a case was seen. Only chat's document has it."""
    context = document("chat", name)["metadata"]["additionalContext"]
    return datetime.fromisoformat(context["at"])


def mail(name: str) -> Mail:
    """The e-mail of a case."""
    head, _, text = golden("email", name).partition("\n\n")
    return Mail(head.removeprefix("Subject: "), text, observed_at(name))


def chat(name: str, *, folded: bool = False) -> str:
    """A custom notification, as Amazon Q shows it in Slack, which folds a long one."""
    content = document("chat", name)["content"]
    title = f'<p class="title">{inline(content["title"])}</p>'
    steps = f"<p><b>Next steps</b></p>{bullets(content['nextSteps'])}"
    text = f'{to_html(content["description"])}<p class="gap"></p>{steps}'
    if folded:
        text = f'<div class="folded">{text}</div><a class="more">Show more</a>'
    return title + text


def slack(name: str) -> str:
    """The blocks of a webhook's message."""
    return "".join(map(_slack_block, document("slack", name)["blocks"]))


def _slack_block(block: Json) -> str:
    match block:
        case {"type": "header", "text": {"text": text}}:
            return f'<p class="title large">{escape(text)}</p>'
        case {"type": "section", "text": {"type": "mrkdwn", "text": text}}:
            return to_html(text)
        case {"type": "divider"}:
            return "<hr>"
        case _:
            raise ValueError(f"there is no picture of {block}")


def teams(name: str) -> str:
    """The Adaptive Card of a Workflows webhook."""
    (attachment,) = document("teams", name)["attachments"]
    card = attachment["content"]
    actions = "".join(f'<i class="button">{escape(a["title"])}</i>' for a in card["actions"])
    return "".join(map(_rich_text, card["body"])) + f'<p class="actions">{actions}</p>'


def _rich_text(block: Json) -> str:
    runs = "".join(map(_run, block["inlines"]))
    return f'<p class="spacing-{block["spacing"]}">{runs}</p>'


def _run(run: Json) -> str:
    styles = [
        f"{style}-{run[style]}" for style in ("size", "weight", "color", "fontType") if style in run
    ]
    return f'<span class="{" ".join(styles)}">{command(escape(run["text"]))}</span>'


def text_of_mail(name: str) -> str:
    """A text as mail programs show it: as it is, with its addresses as links."""
    lines = mail(name).text.split("\n")
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}<a>{plain(line.strip())}</a>"
        if line.strip().startswith("https://")
        else command(escape(line))
        for line in lines
    )
