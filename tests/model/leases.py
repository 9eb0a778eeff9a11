"""
The leases of sweeps, read from the wire: who took one, who gave it back, who works without it.

And whose projects a sweep asks about: only its own worker's.

The rules are written here a second time, because a judge must not ask the accused.
"""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from local_stack.connections import Connections
from local_stack.steps import EVENTS, QUESTION, SERVICE_ACCOUNT
from local_stack.wire import Call, Phase
from model.example import Example

LONGEST = 200.0
"""Seconds: a lease that is valid for longer counts as none."""

AHEAD = 600.0
"""Seconds by which a moment may lie in the future and be believed."""


@dataclass
class _Lease:
    """Who holds it until when, and the last tick."""

    holder: tuple[str, float] | None = None
    last_tick: str = ""


class LeaseLog:
    """What happened to each worker's lease. Every write that takes effect is judged at once."""

    def __init__(self, example: Example) -> None:
        self._example = example
        self._lock = threading.Lock()
        self._leases = defaultdict[str, _Lease](_Lease)
        self._swept: set[str] = set()
        self._broken: list[str] = []
        wires = example.world.aws.wire, example.world.atlas.wire
        self._listeners = [wire.listen(self._heard) for wire in wires]

    def close(self) -> None:
        for one in self._listeners:
            one.remove()

    def judge(self) -> None:
        assert not self._broken, self._broken[0]

    def _heard(self, call: Call, phase: Phase) -> None:
        by = next((one for one in self._example.by if one.made(call)), None)
        if by is None:
            return
        with self._lock:
            if call.operation == "Query" and phase == "before" and by.key_id not in self._swept:
                self._broken.append("F65: a sweep reads the index without the lease")
            if EVENTS.covers(call) and "scheduledTime" not in self._example.doing[by.key_id][0]:
                self._broken.append("F103: a sweep without a tick asks for events")
            if QUESTION.covers(call) and not SERVICE_ACCOUNT.covers(call):
                self._judge_question(by, call.path.partition("/groups/")[2].partition("/")[0])
            is_lease = call.operation == "UpdateItem" and b'"lease' in call.body
            if is_lease and phase == "after" and call.status == 200:
                update = json.loads(call.body)
                lease = self._leases[update["Key"]["restoreId"]["S"]]
                values = update.get("ExpressionAttributeValues", {})
                if ":validUntil" in values:
                    self._take(lease, by, {name: _plain(value) for name, value in values.items()})
                elif ":waitingUntil" not in values:
                    self._give_back(lease, by, _plain(values[":owner"]))

    def _judge_question(self, by: Connections, group: str) -> None:
        event, workers = self._example.doing[by.key_id]
        if group and event.get("action") == "sweep":
            share = crc32(group.encode()) >> 28
            if share * workers // 16 != event.get("worker", 0):
                self._broken.append(f"a worker of {workers} asks about another's project: {event}")

    def _take(self, lease: _Lease, by: Connections, values: dict[str, Any]) -> None:
        now, until, tick = values[":now"], values[":validUntil"], values.get(":lastTick", "")
        if lease.holder is not None and now <= lease.holder[1] <= now + LONGEST:
            self._broken.append("F65: two sweeps had the lease at once")
        if tick and lease.last_tick and tick <= lease.last_tick:
            # A tick that lies far ahead is not believed: the clock was set back.
            ahead = datetime.fromisoformat(lease.last_tick).timestamp() - now
            if ahead < AHEAD:
                self._broken.append("F84: a tick was swept twice")
        lease.last_tick = max(tick, lease.last_tick)
        lease.holder = values[":owner"], until
        self._swept.add(by.key_id)

    def _give_back(self, lease: _Lease, by: Connections, owner: str) -> None:
        if lease.holder is None or lease.holder[0] != owner:
            self._broken.append("F80: a sweep gave back a lease that it did not hold")
        lease.holder = None
        self._swept.discard(by.key_id)


def _plain(value: dict[str, str]) -> Any:
    ((kind, text),) = value.items()
    return float(text) if kind == "N" else text
