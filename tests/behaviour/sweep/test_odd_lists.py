"""Lists of a cluster's restore jobs that are not as expected."""

from collections.abc import Iterator
from typing import Any

import pytest

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Close
from local_stack.refusal import atlas_error
from local_stack.steps import DEDICATED, DEDICATED_LIST, FLEX, FLEX_LIST, too_many_requests
from local_stack.wire import LoopbackServer, Selection, Wire
from local_stack.world import DONE, World


def ending_jobs(
    world: World, number: int, kind: Kind = "flex", clusters: int = 1
) -> list[EmulatedRestore]:
    """Recorded jobs that have ended since."""
    steps = ["running", "finished"] if kind == "dedicated" else ["RUNNING", "COMPLETED"]
    jobs = world.recorded_jobs(number, kind, clusters=clusters, timeline=steps)
    for job in jobs:
        job.advance()
    return jobs


def assert_all_ended(world: World, environment: Environment, jobs: list[EmulatedRestore]) -> None:
    """A sweep sees the ends of all jobs, and nothing fails."""
    result = environment.tick()
    counts = result["checked"], result["changed"], result["notReached"], result["failures"]
    assert counts == (len(jobs), len(jobs), 0, [])
    assert [world.stored(job) for job in jobs] == [DONE] * len(jobs)


NO_LISTS: dict[str, Action] = {
    "500": Answer(500),
    "no-answer": Close(),
    "404": Answer(404),
    "cluster-not-found": atlas_error(404, "CLUSTER_NOT_FOUND", "No such list."),
    "bad-request": atlas_error(400, "VALIDATION_ERROR", "Not like this."),
    "gone": atlas_error(410, "VERSION_GONE", "Its sunset is past."),
    "refused": atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours."),
    "no-results": Answer.json(200, {"jobs": []}),
    "not-json": Answer(200, {"Content-Type": "text/html"}, "<html>"),
}


@pytest.mark.fault("F69", "F33")
@pytest.mark.parametrize("answer", rows(NO_LISTS, "cluster-not-found", campaign=()))
def test_jobs_are_asked_about_by_id_when_their_list_is_of_no_use(
    world: World, environment: Environment, answer: Action
) -> None:
    jobs = ending_jobs(world, 8, clusters=4)
    world.inject(FLEX_LIST, answer, times=None)

    assert_all_ended(world, environment, jobs)
    assert world.count(FLEX_LIST) <= 8
    assert world.count(FLEX) == 8


@pytest.mark.fault("F31", "F71")
def test_jobs_whose_list_is_limited_are_left_to_the_next_sweep(
    world: World, environment: Environment
) -> None:
    """To ask about each of them would take more of the limit."""
    jobs = ending_jobs(world, 3)
    with world.inject(FLEX_LIST, too_many_requests(), times=None):
        result = environment.tick()
    assert (result["checked"], result["notReached"], result["failures"]) == (0, 3, [])
    assert world.count(FLEX) == 0

    assert_all_ended(world, environment, jobs)


@pytest.mark.fault("F69")
def test_entries_of_unknown_shape_do_not_hide_the_others(
    world: World, environment: Environment
) -> None:
    jobs = ending_jobs(world, 2)
    odd: tuple[Any, ...] = (
        *(None, 5, [[]], {"status": "COMPLETED"}),
        *({"id": {"$oid": 1}}, {"id": "0" * 24, "status": 7}),
    )
    for entry in odd:
        world.atlas.add_to_list(world.group, jobs[0].cluster, "flex", entry)

    assert_all_ended(world, environment, jobs)
    assert world.count(FLEX) == 0


@pytest.mark.fault("F69")
@pytest.mark.parametrize(
    ("kind", "single", "listed", "wrong"),
    [
        ("flex", FLEX, FLEX_LIST, {"status": []}),
        ("dedicated", DEDICATED, DEDICATED_LIST, {"deliveryType": 7}),
    ],
    ids=["flex", "dedicated"],
)
def test_a_job_whose_entry_cannot_be_read_is_asked_about_by_id(
    world: World,
    environment: Environment,
    kind: Kind,
    single: Selection,
    listed: Selection,
    wrong: dict[str, Any],
) -> None:
    jobs = ending_jobs(world, 2, kind)
    odd, _ = jobs
    world.atlas.omit_from_lists(odd)
    world.atlas.add_to_list(world.group, odd.cluster, kind, odd.body(kind) | wrong)

    assert_all_ended(world, environment, jobs)
    assert (world.count(listed), world.count(single)) == (1, 1)


# Pages


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


@pytest.mark.campaign
@pytest.mark.fault("F69")
@pytest.mark.parametrize(
    "path",
    ["/list", "/api/atlas/v2/groups/{group}/flexClusters/many-0/backup/restoreJobs?pageNum=2"],
    ids=["any", "the-same"],
)
def test_a_link_to_the_next_page_at_another_host_is_not_followed(
    world: World, environment: Environment, elsewhere: LoopbackServer, path: str
) -> None:
    jobs = ending_jobs(world, 3)
    link = {"rel": "next", "href": elsewhere.url + path.format(group=world.group)}
    world.inject(FLEX_LIST, Answer.json(200, {"links": [link], "results": [jobs[0].body("flex")]}))

    assert_all_ended(world, environment, jobs)
    # The next page is asked for by its number, at Atlas.
    assert [call.query["pageNum"] for call in world.calls(FLEX_LIST)] == ["1", "2"]
