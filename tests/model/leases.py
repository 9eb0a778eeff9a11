"""
The lease of sweeps, read from the wire: who took it, who gave it back, who works without it.

The rules are written here a second time, because a judge must not ask the accused.
"""

import json
import re
import threading
from datetime import datetime
from typing import Any

from local_stack.connections import Connections
from local_stack.steps import EVENTS
from local_stack.wire import Call, Phase
from model.example import Example

LONGEST = 200.0
"""Seconds: a lease that is valid for longer counts as none."""

AHEAD = 600.0
"""Seconds by which a moment may lie in the future and be believed."""


class LeaseLog:
    """What happened to the lease. Every write that takes effect is judged at once."""

    def __init__(self, example: Example) -> None:
        self._example = example
        self._lock = threading.Lock()
        self._holder: tuple[str, float] | None = None
        self._last_tick = ""
        self._swept: set[str] = set()
        self._broken: list[str] = []
        wires = example.world.aws.wire, example.world.atlas.wire
        self._listeners = [wire.listen(self._heard) for wire in wires]

    def close(self) -> None:
        for one in self._listeners:
            one.remove()

    def judge(self) -> None:
        assert not self._broken, self._broken

    def _heard(self, call: Call, phase: Phase) -> None:
        by = next((one for one in self._example.by if one.made(call)), None)
        if by is None:
            return
        with self._lock:
            if call.operation == "Query" and phase == "before" and by.key_id not in self._swept:
                self._broken.append("F65: a sweep reads the index without the lease")
            if EVENTS.covers(call) and "scheduledTime" not in self._example.doing[by.key_id]:
                self._broken.append("F103: a sweep without a tick asks for events")
            is_lease = call.operation == "UpdateItem" and b'"lease"' in call.body
            if is_lease and phase == "after" and call.status == 200:
                said = json.loads(call.body)
                given = said.get("ExpressionAttributeValues", {})
                values = {name: _plain(value) for name, value in given.items()}
                # The first value of the condition: a sweep takes a lease that is not valid now,
                # and gives back the lease of its own name.
                first = re.search(r"(?:BETWEEN|=) (:\w+)", said["ConditionExpression"])
                if first and ":validUntil" in values:
                    self._take(by, values[first[1]], values)
                elif first and ":waitingUntil" not in values:
                    self._give_back(by, values[first[1]])

    def _take(self, by: Connections, now: float, values: dict[str, Any]) -> None:
        until, tick = values[":validUntil"], values.get(":lastTick", "")
        if self._holder is not None and now <= self._holder[1] <= now + LONGEST:
            self._broken.append("F65: two sweeps had the lease at once")
        if tick and self._last_tick and tick <= self._last_tick:
            # A tick that lies far ahead is not believed: the clock was set back.
            ahead = datetime.fromisoformat(self._last_tick).timestamp() - now
            if ahead < AHEAD:
                self._broken.append("F84: a tick was swept twice")
        self._last_tick = max(tick, self._last_tick)
        self._holder = values[":owner"], until
        self._swept.add(by.key_id)

    def _give_back(self, by: Connections, owner: str) -> None:
        if self._holder is None or self._holder[0] != owner:
            self._broken.append("F80: a sweep gave back a lease that it did not hold")
        self._holder = None
        self._swept.discard(by.key_id)


def _plain(value: dict[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    return float(inner) if kind == "N" else inner
