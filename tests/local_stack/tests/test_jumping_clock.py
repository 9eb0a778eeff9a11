"""The clock that jumps, and the ticks that it brings."""

import pytest

from local_stack.jumping_clock import ROUND_SECONDS, JumpingClock, Schedule


def test_events_happen_at_their_moments_while_the_clock_moves_past_them() -> None:
    clock, seen = JumpingClock(100), list[tuple[str, float]]()
    for at, name in ((105, "first"), (109, "second"), (130, "later")):
        clock.plan(at, lambda name=name: seen.append((name, clock.at)))  # type: ignore[misc]

    clock.sleep(10)

    assert seen == [("first", 105), ("second", 109)]
    assert clock.at == 110

    clock.sleep(20)

    assert seen[2:] == [("later", 130)]


def test_a_round_of_questions_takes_its_time_once() -> None:
    clock = JumpingClock(100)
    for _ in range(5):
        clock.answer()

    assert clock.at == 100 + ROUND_SECONDS

    clock.sleep(10)
    clock.answer()

    assert clock.at == pytest.approx(110 + 2 * ROUND_SECONDS)


def test_an_event_during_a_round_happens_with_the_next_move() -> None:
    clock, seen = JumpingClock(100), list[float]()
    clock.plan(100.1, lambda: seen.append(clock.at))
    clock.answer()

    assert seen == []

    clock.sleep(1)

    assert seen == [100 + ROUND_SECONDS]


def test_those_who_work_beside_each_other_sleep_at_the_same_time() -> None:
    clock, seen = JumpingClock(0), list[tuple[str, float]]()

    def work(name: str, pause: float) -> None:
        for _ in range(2):
            clock.sleep(pause)
            seen.append((name, clock.at))

    clock.start(1, lambda: work("slow", 5))
    clock.start(2, lambda: work("fast", 1))
    clock.sleep(20)

    assert seen == [("fast", 3), ("fast", 4), ("slow", 6), ("slow", 11)]


def test_what_fails_beside_us_is_raised_when_we_sleep() -> None:
    clock = JumpingClock(0)

    def fail() -> None:
        raise LookupError

    clock.start(1, fail)

    with pytest.raises(LookupError):
        clock.sleep(2)


def test_a_tick_comes_although_the_last_sweep_is_still_at_work() -> None:
    clock, swept = JumpingClock(0), list[tuple[int, float, float]]()
    phases, environments = iter([59.0, 0.0, 30.0, 0.0]), iter(range(9))

    def environment() -> object:
        number = next(environments)

        def sweep(tick: float) -> None:
            swept.append((number, tick, clock.at))
            clock.sleep(10)

        return sweep

    schedule = Schedule(clock, environment, lambda: next(phases))  # type: ignore[arg-type]
    clock.sleep(160)
    schedule.end()

    assert swept == [(0, 0, 59), (1, 60, 60), (1, 120, 150)]
