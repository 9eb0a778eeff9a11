"""
Workflows that wait for a restore job: their task tokens of Step Functions, and the answers. Pure.

Anybody with a token can end a workflow's state. So it is stored with the job alone, and never
logged, published or returned.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Self

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus

ENDED = "ended"
DOWNLOAD_READY = "download-ready"

_KNOWN = [status for status in RestoreStatus if status is not RestoreStatus.UNKNOWN]

UNTIL = (ENDED, DOWNLOAD_READY, *_KNOWN)
"""A workflow may wait for the end, a download that can be fetched, or a status."""

TOKEN_LIMIT = 2048
"""Characters of a task token at most: "SendTaskSuccess", AWS Step Functions API Reference."""

WAITS_LIMIT = 20
"""Workflows that may wait for one job."""

TOKEN_LIFE = timedelta(days=365)
"""No token is older: an execution lasts a year at most ("Quotas", AWS Step Functions)."""

DENIED_LIFE = timedelta(days=7)
"""A denied answer is sent again for this long: somebody may repair a policy meanwhile."""

_DENIALS = {"AccessDenied", "AccessDeniedException"}
"""AWS's codes for a token of another account or region, and for a missing permission to answer."""

_UNDER_WAY = (RestoreStatus.PENDING, RestoreStatus.QUEUED, RestoreStatus.RUNNING)


class WaitError(StrEnum):
    """The errors for a workflow's `Catch`, by the status of the end. The names never change."""

    FAILED = "RestoreFailed"
    CANCELLED = "RestoreCancelled"
    EXPIRED = "RestoreExpired"
    COMPLETED = "RestoreCompleted"
    UNKNOWN = "RestoreEndedUnknown"
    NOT_FOLLOWED = "RestoreNotFollowed"


@dataclass(frozen=True)
class Wait:
    """A workflow that waits `until` a word of UNTIL."""

    token: str = field(repr=False)
    until: str = ENDED

    def as_text(self) -> str:
        """The wait as it is stored, an element of a set."""
        return f"{self.until} {self.token}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text of `as_text`."""
        until, _, token = text.partition(" ")
        return cls(token, until)


@dataclass(frozen=True)
class TaskAnswer:
    """The answer to a workflow. Without an error, the workflow goes on with the job."""

    wait: Wait
    error: WaitError | None = None


def answer_to(wait: Wait, job: RestoreJob, seen: Collection[RestoreStatus]) -> TaskAnswer | None:
    """
    Return the answer to a workflow, None if it has to wait on.

    `seen` has every recorded status. A status that a restore has skipped counts as reached. A
    restore that ended in another way than the workflow waits for is an error named after its end.
    """
    if _is_reached(wait.until, job, seen):
        return TaskAnswer(wait)
    if not job.terminal or job.is_ready_download:
        return None
    return TaskAnswer(wait, WaitError[job.status.name])


def is_given_up(code: str, due_for: timedelta) -> bool:
    """Whether to give up an answer that is due for this long and was refused with this code."""
    return due_for >= (DENIED_LIFE if code in _DENIALS else TOKEN_LIFE)


def _is_reached(until: str, job: RestoreJob, seen: Collection[RestoreStatus]) -> bool:
    if until == DOWNLOAD_READY:
        return job.is_ready_download
    if until == ENDED:
        return job.status is RestoreStatus.COMPLETED
    wanted = RestoreStatus(until)
    if wanted in _UNDER_WAY:
        is_past = wanted in seen or job.status.rank > wanted.rank
        return is_past and (not job.terminal or job.status is RestoreStatus.COMPLETED)
    return job.status is wanted
