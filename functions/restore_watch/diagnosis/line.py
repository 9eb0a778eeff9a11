"""One line of a diagnosis. Pure."""

from dataclasses import dataclass
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
