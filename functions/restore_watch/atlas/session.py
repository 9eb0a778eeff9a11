"""Asks Atlas for restore jobs, one by one or as a list of a cluster, and for any other path."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from foundation.deadline import Deadline
from restore_watch.atlas.access import Access, ServiceAccountAccess
from restore_watch.atlas.client import AtlasClient, Get, Query
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.endpoints import job_path, jobs_path
from restore_watch.atlas.exchange import Answer, retrying
from restore_watch.atlas.kinds import Cluster, ClusterKinds
from restore_watch.atlas.large_answers import LargeAnswers
from restore_watch.atlas.network import ANSWER_LIMIT
from restore_watch.atlas.pages import Page, PageAt, page_query, read_page
from restore_watch.atlas.rate_limits import Bucket, RateLimits
from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.errors import AtlasError, AtlasUnauthorizedError, RestoreJobNotFoundError
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreTarget

GRACE = 60.0
"""Seconds before and after a job's creation in which Atlas may answer 404 although it exists."""


class CredentialsProvider(Protocol):
    """Where the credentials come from, such as the secret."""

    def __call__(self, deadline: Deadline, /, *, refused: Credentials | None = None) -> Credentials:
        """
        Return the credentials to ask with: if Atlas `refused` some, newer credentials if any exist.

        Raises CredentialsError if there are none.
        """
        ...


def only(credentials: Credentials) -> CredentialsProvider:
    """Return a provider that has these credentials and no others."""

    def provider(*_: object, **_refused: object) -> Credentials:
        return credentials

    return provider


class AtlasSession:
    """
    A client and the credentials it asks with. One object serves an environment, from any thread.

    It remembers the kinds of clusters. After AtlasUnauthorizedError it fetches the `credentials`
    again, because they may have been rotated. If they differ, it asks again with the new
    credentials. Its methods raise AtlasError, or CredentialsError if there are no credentials.
    """

    def __init__(self, client: AtlasClient, credentials: CredentialsProvider) -> None:
        self._client = client
        self.credentials = credentials
        self._kinds = ClusterKinds()
        self._large = LargeAnswers()

    @property
    def limits(self) -> RateLimits:
        """The rate limits, as Atlas's answers show them."""
        return self._client.limits

    def prepare(self, deadline: Deadline) -> None:
        """Request a token, if the credentials need a token and have none."""
        self._with_access(lambda access: access.prepare(deadline), deadline)

    def restore_job(
        self,
        target: RestoreTarget,
        deadline: Deadline,
        *,
        patient: bool = True,
        likely: RestoreKind | None = None,
    ) -> RestoreJob:
        """
        Return the job as Atlas describes it now.

        After a transient error it waits and asks again; without `patient`, it raises the error.
        If the target names no kind and none is known, the `likely` kind is asked first.
        """
        if not patient:
            return self._find(target, likely, deadline)
        attempts = retrying(_is_transient, deadline, self._client.sleep)
        job: RestoreJob = attempts(self._find, target, likely, deadline)
        return job

    def page_of_jobs(
        self, cluster: Cluster, kind: RestoreKind, at: PageAt, deadline: Deadline
    ) -> Page:
        """Return a page of the list of a cluster's jobs, or the first part of that page."""
        path, bucket = jobs_path(*cluster, kind), Bucket(cluster[0], kind)
        return self._large.page(path, kind, at, lambda at: self.page(path, bucket, at, deadline))

    def page(
        self, path: str, bucket: Bucket, at: PageAt, deadline: Deadline, query: Query = None
    ) -> Page:
        """Return a page of a list. `query` replaces the usual query of the list."""
        get = Get(path, query or page_query(bucket.family, at), bucket)
        return self.ask(get, deadline, partial(read_page, family=bucket.family, at=at))

    def ask[Read](self, get: Get, deadline: Deadline, read: Callable[[Answer], Read]) -> Read:
        """Ask for a path, within its rate limit, and `read` the answer."""
        return self._large.ask(get.path, partial(self._get, get, deadline, read), deadline)

    def ask_once[Read](
        self,
        get: Get,
        credentials: Credentials,
        deadline: Deadline,
        read: Callable[[Answer], Read],
    ) -> Read:
        """
        Ask with these credentials, and `read` the answer.

        If Atlas refuses, the refusal costs neither a token nor a reading of the secret: both are
        rationed, and a question that matters may need them next.
        """
        access = self._client.access(credentials)
        if isinstance(access, ServiceAccountAccess):
            access = access.once()
        return self._client.get(get, access, deadline, read)

    def _find(
        self, target: RestoreTarget, likely: RestoreKind | None, deadline: Deadline
    ) -> RestoreJob:
        options = {"envelope": target.envelope, "pretty": target.pretty}
        given = {name: str(on).lower() for name, on in options.items() if on is not None}

        def ask(kind: RestoreKind) -> RestoreJob:
            bucket = Bucket(target.group_id, kind)
            get = Get(job_path(target, kind), given, bucket)
            return self._get(get, deadline, lambda said: restore_job(said.body, target, kind))

        try:
            return self._kinds.find(target, ask, likely)
        except RestoreJobNotFoundError as error:
            age = self._client.now() - target.created_at.timestamp()
            error.transient = abs(age) < GRACE  # Atlas may not show the job yet
            raise

    def _get[Read](
        self,
        get: Get,
        deadline: Deadline,
        read: Callable[[Answer], Read],
        limit: int = ANSWER_LIMIT,
    ) -> Read:
        return self._with_access(
            lambda access: self._client.get(get, access, deadline, read, limit), deadline
        )

    def _with_access[Read](self, ask: Callable[[Access], Read], deadline: Deadline) -> Read:
        credentials = self.credentials(deadline)
        try:
            return ask(self._client.access(credentials))
        except AtlasUnauthorizedError:
            renewed = self.credentials(deadline, refused=credentials)
            if renewed == credentials:
                raise
        return ask(self._client.access(renewed))


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, AtlasError) and error.transient
