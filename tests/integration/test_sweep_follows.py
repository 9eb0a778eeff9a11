"""For how long a sweep follows a job, and how often it asks."""

from datetime import datetime, timedelta

import pytest

from integration.checking import received, statuses, stored
from integration.sweeping import (
    DAY,
    HOUR,
    Sweeping,
    asked,
    asked_about,
    hidden,
    is_open,
    old_id,
    start_several,
)
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.in_process import Clients
from local_stack.restores import date
from local_stack.stack import LocalStack
from local_stack.wire import Call


def download(
    sweeping: Sweeping, stack: LocalStack, group: str, kind: Kind, link_hours: float = 1
) -> EmulatedRestore:
    """A download that is ready, its link valid for this long."""
    word = "DOWNLOAD" if kind == "flex" else "download"
    restore = stack.atlas.start_restore(
        group, "orders", kind, restore_id=old_id(), delivery_type=word
    )
    restore.run_to_end()
    ends = date(sweeping.clock() + timedelta(hours=link_hours))
    restore.set(**{"expirationDate" if kind == "flex" else "expiresAt": ends})
    sweeping.check(restore)
    return restore


# Downloads


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_a_ready_download_is_followed_until_an_hour_after_its_link(
    sweeping: Sweeping, stack: LocalStack, group: str, kind: Kind
) -> None:
    restore = download(sweeping, stack, group, kind)

    assert sweeping.sweep_after(1.9 * HOUR)["checked"] == 1
    assert is_open(stack, restore)

    assert sweeping.sweep_after(0.2 * HOUR)["checked"] == 1
    assert not is_open(stack, restore)
    (line,) = sweeping.lines("This restore job is no longer followed")
    assert (line["restore_id"], line["reason"]) == (restore.restore_id, "its link has expired")
    assert "expiresAt" in stored(stack, restore)

    assert sweeping.sweep()["open"] == 0
    assert received(stack) == []


def test_a_download_that_expires_is_a_change_and_leaves_the_index(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = download(sweeping, stack, group, "dedicated")
    restore.set(expired=True, deliveryUrl=[])

    assert sweeping.sweep_after(HOUR)["changed"] == 1

    assert statuses(received(stack)) == ["EXPIRED"]
    assert not is_open(stack, restore)


def test_a_ready_download_that_atlas_no_longer_knows_leaves_the_index_after_its_link(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = download(sweeping, stack, group, "flex")
    stack.atlas.hide_restore(restore)

    sweeping.sweep_after(HOUR)
    assert is_open(stack, restore)

    sweeping.sweep_after(1.1 * HOUR)
    assert not is_open(stack, restore)


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_a_link_that_moves_is_followed_without_a_message_until_an_hour_after_its_new_date(
    sweeping: Sweeping, stack: LocalStack, group: str, kind: Kind
) -> None:
    restore = download(sweeping, stack, group, kind)
    new_date = date(sweeping.clock() + timedelta(hours=5))
    restore.set(**{"expirationDate" if kind == "flex" else "expiresAt": new_date})
    before = stored(stack, restore)

    result = sweeping.sweep()

    assert (result["changed"], result["published"], result["failures"]) == (0, 0, [])
    after = stored(stack, restore)
    assert datetime.fromisoformat(after["expirationDate"]) == datetime.fromisoformat(new_date)
    assert after == before | {"expirationDate": after["expirationDate"]}

    # More than an hour after the old date, and then after the new one.
    sweeping.sweep_after(2.1 * HOUR)
    assert is_open(stack, restore)
    sweeping.sweep_after(4 * HOUR)
    assert not is_open(stack, restore)
    assert received(stack) == []


# Jobs that Atlas does not know


def test_a_job_that_atlas_does_not_know_is_followed_for_a_day(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)

    (failure,) = sweeping.sweep()["failures"]
    assert failure["error"] == "RestoreJobNotFoundError"
    since = stored(stack, restore)["missingSince"]

    sweeping.sweep_after(0.9 * DAY)
    assert stored(stack, restore)["missingSince"] == since
    assert is_open(stack, restore)

    sweeping.sweep_after(0.2 * DAY)
    sweeping.sweep_after(0.25 * HOUR)
    assert not is_open(stack, restore)
    (line,) = sweeping.lines("This restore job is no longer followed")
    assert line["reason"] == "Atlas does not know it"
    assert sweeping.sweep()["open"] == 0


def test_a_job_that_is_found_again_starts_anew(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    sweeping.sweep()
    stack.atlas.show_restore(restore)

    assert sweeping.sweep_after(0.9 * DAY)["failures"] == []
    assert "missingSince" not in stored(stack, restore)
    stack.atlas.hide_restore(restore)

    sweeping.sweep_after(0.9 * DAY)
    assert is_open(stack, restore)


def test_a_new_job_that_atlas_does_not_show_yet_is_not_missed(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    sweeping.check(restore)
    stack.atlas.hide_restore(restore)

    assert sweeping.sweep()["failures"] != []
    assert "missingSince" not in stored(stack, restore)


def test_a_job_that_left_the_index_is_followed_again_once_it_is_named(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    for seconds in (0, DAY, 0.25 * HOUR):
        sweeping.sweep_after(seconds)
    assert not is_open(stack, restore)

    stack.atlas.show_restore(restore)
    sweeping.check(restore)
    assert is_open(stack, restore)
    restore.run_to_end()

    # It is old, and the check has just asked.
    assert sweeping.sweep_after(300)["changed"] == 1
    assert statuses(received(stack)) == ["COMPLETED"]


# How often


def test_an_old_job_is_asked_about_every_five_minutes(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    sweeping.check(*start_several(stack, group, 1))
    waits = (5.9 * HOUR, 60, 0.2 * HOUR, 60, 120, 120)

    assert [sweeping.sweep_after(wait)["checked"] for wait in waits] == [1, 1, 1, 0, 0, 1]


@pytest.mark.usefixtures("sweeping")
def test_a_hot_job_is_asked_about_every_ten_seconds_until_fifty_after_the_start(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    sweeping.check(*start_several(stack, group, 1))
    begun = sweeping.clock()

    assert sweeping.sweep()["checked"] == 1

    assert asked(stack) == ["flex"] * 6
    assert 50 <= (sweeping.clock() - begun).total_seconds() < 55


@pytest.mark.usefixtures("sweeping")
def test_a_round_that_takes_longer_than_the_pause_is_followed_by_the_next_at_once(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    sweeping.check(*start_several(stack, group, 1))

    def take_time(_call: Call, phase: str) -> None:
        if phase == "before":
            sweeping.clock.advance(20)

    with stack.atlas.wire.listen(take_time):
        sweeping.sweep()

    assert asked(stack) == ["flex"] * 3


@pytest.mark.usefixtures("sweeping")
def test_the_hot_rounds_end_with_the_job_and_ask_about_nothing_else(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id=old_id())
    ready = download(sweeping, stack, group[::-1], "flex")
    sweeping.check(restore)
    told = 0

    def move_on(call: Call, phase: str) -> None:
        nonlocal told
        if phase == "before" and call.path.endswith(restore.restore_id):
            told += 1
            if told > 1:
                restore.advance()

    with stack.atlas.wire.listen(move_on):
        result = sweeping.sweep()

    assert (result["checked"], result["changed"], result["published"]) == (2, 3, 3)
    assert statuses(received(stack)) == ["QUEUED", "RUNNING", "COMPLETED"]
    assert sorted(asked_about(stack)) == sorted([restore.restore_id] * 4 + [ready.restore_id])


@pytest.mark.usefixtures("sweeping")
def test_hot_rounds_stop_before_the_invocation_ends(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    sweeping.check(*start_several(stack, group, 1))

    sweeping.sweep(seconds=30)

    assert asked(stack) == ["flex"] * 3
