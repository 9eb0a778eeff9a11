"""
The lease of sweeps: one sweep works at a time, whatever AWS delivers twice or late.

It is an item of the table under a key that no job can have. It also remembers the last tick, so
that a tick that was delivered again, late or out of order is not swept again.
"""

import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from restore_watch.deadline import Deadline
from restore_watch.items import Items
from restore_watch.status_change import utc_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}
"""A job's partition key contains a slash."""

GRACE = 5.0
"""Seconds after the deadline of an invocation until which its lease is valid."""

PATIENCE = 10.0
"""Seconds for which a sweep tries again when another one holds the lease."""

PAUSE = 1.0
"""Seconds between two tries."""

_TAKE = "SET #owner = :owner, #validUntil = :validUntil"
_REMEMBER = ", #lastTick = :tick"
_IS_FREE = "(attribute_not_exists(#validUntil) OR #validUntil < :now)"
_IS_NEWER = " AND (attribute_not_exists(#lastTick) OR #lastTick < :tick)"
_GIVE_BACK = "REMOVE #owner, #validUntil"
_SUCCEEDED = "SET #succeededAt = :at "
_IS_OURS = "#owner = :owner"
_READ = "SET #lastTick = #lastTick"
_NEVER = "attribute_exists(#lastTick) AND attribute_not_exists(#lastTick)"


class SweepLease:
    """
    The lease. `now` gives Unix seconds; `sleep` takes seconds.

    Its methods raise TableUnavailableError when DynamoDB refuses or does not answer, and
    TimeBudgetExceededError when too little time is left to begin.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._items = Items(client, table_name)
        self._now = now
        self._sleep = sleep

    def take(self, tick: datetime | None, deadline: Deadline) -> str | None:
        """
        Return the new owner's name, or None: another sweep works, or the tick was swept already.

        The lease is valid until a little after the deadline. A sweep that dies does not give it
        back; it runs out.
        """
        owner = uuid4().hex
        for waited in range(int(PATIENCE / PAUSE) + 1):
            if waited:
                deadline.require(PAUSE, "wait for the sweep that has the lease")
                self._sleep(PAUSE)
            stored = self._try(owner, tick, deadline)
            if stored.get("owner", {}).get("S") == owner:
                return owner
            if tick and stored.get("lastTick", {}).get("S", "") >= utc_text(tick):
                return None
        return None

    def give_back(
        self, owner: str, deadline: Deadline, *, succeeded_at: datetime | None = None
    ) -> None:
        """
        Give the lease back, and store when the sweep has succeeded, if it has.

        One that has run out and was taken by another sweep stays.
        """
        at = {":at": utc_text(succeeded_at)} if succeeded_at else {}
        self._items.update(
            KEY,
            deadline,
            update=(_SUCCEEDED if at else "") + _GIVE_BACK,
            condition=_IS_OURS,
            values={":owner": owner, **at},
        )

    def last(self, deadline: Deadline) -> tuple[datetime | None, datetime | None]:
        """Return the newest tick that a sweep has begun, and when one last succeeded, in UTC."""
        stored = self._items.update(KEY, deadline, update=_READ, condition=_NEVER)
        texts = (stored.get(name, {}).get("S") for name in ("lastTick", "succeededAt"))
        tick, success = (datetime.fromisoformat(text) if text else None for text in texts)
        return tick, success

    def _try(self, owner: str, tick: datetime | None, deadline: Deadline) -> Any:
        now = self._now()
        values: dict[str, Any] = {
            ":owner": owner,
            ":now": math.floor(now),
            ":validUntil": math.ceil(now + deadline.remaining() + GRACE),
        }
        update, condition = _TAKE, _IS_FREE
        if tick:
            update, condition = update + _REMEMBER, condition + _IS_NEWER
            values[":tick"] = utc_text(tick)
        return self._items.update(KEY, deadline, update=update, condition=condition, values=values)
