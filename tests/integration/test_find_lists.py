"""What a listing reads, and which of the restore jobs it takes in."""

from datetime import timedelta

import pytest

from integration.checking import expected_job, statuses
from integration.sweeping import asked, break_project
from integration.watching import (
    CLUSTER_LISTS,
    MINUTE,
    STATUS,
    OddEntries,
    Watching,
    job_messages,
    messages,
    project_item,
)
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.behaviour import ListOrder
from local_stack.faults import Answer, Reset
from local_stack.restores import date
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault

KINDS: tuple[Kind, ...] = ("flex", "dedicated", "collection")

SOME_DAYS = timedelta(days=5)

RUNNING: dict[Kind, str] = {"flex": "RUNNING", "dedicated": "running", "collection": "IN_PROGRESS"}


def running(
    stack: LocalStack, group: str, kind: Kind, age: timedelta, cluster: str | None = None
) -> EmulatedRestore:
    """A restore that began so long ago and runs."""
    return stack.atlas.start_restore(
        group, cluster or kind, kind, timeline=[RUNNING[kind]], at=stack.atlas.now() - age
    )


@pytest.mark.parametrize("order", ["newest first", "oldest first", "shuffled"])
def test_a_first_listing_sends_no_history_but_what_runs(
    watching: Watching, stack: LocalStack, group: str, order: ListOrder
) -> None:
    recent = [running(stack, group, kind, SOME_DAYS) for kind in KINDS]
    for kind in KINDS:
        # Three months of an hourly test restore, in three clusters.
        stack.atlas.add_ended_restores(group, kind, kind, 720, apart=timedelta(hours=3))
        stack.atlas.order_list(group, kind, order)
        running(stack, group, kind, timedelta(days=8))
    result = watching.tick()

    assert (result["found"], result["published"], result["failures"]) == (3, 3, [])
    found = {one.event["subject"] for one in job_messages(stack)}
    assert found == {restore.restore_id for restore in recent}
    jobs = [item for item in stack.items() if item["cluster"] != "sweeps"]
    assert {item["restoreId"] for item in jobs} == found


def test_a_list_whose_newest_jobs_come_first_is_read_as_far_as_it_is_new(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_ended_restores(group, "orders", "flex", 1600, apart=timedelta(minutes=11))
    watching.tick()
    # Of eleven days, those of seven are looked at, in case they run.
    assert asked(stack).count("flex_list") == 2
    stack.atlas.start_restore(group, "orders", "flex")

    assert watching.tick()["found"] == 1
    assert asked(stack).count("flex_list") == 1


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_a_first_listing_takes_a_download_whose_link_is_still_valid(
    watching: Watching, stack: LocalStack, group: str, kind: Kind
) -> None:
    ready, over = (
        stack.atlas.start_restore(
            group,
            "orders",
            kind,
            delivery_type="DOWNLOAD" if kind == "flex" else "download",
            at=stack.atlas.now() - timedelta(hours=3),
        )
        for _ in range(2)
    )
    finished, expires = (
        ("restoreFinishedDate", "expirationDate") if kind == "flex" else ("finishedAt", "expiresAt")
    )
    now = stack.atlas.now()
    for restore, hours in ((ready, 1), (over, -1)):
        restore.run_to_end()
        ended, ends = (date(now + timedelta(hours=one)) for one in (-2, hours))
        restore.set(**{finished: ended, expires: ends})

    assert watching.tick()["found"] == 1
    (message,) = job_messages(stack)
    assert message.event["id"] == f"{ready.restore_id}:COMPLETED"
    assert message.event["data"]["downloadAvailable"]


def test_restores_that_began_and_ended_in_an_outage_are_reported_afterwards(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    for kind in KINDS:
        stack.atlas.add_cluster(group, kind, kind)
    watching.tick()
    outage = break_project(stack, group, Reset(), times=None)
    watching.ticks(3, minutes=10)
    restores = {kind: stack.atlas.start_restore(group, kind, kind) for kind in KINDS}
    watching.ticks(3, minutes=10)
    for restore in restores.values():
        restore.run_to_end()
    watching.ticks(6, minutes=10)
    assert job_messages(stack) == []
    outage.remove()

    result = watching.tick()
    assert (result["found"], result["failures"]) == (3, [])
    received = [one for one in messages(stack) if one.event["type"] == STATUS]
    by_id = {message.event["subject"]: message.event["data"] for message in received}
    assert len(received) == len(by_id) == 3
    for kind, restore in restores.items():
        said = by_id[restore.restore_id]
        assert expected_job(restore, kind, "COMPLETED").items() <= said.items()
        assert (said["previousStatus"], said["sequence"]) == (None, 1)
        assert 29 * MINUTE <= said["durationSeconds"] <= 32 * MINUTE
        assert 60 * MINUTE <= said["detectionLatencySeconds"] <= 63 * MINUTE


def test_a_restore_that_shifting_pages_show_twice_is_reported_once(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    """The list has its newest job first, and one begins between two pages."""
    pair = [running(stack, group, "flex", SOME_DAYS + timedelta(hours=n), "orders") for n in (1, 2)]
    stack.atlas.add_ended_restores(group, "orders", "flex", 499, apart=timedelta(minutes=5))
    began: list[EmulatedRestore] = []

    def shift(call: Call, phase: str) -> None:
        if (call.operation, phase) == ("flex_list", "after") and not began:
            began.append(running(stack, group, "flex", timedelta(), "orders"))

    with stack.atlas.wire.listen(shift):
        results = [watching.tick(), watching.tick()]

    assert [result["found"] for result in results] == [2, 1]
    told = [message.event["subject"] for message in job_messages(stack)]
    assert sorted(told) == sorted(one.restore_id for one in (*pair, *began))


def test_a_project_of_two_hundred_clusters_is_listed_in_one_sweep(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    for number in range(100):
        stack.atlas.add_cluster(group, f"flex-{number}", "flex")
        stack.atlas.add_cluster(group, f"dedicated-{number}", "dedicated")
    for number in (3, 50, 99):
        for kind in ("flex", "dedicated"):
            stack.atlas.start_restore(group, f"{kind}-{number}", kind).run_to_end()
    result = watching.tick()

    assert (result["found"], result["failures"]) == (6, [])
    calls = asked(stack)
    lists = ("flex_list", "dedicated_list", "collection_list")
    assert [calls.count(name) for name in lists] == [100] * 3
    assert project_item(stack, group)["behind"] == {}
    assert statuses(job_messages(stack)) == ["COMPLETED"] * 6


@pytest.mark.parametrize("kind", KINDS)
def test_a_cluster_that_is_deleted_before_its_jobs_are_read_counts_as_read(
    watching: Watching, stack: LocalStack, group: str, kind: Kind
) -> None:
    stack.atlas.add_cluster(group, "doomed", kind)
    stack.atlas.start_restore(group, f"other-{kind}", kind)

    def delete(call: Call, phase: str) -> None:
        is_list = call.operation in CLUSTER_LISTS and phase == "after"
        if is_list and (kind == "flex") == (call.operation == "flex_clusters"):
            stack.atlas.remove_cluster(group, "doomed")

    with stack.atlas.wire.listen(delete):
        result = watching.tick()

    assert (result["found"], result["failures"]) == (1, [])
    item = project_item(stack, group)
    assert item["behind"] == {}
    assert item["mark"] > item["firstMark"]


def test_a_cluster_without_backups_counts_as_read(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "dedicated")
    code = "BACKUP_CONFIG_NOT_FOUND"
    answer = Answer.json(404, {"error": 404, "errorCode": code, "detail": "", "reason": ""})
    stack.atlas.script("dedicated_list", answer)

    assert watching.tick()["failures"] == []
    assert project_item(stack, group)["behind"] == {}


def test_events_of_unknown_shape_have_the_project_listed(
    watching: Watching, stack: LocalStack, group: str
) -> None:
    odd = OddEntries([None, 7, "text", [], {}, {"id": 7}, {"id": "../x"}])
    stack.atlas.wire.inject(Fault(operation="events", action=odd, times=None))
    for kind in KINDS:
        stack.atlas.start_restore(group, kind, kind)
    result = watching.tick()

    assert (result["found"], result["failures"]) == (3, [])
