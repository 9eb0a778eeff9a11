"""How a question ended, and which endpoint refused it."""

from collections.abc import Mapping

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.atlas.families import DEDICATED_JOBS, FLEX_JOBS, Family
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    CredentialsError,
    UnexpectedAtlasResponseError,
)
from unit.open_jobs import restore_id
from unit.records import (
    CLUSTERS,
    DOWN,
    EVENTS,
    LIMITED,
    LIST_OF_CLUSTERS,
    NO_CLUSTER,
    NO_FILTER,
    NO_JOB,
    NO_PROJECT,
    NO_ROLE,
    NOT_ALLOWED,
    RETIRED,
    cluster,
    coded,
)
from unit.scripted_atlas import GROUP

A_JOB = Subject.in_bucket(Bucket(GROUP, FLEX_JOBS), restore_id(1))

ENDS: Mapping[str, tuple[Subject, ApplicationError, End]] = {
    "no job": (A_JOB, NO_JOB, End.NOTHING_THERE),
    "no cluster": (A_JOB, NO_CLUSTER, End.NOTHING_THERE),
    "no project": (A_JOB, NO_PROJECT, End.ODD),
    "no list": (LIST_OF_CLUSTERS, NO_JOB, End.ODD),
    "no jobs of a cluster": (cluster(), NO_CLUSTER, End.ODD),
    "no events for this filter": (EVENTS, NO_FILTER, End.NOTHING_THERE),
    "no events": (EVENTS, NO_JOB, End.ODD),
    "bad request": (A_JOB, NO_FILTER, End.ODD),
    "odd": (A_JOB, UnexpectedAtlasResponseError("odd"), End.ODD),
    "retired": (A_JOB, RETIRED, End.ODD),
    "silence": (A_JOB, DOWN, End.SILENT),
    "limit": (A_JOB, LIMITED, End.LIMITED),
    "no role": (A_JOB, NO_ROLE, End.REFUSED),
    "not allowed": (A_JOB, NOT_ALLOWED, End.REFUSED),
    "time": (A_JOB, TimeBudgetExceededError("late"), End.LATE),
    "secret": (A_JOB, CredentialsError("no secret"), End.NO_CREDENTIALS),
}


@pytest.mark.parametrize(("subject", "error", "end"), ENDS.values(), ids=ENDS)
def test_a_question_ends_by_its_error_and_by_what_was_asked(
    subject: Subject, error: ApplicationError, end: End
) -> None:
    assert Asked.failed(subject, error) == Asked(subject, end, error)


def test_atlas_accepts_the_credentials_answers_or_was_never_asked() -> None:
    answers = {End.ANSWERED, End.NOTHING_THERE}

    assert {end for end in End if end.is_answer} == answers
    assert {end for end in End if end.accepts} == {*answers, End.ODD}
    assert {end for end in End if end.was_never_asked} == {End.LATE, End.NO_CREDENTIALS}


@pytest.mark.parametrize("error", [AtlasUnauthorizedError, AtlasForbiddenError])
@pytest.mark.parametrize(
    ("refusing", "family"),
    [(None, FLEX_JOBS), (DEDICATED_JOBS, DEDICATED_JOBS), (CLUSTERS, CLUSTERS)],
    ids=str,
)
def test_the_endpoint_of_another_kind_than_the_first_may_refuse(
    error: type[AtlasError], refusing: Family | None, family: Family
) -> None:
    """If the kind of a cluster is found out, another endpoint is asked."""
    refusal = coded(error, 401)
    refusal.family = refusing

    (bucket, question, restore) = Asked.failed(A_JOB, refusal).subject

    assert (bucket.family, question, restore) == (family, family.question, restore_id(1))
    assert Asked.failed(EVENTS, refusal).subject.question == "events"
    assert Asked.failed(cluster(), refusal).subject.about == "orders"
