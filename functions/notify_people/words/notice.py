"""A notice for people, before any channel gives it a form. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from notify_people.severity_and_paging import Paging, Severity
from notify_people.wanted_changes import Change

NAME_LIMIT = 30
"""
Characters of the name of a stack or project in a title: an e-mail's subject has room for the rest.
"""

_ICONS = {
    Severity.SUCCESS: "✅",
    Severity.INFO: "🔵",
    Severity.WARNING: "⚠️",
    Severity.ERROR: "❌",
    Severity.CRITICAL: "🚨",
}


@dataclass(frozen=True)
class Step:
    """
    The next thing to do, with a command to copy or an address to open, which `label` names.

    Neither needs an escape, except for the three signs of HTML.
    """

    text: str
    command: str | None = None
    address: str | None = None
    label: str = "Open Atlas"


@dataclass(frozen=True)
class Notice:
    """
    The notice about a change.

    `stack`: separates the notices of two stacks that watch the same project. `about`: what the
    notice is about, such as `restore/<its id>`; the log and the table of sent notices call it the
    subject. `order`: of two notices about the same, the larger is newer. `thread`: groups notices
    in a chat. `change`: None if the notice is always sent. `event_type`: a word such as
    `restore-ended`. `what`, `outcome`: an e-mail of several notices counts them by these, such as
    `restore` and `FAILED`. `title`: the headline. `detail`: a sentence that completes the title, or
    nothing. `facts`: lines such as `Took: 42 min`. `source`: the CloudEvent's.
    """

    stack: str
    about: str
    order: int
    thread: str
    change: Change | None
    event_type: str
    what: str
    outcome: str
    severity: Severity
    paging: Paging
    title: str
    detail: str
    facts: Mapping[str, str]
    steps: tuple[Step, ...]
    at: datetime
    source: str
    keywords: tuple[str, ...]

    @property
    def key(self) -> str:
        """What the notice is about, of this stack alone."""
        return f"{self.stack}/{self.about}"

    @property
    def title_with_icon(self) -> str:
        """The title after the sign of its severity, or of a test, where a channel shows signs."""
        icon = "🧪" if self.paging is Paging.TRY_BOTH else _ICONS[self.severity]
        return f"{icon} {self.title}"

    @property
    def links(self) -> list[Step]:
        """The steps with an address to open."""
        return [step for step in self.steps if step.address]

    @property
    def summary(self) -> str:
        """The whole story in one line."""
        return f"{self.title}. {self.detail}".rstrip()


def project_fact(group_id: str, name: str | None) -> str:
    """Return the name of a project with its id, or the id alone."""
    return f"{name} ({group_id})" if name else group_id


def known(facts: Mapping[str, str | None]) -> Mapping[str, str]:
    """Return the facts that have a value."""
    return {name: value for name, value in facts.items() if value}
