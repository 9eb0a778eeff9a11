"""Two hours without Atlas, SNS, DynamoDB or Secrets Manager, alone and in pairs: F74 and F4."""

from contextlib import suppress
from itertools import combinations

import pytest

from foundation.timed_call import CALLS_AT_ONCE
from local_stack.aws import aws_error
from local_stack.wire import Action, Answer, Close, Selection
from reliability.campaign import Campaign, Stored, always
from reliability.steps import PUBLISH
from reliability.sweeping import SKIPPED, Sweeps
from restore_watch.errors import NotificationPendingError, RestoreWatchError
from restore_watch.sweep.act_on_answer import REFUSALS

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

OUTAGES: dict[str, Action] = {
    "atlas": Answer(503),
    "sns": aws_error("sns", "InternalError", status=500),
    "dynamodb": Close(),
    "secretsmanager": aws_error("secretsmanager", "InternalServiceError", status=500),
}
TICKS = [60.0] * 4 + [870.0] * 8
"""Seconds before each tick of two hours: every minute first, then less often, to save time."""


class Restores:
    """Restores that begin before the outage and end during it."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self.flex = campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
        self.dedicated = campaign.job("dedicated", timeline=["running", "finished"])
        self.jobs = {
            self.flex: ["PENDING", "RUNNING", "COMPLETED"],
            self.dedicated: ["RUNNING", "COMPLETED"],
        }
        checker = campaign.environment()
        for job in self.jobs:
            campaign.check(job, checker)

    def move_on(self, tick: int) -> None:
        """Take the steps of this tick of the outage."""
        moves = {2: self.flex, 6: self.dedicated, 9: self.flex}
        if tick in moves:
            moves[tick].advance()

    def assert_caught_up(self) -> None:
        """Every recorded change was published under one id, in order, and the end is known."""
        for job, steps in self.jobs.items():
            item = self._campaign.item(job) or {}
            recorded = [entry["status"] for entry in item["history"]]
            # Steps that nobody could see are skipped; the others are in order.
            assert [step for step in steps if step in recorded] == recorded
            assert recorded[-1] == "COMPLETED"
            number = len(recorded)
            assert self._campaign.stored(job) == Stored("COMPLETED", number, number)
            assert list(dict.fromkeys(self._campaign.published(job))) == recorded
            by_id = {
                (message.event["id"], message.event["data"]["sequence"])
                for message in self._campaign.messages(job)
            }
            assert sorted(sequence for _, sequence in by_id) == list(range(1, number + 1))
            assert "openShard" not in item


ALONE_AND_IN_PAIRS = {
    "-".join(names): (names,) for count in (1, 2) for names in combinations(OUTAGES, count)
}


@pytest.mark.fault("F74")
@cases("services", always(ALONE_AND_IN_PAIRS, *OUTAGES, "atlas-dynamodb", "sns-secretsmanager"))
def test_two_hours_of_outage_are_caught_up_within_two_sweeps(
    campaign: Campaign, sweeps: Sweeps, services: tuple[str, ...]
) -> None:
    restores = Restores(campaign)
    assert sweeps.tick()["checked"] == 2
    for service in services:
        campaign.inject(Selection(service), OUTAGES[service], times=None)
    for number, seconds in enumerate(TICKS):
        campaign.pass_time(seconds)
        restores.move_on(number)
        with suppress(RestoreWatchError):
            sweeps.tick()
    campaign.heal()
    for _ in range(2):
        campaign.pass_time(60)
        result = sweeps.tick()
    assert result != SKIPPED
    restores.assert_caught_up()

    campaign.stack.forget_calls()
    campaign.pass_time(60)
    assert sweeps.tick()["open"] == 0
    assert campaign.count(PUBLISH) == 0


@pytest.mark.fault("F74", "F4")
@cases(
    "refusal",
    [
        aws_error("sns", "NotFound", status=404),
        aws_error("sns", "AuthorizationError", status=403),
        aws_error("sns", "KMSDisabled"),
    ],
    ids=["deleted", "forbidden", "key-disabled"],
)
def test_what_sns_refuses_is_published_by_the_next_sweep_after_the_repair(
    campaign: Campaign, sweeps: Sweeps, refusal: Answer
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    with campaign.inject(PUBLISH, refusal, times=None):
        for number in range(3):
            before = campaign.count(PUBLISH)
            (failure,) = sweeps.tick()["failures"]
            assert failure["error"] == "NotificationPendingError"
            assert campaign.count(PUBLISH) - before == 1, number
            campaign.pass_time(60)
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)

    assert sweeps.tick()["published"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F74")
def test_a_message_that_sns_refuses_is_a_failure_although_the_job_is_unchanged(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    with campaign.inject(PUBLISH, OUTAGES["sns"], times=None):
        for _ in range(3):
            result = sweeps.tick()
            assert [one["error"] for one in result["failures"]] == ["NotificationPendingError"]
            campaign.pass_time(60)

    assert sweeps.tick()["failures"] == []
    assert campaign.published(job) == ["PENDING", "RUNNING"]


@pytest.mark.fault("F74")
def test_a_sweep_stops_publishing_after_a_few_refusals_by_sns(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = [campaign.finished_job() for _ in range(REFUSALS + CALLS_AT_ONCE)]
    checker = campaign.environment()
    with campaign.inject(PUBLISH, OUTAGES["sns"], times=None):
        for job in jobs:
            campaign.refused(NotificationPendingError, job, checker)
        before = campaign.count(PUBLISH)
        result = sweeps.tick()
        # Those that are under way are not stopped.
        assert REFUSALS <= campaign.count(PUBLISH) - before < REFUSALS + CALLS_AT_ONCE
        assert result["published"] == 0
    campaign.pass_time(60)

    assert sweeps.tick()["published"] == len(jobs)
    assert [campaign.published(job) for job in jobs] == [["COMPLETED"]] * len(jobs)
    assert sweeps.tick()["open"] == 0
