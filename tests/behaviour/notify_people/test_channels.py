"""Which notices reach which channels, and what is not sent."""

import re
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from behaviour.notify_people.people import EVERYBODY, People
from behaviour.rows import pairs, rows
from behaviour.sweep.test_credentials_expiry import DAY, Account
from local_stack.canaries import CANARIES
from local_stack.certificates import Authority
from local_stack.connections import connect
from local_stack.faults import Lost
from local_stack.loopback import LoopbackServer
from local_stack.template import STACK_NAME
from local_stack.wire import Fault
from local_stack.world import World
from notify_people.channels.channel import Channel
from notify_people.channels.webhooks import Webhooks
from notify_people.errors import ChannelUnavailableError
from unit.notify_people.messages import MEASURED, PROJECT, RESTORE, event

STARTED, ENDED = event("flex-started"), event("flex-failed")
DEGRADED = event("project-degraded", stack=STACK_NAME)
RECOVERED = event("project-recovered", stack=STACK_NAME)

KEYS = f"atlas-restore-watch/{STACK_NAME}"
"""How the keys of this stack's pages begin."""

DROPPED = "A newer notice was sent before this one, so this one is not sent"

OPENED = ("trigger", f"{KEYS}/watch/{PROJECT}")
CLOSED = [
    ("resolve", f"{KEYS}/watch/{PROJECT}"),
    ("resolve", f"atlas-restore-watch/watch/{PROJECT}"),
]
"""Version 1.0.0 opened pages with keys that name no stack."""


def test_one_restore_is_one_thread_in_chat_two_emails_and_one_page(people: People) -> None:
    people.start(NOTIFY_CHANGES="all")
    assert people.handle(STARTED) == people.handle(ENDED) == []

    assert [one["metadata"]["threadId"] for one in people.chat()] == [f"{STACK_NAME}/{RESTORE}"] * 2
    assert [subject for subject, _ in people.emails()] == [
        "Restore started: production -> staging",
        "Restore FAILED: production -> staging after 42 min",
    ]
    assert people.pages() == [("trigger", f"{KEYS}/restore/{RESTORE}")]
    assert people.told() == {"slack": 2, "teams": 2, "pager": 1}
    assert people.reported() == ({"sent": 9}, [])


@pytest.mark.parametrize(
    ("variables", "channels"),
    [
        ({}, {"chat", "email", "slack"}),
        ({"EMAIL_TOPIC_ARN": ""}, {"chat", "slack"}),
        ({"NOTIFY_SECRET_ID": ""}, {"chat", "email"}),
        ({"NOTIFY_CHANNELS": "email,slack"}, {"email", "slack"}),
    ],
    ids=["one-key-in-the-secret", "one-topic", "no-secret", "named"],
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
    rows(
        {
            "all": ("all", [OPENED, *CLOSED], 2),
            "degraded": ("degraded", [OPENED, *CLOSED], 1),
            "failed": ("failed", [OPENED, *CLOSED], 2),
            "expiring": ("expiring", CLOSED, 0),
            "report": ("report", [], 0),
            "started": ("started", [], 0),
        },
        "degraded",
        "expiring",
        "started",
    ),
)
def test_a_page_is_closed_even_if_people_do_not_want_to_hear_of_the_recovery(
    people: People, changes: str, pages: list[tuple[str, str]], emails: int
) -> None:
    """Unless they want nothing that can open one."""
    people.start(NOTIFY_CHANGES=changes)

    assert people.handle(DEGRADED) == people.handle(RECOVERED) == []
    assert people.pages() == pages
    assert people.told()["email"] == emails


@pytest.mark.fault("F119")
def test_an_outage_that_ends_within_one_delivery_pages_nobody(people: People) -> None:
    people.start(NOTIFY_CHANNELS="email,pager")

    assert people.handle(DEGRADED, RECOVERED) == []
    assert people.pages() == CLOSED
    ((_, text),) = people.emails()
    assert "Restore watch blind" in text
    assert "Restore watch recovered" in text


@pytest.mark.fault("F119")
def test_only_what_ends_in_a_delivery_opens_no_page_in_it(people: People) -> None:
    other = {**event("project-degraded", stack=STACK_NAME, groupId="a" * 24), "subject": "a" * 24}
    later = event("project-degraded", stack=STACK_NAME, since="2027-01-01T00:00:00Z")
    people.start(NOTIFY_CHANNELS="pager")

    assert people.handle(DEGRADED, other, RECOVERED) == []
    assert people.pages() == [("trigger", f"{KEYS}/watch/{'a' * 24}"), *CLOSED]
    people.posts.forget()
    assert people.handle(RECOVERED, later) == []
    assert people.pages() == [OPENED]


@pytest.mark.fault("F119")
def test_a_page_that_an_earlier_delivery_may_have_opened_is_closed(people: People) -> None:
    people.start(NOTIFY_CHANNELS="pager")
    with people.posts.wire.inject(Fault("pager", action=Lost(), times=None)):
        assert people.handle(DEGRADED) == [0]
    people.posts.forget()

    people.now += 61
    assert people.handle(DEGRADED, RECOVERED) == []
    assert people.pages() == CLOSED


WRONG = {
    *("flex-failed", "collection-cancelled", "tenant-expired", "collection-unknown-end"),
    *("project-degraded", "project-recovered", "validation-failed", "measured-differs"),
    *("credentials-expiring", "credentials-renewed"),
}
ENDS = WRONG | {"dedicated-completed", "flex-download-link-expired", "validation-passed"}
REPORTS = {"report-to-look-at"}
OF_THE_WATCH = {name for name in WRONG if name.startswith(("project-", "credentials-"))}
TESTED = {"validation-passed", "validation-failed", "measured-differs"}


@pytest.mark.parametrize(
    ("changes", "names"),
    rows(
        {
            "the default": ("", ENDS | REPORTS),
            "failed": ("failed", WRONG),
            "failed and reports": ("failed,report", WRONG | REPORTS),
            "verdicts and differences": ("validated", TESTED),
            "ends": ("ended,ready", ENDS - TESTED - OF_THE_WATCH),
            # The default before there was a report, which an upgrade keeps.
            "the default of 1.1.0": ("ended,ready,degraded,recovered,validated,expiring", ENDS),
        },
        "failed",
        "verdicts and differences",
    ),
)
def test_people_hear_of_what_they_want(people: People, changes: str, names: set[str]) -> None:
    people.start(NOTIFY_CHANGES=changes, NOTIFY_CHANNELS="email", RESTORE_TEST_COUNTS="measured")
    told = set()
    for number, name in enumerate(sorted(ENDS | REPORTS | {"flex-started"})):
        assert people.handle(event(name, restoreId=f"{number:024x}")) == []
        told |= {name} if people.told() else set()

    assert told == names


ALL_BUT_PAGER = dict.fromkeys(("chat", "email", "slack", "teams"), 1)


@pytest.mark.parametrize(
    ("counts", "said", "outcome"),
    pairs(
        {
            "restored": ("restored", {}),
            "verified": ("verified", {}),
            "measured": ("measured", {"differs": ALL_BUT_PAGER}),
        },
        {outcome: outcome for outcome in MEASURED},
        "verified-differs",
        "measured-differs",
        "measured-matches",
    ),
)
def test_only_a_difference_is_said_and_only_where_measurements_are_tests(
    people: People, counts: str, outcome: str, said: dict[str, dict[str, int]]
) -> None:
    """Nobody is paged."""
    people.start(RESTORE_TEST_COUNTS=counts, NOTIFY_CHANGES="all")

    assert people.handle(MEASURED[outcome]()) == []
    assert people.told() == said.get(outcome, {})


def test_without_the_parameter_no_difference_is_said(people: People) -> None:
    """The template's own default."""
    assert people.handle(event("measured-differs"), ENDED) == []

    assert people.told() == EVERYBODY


def test_with_failed_alone_an_end_that_is_known_to_be_good_closes_its_page(people: People) -> None:
    people.start(NOTIFY_CHANGES="failed")
    good = event("flex-completed", previousStatus="UNKNOWN", sequence=3)

    assert people.handle(event("flex-unknown-end"), event("flex-completed", sequence=1)) == []
    assert people.handle(good) == []
    page = f"{KEYS}/restore/{RESTORE}"
    assert people.pages()[:2] == [("trigger", page), ("resolve", page)]


def test_a_report_pages_nobody_and_reaches_everybody_else_once(people: People) -> None:
    report, later = event("report-to-look-at"), event("report-later")
    for one, told in ((report, 1), (report, 0), (later, 1), (report, 0)):
        assert people.handle(one) == []
        assert people.told() == +Counter(dict.fromkeys(("chat", "email", "slack", "teams"), told))


def test_a_notice_that_a_newer_one_overtook_is_dropped_on_each_channel(people: People) -> None:
    assert people.handle(RECOVERED) == []
    assert people.pages() == CLOSED
    people.told(), people.reported()

    assert people.handle(DEGRADED) == []
    assert people.told() == {}
    assert people.reported() == ({DROPPED: 5}, [])


def test_a_message_that_cannot_be_read_leaves_the_others_alone(people: People) -> None:
    """Nor is a start sent, which nobody asked for."""
    assert people.handle("not JSON", STARTED, ENDED, event() | {"type": "another"}) == [0, 3]

    assert people.told() == EVERYBODY
    assert people.reported() == ({"sent": 5}, ["InvalidMessageError"] * 2)


def test_a_page_about_the_secret_of_the_watch_closes_when_it_uses_another(people: People) -> None:
    """The watch itself publishes the messages."""
    with closing(connect(people)) as by, World(people, by) as world:
        account, watching = Account(world), world.watching()
        account.lasts(8.5)
        watching.ticks(2, minutes=DAY)
        account.rotate(365)
        watching.tick(minutes=DAY)
        *expiring, renewed = people.notices.bodies()
        assert people.handle(*expiring) == people.handle(renewed) == []

    (_, text), (subject, _) = people.emails()
    assert subject.startswith("Service account secret renewed")
    assert re.findall(r"- Service account secret (.+):", text) == [
        *("expires within 7 days", "expires within 14 days"),
    ]
    page = f"{KEYS}/credentials/{STACK_NAME}"
    assert people.pages()[:2] == [("trigger", page), ("resolve", page)]
    assert people.told() == {"chat": 3, "slack": 3, "teams": 3, "pager": 3}


# Secrets: only the receiver sees the address of its webhook


def test_a_proxy_of_the_environment_is_not_used(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would see the address of the webhook."""
    with LoopbackServer(people.posts.wire) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        webhooks = Webhooks(sleep=people.waits.append)
        with pytest.raises(ChannelUnavailableError):
            webhooks.post(Channel.SLACK, "http://127.0.0.2:9/slack", {}, people.deadline())

    assert people.posts.wire.calls == ()


def test_a_webhook_with_a_certificate_that_nobody_trusts_gets_nothing(
    people: People, tmp_path: Path
) -> None:
    with LoopbackServer(people.posts.wire, tls=Authority.make(tmp_path).server()) as server:
        people.put_people_secret(slack_webhook_url=f"{server.url}/slack/{CANARIES[0]}")
        assert people.handle(event()) == [0]

    assert people.posts.wire.calls == ()
    assert people.reported()[1] == ["ChannelUnavailableError"]


def test_no_secret_is_in_a_log_an_item_or_a_message(people: People) -> None:
    """Nor is a secret of a wrong form, or a field of a message that holds one."""
    url = f"https://restore.example.net/{CANARIES[0]}/restore.tar.gz"
    texts = ("targetDeploymentItemName", "kind", "deliveryType", "projectName")
    people.handle(event(**dict.fromkeys(texts, url)))
    got = people.posts.got
    sent = [*people.chat(), *people.emails(), *got("slack"), *got("teams")]
    pages = [page | {"routing_key": ""} for page in got("pager")]
    assert (len(sent), len(pages)) == (4, 1)

    quoted = " ".join([*CANARIES, people.posts.address("slack")])
    people.put_people_secret(slack_webhook_url=f"http://{quoted}", pagerduty_routing_key=quoted)
    assert people.handle(event(sequence=3)) == [0]
    assert people.handle(event(sequence=quoted, restoreId=quoted), quoted) == [0, 1]
    items = people.aws.client("dynamodb").scan(TableName=people.resources["SentNoticesTable"])
    shown = f"{people.log.getvalue()}{sent}{pages}{items['Items']}"
    assert [word for word in (*CANARIES, people.posts.url) if word in shown] == []
