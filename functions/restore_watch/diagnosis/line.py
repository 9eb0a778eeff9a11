"""The lines of a diagnosis, and which follow from others: one mistake is one line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Line:
    """
    What was found about one thing.

    `ok` is None if it could not be told, or if it is only worth a look. `fix` says what to do.
    """

    check: str
    ok: bool | None
    found: str
    fix: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The line in the result of an invocation."""
        return {"check": self.check, "ok": self.ok, "found": self.found, "fix": self.fix}


_ATLAS = ("secret", "credentials", "projects")
_PUBLISHING = ("topic", "key of the topic", "key policy: function")

_CAUSES = {
    "index": ("table",),
    "last sweep": ("secret", "credentials", "table", "index", "schedule"),
    "pending messages": (*_PUBLISHING, "publishing"),
    "people: subscription": ("topic",),
    "publishing": _PUBLISHING,
    "subscriptions of the topic": ("topic",),
}

_DEGRADED = ": degraded"


def without_consequences(lines: Sequence[Line]) -> list[Line]:
    """Return the lines without those that follow from another one that is wrong."""
    wrong = {line.check for line in lines if line.ok is False}
    return [line for line in lines if line.ok is True or not _follows(line.check, wrong)]


def together(whole: str, lines: Sequence[Line]) -> list[Line]:
    """Return one line for those that have one fix: the parts of a whole, named by their checks."""
    groups: dict[tuple[bool | None, str | None], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.ok, line.fix), []).append(line)
    return [
        replace(one[0], check=f"{whole}: {', '.join(line.check for line in one)}")
        for one in groups.values()
    ]


def _follows(check: str, wrong: set[str]) -> bool:
    if not check.endswith(_DEGRADED):
        return not wrong.isdisjoint(_CAUSES.get(check, ()))
    # What the watch cannot see now, the lines about Atlas have too.
    whose = check.removesuffix(_DEGRADED)
    about = "project " if whose == "stack" else whose
    return not wrong.isdisjoint(_ATLAS) or any(
        one.startswith(about) and not one.endswith(_DEGRADED) for one in wrong
    )
