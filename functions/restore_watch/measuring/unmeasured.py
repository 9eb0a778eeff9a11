"""Why an error leaves a restore unmeasured. Pure."""

from typing import Self

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    RestoreJobNotFoundError,
)
from restore_watch.model.measurement import Measurement, WhyNotMeasured, not_measured

_BY_CODE: dict[str | None, WhyNotMeasured] = {
    "CLUSTER_NOT_FOUND": WhyNotMeasured.GONE,
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API": WhyNotMeasured.FLEX,
    "FEATURE_UNSUPPORTED": WhyNotMeasured.FLEX,
}
"""Atlas's codes that no later try changes."""


class UnmeasuredError(Exception):
    """A restore cannot be measured now: `why`, and the `error` that prevents it, if any."""

    def __init__(self, why: WhyNotMeasured, error: ApplicationError | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.error = error

    @classmethod
    def because_of(cls, error: ApplicationError) -> Self:
        """Return the same for an error that a question to Atlas has raised."""
        return cls(_why(error), error)

    @property
    def measurement(self) -> Measurement:
        """The measurement that says so. The text of the error may name a collection: not kept."""
        if self.error is None:
            return not_measured(self.why)
        code = self.error.error_code if isinstance(self.error, AtlasError) else None
        return not_measured(self.why, type(self.error).__name__, code)


_BY_ERROR: dict[type[ApplicationError], WhyNotMeasured] = {
    AtlasUnauthorizedError: WhyNotMeasured.REFUSED,
    AtlasForbiddenError: WhyNotMeasured.REFUSED,
    RestoreJobNotFoundError: WhyNotMeasured.NOT_FOUND,
    AtlasRateLimitError: WhyNotMeasured.LIMITED,
    AtlasUnavailableError: WhyNotMeasured.SILENT,
    TimeBudgetExceededError: WhyNotMeasured.LATE,
    CredentialsError: WhyNotMeasured.NO_CREDENTIALS,
}


def _why(error: ApplicationError) -> WhyNotMeasured:
    if isinstance(error, AtlasError) and error.error_code in _BY_CODE:
        return _BY_CODE[error.error_code]
    return _BY_ERROR.get(type(error), WhyNotMeasured.ODD)
