"""A restore is late by the tag `rto` of its cluster, where sweeps can read it."""

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from behaviour.projects import Changed, project_with
from behaviour.rows import pairs, rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.faults import Action, Answer, Reset
from local_stack.steps import FLEX_CLUSTERS, MISSING_ROLE
from local_stack.wire import Selection
from local_stack.world import World

cases = pytest.mark.parametrize

type Late = Callable[[], list[float]]

OF_STACK = timedelta(hours=1)


@pytest.fixture
def late(capsys: pytest.CaptureFixture[str]) -> Late:
    """By how many seconds restores were late, as the metric has it since the last look."""

    def read() -> list[float]:
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        return [line["SecondsOverRto"][0] for line in lines if "SecondsOverRto" in line]

    return read


def begun(world: World, kind: Kind = "flex", **said: Any) -> EmulatedRestore:
    """A restore that begins now, of a cluster whose entry says this too."""
    name = f"cluster-{secrets.token_hex(4)}"
    world.atlas.add_cluster(world.group, name, kind).said = said
    return world.recorded_job(kind, cluster=name)


def running(world: World, kind: Kind = "flex", **said: Any) -> EmulatedRestore:
    """The same, two hours later."""
    job = begun(world, kind, **said)
    world.pass_time(2 * 3600)
    return job


def tagged(value: object, key: str = "rto") -> list[dict[str, object]]:
    return [{"key": key, "value": value}]


TAGS: dict[str, tuple[dict[str, Any], float]] = {
    "longer": ({"tags": tagged("3h")}, 0),
    "shorter": ({"tags": tagged("30m")}, 5400),
    "none": ({"tags": tagged("0")}, 0),
    "no-tag": ({"tags": []}, 3600),
    "another-tag": ({"tags": tagged("3h", "team")}, 3600),
    "unreadable": ({"tags": tagged("3 hours")}, 3600),
    "number": ({"tags": tagged(3)}, 3600),
    "no-tags": ({"tags": None}, 3600),
    "odd": ({"tags": [7, {"key": []}, *tagged("3h")]}, 0),
}


@cases(
    ("said", "over", "kind"),
    pairs(
        TAGS,
        {"flex": "flex", "dedicated": "dedicated"},
        *("longer-dedicated", "shorter-flex", "unreadable-dedicated"),
    ),
)
def test_a_running_restore_is_late_by_the_tag_of_its_cluster(
    world: World, late: Late, kind: Kind, said: dict[str, Any], over: float
) -> None:
    running(world, kind, **said)
    late()
    world.environment(rto=OF_STACK).tick()

    assert late() == ([pytest.approx(over, abs=90)] if over else [])


def test_the_latest_restore_counts_and_the_lists_are_read_once_an_hour(
    world: World, late: Late
) -> None:
    running(world, tags=tagged("30m"))
    running(world, tags=tagged("3h"))
    environment = world.environment(rto=OF_STACK)
    reads: list[int] = []
    late()
    for minutes in (1, 10, 60):
        environment.tick(minutes)
        reads.append(world.count(FLEX_CLUSTERS))

    assert reads == [1, 0, 1]
    assert [round(seconds, -2) for seconds in late()] == [12700, 13300, 16900]


def test_a_project_that_is_listed_anyway_is_not_read_again(world: World, late: Late) -> None:
    running(world, tags=tagged("3h"))
    world.watching(rto=OF_STACK).tick()

    assert (world.count(FLEX_CLUSTERS), late()) == (1, [])


FAILURES: dict[str, Action] = {
    "403": MISSING_ROLE,
    "500": Answer(500),
    "429": Answer(429),
    "no-answer": Reset(),
    "odd": Answer.json(200, {"results": 7}),
    "cut-short": Answer.json(200, {"results": [], "links": [{"rel": "next", "href": "x"}]}),
}


@pytest.mark.fault("F128")
@cases("failure", rows(FAILURES, "cut-short"))
def test_tags_that_cannot_be_read_are_no_trouble_and_are_read_again_ten_minutes_later(
    world: World, late: Late, failure: Action
) -> None:
    """Meanwhile, the stack counts."""
    running(world, tags=tagged("3h"))
    environment = world.environment(rto=OF_STACK)
    late()
    asked: list[bool] = []
    with world.inject(FLEX_CLUSTERS, failure, times=None):
        for _ in range(8):
            assert environment.tick()["failures"] == []
            asked.append(world.count(FLEX_CLUSTERS) > 0)
    assert asked == [True, *[False] * 7]
    assert len(late()) == 8
    assert world.watch_said() == []
    environment.tick(5)

    assert late() == []


@pytest.mark.fault("F128")
def test_a_name_that_stands_in_both_lists_has_the_tag_of_its_kind(world: World, late: Late) -> None:
    job = running(world, tags=tagged("3h"))
    untagged = {"name": job.cluster, "tags": []}
    shown = Changed(lambda body: body | {"results": [untagged]})
    world.inject(Selection("atlas", "dedicated_clusters"), shown, times=None)
    environment = world.watching(rto=OF_STACK)
    late()
    environment.ticks(3, minutes=8)

    assert late() == []


def test_a_cluster_that_is_gone_has_the_objective_of_the_stack(world: World, late: Late) -> None:
    job = running(world, tags=tagged("3h"))
    environment = world.environment(rto=OF_STACK)
    late()
    with world.inject(FLEX_CLUSTERS, Answer.json(200, {"results": []}), times=None):
        environment.tick()
        environment.tick()
        assert world.count(FLEX_CLUSTERS) == 0

    assert len(late()) == 2
    assert world.is_open(job)


def test_the_end_of_a_late_restore_is_late_by_the_tag_of_its_cluster(
    world: World, late: Late
) -> None:
    """A sweep reads the tags of running restores, and a check that publishes an end."""
    by_tag = {tag: begun(world, tags=tagged(tag)) for tag in ("5h", "30m", "4h", "45m")}
    world.pass_time(2 * 3600)
    environment = world.environment(rto=OF_STACK)
    environment.tick()
    late()
    for tag, job in by_tag.items():
        job.run_to_end()
        if tag in {"4h", "45m"}:
            world.check(job, world.environment(rto=OF_STACK))
    environment.tick()

    assert [round(seconds, -2) for seconds in late()] == [4600, 5500]


def test_without_an_objective_of_the_stack_no_tag_is_read(world: World, late: Late) -> None:
    running(world, tags=tagged("30m"))
    running(world, "dedicated", tags=tagged("30m"))
    world.environment().tick()

    assert (world.count(FLEX_CLUSTERS), late()) == (0, [])


def test_running_restores_of_many_projects_cost_one_list_each(world: World, late: Late) -> None:
    for _ in range(4):
        group = project_with(world, "orders", "carts")
        for cluster in ("orders", "carts"):
            world.recorded_job(group=group, cluster=cluster)
    world.environment(rto=OF_STACK).tick()

    assert (world.count(FLEX_CLUSTERS), late()) == (4, [])
