"""The pictures by name, each as a page that needs no other file."""

import re
from html import escape
from pathlib import Path
from string import Template

from pictures import messages
from pictures.template import properties
from restore_watch.report.files.html_page import html_page
from unit.report.reports import fleet

FOLDER = Path(__file__).parent
SAMPLE = FOLDER.parent / "sample" / "report.html"
THEMES = ("light", "dark")

_PAGE = Template((FOLDER / "page.html").read_text())
_STYLE = (FOLDER / "style.css").read_text()

_INBOX = (
    "another-failed-restore",
    "dedicated-completed",
    "dedicated-download-ready",
    "project-recovered",
    "project-degraded",
)


def pages() -> dict[str, str]:
    """Every picture's page, by the name of the picture. A page is the same on each machine."""
    drawn = {
        "chat": _window("channel", "# restores", _thread()),
        "inbox": _window("phone", "Inbox", "".join(map(_row, _INBOX))),
        "email": _window("mail", "", _opened("dedicated-completed")),
        "teams": _window("channel", "Restores", _card("dedicated-download-ready")),
        "degraded": _window("channel", "# restores", _webhook("project-degraded")),
    }
    return {
        f"{name}-{theme}": _PAGE.substitute(name=name, theme=theme, style=_STYLE, body=body)
        for name, body in drawn.items()
        for theme in THEMES
    } | {
        f"{name}-{theme}": _report(page, theme)
        for name, page in {"report": html_page(fleet(11)), "sample": _top_of_sample()}.items()
        for theme in THEMES
    }


def _top_of_sample() -> str:
    """The sample report, down to what needs a look."""
    hidden = "<style>section:not([aria-labelledby=look]),footer{display:none}</style>"
    return SAMPLE.read_text().replace("</head>", f"{hidden}</head>")


def _report(page: str, theme: str) -> str:
    """The page of a report in one scheme, without its version, which no release changes."""
    drawn = re.sub(r"(Atlas Restore Watch) \d+\.\d+\.\d+", r"\1", page)
    # Its own policy lets no script run, and the browser prefers light.
    drawn = re.sub("<meta http-equiv=.*\n", "", drawn)
    if theme == "dark":
        drawn = drawn.replace(" and (prefers-color-scheme:dark)", "")
    return drawn.replace("</head>", "<style>body{width:900px}</style></head>")


def _window(kind: str, title: str, body: str) -> str:
    bar = f"<header>{escape(title)}</header>" if title else ""
    return f'<main class="{kind}">{bar}{body}</main>'


def _thread() -> str:
    completed, failed = "dedicated-completed", "another-failed-restore"
    sender = "Amazon Q Developer"
    return _from(sender, completed, messages.chat(completed, folded=True)) + _from(
        sender, failed, messages.chat(failed)
    )


def _card(name: str) -> str:
    return _from("Workflows", name, f'<div class="card">{messages.teams(name)}</div>')


def _webhook(name: str) -> str:
    return _from(_sender(), name, messages.slack(name))


def _from(sender: str, name: str, body: str) -> str:
    at = f"{messages.observed_at(name):%H:%M}"
    return (
        f'<article><i class="avatar"></i><div class="body"><p class="sender"><b>{escape(sender)}'
        f'</b><i class="app">APP</i><time>{at}</time></p>{body}</div></article>'
    )


def _row(name: str) -> str:
    mail = messages.mail(name)
    return (
        f'<article class="row"><p class="sender"><b>{escape(_sender())}</b>'
        f'<time>{mail.at:%H:%M}</time></p><p class="subject">{escape(mail.subject)}</p>'
        f'<p class="preview">{escape(mail.preview)}</p></article>'
    )


def _opened(name: str) -> str:
    mail = messages.mail(name)
    return (
        f'<header class="letter"><h1>{escape(mail.subject)}</h1><i class="avatar"></i>'
        f'<p class="sender"><b>{escape(_sender())}</b><time>{mail.at:%d %B %Y, %H:%M}</time></p>'
        f'<p class="to">to you</p></header><pre>{messages.text_of_mail(name)}</pre>'
    )


def _sender() -> str:
    """The name that the e-mail topic has in the template."""
    name: str = properties("EmailTopic")["DisplayName"]
    return name
