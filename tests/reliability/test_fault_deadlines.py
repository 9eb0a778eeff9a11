"""Any time left at any step: the check ends in time, and the next one converges: F44."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

import pytest

from foundation.errors import TimeBudgetExceededError
from foundation.timed_call import LEAST_TIME
from local_stack.atlas import EmulatedRestore
from local_stack.aws import key_id_of
from local_stack.runtime import Invocation, LambdaRuntime
from local_stack.wire import Call, Delay, Gate, Phase, Selection
from reliability.campaign import SLACK, Campaign, Stored, Tools, concerns, event
from reliability.steps import ACKNOWLEDGE, ATLAS, PUBLISH, RECORD, SECRET, TOKEN
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.check.check import JobChecker
from restore_watch.errors import (
    AtlasUnavailableError,
    CredentialsError,
    NotificationPendingError,
    RestoreWatchError,
    TableUnavailableError,
)

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

TOO_LITTLE = (0, 0.6, 0.99)
"""Seconds left that are too few for any step to begin."""

ENOUGH = 2.4
"""Seconds left that are enough for every step to begin, but not for a hanging one to end."""

PUBLISHED = Stored("PENDING", 1, 1)


@dataclass(frozen=True)
class Hanging:
    """A step whose call or answer does not arrive, and the error that reports it."""

    step: Selection
    phase: Phase
    error: type[RestoreWatchError]


HANGING = {
    "secret": Hanging(SECRET, "before", CredentialsError),
    "token": Hanging(TOKEN, "before", AtlasUnavailableError),
    "job": Hanging(ATLAS, "before", AtlasUnavailableError),
    "write": Hanging(RECORD, "before", TableUnavailableError),
    "write-done": Hanging(RECORD, "after", TableUnavailableError),
    "publication": Hanging(PUBLISH, "before", NotificationPendingError),
    "publication-done": Hanging(PUBLISH, "after", NotificationPendingError),
    "acknowledgement": Hanging(ACKNOWLEDGE, "before", TableUnavailableError),
    "acknowledgement-done": Hanging(ACKNOWLEDGE, "after", TableUnavailableError),
}


def hold(
    campaign: Campaign, name: str, job: EmulatedRestore, of_secret: Callable[[Call], bool]
) -> AbstractContextManager[Gate]:
    """Let this step of this job hang, and no other."""
    # A call for the secret or a token names no job. Only one environment needs a token here.
    meant = {"secret": of_secret, "token": lambda _: True}.get(name, concerns(job))
    return campaign.hold(HANGING[name].step, HANGING[name].phase, meant)


@pytest.mark.fault("F3", "F5", "F10", "F30", "F44")
@cases("left", [LEAST_TIME + 0.6, ENOUGH])
def test_a_check_ends_in_time_when_any_step_hangs(campaign: Campaign, left: float) -> None:
    jobs = {name: campaign.job() for name in HANGING}
    warm = campaign.environment(campaign.patient)
    campaign.check(campaign.job(), warm)
    checkers = dict.fromkeys(HANGING, warm)
    checkers["secret"] = campaign.environment(campaign.hasty)
    checkers["token"] = campaign.environment(campaign.patient)

    def check(job: EmulatedRestore, checker: JobChecker) -> tuple[type[RestoreWatchError], float]:
        begun = time.monotonic()
        with pytest.raises(RestoreWatchError) as caught:
            campaign.check(job, checker, left)
        return caught.type, time.monotonic() - begun

    with ExitStack() as holds, ThreadPoolExecutor(len(HANGING)) as threads:
        for name, job in jobs.items():
            holds.enter_context(hold(campaign, name, job, campaign.hasty.made))
        ended = dict(
            zip(HANGING, threads.map(check, jobs.values(), checkers.values()), strict=True)
        )
    for name, (kind, took) in ended.items():
        assert took < left + SLACK
        # With little time, the steps before may have used it up.
        typed = {HANGING[name].error} | ({TimeBudgetExceededError} if left < ENOUGH else set())
        assert kind in typed

    # The held calls go on now, and may still have their effect.
    for job in jobs.values():
        campaign.check(job)
        if campaign.stored(job) != PUBLISHED:
            campaign.check(job)
        assert campaign.stored(job) == PUBLISHED
        assert set(campaign.published(job)) == {"PENDING"}


@pytest.mark.fault("F44")
@cases("left", TOO_LITTLE)
def test_no_step_begins_with_too_little_time_to_finish(campaign: Campaign, left: float) -> None:
    assert left < LEAST_TIME <= LEAST_EXCHANGE
    job, checker = campaign.job(), campaign.environment()
    campaign.refused(TimeBudgetExceededError, job, checker, seconds=left)
    assert campaign.calls() == []

    campaign.check(campaign.job(), checker)
    campaign.stack.forget_calls()
    campaign.refused(TimeBudgetExceededError, job, checker, seconds=left)
    assert campaign.calls() == []
    assert campaign.check(job, checker).changed


BEFORE: dict[str, tuple[Selection, list[str]]] = {
    "write": (ATLAS, ["secret", "token", "flex"]),
    "publication": (RECORD, ["secret", "token", "flex", "record"]),
    "acknowledgement": (PUBLISH, ["secret", "token", "flex", "record", "publish"]),
}


@pytest.mark.fault("F1", "F2", "F44")
@cases(("slow", "calls"), list(BEFORE.values()), ids=list(BEFORE))
def test_a_step_does_not_begin_when_an_earlier_step_used_its_time(
    campaign: Campaign, slow: Selection, calls: list[str]
) -> None:
    job = campaign.job()
    campaign.inject(slow, Delay(1.1))
    campaign.refused(TimeBudgetExceededError, job, seconds=2.0)
    assert campaign.calls() == calls

    campaign.check(job)
    assert set(campaign.published(job)) == {"PENDING"}
    assert campaign.stored(job) == PUBLISHED


# In the real runtime

IN_RUNTIME = ("job", "write-done", "publication")
"""The steps that hang there; the others hang in this process only."""


def key_of(name: str) -> str:
    return f"AKIA{name.upper().replace('-', '')}"


@pytest.fixture(scope="module")
def environments(tools: Tools) -> Iterator[dict[str, LambdaRuntime]]:
    """An environment for each hanging step, named by its key, with three seconds for a call."""
    usual = tools.stack.pool.runtimes[0].environment
    with ExitStack() as runtimes:
        made = {
            name: LambdaRuntime(
                replace(
                    usual,
                    variables={**usual.variables, "AWS_ACCESS_KEY_ID": key_of(name)},
                    timeout_seconds=3,
                )
            )
            for name in IN_RUNTIME
        }
        for runtime in made.values():
            runtimes.enter_context(runtime)
        yield made


def wake(runtime: LambdaRuntime) -> None:
    """Start the environment first: the emulator counts the start as time of the invocation."""
    answers = (runtime.invoke({}) for _ in range(10))
    assert any(answer.error_type == "InvalidEventError" for answer in answers)


@pytest.mark.fault("F44", "F45")
def test_the_function_answers_before_its_timeout_when_any_step_hangs(
    campaign: Campaign, environments: dict[str, LambdaRuntime]
) -> None:
    jobs = {name: campaign.job() for name in IN_RUNTIME}
    for name, runtime in environments.items():
        wake(runtime)
        if name not in {"secret", "token"}:
            assert runtime.invoke(event(campaign.job())).result["changed"]

    def invoke(name: str) -> Invocation:
        return environments[name].invoke(event(jobs[name]))

    def made_for_secret(call: Call) -> bool:
        return key_id_of(call) == key_of("secret")

    with ExitStack() as holds, ThreadPoolExecutor(len(IN_RUNTIME)) as threads:
        for name, job in jobs.items():
            holds.enter_context(hold(campaign, name, job, made_for_secret))
        answers = dict(zip(IN_RUNTIME, threads.map(invoke, IN_RUNTIME), strict=True))
    assert {name: answer.error_type for name, answer in answers.items()} == {
        name: HANGING[name].error.__name__ for name in IN_RUNTIME
    }

    for job in jobs.values():
        campaign.invoke(job)
        if campaign.stored(job) != PUBLISHED:
            campaign.invoke(job)
        assert campaign.stored(job) == PUBLISHED
        assert set(campaign.published(job)) == {"PENDING"}
    campaign.said += [runtime.logs() for runtime in environments.values()]
