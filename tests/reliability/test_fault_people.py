"""
The function that notifies people dies at any of its calls: nobody misses a notice.

And two stacks share a pager: neither closes a page of the other.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from golden.notify_people.cases import PROJECT, RESTORE
from integration.notify_people.people import People
from integration.people import CHANNELS, PeopleStack
from local_stack.readers import READERS, Readers
from local_stack.wire import Call, Phase
from produced import Produced
from unit.notify_people.messages import event

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


BLUE, GREEN = "blue", "green"

DEGRADED = "project-degraded-AtlasForbiddenError"
UNKNOWN_END = event("collection-unknown-end")
OPENED_BY_1_0_0 = f"atlas-restore-watch/watch/{PROJECT}"


@pytest.fixture
def stacks(
    people: PeopleStack, produced: Produced, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, People]]:
    """Two stacks that watch one project and page by one key."""
    people.begin_anew()
    monkeypatch.setenv("AWS_ENDPOINT_URL", people.aws.url)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")
    yield {name: People(people.aws, people.posts, produced, name) for name in (BLUE, GREEN)}
    people.begin_anew()


def open_pages(readers: Readers, *opened: str) -> set[str]:
    """The keys of the pages that are open in PagerDuty now, if these were before."""
    pages = set(opened)
    for one in readers.got("pager"):
        (pages.add if one["event_action"] == "trigger" else pages.discard)(one["dedup_key"])
    return pages


def without_news(message: dict[str, Any]) -> dict[str, Any]:
    """The message as 1.0.0 sends it."""
    news = {"stack", "fix", "reason"}
    return message | {"data": {k: v for k, v in message["data"].items() if k not in news}}


@pytest.mark.fault("F93")
@pytest.mark.parametrize("end", ["recovered", "removed"])
def test_a_stack_that_sees_a_project_again_or_drops_it_closes_its_own_page_alone(
    stacks: dict[str, People], people: PeopleStack, end: str
) -> None:
    for name, stack in stacks.items():
        assert stack.deliver(event(DEGRADED, stack=name)) == []
    opened = open_pages(people.posts)
    stacks[BLUE].deliver(event(f"project-{end}-AtlasForbiddenError", stack=BLUE))

    assert len(opened) == 2
    assert open_pages(people.posts) == {f"atlas-restore-watch/{GREEN}/watch/{PROJECT}"}


@pytest.mark.fault("F93")
def test_a_stack_that_learns_the_end_of_a_restore_closes_its_own_page_alone(
    stacks: dict[str, People], people: PeopleStack
) -> None:
    for stack in stacks.values():
        assert stack.deliver(UNKNOWN_END) == []
    completed = event("collection-completed", sequence=3, previousStatus="UNKNOWN")
    stacks[BLUE].deliver(completed)

    assert open_pages(people.posts) == {f"atlas-restore-watch/{GREEN}/restore/{RESTORE}"}


@pytest.mark.fault("F93")
def test_a_page_that_was_opened_before_the_upgrade_closes(
    stacks: dict[str, People], people: PeopleStack
) -> None:
    stacks[BLUE].deliver(event("project-recovered-AtlasForbiddenError", stack=BLUE))

    assert open_pages(people.posts, OPENED_BY_1_0_0) == set()


@pytest.mark.fault("F93")
def test_messages_of_1_0_0_open_and_close_a_page_of_the_stack_that_reads_them(
    stacks: dict[str, People], people: PeopleStack
) -> None:
    for stack in stacks.values():
        assert stack.deliver(without_news(event(DEGRADED))) == []
    stacks[BLUE].deliver(without_news(event("project-recovered-AtlasForbiddenError")))

    assert open_pages(people.posts) == {f"atlas-restore-watch/{GREEN}/watch/{PROJECT}"}
