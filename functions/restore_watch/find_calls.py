"""How a sweep asks Atlas for the lists by which jobs are found, and what a failure leads to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from restore_watch.agenda import TRIES
from restore_watch.asking import FAST
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.pages import Page
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.check import TIME_SHARE
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    TimeBudgetExceededError,
    UnexpectedAtlasResponseError,
)
from restore_watch.find_memory import FindMemory
from restore_watch.find_steps import ClustersPage, FindStep, JobsPage
from restore_watch.following import Follower
from restore_watch.marks import FIRST_MARK, Part
from restore_watch.reception import Reception

LONG_UNREAD = timedelta(minutes=30)
"""If a rate limit keeps a cluster from being read for so long, the project cannot be seen."""

_REFUSALS = (AtlasUnauthorizedError, AtlasForbiddenError, EndpointRetiredError)
"""After these there is no role for a family of endpoints, or no endpoint."""

type Ask = Callable[[AtlasProjects, Credentials, Deadline], Page]
"""Asks for one page. Raises AtlasError or TimeBudgetExceededError."""


@dataclass(frozen=True)
class FindCalls:
    """
    Makes the calls of one sweep. Any thread may use it.

    `deadline` is when the last one must have ended.
    """

    follower: Follower
    projects: AtlasProjects
    reception: Reception
    memory: FindMemory
    deadline: Deadline

    def read(self, bucket: Bucket, ask: Ask, part: Part | None = None) -> Page:
        """Ask Atlas, about the jobs of a cluster if it is this `part`, and note how it went."""
        deadline = self.deadline.within(TIME_SHARE)

        def question(credentials: Credentials) -> Page:
            return ask(self.projects, credentials, deadline)

        try:
            page = self.follower.checker.secret.ask(question, deadline)
        except RestoreWatchError as error:
            if part is None:
                self.reception.failed(bucket, error)
            else:
                alone = self._is_refused_alone(bucket, part)
                self.reception.cluster_failed(bucket, error, alone=alone)
            raise
        self.reception.answered(bucket)
        self.memory.family_was(bucket.group_id or "", bucket.family, refused=False)
        return page

    def again(self, step: FindStep, error: RestoreWatchError, begun: float) -> list[FindStep]:
        """
        The call of a step that `begun` then has failed. Return the step if it is tried again.

        Otherwise the failure is a finding, unless a limit or the end of the time caused it.
        """
        is_transient = isinstance(error, AtlasUnavailableError) and error.transient
        is_fast = self.deadline.clock() - begun < FAST
        if is_transient and is_fast and step.tries + 1 < TRIES:
            return [replace(step, tries=step.tries + 1)]
        bucket, cluster_name = step.bucket, None
        if isinstance(step, JobsPage):
            cluster_name = step.part.cluster_name
            self._note_cluster(step, error)
        elif isinstance(error, _REFUSALS):
            self.memory.family_was(bucket.group_id or "", bucket.family, refused=True)
        if isinstance(step, ClustersPage) and not step.is_first:
            # The pages before were answered, so the family is seen.
            self.reception.sight.blind(bucket, error)
        if not isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.follower.findings.search_failed(bucket.group_id, cluster_name, error)
        return []

    def _note_cluster(self, step: JobsPage, error: RestoreWatchError) -> None:
        """The list of a cluster's jobs failed: the cluster alone, or the whole family."""
        bucket, part = step.bucket, step.part
        group_id = bucket.group_id or ""
        match error:
            case AtlasRateLimitError() if self._waits_long(step):
                self.reception.sight.blind(bucket, error)
            case AtlasBadRequestError() | RestoreJobNotFoundError():
                self.memory.part_was(group_id, part, answerable=False)
            case AtlasUnavailableError() | UnexpectedAtlasResponseError():
                self.memory.part_was(group_id, part, answerable=True)
                self.reception.sight.cluster(bucket, str(part), error)
            case AtlasUnauthorizedError() | AtlasForbiddenError() if self._is_refused_alone(
                bucket, part
            ):
                self.memory.part_was(group_id, part, answerable=True)
                self.memory.part_was_refused(group_id, part, refused=True)
                self.reception.sight.cluster(bucket, str(part), error)
            case AtlasUnauthorizedError() | AtlasForbiddenError():
                self.memory.family_was(group_id, bucket.family, refused=True)
                self.reception.sight.cluster_refused(bucket, str(part), error)
            case EndpointRetiredError():
                self.memory.family_was(group_id, bucket.family, refused=True)

    def _is_refused_alone(self, bucket: Bucket, part: Part) -> bool:
        """Whether lists of other clusters were answered, in this sweep or when last tried."""
        group_id = bucket.group_id or ""
        is_family_seen = bucket.family in self.reception.sight.seen(group_id)
        return is_family_seen or self.memory.is_refused_alone(group_id, part)

    def _waits_long(self, step: JobsPage) -> bool:
        """Whether what this step reads has not been read for longer than a listing is apart."""
        marks = step.listing.marks
        since = max(marks.of(step.part), marks.first + FIRST_MARK)
        return self.follower.checker.now() - since > LONG_UNREAD
