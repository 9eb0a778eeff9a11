"""Secrets Manager → the credentials for Atlas."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from foundation.aws_call import AwsCallError, aws_call
from foundation.clock import is_recent
from foundation.deadline import Deadline
from foundation.renewable import Renewable
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.read_credentials import read_credentials
from restore_watch.errors import CredentialsError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

REFUSAL_PAUSE = 60.0
"""After a read because of a 401, no other 401 causes a read for this many seconds."""


class AtlasSecret(Renewable[Credentials]):
    """The secret with the credentials, read again after four minutes, or if Atlas refuses them."""

    renewal_age, max_age, pause = 240.0, 300.0, 20.0

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_id: str,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(now)
        self._get = partial(client.get_secret_value, SecretId=secret_id)
        self._elsewhere = secret_elsewhere(secret_id, client.meta.region_name)
        self._read_for_refusal_at = -math.inf

    def credentials(self, deadline: Deadline, *, refused: Credentials | None = None) -> Credentials:
        """
        Return the credentials. If Atlas `refused` the cached value, read the secret again first.

        The refused credentials are returned if the secret still holds them, or was read for a
        refusal in the last minute.
        """
        with self._lock:
            now = self._now()
            is_paused = is_recent(now - self._read_for_refusal_at, REFUSAL_PAUSE)
            is_refused = refused is not None and refused == self._value and not is_paused
            if is_refused:
                self._read_for_refusal_at = now
            return self.current(deadline, is_refused=is_refused)

    def _read(self, deadline: Deadline) -> Credentials:
        try:
            answer = aws_call(deadline, "read the secret", self._get, "ARN")
        except AwsCallError as error:
            msg = f"the secret ATLAS_SECRET_ID: Secrets Manager {error}"
            if self._elsewhere and error.is_lasting:
                msg += f"; {self._elsewhere}"
            # The answers to a partial ARN, if the role may read exactly one secret.
            elif error.code in {"AccessDeniedException", "ResourceNotFoundException"}:
                msg += "; give the full ARN or the name"
            raise CredentialsError(msg) from None
        return read_credentials(answer.get("SecretString"))


def secret_elsewhere(secret_id: str, region: str) -> str | None:
    """Say in which other region a secret is by its ARN. None if it is in this region, or a name."""
    parts = secret_id.split(":")
    if parts[0] != "arn":
        return None
    its_region = parts[3] if len(parts) > 3 else ""
    if its_region == region:
        return None
    return f"by its ARN, the secret is in {its_region}, and the stack in {region}"
