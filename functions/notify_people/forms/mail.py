"""
Notices → an e-mail of an SNS topic: a subject and plain text. Pure.

SNS takes a subject of fewer than 100 characters without line breaks
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html); ASCII arrives everywhere. The subject
says what happened, and the first line completes it, because a phone shows only the two.

An e-mail of several notices has a line for each, what went wrong first, and that in full below. The
10 longest notices of a batch take half of the 256 KB that SNS allows.
"""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from notify_people.plain_text import ascii_only, cut
from notify_people.words.notice import Notice, Severity, Step

SUBJECT_LIMIT = 99
_WIDTH = 78

_BADNESS = {severity: place for place, severity in enumerate(Severity)}

_RULE = f"\n{'-' * _WIDTH}\n\n"


@dataclass(frozen=True)
class Mail:
    """The e-mail, as the topic gets it."""

    subject: str
    text: str


def digest(notices: Sequence[Notice]) -> Mail:
    """Return the e-mail. A single notice has its usual one."""
    if len(notices) == 1:
        return mail(notices[0])
    ordered = sorted(notices, key=lambda one: (-_BADNESS[one.severity] * one.is_bad, one.at))
    lines = "".join(line for one in ordered for line in _lines(one))
    # What a newer notice of the e-mail has ended needs no advice any more.
    newest = {one.subject: one for one in sorted(notices, key=lambda one: one.order)}
    details = (_detail(one) for one in ordered if one.is_bad and newest[one.subject] is one)
    return Mail(_subject(", ".join(_counted(ordered))), _RULE.join((lines, *details)))


def mail(notice: Notice) -> Mail:
    """Return the e-mail. Its subject begins with the outcome."""
    return Mail(_subject(notice.title), _text(notice))


def _subject(title: str) -> str:
    """Return the title as SNS takes it."""
    # An ellipsis at a cut becomes three characters, so the length is known only after that.
    text = ascii_only(title)
    return text if len(text) <= SUBJECT_LIMIT else f"{text[: SUBJECT_LIMIT - 3]}..."


def _text(notice: Notice) -> str:
    widest = max(map(len, notice.facts))
    facts = [f"{name + ':':<{widest + 2}}{value}" for name, value in notice.facts.items()]
    parts = [notice.detail or notice.title, "\n".join(facts)]
    if notice.steps:
        parts.append("\n".join(["What to do next:", *map(_step, notice.steps)]))
    return "\n\n".join(parts) + "\n"


def _step(step: Step) -> str:
    end = f":\n  {step.command or step.address}" if step.command or step.address else ""
    text = textwrap.fill(
        cut(step.text, 1000),
        _WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return text + end


def _counted(notices: Iterable[Notice]) -> Iterator[str]:
    """Yield `1 restore FAILED`, then `9 completed`: the noun is said again if it is another."""
    before = ""
    for (what, outcome), count in Counter((one.what, one.outcome) for one in notices).items():
        noun = "" if what == before else what if count == 1 else f"{what}s"
        yield " ".join(filter(None, (str(count), noun, outcome)))
        before = what


def _lines(notice: Notice) -> Iterator[str]:
    yield f"- {notice.title}\n"
    if "Restore job" in notice.facts:
        yield f"  restore job {notice.facts['Restore job']} in project {notice.facts['Project']}\n"


def _detail(notice: Notice) -> str:
    text = mail(notice).text
    return f"{notice.title}\n\n{text}" if notice.detail else text
