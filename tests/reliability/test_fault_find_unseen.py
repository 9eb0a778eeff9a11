"""Projects that cannot be seen for a while, and their histories: F77, F78 and F79."""

from datetime import timedelta

import pytest

from integration.watching import RECOVERY
from local_stack.behaviour import ListOrder
from local_stack.faults import Reset
from local_stack.refusal import atlas_error
from local_stack.restores import date
from local_stack.wire import Action, Answer, Selection
from reliability.campaign import Campaign, always
from reliability.finding import KINDS, Finds
from reliability.sweeping import ANY_QUESTION

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

UNSEEN: dict[str, Action] = {
    "locked-out": atlas_error(401, "USER_UNAUTHORIZED", "This credential has no role."),
    "forbidden": atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours."),
    "gone": atlas_error(404, "GROUP_NOT_FOUND", "No such project."),
    "out-of-order": Answer(503),
    "no-answer": Reset(),
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>"),
}


@pytest.mark.fault("F77", "F78")
@cases("answer", always(UNSEEN, "locked-out", "gone", "no-answer"))
def test_restores_that_begin_and_end_while_a_project_cannot_be_seen_are_reported_afterwards(
    campaign: Campaign, finds: Finds, answer: Action
) -> None:
    finds.tick()
    with campaign.inject(ANY_QUESTION, answer, times=None):
        finds.ticks(2)
        jobs = finds.ended_jobs()
        finds.ticks(8, minutes=15)
    assert finds.unknown(jobs)
    result = finds.tick(application=finds.environment())

    assert (result["found"], result["failures"]) == (3, [])
    assert finds.reported_once(jobs)
    finds.ticks(RECOVERY - 1)
    said = finds.said()
    since = said[0].partition(":")[2]
    assert said == [f"degraded:{since}", f"recovered:{since}"]


@pytest.mark.fault("F77")
@cases("days", [3, 8])
def test_after_days_the_restores_of_the_last_seven_are_reported(
    campaign: Campaign, finds: Finds, days: int
) -> None:
    finds.tick()
    with campaign.inject(ANY_QUESTION, Answer(503), times=None):
        finds.tick()
        first = finds.ended_jobs(cluster="first")
        finds.tick((days - 6.9) * 24 * 60 if days > 7 else 60)
        later = finds.ended_jobs(cluster="later")
        finds.tick(6.9 * 24 * 60 if days > 7 else days * 24 * 60)
    finds.tick(application=finds.environment())

    assert finds.reported_once(later)
    assert finds.unknown(first) if days > 7 else finds.reported_once(first)


@pytest.mark.fault("F78")
def test_a_project_that_is_deleted_and_comes_back_alternates_between_two_messages(
    campaign: Campaign, finds: Finds
) -> None:
    group = campaign.group
    for _ in range(3):
        finds.tick()
        campaign.atlas.remove_project(group)
        finds.ticks(5)
        campaign.atlas.add_project(group)
        jobs = finds.ended_jobs()
        finds.ticks(RECOVERY)
        assert finds.reported_once(jobs)
    said = finds.said()

    assert [one.partition(":")[0] for one in said] == ["degraded", "recovered"] * 3
    assert len(set(said)) == 6
    degraded, recovered = said[::2], said[1::2]
    assert [one.partition(":")[2] for one in degraded] == [
        one.partition(":")[2] for one in recovered
    ]


@pytest.mark.fault("F78")
def test_a_project_that_flaps_from_sweep_to_sweep_is_not_degraded(
    campaign: Campaign, finds: Finds
) -> None:
    for number in range(12):
        if number % 2:
            campaign.atlas.admit(campaign.group)
        else:
            campaign.atlas.lock_out(campaign.group)
        jobs = finds.ended_jobs("flex", cluster=f"orders-{number}") if number % 4 == 0 else []
        finds.tick()
        assert number % 2 == 0 or finds.reported_once(jobs)
    assert finds.said() == []
    assert "troubles" not in finds.item()


@pytest.mark.fault("F78")
@cases(
    "family", always({one: one for one in ("dedicated", "flex_clusters", "events")}, "dedicated")
)
def test_a_role_that_comes_and_goes_alternates_between_two_messages(
    campaign: Campaign, finds: Finds, family: str
) -> None:
    for kind in KINDS:
        campaign.atlas.add_cluster(campaign.group, kind, kind)
    finds.tick()
    step = Selection("atlas", f"{family}_list" if family == "dedicated" else family)
    for _ in range(2):
        refusal = atlas_error(401, "USER_UNAUTHORIZED", "This credential has no role.")
        with campaign.inject(step, refusal, times=None):
            # A list of clusters is remembered for a while.
            finds.ticks(8, minutes=5)
        finds.ticks(RECOVERY)
    assert [one.partition(":")[0] for one in finds.said()] == ["degraded", "recovered"] * 2


@pytest.mark.fault("F79")
@cases("order", ["newest first", "oldest first", "shuffled"])
def test_a_first_listing_of_thousands_of_old_jobs_stores_and_sends_nothing(
    campaign: Campaign, finds: Finds, order: ListOrder
) -> None:
    for kind in KINDS:
        campaign.atlas.add_ended_restores(
            campaign.group, kind, kind, 1000, apart=timedelta(hours=1)
        )
        campaign.atlas.order_list(campaign.group, kind, order)
    results = [finds.tick(), *finds.ticks(2, minutes=15)]

    assert [result["found"] for result in results] == [0] * 3
    assert [one["cluster"] for one in campaign.stack.items() if "/" in one["cluster"]] == []
    assert campaign.stack.received() == []


@pytest.mark.fault("F79", "F77")
def test_a_first_listing_that_succeeds_much_later_begins_two_hours_before_the_first_attempt(
    campaign: Campaign, finds: Finds
) -> None:
    now = campaign.atlas.now()
    old, recent = (
        campaign.job(cluster="orders", at=now - timedelta(minutes=minutes)) for minutes in (130, 50)
    )
    for job in (old, recent):
        job.run_to_end()
        job.set(restoreFinishedDate=date(now - timedelta(minutes=30)))
    with campaign.inject(ANY_QUESTION, Answer(503), times=None):
        finds.tick()
        later = finds.ended_jobs()
        finds.ticks(5, minutes=60)
    result = finds.tick(application=finds.environment())

    assert result["found"] == 4
    assert finds.reported_once([recent, *later])
    assert finds.unknown([old])


@pytest.mark.fault("F79")
def test_a_project_that_is_watched_again_after_a_pause_begins_anew(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    unwatching = finds.sweeps.environment()
    jobs = finds.ended_jobs()
    for job in jobs:
        job.set(restoreFinishedDate=date(campaign.atlas.now()))
    for _ in range(7):
        assert finds.tick(20, unwatching)["found"] == 0

    assert finds.tick(application=finds.environment())["found"] == 0
    assert finds.unknown(jobs)
    assert finds.item()["mark"] > finds.item()["firstMark"]
