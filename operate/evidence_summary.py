"""The totals of the evidence: restores by outcome, and how many met the objectives. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from restore_watch.model.objectives import Objectives
from restore_watch.report.restores.restore_evidence import RestoreEvidence
from restore_watch.report.restores.what_a_restore_proves import OUTCOMES


@dataclass
class EvidenceSummary:
    """Counts restores by outcome and objectives, and keeps the keys of items it cannot read."""

    objectives: Objectives
    restores: int = 0
    unreadable: list[dict[str, str]] = field(default_factory=list)
    _outcomes: Counter[str] = field(default_factory=Counter)
    _rto_met: Counter[bool | None] = field(default_factory=Counter)
    _rpo_met: Counter[bool | None] = field(default_factory=Counter)

    def add_restore(self, evidence: RestoreEvidence) -> None:
        """Count a restore."""
        facts = evidence.facts(self.objectives)
        self.restores += 1
        self._outcomes[facts["outcome"]] += 1
        self._rto_met[facts["rtoMet"]] += 1
        self._rpo_met[facts["rpoMet"]] += 1

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON."""
        return {
            "restoreCount": self.restores,
            "outcomes": self._outcomes_in_order(),
            "rto": _judged(self._rto_met, self.objectives.rto),
            "rpo": _judged(self._rpo_met, self.objectives.rpo),
            "unreadable": self.unreadable,
        }

    def lines(self) -> list[str]:
        """Return the totals in words."""
        first = f"Restores: {self.restores}"
        outcomes = self._outcomes_in_order()
        if outcomes:
            counted = ", ".join(f"{outcome} {number}" for outcome, number in outcomes.items())
            first = f"{first} ({counted})"
        lines = [first]
        if self.objectives.rto is not None:
            lines.append(_line("RTO", self.objectives.rto, self._rto_met))
        if self.objectives.rpo is not None:
            lines.append(_line("RPO", self.objectives.rpo, self._rpo_met))
        return lines

    def _outcomes_in_order(self) -> dict[str, int]:
        return {name: self._outcomes[name] for name in OUTCOMES if self._outcomes[name]}


def _judged(met: Counter[bool | None], objective: timedelta | None) -> dict[str, Any]:
    minutes = None if objective is None else _minutes(objective)
    return {"minutes": minutes, "met": met[True], "missed": met[False], "notJudged": met[None]}


def _line(name: str, objective: timedelta, met: Counter[bool | None]) -> str:
    said = f"met {met[True]}, missed {met[False]}, not judged {met[None]}"
    return f"{name} of {_minutes(objective):g} minutes: {said}"


def _minutes(objective: timedelta) -> float:
    """Minutes, without a decimal point if they are whole."""
    minutes = objective / timedelta(minutes=1)
    return int(minutes) if minutes.is_integer() else minutes
