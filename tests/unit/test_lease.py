"""The lease of sweeps, and the tick that it remembers, over a table with one item."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foundation.errors import TimeBudgetExceededError
from restore_watch.errors import TableUnavailableError
from restore_watch.table.lease import GRACE, KEY, PATIENCE, SweepLease
from unit.scripted_atlas import Clock
from unit.stubbed_aws import Refusal, dynamodb

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class LeaseItem:
    """
    One item that evaluates the conditions of the lease's updates.

    `lost_answers` is how many answers are lost after the write; botocore then writes again.
    """

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}
        self.calls: list[Mapping[str, Any]] = []
        self.lost_answers = 0
        self.refusal: Refusal | None = None

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert parameters["Key"] == KEY
        if self.refusal:
            raise self.refusal
        self.calls.append(parameters)
        if self.lost_answers:
            self.lost_answers -= 1
            self._update(parameters)
        return self._update(parameters)

    def _update(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        values = parameters.get("ExpressionAttributeValues", {})
        if not self._meets(parameters["ConditionExpression"], values):
            raise Refusal("ConditionalCheckFailedException", Item=self.item)
        sets, _, removes = parameters["UpdateExpression"].partition("REMOVE ")
        for name, value in re.findall(r"#(\w+) = (:\w+)", sets):
            self.item[name] = values[value]
        for name in re.findall(r"#(\w+)", removes):
            self.item.pop(name, None)
        return {"Attributes": dict(self.item)}

    def _meets(self, condition: str, values: Mapping[str, Any]) -> bool:
        if condition == "#owner = :owner":
            return bool(self.item.get("owner") == values[":owner"])
        if "attribute_exists" in condition:
            return False  # it is a read
        number, text = self.item.get("validUntil", {}), self.item.get("lastTick", {})
        now, latest = (int(values[name]["N"]) for name in (":now", ":latest"))
        is_held = now <= float(number.get("N", "inf")) <= latest
        assert ("lastTick" in condition) is (":lastTick" in values)
        if ":lastTick" not in values:
            return not is_held
        tick, ahead = values[":lastTick"]["S"], values[":ahead"]["S"]
        return not (is_held or ("S" in text and tick <= text["S"] <= ahead))


class Leases:
    """The lease as several environments see it, with one clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.table = LeaseItem()
        self.lease = SweepLease(dynamodb(self.table), "restore-jobs", now=clock, sleep=self._sleep)
        self.after_a_pause: list[Any] = []

    def _sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        if self.after_a_pause:
            self.after_a_pause.pop(0)()

    def take(self, tick: datetime | None = None, seconds: float = 60.0) -> str | None:
        return self.lease.take(tick, self.clock.deadline(seconds))

    def give_back(self, owner: str | None) -> None:
        assert owner is not None
        self.lease.give_back(owner, self.clock.deadline())

    def is_awaited(self, owner: str | None) -> bool:
        assert owner is not None
        return self.lease.is_awaited(owner, self.clock.deadline())

    def last(self) -> tuple[datetime | None, datetime | None]:
        return self.lease.last(self.clock.deadline())


@pytest.fixture
def leases(clock: Clock) -> Leases:
    return Leases(clock)


def test_a_free_lease_is_taken_with_one_write(leases: Leases) -> None:
    owner = leases.take(NOON)

    assert owner
    assert len(leases.table.calls) == 1
    assert leases.table.item["owner"] == {"S": owner}
    assert leases.table.item["lastTick"] == {"S": "2026-05-04T12:00:00.000000Z"}


def test_a_lease_is_valid_until_a_little_after_the_deadline(leases: Leases, clock: Clock) -> None:
    leases.take(seconds=58.5)

    assert leases.table.item["validUntil"] == {"N": str(int(clock.now + 59 + GRACE))}


def test_a_lease_that_was_given_back_is_free(leases: Leases) -> None:
    first = leases.take(NOON)
    assert first is not None
    leases.give_back(first)

    second = leases.take(NOON + MINUTE)

    assert second not in {None, first}
    assert leases.table.item["lastTick"] == {"S": "2026-05-04T12:01:00.000000Z"}


def test_a_lease_that_another_sweep_holds_is_tried_for_fifteen_seconds(
    leases: Leases, clock: Clock
) -> None:
    leases.take(NOON)

    assert leases.take(NOON + MINUTE) is None
    assert sum(clock.sleeps) == PATIENCE == 15
    assert len(leases.table.calls) == 1 + 16 + 1  # one says that it waits


def test_the_holder_is_awaited_as_long_as_another_sweep_goes_on_to_wait(leases: Leases) -> None:
    owner = leases.take(NOON)
    seen = list[bool]()
    leases.after_a_pause = [lambda: seen.append(leases.is_awaited(owner)) for _ in range(15)]
    assert not leases.is_awaited(owner)

    leases.take(NOON + MINUTE)

    assert seen == [True] * 12 + [False] * 3
    assert leases.table.item["waitingTick"] == {"S": "2026-05-04T12:01:00.000000Z"}


def test_a_holder_whose_lease_was_taken_is_awaited(leases: Leases, clock: Clock) -> None:
    late = leases.take(NOON, seconds=10)
    clock.now += 30
    owner = leases.take(NOON + MINUTE)

    assert leases.is_awaited(late)
    assert not leases.is_awaited(owner)


def test_a_table_that_does_not_answer_says_of_nobody_that_he_waits(leases: Leases) -> None:
    owner = leases.take(NOON)
    leases.table.refusal = Refusal("AccessDeniedException")

    assert not leases.is_awaited(owner)


def test_whoever_takes_the_lease_is_not_awaited_by_those_who_waited_for_the_last_holder(
    leases: Leases, clock: Clock
) -> None:
    """One that died stops nothing, and one that waits on says so again."""
    first = leases.take(NOON)
    second = list[str | None]()

    def hand_over() -> None:
        assert first is not None
        leases.give_back(first)
        second.append(leases.take())
        assert not leases.is_awaited(second[0])

    leases.after_a_pause = [hand_over, lambda: None]
    assert leases.take(NOON + MINUTE) is None

    clock.now -= 8
    assert leases.is_awaited(second[0])


@pytest.mark.parametrize("late", [timedelta(), MINUTE])
def test_a_tick_that_waits_already_is_skipped_at_once(
    leases: Leases, clock: Clock, late: timedelta
) -> None:
    leases.take(NOON)
    seen = list[str | None]()
    leases.after_a_pause = [lambda: seen.append(leases.take(NOON + MINUTE - late))]

    leases.take(NOON + MINUTE)

    assert seen == [None]
    assert sum(clock.sleeps) == PATIENCE


BY_HAND: list[dict[str, Any]] = [
    {"N": "1" + "0" * 17},
    {"N": "-1"},
    {"N": "0"},
    {"S": "9999-12-31T23:59:59Z"},
    {"S": "2026-05-04T12:30:00.000000Z"},
    {"S": "0001-01-01T00:00:00+14:00"},
    {"S": ""},
    {"NULL": True},
    {"M": {"S": {"L": [{"N": "1"}]}}},
]


@pytest.mark.parametrize("value", BY_HAND, ids=str)
def test_what_cannot_be_true_of_a_lease_stops_no_sweep(
    leases: Leases, value: dict[str, Any]
) -> None:
    names = ("owner", "validUntil", "lastTick", "succeededAt", "waitingUntil", "waitingTick")
    leases.table.item = dict.fromkeys(names, value)
    assert None in leases.last()

    owner = leases.take(NOON)

    assert owner is not None
    assert not leases.is_awaited(owner)
    assert leases.table.item["lastTick"] == {"S": "2026-05-04T12:00:00.000000Z"}
    assert "waitingUntil" not in leases.table.item


@pytest.mark.parametrize("value", BY_HAND, ids=str)
def test_what_cannot_be_true_of_a_sweep_that_waits_is_replaced(
    leases: Leases, value: dict[str, Any]
) -> None:
    owner = leases.take(NOON)
    leases.table.item |= dict.fromkeys(("waitingUntil", "waitingTick"), value)
    assert not leases.is_awaited(owner)
    leases.after_a_pause = [lambda: leases.give_back(owner)]

    assert leases.take(NOON + MINUTE) is not None


def test_a_lease_is_taken_as_soon_as_it_is_given_back(leases: Leases, clock: Clock) -> None:
    first = leases.take(NOON)
    assert first is not None
    leases.after_a_pause = [lambda: None, lambda: leases.give_back(first)]

    assert leases.take(NOON + MINUTE) is not None
    assert clock.sleeps == [1, 1]


def test_the_lease_of_a_dead_sweep_runs_out(leases: Leases, clock: Clock) -> None:
    leases.take(NOON, seconds=60)
    clock.now += 60 + GRACE - PATIENCE - 1
    assert leases.take(NOON + MINUTE) is None

    clock.now += 2

    assert leases.take(NOON + MINUTE) is not None


@pytest.mark.parametrize("late", [timedelta(), MINUTE, 60 * MINUTE])
def test_a_tick_that_was_swept_already_is_refused_at_once(
    leases: Leases, clock: Clock, late: timedelta
) -> None:
    owner = leases.take(NOON)
    assert leases.take(NOON - late) is None
    assert owner is not None
    leases.give_back(owner)

    assert leases.take(NOON - late) is None
    assert clock.sleeps == []


def test_a_sweep_by_hand_is_never_one_that_was_swept_already(leases: Leases) -> None:
    for _ in range(2):
        owner = leases.take()
        assert owner is not None
        leases.give_back(owner)

    assert "lastTick" not in leases.table.item


def test_a_sweep_by_hand_leaves_the_last_tick(leases: Leases) -> None:
    first = leases.take(NOON)
    assert first is not None
    leases.give_back(first)

    assert leases.take() is not None
    assert leases.table.item["lastTick"] == {"S": "2026-05-04T12:00:00.000000Z"}


def test_a_lease_whose_answer_was_lost_is_recognised(leases: Leases) -> None:
    leases.table.lost_answers = 1

    assert leases.take(NOON) is not None


def test_a_sweep_that_outlived_its_lease_does_not_give_back_that_of_another(
    leases: Leases, clock: Clock
) -> None:
    late = leases.take(NOON, seconds=10)
    clock.now += 30
    owner = leases.take(NOON + MINUTE)
    assert late is not None

    leases.give_back(late)

    assert leases.table.item["owner"] == {"S": owner}


def test_a_lease_given_back_twice_is_free_and_nothing_else(leases: Leases) -> None:
    owner = leases.take(NOON)
    assert owner is not None
    for _ in range(2):
        leases.give_back(owner)

    assert set(leases.table.item) == {"lastTick"}


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_table_that_refuses_is_reported(leases: Leases, code: str) -> None:
    leases.table.refusal = Refusal(code)

    with pytest.raises(TableUnavailableError, match=code):
        leases.take(NOON)


def test_no_lease_is_tried_for_without_the_time_for_it(leases: Leases) -> None:
    leases.take(NOON)

    with pytest.raises(TimeBudgetExceededError):
        leases.take(NOON + MINUTE, seconds=3)
