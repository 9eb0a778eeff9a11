"""Rate limits of Atlas and servers that fail: how often a check asks, and how long it waits."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.environment import Environment, target_of
from local_stack.refusal import atlas_error
from local_stack.steps import DEDICATED, FLEX, about, too_many_requests
from local_stack.wire import Action, Answer, Call, Close, Phase, Reset, Truncate
from local_stack.world import Stored, World, within
from restore_watch.errors import AtlasRateLimitError, AtlasUnavailableError

cases = pytest.mark.parametrize

UNSAID = (10.0, 13.0)
"""The bounds of the wait after a 429 that names no time; Atlas advises ten seconds."""


@pytest.mark.fault("F32", "F33")
@cases(
    ("status", "said", "parameters", "bounds"),
    [
        (429, None, (), UNSAID),
        (429, None, ["path", 7, 1200, 500, 60], (7.2, 7.5)),
        (429, "14.5", (), (14.5, 15.0)),
        (503, "4", (), (4.2, 4.5)),
    ],
    ids=["nothing", "body", "longest", "503"],
)
def test_a_check_waits_as_long_as_atlas_says(
    world: World,
    status: int,
    said: str | None,
    parameters: Any,
    bounds: tuple[float, float],
) -> None:
    job = world.job()
    headers = {} if said is None else {"Retry-After": said}
    code = {429: "RATE_LIMITED_TOKEN_BUCKET", 503: "SERVICE_UNAVAILABLE"}[status]
    world.inject(FLEX, atlas_error(status, code, "Too much.", parameters, headers))

    assert world.check(job).changed
    assert world.count(FLEX) == 2
    assert [bounds[0] <= nap <= bounds[1] for nap in world.naps] == [True]


@pytest.mark.fault("F31", "F43")
def test_a_limit_applies_to_every_job_of_its_project_and_kind(
    world: World, environment: Environment
) -> None:
    jobs = [world.job() for _ in range(4)]
    world.inject(FLEX, too_many_requests({"Retry-After": "40"}))
    assert world.refused(AtlasRateLimitError, jobs[0], environment).retry_after_seconds == 40
    world.pass_time(5)
    for job in jobs:
        error = world.refused(AtlasRateLimitError, job, environment)
        assert 30 < (error.retry_after_seconds or 0) <= 35
        assert f"Ask again in {error.retry_after_seconds:.0f} s" in str(error)
    assert world.count(FLEX) == 1
    assert world.check(target_of(world.job("dedicated"), "dedicated"), environment).changed

    # The rest of the limit fits into this check, so it waits.
    world.pass_time(25)
    assert world.check(jobs[1], environment).changed
    assert [5 <= nap < 11 for nap in world.naps] == [True]


# Several targets, none of which waits


def event(limited: Sequence[EmulatedRestore], others: Sequence[EmulatedRestore]) -> dict[str, Any]:
    targets = [{**job.event, "kind": "flex"} for job in limited]
    return {"targets": targets + [{**job.event, "kind": "dedicated"} for job in others]}


def restore_ids(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    return [(one.get("job") or one["target"])["restoreId"] for one in outcomes]


@pytest.mark.fault("F61")
def test_a_limited_target_is_checked_last_after_its_wait_is_over(
    world: World, environment: Environment
) -> None:
    limited, slow, other = world.job(), world.job("dedicated"), world.job("dedicated")
    world.inject(FLEX, too_many_requests({"Retry-After": "5"}))
    of_slow = within(DEDICATED, about(slow.restore_id))
    unwell = world.inject(of_slow, Answer(503))

    def takes_time(call: Call, phase: Phase) -> None:
        """Its second question takes longer than the limit lasts."""
        if phase == "before" and of_slow.covers(call) and unwell.hits:
            world.pass_time(6)

    with world.atlas.wire.listen(takes_time):
        answer = environment.answer(event([limited], [slow, other]))

    assert answer["failures"] == []
    assert restore_ids(answer["results"]) == [job.restore_id for job in (limited, slow, other)]
    assert world.count(FLEX) == 2
    assert world.naps == []


@pytest.mark.fault("F33", "F43", "F61")
@cases(("times", "failed"), [(2, 0), (None, 1)], ids=["twice", "always"])
def test_a_target_that_gets_a_503_is_asked_again_after_the_others(
    world: World, environment: Environment, times: int | None, failed: int
) -> None:
    unwell, other = world.job(), world.job("dedicated")
    world.inject(FLEX, Answer(503, {"Retry-After": "5"}), times=times)
    answer = environment.answer(event([unwell], [other]))

    assert [one["error"] for one in answer["failures"]] == ["AtlasUnavailableError"] * failed
    asked = [call.operation for call in world.questions()]
    assert sorted(asked[:2]) == ["dedicated", "flex"]
    assert asked[2:] == ["flex", "flex"]
    assert world.naps == []
    assert world.published(other) == ["RUNNING"]


# Servers and connections that fail

UNWELL: dict[str, tuple[Action, int]] = {
    "500": (atlas_error(500, "UNEXPECTED_ERROR", "Oops."), 4),
    "502-html": (Answer(502, {"Content-Type": "text/html"}, "<html>Bad gateway</html>"), 4),
    "408": (Answer(408), 4),
    "truncated": (Truncate(20), 4),
    # The kept connection may have died while idle, so it is replaced once, without a wait.
    "reset": (Reset(), 5),
    "closed": (Close(), 5),
}
"""What goes wrong, and how often an environment with a kept connection asks."""


@pytest.mark.campaign
@pytest.mark.fault("F33", "F34")
@cases(("action", "requests"), list(UNWELL.values()), ids=list(UNWELL))
def test_a_check_asks_four_times_with_growing_waits(
    world: World, environment: Environment, action: Action, requests: int
) -> None:
    job = world.job(timeline=["RUNNING", "COMPLETED"])
    world.check(job, environment)
    job.advance()
    for times in (requests - 1, None):
        world.stack.forget_calls()
        world.naps.clear()
        with world.inject(FLEX, action, times=times):
            if times:
                assert world.check(job, environment).changed
            else:
                world.refused(AtlasUnavailableError, job, environment)
        assert world.count(FLEX) == requests
        first, second, third = world.naps
        assert 0.2 <= first <= 0.5
        assert 0.4 <= second <= 0.7
        assert 0.8 <= third <= 1.1

    assert not world.check(job, environment).changed
    assert world.stored(job) == Stored("COMPLETED", 2, 2)
