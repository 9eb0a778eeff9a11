"""The access token of a service account: F24, F27 and F54."""

import pytest

from local_stack.atlas import Role
from local_stack.refusal import atlas_error, oauth_error
from local_stack.wire import Action, Answer, Close, Delay, Phase, Reset, Truncate
from reliability.campaign import UNCHANGED, Campaign, ends_within, event, target
from reliability.steps import ACCOUNT, ATLAS, MISSING_ROLE, SETTLED_AFTER, TOKEN, too_many_requests
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.atlas.token import (
    FAILURE_PAUSE,
    LIFETIME,
    RENEWAL_AGE,
    REPLACEMENT_PAUSE,
)
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreKind

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

ANSWERED_5XX = [500, 502, 503, 504]

UNKNOWN_OUTCOMES: dict[str, Action] = {
    "closed": Close(),
    "reset": Reset(),
    "truncated": Truncate(20),
}
"""Atlas may have issued a token, but the answer did not arrive."""


@pytest.mark.fault("F24")
def test_an_expired_token_is_replaced_and_the_request_is_replayed(campaign: Campaign) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.expire_tokens()
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.calls() == ["flex", "token", "flex", "record", "publish", "acknowledge"]

    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.calls() == ["flex", "record"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F24")
def test_a_second_401_within_ten_minutes_is_raised(campaign: Campaign) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.expire_tokens()
    campaign.check(job, checker)
    job.run_to_end()
    campaign.expire_tokens()
    campaign.stack.forget_calls()
    campaign.refused(AtlasUnauthorizedError, job, checker)
    assert campaign.calls() == ["flex", "secret", "recall"]

    campaign.pass_time(REPLACEMENT_PAUSE)
    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.count(TOKEN) == 1
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F24", "F26")
def test_a_dead_token_is_replaced_after_ten_minutes_at_most(campaign: Campaign) -> None:
    job, barred, checker = campaign.job(), campaign.job("dedicated"), campaign.environment()
    campaign.atlas.grant(ACCOUNT["client_id"], Role.READ_ONLY)
    campaign.check(job, checker)
    campaign.refused(AtlasUnauthorizedError, target(barred, RestoreKind.DEDICATED), checker)
    assert campaign.count(TOKEN) == 2

    campaign.expire_tokens()
    campaign.refused(AtlasUnauthorizedError, job, checker)
    campaign.pass_time(REPLACEMENT_PAUSE)
    assert campaign.recheck(job, checker)[:3] == (False, 1, 1)
    assert campaign.count(TOKEN) == 3


@pytest.mark.fault("F24", "F26")
def test_a_401_for_an_hour_costs_seven_tokens(campaign: Campaign) -> None:
    jobs, checker = [campaign.job(), campaign.job()], campaign.environment()
    campaign.inject(ATLAS, MISSING_ROLE, times=None)
    for minute in range(60):
        campaign.refused(AtlasUnauthorizedError, jobs[minute % 2], checker)
        campaign.pass_time(60)

    assert campaign.count(TOKEN) == 7


@pytest.mark.fault("F54")
@cases(
    "fault",
    [Answer(502), pytest.param(Close(), marks=pytest.mark.campaign)],
    ids=["502", "closed"],
)
def test_a_hundred_targets_request_no_more_tokens_than_one(
    campaign: Campaign, fault: Action
) -> None:
    campaign.new_runtime()
    targets = [event(campaign.job()) for _ in range(100)]
    tries = ATTEMPTS if isinstance(fault, Answer) else 1
    with campaign.inject(TOKEN, fault, times=None):
        for _ in range(2):
            invocation = campaign.invoke_with({"targets": targets})
            assert invocation.error_type == "AtlasUnavailableError"
            assert campaign.count(TOKEN) == tries
    assert campaign.count(ATLAS) == 0


@pytest.mark.fault("F54")
@cases("status", ANSWERED_5XX)
def test_a_5xx_of_the_token_endpoint_is_tried_four_times_in_thirty_seconds(
    campaign: Campaign, status: int
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(TOKEN, Answer(status), times=None)
    for _ in range(5):
        campaign.refused(AtlasUnavailableError, job, checker)
    assert campaign.count(TOKEN) == ATTEMPTS
    assert len(campaign.naps) == ATTEMPTS - 1
    assert sum(campaign.naps) < 3
    assert campaign.count(ATLAS) == 0

    campaign.heal()
    campaign.pass_time(FAILURE_PAUSE)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F33", "F54")
@cases("failures", [1, ATTEMPTS - 1])
def test_a_check_succeeds_after_a_short_burst_of_5xx_of_the_token_endpoint(
    campaign: Campaign, failures: int
) -> None:
    job = campaign.recorded_job()
    campaign.inject(TOKEN, Answer(503), times=failures)

    assert campaign.recheck(job) == UNCHANGED
    assert campaign.count(TOKEN) == failures + 1


@pytest.mark.fault("F54")
@cases("phase", ["before", "after"], ids=["no-token-issued", "token-issued"])
@cases("fault", list(UNKNOWN_OUTCOMES.values()), ids=list(UNKNOWN_OUTCOMES))
def test_a_token_request_with_an_unknown_outcome_is_not_repeated_for_thirty_seconds(
    campaign: Campaign, fault: Action, phase: Phase
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    alive = campaign.atlas.tokens_alive(ACCOUNT["client_id"])
    campaign.inject(TOKEN, fault, phase=phase, times=None)
    for _ in range(5):
        campaign.refused(AtlasUnavailableError, job, checker)
    campaign.pass_time(FAILURE_PAUSE - 10)
    campaign.refused(AtlasUnavailableError, job, checker)
    assert campaign.count(TOKEN) == 1
    assert campaign.naps == []
    assert campaign.atlas.tokens_alive(ACCOUNT["client_id"]) - alive <= 1

    campaign.heal()
    campaign.pass_time(10)
    assert campaign.recheck(job, checker) == UNCHANGED
    assert campaign.count(TOKEN) == 2


@pytest.mark.fault("F54")
def test_an_hour_without_an_answer_of_the_token_endpoint_costs_32_requests_at_most(
    campaign: Campaign,
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(TOKEN, Close(), phase="after", times=None)
    for _ in range(120):
        campaign.refused(AtlasUnavailableError, job, checker)
        campaign.pass_time(30)
    assert 20 <= campaign.count(TOKEN) <= 32

    campaign.heal()
    campaign.pass_time(4 * FAILURE_PAUSE)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F54")
def test_a_token_that_arrives_after_the_deadline_is_not_requested_again(campaign: Campaign) -> None:
    jobs, checker = [campaign.job() for _ in range(20)], campaign.environment()
    alive = campaign.atlas.tokens_alive(ACCOUNT["client_id"])
    campaign.inject(TOKEN, Delay(2.0), times=None)
    with ends_within(2.4):
        campaign.refused(AtlasUnavailableError, jobs[0], checker, seconds=2.4)
    for job in jobs:
        campaign.refused(AtlasUnavailableError, job, checker)

    assert campaign.count(TOKEN) == 1
    assert campaign.atlas.tokens_alive(ACCOUNT["client_id"]) - alive == 1


@pytest.mark.fault("F24", "F27")
@cases(
    ("answer", "error"),
    [
        (oauth_error(403, "access_denied", "Access Token limit reached."), AtlasForbiddenError),
        (atlas_error(429, "RATE_LIMITED", "Too many."), AtlasRateLimitError),
        (Answer(500), AtlasUnavailableError),
    ],
    ids=["403", "429", "500"],
)
def test_a_dead_token_that_cannot_be_replaced_raises_the_reason(
    campaign: Campaign, answer: Answer, error: type[AtlasError]
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.expire_tokens()
    campaign.inject(TOKEN, answer, times=None)
    for _ in range(3):
        campaign.refused(error, job, checker)

    campaign.heal()
    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F24", "F54")
def test_a_replacement_with_an_unknown_outcome_counts_as_one(campaign: Campaign) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.expire_tokens()
    campaign.inject(TOKEN, Close())
    campaign.refused(AtlasUnavailableError, job, checker)
    campaign.pass_time(FAILURE_PAUSE)
    campaign.refused(AtlasUnauthorizedError, job, checker)

    campaign.pass_time(REPLACEMENT_PAUSE - FAILURE_PAUSE)
    assert campaign.recheck(job, checker) == UNCHANGED


TOKEN_REFUSALS: dict[str, tuple[Answer, type[AtlasError]]] = {
    "408": (Answer(408), AtlasUnavailableError),
    "429": (atlas_error(429, "RATE_LIMITED", "Too many."), AtlasRateLimitError),
    "too-many-tokens": (
        oauth_error(403, "access_denied", "Access Token limit reached."),
        AtlasForbiddenError,
    ),
    "invalid-client": (oauth_error(401, "invalid_client", "No."), AtlasUnauthorizedError),
    "invalid-request": (oauth_error(400, "invalid_request", "No."), AtlasUnauthorizedError),
    "418": (Answer(418), UnexpectedAtlasResponseError),
    "html": (Answer(200, {"Content-Type": "text/html"}, "<html>"), UnexpectedAtlasResponseError),
    "no-token": (Answer.json(200, {"expires_in": 3600}), UnexpectedAtlasResponseError),
    "token-crlf": (
        Answer.json(200, {"access_token": "canary-access-token\r\nX-Evil: 1"}),
        UnexpectedAtlasResponseError,
    ),
}

token_refusals = cases(("answer", "error"), list(TOKEN_REFUSALS.values()), ids=list(TOKEN_REFUSALS))


@pytest.mark.fault("F27")
@token_refusals
def test_a_refused_token_request_fails_at_once_and_is_not_repeated(
    campaign: Campaign, answer: Answer, error: type[AtlasError]
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(TOKEN, answer, times=None)
    for _ in range(5):
        campaign.refused(error, job, checker)
    assert campaign.naps == []
    assert campaign.count(TOKEN) == 1
    assert campaign.count(ATLAS) == 0

    campaign.heal()
    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F27")
def test_a_limit_of_the_token_endpoint_lasts_as_long_as_atlas_asks(campaign: Campaign) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(TOKEN, too_many_requests({"Retry-After": "45"}))
    campaign.refused(AtlasRateLimitError, job, checker)
    campaign.pass_time(35)
    error = campaign.refused(AtlasRateLimitError, job, checker)
    assert error.retry_after_seconds is not None
    assert error.retry_after_seconds <= 10

    campaign.pass_time(10)
    assert campaign.recheck(job, checker) == UNCHANGED
    assert campaign.count(TOKEN) == 2
    assert campaign.naps == []


@pytest.mark.fault("F26", "F27")
@cases("status", [400, 401])
def test_a_refused_token_request_does_not_change_the_remembered_kind(
    campaign: Campaign, status: int
) -> None:
    job, checker = campaign.job("dedicated"), campaign.environment()
    named = target(job)
    campaign.check(named, checker)
    campaign.pass_time(LIFETIME)
    campaign.inject(TOKEN, oauth_error(status, "invalid_client", "No."), times=None)
    campaign.stack.forget_calls()
    campaign.refused(AtlasUnauthorizedError, named, checker)
    # It was read once because of its age, and once because it may have been rotated.
    assert campaign.calls() == ["secret", "token", "secret", "recall"]

    campaign.heal()
    campaign.pass_time(SETTLED_AFTER)
    campaign.stack.forget_calls()
    assert not campaign.check(named, checker).changed
    assert campaign.calls() == ["token", "dedicated", "record"]


@pytest.mark.fault("F27", "F54")
@cases(
    ("fault", "requests"),
    [
        (TOKEN_REFUSALS["429"][0], 1),
        (TOKEN_REFUSALS["too-many-tokens"][0], 1),
        (TOKEN_REFUSALS["html"][0], 1),
        (Close(), 1),
        (Answer(502), ATTEMPTS),
    ],
    ids=["429", "too-many-tokens", "html", "closed", "502"],
)
def test_a_valid_token_is_used_even_if_its_renewal_fails(
    campaign: Campaign, fault: Action, requests: int
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.pass_time(RENEWAL_AGE + 1)
    campaign.inject(TOKEN, fault, times=None)
    campaign.stack.forget_calls()
    for _ in range(3):
        assert campaign.recheck(job, checker) == UNCHANGED

    assert campaign.count(TOKEN) == requests


@pytest.mark.fault("F27")
@cases(
    "answer",
    [TOKEN_REFUSALS["429"][0], TOKEN_REFUSALS["too-many-tokens"][0]],
    ids=["429", "too-many-tokens"],
)
def test_a_token_that_other_projects_accept_is_kept_after_a_refused_replacement(
    campaign: Campaign, answer: Answer
) -> None:
    ours, theirs = campaign.job(), campaign.job()
    checker = campaign.environment()
    campaign.check(ours, checker)
    with campaign.inject(TOKEN, answer, times=None), campaign.inject(ATLAS, MISSING_ROLE):
        with pytest.raises(AtlasError):
            campaign.check(theirs, checker)

        ours.run_to_end()
        campaign.check(ours, checker)
    assert campaign.published(ours) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F27")
def test_a_delayed_token_is_used(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.inject(TOKEN, Delay(0.1))
    campaign.check(job)

    assert campaign.count(TOKEN) == 1
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F27")
@cases("says", [None, 0, 5, 3600], ids=["nothing", "zero", "five-seconds", "an-hour"])
def test_a_token_is_used_for_fifty_minutes_with_any_value_of_expires_in(
    campaign: Campaign, says: int | None
) -> None:
    campaign.atlas.behaviour.expires_in = says
    job, checker = campaign.recorded_job(), campaign.environment()
    for _ in range(10):
        assert campaign.recheck(job, checker) == UNCHANGED
        campaign.pass_time(RENEWAL_AGE / 10)
    assert campaign.count(TOKEN) == 1

    campaign.check(job, checker)
    assert campaign.count(TOKEN) == 2
