"""What the restores of a period add up to. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from operate.objectives import Objectives
from operate.restore_evidence import OUTCOMES, RestoreEvidence
from restore_watch.redaction import redact

_JUDGEMENTS = {True: "met", False: "missed", None: "notJudged"}


class Summary:
    """Counts restores by outcome, and by whether they met the objectives."""

    def __init__(self, objectives: Objectives) -> None:
        self._objectives = objectives
        self._outcomes: Counter[str] = Counter()
        self._rto: Counter[str] = Counter()
        self._rpo: Counter[str] = Counter()
        self.unreadable: list[dict[str, str]] = []
        """The keys of the items that this version cannot read."""

    def add(self, evidence: RestoreEvidence) -> None:
        """Count a restore."""
        self._outcomes[evidence.facts["outcome"]] += 1
        self._rto[_JUDGEMENTS[evidence.facts["rtoMet"]]] += 1
        self._rpo[_JUDGEMENTS[evidence.facts["rpoMet"]]] += 1

    def add_unreadable(self, item: Mapping[str, Any]) -> None:
        """Keep the key of an item that cannot be read. It may hold anything."""
        key = {name: redact(item[name]["S"]) for name in ("cluster", "restoreId")}
        self.unreadable.append(key)

    @property
    def restores(self) -> int:
        """How many restores were counted."""
        return self._outcomes.total()

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON."""
        return {
            "restoreCount": self.restores,
            "outcomes": {one: self._outcomes[one] for one in OUTCOMES if self._outcomes[one]},
            "rto": _judged(self._objectives.rto, self._rto),
            "rpo": _judged(self._objectives.rpo, self._rpo),
            "unreadable": self.unreadable,
        }

    def lines(self) -> list[str]:
        """Return the totals in words."""
        outcomes = ", ".join(f"{one} {count}" for one, count in self.as_json()["outcomes"].items())
        lines = [f"Restores: {self.restores}" + (f" ({outcomes})" if outcomes else "")]
        for name, seconds, counts in (
            ("RTO", self._objectives.rto, self._rto),
            ("RPO", self._objectives.rpo, self._rpo),
        ):
            if seconds is not None:
                met, missed, rest = (counts[one] for one in _JUDGEMENTS.values())
                lines.append(
                    f"{name} of {seconds / 60:g} minutes: met {met}, missed {missed}, "
                    f"not judged {rest}"
                )
        return lines


def _judged(seconds: float | None, counts: Counter[str]) -> dict[str, Any]:
    said = None if seconds is None else seconds / 60
    if said is not None and said.is_integer():
        said = int(said)
    return {"minutes": said, **{one: counts[one] for one in _JUDGEMENTS.values()}}
