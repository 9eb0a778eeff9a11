"""DynamoDB that fails, and checks that meet: F5 to F8, F10 and F63."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from foundation.errors import TimeBudgetExceededError
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import aws_error
from local_stack.wire import Action, Answer, Phase
from reliability.aws_faults import TABLE_FAULTS, each_of
from reliability.campaign import AWS_TRIES, Campaign, Stored, delete_item
from reliability.steps import ACKNOWLEDGE, ATLAS, PUBLISH, RECORD
from restore_watch.check.outbox import PATIENCE
from restore_watch.errors import NotificationPendingError, TableUnavailableError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

CONNECTIONS = 20
"""The connection limit of two HTTP clients: as many checks can wait for Atlas at once."""


@pytest.mark.fault("F5")
@each_of(TABLE_FAULTS)
def test_nothing_is_published_before_the_write_is_confirmed(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    campaign.inject(RECORD, action, phase=phase)
    campaign.refused(TableUnavailableError, job)
    assert campaign.stored(job) == (Stored("COMPLETED", 1, 0) if phase == "after" else None)
    assert campaign.published(job) == []
    assert campaign.calls() == ["secret", "token", "flex", "record"]

    result = campaign.check(job)
    assert result.changed is (phase == "before")
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F5")
@each_of(TABLE_FAULTS, "reset-after", "throttled")
def test_a_check_recognises_its_own_write_after_a_retry(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    fault = campaign.inject(RECORD, action, phase=phase)
    result = campaign.check(job, campaign.environment(campaign.patient))

    assert fault.hits == 1
    assert (result.changed, result.previous_status, result.sequence) == (True, None, 1)
    assert campaign.count(RECORD) == 2
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F5")
def test_a_write_is_tried_only_a_few_times(campaign: Campaign) -> None:
    job = campaign.finished_job()
    campaign.inject(RECORD, aws_error("dynamodb", "InternalServerError", status=500), times=None)
    campaign.refused(TableUnavailableError, job, campaign.environment(campaign.patient))

    assert campaign.count(RECORD) == AWS_TRIES
    assert campaign.stored(job) is None


@pytest.mark.fault("F6")
def test_a_check_that_lost_the_race_succeeds_without_a_message(campaign: Campaign) -> None:
    job = campaign.finished_job()
    slow, fast = campaign.environment(campaign.hasty), campaign.environment(campaign.patient)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(RECORD, when=campaign.hasty.made) as gate,
    ):
        losing = thread.submit(campaign.check, job, slow)
        gate.wait_for(1)
        assert campaign.check(job, fast).changed
        gate.open()
        lost = losing.result()

    assert (lost.changed, lost.published, lost.job.status) == (False, (), "COMPLETED")
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F6")
def test_a_check_waits_while_another_one_publishes_the_change(campaign: Campaign) -> None:
    job = campaign.finished_job()
    with (
        ThreadPoolExecutor(2) as threads,
        campaign.hold(RECORD, when=campaign.hasty.made) as writing,
        campaign.hold(PUBLISH, when=campaign.patient.made) as publishing,
    ):

        def sleep(seconds: float) -> None:
            """Let the winner publish while the loser waits."""
            assert campaign.published(job) == []
            campaign.nap(seconds)
            publishing.open()
            assert winning.result().changed

        slow = campaign.environment(campaign.hasty, sleep=sleep)
        losing = threads.submit(campaign.check, job, slow)
        writing.wait_for(1)
        winning = threads.submit(campaign.check, job, campaign.environment(campaign.patient))
        publishing.wait_for(1)
        writing.open()
        lost = losing.result()

    assert (lost.changed, lost.published) == (False, ())
    assert len(campaign.naps) == 1
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F6", "F44")
def test_a_check_without_enough_time_to_wait_for_another_one_fails(campaign: Campaign) -> None:
    job = campaign.finished_job()
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(RECORD, when=campaign.hasty.made) as writing,
    ):
        slow = campaign.environment(campaign.hasty)
        losing = thread.submit(campaign.check, job, slow, seconds=2.0)
        writing.wait_for(1)
        campaign.inject(PUBLISH, aws_error("sns", "NotFound", status=404))
        campaign.refused(NotificationPendingError, job, campaign.environment(campaign.patient))
        campaign.nap(1.5)
        writing.open()
        with pytest.raises(TimeBudgetExceededError):
            losing.result()
    assert campaign.stored(job) == Stored("COMPLETED", 1, 0)

    campaign.check(job, slow)
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F7")
def test_a_hundred_checks_at_once_record_one_change(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    checkers = [campaign.environment(by) for by in (campaign.hasty, campaign.patient)] * 5
    for checker in checkers:
        campaign.check(job, checker)
    job.advance()
    with ThreadPoolExecutor(100) as threads, campaign.hold(ATLAS) as gate:
        checks = [threads.submit(campaign.check, job, checkers[n % 10]) for n in range(100)]
        gate.wait_for(CONNECTIONS)
        gate.open()
        results = [check.result() for check in checks]

    assert sum(result.changed for result in results) == 1
    assert {result.job.status for result in results} == {"COMPLETED"}
    assert campaign.published(job)[0] == "PENDING"
    assert set(campaign.published(job)[1:]) == {"COMPLETED"}
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    assert len((campaign.item(job) or {})["history"]) == 2


@pytest.mark.fault("F8")
@cases("dies", [False, True], ids=["published", "not-yet-published"])
def test_a_slow_check_with_an_older_status_changes_nothing(campaign: Campaign, dies: bool) -> None:  # noqa: FBT001
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    slow, fast = campaign.environment(campaign.hasty), campaign.environment(campaign.patient)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(RECORD, when=campaign.hasty.made) as gate,
    ):
        late = thread.submit(campaign.check, job, slow)
        gate.wait_for(1)
        job.advance()
        if dies:
            campaign.inject(PUBLISH, aws_error("sns", "NotFound", status=404))
            campaign.refused(NotificationPendingError, job, fast)
        else:
            campaign.check(job, fast)
        gate.open()
        result = late.result()
    assert (result.changed, result.job.status) == (False, "COMPLETED")
    assert campaign.naps == (list(PATIENCE) if dies else [])
    # A check that succeeds leaves nothing pending: it published what the dead check did not.
    assert len(result.published) == (1 if dies else 0)
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F7", "F58")
def test_concurrent_checks_record_a_second_unknown_word_once(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PAUSED", "RESUMING"])
    campaign.check(job)
    job.advance()
    checkers = [campaign.environment(by) for by in (campaign.hasty, campaign.patient)]
    with ThreadPoolExecutor(6) as threads, campaign.hold(RECORD) as gate:
        checks = [threads.submit(campaign.check, job, checkers[n % 2]) for n in range(6)]
        gate.wait_for(6)
        gate.open()
        results = [check.result() for check in checks]

    assert sum(result.changed for result in results) == 1
    assert {result.job.atlas_status for result in results} == {"RESUMING"}
    assert set(campaign.published(job)) == {"UNKNOWN:PAUSED", "UNKNOWN:RESUMING"}
    assert campaign.stored(job) == Stored("UNKNOWN", 2, 2)


@pytest.mark.fault("F10")
@each_of(TABLE_FAULTS, "reset-before", "reset-after", "denied", "500-after", "html-instead")
def test_a_message_that_could_not_be_acknowledged_is_published_again(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    campaign.inject(ACKNOWLEDGE, action, phase=phase)
    campaign.refused(TableUnavailableError, job)
    acknowledged = 1 if phase == "after" else 0
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, acknowledged)

    campaign.check(job)
    assert campaign.published(job) == ["COMPLETED"] * (2 - acknowledged)
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F10")
def test_the_error_of_a_failed_acknowledgement_does_not_claim_that_nothing_was_published(
    campaign: Campaign,
) -> None:
    job = campaign.finished_job()
    campaign.inject(ACKNOWLEDGE, TABLE_FAULTS["500"][0])
    error = campaign.refused(TableUnavailableError, job)

    assert campaign.published(job) == ["COMPLETED"]
    assert "nothing was published" not in str(error)


@pytest.mark.fault("F10")
@each_of(TABLE_FAULTS, "500-after")
def test_an_acknowledgement_is_retried_within_the_same_check(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    campaign.inject(ACKNOWLEDGE, action, phase=phase)
    campaign.check(job, campaign.environment(campaign.patient))

    assert campaign.count(ACKNOWLEDGE) == 2
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F10")
def test_a_late_acknowledgement_does_not_lower_the_number_of_published_changes(
    campaign: Campaign,
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    slow, fast = campaign.environment(campaign.hasty), campaign.environment(campaign.patient)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(ACKNOWLEDGE, when=campaign.hasty.made) as gate,
    ):
        late = thread.submit(campaign.check, job, slow)
        gate.wait_for(1)
        job.advance()
        campaign.check(job, fast)
        gate.open()
        late.result()

    assert set(campaign.published(job)) == {"RUNNING", "COMPLETED"}
    assert campaign.published(job)[0] == "RUNNING"
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@contextmanager
def late_acknowledgement(campaign: Campaign, job: EmulatedRestore) -> Iterator[None]:
    """The acknowledgement of a check within the block arrives when the block ends."""
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(ACKNOWLEDGE, when=campaign.hasty.made) as gate,
    ):
        late = thread.submit(campaign.check, job, campaign.environment(campaign.hasty))
        gate.wait_for(1)
        yield
        gate.open()
        late.result()


@pytest.mark.fault("F63")
@cases("kind", ["flex", "dedicated"])
def test_a_late_acknowledgement_does_not_acknowledge_a_recreated_item(
    campaign: Campaign, kind: Kind
) -> None:
    job = campaign.finished_job(kind)
    with late_acknowledgement(campaign, job):
        delete_item(campaign, job)
        campaign.inject(PUBLISH, Answer(400))
        campaign.refused(NotificationPendingError, job, campaign.environment(campaign.patient))
    assert campaign.stored(job) == Stored("COMPLETED", 1, 0)
    assert "expiresAt" not in (campaign.item(job) or {})

    campaign.check(job)
    assert campaign.published(job) == ["COMPLETED", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F63")
def test_a_late_acknowledgement_does_not_recreate_a_deleted_item(campaign: Campaign) -> None:
    job = campaign.finished_job()
    with late_acknowledgement(campaign, job):
        delete_item(campaign, job)
    assert campaign.item(job) is None

    assert campaign.check(job).changed
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)
