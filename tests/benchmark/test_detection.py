"""The clock that jumps, and what counts as detected."""

import pytest

from benchmark.detection import ROUND_SECONDS, Detection, Detections, JumpingClock, share_overtaken


def test_events_happen_at_their_moments_while_the_clock_moves_past_them() -> None:
    clock, seen = JumpingClock(100), list[tuple[str, float]]()
    for at, name in ((105, "first"), (109, "second"), (130, "later")):
        clock.plan(at, lambda name=name: seen.append((name, clock.at)))  # type: ignore[misc]

    clock.sleep(10)

    assert seen == [("first", 105), ("second", 109)]
    assert clock.at == 110
    assert not clock.is_empty


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


def test_percentiles_are_of_the_changes_that_are_meant() -> None:
    seen = (
        Detection("Flex", 50, is_hot=True, is_followed=False),
        *(Detection("Flex", second, is_hot=True, is_followed=True) for second in (1, 2, 3)),
        Detection("Flex", 60, is_hot=False, is_followed=True),
    )
    detections = Detections("some", seen, overtaken=5)

    assert detections.percentiles() == (2, 50)
    assert detections.percentiles(followed=True) == (2, 3)
    assert detections.seconds(hot=False) == [60]
    assert share_overtaken(detections) == 0.5
