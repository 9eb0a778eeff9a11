"""Which kinds of restore jobs an event wakes, and which projects are listed for their age."""

from datetime import timedelta

import pytest

from restore_watch.atlas.restore_events import kinds_of_event
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.sweep.finding.when_to_list import postponed
from restore_watch.table.project_item import Project
from unit.atlas_answers import RESTORE_EVENTS
from unit.open_jobs import NOON
from unit.records import COLLECTION, DEDICATED, FLEX, LISTED_KINDS
from unit.scripted_atlas import Clock

QUARTER = timedelta(minutes=15)

WOKEN = {
    **dict.fromkeys(RESTORE_EVENTS[:3], (FLEX,)),
    **dict.fromkeys(RESTORE_EVENTS[3:], (DEDICATED, COLLECTION)),
    **dict.fromkeys(("", "FLEX_RESTORE_FAILED", "tenant_restore"), LISTED_KINDS),
    "TENANT": (FLEX,),
}


@pytest.mark.parametrize(("event_type", "kinds"), WOKEN.items(), ids=WOKEN)
def test_an_event_wakes_the_kinds_of_its_jobs_and_an_unknown_one_every_kind(
    event_type: str, kinds: tuple[RestoreKind, ...]
) -> None:
    assert kinds_of_event(event_type) == kinds


@pytest.mark.parametrize(("projects", "listed"), [(99, 99), (101, 100), (1400, 100), (2800, 200)])
def test_a_hundred_projects_or_a_fourteenth_of_all_are_listed_in_a_sweep_for_their_age(
    clock: Clock, projects: int, listed: int
) -> None:
    """They take turns. So all are listed within fourteen ticks."""
    memory, names = ProjectMemory(clock), [f"{number:024x}" for number in range(projects)]
    stored = {name: Project(name, listed_at=NOON - QUARTER) for name in names}
    for name in names[::-1]:
        memory.note_turn(name, "listing")
        clock.now += 1

    left = postponed(names, stored, memory, NOON)
    assert len(left) == projects - listed
    assert set(left).isdisjoint(names[-listed:])


def test_a_project_that_was_never_listed_is_not_left_to_a_later_sweep(clock: Clock) -> None:
    names = [f"{number:024x}" for number in range(300)]
    stored = {name: Project(name) for name in names[:150]}

    assert postponed(names, stored, ProjectMemory(clock), NOON) == []
