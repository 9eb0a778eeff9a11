"""Projects that the watch cannot see: when that is reported, and when it is over."""

import pytest

from behaviour.projects import (
    BAD,
    asked,
    behind,
    each,
    ended_jobs,
    going_on,
    mark,
    of,
    reported_once,
    unknown,
    with_fields,
)
from behaviour.rows import case, when
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Reset
from local_stack.refusal import atlas_error
from local_stack.steps import (
    COLLECTION_LIST,
    DEDICATED_LIST,
    EVENTS,
    FLEX,
    FLEX_CLUSTERS,
    FLEX_LIST,
    MISSING_ROLE,
    QUESTION,
    too_many_requests,
)
from local_stack.wire import Selection
from local_stack.world import World

cases = pytest.mark.parametrize

HTML = Answer(200, {"Content-Type": "text/html"}, "<html>")
UNKNOWN_404 = atlas_error(404, "RESOURCE_NOT_FOUND", "No such thing.")
INVALID = atlas_error(400, "INVALID_QUERY_PARAMETER", "Invalid.")


TELLING = ("locked-out", "own-503")
CAMPAIGN = (
    "no-role-for-a-kind",
    "no-answer",
    "clusters-400",
    "one-cluster-503",
    "empty-bucket",
    "status",
    "endless-jobs",
)


def row(name: str, faults: str, step: Selection, action: Action, *hidden: str) -> object:
    """A fault that lasts, and the kinds of restores that it hides."""
    return case(name, step, action, hidden, faults=faults, when=when(name, TELLING, CAMPAIGN))


ALL = ("flex", "dedicated", "collection")

LASTING = [
    row("locked-out", "F77 F78", QUESTION, MISSING_ROLE, *ALL),
    row("gone", "F77 F78", QUESTION, atlas_error(404, "GROUP_NOT_FOUND", "No such."), *ALL),
    row("no-answer", "F77 F78", QUESTION, Reset(), *ALL),
    row("html", "F77 F78", QUESTION, HTML, *ALL),
    row("404-without-code", "F82", QUESTION, Answer.json(404, {"error": 404}), *ALL),
    row("clusters-400", "F82", FLEX_CLUSTERS, INVALID, "flex"),
    row("jobs-400", "F82", FLEX_LIST, INVALID, "flex"),
    row("one-cluster-503", "F81", of(FLEX_LIST, "/before-"), Answer(503)),
    row("one-cluster-403", "F81", of(FLEX_LIST, "/before-"), atlas_error(403, "NO", "No.")),
    row("no-role-for-a-kind", "F78", DEDICATED_LIST, MISSING_ROLE, "dedicated"),
    row("no-role-for-events", "F78", EVENTS, MISSING_ROLE),
    row("empty-bucket", "F82", EVENTS, too_many_requests()),
    row("status", "F85", FLEX_LIST, with_fields(status={"name": "RUNNING"}), "flex"),
    row("finish-date", "F85", DEDICATED_LIST, with_fields(finishedAt="yesterday"), "dedicated"),
    row("state", "F85", COLLECTION_LIST, with_fields(state=None), "collection"),
    row("id", "F85", FLEX_LIST, with_fields(id={"$oid": 1}), "flex"),
    row("no-object", "F85", FLEX_LIST, each(lambda _: "a job"), "flex"),
    row("cluster-name", "F85", FLEX_CLUSTERS, with_fields(name=None), "flex"),
    row("more-clusters", "F82", FLEX_CLUSTERS, going_on()),
    row("endless-clusters", "F69 F85", FLEX_CLUSTERS, going_on(lambda _: []), "flex"),
    row("endless-jobs", "F69 F85", FLEX_LIST, going_on()),
    row("endless-emptiness", "F69 F85", FLEX_LIST, going_on(lambda _: []), "flex"),
    row("own-503", "F86", FLEX, Answer(503)),
    row("own-400", "F86", FLEX, INVALID),
    row("own-odd", "F86", FLEX, Answer.json(200, {"id": 7})),
]


@cases(("step", "action", "hidden"), LASTING)
def test_a_fault_that_lasts_is_reported_until_it_is_over_and_hides_no_restore(
    world: World, watching: Environment, step: Selection, action: Action, hidden: tuple[str, ...]
) -> None:
    ended_jobs(world, cluster="before")
    running = world.job(cluster="running", timeline=["RUNNING", "COMPLETED"])
    watching.tick()
    at_first = mark(world)
    world.inject(step, action, times=None)
    watching.tick()
    jobs = ended_jobs(world)
    # Longer than a mark reaches back, and than clusters are remembered.
    watching.ticks(2, minutes=40)
    assert [job.cluster for job in jobs if unknown(world, [job])] == [f"orders-{k}" for k in hidden]
    assert world.watch_said() == [("degraded", world.group)]
    assert len(world.questions()) < 30
    world.heal()
    running.run_to_end()
    watching.tick(15)
    watching.ticks(2, minutes=4)

    assert asked(world) == ["events"]
    degraded, recovered = world.published(world.group)
    assert degraded.removeprefix("degraded") == recovered.removeprefix("recovered")
    assert reported_once(world, jobs)
    assert world.published(running) == ["RUNNING", "COMPLETED"]
    assert (behind(world), mark(world) > at_first) == (set(), True)


@pytest.mark.fault("F81")
def test_a_cluster_that_was_unanswerable_and_then_fails_is_reported_and_found_after_the_repair(
    world: World, watching: Environment
) -> None:
    for name in ("good", "bad"):
        world.atlas.add_cluster(world.group, name, "flex")
    with world.inject(BAD, UNKNOWN_404, times=None):
        watching.ticks(2)
    with world.inject(BAD, Answer(503), times=None):
        watching.ticks(2)
        job = world.finished_job(cluster="bad")
        watching.ticks(2, minutes=4)
    assert world.watch_said() == [("degraded", world.group)]

    assert sum(one["found"] for one in watching.ticks(3)) == 1
    assert reported_once(world, [job])


# What is over, what could never be seen, and what is nobody's fault


def assert_quiet(world: World, watching: Environment) -> None:
    """Nothing fails for eight minutes, and nothing is reported."""
    assert [result["failures"] for result in watching.ticks(3, minutes=4)] == [[]] * 3
    assert world.watch_said() == []


@pytest.mark.fault("F86")
def test_jobs_that_fail_in_turn_are_no_alarm(world: World, environment: Environment) -> None:
    jobs = world.recorded_jobs(2)
    for job in jobs * 3:
        with world.inject(of(FLEX, job.restore_id), Answer(503), times=None):
            environment.tick()
    assert_quiet(world, environment)


@pytest.mark.fault("F22", "F78")
def test_an_outage_is_over_although_the_cluster_of_its_restore_has_become_a_dedicated_one(
    world: World, watching: Environment
) -> None:
    """The Flex endpoint refuses the cluster, and the dedicated one does not know the restore."""
    world.job(cluster="orders", timeline=["RUNNING"])
    watching.tick()
    with world.inject(FLEX, Answer(503), times=None):
        watching.ticks(2, minutes=4)
    world.atlas.add_cluster(world.group, "orders", "dedicated")
    watching.ticks(2, minutes=4)

    assert world.watch_said() == [("degraded", world.group), ("recovered", world.group)]


@pytest.mark.fault("F93")
def test_a_trouble_that_only_another_version_asks_about_is_over_when_all_was_listed(
    world: World, watching: Environment
) -> None:
    watching.tick()
    trouble = {"since": world.now().isoformat(), "error": "AtlasError", "message": "No."}
    world.rewrite_bookkeeping(troubles={"snapshots": trouble}, degraded=trouble)
    watching.ticks(3, minutes=15)
    assert world.watch_said() == [("recovered", world.group)]
