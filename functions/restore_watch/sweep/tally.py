"""The counts and failures of a sweep, kept by all of its threads."""

from collections import Counter
from collections.abc import Iterable
from threading import Lock

from restore_watch.errors import (
    AtlasUnauthorizedError,
    RestoreWatchError,
    TableUnavailableError,
)
from restore_watch.model.results import Failure, SweepResult
from restore_watch.table.open_job import OpenJob

NO_ROLE = "USER_UNAUTHORIZED"
"""Atlas's code for credentials that are known but have no role for what was asked."""

type _Key = tuple[str | None, str | None, str | None]


class Tally:
    """
    The counts and failures of one sweep.

    A failure counts until the same job is asked about with success, and nothing of it is pending.
    """

    def __init__(self, opened: int) -> None:
        self.opened = opened
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._asked: set[_Key] = set()
        self._skipped: set[_Key] = set()
        self._failures: dict[_Key, Failure] = {}

    @property
    def checked(self) -> int:
        """Different jobs that Atlas was asked about."""
        return len(self._asked)

    @property
    def not_reached(self) -> int:
        """Jobs that were due and that Atlas was not asked about."""
        return len(self._skipped - self._asked)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The failures that no later success of this sweep has ended."""
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
            is_all = bool(errors) and not self._counts["answers"]
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
            self._counts["answers"] += 1

    def changed_one(self, *, found: bool = False) -> None:
        """A change was recorded; of a job that a listing `found`, the first one."""
        with self._lock:
            self._counts["changed"] += 1
            self._counts["found"] += found

    def published_for(self, job: OpenJob, messages: int) -> None:
        """Everything that was pending for a job is published."""
        with self._lock:
            self._counts["published"] += messages
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
            self._failures[key] = Failure(*key, error, is_known)

    def search_failed(
        self, group_id: str | None, cluster_name: str | None, error: RestoreWatchError
    ) -> None:
        """A list by which jobs are found failed."""
        key = (group_id, cluster_name, None)
        with self._lock:
            self._failures.setdefault(key, Failure(*key, error))

    @property
    def odd_items(self) -> dict[str, RestoreWatchError]:
        """By project, why the table did not take what Atlas says about some job."""
        return {
            one.group_id: one.error
            for one in self.failures
            if one.group_id and one.restore_id and isinstance(one.error, TableUnavailableError)
        }

    @property
    def result(self) -> SweepResult:
        """The result of the sweep by now."""
        return SweepResult(
            open=self.opened,
            found=self._counts["found"],
            checked=self.checked,
            changed=self._counts["changed"],
            published=self._counts["published"],
            not_reached=self.not_reached,
            succeeded=self.succeeded,
            failures=self.failures,
        )
