"""Which endpoint is asked for a restore job, and which kind is remembered after each answer."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from restore_watch.atlas.kinds import CLUSTERS_REMEMBERED, ClusterKinds
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
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreTarget
from strategies import plain_job
from unit.scripted_atlas import GROUP, RESTORE

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind


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

OTHER_REFUSALS = {
    error.__name__: refusal(error)
    for error in (
        AtlasUnauthorizedError,
        AtlasForbiddenError,
        AtlasRateLimitError,
        AtlasUnavailableError,
        UnexpectedAtlasResponseError,
    )
}


def target(kind: RestoreKind | None = None, **fields: str) -> RestoreTarget:
    named = {"groupId": GROUP, "clusterName": "orders", "restoreId": RESTORE}
    return RestoreTarget.model_validate(named | fields | {"kind": kind})


class Endpoints:
    """The endpoints of every kind. Each has a job unless it refuses; `asked` are those used."""

    def __init__(self, **refusals: AtlasError) -> None:
        self.refusals = refusals
        self.asked: list[RestoreKind] = []

    def __call__(self, kind: RestoreKind) -> RestoreJob:
        self.asked.append(kind)
        if kind in self.refusals:
            raise self.refusals[kind]
        return plain_job(kind=kind)


def ask(kinds: ClusterKinds, which: RestoreTarget, **refusals: AtlasError) -> list[RestoreKind]:
    """The endpoints asked, in order, whether the job was found or not."""
    return ask_likely(kinds, None, which, **refusals)


def ask_likely(
    kinds: ClusterKinds,
    likely: RestoreKind | None,
    which: RestoreTarget,
    **refusals: AtlasError,
) -> list[RestoreKind]:
    endpoints = Endpoints(**refusals)
    with contextlib.suppress(AtlasError):
        kinds.find(which, endpoints, likely)
    return endpoints.asked


def raised(kinds: ClusterKinds, which: RestoreTarget, **refusals: AtlasError) -> AtlasError:
    with pytest.raises(AtlasError) as error:
        kinds.find(which, Endpoints(**refusals))
    return error.value


@pytest.mark.parametrize("kind", [FLEX, DEDICATED, COLLECTION])
@pytest.mark.parametrize("error", [NOT_FLEX, NOT_DEDICATED, UNKNOWN_JOB, NO_ROLE, GONE], ids=str)
def test_only_the_named_kind_is_asked(kind: RestoreKind, error: AtlasError) -> None:
    kinds = ClusterKinds()

    assert ask(kinds, target(kind)) == [kind]
    assert ask(kinds, target(kind), **{kind: error}) == [kind]
    assert raised(kinds, target(kind), **{kind: error}) is error


def test_without_a_kind_flex_is_asked_first() -> None:
    assert ask(ClusterKinds(), target()) == [FLEX]


@pytest.mark.parametrize("error", [NOT_FLEX, UNSUPPORTED, UNKNOWN_JOB], ids=str)
def test_the_dedicated_kind_is_asked_after_flex_and_is_remembered(error: AtlasError) -> None:
    kinds = ClusterKinds()

    assert ask(kinds, target(), flex=error) == [FLEX, DEDICATED]
    assert ask(kinds, target()) == [DEDICATED]


def test_collection_restores_are_not_asked_about_without_their_kind() -> None:
    refusals = {"flex": UNKNOWN_JOB, "dedicated": UNKNOWN_JOB}

    assert ask(ClusterKinds(), target(), **refusals) == [FLEX, DEDICATED]


@pytest.mark.parametrize("error", [BAD, *OTHER_REFUSALS.values()], ids=str)
def test_any_other_refusal_of_flex_is_raised_at_once(error: AtlasError) -> None:
    kinds = ClusterKinds()

    assert ask(kinds, target(), flex=error) == [FLEX]
    assert raised(kinds, target(), flex=error) is error


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


@pytest.mark.parametrize(("flex", "dedicated", "says_most"), CASES.values(), ids=CASES)
def test_the_more_specific_refusal_is_raised_and_the_kind_that_it_shows_is_remembered(
    flex: AtlasError, dedicated: AtlasError, says_most: int
) -> None:
    kinds = ClusterKinds()

    expected = (flex, dedicated)[says_most]
    assert raised(kinds, target(), flex=flex, dedicated=dedicated) is expected
    assert ask(kinds, target()) == [DEDICATED if flex in {NOT_FLEX, UNSUPPORTED} else FLEX]


def learnt_dedicated() -> ClusterKinds:
    kinds = ClusterKinds()
    ask(kinds, target(), flex=NOT_FLEX)
    return kinds


@pytest.mark.parametrize("error", [NOT_DEDICATED, BAD, UNKNOWN_JOB], ids=str)
def test_a_remembered_kind_that_is_refused_is_detected_again(error: AtlasError) -> None:
    kinds = learnt_dedicated()

    assert ask(kinds, target(), dedicated=error) == [DEDICATED, FLEX]
    assert ask(kinds, target()) == [FLEX]


def test_a_remembered_kind_is_forgotten_when_no_kind_answers() -> None:
    kinds = learnt_dedicated()

    assert raised(kinds, target(), dedicated=BAD, flex=NOT_FLEX) is BAD
    assert ask(kinds, target()) == [FLEX]


def test_a_remembered_kind_is_kept_when_no_kind_knows_the_job() -> None:
    kinds = learnt_dedicated()

    assert ask(kinds, target(), dedicated=UNKNOWN_JOB, flex=NOT_FLEX) == [DEDICATED, FLEX]
    assert ask(kinds, target()) == [DEDICATED]


@pytest.mark.parametrize("error", OTHER_REFUSALS.values(), ids=OTHER_REFUSALS)
def test_a_remembered_kind_is_kept_when_it_fails_for_another_reason(error: AtlasError) -> None:
    kinds = learnt_dedicated()

    assert ask(kinds, target(), dedicated=error) == [DEDICATED]
    assert ask(kinds, target()) == [DEDICATED]


def test_a_kind_is_remembered_for_a_cluster_of_one_project() -> None:
    kinds = learnt_dedicated()

    assert ask(kinds, target(restoreId="6b4a0f800000000000000b02")) == [DEDICATED]
    assert ask(kinds, target(clusterName="carts")) == [FLEX]
    assert ask(kinds, target(groupId="5f0000000000000000000a02")) == [FLEX]


@pytest.mark.parametrize("named", [DEDICATED, COLLECTION])
def test_a_named_kind_is_not_remembered(named: RestoreKind) -> None:
    kinds = ClusterKinds()
    ask(kinds, target(named))

    assert ask(kinds, target()) == [FLEX]


def test_a_collection_restore_does_not_change_what_is_remembered() -> None:
    kinds = learnt_dedicated()

    assert ask(kinds, target(COLLECTION), collection=BAD) == [COLLECTION]
    assert ask(kinds, target()) == [DEDICATED]


@pytest.mark.parametrize("likely", [FLEX, DEDICATED])
def test_without_a_kind_the_likely_one_is_asked_first_and_remembered(likely: RestoreKind) -> None:
    kinds = ClusterKinds()

    assert ask_likely(kinds, likely, target()) == [likely]
    assert ask(kinds, target()) == [likely]


@pytest.mark.parametrize("error", [NOT_DEDICATED, BAD, UNKNOWN_JOB], ids=str)
def test_a_likely_kind_that_is_refused_is_detected_again(error: AtlasError) -> None:
    kinds = ClusterKinds()

    assert ask_likely(kinds, DEDICATED, target(), dedicated=error) == [DEDICATED, FLEX]
    assert ask_likely(kinds, DEDICATED, target()) == [FLEX]


def test_a_likely_kind_that_fails_for_another_reason_is_not_remembered() -> None:
    kinds = ClusterKinds()

    assert ask_likely(kinds, DEDICATED, target(), dedicated=DOWN) == [DEDICATED]
    assert ask(kinds, target()) == [FLEX]


@pytest.mark.parametrize("named", RestoreKind)
def test_a_named_kind_is_asked_whichever_is_likely(named: RestoreKind) -> None:
    assert ask_likely(ClusterKinds(), DEDICATED, target(named)) == [named]


def test_many_threads_remember_the_kinds_of_more_clusters_than_are_kept() -> None:
    kinds = ClusterKinds()
    clusters = [target(clusterName=f"orders-{n}") for n in range(CLUSTERS_REMEMBERED + 200)]

    with ThreadPoolExecutor(32) as threads:
        asked = list(threads.map(lambda one: ask(kinds, one, flex=NOT_FLEX), clusters * 3))

    assert all(one in ([FLEX, DEDICATED], [DEDICATED]) for one in asked)


@pytest.mark.parametrize("error", [GONE, UNKNOWN_JOB], ids=str)
def test_flex_is_asked_after_the_tenant_endpoint_is_gone_and_is_remembered(
    error: AtlasError,
) -> None:
    kinds = ClusterKinds()

    assert ask(kinds, target(TENANT)) == [TENANT]
    assert ask(kinds, target(TENANT), tenant=error) == [TENANT, FLEX]
    assert ask(kinds, target(TENANT)) == [FLEX]
    assert ask(kinds, target(TENANT, clusterName="carts")) == [TENANT]


def test_a_job_unknown_to_tenant_and_flex_does_not_mark_the_tenant_endpoint_as_retired() -> None:
    kinds = ClusterKinds()

    assert raised(kinds, target(TENANT), tenant=UNKNOWN_JOB, flex=ABSENT) is ABSENT
    assert ask(kinds, target(TENANT)) == [TENANT]


def test_the_retirement_of_the_tenant_endpoint_is_remembered_even_if_flex_fails() -> None:
    kinds = ClusterKinds()

    ask(kinds, target(TENANT), tenant=GONE, flex=DOWN)

    assert ask(kinds, target(TENANT)) == [FLEX]


@pytest.mark.parametrize("error", [BAD, *OTHER_REFUSALS.values()], ids=str)
def test_any_other_refusal_of_the_tenant_endpoint_is_raised_at_once(error: AtlasError) -> None:
    assert ask(ClusterKinds(), target(TENANT), tenant=error) == [TENANT]


MEMORIES: dict[str, tuple[RestoreKind | None, dict[str, AtlasError], list[RestoreKind]]] = {
    "kind": (None, {"flex": NOT_FLEX}, [FLEX, DEDICATED]),
    "tenant endpoint": (TENANT, {"tenant": GONE}, [TENANT, FLEX]),
}


@pytest.mark.parametrize(("kind", "refusals", "first_time"), MEMORIES.values(), ids=MEMORIES)
def test_the_least_recently_used_cluster_is_forgotten_first(
    kind: RestoreKind | None, refusals: dict[str, Any], first_time: list[RestoreKind]
) -> None:
    kinds = ClusterKinds()

    def check(number: int) -> list[RestoreKind]:
        return ask(kinds, target(kind, clusterName=f"orders-{number}"), **refusals)

    for number in range(CLUSTERS_REMEMBERED):
        assert check(number) == first_time
    assert check(0) == first_time[1:]

    assert check(CLUSTERS_REMEMBERED) == first_time
    assert check(0) == first_time[1:]
    assert check(1) == first_time
