"""Sweeps of many jobs: the deadline in the middle, and a project in trouble: F71 and F72."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from foundation.errors import TimeBudgetExceededError
from local_stack.atlas import EmulatedRestore, in_group
from local_stack.refusal import atlas_error
from local_stack.stack import Credentials
from local_stack.wire import Action, Answer, Call, CloseIdle, Delay, Hang, Phase, Selection
from reliability.campaign import Campaign, Stored, ends_within
from reliability.steps import ATLAS, DEDICATED, MISSING_ROLE, PUBLISH, too_many_requests
from reliability.sweeping import ANY_QUESTION, LEASE_IS_OVER, Sweeps, many_jobs
from restore_watch.errors import (
    AtlasUnauthorizedError,
    NotificationPendingError,
    TableUnavailableError,
)
from restore_watch.threads.workers import THREADS

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

DONE = Stored("COMPLETED", 2, 2)


@contextmanager
def slow_answers(campaign: Campaign, seconds: float) -> Iterator[None]:
    """Each question about a job takes this long, one after the other, by the injected clocks."""
    one_at_a_time = threading.Lock()

    def take_time(call: Call, phase: Phase) -> None:
        if phase == "before" and ANY_QUESTION.covers(call):
            with one_at_a_time:
                campaign.nap(seconds)

    with campaign.atlas.wire.listen(take_time):
        yield


@pytest.mark.fault("F71")
def test_what_a_sweep_did_not_reach_comes_first_in_the_next(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, 80, timeline=["RUNNING", "COMPLETED"])
    asked: set[int] = set()
    # In any other order it would take three times as many sweeps.
    with slow_answers(campaign, 4.0):
        for _ in range(80 // 5):
            campaign.pass_time(30)
            campaign.stack.forget_calls()
            result = sweeps.tick()
            assert 5 <= result["checked"] <= 80 - result["notReached"] < 80
            assert (result["failures"], result["changed"]) == ([], 0)
            asked.update(sweeps.asked(jobs))
            if len(asked) == len(jobs):
                break
    assert asked == set(range(80))

    campaign.pass_time(30)
    result = sweeps.tick()
    assert result["notReached"] == 0


@pytest.mark.fault("F71")
def test_many_jobs_all_have_their_turn_although_no_sweep_reaches_all_of_them(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, 60, timeline=["RUNNING", "COMPLETED"])
    with slow_answers(campaign, 1.0):
        for _ in range(4):
            assert sweeps.tick()["notReached"] > 0
            campaign.pass_time(30)
    assert set(sweeps.asked(jobs)) == set(range(60))

    jobs[0].advance()
    result = sweeps.tick()
    assert (result["checked"], result["changed"], result["notReached"]) == (60, 1, 0)
    assert campaign.stored(jobs[0]) == DONE
    assert campaign.published(jobs[0]) == ["RUNNING", "COMPLETED"]
    assert "owner" not in sweeps.lease


@pytest.mark.fault("F72", "F73")
def test_a_job_that_a_rate_limit_left_out_comes_first_in_the_next_sweep(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, 3, clusters=1, timeline=["RUNNING", "COMPLETED"])
    for job in jobs:
        campaign.atlas.omit_from_lists(job)
    sweeps.tick()
    orders = []
    # Each time only the first question is answered.
    for _ in range(3):
        campaign.pass_time(60)
        campaign.stack.forget_calls()
        refusal = too_many_requests({"Retry-After": "10"})
        with campaign.inject(ATLAS, refusal, times=None, skip=1):
            result = sweeps.tick()
        assert (result["checked"], result["notReached"]) == (1, 2)
        orders.append(sweeps.asked(jobs)[0])

    assert sorted(orders) == [0, 1, 2]


@pytest.mark.fault("F71", "F44")
@cases(("seconds", "slow"), [(0.0, "atlas"), (1.05, "dynamodb"), (2.0, "atlas"), (2.0, "dynamodb")])
def test_a_sweep_ends_in_time_with_a_result_or_a_typed_error(
    campaign: Campaign, sweeps: Sweeps, seconds: float, slow: str
) -> None:
    pending = campaign.job(timeline=["RUNNING"])
    with campaign.inject(PUBLISH, Answer(400)):
        campaign.refused(NotificationPendingError, pending)
    moved = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(moved)
    moved.advance()
    # The n-th call hangs for longer than the sweep has.
    skip = 1 if slow == "dynamodb" else 0
    step = ANY_QUESTION if slow == "atlas" else Selection("dynamodb", "UpdateItem")
    with campaign.inject(step, Hang(seconds + 0.3), skip=skip), ends_within(seconds):
        try:
            sweeps.sweep(seconds=seconds)
        except (TimeBudgetExceededError, TableUnavailableError) as error:
            campaign.said.append(repr(error))
    for job, most in ((pending, ["RUNNING"]), (moved, ["RUNNING", "COMPLETED"])):
        assert campaign.published(job) == most[: len(campaign.published(job))]

    campaign.pass_time(LEASE_IS_OVER)
    assert sweeps.sweep()["failures"] == []
    assert list(dict.fromkeys(campaign.published(pending))) == ["RUNNING"]
    assert list(dict.fromkeys(campaign.published(moved))) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(pending) == Stored("RUNNING", 1, 1)
    assert campaign.stored(moved) == DONE


TROUBLES: dict[str, tuple[Action, str | None]] = {
    "throttled": (too_many_requests({"Retry-After": "40"}), None),
    "no-role": (MISSING_ROLE, "AtlasUnauthorizedError"),
    "503": (Answer(503), "AtlasUnavailableError"),
    "hanging": (Hang(5.0), "AtlasUnavailableError"),
}


@pytest.mark.fault("F72")
@cases(("trouble", "error"), list(TROUBLES.values()), ids=list(TROUBLES))
def test_a_project_in_trouble_does_not_delay_the_others(
    campaign: Campaign, sweeps: Sweeps, trouble: Action, error: str | None
) -> None:
    timeline = ["RUNNING", "COMPLETED"]
    bad = many_jobs(campaign, THREADS + 2, timeline=timeline)
    about_bad = in_group(campaign.group)
    campaign.group = secrets.token_hex(12)
    good = many_jobs(campaign, 3, timeline=timeline)
    for job in (*good, bad[0]):
        job.advance()
    step = Selection("atlas", None, about_bad)
    campaign.inject(step, trouble, times=None)
    begun = time.monotonic()
    with ends_within(6):
        result = sweeps.sweep(seconds=6)
    assert result["changed"] == 3
    assert [campaign.stored(job) for job in good] == [DONE] * 3
    assert {one["error"] for one in result["failures"]} == ({error} if error else set())
    if isinstance(trouble, Hang):
        published = [call.arrived for call in campaign.aws.wire.calls if PUBLISH.covers(call)]
        assert max(published) - begun < 4.5
    # A refused question may be asked twice: with a new token, or after the others.
    is_tried_by_all = error == "AtlasUnavailableError" and not isinstance(trouble, Hang)
    assert campaign.count(step) <= 2 * (len(bad) if is_tried_by_all else THREADS)
    assert is_tried_by_all or result["notReached"] >= len(bad) - THREADS
    assert campaign.count(Selection("atlas", "token")) <= 4

    campaign.heal()
    campaign.pass_time(60)
    result = sweeps.sweep()
    assert (result["changed"], result["failures"], result["notReached"]) == (1, [], 0)
    assert campaign.stored(bad[0]) == DONE


@pytest.mark.fault("F72")
def test_a_throttled_project_is_not_asked_again_before_its_time(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    bad = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(bad)
    step = Selection("atlas", None, in_group(campaign.group))
    campaign.group = secrets.token_hex(12)
    good = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(good)
    campaign.inject(step, too_many_requests({"Retry-After": "40"}), times=None)
    campaign.stack.forget_calls()
    results = [sweeps.sweep() for _ in range(3)]

    assert campaign.count(step) == 1
    assert [result["notReached"] for result in results] == [1, 1, 1]
    assert [result["checked"] for result in results] == [1, 1, 1]
    campaign.heal()
    campaign.pass_time(41)
    for job in (bad, good):
        job.advance()
    assert sweeps.sweep()["changed"] == 2


@pytest.mark.fault("F72")
def test_a_refusal_by_one_kind_of_endpoint_does_not_stop_questions_to_the_other(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    """A Flex cluster was upgraded while its job was open; there is no role for dedicated ones."""
    upgraded, healthy = many_jobs(campaign, 2, timeline=["RUNNING", "COMPLETED"])
    wrong = atlas_error(400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "No.")
    campaign.inject(of_cluster(upgraded), wrong, times=None)
    campaign.inject(DEDICATED, MISSING_ROLE, times=None)
    sweeps.sweep(sweeps.environment(hot_seconds=10), seconds=60)

    assert sweeps.asked([upgraded, healthy]).count(1) == 6


@pytest.mark.fault("F72", "F33")
def test_three_jobs_that_atlas_cannot_answer_for_do_not_end_the_hot_rounds_of_the_others(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    *bad, healthy = many_jobs(campaign, 4, timeline=["RUNNING", "COMPLETED"])
    for job in bad:
        campaign.inject(of_cluster(job), Answer(500), times=None)
    sweeps.sweep(sweeps.environment(hot_seconds=10), seconds=60)

    assert sweeps.asked([*bad, healthy]).count(3) >= 3


@pytest.mark.fault("F72")
def test_a_project_that_refuses_does_not_fail_the_sweeps_between_those_that_ask_the_others(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    refused, healthy = many_jobs(campaign, 2, timeline=["RUNNING", "COMPLETED"])
    campaign.pass_time(7 * 3600)  # asked about every 5 minutes from now on
    campaign.inject(of_cluster(refused), atlas_error(401, None, "Not a member."), times=None)
    for _ in range(7):
        (failure,) = sweeps.sweep()["failures"]
        assert failure["error"] == "AtlasUnauthorizedError"
        campaign.pass_time(60)
    assert sweeps.asked([healthy]) == [0, 0]

    campaign.inject(of_cluster(healthy), atlas_error(401, None, "Not a member."), times=None)
    campaign.pass_time(600)
    sweeps.fails(AtlasUnauthorizedError)


@pytest.mark.fault("F35", "F72")
@cases("credentials", ["service_account", "api_key"])
def test_connections_that_died_while_the_environment_was_frozen_cost_no_sweep(
    campaign: Campaign, sweeps: Sweeps, credentials: Credentials
) -> None:
    campaign.use(credentials)
    jobs = many_jobs(campaign, 8, timeline=["RUNNING", "COMPLETED"])
    # They are slow, so that each thread opens a connection.
    with campaign.inject(ATLAS, Delay(0.2), times=None):
        assert sweeps.sweep()["checked"] == 8
    with campaign.inject(ATLAS, CloseIdle(noticed=False), times=None):
        campaign.pass_time(60)
        assert sweeps.sweep()["failures"] == []
    for job in jobs:
        job.advance()
    campaign.pass_time(60)

    result = sweeps.sweep()
    assert (result["changed"], result["notReached"], result["failures"]) == (8, 0, [])


def of_cluster(job: EmulatedRestore) -> Selection:
    """The questions about a job of this cluster, to the endpoint of Flex clusters."""
    return Selection("atlas", "flex", lambda call: f"/{job.cluster}/" in call.path)
