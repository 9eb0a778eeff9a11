"""The lines of a diagnosis, without consequences of others: one mistake is one line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Line:
    """A finding. `ok`: None if the answer is unknown, or only worth a look. `fix`: advice."""

    check: str
    ok: bool | None
    found: str
    fix: str | None = None


@dataclass(frozen=True)
class UnreadLine(Line):
    """A finding about a thing that has to be read, and was not: nobody can say that all is well."""


def good(check: str, found: str) -> Line:
    """Return the line about a thing that is as it should be."""
    return Line(check, ok=True, found=found)


def bad(check: str, found: str, fix: str) -> Line:
    """Return the line about a thing that is wrong."""
    return Line(check, ok=False, found=found, fix=fix)


def unsure(check: str, found: str, fix: str | None = None) -> Line:
    """Return the line about a thing that is unknown, or only worth a look."""
    return Line(check, ok=None, found=found, fix=fix)


def unread(check: str, found: str, fix: str | None = None) -> Line:
    """Return the line about a thing that has to be read, and was not."""
    return UnreadLine(check, ok=None, found=found, fix=fix)


def whole(lines: Sequence[Line]) -> bool | None:
    """Return `ok` of a diagnosis: None if nothing is wrong, as far as everything was read."""
    if any(line.ok is False for line in lines):
        return False
    return None if any(isinstance(line, UnreadLine) for line in lines) else True


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
    """Return the lines that do not follow from another line that is wrong."""
    wrong = {line.check for line in lines if line.ok is False}
    return [line for line in lines if line.ok is True or not _follows(line.check, wrong)]


def together(subject: str, lines: Sequence[Line]) -> list[Line]:
    """Join the lines about parts of a whole that have the same fix. Checks name the parts."""
    groups: dict[tuple[bool | None, str | None], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.ok, line.fix), []).append(line)
    joined = []
    for group in groups.values():
        parts = ", ".join(line.check for line in group)
        joined.append(replace(group[0], check=f"{subject}: {parts}"))
    return joined


def _follows(check: str, wrong: set[str]) -> bool:
    if not check.endswith(_DEGRADED):
        return not wrong.isdisjoint(_CAUSES.get(check, ()))
    # If the watch still cannot see, the lines about Atlas show the same.
    if not wrong.isdisjoint(_ATLAS):
        return True
    whose = check.removesuffix(_DEGRADED)
    about = "project " if whose == "stack" else whose
    seen_now = {cause for cause in wrong if not cause.endswith(_DEGRADED)}
    return any(cause.startswith(about) for cause in seen_now)
