"""
Notices → an e-mail of an SNS topic: a subject and plain text. Pure.

SNS takes a subject of fewer than 100 characters without line breaks
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html); ASCII arrives everywhere. The subject
says what happened, and the first line completes it, because a phone shows only the two.

An e-mail of several notices has a line for each, what went wrong first, and that in full below. The
10 longest notices of a batch take half of the 256 KB that SNS allows.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from notify_people.plain_text import cut
from notify_people.severity_and_paging import Severity
from notify_people.words.notice import Notice, Step

SUBJECT_LIMIT = 99
_WIDTH = 78

_RULE = f"\n{'-' * _WIDTH}\n\n"


def mail(notices: Sequence[Notice]) -> tuple[str, str]:
    """Return the subject, which begins with the outcome, and the text."""
    if len(notices) == 1:
        return _subject(notices[0].title), _text(notices[0])
    ordered = sorted(notices, key=lambda notice: (-_badness(notice), notice.at))
    lines = "".join(map(_lines, ordered))
    # What a newer notice of the e-mail has ended needs no advice any more.
    newest = {notice.about: notice for notice in sorted(notices, key=attrgetter("order"))}
    bad = [notice for notice in ordered if _badness(notice) and notice is newest[notice.about]]
    return _subject(", ".join(_counts(ordered))), _RULE.join((lines, *map(_detail, bad)))


def _badness(notice: Notice) -> int:
    """A warning is 1, and nobody has to look at what is 0."""
    return max(0, list(Severity).index(notice.severity) - 1)


def _subject(title: str) -> str:
    # An ellipsis at a cut becomes three characters, so the length is known only after that.
    text = re.sub(r"[^\x20-\x7e]", "?", title.replace("…", "..."))
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


def _counts(notices: Iterable[Notice]) -> Iterator[str]:
    """Yield `1 restore FAILED`, then `9 completed`: the same noun is not said again."""
    before = ""
    counts = Counter((notice.what, notice.outcome) for notice in notices)
    for (what, outcome), count in counts.items():
        noun = what if count == 1 else f"{what}s"
        words = [str(count)] if what == before else [str(count), noun]
        yield " ".join([*words, outcome] if outcome else words)
        before = what


def _lines(notice: Notice) -> str:
    title = f"- {notice.title}\n"
    if "Restore job" not in notice.facts:
        return title
    job, project = notice.facts["Restore job"], notice.facts["Project"]
    return f"{title}  restore job {job} in project {project}\n"


def _detail(notice: Notice) -> str:
    return f"{notice.title}\n\n{_text(notice)}" if notice.detail else _text(notice)
