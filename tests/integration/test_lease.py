"""The lease of sweeps as several environments see it, with one clock, and ticks by their minute."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from integration.tables import NOON, Stored
from local_stack.aws import aws_error
from local_stack.wire import Fault
from restore_watch.table.lease import SweepLease

KEY = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}
MINUTE = timedelta(minutes=1)


class Leases:
    """The lease, its item, and a clock that moves when a sweep waits."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.now = NOON.timestamp()
        self.waited: list[float] = []
        self.while_waiting = list[Callable[[], object]]()
        self.stored.client.delete_item(**self._item)
        self.lease = SweepLease(
            stored.client, stored.stack.table_name, now=lambda: self.now, sleep=self._sleep
        )

    @property
    def _item(self) -> dict[str, Any]:
        return {"TableName": self.stored.stack.table_name, "Key": KEY}

    def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds
        if self.while_waiting:
            self.while_waiting.pop(0)()

    def _soon(self, seconds: float = 60.0) -> Deadline:
        return Deadline.after(seconds, lambda: self.now)

    @property
    def item(self) -> dict[str, Any]:
        item: dict[str, Any] = self.stored.client.get_item(**self._item).get("Item", {})
        return {name: value for name, value in item.items() if name not in KEY}

    def put(self, **values: Any) -> None:
        self.stored.client.put_item(TableName=self._item["TableName"], Item=KEY | values)

    def take(self, minute: float | None = None, seconds: float = 60.0) -> str | None:
        """Take the lease for the tick of this minute, or by hand."""
        tick = None if minute is None else NOON + minute * MINUTE
        return self.lease.take(tick, self._soon(seconds))

    def taken(self, minute: float | None = None, seconds: float = 60.0) -> str:
        owner = self.take(minute, seconds)
        assert owner is not None
        return owner

    def give_back(self, owner: str) -> None:
        self.lease.give_back(owner, self._soon())

    def is_awaited(self, owner: str) -> bool:
        return self.lease.is_awaited(owner, self._soon())

    def last(self) -> tuple[datetime | None, datetime | None]:
        return self.lease.last(self._soon())


@pytest.fixture
def leases(stored: Stored) -> Leases:
    return Leases(stored)


def test_a_lease_is_valid_until_five_seconds_after_the_deadline(leases: Leases) -> None:
    owner = leases.taken(0, seconds=58.5)

    until = int(NOON.timestamp()) + 59 + 5
    assert leases.item == {
        "owner": {"S": owner},
        "validUntil": {"N": str(until)},
        "lastTick": {"S": "2026-05-04T12:00:00.000000Z"},
    }
    # Only a clock that is wrong leaves a lease that is valid for longer than a sweep takes.
    leases.now -= 121
    assert leases.take(1) is None
    leases.give_back(owner)
    leases.put(validUntil={"N": str(until)})
    leases.now = until - 125 - 5 - 60 - 1.5
    assert leases.take(1) is not None


def test_a_lease_that_another_sweep_holds_is_tried_for_fifteen_seconds(leases: Leases) -> None:
    leases.taken(0)
    leases.stored.stack.forget_calls()

    assert leases.take(1) is None
    assert leases.waited == [1.0] * 15
    assert leases.stored.stack.aws.wire.count("dynamodb") == 16 + 1  # one says that it waits


def test_a_lease_is_taken_as_soon_as_it_is_given_back_or_has_run_out(leases: Leases) -> None:
    first = leases.taken(0)
    leases.while_waiting = [lambda: None, lambda: leases.give_back(first)]
    leases.taken(1)
    assert leases.waited == [1, 1]

    leases.now += 60  # the sweep has died
    leases.taken(2)
    assert leases.waited == [1, 1, *[1] * 4]


def test_the_holder_is_awaited_as_long_as_another_sweep_goes_on_to_wait(leases: Leases) -> None:
    owner = leases.taken(0)
    seen: list[bool] = []
    leases.while_waiting = [lambda: seen.append(leases.is_awaited(owner)) for _ in range(15)]
    assert not leases.is_awaited(owner)

    leases.take(1)

    assert seen == [True] * 12 + [False] * 3
    assert leases.item["waitingTick"] == {"S": "2026-05-04T12:01:00.000000Z"}


def test_who_takes_the_lease_is_awaited_by_those_alone_who_wait_for_it_then(
    leases: Leases,
) -> None:
    """The old holder is awaited by the new one. One that waits on says so again."""
    first = leases.taken(0)
    second: list[str] = []

    def hand_over() -> None:
        leases.give_back(first)
        second.append(leases.taken())
        assert [leases.is_awaited(one) for one in (first, *second)] == [True, False]

    leases.while_waiting = [hand_over]
    assert leases.take(1) is None

    leases.now -= 8
    assert leases.is_awaited(second[0])


@pytest.mark.parametrize("minute", [1, 0.5])
def test_a_tick_that_waits_already_is_skipped_at_once(leases: Leases, minute: float) -> None:
    leases.taken(0)
    seen: list[str | None] = []
    leases.while_waiting = [lambda: seen.append(leases.take(minute))]

    leases.take(1)

    assert seen == [None]
    assert len(leases.waited) == 15


@pytest.mark.parametrize("minute", [0, -1, -60])
def test_a_tick_that_was_swept_already_is_refused_at_once(leases: Leases, minute: float) -> None:
    owner = leases.taken(0)
    assert leases.take(minute) is None
    leases.give_back(owner)

    assert leases.take(minute) is None
    assert leases.waited == []


def test_a_sweep_by_hand_is_never_one_that_was_swept_already(leases: Leases) -> None:
    leases.give_back(leases.taken(0))
    leases.give_back(leases.taken())
    leases.taken()

    assert leases.item["lastTick"] == {"S": "2026-05-04T12:00:00.000000Z"}


BY_HAND: list[dict[str, Any]] = [
    {"N": "1" + "0" * 17},
    {"N": "-1"},
    {"S": "9999-12-31T23:59:59Z"},
    {"S": "2026-05-04T12:30:00.000000Z"},
    {"S": "0001-01-01T00:00:00+14:00"},
    {"S": ""},
    {"NULL": True},
    {"M": {"S": {"L": [{"N": "1"}]}}},
]


@pytest.mark.parametrize("value", BY_HAND, ids=str)
def test_what_cannot_be_true_of_a_lease_or_of_a_sweep_that_waits_stops_no_sweep(
    leases: Leases, value: dict[str, Any]
) -> None:
    names = ("owner", "validUntil", "lastTick", "succeededAt", "waitingUntil", "waitingTick")
    leases.put(**dict.fromkeys(names, value))
    assert None in leases.last()
    owner = leases.taken(0)
    assert set(leases.item) == {"owner", "validUntil", "lastTick", "succeededAt"}

    leases.put(**leases.item | dict.fromkeys(("waitingUntil", "waitingTick"), value))
    assert not leases.is_awaited(owner)
    leases.while_waiting = [lambda: leases.give_back(owner)]
    leases.taken(1)


def test_a_sweep_that_outlived_its_lease_is_awaited_and_does_not_give_back_that_of_another(
    leases: Leases,
) -> None:
    late = leases.taken(0, seconds=10)
    leases.now += 30
    owner = leases.taken(1)

    assert leases.is_awaited(late)
    leases.give_back(late)
    assert leases.item["owner"] == {"S": owner}

    for _ in range(2):
        leases.give_back(owner)
    assert set(leases.item) == {"lastTick"}


def test_a_table_that_does_not_answer_says_of_nobody_that_he_waits(leases: Leases) -> None:
    owner = leases.taken(0)
    refused = aws_error("dynamodb", "AccessDeniedException")
    leases.stored.stack.aws.wire.inject(Fault(action=refused, service="dynamodb"))

    assert not leases.is_awaited(owner)


def test_no_lease_is_tried_for_without_the_time_for_it(leases: Leases) -> None:
    leases.taken(0)

    with pytest.raises(TimeBudgetExceededError):
        leases.take(1, seconds=3)
