"""Changes that are pending while Atlas gives no answer: F55."""

import pytest

from foundation.errors import TimeBudgetExceededError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.refusal import atlas_error, oauth_error
from local_stack.wire import Action, Answer, Close, Hang, Selection
from reliability.campaign import Campaign, Stored, ends_within, rewrite, target
from reliability.steps import (
    ATLAS,
    DEDICATED,
    LONG_AGO,
    MISSING_ROLE,
    PUBLISH,
    RECALL,
    SECRET,
    TOKEN,
    UNKNOWN_JOB,
    too_many_requests,
)
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    NotificationPendingError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.restore_job import RestoreKind

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

ATLAS_GONE: dict[str, tuple[Selection, Action, type[RestoreWatchError]]] = {
    "404": (
        ATLAS,
        atlas_error(404, "CLUSTER_NOT_FOUND", "There is no such cluster."),
        RestoreJobNotFoundError,
    ),
    "401": (ATLAS, MISSING_ROLE, AtlasUnauthorizedError),
    "403": (
        ATLAS,
        atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "No.", ["203.0.113.7"]),
        AtlasForbiddenError,
    ),
    "429": (ATLAS, too_many_requests({"Retry-After": "60"}), AtlasRateLimitError),
    "503": (ATLAS, Answer(503), AtlasUnavailableError),
    "closed": (ATLAS, Close(), AtlasUnavailableError),
    "token-refused": (
        TOKEN,
        oauth_error(401, "invalid_client", "The account was deleted."),
        AtlasUnauthorizedError,
    ),
    "token-closed": (TOKEN, Close(), AtlasUnavailableError),
    "secret-denied": (
        SECRET,
        aws_error("secretsmanager", "AccessDeniedException"),
        CredentialsError,
    ),
}
atlas_is_gone = cases(("step", "fault", "error"), list(ATLAS_GONE.values()), ids=list(ATLAS_GONE))


def pending_job(campaign: Campaign) -> EmulatedRestore:
    """A restore whose end is recorded, but SNS refused its message."""
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    campaign.inject(PUBLISH, Answer(400))
    campaign.refused(NotificationPendingError, job)
    campaign.pass_time(120)
    campaign.stack.forget_calls()
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)
    return job


@pytest.mark.fault("F55")
@atlas_is_gone
def test_a_pending_change_is_published_before_the_error_is_raised(
    campaign: Campaign, step: Selection, fault: Action, error: type[RestoreWatchError]
) -> None:
    job = pending_job(campaign)
    campaign.inject(step, fault, times=None)
    campaign.refused(error, target(job, RestoreKind.FLEX))
    assert campaign.calls()[-3:] == ["recall", "publish", "acknowledge"]
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    item = campaign.item(job) or {}
    assert "openShard" not in item
    assert "expiresAt" in item

    campaign.refused(error, target(job, RestoreKind.FLEX))
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]

    campaign.heal()
    assert not campaign.check(job).changed
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F55")
@cases("name", ["404", "401", "503", "secret-denied"])
def test_the_change_stays_pending_while_sns_and_atlas_both_refuse(
    campaign: Campaign, name: str
) -> None:
    step, fault, error = ATLAS_GONE[name]
    job = pending_job(campaign)
    campaign.inject(step, fault, times=None)
    with campaign.inject(PUBLISH, aws_error("sns", "AuthorizationError", status=403), times=None):
        for _ in range(2):
            pending = campaign.refused(NotificationPendingError, target(job, RestoreKind.FLEX))
            assert isinstance(pending.__cause__, error)
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)

    campaign.refused(error, target(job, RestoreKind.FLEX))
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F55")
def test_the_error_of_atlas_is_raised_while_the_table_fails_too(campaign: Campaign) -> None:
    job = pending_job(campaign)
    campaign.inject(ATLAS, MISSING_ROLE, times=None)
    with campaign.inject(RECALL, aws_error("dynamodb", "InternalServerError", status=500)):
        error = campaign.refused(AtlasUnauthorizedError, job)
    assert ["InternalServerError" in note for note in error.__notes__] == [True]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)

    campaign.refused(AtlasUnauthorizedError, job)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F55")
def test_deleting_a_cluster_does_not_lose_a_pending_change_in_the_real_runtime(
    campaign: Campaign,
) -> None:
    job = pending_job(campaign)
    campaign.inject(ATLAS, ATLAS_GONE["404"][1], times=None)
    campaign.inject(DEDICATED, ATLAS_GONE["404"][1], times=None)

    assert campaign.invoke(job).error_type == "RestoreJobNotFoundError"
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F36", "F55")
def test_pending_changes_are_published_in_time_when_atlas_does_not_answer(
    campaign: Campaign,
) -> None:
    job, checker = pending_job(campaign), campaign.environment()
    campaign.inject(ATLAS, Hang(5.0))
    with ends_within(4.5):
        campaign.refused(AtlasUnavailableError, job, checker, seconds=4.5)

    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F44", "F55")
def test_a_pending_change_is_published_even_with_too_little_time_to_ask_atlas(
    campaign: Campaign,
) -> None:
    job = pending_job(campaign)
    campaign.refused(TimeBudgetExceededError, job, seconds=1.45)

    assert campaign.calls() == ["recall", "publish", "acknowledge"]
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F19", "F55")
def test_an_error_for_a_job_that_is_not_stored_costs_one_update_that_writes_nothing(
    campaign: Campaign,
) -> None:
    job = campaign.job(restore_id=LONG_AGO)
    campaign.inject(ATLAS, UNKNOWN_JOB, times=None)
    campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))

    assert campaign.calls() == ["secret", "token", "flex", "recall"]
    assert campaign.item(job) is None


@pytest.mark.fault("F51", "F55")
def test_an_unreadable_item_does_not_hide_the_error_of_atlas(
    campaign: Campaign,
) -> None:
    job = pending_job(campaign)
    rewrite(campaign, job, "SET #kind = :kind", kind={"S": "of a newer version"})
    with campaign.inject(ATLAS, MISSING_ROLE, times=None):
        campaign.refused(AtlasUnauthorizedError, job)
    assert campaign.count(PUBLISH) == 0

    rewrite(campaign, job, "SET #kind = :kind", kind={"S": "flex"})
    campaign.check(job)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
