"""Restores that nobody named are found: by the events of their project, or within 15 minutes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from behaviour.conftest import RuntimeWith
from behaviour.expected_job import expected_job
from behaviour.projects import KINDS, asked, ended_jobs, mark, reported_once
from behaviour.rows import rows
from local_stack.atlas import Kind
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Reset
from local_stack.steps import EVENTS, FLEX_CLUSTERS, MISSING_ROLE
from local_stack.world import World

cases = pytest.mark.parametrize


ENDS: list[tuple[Kind, *tuple[str, ...]]] = [
    ("flex", "PENDING", "QUEUED", "RUNNING", "COMPLETED"),
    ("dedicated", "RUNNING", "COMPLETED"),
    ("collection", "PENDING", "RUNNING", "COMPLETED"),
    ("dedicated", "RUNNING", "COMPLETED", "EXPIRED"),
]
"""The statuses that a subscriber receives. The last one is a download."""


@cases("watched", rows({"one": "one", "all": "all"}, "all"))
def test_the_function_finds_restores_of_every_kind_and_follows_them_to_their_ends(
    world: World, runtime_with: RuntimeWith, watched: str
) -> None:
    world.atlas.add_project(world.group)
    ids = world.group if watched == "one" else "all"
    runtime = runtime_with(ATLAS_PROJECT_IDS=ids, HOT_ROUNDS="no")
    begun = datetime.now(UTC)
    results: list[dict[str, Any]] = []

    def tick() -> None:
        at = begun + timedelta(seconds=len(results))
        results.append(runtime.invoke(world.stack.function.scheduled_event(at)).result)

    tick()
    jobs = [world.job(kind, f"{kind}-cluster") for kind in KINDS]
    jobs.append(
        world.job(
            "dedicated",
            "download-cluster",
            delivery_type="download",
            timeline=["running", "download-ready", "finished+expired"],
        )
    )
    tick()
    while any(map(world.is_open, jobs)):
        for job in filter(world.is_open, jobs):
            job.advance()
        tick()

    assert [result["found"] for result in results[:3]] == [0, 4, 0]
    assert [result["failures"] for result in results] == [[]] * len(results)
    for job, (kind, *statuses) in zip(jobs, ENDS, strict=True):
        assert world.published(job) == statuses
        data = world.messages(job)[-1].event["data"]
        assert data["projectName"] == f"Project {world.group[-4:]}"
        assert expected_job(job, kind, statuses[-1]).items() <= data.items()
        assert data["sequence"] == len(statuses)


# What wakes a project


@cases(
    ("kind", "lists"),
    [
        ("flex", ["flex_clusters", "flex_list"]),
        ("dedicated", ["collection_list", "dedicated_clusters", "dedicated_list"]),
    ],
    ids=["flex", "dedicated"],
)
def test_an_event_has_its_kinds_listed_now_and_once_more(
    world: World, watching: Environment, kind: Kind, lists: list[str]
) -> None:
    """A list may show the job later than its event. The cluster is new."""
    watching.tick()
    job = world.job(kind, timeline=["running" if kind == "dedicated" else "RUNNING"])
    world.atlas.omit_from_lists(job)
    assert watching.tick()["found"] == 0
    assert asked(world) == sorted(["events", *lists])
    world.atlas.catch_up_lists(job)
    assert watching.tick()["found"] == 1
    # The clusters are remembered.
    assert asked(world) == sorted(["events", *(one for one in lists if one.endswith("_list"))])
    assert watching.tick()["found"] == 0
    assert asked(world) == sorted(["events", kind])


@pytest.mark.fault("F75")
def test_restores_without_an_event_are_found_within_a_quarter_of_an_hour(
    world: World, watching: Environment
) -> None:
    """A collection restore has none at all."""
    watching.tick()
    world.atlas.behaviour.emits_events = False
    jobs = ended_jobs(world)

    assert [result["found"] for result in watching.ticks(15)] == [0] * 14 + [3]
    assert reported_once(world, jobs)


def fill_page(world: World) -> None:
    for _ in range(100):
        world.atlas.add_event(world.group, "TENANT_RESTORE_COMPLETED_AUDIT")


def know_no_type(world: World) -> None:
    world.atlas.behaviour.event_types = frozenset()


def answering(action: Action) -> Callable[[World], object]:
    return lambda world: world.inject(EVENTS, action, times=None)


NO_EVENTS: dict[str, Callable[[World], object]] = {
    "refused": answering(MISSING_ROLE),
    "unknown-type": know_no_type,
    "html": answering(Answer(200, {"Content-Type": "text/html"}, "<html>")),
    "no-results": answering(Answer.json(200, {})),
    "no-answer": answering(Reset()),
    "out-of-order": answering(Answer(503)),
    "out-of-order-for-a-minute": answering(Answer(503, {"Retry-After": "60"})),
    "full-page": fill_page,
}


@pytest.mark.fault("F75")
@cases(
    "spoil",
    rows(NO_EVENTS, "full-page", campaign=("unknown-type", "out-of-order-for-a-minute")),
)
def test_a_project_whose_events_cannot_be_relied_on_is_listed_in_every_sweep(
    world: World, watching: Environment, spoil: Callable[[World], object]
) -> None:
    watching.tick()
    world.atlas.behaviour.emits_events = False
    spoil(world)
    for number in range(2):
        jobs = ended_jobs(world, cluster=f"orders-{number}")
        # A cluster without an event is known when the list is read again.
        assert (watching.tick(10)["found"], reported_once(world, jobs)) == (3, True)
        assert world.count(FLEX_CLUSTERS) >= 1


@pytest.mark.fault("F75")
@cases("late", [1, pytest.param(10, marks=pytest.mark.campaign)], ids=["a-minute", "ten"])
def test_a_late_event_wakes_its_project_when_it_appears(
    world: World, watching: Environment, late: int
) -> None:
    """Also if the project was listed meanwhile, and the list was late as well."""
    world.atlas.add_cluster(world.group, "orders-flex", "flex")
    watching.ticks(2, minutes=14)
    world.atlas.behaviour.emits_events = False
    began = world.atlas.now()
    (job,) = jobs = ended_jobs(world, "flex")
    world.atlas.omit_from_lists(job)
    assert [result["found"] for result in watching.ticks(late)] == [0] * late
    assert mark(world) > began
    world.atlas.catch_up_lists(job)
    world.atlas.add_event(world.group, "TENANT_RESTORE_REQUESTED_AUDIT", at=began)

    assert watching.tick()["found"] == 1
    assert reported_once(world, jobs)


@pytest.mark.fault("F22", "F75")
def test_a_cluster_that_changes_its_kind_has_its_restores_found_at_once(
    world: World, watching: Environment
) -> None:
    world.atlas.add_cluster(world.group, "orders", "flex")
    watching.tick()
    kinds: tuple[Kind, ...] = ("dedicated", "flex")
    for kind in kinds:
        world.atlas.remove_cluster(world.group, "orders")
        job = world.finished_job(kind, cluster="orders")
        assert watching.tick()["found"] == 1
        assert reported_once(world, [job])
