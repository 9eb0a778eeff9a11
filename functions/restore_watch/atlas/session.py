"""
Asks Atlas for restore jobs, one by one or as a list of a cluster, and for any other path.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.access.kept_accesses import Access, KeptAccesses
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.exchange import Answer, exchange, hidden_texts
from restore_watch.atlas.families import (
    EVENTS,
    PROCESSES,
    PROJECTS,
    Family,
    jobs_of,
)
from restore_watch.atlas.how_long_refusals_stand import StandingRefusals
from restore_watch.atlas.kind_of_cluster import ClusterKinds
from restore_watch.atlas.large_answers import LargeAnswers
from restore_watch.atlas.pages import (
    EVENTS_ON_PAGE,
    FIRST_PAGE,
    SNAPSHOTS_ON_PAGE,
    Page,
    PageAt,
    page_query,
    read_page,
)
from restore_watch.atlas.rate_limits import Bucket, RateLimits
from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.atlas.refusals import family_refusal, is_refusal
from restore_watch.atlas.restore_events import RESTORE_EVENTS
from restore_watch.atlas.transport.bounds import ANSWER_LIMIT
from restore_watch.atlas.transport.envelopes import ENVELOPE
from restore_watch.atlas.when_to_repeat import repeat_call
from restore_watch.errors import AtlasUnauthorizedError, UnexpectedAtlasResponseError
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import ClusterKey, RestoreKind, RestoreTarget

ACCEPT = "application/vnd.atlas.2025-03-12+json"
"""Atlas answers in its newest version that is not later than this date."""

type Query = Mapping[str, str | Sequence[str]] | None
"""The query of a request. A name that has several values is sent several times."""


class Get[Read](NamedTuple):
    """A path to ask for, its query, the bucket of its rate limit, and how the answer is read."""

    path: str
    query: Query
    bucket: Bucket
    read: Callable[[Answer], Read]
    is_list: bool = False


class CredentialsProvider(Protocol):
    """Where the credentials come from, such as the secret."""

    def __call__(self, deadline: Deadline, /, *, refused: Credentials | None = None) -> Credentials:
        """Return the credentials, read again if Atlas `refused` these. Raises CredentialsError."""


def only(credentials: Credentials) -> CredentialsProvider:
    """Return a provider that has these credentials and no others."""
    return lambda *_, **_refused: credentials


class AtlasSession:
    """
    Asks Atlas with the `credentials`. One object serves an environment, from any thread.

    It keeps the connections, the token or digest challenges of the credentials last used, and the
    kinds of clusters: these are expensive to get again. After AtlasUnauthorizedError it fetches the
    `credentials` again, because they may have been rotated. If they differ, it asks again with the
    new credentials. Until a rate limit is over, it sends no request that the limit would refuse.
    `now` gives Unix seconds; `sleep` takes seconds. Without `replaces_tokens`, a token that Atlas
    refuses is not replaced.

    Its methods raise AtlasError, or CredentialsError if there are no credentials.
    """

    def __init__(
        self,
        base_url: str,
        credentials: CredentialsProvider,
        http: httpx.Client,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        replaces_tokens: bool = True,
    ) -> None:
        self.credentials = credentials
        self.limits = RateLimits(now)
        self.refusals = StandingRefusals(now)
        self._http = http
        self._sleep = sleep
        self._replaces_tokens = replaces_tokens
        self._access_of = KeptAccesses(base_url, http, now, sleep).access_of
        self._kinds = ClusterKinds(now)
        self._large = LargeAnswers()

    def prepare(self, deadline: Deadline) -> None:
        """Request a token, if the credentials need a token and have none."""
        self._with_access(lambda access: access.auth(deadline), deadline)

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
        """
        if not patient:
            return self._find(target, likely, deadline)
        find = partial(self._find, target, likely, deadline)
        return repeat_call(find, lambda error: error.transient, deadline, self._sleep)

    def projects(self, number: int, deadline: Deadline) -> Page:
        """Return a page of the projects that the credentials can read."""
        return self._page(PageAt(number), deadline, PROJECTS)

    def events(self, group_id: str, since: datetime, deadline: Deadline) -> Page:
        """Return the newest events of restore jobs since that moment, in UTC: one page."""
        query = {
            "eventType": RESTORE_EVENTS,
            "includeCount": "false",
            "itemsPerPage": str(EVENTS_ON_PAGE),
            "minDate": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        at = PageAt(size=EVENTS_ON_PAGE)
        return self._page(at, deadline, EVENTS, group_id, query=query)

    def clusters(self, group_id: str, which: Family, deadline: Deadline) -> Page:
        """Return the project's Flex or dedicated clusters: one page has all that Atlas allows."""
        return self._page(FIRST_PAGE, deadline, which, group_id)

    def page_of_jobs(
        self, cluster: ClusterKey, kind: RestoreKind, at: PageAt, deadline: Deadline
    ) -> Page:
        """Return a page of the list of a cluster's jobs, or the first part of that page."""
        family = jobs_of(kind)

        def ask(at: PageAt) -> Page:
            return self._page(at, deadline, family, *cluster)

        return self._large.page(family.path_of(*cluster), kind, at, ask)

    def snapshots(self, cluster: ClusterKey, which: Family, deadline: Deadline) -> Page:
        """Return a page of a cluster's snapshots: a usual policy keeps fewer than a page has."""
        return self._page(PageAt(size=SNAPSHOTS_ON_PAGE), deadline, which, *cluster)

    def a_process(self, group_id: str, deadline: Deadline) -> Page:
        """Return a page with one process of a project, which shows that they may be read."""
        return self._page(PageAt(size=1), deadline, PROCESSES, group_id)

    def ask[Read](self, get: Get[Read], deadline: Deadline) -> Read:
        """Ask for a path, within its rate limit."""
        return self._large.ask(get.path, partial(self._get, get, deadline), deadline)

    def ask_once[Read](self, get: Get[Read], credentials: Credentials, deadline: Deadline) -> Read:
        """Ask once: a refusal costs no token and no read of the secret. Both are rationed."""
        access = self._access_of(credentials)
        return self._get_with(get, deadline, ANSWER_LIMIT, access, replaces=False)

    def _page(
        self, at: PageAt, deadline: Deadline, family: Family, *names: str, query: Query = None
    ) -> Page:
        bucket, query = Bucket(names[0] if names else None, family), query or page_query(family, at)
        read = partial(read_page, family=family, at=at)
        get = Get(family.path_of(*names), query, bucket, read, is_list=True)
        return self.ask(get, deadline)

    def _find(
        self, target: RestoreTarget, likely: RestoreKind | None, deadline: Deadline
    ) -> RestoreJob:
        options = {"envelope": target.envelope, "pretty": target.pretty}
        given = {name: str(on).lower() for name, on in options.items() if on is not None}

        def ask(kind: RestoreKind) -> RestoreJob:
            family = jobs_of(kind)
            bucket = Bucket(target.group_id, family)
            path = f"{family.path_of(*target.cluster)}/{target.restore_id}"
            get = Get(path, given, bucket, lambda said: restore_job(said.body, target, kind))
            return self._get(get, deadline)

        return self._kinds.find(target, ask, likely)

    def _get[Read](self, get: Get[Read], deadline: Deadline, limit: int = ANSWER_LIMIT) -> Read:
        ask = partial(self._get_with, get, deadline, limit, replaces=self._replaces_tokens)
        return self._with_access(ask, deadline)

    def _with_access[Read](self, ask: Callable[[Access], Read], deadline: Deadline) -> Read:
        credentials = self.credentials(deadline)
        try:
            return ask(self._access_of(credentials))
        except AtlasUnauthorizedError:
            renewed = self.credentials(deadline, refused=credentials)
            if renewed == credentials:
                raise
        return ask(self._access_of(renewed))

    def _get_with[Read](
        self, get: Get[Read], deadline: Deadline, limit: int, access: Access, *, replaces: bool
    ) -> Read:
        """Send the request. Remember what the answer says about the rate limit."""
        self.refusals.check(get.bucket)
        # Not `params`, for which httpx parses the URL a second time: that takes a twentieth of the
        # processor time of a question.
        query = f"?{urlencode(get.query, doseq=True)}" if get.query else ""
        request = self._http.build_request(
            "GET",
            f"{access.base_url}{get.path}{query}",
            headers={"Accept": ACCEPT},
            extensions={ENVELOPE: (get.query or {}).get("envelope") == "true"},
        )
        auth = access.auth(deadline, replaces=replaces)
        answer = exchange(
            self._http, request, deadline, auth=auth, secrets=access.secrets, limit=limit
        )
        self.limits.note_share(get.bucket, answer.headers)
        if answer.status == httpx.codes.OK:
            try:
                return get.read(answer)
            except UnexpectedAtlasResponseError:
                if not is_refusal(answer.body):
                    raise
        hidden = hidden_texts(request, access.secrets)
        refusal = family_refusal(get.bucket, answer, secrets=hidden, is_list=get.is_list)
        self.refusals.note(get.bucket, refusal)
        raise refusal
