"""What one sweep saw of each project: an answer to one question clears no other."""

from collections.abc import Mapping, Sequence

import pytest

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreWatchError,
)
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.outcomes import Asked, Outcomes
from unit.open_jobs import restore_id
from unit.scripted_atlas import GROUP

FLEX, DEDICATED = RestoreKind.FLEX, RestoreKind.DEDICATED
ELSEWHERE = Bucket("5f0000000000000000000a02", FLEX)

DOWN = AtlasUnavailableError("Atlas did not answer")
LIMITED = AtlasRateLimitError("limited")
NO_ROLE = AtlasUnauthorizedError("no role")
NOT_ALLOWED = AtlasForbiddenError("address")
RETIRED = EndpointRetiredError("no such endpoint")
UNUSED = AtlasBadRequestError("no such list")


def a_job(number: int, kind: RestoreKind = FLEX) -> Asked:
    return Asked.job(Bucket(GROUP, kind), restore_id(number))


def a_cluster(name: str, kind: RestoreKind = FLEX) -> Asked:
    return Asked.part(Bucket(GROUP, kind), Part(kind, name))


EVENTS = Asked.list(Bucket(GROUP, AtlasList.EVENTS))
OF_A_CLUSTER = "flex jobs of a cluster"

type Happened = Sequence[tuple[Asked, RestoreWatchError | None]]

SEEN: Mapping[str, tuple[Happened, Mapping[str, RestoreWatchError]]] = {
    "nothing": ([], {}),
    "an answer": ([(a_job(1), None)], {}),
    "the same job answers later": ([(a_job(1), DOWN), (a_job(1), None)], {}),
    "the same job fails later": ([(a_job(1), None), (a_job(1), DOWN)], {"flex": DOWN}),
    "another job": ([(a_job(1), DOWN), (a_job(2), None)], {"flex": DOWN}),
    "a list": ([(a_job(1), DOWN), (a_cluster("orders"), None)], {"flex": DOWN}),
    "a job beside a list": ([(a_job(1), None), (a_cluster("orders"), DOWN)], {OF_A_CLUSTER: DOWN}),
    "another list": (
        [(a_cluster("orders"), DOWN), (a_cluster("carts"), None)],
        {OF_A_CLUSTER: DOWN},
    ),
    "events": ([(EVENTS, None), (a_job(1), LIMITED)], {"flex": LIMITED}),
}


def saw(outcomes: Outcomes, happened: Happened, *, lasts: bool = True) -> None:
    for asked, error in happened:
        if error is None:
            outcomes.answered(asked)
        else:
            outcomes.failed(asked, error, lasts=lasts)


@pytest.mark.parametrize(("happened", "failures"), SEEN.values(), ids=SEEN)
def test_a_failure_counts_until_the_same_question_is_answered(
    happened: Happened, failures: Mapping[str, RestoreWatchError]
) -> None:
    outcomes = Outcomes()
    saw(outcomes, happened)

    assert outcomes.failures(GROUP, ()) == failures
    answered = {asked for asked, error in happened if error is None}
    assert outcomes.families(GROUP) == {asked.bucket.family for asked in answered}
    assert outcomes.learnt(GROUP) == {asked.name for asked in answered}
    assert outcomes.failures(ELSEWHERE.group_id, ()) == {}


@pytest.mark.parametrize(
    ("others", "fails"), [((), True), ((a_cluster("orders"),), True), ((a_job(2),), False)], ids=str
)
def test_a_failure_that_does_not_last_counts_if_nothing_else_of_its_name_answers(
    others: Sequence[Asked], *, fails: bool
) -> None:
    outcomes = Outcomes()
    saw(outcomes, [(a_job(1), DOWN), *((one, None) for one in others)], lasts=False)

    assert outcomes.failures(GROUP, ()) == ({"flex": DOWN} if fails else {})


def test_of_what_was_left_to_the_next_sweep_nothing_is_learnt() -> None:
    outcomes = Outcomes()
    saw(outcomes, [(a_job(1), None), (EVENTS, None)])
    outcomes.left(a_job(2))

    assert outcomes.learnt(GROUP) == {"events"}
    assert outcomes.families(GROUP) == {FLEX, AtlasList.EVENTS}


@pytest.mark.parametrize("refusal", [NO_ROLE, NOT_ALLOWED, RETIRED, UNUSED], ids=repr)
@pytest.mark.parametrize("asked", [a_job(1, DEDICATED), a_cluster("users", DEDICATED)], ids=str)
@pytest.mark.parametrize(
    ("readable", "others", "fails"),
    [
        ({"flex"}, True, False),
        ({"flex", "dedicated"}, True, True),
        ((), True, False),
        ((), False, True),
        ({"flex"}, False, False),
    ],
    ids=["never read", "read before", "first sweep", "refuses all", "refuses all later"],
)
def test_a_refusal_fails_only_for_what_could_be_read_before(
    refusal: RestoreWatchError, asked: Asked, readable: set[str], *, others: bool, fails: bool
) -> None:
    """Without a role for dedicated clusters, a project is still watched."""
    outcomes = Outcomes()
    saw(outcomes, [(asked, refusal), *([(EVENTS, None)] if others else [])])

    assert outcomes.failures(GROUP, readable) == ({asked.name: refusal} if fails else {})


def test_an_outage_of_a_family_that_was_never_read_is_not_a_missing_role() -> None:
    outcomes = Outcomes()
    saw(outcomes, [(EVENTS, None), (a_job(1, DEDICATED), DOWN)])

    assert outcomes.failures(GROUP, {"flex"}) == {"dedicated": DOWN}
