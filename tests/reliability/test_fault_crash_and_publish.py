"""Checks that die, and an SNS that refuses: F1 to F4, F9 and F64."""

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.wire import Action, Answer, Phase, Selection
from reliability.aws_faults import SNS_FAULTS, TABLE_FAULTS, each_of
from reliability.campaign import AWS_TRIES, Campaign, Stored, event, record
from reliability.steps import ACKNOWLEDGE, ATLAS, MISSING_ROLE, PUBLISH, RECORD
from restore_watch.errors import AtlasUnauthorizedError, NotificationPendingError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.mark.fault("F1")
@cases(
    ("step", "phase"),
    [(RECORD, "after"), (PUBLISH, "before")],
    ids=["before-the-write-is-answered", "before-the-publication"],
)
def test_a_change_stored_before_a_kill_is_published_by_the_next_check(
    campaign: Campaign, step: Selection, phase: Phase
) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    assert campaign.invoke(job).result["changed"]
    job.advance()
    with campaign.killed(step, phase):
        assert campaign.invoke(job).crashed
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)
    assert campaign.published(job) == ["PENDING"]

    recovered = campaign.invoke(job).result
    assert (recovered["changed"], recovered["terminal"]) == (False, True)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)

    assert not campaign.invoke(job).result["changed"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F2")
@cases(
    ("step", "phase"),
    [(PUBLISH, "after"), (ACKNOWLEDGE, "before")],
    ids=["before-sns-has-answered", "before-the-acknowledgement"],
)
def test_a_change_published_before_a_kill_is_published_again_with_the_same_id(
    campaign: Campaign, step: Selection, phase: Phase
) -> None:
    job = campaign.finished_job()
    with campaign.killed(step, phase):
        assert campaign.invoke(job).crashed
    assert campaign.stored(job) == Stored("COMPLETED", 1, 0)
    assert campaign.published(job) == ["COMPLETED"]

    assert not campaign.invoke(job).result["changed"]
    first, again = campaign.messages(job)
    assert first == again
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F2")
def test_a_kill_after_the_acknowledgement_loses_and_repeats_nothing(campaign: Campaign) -> None:
    job = campaign.finished_job()
    with campaign.killed(ACKNOWLEDGE, "after"):
        assert campaign.invoke(job).crashed

    assert not campaign.invoke(job).result["changed"]
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F1", "F2")
def test_changes_of_several_killed_checks_are_published_in_order(campaign: Campaign) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    for advance in (False, True):
        if advance:
            job.advance()
        with campaign.killed(PUBLISH, "before"):
            assert campaign.invoke(job).crashed
    assert campaign.published(job) == []

    campaign.invoke(job)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert [one.event["data"]["sequence"] for one in campaign.messages(job)] == [1, 2]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F45")
def test_a_kill_before_the_write_stores_and_publishes_nothing(campaign: Campaign) -> None:
    job = campaign.job()
    with campaign.killed(ATLAS, "before"):
        assert campaign.invoke(job).crashed
    assert campaign.stored(job) is None

    assert campaign.invoke(job).result["changed"]
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F3")
@each_of(SNS_FAULTS)
def test_a_message_that_sns_does_not_confirm_stays_pending(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    campaign.inject(PUBLISH, action, phase=phase)
    campaign.refused(NotificationPendingError, job)
    arrived = ["COMPLETED"] if phase == "after" else []
    assert campaign.stored(job) == Stored("COMPLETED", 1, 0)
    assert campaign.published(job) == arrived
    assert campaign.calls() == ["secret", "token", "flex", "record", "publish"]

    result = campaign.check(job)
    assert (result.changed, len(result.published)) == (False, 1)
    assert campaign.published(job) == [*arrived, "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)

    campaign.check(job)
    assert campaign.published(job) == [*arrived, "COMPLETED"]


@pytest.mark.fault("F3")
@each_of(SNS_FAULTS, "reset-after", "throttled")
def test_a_failed_publication_is_retried_within_the_same_check(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    fault = campaign.inject(PUBLISH, action, phase=phase)
    result = campaign.check(job, campaign.environment(campaign.patient))

    assert fault.hits == 1
    assert result.changed
    assert campaign.count(PUBLISH) == 2
    assert set(campaign.published(job)) == {"COMPLETED"}
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F3")
def test_a_publication_is_tried_only_a_few_times(campaign: Campaign) -> None:
    job = campaign.finished_job()
    campaign.inject(PUBLISH, aws_error("sns", "InternalError", status=500), times=None)
    campaign.refused(NotificationPendingError, job, campaign.environment(campaign.patient))

    assert campaign.count(PUBLISH) == AWS_TRIES
    assert campaign.stored(job) == Stored("COMPLETED", 1, 0)


@pytest.mark.fault("F4")
@cases(
    "answer",
    [
        aws_error("sns", "NotFound", status=404),
        aws_error("sns", "AuthorizationError", status=403),
        aws_error("sns", "KMSDisabled"),
    ],
    ids=["no-topic", "not-authorised", "key-disabled"],
)
def test_a_topic_that_refuses_gets_one_request_per_check_until_it_is_repaired(
    campaign: Campaign, answer: Answer
) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    checker = campaign.environment(campaign.patient)
    campaign.inject(PUBLISH, answer, times=None)
    for asked, status in ((1, "PENDING"), (2, "COMPLETED"), (3, "COMPLETED")):
        if asked == 2:
            job.advance()
        campaign.refused(NotificationPendingError, job, checker)
        assert campaign.count(PUBLISH) == asked
        assert campaign.stored(job) == Stored(status, min(asked, 2), 0)
    assert campaign.published(job) == []

    campaign.heal()
    campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F4")
def test_a_change_is_published_after_the_deleted_topic_is_created_again(campaign: Campaign) -> None:
    job = campaign.finished_job()
    sns, sqs = campaign.aws.client("sns"), campaign.aws.client("sqs")
    topic = campaign.stack.topic_arn
    sns.delete_topic(TopicArn=topic)
    error = campaign.refused(NotificationPendingError, job)
    assert campaign.stored(job) == Stored("COMPLETED", 1, 0)
    assert "NotFound" in str(error)

    assert sns.create_topic(Name=topic.rpartition(":")[2])["TopicArn"] == topic
    url = sqs.get_queue_url(QueueName="subscriber")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue["Attributes"]["QueueArn"])
    campaign.check(job)
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F9")
def test_an_invocation_delivered_ten_times_gives_one_message(campaign: Campaign) -> None:
    job = campaign.finished_job()
    results = [campaign.invoke(job).result for _ in range(10)]

    assert [result["changed"] for result in results] == [True] + [False] * 9
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.count(PUBLISH) == 1


@pytest.mark.fault("F9")
def test_a_record_ten_times_in_a_batch_gives_one_message(campaign: Campaign) -> None:
    job = campaign.finished_job()
    records = [record(str(n), event(job)) for n in range(10)]
    answer = campaign.invoke_with({"Records": records}).result

    assert answer == {"batchItemFailures": []}
    assert campaign.published(job) == ["COMPLETED"]


# Several pending messages

STATUSES = ["PENDING", "RUNNING", "COMPLETED"]


def pending_job(campaign: Campaign) -> EmulatedRestore:
    """A restore with three recorded changes, none of them published."""
    job = campaign.job(timeline=STATUSES)
    with campaign.inject(PUBLISH, Answer(400), times=None):
        for advance in (False, True, True):
            if advance:
                job.advance()
            campaign.refused(NotificationPendingError, job)
    assert campaign.stored(job) == Stored("COMPLETED", 3, 0)
    return job


@pytest.mark.fault("F64")
@cases("atlas_is_gone", [False, True], ids=["atlas-answers", "atlas-is-gone"])
def test_messages_before_a_refused_one_are_acknowledged_and_not_repeated(
    campaign: Campaign,
    atlas_is_gone: bool,  # noqa: FBT001
) -> None:
    job = pending_job(campaign)
    if atlas_is_gone:
        campaign.inject(ATLAS, MISSING_ROLE, times=None)
    campaign.inject(PUBLISH, Answer(400), skip=1)
    campaign.stack.forget_calls()
    campaign.refused(NotificationPendingError, job)
    assert campaign.published(job) == STATUSES[:1]
    assert campaign.stored(job) == Stored("COMPLETED", 3, 1)
    assert campaign.calls()[-3:] == ["publish", "publish", "acknowledge"]
    assert "expiresAt" not in (campaign.item(job) or {})

    if atlas_is_gone:
        campaign.refused(AtlasUnauthorizedError, job)
    else:
        campaign.check(job)
    assert campaign.published(job) == STATUSES
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F10", "F64")
def test_the_error_of_sns_is_raised_although_the_acknowledgement_fails_too(
    campaign: Campaign,
) -> None:
    job = pending_job(campaign)
    campaign.inject(PUBLISH, Answer(400), skip=1)
    campaign.inject(ACKNOWLEDGE, TABLE_FAULTS["500"][0])
    campaign.refused(NotificationPendingError, job)
    assert campaign.stored(job) == Stored("COMPLETED", 3, 0)

    campaign.check(job)
    assert campaign.published(job) == [STATUSES[0], *STATUSES]
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)
