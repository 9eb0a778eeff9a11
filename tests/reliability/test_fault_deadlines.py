"""Any amount of time left at any step: the check ends in time, and the next one converges: F44."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.aws import key_id_of
from local_stack.runtime import Invocation, LambdaRuntime
from local_stack.wire import Call, Delay, Gate, Phase, Selection
from reliability.campaign import (
    ACKNOWLEDGE,
    ATLAS,
    PUBLISH,
    RECORD,
    SECRET,
    SLACK,
    TOKEN,
    Campaign,
    Stored,
    Tools,
    concerns,
    event,
)
from restore_watch.atlas.client import LEAST_EXCHANGE
from restore_watch.aws_call import LEAST_TIME
from restore_watch.check import JobChecker
from restore_watch.errors import (
    AtlasUnavailableError,
    CredentialsError,
    NotificationPendingError,
    RestoreWatchError,
    TableUnavailableError,
    TimeBudgetExceededError,
)

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

TOO_LITTLE = (0, 0.3, 0.6, 0.99)
"""Seconds with which no step is begun."""

ENOUGH = 2.0
"""Seconds that suffice to reach any step, and to begin it, but not to see it out when it hangs."""

SETTLED = Stored("PENDING", 1, 1)


@dataclass(frozen=True)
class Hanging:
    """A step whose call or answer does not come through, and the error that tells of it."""

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
    """Have this job's step hang, and nobody else's."""
    # Calls for the secret and for tokens name no job; only one environment has no token yet.
    meant = {"secret": of_secret, "token": lambda _: True}.get(name, concerns(job))
    return campaign.hold(HANGING[name].step, HANGING[name].phase, meant)


@pytest.mark.fault("F3", "F5", "F10", "F30", "F44")
@cases("left", [LEAST_TIME + 0.05, LEAST_TIME + 0.2, ENOUGH])
def test_a_check_ends_in_time_whichever_step_hangs(campaign: Campaign, left: float) -> None:
    jobs = {name: campaign.job() for name in HANGING}
    warm = campaign.environment(campaign.patient)
    campaign.check(campaign.job(), warm)
    watches = dict.fromkeys(HANGING, warm)
    watches["secret"] = campaign.environment(campaign.hasty)
    watches["token"] = campaign.environment(campaign.patient)

    def check(job: EmulatedRestore, watch: JobChecker) -> tuple[type[RestoreWatchError], float]:
        begun = time.monotonic()
        with pytest.raises(RestoreWatchError) as caught:
            campaign.check(job, watch, left)
        return caught.type, time.monotonic() - begun

    with ExitStack() as holds, ThreadPoolExecutor(len(HANGING)) as threads:
        for name, job in jobs.items():
            holds.enter_context(hold(campaign, name, job, campaign.hasty.made))
        ended = dict(zip(HANGING, threads.map(check, jobs.values(), watches.values()), strict=True))
    for name, (kind, took) in ended.items():
        assert took < left + SLACK
        # With little to spare, the steps before may have taken it.
        typed = {HANGING[name].error} | ({TimeBudgetExceededError} if left < ENOUGH else set())
        assert kind in typed

    # What was left behind has been let go: it may still have its effect, now or in between.
    for job in jobs.values():
        campaign.check(job)
        if campaign.stored(job) != SETTLED:
            campaign.check(job)
        assert campaign.stored(job) == SETTLED
        assert set(campaign.published(job)) == {"PENDING"}


@pytest.mark.fault("F44")
@cases("left", TOO_LITTLE)
def test_no_step_is_begun_that_could_not_end(campaign: Campaign, left: float) -> None:
    assert left < LEAST_TIME <= LEAST_EXCHANGE
    job, watch = campaign.job(), campaign.environment()
    campaign.refused(TimeBudgetExceededError, job, watch, seconds=left)
    assert campaign.calls() == []

    campaign.check(campaign.job(), watch)
    campaign.stack.forget_calls()
    campaign.refused(TimeBudgetExceededError, job, watch, seconds=left)
    assert campaign.calls() == []
    assert campaign.check(job, watch).changed


BEFORE: dict[str, tuple[Selection, list[str]]] = {
    "job": (SECRET, ["secret"]),
    "write": (ATLAS, ["secret", "token", "flex"]),
    "publication": (RECORD, ["secret", "token", "flex", "record"]),
    "acknowledgement": (PUBLISH, ["secret", "token", "flex", "record", "publish"]),
}


@pytest.mark.fault("F1", "F2", "F44")
@cases(("slow", "calls"), list(BEFORE.values()), ids=list(BEFORE))
def test_a_step_is_not_begun_when_the_one_before_took_its_time(
    campaign: Campaign, slow: Selection, calls: list[str]
) -> None:
    job = campaign.job()
    campaign.inject(slow, Delay(0.6))
    campaign.refused(TimeBudgetExceededError, job, seconds=LEAST_TIME + 0.5)
    assert campaign.calls() == calls

    campaign.check(job)
    assert set(campaign.published(job)) == {"PENDING"}
    assert campaign.stored(job) == SETTLED


# In the real runtime


def key_of(name: str) -> str:
    return f"AKIA{name.upper().replace('-', '')}"


@pytest.fixture(scope="module")
def environments(tools: Tools) -> Iterator[dict[str, LambdaRuntime]]:
    """One for each step that hangs, told apart by its key, with three seconds for an invocation."""
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
            for name in HANGING
        }
        for runtime in made.values():
            runtimes.enter_context(runtime)
        yield made


def wake(runtime: LambdaRuntime) -> None:
    """Have it started without it learning anything: the emulator takes that from its time."""
    answers = (runtime.invoke({}) for _ in range(10))
    assert any(answer.error_type == "InvalidEventError" for answer in answers)


@pytest.mark.fault("F44", "F45")
def test_the_function_answers_before_its_timeout_whichever_step_hangs(
    campaign: Campaign, environments: dict[str, LambdaRuntime]
) -> None:
    jobs = {name: campaign.job() for name in HANGING}
    for name, runtime in environments.items():
        wake(runtime)
        if name not in {"secret", "token"}:
            assert runtime.invoke(event(campaign.job())).result["changed"]

    def invoke(name: str) -> Invocation:
        return environments[name].invoke(event(jobs[name]))

    def made_for_secret(call: Call) -> bool:
        return key_id_of(call) == key_of("secret")

    with ExitStack() as holds, ThreadPoolExecutor(len(HANGING)) as threads:
        for name, job in jobs.items():
            holds.enter_context(hold(campaign, name, job, made_for_secret))
        answers = dict(zip(HANGING, threads.map(invoke, HANGING), strict=True))
    assert {name: answer.error_type for name, answer in answers.items()} == {
        name: hanging.error.__name__ for name, hanging in HANGING.items()
    }

    for job in jobs.values():
        campaign.invoke(job)
        if campaign.stored(job) != SETTLED:
            campaign.invoke(job)
        assert campaign.stored(job) == SETTLED
        assert set(campaign.published(job)) == {"PENDING"}
    campaign.said += [runtime.logs() for runtime in environments.values()]
