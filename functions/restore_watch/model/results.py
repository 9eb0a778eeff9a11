"""The result of an invocation: of a check, a wait, a verdict or a sweep. Pure."""

from dataclasses import dataclass
from typing import Any

from foundation.errors import ApplicationError
from restore_watch.model.history_entry import HistoryEntry, RecordedValidation
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind

FAILURES_SHOWN = 20
"""A result lists this many failures at most."""


@dataclass(frozen=True)
class CheckResult:
    """
    The result of a check.

    `job` is the recorded state, with the details of Atlas's latest answer if the status is the
    same. `previous_status` was stored before this check, None for a new job. `changed` is
    true if this check recorded a change. `published` has the changes and validations that this
    check published, earlier pending ones included. `sequence` counts all of them.

    `contradiction` is a final status that Atlas reports although another final status is recorded.
    `unrecorded_word` is an unknown status for which the history has no room. `successor` is the
    kind that answered instead of the retired tenant endpoint. `seen` has every recorded status.
    """

    job: RestoreJob
    previous_status: RestoreStatus | None
    changed: bool
    sequence: int
    published: tuple[HistoryEntry, ...] = ()
    contradiction: RestoreStatus | None = None
    unrecorded_word: str | None = None
    successor: RestoreKind | None = None
    seen: frozenset[RestoreStatus] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """The result of an invocation, plain JSON."""
        return {
            "job": self.job.as_json(),
            "status": self.job.status,
            "previousStatus": self.previous_status,
            "changed": self.changed,
            "terminal": self.job.terminal,
            "succeeded": self.job.succeeded,
            "sequence": self.sequence,
        }


@dataclass(frozen=True)
class Registration:
    """A workflow that waits or was answered. `first_check` is of a job the table did not know."""

    job: RestoreJob
    until: str
    first_check: CheckResult | None = None

    def as_json(self) -> dict[str, Any]:
        """The result of an invocation, plain JSON."""
        return {"job": self.job.as_json(), "status": self.job.status, "waitUntil": self.until}


@dataclass(frozen=True)
class ValidationResult:
    """
    The result of recording a validation.

    `entry` is the validation in the history. `changed` is false if it was recorded before.
    `first_check` is the check of a job that the table did not know.
    """

    job: RestoreJob
    entry: RecordedValidation
    changed: bool
    published: tuple[HistoryEntry, ...] = ()
    first_check: CheckResult | None = None

    def as_json(self) -> dict[str, Any]:
        """The result of an invocation, plain JSON."""
        return {
            "job": self.job.as_json(),
            "validation": self.entry.validation.as_json(),
            "changed": self.changed,
            "sequence": self.entry.sequence,
        }


@dataclass(frozen=True)
class Failure:
    """
    The failure of one job or, if `restore_id` is None, of the list of a cluster's jobs.

    Without a `cluster_name`, a list of the project failed; without a `group_id`, the list of
    projects. `is_known` is true if an earlier sweep found the same and the table remembers it.
    """

    group_id: str | None
    cluster_name: str | None
    restore_id: str | None
    error: ApplicationError
    is_known: bool = False

    def as_json(self) -> dict[str, Any]:
        """The failure in the result of a sweep."""
        names = {"clusterName": self.cluster_name, "restoreId": self.restore_id}
        return {
            "groupId": self.group_id,
            **{name: value for name, value in names.items() if value is not None},
            "error": type(self.error).__name__,
            "message": str(self.error),
        }


@dataclass(frozen=True)
class SweepResult:
    """The result of a sweep."""

    open: int
    found: int
    checked: int
    changed: int
    published: int
    not_reached: int
    failures: tuple[Failure, ...]

    def as_json(self) -> dict[str, Any]:
        """The result of an invocation, plain JSON."""
        return {
            "open": self.open,
            "found": self.found,
            "checked": self.checked,
            "changed": self.changed,
            "published": self.published,
            "notReached": self.not_reached,
            "failures": [failure.as_json() for failure in self.failures[:FAILURES_SHOWN]],
        }
