"""How much of an invocation is left, and who may still begin something."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.deadline import Deadline
from restore_watch.errors import TimeBudgetExceededError

seconds = st.floats(min_value=0, max_value=900)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_what_is_left_runs_out() -> None:
    clock = Clock()
    deadline = Deadline.after(10, clock)

    clock.now += 4

    assert deadline.remaining() == 6


@given(seconds, seconds)
def test_what_is_left_is_never_negative(given_time: float, passed: float) -> None:
    clock = Clock()
    deadline = Deadline.after(given_time, clock)

    clock.now += passed

    assert deadline.remaining() == pytest.approx(max(0, given_time - passed))


def test_an_invocation_that_has_no_time_at_all_has_nothing_left() -> None:
    assert Deadline.after(-0.4, Clock()).remaining() == 0


def test_a_step_that_just_fits_may_begin() -> None:
    Deadline.after(1.0, Clock()).require(1.0, "ask Atlas")

    with pytest.raises(TimeBudgetExceededError):
        Deadline.after(0.999, Clock()).require(1.0, "ask Atlas")


@given(seconds, seconds)
def test_a_step_begins_only_when_it_can_also_end(left: float, needed: float) -> None:
    clock = Clock(0.0)
    deadline = Deadline.after(left, clock)

    try:
        deadline.require(needed, "publish")
    except TimeBudgetExceededError:
        assert left < needed
    else:
        assert left >= needed


def test_an_error_names_the_step_and_what_was_left() -> None:
    deadline = Deadline.after(0.34, Clock())

    with pytest.raises(TimeBudgetExceededError, match=re.escape("0.3 s")) as exceeded:
        deadline.require(1.0, "write to the table")

    assert "write to the table" in str(exceeded.value)


def test_a_deadline_counts_on_a_clock_that_never_steps_back() -> None:
    deadline = Deadline.after(60)

    assert 0 < deadline.remaining() <= 60
