"""A check that dies or is refused between its steps, and checks that meet: F1 to F10."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_stack.aws import aws_error
from local_stack.wire import Action, Answer, Close, Phase, Reset, Selection, Truncate
from reliability.campaign import (
    ACKNOWLEDGE,
    ATLAS,
    AWS_TRIES,
    PUBLISH,
    RECORD,
    Campaign,
    Stored,
    event,
)
from restore_watch.check import PATIENCE
from restore_watch.errors import (
    NotificationPendingError,
    TableUnavailableError,
    TimeBudgetExceededError,
)

pytestmark = pytest.mark.timeout(60)

HTML = Answer(200, {"Content-Type": "text/html"}, "<html>a proxy says hello</html>")
EMPTY = Answer(200)

CONNECTIONS = 20
"""Of two HTTP clients: so many checks can stand before Atlas at one moment."""

type Faults = dict[str, tuple[Action, Phase]]

LOST: Faults = {
    "reset-before": (Reset(), "before"),
    "reset-after": (Reset(), "after"),
    "closed-before": (Close(), "before"),
    "closed-after": (Close(), "after"),
    "truncated-after": (Truncate(30), "after"),
    "html-instead": (HTML, "before"),
    "html-after": (HTML, "after"),
    "nothing-instead": (EMPTY, "before"),
    "nothing-after": (EMPTY, "after"),
}
"""An answer that never comes, or is none. "after" means that the call had its effect."""

NOT_OF_AWS = (
    Answer(200, body="[]"),
    Answer(200, body="null"),
    Answer(200, body='"x"'),
    Answer(400, body='{"__type": 5}'),
    Answer(400, body=b"\xff"),
    Answer(502, body=b"caf\xe9"),
)
"""What a proxy may say, and botocore's parsers stumble over."""

SNS_FAULTS: Faults = {
    **LOST,
    "throttled": (aws_error("sns", "ThrottlingException"), "before"),
    "throttled-by-sns": (aws_error("sns", "Throttled", status=429), "before"),
    "500": (aws_error("sns", "InternalError", status=500), "before"),
    "500-after": (aws_error("sns", "InternalError", status=500), "after"),
    "503": (aws_error("sns", "ServiceUnavailable", status=503), "before"),
    "answer-without-an-id": (
        Answer(200, {"Content-Type": "text/xml"}, "<PublishResponse></PublishResponse>"),
        "after",
    ),
    **{f"not-of-aws-{number}": (answer, "before") for number, answer in enumerate(NOT_OF_AWS)},
}
TABLE_FAULTS: Faults = {
    **LOST,
    "throughput": (aws_error("dynamodb", "ProvisionedThroughputExceededException"), "before"),
    "throttled": (aws_error("dynamodb", "ThrottlingException"), "before"),
    "limit": (aws_error("dynamodb", "RequestLimitExceeded"), "before"),
    "500": (aws_error("dynamodb", "InternalServerError", status=500), "before"),
    "500-after": (aws_error("dynamodb", "InternalServerError", status=500), "after"),
    "503": (aws_error("dynamodb", "ServiceUnavailable", status=503), "before"),
    "denied": (aws_error("dynamodb", "AccessDeniedException"), "before"),
    "no-table": (aws_error("dynamodb", "ResourceNotFoundException"), "before"),
    "answer-without-the-item": (
        Answer(200, {"Content-Type": "application/x-amz-json-1.0"}, "{}"),
        "after",
    ),
    **{f"not-of-aws-{number}": (answer, "before") for number, answer in enumerate(NOT_OF_AWS)},
}
TRANSIENT = ("reset-after", "throttled")

cases = pytest.mark.parametrize


def faults(table: Faults, *names: str) -> pytest.MarkDecorator:
    chosen = {name: table[name] for name in names} or table
    return cases(("action", "phase"), list(chosen.values()), ids=list(chosen))


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
def test_a_kill_after_the_acknowledgement_costs_nothing(campaign: Campaign) -> None:
    job = campaign.finished_job()
    with campaign.killed(ACKNOWLEDGE, "after"):
        assert campaign.invoke(job).crashed

    assert not campaign.invoke(job).result["changed"]
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F1", "F2")
def test_changes_left_behind_by_several_kills_come_in_order(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    for advance in (False, True, True):
        if advance:
            job.advance()
        with campaign.killed(PUBLISH, "before"):
            assert campaign.invoke(job).crashed
    assert campaign.published(job) == []

    campaign.invoke(job)
    assert campaign.published(job) == ["PENDING", "RUNNING", "COMPLETED"]
    assert [one.event["data"]["sequence"] for one in campaign.messages(job)] == [1, 2, 3]
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F3")
@faults(SNS_FAULTS)
def test_a_message_sns_does_not_confirm_stays_pending(
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
@faults(SNS_FAULTS, *TRANSIENT)
def test_a_message_is_tried_again_within_the_same_check(
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
def test_a_message_is_tried_a_few_times_and_no_more(campaign: Campaign) -> None:
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
        aws_error("sns", "KMSAccessDenied"),
        aws_error("sns", "InvalidSecurity", status=403),
    ],
    ids=["no-topic", "not-authorised", "key-disabled", "key-denied", "wrong-signature"],
)
def test_a_topic_that_refuses_is_asked_once_a_check_until_it_is_repaired(
    campaign: Campaign, answer: Answer
) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    watch = campaign.environment(campaign.patient)
    campaign.inject(PUBLISH, answer, times=None)
    for asked, status in ((1, "PENDING"), (2, "COMPLETED"), (3, "COMPLETED")):
        if asked == 2:
            job.advance()
        campaign.refused(NotificationPendingError, job, watch)
        assert campaign.count(PUBLISH) == asked
        assert campaign.stored(job) == Stored(status, min(asked, 2), 0)
    assert campaign.published(job) == []

    campaign.heal()
    campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F4")
def test_what_a_deleted_topic_missed_is_published_once_it_is_back(campaign: Campaign) -> None:
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


@pytest.mark.fault("F5")
@faults(TABLE_FAULTS)
def test_nothing_is_published_of_a_write_that_is_not_confirmed(
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
@faults(TABLE_FAULTS, *TRANSIENT)
def test_a_write_is_tried_again_and_still_known_as_our_own(
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
def test_a_write_is_tried_a_few_times_and_no_more(campaign: Campaign) -> None:
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
def test_a_change_another_check_is_about_to_publish_is_left_to_it(campaign: Campaign) -> None:
    job = campaign.finished_job()
    with (
        ThreadPoolExecutor(2) as threads,
        campaign.hold(RECORD, when=campaign.hasty.made) as writing,
        campaign.hold(PUBLISH, when=campaign.patient.made) as publishing,
    ):

        def sleep(seconds: float) -> None:
            """The loser waits for the winner, who publishes meanwhile."""
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
def test_no_time_to_wait_for_the_other_check_is_no_success(campaign: Campaign) -> None:
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
    watches = [campaign.environment(by) for by in (campaign.hasty, campaign.patient)] * 5
    for watch in watches:
        campaign.check(job, watch)
    job.advance()
    with ThreadPoolExecutor(100) as threads, campaign.hold(ATLAS) as gate:
        checks = [threads.submit(campaign.check, job, watches[n % 10]) for n in range(100)]
        gate.wait_for(CONNECTIONS, timeout=20)
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
def test_a_slow_check_does_not_take_a_status_back(campaign: Campaign, dies: bool) -> None:  # noqa: FBT001
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
    # Whoever gets an answer can rely on it: what nobody else published, the late check did.
    assert len(result.published) == (1 if dies else 0)
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


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
    records = [
        {"messageId": str(n), "eventSource": "aws:sqs", "body": json.dumps(event(job))}
        for n in range(10)
    ]
    answer = campaign.stack.invoke({"Records": records}).result

    assert answer == {"batchItemFailures": []}
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F10")
@faults(TABLE_FAULTS)
def test_a_publication_that_could_not_be_acknowledged_is_repeated(
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
def test_a_failed_acknowledgement_does_not_claim_that_nothing_was_published(
    campaign: Campaign,
) -> None:
    job = campaign.finished_job()
    campaign.inject(ACKNOWLEDGE, TABLE_FAULTS["500"][0])
    error = campaign.refused(TableUnavailableError, job)

    assert campaign.published(job) == ["COMPLETED"]
    assert "nothing was published" not in str(error)


@pytest.mark.fault("F10")
@faults(TABLE_FAULTS, "500-after")
def test_an_acknowledgement_is_tried_again_within_the_same_check(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = campaign.finished_job()
    campaign.inject(ACKNOWLEDGE, action, phase=phase)
    campaign.check(job, campaign.environment(campaign.patient))

    assert campaign.count(ACKNOWLEDGE) == 2
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F10")
def test_an_older_check_does_not_take_an_acknowledgement_back(campaign: Campaign) -> None:
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
