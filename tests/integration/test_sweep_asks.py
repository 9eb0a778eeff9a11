"""What a sweep asks Atlas once more, and what it leaves to the next sweep."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from integration.sweeping import (
    HOUR,
    NOTHING_NEW,
    Sweeping,
    asked,
    asked_about,
    break_project,
    old_id,
    start_several,
)
from local_stack.atlas import EmulatedRestore
from local_stack.faults import Reset
from local_stack.in_process import Clients
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from restore_watch.sweep.rate_limit_pace import REFUSALS


def test_without_open_jobs_atlas_is_not_asked(sweeping: Sweeping, stack: LocalStack) -> None:
    assert sweeping.sweep() == {"open": 0, "found": 0, "checked": 0} | NOTHING_NEW
    assert asked(stack) == []


# Refusals of a project


def test_a_project_that_refuses_is_left_to_the_next_sweep_and_the_others_are_asked(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    restores = start_several(stack, group, 2)
    (other,) = start_several(stack, group[::-1], 1)
    sweeping.check(*restores, other)
    forbidden = atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours.")
    break_project(stack, group, forbidden, times=None)

    result = sweeping.sweep()

    assert (result["checked"], result["notReached"]) == (3, 0)
    assert [one["error"] for one in result["failures"]] == ["AtlasForbiddenError"] * 2
    # After three refusals, the family is left alone.
    assert asked(stack) == ["flex"] * (6 + REFUSALS) + ["flex_list"] * 2
    assert asked_about(stack).count(other.restore_id) == 6


# Second tries and silence


def make_list_useless(
    sweeping: Sweeping, stack: LocalStack, restores: Sequence[EmulatedRestore]
) -> None:
    """After two sweeps, these jobs of a cluster are asked about one by one."""
    for restore in restores:
        stack.atlas.omit_from_lists(restore)
    for _ in range(2):
        sweeping.sweep()


def unavailable(stack: LocalStack, group: str, **how: Any) -> None:
    break_project(stack, group, atlas_error(503, "SERVICE_UNAVAILABLE", "Later."), **how)


def silent(stack: LocalStack, group: str, **how: Any) -> None:
    break_project(stack, group, Reset(), **how)


@pytest.mark.parametrize("happen", [unavailable, silent])
def test_a_question_without_a_usable_answer_is_asked_once_more_in_the_same_sweep(
    sweeping: Sweeping, stack: LocalStack, group: str, happen: Callable[..., None]
) -> None:
    sweeping.check(*start_several(stack, group, 1))
    happen(stack, group)

    assert sweeping.sweep() == {"open": 1, "found": 0, "checked": 1} | NOTHING_NEW
    assert asked(stack) == ["flex"] * 2


def test_after_a_list_without_a_usable_answer_each_job_is_asked_about(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    sweeping.check(*start_several(stack, group, 2))
    unavailable(stack, group)

    assert sweeping.sweep() == {"open": 2, "found": 0, "checked": 2} | NOTHING_NEW
    assert asked(stack) == ["flex", "flex", "flex_list"]


@pytest.mark.parametrize(
    ("place", "happen"),
    [(0, unavailable), (1, silent), (2, unavailable)],
    ids=["first", "second", "last"],
)
def test_of_jobs_that_are_asked_about_one_by_one_only_the_failed_one_is_asked_again(
    sweeping: Sweeping, stack: LocalStack, group: str, place: int, happen: Callable[..., None]
) -> None:
    restores = start_several(stack, group, 3)
    sweeping.check(*restores)
    make_list_useless(sweeping, stack, restores)
    happen(stack, group, skip=place)

    assert sweeping.sweep() == {"open": 3, "found": 0, "checked": 3} | NOTHING_NEW
    assert asked(stack) == ["flex"] * 4
    assert set(asked_about(stack)) == {restore.restore_id for restore in restores}


def test_a_project_that_does_not_answer_is_left_alone_and_the_others_are_asked(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 8)
    (other,) = start_several(stack, group[::-1], 1)
    sweeping.check(*restores, other)
    for restore in restores:
        stack.atlas.omit_from_lists(restore)
    unavailable(stack, group, times=None)

    result = sweeping.sweep()

    assert result["checked"] + result["notReached"] == 9
    assert {one["error"] for one in result["failures"]} == {"AtlasUnavailableError"}
    assert len(result["failures"]) == result["checked"] - 1
    # The list once, and three of its jobs. Some more were under way at the third failure.
    assert 5 <= len(asked(stack)) < 2 + 2 * len(restores)
    assert other.restore_id in asked_about(stack)


# Limits


def test_a_job_that_a_rate_limit_did_not_let_through_is_asked_about_in_the_next_sweep(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """Also an old one, which is asked about only every five minutes."""
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id=old_id())
    sweeping.check(restore)
    sweeping.clock.advance(7 * HOUR)
    stack.atlas.keep_bucket(group, "flex", 0)

    limited = sweeping.sweep()
    stack.atlas.release_bucket(group, "flex")
    after = sweeping.sweep_after(90)

    assert (limited["checked"], limited["notReached"], limited["failures"]) == (0, 1, [])
    assert (after["checked"], after["notReached"]) == (1, 0)


def test_when_the_reserve_is_reached_the_rest_is_left_to_the_next_sweep(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 3)
    sweeping.check(*restores)
    for restore in restores[1:]:
        stack.atlas.omit_from_lists(restore)
    stack.atlas.keep_bucket(group, "flex", 599)

    by_list = sweeping.sweep()
    assert asked(stack) == ["flex_list"]
    assert (by_list["checked"], by_list["notReached"], by_list["failures"]) == (1, 2, [])

    stack.atlas.keep_bucket(group, "flex", 600)
    assert sweeping.sweep() == {"open": 3, "found": 0, "checked": 3} | NOTHING_NEW


def test_the_first_call_is_made_although_nothing_but_the_reserve_is_left(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 3)
    sweeping.check(*restores)
    make_list_useless(sweeping, stack, restores)
    stack.atlas.keep_bucket(group, "flex", 1)

    seen = []
    for _ in range(3):
        result = sweeping.sweep()
        assert (result["checked"], result["notReached"]) == (1, 2)
        seen += asked_about(stack)

    assert sorted(seen) == sorted(restore.restore_id for restore in restores)


def test_without_time_to_ask_every_job_is_left_to_the_next_sweep(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    sweeping.check(*start_several(stack, group, 2))

    result = sweeping.sweep(seconds=1.4)

    assert (result["open"], result["checked"], result["notReached"]) == (2, 0, 2)
    assert asked(stack) == []
