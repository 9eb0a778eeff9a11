"""
Fetches one restore job from Atlas.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/
"""

import time
from collections.abc import Callable

import httpx

from restore_watch.atlas.access import Access, access_with
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.kinds import ClusterKinds
from restore_watch.atlas.network import ENVELOPE, http_client
from restore_watch.atlas.refusals import is_refusal, job_refusal
from restore_watch.atlas.responses import restore_job
from restore_watch.atlas.retrying import retrying
from restore_watch.atlas.standing import RateLimits
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget

ACCEPT = "application/vnd.atlas.2025-03-12+json"
"""Atlas answers in its newest version that is not later than this date."""

GRACE = 60.0
"""Seconds before and after a job's creation in which Atlas may answer 404 although it exists."""

_PATHS = {
    RestoreKind.TENANT: "clusters/{0.cluster_name}/backup/tenant/restores/{0.restore_id}",
    RestoreKind.FLEX: "flexClusters/{0.cluster_name}/backup/restoreJobs/{0.restore_id}",
    RestoreKind.DEDICATED: "clusters/{0.cluster_name}/backup/restoreJobs/{0.restore_id}",
}


class AtlasClient:
    """
    Reads restore jobs. One object serves an execution environment.

    It keeps what is expensive to get again: the connection, the token or digest challenge of the
    credentials last used, and the kinds of clusters. Until a rate limit is over, it sends no
    request that the limit would refuse.

    `now` gives Unix seconds; `sleep` takes seconds.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.Client | None = None,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url
        self._http = http or http_client()
        self._now = now
        self._sleep = sleep
        self._kinds = ClusterKinds()
        self._limits = RateLimits(now)
        self._last_used: tuple[Credentials, Access] | None = None

    def get_restore_job(
        self,
        target: RestoreTarget,
        credentials: Credentials,
        deadline: Deadline,
        *,
        patient: bool = True,
    ) -> RestoreJob:
        """
        Return the job as Atlas describes it now.

        After a transient error it waits and asks again; without `patient`, it raises the error.
        Raises AtlasError, or TimeBudgetExceededError when too little time is left to ask.
        """
        access = self._access(credentials)
        if not patient:
            return self._find(target, credentials, access, deadline)
        attempts = retrying(_is_transient, deadline, self._sleep)
        return attempts(self._find, target, credentials, access, deadline)

    def _find(
        self, target: RestoreTarget, credentials: Credentials, access: Access, deadline: Deadline
    ) -> RestoreJob:
        def ask(kind: RestoreKind) -> RestoreJob:
            request = self._request(target, kind, credentials)
            return self._ask(request, target, kind, access, deadline)

        try:
            return self._kinds.find(target, ask)
        except RestoreJobNotFoundError as error:
            age = self._now() - target.created_at.timestamp()
            error.transient = abs(age) < GRACE  # Atlas may not show the job yet
            raise

    def _access(self, credentials: Credentials) -> Access:
        if self._last_used is None or self._last_used[0] != credentials:
            base_url = credentials.base_url or self._base_url
            access = access_with(
                credentials, base_url, self._http, now=self._now, sleep=self._sleep
            )
            self._last_used = (credentials, access)
        return self._last_used[1]

    def _request(
        self, target: RestoreTarget, kind: RestoreKind, credentials: Credentials
    ) -> httpx.Request:
        base_url = credentials.base_url or self._base_url
        path = _PATHS[kind].format(target)
        options = {"envelope": target.envelope, "pretty": target.pretty}
        return self._http.build_request(
            "GET",
            f"{base_url}/api/atlas/v2/groups/{target.group_id}/{path}",
            # None if empty: for an empty set httpx parses the URL a second time.
            params={name: str(on).lower() for name, on in options.items() if on is not None}
            or None,
            headers={"Accept": ACCEPT},
            extensions={ENVELOPE: True} if target.envelope else None,
        )

    def _ask(
        self,
        request: httpx.Request,
        target: RestoreTarget,
        kind: RestoreKind,
        access: Access,
        deadline: Deadline,
    ) -> RestoreJob:
        self._limits.check(target.group_id, kind)
        answer = access.send(request, deadline)
        if answer.status == httpx.codes.OK:
            try:
                return restore_job(answer.body, target, kind)
            except UnexpectedAtlasResponseError:
                if not is_refusal(answer.body):
                    raise
        refusal = job_refusal(
            kind, answer.status, answer.headers, answer.body, secrets=access.secrets(request)
        )
        if isinstance(refusal, AtlasRateLimitError):
            self._limits.note(target.group_id, kind, refusal)
        raise refusal


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, AtlasError) and error.transient
