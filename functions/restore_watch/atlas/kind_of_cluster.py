"""
The kind of each cluster, which decides the endpoint for its restore jobs.

No request is sent just to find out the kind: the answers show it. An environment remembers it as
long as it lives, and finds it out again when Atlas refuses it.
"""

from collections.abc import Callable
from threading import Lock

from cachetools import LRUCache

from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasUnauthorizedError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
)
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import ClusterKey, RestoreKind, RestoreTarget

GRACE = 60.0
"""Seconds before and after a job's creation in which Atlas may answer 404 although it exists."""

CLUSTERS_REMEMBERED = 1000
"""An environment remembers the kind of this many clusters."""

# With these codes an endpoint refuses a cluster of another kind.
_OF_ANOTHER_KIND = {
    RestoreKind.FLEX: {"CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "FEATURE_UNSUPPORTED"},
    RestoreKind.DEDICATED: {"CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"},
}
_OTHER = {RestoreKind.FLEX: RestoreKind.DEDICATED, RestoreKind.DEDICATED: RestoreKind.FLEX}

type Ask = Callable[[RestoreKind], RestoreJob]
"""Asks the endpoint of a kind for one restore job. Raises AtlasError."""


class ClusterKinds:
    """The kinds that Atlas's answers have shown. Any thread may use it. `now`: Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._kinds: LRUCache[ClusterKey, RestoreKind] = LRUCache(CLUSTERS_REMEMBERED)

    def find(
        self, target: RestoreTarget, ask: Ask, likely: RestoreKind | None = None
    ) -> RestoreJob:
        """
        Return the target's job from the endpoint that answers for it.

        If the target names a kind, only its endpoint is asked. Tenant is the exception: Atlas
        retired that endpoint on 2026-01-22, and Flex is its successor, which alone is asked about
        a cluster that is known as Flex. Without a kind, the remembered kind is asked first, else
        the `likely` one, else Flex, and then the other one of Flex and dedicated. Collection
        restores are found only by their kind, because their clusters are dedicated ones. Raises the
        most specific AtlasError.
        """
        try:
            match target.kind:
                case None:
                    return self._find_out(target, ask, likely)
                case RestoreKind.TENANT:
                    return self._ask_tenant(target, ask)
                case kind:
                    return ask(kind)
        except RestoreJobNotFoundError as error:
            age = self._now() - target.created_at.timestamp()
            error.transient = abs(age) < GRACE  # Atlas may not show the job yet
            raise

    def _find_out(self, target: RestoreTarget, ask: Ask, likely: RestoreKind | None) -> RestoreJob:
        with self._lock:
            learnt = self._kinds.get(target.cluster, likely)
        first = learnt or RestoreKind.FLEX
        try:
            job = ask(first)
        except RestoreJobNotFoundError as refusal:
            job = self._ask_other(ask, first, refusal)
        except AtlasBadRequestError as refusal:
            if refusal.error_code in _OF_ANOTHER_KIND[first]:
                self._learn(target.cluster, _OTHER[first])
            elif learnt is None:
                raise
            else:
                with self._lock:
                    self._kinds.pop(target.cluster, None)
            job = self._ask_other(ask, first, refusal)
        self._learn(target.cluster, job.kind)
        return job

    def _learn(self, cluster: ClusterKey, kind: RestoreKind) -> None:
        with self._lock:
            self._kinds[cluster] = kind

    def _ask_other(self, ask: Ask, first: RestoreKind, refusal: AtlasError) -> RestoreJob:
        try:
            return ask(_OTHER[first])
        except RestoreJobNotFoundError as error:
            # The endpoint that knows the cluster says most.
            if isinstance(refusal, RestoreJobNotFoundError) and not error.knows_cluster:
                raise refusal from None
            raise
        except (AtlasBadRequestError, AtlasUnauthorizedError, EndpointRetiredError):
            # The cluster is not of the other kind, or the credentials have no role for it. So the
            # first refusal is the answer.
            if refusal.error_code in _OF_ANOTHER_KIND[first]:
                raise
            raise refusal from None

    def _ask_tenant(self, target: RestoreTarget, ask: Ask) -> RestoreJob:
        with self._lock:
            is_flex = self._kinds.get(target.cluster) is RestoreKind.FLEX
        if not is_flex:
            try:
                return ask(RestoreKind.TENANT)
            except EndpointRetiredError:
                self._learn(target.cluster, RestoreKind.FLEX)
            except RestoreJobNotFoundError:
                pass  # the job is unknown, or the endpoint is gone: Flex's answer decides
        job = ask(RestoreKind.FLEX)
        self._learn(target.cluster, RestoreKind.FLEX)
        return job
