"""When the secret is read, and when its cached value is used."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.aws.secrets_manager import (
    MAX_AGE,
    REFUSAL_PAUSE,
    RENEWAL_AGE,
    RENEWAL_PAUSE,
    AtlasSecret,
)
from restore_watch.errors import CredentialsError
from unit.scripted_atlas import Clock
from unit.stubbed_aws import Refusal, secrets_manager


class StoredSecret:
    """The secret in Secrets Manager, which counts how often it is read."""

    def __init__(self, clock: Clock) -> None:
        self.client_secret = "first"
        self.refusal: Refusal | None = None
        self.reads = 0
        self._clock = clock
        self._cached = AtlasSecret(secrets_manager(self._answer), "atlas/credentials", now=clock)

    def _answer(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert parameters == {"SecretId": "atlas/credentials"}
        self.reads += 1
        if self.refusal:
            raise self.refusal
        text = json.dumps({"client_id": "mdb_sa_id_1", "client_secret": self.client_secret})
        return {"ARN": "arn", "SecretString": text}

    def get(self, *, refused: str | None = None, seconds: float = 60.0) -> str:
        """Return the client secret of the credentials."""
        credentials = self._cached.credentials(
            self._clock.deadline(seconds),
            refused=ServiceAccount("mdb_sa_id_1", refused) if refused else None,
        )
        assert isinstance(credentials, ServiceAccount)
        return credentials.client_secret


@pytest.fixture
def secret(clock: Clock) -> StoredSecret:
    return StoredSecret(clock)


def test_a_cached_value_is_used_for_four_minutes(secret: StoredSecret, clock: Clock) -> None:
    secret.get()
    secret.client_secret = "second"

    clock.now += RENEWAL_AGE - 1
    assert (secret.get(), secret.reads) == ("first", 1)

    clock.now += 1
    assert (secret.get(), secret.reads) == ("second", 2)


FAILURES = {
    "refused": Refusal("AccessDeniedException"),
    "missing": Refusal("ResourceNotFoundException"),
    "unavailable": Refusal("InternalServiceError"),
}


@pytest.mark.parametrize("refusal", FAILURES.values(), ids=FAILURES)
def test_a_secret_that_cannot_be_read_is_reported(secret: StoredSecret, refusal: Refusal) -> None:
    secret.refusal = refusal

    with pytest.raises(CredentialsError, match=refusal.code):
        secret.get()


def test_a_cached_value_is_used_for_five_minutes_when_it_cannot_be_renewed(
    secret: StoredSecret, clock: Clock
) -> None:
    secret.get()
    secret.refusal = Refusal("AccessDeniedException")

    clock.now += RENEWAL_AGE
    assert (secret.get(), secret.reads) == ("first", 2)

    clock.now += RENEWAL_PAUSE - 1
    assert (secret.get(), secret.reads) == ("first", 2)

    clock.now += 1
    assert (secret.get(), secret.reads) == ("first", 3)

    clock.now += MAX_AGE - RENEWAL_AGE - RENEWAL_PAUSE
    with pytest.raises(CredentialsError):
        secret.get()


def test_a_cached_value_is_used_when_too_little_time_is_left_to_renew_it(
    secret: StoredSecret, clock: Clock
) -> None:
    with pytest.raises(TimeBudgetExceededError):
        secret.get(seconds=0.5)

    secret.get()
    clock.now += RENEWAL_AGE

    assert (secret.get(seconds=0.5), secret.reads) == ("first", 1)


def test_a_value_is_read_again_after_the_clock_steps_back(
    secret: StoredSecret, clock: Clock
) -> None:
    secret.get()

    clock.now -= 3600

    secret.get()
    assert secret.reads == 2


def test_a_hundred_refusals_within_a_minute_cost_one_read(
    secret: StoredSecret, clock: Clock
) -> None:
    secret.get()
    begun = clock.now

    for n in range(100):
        clock.now = begun + n * REFUSAL_PAUSE / 100
        assert secret.get(refused="first") == "first"
    assert secret.reads == 2

    clock.now = begun + REFUSAL_PAUSE
    secret.client_secret = "second"
    assert (secret.get(refused="first"), secret.reads) == ("second", 3)


def test_a_refusal_of_an_already_renewed_value_costs_no_read(
    secret: StoredSecret,
) -> None:
    secret.get()
    secret.client_secret = "second"
    secret.get(refused="first")

    assert (secret.get(refused="first"), secret.reads) == ("second", 2)


def test_a_refused_value_is_returned_when_the_secret_cannot_be_read(
    secret: StoredSecret,
) -> None:
    secret.get()
    secret.refusal = Refusal("InternalServiceError")

    assert (secret.get(refused="first"), secret.reads) == ("first", 2)


def test_a_refused_value_is_read_again_after_the_clock_steps_back(
    secret: StoredSecret, clock: Clock
) -> None:
    secret.get()
    secret.get(refused="first")

    clock.now -= 3600
    secret.get()

    assert secret.get(refused="first") == "first"
    assert secret.reads == 4
