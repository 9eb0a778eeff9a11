"""
Notice → an e-mail of an SNS topic: a subject and plain text. Pure.

SNS takes a subject of fewer than 100 characters without line breaks
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html); ASCII arrives everywhere. The subject
says what happened, and the first line completes it, because a phone shows only the two.
"""

import textwrap
from dataclasses import dataclass

from notify_people.plain_text import ascii_only, cut
from notify_people.words.notice import Notice, Step

SUBJECT_LIMIT = 99
WIDTH = 78


@dataclass(frozen=True)
class Mail:
    """The e-mail, as the topic gets it."""

    subject: str
    text: str


def mail(notice: Notice) -> Mail:
    """Return the e-mail. Its subject begins with the outcome."""
    return Mail(subject(notice.title), _text(notice))


def subject(title: str) -> str:
    """Return the title as SNS takes it."""
    # An ellipsis at a cut becomes three characters, so the length is known only after that.
    text = ascii_only(title)
    return text if len(text) <= SUBJECT_LIMIT else f"{text[: SUBJECT_LIMIT - 3]}..."


def _text(notice: Notice) -> str:
    widest = max(map(len, notice.facts))
    facts = [f"{name + ':':<{widest + 2}}{value}" for name, value in notice.facts.items()]
    parts = [notice.detail or notice.title, "\n".join(facts)]
    if notice.steps:
        parts.append("\n".join(["What to do next:", *map(_line, notice.steps)]))
    return "\n\n".join(parts) + "\n"


def _line(step: Step) -> str:
    end = f":\n  {step.command or step.address}" if step.command or step.address else ""
    text = textwrap.fill(
        cut(step.text, 1000),
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return text + end
