"""When the secret with the credentials is read again, and what is said if AWS refuses it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.aws.atlas_secret import AtlasSecret
from restore_watch.errors import CredentialsError
from unit.scripted_atlas import Clock
from unit.stubbed_aws import Refusal, secrets_manager


def test_a_secret_of_another_region_is_named_if_aws_refuses_it(clock: Clock) -> None:
    """The client is in eu-central-1. What AWS answers for such an ARN is not documented."""

    def said(region: str, code: str, status: int = 400) -> str:
        def refuse(_: Mapping[str, Any]) -> Mapping[str, Any]:
            raise Refusal(code, ResponseMetadata={"HTTPStatusCode": status})

        arn = f"arn:aws:secretsmanager:{region}:123456789012:secret:atlas-a1b2c3"
        with pytest.raises(CredentialsError) as refused:
            AtlasSecret(secrets_manager(refuse), arn, now=clock).credentials(clock.deadline())
        return str(refused.value).partition("Secrets Manager answered ")[2]

    elsewhere = "; by its ARN, the secret is in eu-west-1, and the stack in eu-central-1"
    for code in ("AccessDeniedException", "ResourceNotFoundException", "SomethingNew"):
        assert said("eu-west-1", code) == f"{code}{elsewhere}"
    assert said("eu-west-1", "InternalServiceError", 500) == "InternalServiceError"
    assert said("eu-central-1", "AccessDeniedException").endswith("; give the full ARN or the name")


# When it is read


class StoredSecret:
    """The secret in Secrets Manager, which counts how often it is read. Without one, AWS fails."""

    def __init__(self, clock: Clock) -> None:
        self.stored: str | None = "first"
        self.reads = 0
        self._clock = clock
        self._cached = AtlasSecret(secrets_manager(self._answer), "atlas/credentials", now=clock)

    def _answer(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert parameters == {"SecretId": "atlas/credentials"}
        self.reads += 1
        if self.stored is None:
            raise Refusal("InternalServiceError")
        text = json.dumps({"client_id": "mdb_sa_id_1", "client_secret": self.stored})
        return {"ARN": "arn", "SecretString": text}

    def get(self, *, refused: bool = False) -> str:
        """Return the client secret. Atlas may have refused the one that was stored first."""
        credentials = self._cached.credentials(
            self._clock.deadline(),
            refused=ServiceAccount("mdb_sa_id_1", "first") if refused else None,
        )
        assert isinstance(credentials, ServiceAccount)
        return credentials.client_secret


@pytest.fixture
def secret(clock: Clock) -> StoredSecret:
    return StoredSecret(clock)


class Look(NamedTuple):
    """A look at the secret some seconds after the first, and what comes of it."""

    seconds: float
    stored: str | None
    got: str | None
    reads: int
    refused: bool = False


LOOKS: dict[str, Sequence[Look]] = {
    "used for four minutes": [Look(239, "second", "first", 1), Look(240, "second", "second", 2)],
    "used for five minutes when it cannot be renewed": [
        Look(240, None, "first", 2),
        Look(259, None, "first", 2),
        Look(260, None, "first", 3),
        Look(300, None, None, 4),
    ],
    "a clock that is set back after a failed renewal": [
        Look(260, None, "first", 2),
        Look(250, "second", "second", 3),
    ],
    "refusals within a minute": [
        Look(0, "first", "first", 2, refused=True),
        Look(59.9, "second", "first", 2, refused=True),
        Look(60, "second", "second", 3, refused=True),
    ],
    "a refusal of what was renewed": [
        Look(0, "second", "second", 2, refused=True),
        Look(0, "second", "second", 2, refused=True),
    ],
    "a refusal while it cannot be read": [
        Look(0, None, "first", 2, refused=True),
        Look(59.9, None, "first", 2, refused=True),
    ],
    "a refusal after the clock is set back": [
        Look(0, "first", "first", 2, refused=True),
        Look(-3600, "first", "first", 3),
        Look(-3600, "first", "first", 4, refused=True),
    ],
}


@pytest.mark.parametrize("looks", LOOKS.values(), ids=LOOKS)
def test_a_cached_value_is_used_until_it_is_old_or_refused(
    secret: StoredSecret, clock: Clock, looks: Sequence[Look]
) -> None:
    secret.get()
    begun = clock.now

    for look in looks:
        clock.now, secret.stored = begun + look.seconds, look.stored
        if look.got is None:
            with pytest.raises(CredentialsError, match="InternalServiceError"):
                secret.get()
        else:
            assert secret.get(refused=look.refused) == look.got
        assert secret.reads == look.reads
