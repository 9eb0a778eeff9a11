"""Which restore job of a cluster is the newest one, however its list is."""

import json
from datetime import timedelta
from typing import Any

import pytest

from local_stack.atlas import Kind
from local_stack.steps import COLLECTION_LIST, FLEX_LIST, MISSING_ROLE
from local_stack.wire import Answer
from local_stack.world import World
from restore_watch.errors import RestoreJobNotFoundError, UnexpectedAtlasResponseError


def newest(world: World, **more: Any) -> dict[str, Any]:
    named = {"action": "newest-restore", "groupId": world.group, "clusterName": "orders"}
    return world.environment().answer({**named, **more})


def test_a_list_in_no_order_is_read_to_its_end(world: World) -> None:
    apart = timedelta(hours=3)
    world.atlas.add_ended_restores(world.group, "orders", "flex", 8, apart=apart)
    world.atlas.order_list(world.group, "orders", "oldest first")
    world.atlas.behaviour.largest_page = 2
    last = world.job(cluster="orders")

    assert newest(world)["restoreId"] == last.restore_id
    assert world.count(FLEX_LIST) == 5
    assert world.items() == []


def test_a_list_that_repeats_a_page_for_ever_is_an_error(world: World) -> None:
    world.atlas.add_cluster(world.group, "orders", "flex")
    page = {"results": [{"id": "5f" * 12}], "links": [{"rel": "next", "href": "-"}]}
    world.inject(FLEX_LIST, Answer(200, body=json.dumps(page)), times=None)

    world.raised(UnexpectedAtlasResponseError, lambda: newest(world))
    assert world.count(FLEX_LIST) == 2


def test_a_job_of_the_same_second_was_created_after_the_moment(world: World) -> None:
    """An ObjectId has whole seconds."""
    job = world.job(cluster="orders", restore_id="6ac38b14" + "5f" * 8)
    found = newest(world, createdAfter="2026-10-05T11:33:40.900+00:00")
    assert found["restoreId"] == job.restore_id

    later = "2026-10-05T11:33:41.000+00:00"
    error = world.raised(RestoreJobNotFoundError, lambda: newest(world, createdAfter=later))
    assert "created after 2026-10-05T11:33:41Z" in str(error)


def test_a_restore_whose_id_cannot_be_read_may_be_the_newest(world: World) -> None:
    world.job(cluster="orders")
    world.atlas.add_to_list(world.group, "orders", "flex", {"id": {"$oid": 1}})

    world.raised(UnexpectedAtlasResponseError, lambda: newest(world))


@pytest.mark.parametrize(
    "kinds",
    [("dedicated", "collection"), ("collection", "dedicated")],
    ids=["a collection", "a cluster"],
)
def test_of_a_dedicated_cluster_a_restore_of_either_kind_may_be_the_newest(
    world: World, kinds: tuple[Kind, ...]
) -> None:
    for kind in kinds:
        world.pass_time(60)
        last = world.job(kind, "orders")

    assert newest(world)["restoreId"] == last.restore_id


def test_without_a_role_for_collection_restores_the_newest_of_the_cluster_is_found(
    world: World,
) -> None:
    job = world.job("dedicated", "orders")
    with world.inject(COLLECTION_LIST, MISSING_ROLE, times=None):
        assert newest(world)["restoreId"] == job.restore_id
