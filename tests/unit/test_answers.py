"""What an answer or a failure means for the pace, the outcomes and the memory of a sweep."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest
from aws_lambda_powertools import Logger

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
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.answers import Answers, has_nothing_to_read
from restore_watch.sweep.outcomes import Asked
from restore_watch.telemetry.telemetry import Telemetry
from unit.open_jobs import restore_id
from unit.runs import a_run
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
    return Answers(a_run(clock, Telemetry(Logger(service="answers"))))


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


def test_an_answer_about_the_pace_alone_shows_nothing(answers: Answers) -> None:
    answers.accepted(A_JOB.bucket)

    assert answers.run.memory.was_answered_lately
    assert answers.run.outcomes.families(GROUP) == set()


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
