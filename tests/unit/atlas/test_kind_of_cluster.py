"""Which endpoint is asked for a restore job, and which kind is remembered after each answer."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import pytest

from restore_watch.atlas.kind_of_cluster import ClusterKinds
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreKind
from strategies import plain_job
from unit.scripted_atlas import GROUP, RESTORE

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind

JOB = {"groupId": GROUP, "clusterName": "orders", "restoreId": RESTORE}

type Refusals = Mapping[RestoreKind, AtlasError]

NONE: Mapping[Any, Any] = {}


def refusal(error: type[AtlasError], code: str | None = None) -> AtlasError:
    return error(f"{error.__name__} {code}", AtlasReason(400, error_code=code))


NOT_FLEX = refusal(AtlasBadRequestError, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API")
UNSUPPORTED = refusal(AtlasBadRequestError, "FEATURE_UNSUPPORTED")
NOT_DEDICATED = refusal(AtlasBadRequestError, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")
BAD = refusal(AtlasBadRequestError, "VALIDATION_ERROR")
UNKNOWN_JOB = refusal(RestoreJobNotFoundError, "RESOURCE_NOT_FOUND")
NO_ROLE = refusal(AtlasUnauthorizedError, "USER_UNAUTHORIZED")
NO_CLUSTER = refusal(RestoreJobNotFoundError, "CLUSTER_NOT_FOUND")
ABSENT = refusal(RestoreJobNotFoundError, "B")
DOWN = refusal(AtlasUnavailableError)
GONE = refusal(EndpointRetiredError, "VERSION_GONE")
OTHER_REFUSALS = [
    refusal(error)
    for error in (
        AtlasUnauthorizedError,
        AtlasForbiddenError,
        AtlasRateLimitError,
        AtlasUnavailableError,
        UnexpectedAtlasResponseError,
    )
]


class Endpoints:
    """The endpoints of every kind. Each has a job unless it refuses; `asked` are those used."""

    def __init__(self, refusals: Refusals) -> None:
        self.refusals = refusals
        self.asked: list[RestoreKind] = []

    def __call__(self, kind: RestoreKind) -> RestoreJob:
        self.asked.append(kind)
        if kind in self.refusals:
            raise self.refusals[kind]
        return plain_job(kind=kind)


class Step(NamedTuple):
    """A question about a job: the endpoints that are asked, in order, and the error raised."""

    asked: list[RestoreKind]
    refusals: Refusals = NONE
    raises: AtlasError | None = None
    kind: RestoreKind | None = None
    likely: RestoreKind | None = None
    names: Mapping[str, str] = NONE

    def play(self, kinds: ClusterKinds) -> None:
        target = read_target({**JOB, **self.names, "kind": self.kind})
        endpoints = Endpoints(self.refusals)
        with pytest.raises(AtlasError) if self.raises else nullcontext() as raised:
            kinds.find(target, endpoints, self.likely)
        assert endpoints.asked == self.asked
        assert raised is None or raised.value is self.raises


BOTH = [FLEX, DEDICATED]
LEARNT = Step(BOTH, {FLEX: NOT_FLEX})  # the cluster is a dedicated one
CARTS = {"clusterName": "carts"}

# Each row: what Flex says, what dedicated says, and which of the two is raised.
CASES: dict[str, tuple[AtlasError, AtlasError, int]] = {
    "both do not know the job": (UNKNOWN_JOB, ABSENT, 1),
    "the second does not know the cluster": (UNKNOWN_JOB, NO_CLUSTER, 0),
    "neither knows the cluster": (NO_CLUSTER, NO_CLUSTER, 1),
    "unknown to flex, dedicated is gone": (UNKNOWN_JOB, GONE, 0),
    "not flex, dedicated is gone": (NOT_FLEX, GONE, 1),
    "unknown to flex, not a dedicated cluster": (UNKNOWN_JOB, NOT_DEDICATED, 0),
    "unknown to flex, no role for dedicated": (UNKNOWN_JOB, NO_ROLE, 0),
    "unknown to flex, dedicated unavailable": (UNKNOWN_JOB, DOWN, 1),
    "not flex, no role for dedicated": (NOT_FLEX, NO_ROLE, 1),
    "not flex, dedicated unavailable": (NOT_FLEX, DOWN, 1),
    "unsupported by flex, bad for dedicated": (UNSUPPORTED, BAD, 1),
}

# Each row: a story, by the error that it is about.
STORIES: dict[str, Sequence[Step]] = {
    **{
        f"only the named kind {kind} is asked: {error}": [
            Step([kind], kind=kind, likely=DEDICATED),
            Step([kind], {kind: error}, error, kind),
            Step([FLEX]),
        ]
        for kind in (FLEX, DEDICATED, COLLECTION)
        for error in (NOT_FLEX, NOT_DEDICATED, UNKNOWN_JOB, NO_ROLE, GONE)
    },
    **{
        f"dedicated is asked after flex and is remembered: {error}": [
            Step(BOTH, {FLEX: error}),
            Step([DEDICATED]),
        ]
        for error in (NOT_FLEX, UNSUPPORTED, UNKNOWN_JOB)
    },
    **{
        f"any other refusal of flex is raised at once: {error}": [
            Step([FLEX], {FLEX: error}, error)
        ]
        for error in (BAD, *OTHER_REFUSALS)
    },
    **{
        f"a remembered or likely kind that is refused is detected again: {error}": [
            LEARNT,
            Step([DEDICATED, FLEX], {DEDICATED: error}),
            Step([FLEX]),
            Step([DEDICATED, FLEX], {DEDICATED: error}, names=CARTS, likely=DEDICATED),
            Step([FLEX], names=CARTS, likely=DEDICATED),
        ]
        for error in (NOT_DEDICATED, BAD, UNKNOWN_JOB)
    },
    **{
        f"the more specific refusal is raised, the kind that it shows remembered: {name}": [
            Step(BOTH, {FLEX: flex, DEDICATED: dedicated}, (flex, dedicated)[says_most]),
            Step([DEDICATED if flex in {NOT_FLEX, UNSUPPORTED} else FLEX]),
        ]
        for name, (flex, dedicated, says_most) in CASES.items()
    },
    "a remembered kind is forgotten when no kind answers": [
        LEARNT,
        Step([DEDICATED, FLEX], {DEDICATED: BAD, FLEX: NOT_FLEX}, BAD),
        Step([FLEX]),
    ],
    "a remembered kind is kept when no kind knows the job": [
        LEARNT,
        Step([DEDICATED, FLEX], {DEDICATED: UNKNOWN_JOB, FLEX: NOT_FLEX}, UNKNOWN_JOB),
        Step([DEDICATED]),
    ],
    **{
        f"a remembered kind is kept when it fails otherwise, a likely one is not: {error}": [
            LEARNT,
            Step([DEDICATED], {DEDICATED: error}, error),
            Step([DEDICATED]),
            Step([DEDICATED], {DEDICATED: error}, error, names=CARTS, likely=DEDICATED),
            Step([FLEX], names=CARTS),
        ]
        for error in OTHER_REFUSALS
    },
    "a kind is remembered for a cluster of one project": [
        LEARNT,
        Step([DEDICATED], names={"restoreId": "6b4a0f800000000000000b02"}),
        Step([FLEX], names=CARTS),
        Step([FLEX], names={"groupId": "5f0000000000000000000a02"}),
    ],
    "a collection restore does not change what is remembered": [
        LEARNT,
        Step([COLLECTION], {COLLECTION: BAD}, BAD, COLLECTION),
        Step([DEDICATED]),
    ],
    **{
        f"without a kind the likely one, {likely}, is asked first and remembered": [
            Step([likely], likely=likely),
            Step([likely]),
        ]
        for likely in BOTH
    },
    **{
        f"flex is asked after the tenant endpoint is gone and is remembered: {error}": [
            Step([TENANT], kind=TENANT, likely=DEDICATED),
            Step([TENANT, FLEX], {TENANT: error}, kind=TENANT),
            Step([FLEX], kind=TENANT),
            Step([TENANT], kind=TENANT, names=CARTS),
        ]
        for error in (GONE, UNKNOWN_JOB)
    },
    "a job unknown to tenant and flex does not mark the tenant endpoint as retired": [
        Step([TENANT, FLEX], {TENANT: UNKNOWN_JOB, FLEX: ABSENT}, ABSENT, TENANT),
        Step([TENANT], kind=TENANT),
    ],
    "the retirement of the tenant endpoint is remembered even if flex fails": [
        Step([TENANT, FLEX], {TENANT: GONE, FLEX: DOWN}, DOWN, TENANT),
        Step([FLEX], kind=TENANT),
    ],
    **{
        f"any other refusal of the tenant endpoint is raised at once: {error}": [
            Step([TENANT], {TENANT: error}, error, TENANT)
        ]
        for error in (BAD, *OTHER_REFUSALS)
    },
}


@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES)
def test_the_endpoint_of_the_named_remembered_or_likely_kind_is_asked(
    steps: Sequence[Step],
) -> None:
    kinds = ClusterKinds(time.time)

    for step in steps:
        step.play(kinds)


MEMORIES: dict[str, tuple[RestoreKind | None, Refusals, list[RestoreKind]]] = {
    "kind": (None, {FLEX: NOT_FLEX}, BOTH),
    "tenant endpoint": (TENANT, {TENANT: GONE}, [TENANT, FLEX]),
}


@pytest.mark.parametrize(("kind", "refusals", "first_time"), MEMORIES.values(), ids=MEMORIES)
def test_of_more_than_a_thousand_clusters_the_least_recently_used_is_forgotten_first(
    kind: RestoreKind | None, refusals: Refusals, first_time: list[RestoreKind]
) -> None:
    kinds = ClusterKinds(time.time)

    def check(number: int, asked: list[RestoreKind]) -> None:
        names = {"clusterName": f"orders-{number}"}
        Step(asked, refusals, kind=kind, names=names).play(kinds)

    for number in range(1000):
        check(number, first_time)
    check(0, first_time[1:])
    check(1000, first_time)
    check(0, first_time[1:])
    check(1, first_time)
