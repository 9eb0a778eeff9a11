"""Why an error leaves a restore unmeasured, and which of it a later try may change."""

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.measurement import Outcome, WhyNotMeasured


def flex(code: str) -> AtlasBadRequestError:
    return AtlasBadRequestError("no", AtlasReason(400, code))


def not_found(code: str) -> RestoreJobNotFoundError:
    return RestoreJobNotFoundError("no", AtlasReason(404, code))


CASES: list[tuple[ApplicationError, WhyNotMeasured, bool]] = [
    (not_found("CLUSTER_NOT_FOUND"), WhyNotMeasured.GONE, False),
    # A role in the project may be missing.
    (not_found("GROUP_NOT_FOUND"), WhyNotMeasured.NOT_FOUND, True),
    (not_found("HOST_NOT_FOUND"), WhyNotMeasured.NOT_FOUND, True),
    (flex("CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"), WhyNotMeasured.FLEX, False),
    (flex("FEATURE_UNSUPPORTED"), WhyNotMeasured.FLEX, False),
    (flex("ANOTHER"), WhyNotMeasured.ODD, True),
    (AtlasUnauthorizedError("no"), WhyNotMeasured.REFUSED, True),
    (AtlasForbiddenError("no"), WhyNotMeasured.REFUSED, True),
    (AtlasRateLimitError("no"), WhyNotMeasured.LIMITED, True),
    (AtlasUnavailableError("no"), WhyNotMeasured.SILENT, True),
    (EndpointRetiredError("no"), WhyNotMeasured.ODD, True),
    (UnexpectedAtlasResponseError("no"), WhyNotMeasured.ODD, True),
    (TimeBudgetExceededError("no"), WhyNotMeasured.LATE, True),
    (CredentialsError("no"), WhyNotMeasured.NO_CREDENTIALS, True),
]


@pytest.mark.parametrize(
    ("error", "why", "may_pass"),
    CASES,
    ids=[f"{type(one).__name__}-{why.name}" for one, why, _ in CASES],
)
def test_an_error_says_why_and_whether_a_later_try_may_measure(
    error: ApplicationError, why: WhyNotMeasured, *, may_pass: bool
) -> None:
    measurement = UnmeasuredError.because_of(error).measurement

    assert (measurement.outcome, measurement.why) == (Outcome.NOT_MEASURED, why)
    assert measurement.may_pass is may_pass
    assert measurement.error == type(error).__name__


def test_the_text_of_a_refusal_is_not_kept_but_its_code_is() -> None:
    reason = AtlasReason(404, "RESOURCE_NOT_FOUND", "There is no sales.secret_orders.")
    error = RestoreJobNotFoundError("Atlas: There is no sales.secret_orders.", reason)

    measurement = UnmeasuredError.because_of(error).measurement

    assert measurement.error_code == "RESOURCE_NOT_FOUND"
    assert "secret_orders" not in str(measurement.as_json())
