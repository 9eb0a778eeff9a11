"""
The function that notifies people dies at any of its calls: nobody misses a notice.

And two stacks share a pager: neither closes a page of the other.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.people import CHANNELS, PeopleStack
from local_stack.readers import READERS
from local_stack.wire import Call, Phase
from notify_people.forms import pager
from notify_people.words.notices import notice_of
from unit.notify_people.messages import PROJECT, RESTORE, read

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


WATCH, JOB = f"watch/{PROJECT}", f"restore/{RESTORE}"


def open_pages(before: set[str], stack: str, name: str, data: dict[str, Any]) -> set[str]:
    """The keys of the pages that are open after a message of this stack, if these were before."""
    pages = set(before)
    message = read(name, **{"stack": stack, **data})
    for one in pager.events(notice_of(message, "https://cloud.mongodb.com", stack)):
        (pages.add if one["event_action"] == "trigger" else pages.discard)(one["dedup_key"])
    return pages


@pytest.mark.fault("F93")
@pytest.mark.parametrize(
    ("bad", "good", "data", "about"),
    [
        ("project-degraded", "project-recovered", {}, WATCH),
        ("project-degraded", "project-removed", {}, WATCH),
        ("project-degraded", "project-recovered", {"stack": None, "fix": None}, WATCH),
        ("collection-unknown-end", "collection-completed", {"previousStatus": "UNKNOWN"}, JOB),
    ],
    ids=["recovered", "removed", "messages of 1.0.0", "an end that is known now"],
)
def test_a_stack_closes_its_own_page_alone(
    bad: str, good: str, data: dict[str, Any], about: str
) -> None:
    blue, green = f"atlas-restore-watch/blue/{about}", f"atlas-restore-watch/green/{about}"
    opened = open_pages(open_pages(set(), "blue", bad, data), "green", bad, data)

    assert opened == {blue, green}
    assert open_pages(opened, "blue", good, data) == {green}


@pytest.mark.fault("F93")
def test_a_page_that_was_opened_before_the_upgrade_closes() -> None:
    opened = {f"atlas-restore-watch/watch/{PROJECT}"}

    assert open_pages(opened, "blue", "project-recovered", {}) == set()
