"""Mail is paced, and what waits together is one e-mail: SNS turns off who gets ten a second."""

from collections import Counter
from itertools import batched
from typing import Any

import pytest

from behaviour.notify_people.people import People
from behaviour.rows import rows
from local_stack.aws import aws_error
from local_stack.wire import Answer, Call, Fault, Phase
from notify_people.channels.channel import Channel
from notify_people.channels.sent_table import SentTable
from notify_people.errors import ChannelUnavailableError
from unit.notify_people.messages import event


def restore(number: int) -> str:
    return f"6b4a0f8000000000000{number:05d}"


def ended(number: int, name: str = "flex-completed", **data: Any) -> dict[str, Any]:
    return event(name, restoreId=restore(number), **data)


def named(people: People) -> Counter[int]:
    """In how many e-mails since the last call each restore is named."""
    mails = people.emails()
    return Counter(one for _, text in mails for one in range(200) if restore(one) in text)


@pytest.fixture(autouse=True)
def only_email(people: People) -> None:
    people.start(NOTIFY_CHANNELS="email")


@pytest.mark.campaign
@pytest.mark.fault("F102")
def test_a_burst_of_restores_is_at_most_five_emails_in_any_second(people: People) -> None:
    """Two environments at once, as the trigger allows, and each batch may get a new one."""
    moments: list[float] = []

    def note(call: Call, phase: Phase) -> None:
        if call.operation == "Publish" and phase == "before":
            moments.append(people.now)

    ends = [people.now] * 2
    with people.aws.wire.listen(note):
        for batch in batched(map(ended, range(200)), 10, strict=True):
            # The environment that is free first takes the batch, at the time when it is free.
            people.now = min(ends)
            people.start(NOTIFY_CHANNELS="email")
            place = ends.index(people.now)
            assert people.handle(*batch) == []
            ends[place] = people.now

    assert max(sum(0 <= at - first <= 1 for at in moments) for first in moments) <= 5
    assert named(people) == Counter(range(200))


def test_a_batch_is_one_email_in_which_each_change_stands_once(people: People) -> None:
    """Two changes of one restore, the newer first, and a message that is delivered twice."""
    people.start(NOTIFY_CHANNELS="slack,email", NOTIFY_CHANGES="all")
    begun = ended(2, "flex-started")
    batch = (ended(1), ended(2, "flex-failed"), begun, ended(1))

    assert people.handle(*batch) == people.handle(*batch) == []

    ((subject, text),) = people.emails()
    assert subject == "1 restore FAILED, 1 started, 1 completed"
    assert [line for line in text.splitlines() if line.startswith("- Restore")] == [
        "- Restore FAILED: production -> staging after 42 min",
        "- Restore started: production -> staging",
        "- Restore completed: production -> staging in 42 min",
    ]
    assert people.told() == {"slack": 3}


def test_an_email_that_is_refused_fails_all_its_messages_and_is_sent_later(people: People) -> None:
    refused = Fault("sns", "Publish", action=aws_error("sns", "InternalError", status=500))
    with people.aws.wire.inject(refused):
        assert people.handle(ended(1), ended(2)) == [0, 1]

    assert people.handle(ended(1), ended(2), ended(3)) == []
    assert [subject for subject, _ in people.emails()] == ["3 restores completed"]


def test_messages_that_are_sent_elsewhere_or_cannot_be_read_fail_alone(people: People) -> None:
    """However many there are: an e-mail waits for all of them together."""
    client, name = people.session().client("dynamodb"), people.resources["SentNoticesTable"]
    other = SentTable(client, name, now=lambda: people.now)
    elsewhere = range(3, 10)
    items = [(f"restore/{restore(number)}", Channel.EMAIL) for number in elsewhere]
    for item in items:
        other.claim(*item, 10_001, "other", people.deadline())

    held = map(ended, elsewhere)
    assert people.handle(*held, "not JSON", ended(1), ended(2)) == [7, *range(7)]
    assert [subject for subject, _ in people.emails()] == ["2 restores completed"]
    other.release(*items[0], "other", people.deadline())
    assert people.handle(ended(3), ended(2)) == []
    assert [subject[:20] for subject, _ in people.emails()] == ["Restore completed: p"]


REPEATED = {("after", 2): 2, ("before", 3): 2, ("after", 3): 1, ("before", 4): 1}
"""Restores that are sent twice after a kill at the n-th call: two claims, an e-mail, two notes."""


@pytest.mark.campaign
@pytest.mark.parametrize("phase", ["before", "after"])
def test_after_a_kill_at_any_call_no_restore_of_an_email_is_lost(
    people: People, phase: Phase
) -> None:
    for number in range(5):
        batch = ended(2 * number), ended(2 * number + 1)
        with people.dying(number, phase) as calls:
            people.handle(*batch)
        assert len(calls) > number
        people.start(NOTIFY_CHANNELS="email")
        people.now += 61
        assert people.handle(*batch) == []

        times = named(people)
        assert times.keys() == {2 * number, 2 * number + 1}
        assert times.total() == 2 + REPEATED.get((phase, number), 0)


# The subscriptions of e-mail

OTHERS = {"chat": 1, "slack": 1, "teams": 1}
ALARMS_REACH_NOBODY = "Alarms reach nobody: their subscription is not confirmed"
REFUSALS = {
    "gone": aws_error("sns", "NotFound", status=404),
    "denied": aws_error("sns", "AuthorizationError", status=403),
}


@pytest.mark.fault("F102")
@pytest.mark.parametrize(
    ("confirmed", "pending", "missing"),
    rows(
        {
            "confirmed": (2, 0, 0),
            "pending": (0, 1, 1),
            "one of three": (1, 2, 2),
            "none": (0, 0, 1),
        },
        "confirmed",
        "one of three",
    ),
)
def test_a_subscription_that_gets_nothing_is_told_to_the_other_channels_once_a_day(
    people: People, confirmed: int, pending: int, missing: int
) -> None:
    people.start()
    people.subscribe_email(confirmed, pending)
    for hours, told in ((0, OTHERS), (6, {}), (24, OTHERS)):
        people.now += hours * 3600
        assert people.check_email() == {"confirmed": confirmed + 1, "pending": pending}
        assert people.told() == (told if missing else {})
        assert people.reported()[0]["EmailSubscriptionsMissing"] == missing


def test_alarms_that_nobody_has_confirmed_are_told_to_every_channel_once_a_day(
    people: People,
) -> None:
    """Who gets e-mail, and no alarm, has confirmed one of two."""
    people.start()
    people.subscribe_email(1, 0, alarms=(0, 1))
    everybody = {**OTHERS, "email": 1}
    for hours, told in ((0, everybody), (6, {}), (24, everybody)):
        people.now += hours * 3600
        assert people.check_email() == {"confirmed": 1, "pending": 1}
        assert people.told() == told
        assert people.reported()[0]["EmailSubscriptionsMissing"] == 1
    people.now += 24 * 3600
    people.check_email()
    assert [subject for subject, _ in people.emails()] == [ALARMS_REACH_NOBODY]


def test_a_stack_that_sends_alarms_elsewhere_looks_at_the_topic_of_email_alone(
    people: People,
) -> None:
    people.start(ALARM_TOPIC_ARN="")
    people.subscribe_email(1, 0, alarms=(0, 1))

    assert people.check_email() == {"confirmed": 1, "pending": 0}


@pytest.mark.fault("F92")
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_topic_of_email_that_is_gone_or_closed_is_told_too(
    people: People, refusal: Answer
) -> None:
    people.start()
    people.aws.wire.inject(Fault("sns", "GetTopicAttributes", action=refusal, times=None))

    assert people.check_email() == {"confirmed": 0, "pending": 0}
    assert people.told() == Counter(OTHERS) + Counter({**OTHERS, "email": 1})
    assert people.reported()[0]["EmailSubscriptionsMissing"] == 2


def test_without_an_answer_of_sns_lambda_tries_the_check_again(people: People) -> None:
    people.aws.wire.inject(Fault("sns", "GetTopicAttributes", action=Answer(500)))
    with pytest.raises(ChannelUnavailableError):
        people.check_email()

    people.subscribe_email(1, 0)
    assert people.check_email() == {"confirmed": 2, "pending": 0}


def test_without_email_there_is_nothing_to_look_at(people: People) -> None:
    people.start(EMAIL_TOPIC_ARN="", ALARM_TOPIC_ARN="")

    assert people.check_email() == {}
