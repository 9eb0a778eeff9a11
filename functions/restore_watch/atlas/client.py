"""
Fetches restore jobs from Atlas, one by one or as a list of a cluster.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock

import httpx

from restore_watch.atlas.access import Access, access_with
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.endpoints import ACCEPT, job_path, jobs_path
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.kinds import Cluster, ClusterKinds
from restore_watch.atlas.large import LargeAnswers
from restore_watch.atlas.network import ANSWER_LIMIT, ENVELOPE, http_client
from restore_watch.atlas.pages import Page, PageAt, page_query, read_page
from restore_watch.atlas.rate_limits import Bucket, RateLimits
from restore_watch.atlas.refusals import family_refusal, is_refusal
from restore_watch.atlas.responses import restore_job
from restore_watch.atlas.retrying import retrying
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreTarget

GRACE = 60.0
"""Seconds before and after a job's creation in which Atlas may answer 404 although it exists."""

type Query = Mapping[str, str | Sequence[str]] | None
"""The query of a request. A name that has several values is sent several times."""


class AtlasClient:
    """
    Reads restore jobs. One object serves an execution environment, from any thread.

    It keeps what is expensive to get again: the connections, the token or digest challenge of the
    credentials last used, and the kinds of clusters. Until a rate limit is over, it sends no
    request that the limit would refuse.

    Its methods raise AtlasError, or TimeBudgetExceededError when too little time is left to ask.
    `now` gives Unix seconds; `sleep` takes seconds. Unless it `replaces_tokens`, one that Atlas
    refuses is not replaced.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.Client | None = None,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        replaces_tokens: bool = True,
    ) -> None:
        self._replaces_tokens = replaces_tokens
        self.limits = RateLimits(now)
        self._base_url = base_url
        self._http = http or http_client()
        self._now = now
        self._sleep = sleep
        self._kinds = ClusterKinds()
        self._large = LargeAnswers()
        self._lock = Lock()
        self._last_used: tuple[Credentials, Access] | None = None

    def prepare(self, credentials: Credentials, deadline: Deadline) -> None:
        """Request a token, if these credentials need one and have none."""
        self._access(credentials).prepare(deadline)

    def get_restore_job(
        self,
        target: RestoreTarget,
        credentials: Credentials,
        deadline: Deadline,
        *,
        patient: bool = True,
        likely: RestoreKind | None = None,
    ) -> RestoreJob:
        """
        Return the job as Atlas describes it now.

        After a transient error it waits and asks again; without `patient`, it raises the error.
        If the target names no kind and none is known, the `likely` one is asked first.
        """

        def find() -> RestoreJob:
            return self._find(target, likely, credentials, deadline)

        return retrying(_is_transient, deadline, self._sleep)(find) if patient else find()

    def page_of_jobs(
        self,
        cluster: Cluster,
        kind: RestoreKind,
        at: PageAt,
        credentials: Credentials,
        deadline: Deadline,
    ) -> Page:
        """Return a page of the list of a cluster's jobs, or the first part of that page."""
        path, bucket = jobs_path(*cluster, kind), Bucket(cluster[0], kind)

        def ask(at: PageAt) -> Page:
            query, read = page_query(kind, at), partial(read_page, family=kind, at=at)
            return self.read(path, query, bucket, credentials, deadline, read)

        return self._large.page(path, kind, at, ask)

    def read[Read](
        self,
        path: str,
        query: Query,
        bucket: Bucket,
        credentials: Credentials,
        deadline: Deadline,
        read: Callable[[Answer], Read],
    ) -> Read:
        """Ask for a path, within its rate limit, and `read` the answer."""
        request, access = self._request(path, credentials, query), self._access(credentials)

        def ask(limit: int) -> Read:
            return self._ask(request, bucket, access, deadline, read, limit)

        return self._large.read(path, ask, deadline)

    def _find(
        self,
        target: RestoreTarget,
        likely: RestoreKind | None,
        credentials: Credentials,
        deadline: Deadline,
    ) -> RestoreJob:
        access = self._access(credentials)
        options = {"envelope": target.envelope, "pretty": target.pretty}
        given = {name: str(on).lower() for name, on in options.items() if on is not None}

        def ask(kind: RestoreKind) -> RestoreJob:
            request = self._request(
                job_path(target, kind), credentials, given, enveloped=bool(target.envelope)
            )
            bucket = Bucket(target.group_id, kind)

            def read(answer: Answer) -> RestoreJob:
                return restore_job(answer.body, target, kind)

            return self._ask(request, bucket, access, deadline, read)

        try:
            return self._kinds.find(target, ask, likely)
        except RestoreJobNotFoundError as error:
            age = self._now() - target.created_at.timestamp()
            error.transient = abs(age) < GRACE  # Atlas may not show the job yet
            raise

    def _access(self, credentials: Credentials) -> Access:
        with self._lock:
            if self._last_used is None or self._last_used[0] != credentials:
                base_url = credentials.base_url or self._base_url
                access = access_with(
                    credentials,
                    base_url,
                    self._http,
                    now=self._now,
                    sleep=self._sleep,
                    replaces_tokens=self._replaces_tokens,
                )
                self._last_used = (credentials, access)
            return self._last_used[1]

    def _request(
        self,
        path: str,
        credentials: Credentials,
        query: Query,
        *,
        enveloped: bool = False,
    ) -> httpx.Request:
        return self._http.build_request(
            "GET",
            (credentials.base_url or self._base_url) + path,
            # None if empty: for an empty set httpx parses the URL a second time.
            params=query or None,
            headers={"Accept": ACCEPT},
            extensions={ENVELOPE: True} if enveloped else None,
        )

    def _ask[Read](
        self,
        request: httpx.Request,
        bucket: Bucket,
        access: Access,
        deadline: Deadline,
        read: Callable[[Answer], Read],
        limit: int = ANSWER_LIMIT,
    ) -> Read:
        """Send the request, within its rate limit, and `read` the answer."""
        self.limits.check(bucket)
        answer = access.send(request, deadline, limit)
        self.limits.answered(bucket, answer.headers)
        if answer.status == httpx.codes.OK:
            try:
                return read(answer)
            except UnexpectedAtlasResponseError:
                if not is_refusal(answer.body):
                    raise
        family, secrets = bucket.family, access.secrets(request)
        refusal = family_refusal(
            family, answer.status, answer.headers, answer.body, secrets=secrets
        )
        refusal.family = bucket.family
        self.limits.refused(bucket, refusal)
        raise refusal


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, AtlasError) and error.transient
