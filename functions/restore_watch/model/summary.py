"""What each of several workers leaves to the first, which judges the stack for all. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from restore_watch.model.fields import ObjectId, UtcDate
from restore_watch.model.outage import Trouble

LATE = timedelta(minutes=3)
"""A worker whose last sweep is so much older than that of the first one is left out."""

OLD = timedelta(hours=1)
"""What a worker left so long ago is of before their number was lowered."""


@dataclass
class Summary:
    """
    One sweep of a worker, which began `at` a moment.

    Of its projects, `seen` is one for which Atlas has answered. `trouble` is the first of
    theirs, `no_answer` the first of now for want of an answer, and `refusal` that of the
    credentials. So many ticks in a row it has `waited` for the first worker to say that all
    projects fail. `succeeded_at` is the end of the last sweep that did not fail.
    """

    __pydantic_config__: ClassVar = ConfigDict(alias_generator=to_camel)

    at: UtcDate
    open: int = 0
    pending: int = 0
    not_reached: int = 0
    degraded: int = 0
    projects: int = 0
    failing: int = 0
    unanswered: int = 0
    waited: int = 0
    succeeded_at: UtcDate | None = None
    seen: ObjectId | None = None
    trouble: Trouble | None = None
    no_answer: Trouble | None = None
    refusal: Trouble | None = None

    @property
    def succeeds(self) -> bool:
        """Whether a sweep has succeeded lately."""
        return self.succeeded_at is not None and abs(self.at - self.succeeded_at) <= LATE

    def as_value(self) -> dict[str, Any]:
        """The map of the item, without values that are absent."""
        return dict(_MAP.dump_python(self, mode="json", by_alias=True, exclude_defaults=True))


def read_summary(stored: object) -> Summary | None:
    """Read the map. None if somebody has changed it so that it cannot be read."""
    try:
        return _MAP.validate_python(stored)
    except ValidationError:
        return None


def of_now(left: Iterable[Summary], last: Summary | None, now: datetime) -> list[Summary]:
    """Return what still counts of what was left, if the reader left `last` itself."""
    new = (one for one in left if now - one.at <= OLD)
    return [one for one in new if last is None or last.at - one.at <= LATE]


def together(own: Summary, others: Sequence[Summary]) -> Summary:
    """All workers as one: what can be counted adds up, and the first trouble stands for all."""
    of_all = (own, *others)
    return Summary(
        at=own.at,
        open=sum(one.open for one in of_all),
        pending=sum(one.pending for one in of_all),
        not_reached=sum(one.not_reached for one in of_all),
        degraded=sum(one.degraded for one in of_all),
        projects=sum(one.projects for one in of_all),
        failing=sum(one.failing for one in of_all),
        unanswered=sum(one.unanswered for one in of_all),
        seen=next((one.seen for one in of_all if one.seen), None),
        trouble=next((one.trouble for one in of_all if one.trouble), None),
        no_answer=next((one.no_answer for one in of_all if one.no_answer), None),
        refusal=next((one.refusal for one in of_all if one.refusal), None),
    )


_MAP = TypeAdapter(Summary)
