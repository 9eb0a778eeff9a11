"""What a sweep saw of each project: one answer of a family of endpoints is enough to see it."""

import pytest

from restore_watch.atlas.families import AtlasList, Family
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.restore_job import RestoreKind
from restore_watch.sight import Sight
from unit.scripted_atlas import GROUP

FLEX, DEDICATED = RestoreKind.FLEX, RestoreKind.DEDICATED
EVENTS = AtlasList.EVENTS
OTHER_GROUP = "5f0000000000000000000a02"

DOWN = AtlasUnavailableError("Atlas did not answer")
LIMITED = AtlasRateLimitError("limited")
NO_ROLE = AtlasUnauthorizedError("no role")
NOT_ALLOWED = AtlasForbiddenError("address")
RETIRED = EndpointRetiredError("no such endpoint")
GONE = RestoreJobNotFoundError("gone", AtlasReason(404, error_code="GROUP_NOT_FOUND"))


def in_project(family: Family) -> Bucket:
    return Bucket(GROUP, family)


@pytest.fixture
def sight() -> Sight:
    return Sight()


def test_without_a_question_nothing_is_seen_and_nothing_fails(sight: Sight) -> None:
    assert sight.seen(GROUP) == frozenset()
    assert sight.failures(GROUP, {FLEX}) == {}


def test_a_family_that_answered_is_seen(sight: Sight) -> None:
    for family in (FLEX, EVENTS, FLEX):
        sight.answered(in_project(family))

    assert sight.seen(GROUP) == {FLEX, EVENTS}
    assert sight.failures(GROUP, ()) == {}


@pytest.mark.parametrize("answer_first", [True, False], ids=["first", "later"])
def test_a_family_that_answers_once_in_a_sweep_does_not_fail(
    sight: Sight, *, answer_first: bool
) -> None:
    if answer_first:
        sight.answered(in_project(FLEX))
    sight.failed(in_project(FLEX), DOWN)
    if not answer_first:
        sight.answered(in_project(FLEX))

    assert sight.failures(GROUP, ()) == {}
    assert sight.seen(GROUP) == {FLEX}


@pytest.mark.parametrize("error", [DOWN, LIMITED], ids=["down", "limited"])
def test_a_family_that_did_not_answer_fails_beside_others_that_did(
    sight: Sight, error: RestoreWatchError
) -> None:
    sight.answered(in_project(EVENTS))
    sight.failed(in_project(FLEX), error)

    assert sight.failures(GROUP, ()) == {FLEX: error}


def test_the_last_failure_of_a_family_counts(sight: Sight) -> None:
    for error in (DOWN, LIMITED):
        sight.failed(in_project(FLEX), error)

    assert sight.failures(GROUP, ()) == {FLEX: LIMITED}


def test_each_project_and_the_list_of_projects_are_seen_by_themselves(sight: Sight) -> None:
    sight.answered(Bucket(None, AtlasList.PROJECTS))
    sight.answered(Bucket(OTHER_GROUP, FLEX))
    sight.failed(in_project(FLEX), DOWN)

    assert [sight.seen(one) for one in (None, OTHER_GROUP, GROUP)] == [
        {AtlasList.PROJECTS},
        {FLEX},
        frozenset(),
    ]
    assert sight.failures(GROUP, ()) == {FLEX: DOWN}
    assert sight.failures(OTHER_GROUP, ()) == {}


# Refusals


@pytest.mark.parametrize("refusal", [NO_ROLE, NOT_ALLOWED, RETIRED], ids=["401", "403", "405"])
@pytest.mark.parametrize(
    ("readable", "fails"),
    [({FLEX}, False), ({FLEX, DEDICATED}, True), (set(), False)],
    ids=["never read", "read before", "first sweep"],
)
def test_a_refusal_fails_only_for_what_could_be_read_before(
    sight: Sight, refusal: RestoreWatchError, readable: set[str], *, fails: bool
) -> None:
    """Without a role for dedicated clusters, a project is still watched."""
    sight.answered(in_project(FLEX))
    sight.failed(in_project(DEDICATED), refusal)

    assert sight.failures(GROUP, readable) == ({DEDICATED: refusal} if fails else {})


def test_the_names_of_what_could_be_read_may_come_from_the_table(sight: Sight) -> None:
    sight.answered(in_project(FLEX))
    for family in (DEDICATED, EVENTS):
        sight.failed(in_project(family), NO_ROLE)

    assert sight.failures(GROUP, frozenset({"dedicated", "events"})) == {
        DEDICATED: NO_ROLE,
        EVENTS: NO_ROLE,
    }


def test_a_project_that_refuses_everything_fails_although_it_was_never_read(
    sight: Sight,
) -> None:
    for family in (EVENTS, FLEX):
        sight.failed(in_project(family), NOT_ALLOWED)

    assert sight.failures(GROUP, ()) == {EVENTS: NOT_ALLOWED, FLEX: NOT_ALLOWED}


def test_of_a_project_that_now_refuses_everything_fails_what_could_be_read_before(
    sight: Sight,
) -> None:
    for family in (FLEX, DEDICATED):
        sight.failed(in_project(family), NOT_ALLOWED)

    assert sight.failures(GROUP, {FLEX}) == {FLEX: NOT_ALLOWED}


def test_an_outage_of_a_family_that_was_never_read_is_not_a_missing_role(sight: Sight) -> None:
    sight.answered(in_project(FLEX))
    sight.failed(in_project(DEDICATED), DOWN)

    assert sight.failures(GROUP, {FLEX}) == {DEDICATED: DOWN}


def test_an_endpoint_that_atlas_never_offered_fails_if_nothing_else_answers(sight: Sight) -> None:
    sight.failed(in_project(DEDICATED), RETIRED)

    assert sight.failures(GROUP, ()) == {DEDICATED: RETIRED}


# Answers that show little


@pytest.mark.parametrize("error", [GONE, LIMITED], ids=["project gone", "no calls left"])
def test_a_family_may_fail_although_it_answers(sight: Sight, error: RestoreWatchError) -> None:
    sight.answered(in_project(EVENTS))
    sight.blind(in_project(EVENTS), error)

    assert sight.seen(GROUP) == {EVENTS}
    assert sight.failures(GROUP, ()) == {EVENTS: error}
    assert sight.failures(OTHER_GROUP, ()) == {}


def test_what_fails_although_it_answers_counts_more_than_a_failure(sight: Sight) -> None:
    sight.blind(in_project(EVENTS), GONE)
    sight.failed(in_project(EVENTS), DOWN)

    assert sight.failures(GROUP, ()) == {EVENTS: GONE}


# Clusters


def test_without_a_listing_nothing_is_known_of_clusters(sight: Sight) -> None:
    assert sight.clusters(GROUP) == {}


def test_a_kind_fails_if_the_list_of_one_of_its_clusters_does(sight: Sight) -> None:
    sight.cluster(in_project(FLEX), "flex/orders")
    sight.cluster(in_project(FLEX), "flex/carts", DOWN)
    sight.cluster(in_project(DEDICATED), "dedicated/users")

    assert sight.clusters(GROUP) == {
        "flex jobs of a cluster": DOWN,
        "dedicated jobs of a cluster": None,
    }
    assert sight.failures(GROUP, {FLEX}) == {}


@pytest.mark.parametrize(("first", "last"), [(DOWN, None), (None, DOWN)], ids=["read", "failed"])
def test_the_last_outcome_of_a_cluster_counts(
    sight: Sight, first: RestoreWatchError | None, last: RestoreWatchError | None
) -> None:
    """A list that fails is tried twice, and has several pages."""
    for error in (first, last):
        sight.cluster(in_project(FLEX), "flex/orders", error)

    assert sight.clusters(GROUP) == {"flex jobs of a cluster": last}


@pytest.mark.parametrize("answer_first", [True, False], ids=["first", "later"])
def test_a_refusal_is_that_of_one_cluster_if_its_family_is_seen_in_the_same_sweep(
    sight: Sight, *, answer_first: bool
) -> None:
    if answer_first:
        sight.answered(in_project(FLEX))
    sight.cluster_refused(in_project(FLEX), "flex/orders", NOT_ALLOWED)
    if not answer_first:
        assert sight.refuses(in_project(FLEX))
        sight.answered(in_project(FLEX))

    assert not sight.refuses(in_project(FLEX))
    assert sight.failures(GROUP, {FLEX}) == {}
    assert sight.clusters(GROUP) == {"flex jobs of a cluster": NOT_ALLOWED}


def test_a_refusal_is_that_of_the_family_if_nothing_else_of_it_is_seen(sight: Sight) -> None:
    sight.answered(in_project(EVENTS))
    sight.cluster_refused(in_project(FLEX), "flex/orders", NOT_ALLOWED)

    assert sight.refuses(in_project(FLEX))
    assert not sight.refuses(in_project(DEDICATED))
    assert sight.failures(GROUP, {FLEX}) == {FLEX: NOT_ALLOWED}
    assert sight.clusters(GROUP) == {}


def test_a_cluster_that_was_refused_and_others_that_were_read_are_one_failure(
    sight: Sight,
) -> None:
    sight.cluster_refused(in_project(FLEX), "flex/orders", NOT_ALLOWED)
    sight.answered(in_project(FLEX))
    sight.cluster(in_project(FLEX), "flex/carts")

    assert sight.clusters(GROUP) == {"flex jobs of a cluster": NOT_ALLOWED}


def test_each_project_has_its_own_clusters(sight: Sight) -> None:
    sight.cluster(Bucket(OTHER_GROUP, FLEX), "flex/orders", DOWN)

    assert sight.clusters(GROUP) == {}
