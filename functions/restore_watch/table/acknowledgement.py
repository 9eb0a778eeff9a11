"""What is stored of a job once its entries are published and its workflows answered. No I/O."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from restore_watch.model.status_change import utc_text
from restore_watch.model.validation import Entry
from restore_watch.model.wait import Wait
from restore_watch.table.job_item import Recorded, expires_at

SAME_ITEM = "#firstObservedAt = :firstObservedAt"
"""The item was not deleted and recorded again meanwhile."""


@dataclass(frozen=True)
class Acknowledgement:
    """
    What was done about a job: the `last` entry that was published, if any, and who was `answered`.

    `due_since` is when Step Functions did not take an answer, which a sweep sends again.
    """

    last: Entry | None = None
    answered: tuple[Wait, ...] = ()
    due_since: datetime | None = None

    def published_of(self, recorded: Recorded) -> int:
        """How many entries are published now."""
        return self.last.sequence if self.last else recorded.published


@dataclass
class Write:
    """The clauses of one conditional update, and their values."""

    conditions: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """The condition as DynamoDB takes it."""
        return " AND ".join(self.conditions)

    @property
    def update(self) -> str:
        """The update as DynamoDB takes it."""
        clauses = {"SET": self.sets, "REMOVE": self.removes, "DELETE": self.deletes}
        return " ".join(f"{name} {', '.join(parts)}" for name, parts in clauses.items() if parts)


def acknowledging(recorded: Recorded, done: Acknowledgement) -> Write:
    """
    Return what stores that this was done about a job as it was read.

    `publishedSequence` never decreases. When nothing is left to be done, the condition is that no
    other workflow waits meanwhile and, for a finished job, that no newer entry was recorded: the
    invocation that wrote that acknowledges both.
    """
    published = done.published_of(recorded)
    write = Write(
        conditions=["#publishedSequence <= :published"],
        sets=["#publishedSequence = :published"],
        values={":published": published},
    )
    if recorded.first_observed_at is not None:
        write.conditions.append(SAME_ITEM)
        write.values[":firstObservedAt"] = recorded.first_observed_at
    if done.answered:
        write.deletes.append("#waiting :answered")
        write.values[":answered"] = {wait.as_text() for wait in done.answered}
    is_published = published == len(recorded.history)
    is_paid = done.due_since is None and recorded.is_unanswered and is_published
    if done.due_since is not None:
        write.sets.append("#unansweredSince = if_not_exists(#unansweredSince, :due)")
        write.values[":due"] = utc_text(done.due_since)
    if is_paid:
        write.removes.append("#unansweredSince")
    nobody_waits = len(done.answered) == len(recorded.waits)
    is_settled = recorded.job.terminal and is_published and nobody_waits
    if is_paid or is_settled:
        _require_same_waits(write, recorded)
    if is_settled:
        _settle(write, recorded)
    return write


def _require_same_waits(write: Write, recorded: Recorded) -> None:
    """No other workflow waits, which may be due an answer too."""
    if not recorded.waits:
        write.conditions.append("attribute_not_exists(#waiting)")
        return
    write.conditions.append("#waiting = :waits")
    write.values[":waits"] = {wait.as_text() for wait in recorded.waits}


def _settle(write: Write, recorded: Recorded) -> None:
    """Its retention begins, and it leaves the index unless it is a download that may change."""
    write.conditions.append("#sequence = :published")
    write.sets.append("#expiresAt = :expiresAt")
    write.values[":expiresAt"] = expires_at(recorded.history[-1].observed_at)
    if not recorded.job.is_ready_download:
        write.removes.append("#openShard")
