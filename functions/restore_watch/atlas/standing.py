"""Refusals that stand for a while: until then, Atlas would refuse the same request again."""

from dataclasses import dataclass, replace
from typing import Self

from restore_watch.errors import AtlasError, AtlasReason


@dataclass(frozen=True)
class StandingRefusal:
    """A refusal that stands for `seconds` from `since`, in Unix seconds."""

    error: type[AtlasError]
    message: str
    reason: AtlasReason | None
    transient: bool
    since: float
    seconds: float

    @classmethod
    def of(cls, error: AtlasError, now: float, seconds: float) -> Self:
        """Return the refusal of this error, for this many seconds."""
        # Not the error itself: its traceback would keep many objects alive.
        return cls(type(error), error.args[0], error.reason, error.transient, now, seconds)

    def stands(self, now: float) -> bool:
        """False after its time, or if the clock was set back."""
        return 0 <= now - self.since < self.seconds

    def raise_while_it_stands(self, now: float) -> None:
        """Raise the error again while it stands, with the rest of the time that Atlas asked for."""
        if not self.stands(now):
            return
        reason = self.reason
        if reason and reason.retry_after_seconds:
            left = reason.retry_after_seconds - (now - self.since)
            reason = replace(reason, retry_after_seconds=max(left, 0.1))
        again = self.error(self.message, reason)
        again.transient = self.transient
        raise again
