"""Rate limits and servers that fail: F31 to F33 and F61."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from foundation.deadline import Deadline
from local_stack.atlas import RateLimit
from local_stack.refusal import atlas_error
from local_stack.wire import Action, Answer, Call, Close, Phase, Reset, Truncate
from reliability.campaign import KINDS, PLENTY, UNCHANGED, Campaign, concerns, event, record, target
from reliability.steps import ATLAS, DEDICATED, SETTLED_AFTER, too_many_requests
from restore_watch.application import Application
from restore_watch.atlas.refusals import LONGEST_RETRY_AFTER
from restore_watch.atlas.retrying import ATTEMPTS, LONGEST_WAIT
from restore_watch.errors import AtlasRateLimitError, AtlasUnavailableError
from restore_watch.model.restore_job import RestoreKind

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

BACKOFF = [(0.2, 0.5), (0.4, 0.7), (0.8, 1.1)]
"""The bounds of each wait for which Atlas names no time."""

UNSAID = (10.0, 13.0)
"""The bounds of the wait after a 429 that names no time; Atlas advises ten seconds."""


@pytest.mark.fault("F31", "F61")
@cases("seconds", [15.1, 30.0, 86_400.0, 1e12], ids=str)
def test_a_limit_that_is_too_long_is_an_error_at_once(campaign: Campaign, seconds: float) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(ATLAS, too_many_requests({"Retry-After": str(seconds)}), times=None)
    error = campaign.refused(AtlasRateLimitError, job, checker)
    assert error.retry_after_seconds == min(seconds, LONGEST_RETRY_AFTER)
    assert campaign.naps == []
    assert campaign.count(ATLAS) == 1

    campaign.heal()
    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F31")
def test_a_wait_longer_than_the_time_left_is_an_error_at_once(campaign: Campaign) -> None:
    job = campaign.recorded_job()
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "12"}))
    campaign.refused(AtlasRateLimitError, job, seconds=12.0)

    assert campaign.naps == []
    assert campaign.count(ATLAS) == 1


@pytest.mark.fault("F31", "F61")
def test_a_single_target_waits_for_fifteen_seconds_at_most(campaign: Campaign) -> None:
    job = campaign.recorded_job()
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "14"}))
    assert campaign.recheck(job) == UNCHANGED

    assert [14 <= nap <= LONGEST_WAIT for nap in campaign.naps] == [True]


@pytest.mark.fault("F31", "F43")
def test_a_limit_applies_to_every_job_of_its_project(campaign: Campaign) -> None:
    checker = campaign.environment()
    jobs = [campaign.job() for _ in range(5)]
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "40"}), times=None)
    first = campaign.refused(AtlasRateLimitError, jobs[0], checker)
    assert first.retry_after_seconds == 40
    campaign.pass_time(5)
    for job in jobs:
        error = campaign.refused(AtlasRateLimitError, job, checker)
        assert error.retry_after_seconds is not None
        assert 30 < error.retry_after_seconds <= 35
        assert f"Ask again in {error.retry_after_seconds:.0f} s" in str(error)
    assert campaign.count(ATLAS) == 1

    # The rest of the limit fits into this check, so it waits.
    campaign.heal()
    campaign.pass_time(25)
    campaign.check(jobs[1], checker)
    assert campaign.published(jobs[1]) == ["PENDING"]
    assert [5 <= nap < 11 for nap in campaign.naps] == [True]


@pytest.mark.fault("F31")
def test_a_limit_longer_than_a_minute_is_reported_in_full_and_retried_after_a_minute(
    campaign: Campaign,
) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "300"}), times=None)
    campaign.refused(AtlasRateLimitError, job, checker)
    campaign.pass_time(20)
    error = campaign.refused(AtlasRateLimitError, job, checker)
    assert error.retry_after_seconds is not None
    assert 270 < error.retry_after_seconds <= 280
    assert campaign.count(ATLAS) == 1

    campaign.pass_time(40)
    campaign.refused(AtlasRateLimitError, job, checker)
    assert campaign.count(ATLAS) == 2


@pytest.mark.fault("F31")
def test_a_limit_of_one_kind_does_not_apply_to_the_other(campaign: Campaign) -> None:
    checker = campaign.environment()
    flex, dedicated = campaign.job(), campaign.job("dedicated")
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "40"}))
    campaign.refused(AtlasRateLimitError, target(flex, RestoreKind.FLEX), checker)
    campaign.check(target(dedicated, RestoreKind.DEDICATED), checker)

    assert campaign.published(dedicated) == ["RUNNING"]


@pytest.mark.fault("F31", "F46")
def test_a_clock_that_is_set_back_does_not_prolong_a_limit(campaign: Campaign) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "40"}))
    campaign.refused(AtlasRateLimitError, job, checker)

    campaign.clock.advance(-3600)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F31")
def test_no_wait_ends_after_the_deadline(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "11"}), times=None)
    campaign.refused(AtlasRateLimitError, job)

    assert [11 <= nap < 13 for nap in campaign.naps] == [True, True]
    assert campaign.count(ATLAS) == 3


@pytest.mark.fault("F31", "F32")
@cases("announced", [True, False], ids=["header", "parameters"])
def test_a_check_waits_for_an_empty_bucket_to_refill(campaign: Campaign, announced: bool) -> None:  # noqa: FBT001
    campaign.atlas.behaviour.rate_limit = RateLimit(capacity=1, refill=1, seconds=5)
    campaign.atlas.behaviour.announces_limits = announced
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)

    assert campaign.count(ATLAS) == 2
    assert [4 <= nap < 6 for nap in campaign.naps] == [True]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


def in_future(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.fault("F32")
@cases(
    ("said", "parameters", "bounds"),
    [
        (None, (), UNSAID),
        (None, ["path", 7, 1200, 500, 60], (7.2, 7.5)),
        (None, None, UNSAID),
        ("3", ["path", 7], (3.2, 3.5)),
        ("-5", ["path", 7], (7.2, 7.5)),
        ("soon", (), UNSAID),
        ("9" * 400, (), UNSAID),
        ("\xe9", (), UNSAID),
        (lambda: in_future(9), (), (7.0, 9.5)),
        (lambda: in_future(-9), (), UNSAID),
    ],
    ids=[
        "nothing",
        "parameters",
        "no-parameters",
        "both",
        "negative-and-parameters",
        "word",
        "huge",
        "latin1",
        "date",
        "date-in-the-past",
    ],
)
def test_a_429_waits_as_long_as_atlas_says(
    campaign: Campaign,
    said: str | Callable[[], str] | None,
    parameters: Any,
    bounds: tuple[float, float],
) -> None:
    job = campaign.recorded_job()
    value = said() if callable(said) else said
    headers = {} if value is None else {"Retry-After": value}
    campaign.inject(ATLAS, too_many_requests(headers, parameters))
    assert campaign.recheck(job) == UNCHANGED

    (nap,) = campaign.naps
    assert bounds[0] <= nap <= bounds[1]
    assert campaign.count(ATLAS) == 2


@pytest.mark.fault("F32", "F61")
def test_repeated_429s_end_before_a_wait_of_more_than_fifteen_seconds(campaign: Campaign) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(ATLAS, Answer(429), times=None)
    campaign.refused(AtlasRateLimitError, job, checker, seconds=60.0)
    assert campaign.count(ATLAS) == 2
    assert [UNSAID[0] <= nap <= UNSAID[1] for nap in campaign.naps] == [True]

    campaign.heal()
    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED


# Several targets


def restore_ids(outcomes: list[dict[str, Any]]) -> list[str]:
    return [(one.get("job") or one["target"])["restoreId"] for one in outcomes]


@pytest.mark.fault("F43", "F61")
@cases("seconds", [10, 300])
def test_a_limited_project_does_not_delay_the_other_targets(
    campaign: Campaign, application: Application, seconds: int
) -> None:
    limited = [campaign.job() for _ in range(3)]
    others = [campaign.job("dedicated") for _ in range(4)]
    campaign.inject(ATLAS, too_many_requests({"Retry-After": str(seconds)}), times=None)
    targets = [event(job, kind="flex") for job in limited]
    targets += [event(job, kind="dedicated") for job in others]
    answer = application.answer({"targets": targets}, Deadline.after(PLENTY))

    assert campaign.naps == []
    # Those that are under way when the first 429 comes are not asked again either.
    assert 1 <= campaign.count(ATLAS) <= len(limited)
    assert restore_ids(answer["results"]) == [job.restore_id for job in others]
    assert restore_ids(answer["failures"]) == [job.restore_id for job in limited]
    assert {one["error"] for one in answer["failures"]} == {"AtlasRateLimitError"}
    assert [campaign.published(job) for job in others] == [["RUNNING"]] * 4


@pytest.mark.fault("F61")
def test_a_limited_target_is_checked_last_after_its_wait_is_over(
    campaign: Campaign, application: Application
) -> None:
    limited, slow, other = campaign.job(), campaign.job("dedicated"), campaign.job("dedicated")
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "5"}))
    of_slow = replace(DEDICATED, when=concerns(slow))
    unwell = campaign.inject(of_slow, Answer(503))

    def takes_time(call: Call, phase: Phase) -> None:
        """Its second question takes longer than the limit lasts."""
        if phase == "before" and of_slow.covers(call) and unwell.hits:
            campaign.pass_time(6)

    targets = [event(limited, kind="flex")]
    targets += [event(job, kind="dedicated") for job in (slow, other)]
    with campaign.atlas.wire.listen(takes_time):
        answer = application.answer({"targets": targets}, Deadline.after(PLENTY))

    assert answer["failures"] == []
    jobs = [limited, slow, other]
    assert restore_ids(answer["results"]) == [job.restore_id for job in jobs]
    assert campaign.count(ATLAS) == 2
    assert campaign.naps == []


@pytest.mark.fault("F42", "F61")
def test_a_limited_record_of_a_batch_does_not_delay_the_others(
    campaign: Campaign, application: Application
) -> None:
    limited, others = campaign.job(), [campaign.job("dedicated") for _ in range(3)]
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "12"}), times=None)
    records = [record("limited", event(limited, kind="flex"))]
    records += [record(job.restore_id, event(job, kind="dedicated")) for job in others]
    answer = application.answer({"Records": records}, Deadline.after(PLENTY))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "limited"}]}
    assert campaign.naps == []
    assert [campaign.published(job) for job in others] == [["RUNNING"]] * 3


@pytest.mark.fault("F33", "F43", "F61")
@cases(("times", "failed"), [(1, 0), (2, 0), (None, 1)], ids=["once", "twice", "always"])
def test_a_target_that_gets_a_503_is_asked_again_after_the_others(
    campaign: Campaign, application: Application, times: int | None, failed: int
) -> None:
    jobs = [campaign.job(), campaign.job("dedicated")]
    campaign.inject(ATLAS, Answer(503, {"Retry-After": "5"}), times=times)
    targets = [event(job, kind=kind) for job, kind in zip(jobs, KINDS, strict=True)]
    answer = application.answer({"targets": targets}, Deadline.after(PLENTY))

    assert [one["error"] for one in answer["failures"]] == ["AtlasUnavailableError"] * failed
    assert len(answer["results"]) == 2 - failed
    assert campaign.naps == []
    asked = [name for name in campaign.calls() if name in KINDS]
    assert sorted(asked[:2]) == ["dedicated", "flex"]
    assert asked[2:] == ["flex"] * (times or 2)
    assert campaign.published(jobs[1]) == ["RUNNING"]


@pytest.mark.fault("F61")
def test_the_function_answers_at_once_although_one_of_its_projects_is_limited(
    campaign: Campaign,
) -> None:
    limited, other = campaign.job(), campaign.job("dedicated")
    campaign.invoke(campaign.job())
    campaign.inject(ATLAS, too_many_requests({"Retry-After": "10"}), times=None)
    targets = [event(limited, kind="flex"), event(other, kind="dedicated")]
    invocation = campaign.invoke_with({"targets": targets})

    assert restore_ids(invocation.result["results"]) == [other.restore_id]
    assert [one["error"] for one in invocation.result["failures"]] == ["AtlasRateLimitError"]
    assert invocation.milliseconds < 5_000


# Failing servers


UNWELL: dict[str, Action] = {
    "500": atlas_error(500, "UNEXPECTED_ERROR", "Oops."),
    "502-html": Answer(502, {"Content-Type": "text/html"}, "<html>Bad gateway</html>"),
    "503": atlas_error(503, "SERVICE_UNAVAILABLE", "Busy."),
    "520": Answer(520),
    "408": Answer(408),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}

unwell = cases("action", list(UNWELL.values()), ids=list(UNWELL))


def replaced(action: Action) -> int:
    """The kept connection may have died while idle, so it is replaced once, without a wait."""
    return int(isinstance(action, Reset | Close))


@pytest.mark.fault("F33", "F34")
@unwell
@cases("burst", [1, ATTEMPTS - 1])
def test_a_check_succeeds_after_a_short_burst_of_failures(
    campaign: Campaign, action: Action, burst: int
) -> None:
    job = campaign.recorded_job()
    campaign.inject(ATLAS, action, times=burst)
    assert campaign.recheck(job) == UNCHANGED

    assert campaign.count(ATLAS) == burst + 1
    assert len(campaign.naps) == burst - replaced(action)
    for nap, (least, most) in zip(campaign.naps, BACKOFF, strict=False):
        assert least <= nap <= most


@pytest.mark.fault("F33", "F34")
@unwell
def test_repeated_failures_change_nothing(campaign: Campaign, action: Action) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    job.advance()
    campaign.inject(ATLAS, action, times=None)
    campaign.refused(AtlasUnavailableError, job, checker)
    assert campaign.count(ATLAS) == ATTEMPTS + replaced(action)

    campaign.heal()
    assert campaign.recheck(campaign.recorded_job(), checker) == UNCHANGED


@pytest.mark.fault("F33")
def test_a_503_is_retried_after_the_wait_that_it_names(campaign: Campaign) -> None:
    job = campaign.recorded_job()
    campaign.inject(ATLAS, Answer(503, {"Retry-After": "4"}))
    assert campaign.recheck(job) == UNCHANGED

    assert [4.2 <= nap <= 4.5 for nap in campaign.naps] == [True]


@pytest.mark.fault("F33")
def test_each_environment_waits_a_different_time(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, Answer(503), times=None)
    for _ in range(8):
        campaign.refused(AtlasUnavailableError, job)

    assert len(campaign.naps) == 8 * (ATTEMPTS - 1)
    assert len(set(campaign.naps)) == len(campaign.naps)
