"""Events and batches of many targets while Atlas is slow or hangs: F42, F43, F59, F61 and F87."""

import io
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Semaphore
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from local_stack.atlas import EmulatedRestore
from local_stack.stack import Credentials
from local_stack.wire import Call, Phase, Selection
from reliability.campaign import PLENTY, Campaign, event, record, requested
from reliability.steps import ACKNOWLEDGE, ATLAS, RECORD
from restore_watch.application import Application
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import THREADS

pytestmark = pytest.mark.timeout(120)
cases = pytest.mark.parametrize

TOO_SLOW = 20.0
"""Seconds after which a test that waits for something has failed."""


class Logged:
    """A cold start in this process, and which targets it reported."""

    def __init__(self, campaign: Campaign) -> None:
        self._log = io.StringIO()
        logger = Logger(service=secrets.token_hex(4), stream=self._log)
        self.answer: Callable[..., Mapping[str, Any]] = campaign.application(
            Telemetry(logger)
        ).answer

    def reported(self, level: str) -> Counter[str]:
        """How often each job was reported: as checked (INFO), or as failed (ERROR)."""
        lines = [json.loads(line) for line in self._log.getvalue().splitlines()]
        return Counter(line["restore_id"] for line in lines if line["level"] == level)


@pytest.fixture
def logged(campaign: Campaign, powertools: None) -> Logged:  # noqa: ARG001
    return Logged(campaign)


def jobs_of(
    campaign: Campaign, count: int, cluster: str = "orders", group: str | None = None
) -> list[EmulatedRestore]:
    return [
        campaign.atlas.start_restore(group or campaign.group, f"{cluster}-{number}", "flex")
        for number in range(count)
    ]


def named(jobs: Sequence[EmulatedRestore]) -> list[dict[str, Any]]:
    return [event(job, kind="flex") for job in jobs]


def batch_of(jobs: Sequence[EmulatedRestore], records: int) -> dict[str, Any]:
    """So many records, each with an equal share of the jobs."""
    share = len(jobs) // records
    return {
        "Records": [
            record(str(number), {"targets": named(jobs[number * share :][:share])})
            for number in range(records)
        ]
    }


@contextmanager
def slow(campaign: Campaign, step: Selection, seconds: float) -> Iterator[None]:
    """Each of these calls takes so long."""

    def takes_time(call: Call, phase: Phase) -> None:
        if phase == "before" and step.covers(call):
            time.sleep(seconds)

    with campaign.wire(step).listen(takes_time):
        yield


def published_once(campaign: Campaign, jobs: Sequence[EmulatedRestore]) -> bool:
    return [campaign.published(job) for job in jobs] == [["PENDING"]] * len(jobs)


@pytest.mark.fault("F59", "F87")
def test_an_event_of_a_hundred_targets_is_answered_at_once_while_atlas_is_slow(
    campaign: Campaign,
) -> None:
    """One after the other they would take longer than an invocation may."""
    jobs = jobs_of(campaign, 100)
    with slow(campaign, ATLAS, 0.7):
        answer = campaign.invoke_with(requested(*named(jobs))).result

    assert [one["job"]["restoreId"] for one in answer["results"]] == [
        job.restore_id for job in jobs
    ]
    assert answer["failures"] == []
    assert published_once(campaign, jobs)


@pytest.mark.fault("F42", "F87")
@cases("credentials", ["service_account", "api_key"])
def test_a_full_batch_is_answered_in_one_delivery_while_atlas_is_slow(
    campaign: Campaign, application: Application, credentials: Credentials
) -> None:
    campaign.use(credentials)
    jobs = jobs_of(campaign, 100)
    with slow(campaign, ATLAS, 0.4):
        answer = application.answer(batch_of(jobs, records=10), Deadline.after(PLENTY))

    assert answer == {"batchItemFailures": []}
    assert published_once(campaign, jobs)
    statuses = Counter(call.status for call in campaign.atlas.wire.calls if ATLAS.covers(call))
    assert statuses.pop(200) == len(jobs)
    # Each slot is challenged once: no nonce is used by two threads.
    assert sum(statuses.values()) == statuses[401] <= THREADS


@pytest.mark.fault("F43", "F87")
def test_a_project_that_hangs_keeps_no_other_project_from_being_asked(
    campaign: Campaign, application: Application
) -> None:
    others = jobs_of(campaign, 5)
    hanging = jobs_of(campaign, 2 * THREADS, group=secrets.token_hex(12))
    acknowledged = Semaphore(0)

    def note(call: Call, phase: Phase) -> None:
        if phase == "after" and ACKNOWLEDGE.covers(call):
            acknowledged.release()

    def hangs(call: Call) -> bool:
        return hanging[0].group_id in call.path

    targets = {"targets": named(hanging) + named(others)}
    with ThreadPoolExecutor(1) as pool:
        with campaign.aws.wire.listen(note), campaign.hold(ATLAS, when=hangs) as gate:
            answering = pool.submit(application.answer, targets, Deadline.after(PLENTY))
            gate.wait_for(1)
            assert [acknowledged.acquire(timeout=TOO_SLOW) for _ in others] == [True] * 5
            assert published_once(campaign, others)
            assert {campaign.stored(job) for job in hanging} == {None}
        answer = answering.result()

    assert [one["job"]["restoreId"] for one in answer["results"]][-5:] == [
        job.restore_id for job in others
    ]


@pytest.mark.fault("F59", "F87")
def test_what_a_delivery_did_not_reach_comes_first_in_the_next_one(
    campaign: Campaign, logged: Logged, application: Application
) -> None:
    """Each of the three deliveries has time for a third of the targets."""
    jobs = jobs_of(campaign, 60)
    targets = requested(*named(jobs))
    assert len(application.answer(targets, Deadline.after(PLENTY))["results"]) == 60
    now, answered = [0.0], Semaphore(0)

    def ends(call: Call, phase: Phase) -> None:
        is_last_step = phase == "after" and RECORD.covers(call)
        if is_last_step and not answered.acquire(blocking=False):
            now[0] += 60

    with campaign.aws.wire.listen(ends):
        for _ in range(3):
            answered.release(20)
            with pytest.raises(TimeBudgetExceededError):
                logged.answer(targets, Deadline.after(60, lambda: now[0]))

    assert set(logged.reported("INFO")) == {job.restore_id for job in jobs}


@pytest.mark.fault("F42")
def test_a_job_that_several_records_name_is_recorded_once_and_every_record_is_done(
    campaign: Campaign, logged: Logged
) -> None:
    job, other = jobs_of(campaign, 2)
    spelt = {**event(job), "kind": "auto"}
    records = [record(str(number), one) for number, one in enumerate(named([job, other, job]))]
    records.append(record("another spelling", spelt))
    answer = logged.answer({"Records": records}, Deadline.after(PLENTY))

    assert answer == {"batchItemFailures": []}
    assert published_once(campaign, [job, other])
    stored = campaign.stored(job)
    assert stored is not None
    assert stored.sequence == 1
    assert logged.reported("INFO") == {job.restore_id: 3, other.restore_id: 1}


@pytest.mark.fault("F43", "F61", "F87")
def test_an_invocation_ends_before_its_deadline_although_atlas_hangs(
    campaign: Campaign, logged: Logged
) -> None:
    jobs = jobs_of(campaign, 2 * THREADS)
    deadline = Deadline.after(6)
    with campaign.hold(ATLAS):
        answer = logged.answer(batch_of(jobs, records=4), deadline)
        assert deadline.remaining() > 0

    assert len(answer["batchItemFailures"]) == 4
    assert logged.reported("ERROR") == dict.fromkeys((job.restore_id for job in jobs), 1)
