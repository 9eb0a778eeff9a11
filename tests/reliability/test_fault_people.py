"""The function that notifies people dies at any of its calls: nobody misses a notice."""

from collections.abc import Iterator

import pytest

from integration.people import CHANNELS, PeopleStack
from local_stack.readers import READERS
from local_stack.wire import Call, Phase

pytestmark = pytest.mark.timeout(100)

MOST_CALLS = 40


@pytest.fixture(scope="module")
def people() -> Iterator[PeopleStack]:
    with PeopleStack() as stack:
        yield stack


def is_between_sending_and_noting(call: Call, phase: Phase) -> bool:
    is_note = call.operation == "UpdateItem" and b"sentAt" in call.body
    is_sending = call.service in READERS or call.operation == "Publish"
    return (is_sending and phase == "after") or (is_note and phase == "before")


def deliver_with_a_kill(people: PeopleStack, number: int, phase: Phase) -> Call | None:
    """
    A restore fails, and the environment dies at its n-th call; then all is delivered again.

    Return the call, None if there were fewer.
    """
    people.fail_a_restore()
    with people.killed(number, phase) as struck:
        people.notices.deliver()
    people.let_claims_expire()
    people.deliver()
    told = people.told()

    assert set(told) == set(CHANNELS), f"told {dict(told)} after a kill {phase} {struck}"
    repeated = told.total() - len(CHANNELS)
    assert repeated <= 1
    if repeated:
        is_allowed = is_between_sending_and_noting(struck[0], phase)
        assert is_allowed, f"told {dict(told)} after a kill {phase} {struck}"
    assert people.notices.waiting() == people.dead() == 0
    return struck[0] if struck else None


@pytest.mark.parametrize("number", [0, 5, 6, 7])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_after_a_kill_everybody_is_told(people: PeopleStack, number: int, phase: Phase) -> None:
    """At the first call, and at the claim, the sending and the note of the second channel."""
    assert deliver_with_a_kill(people, number, phase) is not None


@pytest.mark.campaign
@pytest.mark.parametrize("phase", ["before", "after"])
def test_after_a_kill_at_any_call_everybody_is_told(people: PeopleStack, phase: Phase) -> None:
    for number in range(MOST_CALLS):
        if deliver_with_a_kill(people, number, phase) is None:
            break

    assert 10 < number < MOST_CALLS
