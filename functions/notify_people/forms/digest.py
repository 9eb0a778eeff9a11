"""
Several notices → one e-mail: a line for each, what went wrong first, and that in full below. Pure.

The 10 longest notices of a batch take half of the 256 KB that SNS allows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from notify_people.forms.mail import WIDTH, Mail, mail, subject
from notify_people.words.notice import Notice, Severity

_BADNESS = {severity: place for place, severity in enumerate(Severity)}

_RULE = f"\n{'-' * WIDTH}\n\n"


def digest(notices: Sequence[Notice]) -> Mail:
    """Return the e-mail. A single notice has its usual one."""
    if len(notices) == 1:
        return mail(notices[0])
    ordered = sorted(notices, key=lambda one: (-_BADNESS[one.severity] * one.is_bad, one.at))
    lines = "".join(line for one in ordered for line in _lines(one))
    # What a newer notice of the e-mail has ended needs no advice any more.
    newest = {one.subject: one for one in sorted(notices, key=lambda one: one.order)}
    details = (_detail(one) for one in ordered if one.is_bad and newest[one.subject] is one)
    return Mail(subject(", ".join(_counted(ordered))), _RULE.join((lines, *details)))


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
