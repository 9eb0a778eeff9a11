"""Listings that end between pages or clusters, and pages that shift: F76 and F81."""

from collections.abc import Callable
from datetime import timedelta
from threading import Lock

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.behaviour import ListOrder
from local_stack.faults import Reset
from local_stack.refusal import atlas_error
from local_stack.wire import Action, Answer, Call, Phase, Selection
from reliability.campaign import Campaign, Stored, always
from reliability.finding import ENDED, MINUTE, Finds, listed
from reliability.steps import JSON, too_many_requests
from reliability.sweeping import FLEX_LIST

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

SOME_DAYS = timedelta(days=5)

FAILURES: dict[str, Action] = {
    "reset": Reset(),
    "out-of-order": Answer(503),
    "limited": too_many_requests({"Retry-After": "40"}),
    "refused": atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not now."),
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>"),
    "cut-off": Answer(200, JSON, '{"results": [{"id": "6948'),
}
any_failure = cases("failure", always(FAILURES, "reset", "html"))


def of_page(number: int) -> Selection:
    return Selection("atlas", "flex_list", lambda call: call.query.get("pageNum") == str(number))


def of_cluster(name: str) -> Callable[[Call], bool]:
    return lambda call: f"/{name}/" in call.path


def running_job(
    campaign: Campaign, age: timedelta = SOME_DAYS, cluster: str = "orders"
) -> EmulatedRestore:
    """A restore that runs since then."""
    return campaign.job(
        cluster=cluster, timeline=["RUNNING", "COMPLETED"], at=campaign.atlas.now() - age
    )


def two_pages(campaign: Campaign) -> list[EmulatedRestore]:
    """A list with running jobs on both sides of the end of its first page."""
    jobs = [running_job(campaign, SOME_DAYS + timedelta(hours=number)) for number in (1, 2)]
    campaign.atlas.add_ended_restores(
        campaign.group, "orders", "flex", 499, apart=timedelta(minutes=5)
    )
    return jobs


@pytest.mark.fault("F76", "F81")
@any_failure
def test_a_listing_that_ends_between_two_pages_is_repeated(
    campaign: Campaign, finds: Finds, failure: Action
) -> None:
    first, second = two_pages(campaign)
    with campaign.inject(of_page(2), failure, times=None):
        assert finds.tick()["found"] == 1
    assert campaign.stored(first) == Stored("RUNNING", 1, 1)
    assert finds.unknown([second])
    item = finds.item()
    assert item["behind"] == {"flex/orders": item["firstMark"]}

    result = finds.tick(application=finds.environment())
    assert (result["found"], result["failures"]) == (1, [])
    assert [campaign.published(job) for job in (first, second)] == [["RUNNING"]] * 2
    assert finds.behind == set()


@pytest.mark.fault("F76", "F81")
@any_failure
def test_a_cluster_that_cannot_be_read_keeps_its_own_mark_and_is_read_in_the_next_sweep(
    campaign: Campaign, finds: Finds, failure: Action
) -> None:
    finds.tick()
    campaign.pass_time(15 * MINUTE)
    jobs = {
        name: finds.ended_jobs("flex", cluster=name)[0] for name in ("one", "unread", "another")
    }
    unread = jobs.pop("unread")
    before = finds.mark
    step = Selection("atlas", "flex_list", of_cluster("unread-flex"))
    with campaign.inject(step, failure, times=None):
        for _ in range(3):
            finds.tick()
            # What a refusal or a limit stops is asked in no order that the others depend on.
            if all(campaign.item(job) for job in jobs.values()):
                break
    assert finds.reported_once(list(jobs.values()))
    assert finds.mark > before
    assert "flex/unread-flex" in finds.behind
    assert finds.unknown([unread])

    finds.tick(application=finds.environment())
    assert "unread-flex" in listed(finds.sweeps)
    assert finds.reported_once([unread])
    assert finds.behind == set()


@pytest.mark.fault("F76")
@cases("order", ["newest first", "oldest first", "shuffled"])
def test_pages_that_shift_hide_nothing_and_repeat_no_message(
    campaign: Campaign, finds: Finds, order: ListOrder
) -> None:
    jobs = two_pages(campaign)
    campaign.atlas.order_list(campaign.group, "orders", order)
    began: list[EmulatedRestore] = []

    def shift(call: Call, phase: Phase) -> None:
        if FLEX_LIST.covers(call) and phase == "after" and len(began) < 3:
            began.append(running_job(campaign, timedelta()))

    with campaign.atlas.wire.listen(shift):
        finds.ticks(3)

    assert len(began) >= 3
    for job in (*jobs, *began):
        assert campaign.stored(job) == Stored("RUNNING", 1, 1)
        assert campaign.published(job) == ["RUNNING"]


@pytest.mark.fault("F81")
@cases("gone", ["deleted", "upgraded"])
def test_a_cluster_that_stayed_behind_and_is_gone_holds_up_nothing(
    campaign: Campaign, finds: Finds, gone: str
) -> None:
    running_job(campaign, timedelta(), "doomed")
    step = Selection("atlas", "flex_list", of_cluster("doomed"))
    with campaign.inject(step, Answer(503), times=None):
        finds.tick()
    assert finds.behind == {"flex/doomed"}
    if gone == "deleted":
        campaign.atlas.remove_cluster(campaign.group, "doomed")
    else:
        campaign.atlas.add_cluster(campaign.group, "doomed", "dedicated")

    assert finds.tick()["failures"] == []
    assert finds.behind == set()


@pytest.mark.fault("F81")
def test_a_cluster_that_can_never_be_read_does_not_stop_the_others_for_a_day(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    running_job(campaign, timedelta(), "broken")
    step = Selection("atlas", "flex_list", of_cluster("broken"))
    campaign.inject(step, Answer(200, JSON, "{}"), times=None)
    for number in range(6):
        (job,) = finds.ended_jobs("flex", cluster=f"orders-{number}")
        assert finds.tick(4 * 60)["found"] == 1
        assert finds.reported_once([job])
        assert finds.behind == {"flex/broken"}
        assert campaign.clock() - finds.mark < timedelta(minutes=1)
    campaign.heal()

    # Its own mark is still the first one.
    assert finds.tick()["found"] == 1
    assert finds.behind == set()


@pytest.mark.fault("F81")
def test_clusters_for_which_no_time_was_left_are_read_by_the_next_sweep(
    campaign: Campaign, finds: Finds
) -> None:
    jobs = [finds.ended_jobs("flex", cluster=f"orders-{number}")[0] for number in range(60)]
    lock = Lock()

    def take_long(call: Call, phase: Phase) -> None:
        if FLEX_LIST.covers(call) and phase == "before":
            with lock:
                campaign.nap(0.1)

    with campaign.atlas.wire.listen(take_long):
        finds.sweeps.sweep(finds.application, seconds=9)
    unread = {f"flex/{job.cluster}" for job in jobs if campaign.item(job) is None}
    assert unread
    assert unread <= finds.behind
    campaign.stack.forget_calls()
    finds.tick(application=finds.environment())

    assert {f"flex/{name}" for name in listed(finds.sweeps)} >= unread
    assert finds.behind == set()
    assert all(campaign.stored(job) == ENDED for job in jobs)
