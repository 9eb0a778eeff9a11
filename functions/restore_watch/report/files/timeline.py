"""Where the page draws a restore: its snapshot, its scheduled moment and its end. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import NamedTuple, Self

SCALE_OF_OBJECTIVE = 3
"""A timeline is drawn to so many times its objective; what is longer is cut."""

SCALE_OF_MEDIAN = 6
"""Without an objective, a timeline is drawn to so many times the median."""

SCHEDULED_AT = 130
"""Each restore is scheduled here, in units of a drawing that is 320 wide."""

WIDTH_BEFORE = 126
"""Units for the age of the snapshot."""

WIDTH_AFTER = 190
"""Units for the time that the restore took."""

NARROWEST_BAR = 3
"""A shorter restore is drawn so wide, to be seen."""

NARROWEST_BAD_BAR = 14
"""A bad bar has room for its cross."""

FIRST_LABEL_AT = 18
"""The middle of a label that begins at the left edge."""


class Timeline(NamedTuple):
    """
    The scale of the drawings of all restores.

    `seconds_before` and `seconds_after`: what they show before and after the scheduled moment.
    Moments are in units from the left, with the one digit that the page has.
    """

    seconds_before: float
    seconds_after: float
    rpo: timedelta | None
    rto: timedelta | None

    @classmethod
    def of(
        cls,
        ages: Sequence[float],
        seconds: Sequence[float],
        *,
        rpo: timedelta | None,
        rto: timedelta | None,
    ) -> Self:
        """Return the scale for snapshots of these ages, and restores that took these seconds."""
        return cls(_scale(ages, rpo), _scale(seconds, rto), rpo, rto)

    @property
    def rpo_at(self) -> float | None:
        """Where a snapshot is as old as the RPO allows."""
        return None if self._rpo_at is None else round(self._rpo_at, 1)

    @property
    def rpo_label_at(self) -> float | None:
        """Where the word RPO stands, which the left edge must not cut."""
        return None if self._rpo_at is None else round(max(FIRST_LABEL_AT, self._rpo_at), 1)

    @property
    def rto_at(self) -> float | None:
        """Where a restore has taken as long as the RTO allows."""
        if not self.rto:
            return None
        return round(SCHEDULED_AT + self.rto.total_seconds() / self.seconds_after * WIDTH_AFTER, 1)

    def snapshot_at(self, age: float) -> float:
        """Where a snapshot of this age is drawn."""
        return round(SCHEDULED_AT - min(age / self.seconds_before, 1) * WIDTH_BEFORE, 1)

    def cuts_snapshot(self, age: float) -> bool:
        """Whether the snapshot is too old to be drawn to scale."""
        return age > self.seconds_before

    def bar_width(self, took: float, *, is_bad: bool) -> float:
        """How wide the bar of a restore is that took so many seconds."""
        narrowest = NARROWEST_BAD_BAR if is_bad else NARROWEST_BAR
        return round(max(narrowest, min(took / self.seconds_after, 1) * WIDTH_AFTER), 1)

    def cuts_bar(self, took: float) -> bool:
        """Whether the restore took too long to be drawn to scale."""
        return took > self.seconds_after

    @property
    def _rpo_at(self) -> float | None:
        if not self.rpo:
            return None
        return SCHEDULED_AT - self.rpo.total_seconds() / self.seconds_before * WIDTH_BEFORE


def _scale(seconds: Sequence[float], objective: timedelta | None) -> float:
    """
    The seconds that a timeline shows: most restores and the objective.

    A restore of days must not make the bars of the others too short to be seen.
    """
    known = sorted(seconds) or [0.0]
    usual = known[len(known) * 9 // 10] * 1.25
    if objective is None:
        return max(60.0, min(usual, median(known) * SCALE_OF_MEDIAN))
    goal = objective.total_seconds()
    return max(60.0, min(max(usual, goal * 1.4), goal * SCALE_OF_OBJECTIVE))
