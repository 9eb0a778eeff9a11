"""What Atlas refuses, and what to do about it, more exactly than messages say it. Pure."""

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.atlas.families import API_STATUS, PROCESSES, Family
from restore_watch.diagnosis.line import Line, bad, unread, unsure
from restore_watch.diagnosis.role_diagnosis import fix_of_missing_role
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
)
from restore_watch.model.fixes_of_errors import fix_of

_OFF_THE_LIST = (
    "Free: in the settings of Atlas's organization, turn off Require IP Access List for the Atlas "
    "Administration API, and leave the list of the service account or API key empty. Otherwise "
    "add {} to that list. Outside a VPC the address changes: a fixed one costs a NAT gateway "
    "(SubnetIds, SecurityGroupIds). The project's network access list does not help"
)


def line_of_refusal(check: str, error: ApplicationError, family: Family) -> Line:
    """Return the line about a check that has ended with this error."""
    fix = atlas_fix(error, family)
    if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
        return unread(check, str(error), fix)
    return bad(check, str(error), fix)


def line_of_unmeasured(error: ApplicationError) -> Line:
    """
    Return the line about processes that were not read.

    It is never wrong: without them, restores of whole clusters are not measured, and nothing fails.
    """
    fix = atlas_fix(error, PROCESSES)
    if isinstance(error, AtlasUnauthorizedError):
        fix += ": that is enough to measure"
    if isinstance(error, (AtlasUnauthorizedError, AtlasForbiddenError)):
        return unsure(PROCESSES.name, f"whole clusters are not measured: {error}", fix)
    return unsure(PROCESSES.name, f"cannot be told: {error}", fix)


def atlas_fix(error: ApplicationError, family: Family) -> str:
    """Return the advice about an error of a question of this family."""
    match error:
        case AtlasUnauthorizedError() if family is API_STATUS:
            return (
                "In Atlas, make a new secret for the service account, or a new API key, and store "
                "it in the secret. Secrets of service accounts expire"
            )
        case AtlasUnauthorizedError():
            return fix_of_missing_role(family)
        case AtlasForbiddenError(reason=AtlasReason(address=str(address))):
            return _OFF_THE_LIST.format(address)
        case TimeBudgetExceededError():
            return "Diagnose again: there was too little time"
        case _:
            return fix_of(error)
