"""Sweeps at the limits of Atlas: F73, F82 and F99."""

import pytest

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.refusal import atlas_error
from local_stack.wire import Answer, Selection
from reliability.campaign import Campaign, Stored, concerns, event
from reliability.steps import ATLAS, DEDICATED, too_many_requests
from reliability.sweeping import FLEX_LIST, Sweeps, many_jobs, metrics, record_like
from restore_watch.threads.workers import THREADS

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

CALLS = {"flex": ATLAS, "dedicated": DEDICATED}
TIMELINES: dict[Kind, list[str]] = {
    "flex": ["RUNNING", "COMPLETED"],
    "dedicated": ["running", "finished"],
}


def asked_one_by_one(
    campaign: Campaign, sweeps: Sweeps, kind: Kind = "flex", count: int = 3
) -> list[EmulatedRestore]:
    """Open jobs about which the sweep asks one after the other, because no list shows them."""
    timeline = TIMELINES[kind]
    jobs = [campaign.job(kind, cluster=f"{kind}-jobs", timeline=timeline) for _ in range(count)]
    campaign.check(jobs[0])
    record_like(campaign, jobs[0], *jobs[1:])
    for job in jobs:
        campaign.atlas.omit_from_lists(job)
    for _ in range(2):  # a list may be of no use once
        sweeps.sweep()
        campaign.pass_time(60)
    campaign.stack.forget_calls()
    return jobs


HEADERS: dict[str, tuple[str | None, str | None, bool]] = {
    "both-absent": (None, None, False),
    "not-a-number": ("1200", "nan", False),
    "at-the-reserve": ("1200", "600", False),
    "below-the-reserve": ("1200", "599", True),
    "nothing-left": ("1200", "0", True),
}
"""tests/unit/test_rate_limits.py has more that say nothing."""


@pytest.mark.fault("F73")
@cases(("limit", "remaining", "paced"), list(HEADERS.values()), ids=list(HEADERS))
def test_only_a_bucket_that_is_said_to_be_below_the_reserve_is_spared(
    campaign: Campaign,
    sweeps: Sweeps,
    limit: str | None,
    remaining: str | None,
    paced: bool,  # noqa: FBT001
) -> None:
    jobs = asked_one_by_one(campaign, sweeps)
    campaign.atlas.behaviour.limit_headers = {
        "Ratelimit-Limit": limit,
        "Ratelimit-Remaining": remaining,
    }
    result = sweeps.sweep()

    checked = 1 if paced else 3
    assert (result["checked"], result["notReached"]) == (checked, 3 - checked)
    assert result["failures"] == []
    assert campaign.count(ATLAS) == checked
    campaign.atlas.behaviour.limit_headers = {}
    jobs[0].advance()
    assert sweeps.sweep()["changed"] == 1
    assert campaign.stored(jobs[0]) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F73")
@cases("several", [False, True], ids=["one", "several"])
def test_named_jobs_are_asked_about_although_the_bucket_is_below_the_reserve(
    campaign: Campaign,
    sweeps: Sweeps,
    several: bool,  # noqa: FBT001
) -> None:
    jobs = asked_one_by_one(campaign, sweeps)
    campaign.atlas.keep_bucket(campaign.group, "flex", 1)
    assert sweeps.sweep()["notReached"] == 2
    for job in jobs:
        job.advance()
    events = [event(job) for job in jobs]
    if several:
        assert len(sweeps.answer({"targets": events})["results"]) == 3
    else:
        assert all(sweeps.answer(one)["changed"] for one in events)

    assert [campaign.stored(job) for job in jobs] == [Stored("COMPLETED", 2, 2)] * 3
    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F73")
@cases(("reserve", "checked"), [(0.0, 3), (1.0, 1)], ids=["nothing", "everything"])
def test_the_reserve_is_the_operators(
    campaign: Campaign, sweeps: Sweeps, reserve: float, checked: int
) -> None:
    sweeps.application = sweeps.environment(rate_limit_reserve=reserve)
    jobs = asked_one_by_one(campaign, sweeps)
    sweeps.sweep()  # with everything in reserve, the first sweep asked only for the list
    if reserve == 0:
        campaign.atlas.keep_bucket(campaign.group, "flex", 1)
    campaign.stack.forget_calls()
    result = sweeps.sweep()

    assert (result["checked"], result["notReached"]) == (checked, 3 - checked)
    assert campaign.count(ATLAS) == checked
    assert [campaign.stored(job) for job in jobs] == [Stored("RUNNING", 1, 1)] * 3


@pytest.mark.fault("F82")
@cases("hot_seconds", [pytest.param(0, marks=pytest.mark.campaign), 10])
def test_one_call_a_sweep_and_family_is_made_although_others_use_up_the_bucket_for_an_hour(
    campaign: Campaign,
    sweeps: Sweeps,
    capsys: pytest.CaptureFixture[str],
    hot_seconds: int,
) -> None:
    sweeps.application = sweeps.environment(hot_seconds=hot_seconds)
    jobs = {kind: asked_one_by_one(campaign, sweeps, kind) for kind in TIMELINES}
    kinds = list(TIMELINES)
    for kind in kinds:
        campaign.atlas.keep_bucket(campaign.group, kind, 500)
    metrics(capsys)
    for number in range(8):
        campaign.stack.forget_calls()
        result = sweeps.tick()
        assert [campaign.count(CALLS[kind]) for kind in kinds] == [1, 1]
        assert (result["checked"], result["failures"]) == (2, [])
        assert result["notReached"] == result["open"] - 2
        written = metrics(capsys)
        assert written["NotReached"] == [result["notReached"]]
        assert written["RateLimitRemaining"] == [500 / 1200]
        if number == 3:
            for kind in kinds:
                jobs[kind][0].advance()
        campaign.pass_time(400 if hot_seconds else 450)  # a sweep with hot jobs takes 50 s
    # Each job had its turn, so both ends were seen.
    for kind in kinds:
        assert campaign.stored(jobs[kind][0]) == Stored("COMPLETED", 2, 2)
        assert campaign.published(jobs[kind][0]) == ["RUNNING", "COMPLETED"]

    for kind in kinds:
        campaign.atlas.release_bucket(campaign.group, kind)
        for job in jobs[kind][1:]:
            job.advance()
    result = sweeps.tick()
    assert (result["changed"], result["notReached"]) == (4, 0)


@pytest.mark.fault("F82")
def test_one_list_a_sweep_answers_for_a_whole_cluster_although_others_use_up_the_bucket(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, 6, clusters=1)
    campaign.atlas.keep_bucket(campaign.group, "flex", 1)
    for _ in range(3):
        campaign.stack.forget_calls()
        result = sweeps.sweep()
        campaign.pass_time(60)

        assert (result["checked"], result["notReached"]) == (len(jobs), 0)
        assert (campaign.count(FLEX_LIST), campaign.count(ATLAS)) == (1, 0)


@pytest.mark.fault("F82")
def test_a_bucket_that_others_emptied_is_not_asked_again_before_it_refills(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = asked_one_by_one(campaign, sweeps)
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "40"}), times=None)
    results = [sweeps.sweep() for _ in range(3)]
    assert campaign.count(ATLAS) == 1
    for result in results:
        assert (result["checked"], result["notReached"], result["failures"]) == (0, 3, [])

    campaign.pass_time(60)
    campaign.heal()
    jobs[0].advance()
    result = sweeps.sweep()
    assert (result["checked"], result["changed"], result["notReached"]) == (3, 1, 0)


@pytest.mark.fault("F82")
def test_calls_that_are_under_way_overshoot_by_no_more_than_the_threads(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, THREADS + 3)
    campaign.atlas.keep_bucket(campaign.group, "flex", 1)
    result = sweeps.sweep()

    assert 1 <= len(sweeps.questions()) <= THREADS
    assert result["checked"] + result["notReached"] == len(jobs)
    assert result["notReached"] >= 3


@pytest.mark.fault("F99")
@cases(("seconds", "minutes"), [(150, 3), (86_400, 15)], ids=["minutes", "a-day"])
def test_a_503_leaves_its_family_one_call_a_sweep_until_the_time_that_it_names(
    campaign: Campaign, sweeps: Sweeps, seconds: int, minutes: int
) -> None:
    jobs = asked_one_by_one(campaign, sweeps)
    other = campaign.job("dedicated", timeline=TIMELINES["dedicated"])
    campaign.check(other)
    campaign.inject(ATLAS, Answer(503, {"Retry-After": str(seconds)}))
    sweeps.tick()
    for _ in range(minutes - 1):
        campaign.pass_time(60)
        campaign.stack.forget_calls()
        result = sweeps.tick()
        assert (result["notReached"], result["failures"]) == (2, [])
        assert (campaign.count(ATLAS), campaign.count(DEDICATED)) == (1, 1)

    # It is not slept out, and a job that is named is asked about.
    jobs[0].advance()
    assert sweeps.answer(event(jobs[0]))["changed"]
    campaign.pass_time(60)
    assert sweeps.tick()["notReached"] == 0


@pytest.mark.fault("F99")
@cases("kind", list(TIMELINES))
@cases("refusals", [1, 2])
def test_jobs_that_are_refused_for_good_do_not_stop_the_others_of_their_family(
    campaign: Campaign, sweeps: Sweeps, kind: Kind, refusals: int
) -> None:
    jobs = asked_one_by_one(campaign, sweeps, kind, count=6)
    sweeps.sweep()
    in_order = [jobs[one] for one in sweeps.asked(jobs)]
    refusal = atlas_error(403, "USER_CANNOT_ACCESS_RESTORE", "Not this one.")
    for job in in_order[:refusals]:
        campaign.inject(Selection("atlas", kind, concerns(job)), refusal, times=None)
    for job in jobs:
        job.advance()
    campaign.pass_time(60)
    result = sweeps.sweep()

    assert (result["changed"], result["notReached"]) == (6 - refusals, 0)
    assert all(campaign.published(job)[-1] == "COMPLETED" for job in in_order[refusals:])
