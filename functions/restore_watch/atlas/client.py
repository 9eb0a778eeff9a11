"""
Asks Atlas for one restore job: which endpoint, how often, and how long to wait in between.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from restore_watch.atlas.auth import Authentication, Credentials, authentication
from restore_watch.atlas.network import bounded, http_client
from restore_watch.atlas.refusals import StandingRefusal, job_refusal
from restore_watch.atlas.responses import open_envelope, restore_job
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
)
from restore_watch.redaction import redact
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget

ACCEPT = "application/vnd.atlas.2025-03-12+json"
"""Atlas answers any date with its newest version that is not later."""

EXCHANGE_TIMEOUT = 15.0
"""Seconds for one attempt: the request, its authentication and its whole answer."""

LEAST_EXCHANGE = 1.0
"""Seconds below which no attempt is begun."""

ATTEMPTS = 4
"""Tries of one request, the first included; also for a job that Atlas may not know yet."""

GRACE = 60.0
"""Seconds around a job's creation within which a 404 may mean that Atlas does not know it yet."""

CLUSTERS_REMEMBERED = 1000
"""Clusters whose kind an environment keeps in mind."""

_PATHS = {
    RestoreKind.TENANT: "clusters/{0.cluster_name}/backup/tenant/restores/{0.restore_id}",
    RestoreKind.FLEX: "flexClusters/{0.cluster_name}/backup/restoreJobs/{0.restore_id}",
    RestoreKind.DEDICATED: "clusters/{0.cluster_name}/backup/restoreJobs/{0.restore_id}",
}

# Where a cluster belongs when the endpoint of the key refuses it with one of the codes.
_BELONGS_ELSEWHERE = {
    RestoreKind.FLEX: {"CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "FEATURE_UNSUPPORTED"},
    RestoreKind.DEDICATED: {"CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"},
}
_OTHER = {RestoreKind.FLEX: RestoreKind.DEDICATED, RestoreKind.DEDICATED: RestoreKind.FLEX}

RATE_LIMIT_PAUSE = 10.0
"""Seconds to wait after a 429 that does not say how long, and then ever more: Atlas's advice."""

_backoff = wait_exponential_jitter(multiplier=0.2, max=5.0, jitter=0.3)
_rate_limit_backoff = wait_exponential_jitter(multiplier=RATE_LIMIT_PAUSE, jitter=3.0)

Ask = Callable[[RestoreKind], RestoreJob]


class AtlasClient:
    """
    Reads restore jobs. One object serves an execution environment for as long as it lives.

    It keeps what is dear to make anew: the connection, the token or digest challenge of the
    credentials last used, and which kind each cluster turned out to be. While a rate limit stands,
    which Atlas has for each project and kind, nothing is asked that would meet it.

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
        self._last_used: tuple[Credentials, Authentication] | None = None
        self._kinds: OrderedDict[tuple[str, str], RestoreKind] = OrderedDict()
        self._limits: dict[tuple[str, RestoreKind], StandingRefusal] = {}

    def get_restore_job(
        self, target: RestoreTarget, credentials: Credentials, deadline: Deadline
    ) -> RestoreJob:
        """
        Return the job as Atlas describes it now.

        - A kind is given: its endpoint is asked. For tenant, sunset on 2026-01-22, Flex comes next,
          and for the same cluster first from then on.
        - None is given: what the cluster turned out to be before, else Flex; then the other one.
        - A 404 for a job made within the last minute is asked again for a few seconds.

        Raises AtlasError, or TimeBudgetExceededError when too little time is left to ask.
        """
        ask = partial(
            self._ask,
            target=target,
            credentials=credentials,
            auth=self._authentication(credentials),
            deadline=deadline,
        )
        cluster = (target.group_id, target.cluster_name)
        match target.kind:
            case None:
                find = partial(self._find, cluster, ask)
            case RestoreKind.TENANT:
                find = partial(self._find_tenant, cluster, ask)
            case kind:
                find = partial(ask, kind)
        return self._attempts(deadline, lambda error: self._may_still_appear(target, error))(find)

    def _authentication(self, credentials: Credentials) -> Authentication:
        if self._last_used is None or self._last_used[0] != credentials:
            auth = authentication(credentials, self._address(credentials), self._now)
            self._last_used = (credentials, auth)
        return self._last_used[1]

    def _address(self, credentials: Credentials) -> str:
        return credentials.base_url or self._base_url

    def _may_still_appear(self, target: RestoreTarget, error: BaseException) -> bool:
        age = self._now() - target.created_at.timestamp()
        return isinstance(error, RestoreJobNotFoundError) and abs(age) < GRACE

    def _find(self, cluster: tuple[str, str], ask: Ask) -> RestoreJob:
        learnt = self._kinds.get(cluster)
        first = learnt or RestoreKind.FLEX
        other = _OTHER[first]
        try:
            job = ask(first)
        except (AtlasBadRequestError, RestoreJobNotFoundError) as refusal:
            belongs_elsewhere = refusal.error_code in _BELONGS_ELSEWHERE[first]
            if belongs_elsewhere:
                self._remember(cluster, other)
            elif isinstance(refusal, AtlasBadRequestError):
                # For a reason we do not know: only a kind that was learnt is found out anew.
                if learnt is None:
                    raise
                del self._kinds[cluster]
            try:
                job = ask(other)
            except (AtlasBadRequestError, AtlasUnauthorizedError):
                # The other kind cannot be asked for it: the cluster is not of that kind, or there
                # is no role for it. So what the first said is the answer.
                if not belongs_elsewhere:
                    raise refusal from None
                raise
        self._remember(cluster, job.kind)
        return job

    def _find_tenant(self, cluster: tuple[str, str], ask: Ask) -> RestoreJob:
        said_by_flex: AtlasError | None = None
        if self._kinds.get(cluster) is RestoreKind.FLEX:
            try:
                return ask(RestoreKind.FLEX)
            except (AtlasBadRequestError, RestoreJobNotFoundError) as refusal:
                said_by_flex = refusal
        try:
            job = ask(RestoreKind.TENANT)
        except (RestoreJobNotFoundError, EndpointRetiredError):
            # Whatever the successor says is the answer, for instance that it knows no such job.
            if said_by_flex:
                raise said_by_flex from None
            job = ask(RestoreKind.FLEX)
            self._remember(cluster, RestoreKind.FLEX)
        else:
            self._kinds.pop(cluster, None)
        return job

    def _remember(self, cluster: tuple[str, str], kind: RestoreKind) -> None:
        self._kinds[cluster] = kind
        self._kinds.move_to_end(cluster)
        if len(self._kinds) > CLUSTERS_REMEMBERED:
            self._kinds.popitem(last=False)

    def _ask(
        self,
        kind: RestoreKind,
        *,
        target: RestoreTarget,
        credentials: Credentials,
        auth: Authentication,
        deadline: Deadline,
    ) -> RestoreJob:
        path = _PATHS[kind].format(target)
        request = self._http.build_request(
            "GET",
            f"{self._address(credentials)}/api/atlas/v2/groups/{target.group_id}/{path}",
            # None, since httpx parses a URL once more for parameters, be there any or not.
            params={
                name: str(value).lower()
                for name, value in (("envelope", target.envelope), ("pretty", target.pretty))
                if value is not None
            }
            or None,
            headers={"Accept": ACCEPT},
        )

        limited = (target.group_id, kind)

        def attempt() -> RestoreJob:
            if limited in self._limits:
                self._limits[limited].raise_while_it_stands(self._now())
            secrets = partial(_secrets, credentials, auth, request)
            response, body = self._exchange(request, auth, deadline, secrets)
            status = response.status_code
            if target.envelope:
                status, body = open_envelope(status, body)
            if status != httpx.codes.OK:
                refusal = job_refusal(kind, status, response.headers, body, secrets=secrets())
                if isinstance(refusal, AtlasRateLimitError):
                    self._keep_to(limited, refusal)
                raise refusal
            return restore_job(body, target, kind)

        return self._attempts(deadline, _worth_another_attempt)(attempt)

    def _keep_to(self, limited: tuple[str, RestoreKind], refusal: AtlasRateLimitError) -> None:
        """Remember a limit, and of the others only those that still stand."""
        now = self._now()
        self._limits = {key: limit for key, limit in self._limits.items() if limit.stands(now)}
        self._limits[limited] = StandingRefusal.of(refusal, now, RATE_LIMIT_PAUSE)

    def _exchange(
        self,
        request: httpx.Request,
        auth: Authentication,
        deadline: Deadline,
        secrets: Callable[[], Iterable[str]],
    ) -> tuple[httpx.Response, bytes]:
        deadline.require(LEAST_EXCHANGE, "ask Atlas")
        try:
            with bounded(min(EXCHANGE_TIMEOUT, deadline.remaining())):
                response = self._http.send(request, auth=auth, stream=True)
                try:
                    return response, b"".join(response.iter_raw())
                finally:
                    response.close()
        except httpx.ProtocolError as error:
            # Its text quotes bytes of the answer, and they may be a piece of a token or of a URL.
            msg = f"Atlas did not answer in HTTP: {type(error).__name__}"
            raise AtlasUnavailableError(msg) from None
        except httpx.TransportError as error:
            said = redact(str(error), secrets()) or "no reason given"
            msg = f"Atlas did not answer: {type(error).__name__}: {said}"
            raise AtlasUnavailableError(msg) from None

    def _attempts(
        self, deadline: Deadline, worth_another: Callable[[BaseException], bool]
    ) -> Retrying:
        def no_more(state: RetryCallState) -> bool:
            left = deadline.remaining() - state.upcoming_sleep
            return state.attempt_number >= ATTEMPTS or left < LEAST_EXCHANGE

        return Retrying(
            retry=retry_if_exception(worth_another),
            wait=_pause,
            stop=no_more,
            sleep=self._sleep,
            reraise=True,
        )


def _worth_another_attempt(error: BaseException) -> bool:
    return isinstance(error, (AtlasRateLimitError, AtlasUnavailableError))


def _pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: as many as Atlas asks for, else ever more, with jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, AtlasError) else None
    if isinstance(error, AtlasRateLimitError) and not asked:
        return _rate_limit_backoff(state)
    return (asked or 0.0) + _backoff(state)


def _secrets(
    credentials: Credentials, auth: Authentication, request: httpx.Request
) -> Iterable[str]:
    yield from credentials.secrets
    yield from auth.secrets
    # A digest response is no secret by itself, but nobody has a use for it in an error either.
    yield from re.findall(r'[^\s",=]{12,}', request.headers.get("Authorization", ""))
