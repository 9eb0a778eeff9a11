"""What a listing of a project reads, what it takes in, and what it costs."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from behaviour.projects import (
    KINDS,
    asked,
    behind,
    ended_jobs,
    listed,
    mark,
    of,
    reported_once,
)
from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind, Role
from local_stack.behaviour import ListOrder
from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS, ROOT
from local_stack.steps import COLLECTION_LIST, FLEX_LIST, QUESTION
from local_stack.wire import LoopbackServer, Selection, Wire
from local_stack.world import World

cases = pytest.mark.parametrize

UNKNOWN_404 = atlas_error(404, "RESOURCE_NOT_FOUND", "No such thing.")

RUNNING: dict[Kind, str] = {"flex": "RUNNING", "dedicated": "running", "collection": "IN_PROGRESS"}


def add_clusters(world: World, *names: str, kind: Kind = "flex") -> None:
    for name in names:
        world.atlas.add_cluster(world.group, name, kind)


# What is of interest


@pytest.mark.campaign
@pytest.mark.fault("F79")
@cases("order", ["newest first", "oldest first", "shuffled"])
def test_a_first_listing_sends_no_history_but_what_runs(
    world: World, watching: Environment, order: ListOrder
) -> None:
    """Three months of a restore, in a cluster of each kind. Atlas gives small pages."""
    world.atlas.behaviour.largest_page = 300
    now = world.atlas.now()
    recent = []
    for kind in KINDS:
        for days in (5, 8):
            running, at = [RUNNING[kind]], now - timedelta(days=days)
            recent.append(world.job(kind, kind, timeline=running, at=at))
        world.atlas.add_ended_restores(world.group, kind, kind, 720, apart=timedelta(hours=3))
        world.atlas.order_list(world.group, kind, order)
    results = watching.ticks(2, minutes=15)

    assert [(one["found"], one["published"], one["failures"]) for one in results] == [
        (3, 3, []),
        (0, 0, []),
    ]
    assert [len(world.published(job)) for job in recent] == [1, 0] * 3
    jobs = [item for item in world.stack.items() if item["cluster"] != "sweeps"]
    assert len(jobs) == 3


# Large projects and lists


MEGABYTE = 1_000_000


def old_jobs_and_a_new_one(
    world: World, kind: Kind, count: int
) -> tuple[list[EmulatedRestore], EmulatedRestore]:
    """A list of jobs that ended long ago, and a new one that it shows last."""
    cluster = f"orders-{kind}"
    old = world.atlas.add_ended_restores(world.group, cluster, kind, count)
    world.atlas.order_list(world.group, cluster, "oldest first")
    return old[::-1], ended_jobs(world, kind)[0]


def pages(world: World, step: Selection) -> list[tuple[int, int]]:
    """The sizes and numbers of the pages that were asked for."""
    queries = [call.query for call in world.calls(step)]
    return [(int(one["itemsPerPage"]), int(one["pageNum"])) for one in queries]


def pad(jobs: Sequence[EmulatedRestore], size: int) -> None:
    for job in jobs:
        job.set(padding="x" * size)


@pytest.mark.campaign
@pytest.mark.fault("F88")
def test_a_list_whose_pages_are_too_large_is_read_in_smaller_ones_from_then_on(
    world: World, watching: Environment
) -> None:
    old, new = old_jobs_and_a_new_one(world, "flex", 589)
    pad(old[500:], MEGABYTE // 5)
    watching.tick()

    assert reported_once(world, [new])
    assert behind(world) == set()
    # The second page has 20 MB. The entries that it begins with are read first.
    halves = [(500, 1), (500, 2), (500, 2), (250, 3), (125, 5), (25, 21)]
    assert pages(world, FLEX_LIST) == [*halves, (25, 22), (25, 23), (25, 24)]
    ended_jobs(world, "flex")
    watching.tick(15)
    assert pages(world, FLEX_LIST)[:2] == [(25, 1), (25, 2)]


@pytest.mark.campaign
@pytest.mark.fault("F88")
def test_a_single_entry_that_is_too_large_keeps_its_list_unread_and_no_other(
    world: World, watching: Environment
) -> None:
    watching.tick()
    (huge,), usual = (ended_jobs(world, "flex", cluster=name) for name in ("huge", "usual"))
    pad([huge], 10 * MEGABYTE)
    result = watching.tick(15)

    assert [one["clusterName"] for one in result["failures"]] == ["huge-flex"]
    assert reported_once(world, usual)
    assert behind(world) == {"flex/huge-flex"}
    assert world.count(FLEX_LIST) <= 10
    pad([huge], 0)

    assert watching.tick()["failures"] == []
    assert reported_once(world, [huge])
    assert behind(world) == set()


@pytest.mark.weekly
@pytest.mark.fault("F88")
def test_the_large_lists_of_many_clusters_fit_into_the_memory_of_the_function(world: World) -> None:
    """32 threads read 60 pages of almost 10 MB. The function has 512 MB."""
    entries = [{"id": f"{number:024x}", "padding": "x" * 20_000} for number in range(490)]
    add_clusters(world, *(f"cluster-{number}" for number in range(60)))
    world.inject(FLEX_LIST, Answer.json(200, {"results": entries}), times=None)
    program = Path(__file__).with_name("large_lists.py")
    account = CREDENTIALS["service_account"].values()

    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(program), world.atlas.url, world.group, "60", *account],
        env=os.environ | {"PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    read, megabytes = map(int, run.stdout.split())
    assert read == 60 * 490
    assert megabytes < 400


# Clusters of which there is nothing to read


OF_ODD = of(QUESTION, "/clusters/odd/")

NEVER_ANSWERED: dict[str, tuple[Selection, Answer | None, int]] = {
    "404": (OF_ODD, UNKNOWN_404, 1),
    "404-without-code": (OF_ODD, Answer.json(404, {"error": 404}), 1),
    "400": (OF_ODD, atlas_error(400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED", "Free."), 1),
    "no-backups": (OF_ODD, atlas_error(404, "BACKUP_CONFIG_NOT_FOUND", ""), 0),
    "no-collection-restores": (COLLECTION_LIST, Answer(405), 0),
    "no-role": (OF_ODD, None, 0),
}
"""What Atlas answers, and the number of warnings that say so."""


@pytest.mark.fault("F78", "F81", "F91")
@cases(("step", "answer", "warnings"), rows(NEVER_ANSWERED, "no-role", campaign=("404",)))
def test_what_atlas_never_says_anything_about_is_no_alarm_and_costs_nothing_in_idle_sweeps(
    world: World, watching: Environment, step: Selection, answer: Answer | None, warnings: int
) -> None:
    add_clusters(world, "odd", kind="dedicated")
    if answer:
        world.inject(step, answer, times=None)
    else:
        world.atlas.grant(CREDENTIALS["service_account"]["client_id"], Role.READ_ONLY)
    warned = []
    for minutes in (1, 15, 15, 1):
        result = watching.tick(minutes)
        warned += [line for line in watching.lines(level="WARNING") if "odd" in str(line)]

    assert (asked(world), result["failures"], len(warned)) == (["events"], [], warnings)
    assert world.watch_said() == []
    assert mark(world).isoformat() > world.bookkeeping()["firstMark"]


ASKED_AGAIN: dict[str, tuple[Answer, int]] = {
    "out of order": (Answer(503), 2),
    "out of order for a minute": (Answer(503, {"Retry-After": "60"}), 2),
    "refused": (atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours."), 1),
}


@pytest.mark.fault("F33")
@cases(("answer", "questions"), ASKED_AGAIN.values(), ids=ASKED_AGAIN)
def test_a_list_that_atlas_refuses_is_asked_for_once_in_a_sweep(
    world: World, watching: Environment, answer: Answer, questions: int
) -> None:
    add_clusters(world, "bad")
    world.inject(FLEX_LIST, answer, times=None)
    watching.tick()

    assert world.count(FLEX_LIST) == questions


@pytest.mark.fault("F91")
def test_a_free_cluster_is_not_asked_for_restores_and_the_others_are(
    world: World, watching: Environment
) -> None:
    free = world.atlas.add_cluster(world.group, "free", "dedicated")
    refusal = atlas_error(400, "ATLAS_HAS_NO_SUCH_THING", "Nobody has seen this code.")
    world.inject(of(QUESTION, "/free/"), refusal, times=None)
    # So it was with version 1.0.0.
    watching.tick()
    assert behind(world) == {"collection/free", "dedicated/free"}

    free.provider_name = "TENANT"
    jobs = ended_jobs(world, "dedicated")
    watching.tick(15)
    assert (reported_once(world, jobs), behind(world)) == (True, set())

    assert watching.tick(15)["failures"] == []
    assert listed(world) == ["orders-dedicated"] * 2


@pytest.mark.fault("F106")
def test_a_cluster_whose_name_no_path_may_have_is_named_once_and_its_project_is_seen(
    world: World, watching: Environment
) -> None:
    odd = ("orders_late", "../groups", "late\r\n", "n" * 10_000)
    add_clusters(world, *odd, kind="dedicated")
    free = world.atlas.add_cluster(world.group, "free_one", "dedicated")
    free.provider_name = "TENANT"
    jobs = ended_jobs(world)
    warned = []
    for minutes in (1, 15, 15):
        assert watching.tick(minutes)["failures"] == []
        warned += [line["cluster_name"] for line in watching.lines(level="WARNING")]

    assert (reported_once(world, jobs), behind(world)) == (True, set())
    assert sorted(warned) == ["../groups", "late ", "n" * 64, "orders_late"]
    assert world.watch_said() == []
    assert mark(world).isoformat() > world.bookkeeping()["firstMark"]


# Odd lists


@pytest.mark.fault("F69")
def test_entries_of_unknown_shape_do_not_hide_the_others(
    world: World, watching: Environment
) -> None:
    watching.tick()
    (job,) = ended_jobs(world, "flex")
    odd: tuple[Any, ...] = (
        *(None, 5, [[]], {"status": "COMPLETED"}),
        *({"id": {"$oid": 1}}, {"id": "0" * 24, "status": 7}),
    )
    for entry in odd:
        world.atlas.add_to_list(world.group, job.cluster, "flex", entry)
    watching.tick()

    assert reported_once(world, [job])


@pytest.fixture
def elsewhere() -> Iterator[LoopbackServer]:
    """Another host, which nobody may ask."""

    def answer(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b'{"results": []}']

    wire = Wire(answer, lambda _: ("elsewhere", "any"))
    with LoopbackServer(wire) as server:
        yield server
        assert wire.calls == ()


@pytest.mark.fault("F69")
def test_a_link_to_the_next_page_at_another_host_is_not_followed(
    world: World, watching: Environment, elsewhere: LoopbackServer
) -> None:
    watching.tick()
    (job,) = ended_jobs(world, "flex")
    link = {"rel": "next", "href": f"{elsewhere.url}/list"}
    world.inject(FLEX_LIST, Answer.json(200, {"links": [link], "results": [job.body("flex")]}))
    watching.tick()

    # The next page is asked for by its number, at Atlas.
    assert [call.query["pageNum"] for call in world.calls(FLEX_LIST)] == ["1", "2"]
    assert reported_once(world, [job])
