"""Events that cannot be relied on: F75."""

from collections.abc import Callable

import pytest

from local_stack.faults import Reset
from local_stack.wire import Answer
from reliability.campaign import Campaign, always
from reliability.finding import EVENTS, FLEX_CLUSTERS, LISTED_EVERY, MINUTE, Finds
from reliability.steps import JSON

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


def refuse(campaign: Campaign) -> None:
    campaign.atlas.lock_out(campaign.group, "events")


def know_no_type(campaign: Campaign) -> None:
    campaign.atlas.behaviour.event_types = frozenset()


def answer_with(answer: Answer | Reset) -> Callable[[Campaign], None]:
    def spoil(campaign: Campaign) -> None:
        campaign.inject(EVENTS, answer, times=None)

    return spoil


NO_EVENTS: dict[str, Callable[[Campaign], None]] = {
    "refused": refuse,
    "unknown-type": know_no_type,
    "html": answer_with(Answer(200, {"Content-Type": "text/html"}, "<html>")),
    "no-results": answer_with(Answer(200, JSON, "{}")),
    "no-answer": answer_with(Reset()),
    "out-of-order": answer_with(Answer(503)),
}


@pytest.mark.fault("F75")
@cases("spoil", always(NO_EVENTS, "refused", "unknown-type", "no-answer"))
def test_a_project_whose_events_cannot_be_read_is_listed_in_every_sweep(
    campaign: Campaign, finds: Finds, spoil: Callable[[Campaign], None]
) -> None:
    finds.tick()
    spoil(campaign)
    for number in range(2):
        jobs = finds.ended_jobs(cluster=f"orders-{number}")
        # A cluster without an event is known when the list is read again.
        found = finds.tick(10)["found"]
        assert (found, finds.reported_once(jobs)) == (3, True)
        assert campaign.count(FLEX_CLUSTERS) >= 1


@pytest.mark.fault("F75")
def test_events_that_can_be_read_again_end_the_listings(campaign: Campaign, finds: Finds) -> None:
    refuse(campaign)
    assert len(finds.ticks(3)) == 3
    campaign.atlas.admit(campaign.group)
    finds.ticks(2)
    finds.tick()

    assert [call.operation for call in finds.sweeps.questions()] == ["events"]


@pytest.mark.fault("F75")
@cases("late", [1, 5, 10], ids=["a-minute", "five", "ten"])
def test_a_late_event_wakes_its_project_when_it_appears(
    campaign: Campaign, finds: Finds, late: int
) -> None:
    campaign.atlas.add_cluster(campaign.group, "orders-flex", "flex")
    finds.tick()
    campaign.atlas.behaviour.emits_events = False
    began = campaign.atlas.now()
    jobs = finds.ended_jobs("flex")
    assert [result["found"] for result in finds.ticks(late)] == [0] * late
    campaign.atlas.add_event(campaign.group, "TENANT_RESTORE_REQUESTED_AUDIT", at=began)

    assert finds.tick()["found"] == 1
    assert finds.reported_once(jobs)


@pytest.mark.fault("F75")
def test_an_event_that_never_appears_delays_its_job_by_a_quarter_of_an_hour(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    campaign.atlas.behaviour.emits_events = False
    jobs = finds.ended_jobs()
    found = [result["found"] for result in finds.ticks(round(LISTED_EVERY / MINUTE))]

    assert (found[-1], sum(found)) == (3, 3)
    assert finds.reported_once(jobs)


@pytest.mark.fault("F75")
def test_a_job_that_lists_show_only_after_its_event_was_seen_is_found(
    campaign: Campaign, finds: Finds
) -> None:
    """Its event wakes two sweeps in vain; the margin of the mark keeps the job of interest."""
    finds.tick()
    jobs = finds.ended_jobs()
    for job in jobs:
        campaign.atlas.omit_from_lists(job)
    assert [result["found"] for result in finds.ticks(14)] == [0] * 14
    for job in jobs:
        campaign.atlas.catch_up_lists(job)

    assert sum(result["found"] for result in finds.ticks(15)) == 3
    assert finds.reported_once(jobs)


@pytest.mark.fault("F75")
@cases("ahead", always({"-300": -300, "-90": -90, "90": 90, "300": 300}, "-300", "300"))
def test_a_clock_of_atlas_that_is_minutes_off_hides_nothing(
    campaign: Campaign, finds: Finds, ahead: int
) -> None:
    campaign.atlas.behaviour.clock_ahead = ahead
    finds.tick()
    for number in range(3):
        jobs = finds.ended_jobs(cluster=f"orders-{number}")
        found = [result["found"] for result in finds.ticks(2)]
        assert (found, finds.reported_once(jobs)) == ([3, 0], True)
        finds.ticks(2, minutes=7)
    finds.ticks(3)
    finds.tick()

    assert [call.operation for call in finds.sweeps.questions()] == ["events"]


@pytest.mark.fault("F75")
@cases(("before", "after"), [(300, -300), (-300, 300)], ids=["back", "forward"])
def test_a_clock_of_atlas_that_is_corrected_hides_nothing(
    campaign: Campaign, finds: Finds, before: int, after: int
) -> None:
    campaign.atlas.behaviour.clock_ahead = before
    finds.ticks(2)
    campaign.atlas.behaviour.clock_ahead = after
    jobs = finds.ended_jobs()
    results = finds.ticks(16)

    assert sum(result["found"] for result in results) == 3
    assert finds.reported_once(jobs)
