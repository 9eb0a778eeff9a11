"""
What one sweep saw of each project: an answer to one question clears no other.

And what an answer or a failure means for its pace and its memory.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from aws_lambda_powertools import Logger

from foundation.clock import Clock as UtcClock
from foundation.emitting import MetricsLog
from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.answers import Answers, has_nothing_to_read
from restore_watch.sweep.memory_of_jobs import SweepMemory
from restore_watch.sweep.outcomes import Asked, Outcomes
from restore_watch.sweep.rate_limit_pace import Pace
from restore_watch.sweep.run import Run
from restore_watch.sweep.tally import Tally
from restore_watch.telemetry.telemetry import Telemetry
from unit.open_jobs import restore_id
from unit.scripted_atlas import GROUP, Clock

FLEX = Bucket(GROUP, RestoreKind.FLEX)
DEDICATED = Bucket(GROUP, RestoreKind.DEDICATED)
CLUSTERS = Bucket(GROUP, AtlasList.CLUSTERS)
EVENTS = Bucket(GROUP, AtlasList.EVENTS)
A_JOB = Asked.job(FLEX, restore_id(1))


def coded(error: type[AtlasError], status: int, code: str | None = None) -> AtlasError:
    return error("refused", AtlasReason(status, error_code=code))


NO_JOB = coded(RestoreJobNotFoundError, 404)
NO_CLUSTER = coded(RestoreJobNotFoundError, 404, "CLUSTER_NOT_FOUND")
NO_PROJECT = coded(RestoreJobNotFoundError, 404, "GROUP_NOT_FOUND")
NO_FILTER = coded(AtlasBadRequestError, 400, "INVALID_ATTRIBUTE")


# What was seen

DOWN = AtlasUnavailableError("Atlas did not answer")
LIMITED = AtlasRateLimitError("limited")
NO_ROLE = AtlasUnauthorizedError("no role")
NOT_ALLOWED = AtlasForbiddenError("address")
RETIRED = EndpointRetiredError("no such endpoint")
UNUSED = AtlasBadRequestError("no such list")


def a_job(number: int, bucket: Bucket = FLEX) -> Asked:
    return Asked.job(bucket, restore_id(number))


def a_cluster(name: str, kind: RestoreKind = RestoreKind.FLEX) -> Asked:
    return Asked.part(Bucket(GROUP, kind), Part(kind, name))


SOME_EVENTS = Asked.list(EVENTS)
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
    "events": ([(SOME_EVENTS, None), (a_job(1), LIMITED)], {"flex": LIMITED}),
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
    assert outcomes.failures("5f0000000000000000000a02", ()) == {}


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
    saw(outcomes, [(a_job(1), None), (SOME_EVENTS, None)])
    outcomes.left(a_job(2))

    assert outcomes.learnt(GROUP) == {"events"}
    assert outcomes.families(GROUP) == {RestoreKind.FLEX, AtlasList.EVENTS}


@pytest.mark.parametrize("refusal", [NO_ROLE, NOT_ALLOWED, RETIRED, UNUSED], ids=repr)
@pytest.mark.parametrize(
    "asked", [a_job(1, DEDICATED), a_cluster("users", RestoreKind.DEDICATED)], ids=str
)
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
    saw(outcomes, [(asked, refusal), *([(SOME_EVENTS, None)] if others else [])])

    assert outcomes.failures(GROUP, readable) == ({asked.name: refusal} if fails else {})


def test_an_outage_of_a_family_that_was_never_read_is_not_a_missing_role() -> None:
    outcomes = Outcomes()
    saw(outcomes, [(SOME_EVENTS, None), (a_job(1, DEDICATED), DOWN)])

    assert outcomes.failures(GROUP, {"flex"}) == {"dedicated": DOWN}


# Answers and failures


class Means(NamedTuple):
    """Whether Atlas accepted the credentials, and whether what was asked is seen or fails."""

    accepts: bool
    is_seen: bool = False
    fails: bool = False


MEANINGS: Mapping[str, tuple[Bucket, RestoreWatchError | None, Means]] = {
    "an answer": (FLEX, None, Means(accepts=True, is_seen=True)),
    "no job": (FLEX, NO_JOB, Means(accepts=True, is_seen=True)),
    "no cluster": (FLEX, NO_CLUSTER, Means(accepts=True, is_seen=True)),
    "no project": (FLEX, NO_PROJECT, Means(accepts=True, fails=True)),
    "no list": (CLUSTERS, NO_JOB, Means(accepts=True, fails=True)),
    "no filter": (EVENTS, NO_FILTER, Means(accepts=True, is_seen=True)),
    "bad request": (FLEX, NO_FILTER, Means(accepts=True, fails=True)),
    "odd": (FLEX, UnexpectedAtlasResponseError("odd"), Means(accepts=True, fails=True)),
    "retired": (FLEX, EndpointRetiredError("old"), Means(accepts=True, fails=True)),
    "silence": (FLEX, AtlasUnavailableError("down"), Means(accepts=False, fails=True)),
    "limit": (FLEX, AtlasRateLimitError("limited"), Means(accepts=False, fails=True)),
    "no role": (FLEX, coded(AtlasUnauthorizedError, 401), Means(accepts=False, fails=True)),
    "time": (FLEX, TimeBudgetExceededError("late"), Means(accepts=False)),
    "secret": (FLEX, CredentialsError("no secret"), Means(accepts=False)),
}


@pytest.fixture
def answers(clock: Clock) -> Answers:
    """Of a sweep that begins now and has a minute. Atlas has never named a limit."""

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now, UTC)

    return Answers(
        Run(
            is_tick=True,
            at=now(),
            succeeded_at=None,
            asking=clock.deadline(),
            ending=clock.deadline(),
            clock=UtcClock(now, clock.sleep),
            pace=Pace(0.5, lambda _bucket, _since: None, since=0.0, waits=lambda _: False),
            tally=Tally(opened=0),
            outcomes=Outcomes(),
            memory=SweepMemory(clock),
            known={},
            projects={},
            telemetry=Telemetry(Logger(service="answers"), MetricsLog()),
        )
    )


@pytest.mark.parametrize(("bucket", "error", "means"), MEANINGS.values(), ids=MEANINGS)
def test_what_atlas_says_shows_a_family_or_that_it_fails(
    answers: Answers, bucket: Bucket, error: RestoreWatchError | None, means: Means
) -> None:
    asked = Asked.list(bucket)
    if error is None:
        answers.answered(asked)
    else:
        answers.failed(asked, error)

    assert answers.run.memory.was_answered_lately is means.accepts
    assert answers.run.outcomes.families(GROUP) == ({bucket.family} if means.is_seen else set())
    assert answers.run.outcomes.failures(GROUP, ()) == ({asked.name: error} if means.fails else {})
    assert answers.run.pace.answers(GROUP) is not isinstance(error, AtlasUnavailableError)


def test_a_rate_limit_counts_only_if_no_other_job_answers(answers: Answers) -> None:
    answers.failed(A_JOB, AtlasRateLimitError("limited"))
    answers.answered(Asked.job(FLEX, restore_id(2)))

    assert answers.run.outcomes.failures(GROUP, ()) == {}


@pytest.mark.parametrize("error", [AtlasUnauthorizedError, AtlasForbiddenError])
@pytest.mark.parametrize(
    ("family", "refused"),
    [
        (None, FLEX),
        ("dedicated", DEDICATED),
        ("dedicated clusters", CLUSTERS),
        ("serverless", FLEX),
    ],
    ids=str,
)
def test_three_different_refusals_stop_the_endpoints_that_refused(
    answers: Answers, error: type[AtlasError], family: str | None, refused: Bucket
) -> None:
    """If the kind of a cluster is found out, another endpoint than the first may refuse."""
    refusal = coded(error, 401)
    refusal.family = family
    for number in range(3):
        answers.failed(Asked.job(FLEX, restore_id(number)), refusal)

    assert [one for one in (FLEX, DEDICATED, CLUSTERS) if not answers.run.pace.allows(one)] == [
        refused
    ]
    assert answers.run.outcomes.failures(GROUP, ()) == {refused.family: refusal}


@pytest.mark.parametrize(
    ("error", "has_nothing"),
    [
        (NO_CLUSTER, True),
        (coded(AtlasBadRequestError, 400, "FEATURE_UNSUPPORTED"), True),
        (coded(AtlasBadRequestError, 400, "BACKUP_CONFIG_NOT_FOUND"), True),
        (coded(AtlasForbiddenError, 403, "FEATURE_UNSUPPORTED"), False),
        (NO_JOB, False),
        (NO_PROJECT, False),
        (NO_FILTER, False),
    ],
    ids=repr,
)
def test_some_codes_say_that_a_cluster_has_no_jobs_of_a_kind(
    error: AtlasError, *, has_nothing: bool
) -> None:
    assert has_nothing_to_read(error) is has_nothing
