"""What a sweep has found so far, counted by all of its threads."""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from restore_watch.errors import (
    AtlasUnauthorizedError,
    RestoreWatchError,
    TableUnavailableError,
)
from restore_watch.open_job import OpenJob

NO_ROLE = "USER_UNAUTHORIZED"
"""Atlas's code for credentials that are known but have no role for what was asked."""

FAILURES_SHOWN = 20
"""A result lists this many failures at most."""

type _Key = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class Finding:
    """
    What failed: one job or, if `restore_id` is None, the list of a cluster's jobs.

    Without a `cluster_name`, a list of the project failed; without a `group_id`, the list of
    projects. `is_known` is true if an earlier sweep found the same and the table remembers it.
    """

    group_id: str | None
    cluster_name: str | None
    restore_id: str | None
    error: RestoreWatchError
    is_known: bool = False

    @property
    def names(self) -> dict[str, Any]:
        """The names in a log line."""
        return {
            "group_id": self.group_id,
            "cluster_name": self.cluster_name,
            "restore_id": self.restore_id,
        }

    def as_json(self) -> dict[str, Any]:
        """The failure in the result of a sweep."""
        names = {"clusterName": self.cluster_name, "restoreId": self.restore_id}
        return {
            "groupId": self.group_id,
            **{name: value for name, value in names.items() if value is not None},
            "error": type(self.error).__name__,
            "message": str(self.error),
        }


class Findings:
    """
    The counts and failures of one sweep.

    A failure counts until the same job is asked about with success, and nothing of it is pending.
    """

    def __init__(self, opened: int) -> None:
        self.open = opened
        self.found = 0
        self.changed = 0
        self.published = 0
        self._answers = 0
        self._lock = Lock()
        self._asked: set[_Key] = set()
        self._skipped: set[_Key] = set()
        self._failures: dict[_Key, Finding] = {}

    @property
    def checked(self) -> int:
        """Different jobs that Atlas was asked about."""
        return len(self._asked)

    @property
    def not_reached(self) -> int:
        """Jobs that were due and that Atlas was not asked about."""
        return len(self._skipped - self._asked)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What failed and did not succeed later in this sweep."""
        with self._lock:
            return tuple(self._failures.values())

    @property
    def succeeded(self) -> int:
        """Different jobs that Atlas answered for, the answer recorded if it was a change."""
        with self._lock:
            failed = {(group, cluster) for group, cluster, job in self._failures if job is None}
            return sum(key not in self._failures and key[:2] not in failed for key in self._asked)

    @property
    def refusal_of_credentials(self) -> AtlasUnauthorizedError | None:
        """The refusal, if Atlas refused the credentials for every question. Not for a role."""
        with self._lock:
            errors = [one.error for one in self._failures.values()]
            is_all = bool(errors) and not self._answers
        refusals = [
            error
            for error in errors
            if isinstance(error, AtlasUnauthorizedError) and error.error_code != NO_ROLE
        ]
        return refusals[0] if is_all and len(refusals) == len(errors) else None

    def asked(self, jobs: Iterable[OpenJob]) -> None:
        """Atlas was asked about these jobs, and a rate limit did not stop the question."""
        with self._lock:
            self._asked.update(job.key for job in jobs)

    def skipped(self, jobs: Iterable[OpenJob]) -> None:
        """These jobs were due, but Atlas was not asked about them."""
        with self._lock:
            self._skipped.update(job.key for job in jobs)

    def not_settled(self, job: OpenJob) -> None:
        """Atlas answered, but too little time was left to act on it."""
        with self._lock:
            self._asked.discard(job.key)
            self._skipped.add(job.key)

    def answered(self) -> None:
        """Atlas answered a question, and did not refuse the credentials."""
        with self._lock:
            self._answers += 1

    def changed_one(self, *, found: bool = False) -> None:
        """A change was recorded; of a job that a listing `found`, the first one."""
        with self._lock:
            self.changed += 1
            self.found += found

    def published_for(self, job: OpenJob, messages: int) -> None:
        """Everything that was pending for a job is published."""
        with self._lock:
            self.published += messages
            self._failures.pop(job.key, None)

    def succeeded_for(self, job: OpenJob) -> None:
        """The job was answered for, and nothing of it is pending."""
        key = job.key
        with self._lock:
            self._failures.pop(key, None)
            self._failures.pop((*key[:2], None), None)

    def failed(self, job: OpenJob, error: RestoreWatchError, *, whole_list: bool = False) -> None:
        """The question about a job, or about the list of its cluster's jobs, failed."""
        group_id, cluster_name, restore_id = job.key
        key = (group_id, cluster_name, None if whole_list else restore_id)
        is_known = job.missing_since is not None
        with self._lock:
            self._failures[key] = Finding(*key, error, is_known)

    def search_failed(
        self, group_id: str | None, cluster_name: str | None, error: RestoreWatchError
    ) -> None:
        """A list by which jobs are found failed."""
        key = (group_id, cluster_name, None)
        with self._lock:
            self._failures.setdefault(key, Finding(*key, error))

    @property
    def odd_items(self) -> dict[str, RestoreWatchError]:
        """By project, why the table did not take what Atlas says about some job."""
        return {
            one.group_id: one.error
            for one in self.failures
            if one.group_id and one.restore_id and isinstance(one.error, TableUnavailableError)
        }

    def as_json(self) -> dict[str, Any]:
        """The result of a sweep, plain JSON."""
        return {
            "open": self.open,
            "found": self.found,
            "checked": self.checked,
            "changed": self.changed,
            "published": self.published,
            "notReached": self.not_reached,
            "failures": [one.as_json() for one in self.failures[:FAILURES_SHOWN]],
        }
