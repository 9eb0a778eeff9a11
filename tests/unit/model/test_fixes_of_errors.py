"""The advice for an error, of a project or of the whole stack."""

from datetime import timedelta

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasReason,
    AtlasUnauthorizedError,
    EndpointRetiredError,
)
from restore_watch.model.credentials_expiry import ExpiringSecret
from restore_watch.model.fixes_of_errors import fix_named, fix_of, fix_of_expiry
from unit.open_jobs import NOON

ADDRESS = AtlasForbiddenError("refused", AtlasReason(403, address="203.0.113.7"))
NEWEST = "Install the newest version of the stack. If that does not help, report it with this text."


@pytest.mark.parametrize(
    ("error", "of_project", "of_stack"),
    [
        (
            AtlasUnauthorizedError("refused"),
            "Give the service account or API key the role",
            "Renew the credentials in the stack's secret",
        ),
        (ADDRESS, "Add 203.0.113.7 to the API access list", "Add 203.0.113.7 to the API"),
        (TimeBudgetExceededError("late"), "Raise MemorySize", "Raise MemorySize"),
        (EndpointRetiredError("gone"), NEWEST, NEWEST),
    ],
    ids=["credentials", "an address", "no time", "any other"],
)
def test_the_credentials_are_renewed_for_the_stack_and_need_a_role_in_a_project(
    error: ApplicationError, of_project: str, of_stack: str
) -> None:
    assert fix_of(error).startswith(of_project)
    assert fix_of(error, of_stack=True).startswith(of_stack)


def test_the_name_of_an_error_is_that_of_a_project_unless_it_is_said() -> None:
    assert fix_named("AtlasUnauthorizedError").startswith("Give the service account")


NEW_SECRET = "In Atlas, make a new secret for the service account mdb_sa_id_1, and store it in the"
BY_ITSELF = "The stack reads it by itself; without it, no restore is seen from then on."
EARLIEST = "Atlas does not show which secret the stack uses: this is the earliest known date."


@pytest.mark.parametrize(
    ("days", "is_certain", "advice"),
    [
        (5, True, f"{NEW_SECRET} stack's secret before 2026-05-09. {BY_ITSELF}"),
        (5, False, f"{NEW_SECRET} stack's secret before 2026-05-09. {EARLIEST}"),
        (0, True, f"{NEW_SECRET} stack's secret now. {BY_ITSELF}"),
    ],
    ids=["certain", "not certain", "it expires at this moment"],
)
def test_a_secret_is_renewed_before_it_expires_or_now(
    days: int, *, is_certain: bool, advice: str
) -> None:
    secret = ExpiringSecret(
        client_id="mdb_sa_id_1", expires_at=NOON + timedelta(days=days), is_certain=is_certain
    )

    assert fix_of_expiry(secret, NOON) == advice
