"""What reaches people, over real sockets: a restore, a degraded watch, and what is not sent."""

import pytest

from integration.notify_people.people import People
from integration.people import EVERYBODY
from local_stack.template import STACK_NAME
from unit.notify_people.messages import PROJECT, RESTORE, event

STARTED, ENDED = event("flex-started"), event("flex-failed")
DEGRADED = event("project-degraded", stack=STACK_NAME)
RECOVERED = event("project-recovered", stack=STACK_NAME)

OPENED = ("trigger", f"atlas-restore-watch/{STACK_NAME}/watch/{PROJECT}")
CLOSED = ("resolve", f"atlas-restore-watch/{STACK_NAME}/watch/{PROJECT}")
CLOSED_OF_1_0_0 = ("resolve", f"atlas-restore-watch/watch/{PROJECT}")


def test_one_restore_is_one_thread_in_chat_two_emails_and_one_page(people: People) -> None:
    people.start(NOTIFY_CHANGES="all")

    assert people.handle(STARTED) == []
    assert people.handle(ENDED) == []

    assert [one["metadata"]["threadId"] for one in people.chat()] == [f"{STACK_NAME}/{RESTORE}"] * 2
    assert [subject for subject, _ in people.emails()] == [
        "Restore started: production -> staging",
        "Restore FAILED: production -> staging after 42 min",
    ]
    assert people.pages() == [("trigger", f"atlas-restore-watch/{STACK_NAME}/restore/{RESTORE}")]
    assert people.told() == {"slack": 2, "teams": 2, "pager": 1}
    sent = people.sent()
    assert sent.keys() == EVERYBODY.keys()
    assert {item["sequence"] for item in sent.values()} == {50_002}
    assert {item["expiresAt"] for item in sent.values()} == {people.now + 400 * 86_400}
    assert people.reported() == ({"NoticesSent": 9}, [])


@pytest.mark.parametrize(
    ("variables", "channels"),
    [
        ({}, {"chat", "email", "slack"}),
        ({"EMAIL_TOPIC_ARN": ""}, {"chat", "slack"}),
        ({"NOTIFY_SECRET_ID": ""}, {"chat", "email"}),
        ({"NOTIFY_CHANNELS": "email,slack"}, {"email", "slack"}),
    ],
    ids=["one key in the secret", "one topic", "no secret", "named"],
)
def test_only_channels_that_are_set_up_get_notices(
    people: People, variables: dict[str, str], channels: set[str]
) -> None:
    people.put_people_secret(slack_webhook_url=people.posts.address("slack"))
    people.start(**variables)

    assert people.handle(ENDED) == []
    assert people.told().keys() == channels


@pytest.mark.parametrize(
    ("changes", "pages", "emails"),
    [
        ("all", [OPENED, CLOSED, CLOSED_OF_1_0_0], 2),
        ("degraded", [OPENED, CLOSED, CLOSED_OF_1_0_0], 1),
        ("ended", [CLOSED, CLOSED_OF_1_0_0], 0),
        ("started", [], 0),
    ],
)
def test_a_page_is_closed_even_if_people_do_not_want_to_hear_of_the_recovery(
    people: People, changes: str, pages: list[tuple[str, str]], emails: int
) -> None:
    """Unless they want nothing that can open one."""
    people.start(NOTIFY_CHANGES=changes)

    assert people.handle(DEGRADED, RECOVERED) == []
    assert people.pages() == pages
    assert people.told()["email"] == emails


def test_a_notice_that_a_newer_one_overtook_is_dropped_on_each_channel(people: People) -> None:
    assert people.handle(RECOVERED) == []
    assert people.pages() == [CLOSED, CLOSED_OF_1_0_0]
    people.told(), people.reported()

    assert people.handle(DEGRADED) == []
    assert people.told() == {}
    assert people.reported() == ({"NoticesDropped": 5}, [])


def test_a_message_that_is_delivered_again_after_days_is_sent_to_nobody(people: People) -> None:
    people.handle(ENDED)
    assert people.told() == EVERYBODY
    people.reported()
    people.now += 13 * 86_400
    people.start()

    assert people.handle(ENDED) == []
    assert people.told() == {}
    assert people.reported() == ({}, [])


def test_a_message_that_cannot_be_read_leaves_the_others_alone(people: People) -> None:
    """Nor is a start sent, which nobody asked for."""
    assert people.handle("not JSON", STARTED, ENDED, event() | {"type": "another"}) == [0, 3]

    assert people.told() == EVERYBODY
    counts = {"NoticesSent": 5, "NoticesFailed": 2}
    assert people.reported() == (counts, ["InvalidMessageError"] * 2)
