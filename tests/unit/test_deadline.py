"""How much of an invocation is left, and which steps may still begin."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from unit.scripted_atlas import Clock

seconds = st.floats(min_value=0, max_value=900)


@given(st.floats(-1, 900), seconds)
def test_the_time_left_goes_down_and_is_never_negative(given_time: float, passed: float) -> None:
    clock = Clock(0.0)
    deadline = Deadline.after(given_time, clock)

    clock.now += passed

    assert deadline.remaining() == pytest.approx(max(0, given_time - passed))


def test_a_step_that_just_fits_may_begin() -> None:
    Deadline.after(1.0, Clock()).require(1.0, "ask Atlas")

    with pytest.raises(TimeBudgetExceededError):
        Deadline.after(0.999, Clock()).require(1.0, "ask Atlas")


@pytest.mark.parametrize(
    ("left", "reserved", "step_gets"),
    [(60.0, 4.0, 56.0), (12.0, 4.0, 8.0), (9.0, 4.0, 6.0), (3.0, 4.0, 2.0), (0.0, 4.0, 0.0)],
    ids=["much is left", "just enough", "little is left", "very little is left", "nothing is left"],
)
def test_a_step_reserves_time_for_later_steps(
    left: float, reserved: float, step_gets: float
) -> None:
    deadline = Deadline.after(left, Clock(0.0))

    assert deadline.earlier(reserved).remaining() == pytest.approx(step_gets)


def test_an_error_names_the_step_and_the_time_left() -> None:
    deadline = Deadline.after(0.34, Clock())

    with pytest.raises(TimeBudgetExceededError, match=re.escape("0.3 s")) as exceeded:
        deadline.require(1.0, "write to the table")

    assert "write to the table" in str(exceeded.value)


def test_a_deadline_uses_a_monotonic_clock() -> None:
    deadline = Deadline.after(60)

    assert 0 < deadline.remaining() <= 60
