"""What an answer or a failure means for the pace, the sight and the memory of a sweep."""

import pytest

from restore_watch.atlas.families import AtlasList
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
    TimeBudgetExceededError,
    UnexpectedAtlasResponseError,
)
from restore_watch.findings import Findings
from restore_watch.memory import SweepMemory
from restore_watch.pace import REFUSALS, SILENCES, Pace
from restore_watch.reception import Reception
from restore_watch.restore_job import RestoreKind
from restore_watch.sight import Sight
from unit.scripted_atlas import GROUP, Clock

FLEX = Bucket(GROUP, RestoreKind.FLEX)
DEDICATED = Bucket(GROUP, RestoreKind.DEDICATED)
CLUSTERS = Bucket(GROUP, AtlasList.CLUSTERS)


def coded(error: type[AtlasError], status: int, code: str | None = None) -> AtlasError:
    return error("refused", AtlasReason(status, error_code=code))


@pytest.fixture
def reception(clock: Clock) -> Reception:
    pace = Pace(0.5, lambda _bucket, _since: None, since=0.0, waits=lambda _bucket: False)
    return Reception(pace, Findings(opened=0), SweepMemory(clock), Sight())


def test_an_answer_shows_the_family_and_that_the_credentials_are_valid(
    reception: Reception,
) -> None:
    reception.answered(FLEX)

    assert reception.sight.seen(GROUP) == {RestoreKind.FLEX}
    assert reception.memory.was_answered_lately


ANSWERS: dict[str, AtlasError] = {
    "no job": coded(RestoreJobNotFoundError, 404),
    "no cluster": coded(RestoreJobNotFoundError, 404, "CLUSTER_NOT_FOUND"),
    "another kind": coded(AtlasBadRequestError, 400, "FEATURE_UNSUPPORTED"),
}


@pytest.mark.parametrize("error", ANSWERS.values(), ids=ANSWERS)
def test_that_atlas_does_not_know_a_job_or_cluster_is_an_answer(
    reception: Reception, error: AtlasError
) -> None:
    reception.failed(FLEX, error)

    assert reception.sight.seen(GROUP) == {RestoreKind.FLEX}
    assert reception.sight.failures(GROUP, ()) == {}


@pytest.mark.parametrize("error", [UnexpectedAtlasResponseError("odd"), EndpointRetiredError("x")])
def test_an_answer_that_cannot_be_used_accepts_the_credentials_and_shows_nothing(
    reception: Reception, error: AtlasError
) -> None:
    reception.failed(FLEX, error)

    assert reception.memory.was_answered_lately
    assert reception.sight.failures(GROUP, ()) == {RestoreKind.FLEX: error}


def test_a_project_that_is_gone_answers_and_cannot_be_seen(reception: Reception) -> None:
    gone = coded(RestoreJobNotFoundError, 404, "GROUP_NOT_FOUND")
    reception.failed(FLEX, gone)

    assert reception.sight.failures(GROUP, ()) == {RestoreKind.FLEX: gone}
    assert reception.memory.was_answered_lately


def test_silences_are_counted_and_seen(reception: Reception) -> None:
    down = AtlasUnavailableError("down")
    for _ in range(SILENCES):
        reception.failed(FLEX, down)

    assert not reception.pace.allows(DEDICATED)
    assert reception.sight.failures(GROUP, ()) == {RestoreKind.FLEX: down}


def test_a_rate_limit_is_neither_a_silence_nor_an_answer(reception: Reception) -> None:
    limited = AtlasRateLimitError("limited")
    for _ in range(SILENCES):
        reception.failed(FLEX, limited)

    assert reception.pace.allows(FLEX)
    assert reception.sight.seen(GROUP) == frozenset()
    assert reception.sight.failures(GROUP, ()) == {RestoreKind.FLEX: limited}


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
def test_a_refusal_stops_the_endpoints_that_refused(
    reception: Reception, error: type[AtlasError], family: str | None, refused: Bucket
) -> None:
    """If the kind of a cluster is found out, another endpoint than the first may refuse."""
    refusal = coded(error, 401)
    refusal.family = family
    for _ in range(REFUSALS):
        reception.failed(FLEX, refusal)

    assert [one for one in (FLEX, DEDICATED, CLUSTERS) if not reception.pace.allows(one)] == [
        refused
    ]
    assert reception.sight.failures(GROUP, ()) == {refused.family: refusal}


@pytest.mark.parametrize(
    "error",
    [TimeBudgetExceededError("late"), CredentialsError("no secret")],
    ids=["time", "secret"],
)
def test_a_question_that_was_not_asked_shows_nothing(
    reception: Reception, error: RestoreWatchError
) -> None:
    reception.failed(FLEX, error)

    assert reception.sight.seen(GROUP) == frozenset()
    assert reception.sight.failures(GROUP, ()) == {}
    assert reception.pace.allows(FLEX)
