"""When a sweep asks for a list instead of each job, and what it does without a usable one."""

import pytest

from integration.checking import received, statuses, stored
from integration.sweeping import (
    NOTHING_NEW,
    Sweeping,
    asked,
    asked_about,
    start_several,
)
from local_stack.atlas import Kind
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack
from restore_watch.atlas.pages import page_for
from restore_watch.sweep.follow.lists import NEWER_JOBS


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_one_list_answers_for_all_open_jobs_of_a_cluster(
    sweeping: Sweeping, stack: LocalStack, group: str, kind: Kind
) -> None:
    restores = start_several(stack, group, 3, kind)
    sweeping.check(*restores)
    assert sweeping.sweep() == {"open": 3, "found": 0, "checked": 3} | NOTHING_NEW
    # A list may lag, so one job in turn gets a call of its own.
    assert asked(stack) == [kind, f"{kind}_list"]
    assert len(sweeping.lines("unchanged")) == 4

    restores[1].run_to_end()
    assert sweeping.sweep()["changed"] == 1

    assert asked(stack) == [kind, f"{kind}_list"]
    assert statuses(received(stack)) == ["COMPLETED"]
    assert stored(stack, restores[1])["status"] == "COMPLETED"


def test_dedicated_and_collection_restores_of_a_cluster_have_a_list_each(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    collections = start_several(stack, group, 3, "collection")
    sweeping.check(*collections, kind="collection")
    sweeping.check(*start_several(stack, group, 2, "dedicated"))
    assert sweeping.sweep() == {"open": 5, "found": 0, "checked": 5} | NOTHING_NEW
    assert asked(stack) == ["collection", "collection_list", "dedicated", "dedicated_list"]

    collections[0].run_to_end()
    stack.atlas.omit_from_lists(collections[0])
    assert sweeping.sweep()["changed"] == 1

    assert asked(stack) == [*["collection"] * 2, "collection_list", "dedicated", "dedicated_list"]
    assert statuses(received(stack)) == ["COMPLETED"]
    assert stored(stack, collections[0])["atlasStatus"] == "SUCCESSFUL"


def test_a_collection_restore_that_is_gone_is_looked_for_at_no_other_endpoint(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 2, "collection")
    sweeping.check(*restores, kind="collection")
    for restore in restores:
        stack.atlas.hide_restore(restore)

    failures = sweeping.sweep()["failures"]

    assert [one["error"] for one in failures] == ["RestoreJobNotFoundError"] * 2
    # What its own endpoint does not know is looked for in the whole list, which is read once.
    assert asked(stack)[:2] == ["collection", "collection"]
    assert set(asked(stack)[2:]) == {"collection_list"}


def test_clusters_of_the_same_name_are_asked_in_their_own_projects(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    other = group[::-1]
    sweeping.check(*start_several(stack, group, 2), *start_several(stack, other, 1))

    sweeping.sweep()

    assert asked(stack) == ["flex", "flex", "flex_list"]


def test_a_job_that_the_list_does_not_show_is_asked_about_by_itself(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 3)
    sweeping.check(*restores)
    stack.atlas.omit_from_lists(restores[2])
    restores[2].run_to_end()

    result = sweeping.sweep()

    assert (result["checked"], result["changed"]) == (3, 1)
    assert asked(stack) == ["flex", "flex", "flex_list"]
    assert restores[2].restore_id in asked_about(stack)


def test_jobs_whose_entries_cannot_be_read_are_asked_about_one_by_one(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 3)
    sweeping.check(*restores)
    for restore in restores[:2]:
        stack.atlas.omit_from_lists(restore)
        stack.atlas.add_to_list(group, "orders", "flex", {"id": restore.restore_id})
    stack.atlas.add_to_list(group, "orders", "flex", None)

    assert sweeping.sweep() == {"open": 3, "found": 0, "checked": 3} | NOTHING_NEW
    assert asked(stack) == ["flex", "flex", "flex", "flex_list"]


def test_a_list_that_lags_behind_changes_nothing(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 2)
    stack.atlas.lag_lists(restores[0])
    restores[0].advance()
    sweeping.check(*restores)

    assert sweeping.sweep() == {"open": 2, "found": 0, "checked": 2} | NOTHING_NEW
    assert stored(stack, restores[0])["status"] == "QUEUED"


def test_a_list_that_showed_no_open_job_twice_is_not_asked_for_within_an_hour(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """The order of a list is not documented: here the oldest jobs come first."""
    stack.atlas.behaviour.list_order = "oldest first"
    start_several(stack, group, page_for(2 + NEWER_JOBS).size)
    sweeping.check(*start_several(stack, group, 2))

    for wait, operations in (
        (0, ["flex", "flex", "flex_list"]),
        (60, ["flex", "flex", "flex_list"]),
        (60, ["flex", "flex"]),
        (3530, ["flex", "flex", "token"]),
        (20, ["flex", "flex", "flex_list"]),
    ):
        assert sweeping.sweep_after(wait)["checked"] == 2
        assert asked(stack) == operations


USELESS_LISTS: dict[str, Answer] = {
    "not found": atlas_error(404, "CLUSTER_NOT_FOUND", "No such list."),
    "bad request": atlas_error(400, "VALIDATION_ERROR", "Not like this."),
    "gone": atlas_error(410, "VERSION_GONE", "Its sunset is past."),
    "refused": atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours."),
    "no results": Answer.json(200, {"jobs": []}),
    "not JSON": Answer(200, {"Content-Type": "text/html"}, "<html>"),
}


@pytest.mark.parametrize("answer", USELESS_LISTS.values(), ids=USELESS_LISTS)
def test_after_a_list_that_is_of_no_use_the_jobs_are_asked_about_one_by_one(
    sweeping: Sweeping, stack: LocalStack, group: str, answer: Answer
) -> None:
    sweeping.check(*start_several(stack, group, 2))
    stack.atlas.script("flex_list", answer, answer)

    for _ in range(2):
        assert sweeping.sweep() == {"open": 2, "found": 0, "checked": 2} | NOTHING_NEW
        assert asked(stack) == ["flex", "flex", "flex_list"]

    sweeping.sweep()
    assert asked(stack) == ["flex", "flex"]
