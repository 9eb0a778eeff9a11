"""
The table of sent notices: one item for each subject and channel, with the last `sequence`.

Before sending, an invocation claims the item; afterwards it notes the notice as sent. Each is a
conditional update, so nothing has to be read, and `sequence` never decreases. Of two invocations
with messages about the same subject, the second fails, and is tried again later, when it sees the
note of the first. The claim of an invocation that was killed expires.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.retention import RETENTION
from notify_people.channels.channel import Channel
from notify_people.errors import SendingElsewhereError, SentTableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLAIM_TIME = 60.0
"""Seconds for which a claim keeps others from sending: longer than a channel may take."""

_CLAIM = "SET #claimedBy = :claimedBy, #claimedUntil = :claimedUntil, #expiresAt = :expiresAt"
_NEWER = "(attribute_not_exists(#sequence) OR #sequence < :sequence)"
# A claim that ends after any claim made now comes from a clock that is ahead.
_FREE = (
    "(attribute_not_exists(#claimedUntil) OR #claimedUntil < :now OR #claimedUntil > :latest "
    "OR #claimedBy = :claimedBy)"
)
_RELEASE = "REMOVE #claimedBy, #claimedUntil"
_NOTE = f"SET #sequence = :sequence, #sentAt = :now, #expiresAt = :expiresAt {_RELEASE}"
_MINE = "#claimedBy = :claimedBy"


@dataclass(frozen=True)
class SentTable:
    """The table. Each method raises SentTableError. `now` gives Unix seconds."""

    client: "DynamoDBClient"
    name: str
    now: Callable[[], float] = time.time

    def claim(
        self, subject: str, channel: Channel, sequence: int, claim: str, deadline: Deadline
    ) -> int | None:
        """
        Claim a new notice, until note or release. For any other, return the last `sequence` sent.

        Whoever holds the `claim` may claim a newer notice about the subject too. Raises
        SendingElsewhereError if another invocation has claimed the item.
        """
        now = self.now()
        values = _values(sequence, now) | {
            ":claimedBy": claim,
            ":claimedUntil": now + CLAIM_TIME,
            ":latest": now + 2 * CLAIM_TIME,
        }
        item = self._update(subject, channel, _CLAIM, f"{_NEWER} AND {_FREE}", values, deadline)
        if item is None:
            return None
        sent = int(item["sequence"]["N"]) if "sequence" in item else None
        if sent is None or sent < sequence:
            msg = f"{channel}: another invocation is sending a notice about {subject}"
            raise SendingElsewhereError(msg)
        return sent

    def note(self, subject: str, channel: Channel, sequence: int, deadline: Deadline) -> None:
        """Note that this was sent. If a newer `sequence` is noted already, that stays."""
        self._update(subject, channel, _NOTE, _NEWER, _values(sequence, self.now()), deadline)

    def release(self, subject: str, channel: Channel, claim: str, deadline: Deadline) -> None:
        """Give the claim back, so that the next try does not wait until it expires."""
        self._update(subject, channel, _RELEASE, _MINE, {":claimedBy": claim}, deadline)

    def _update(
        self,
        subject: str,
        channel: Channel,
        update: str,
        condition: str,
        values: Mapping[str, str | float],
        deadline: Deadline,
    ) -> Mapping[str, Any] | None:
        """Return None. If the condition does not hold, return the item."""
        names = re.findall(r"#(\w+)", update + condition)
        try:
            aws_call(
                deadline,
                "write what was sent",
                self.client.update_item,
                "ResponseMetadata",
                TableName=self.name,
                Key={"subject": {"S": subject}, "channel": {"S": channel}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues={
                    name: {"S": value} if isinstance(value, str) else {"N": str(value)}
                    for name, value in values.items()
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AwsCallError as error:
            if error.code != "ConditionalCheckFailedException":
                raise SentTableError(f"the table of what was sent: DynamoDB {error}") from None
            return dict(error.answer.get("Item", {}))
        return None


def _values(sequence: int, now: float) -> dict[str, str | float]:
    return {":sequence": sequence, ":now": now, ":expiresAt": int(now + RETENTION.total_seconds())}
