"""
What each channel gets for each kind of notice.

`pytest --snapshot-update` of this file stores what was changed on purpose.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from notify_people.channels.channel import Channel
from notify_people.forms.chat import chat_message
from notify_people.forms.mail import mail
from notify_people.forms.pagerduty import pagerduty_events
from notify_people.forms.slack import slack_message
from notify_people.forms.teams import teams_message
from notify_people.message import read_message
from notify_people.words.missing_subscription_notice import (
    EmailOf,
    EmailSubscriptions,
    missing_subscription_notice,
)
from notify_people.words.notice import Notice
from notify_people.words.notices import notice_of
from unit.notify_people.messages import MESSAGES, NOTICES, ODD_NAME, PROJECT, STACK, event, notice

TOPIC = "arn:aws:sns:us-east-1:111122223333:atlas-restore-watch-EmailTopic-1A2B"
ALARM_TOPIC = "arn:aws:sns:us-east-1:111122223333:atlas-restore-watch-AlarmTopic-3C4D"
AT = datetime(2026, 11, 26, 17, 17, 4, tzinfo=UTC)

CARDS = [
    "collection-cancelled",
    "credentials-expiring-soon",
    "credentials-renewed",
    "dedicated-download-ready",
    "flex-odd-name",
    "measured-differs",
    "odd-named-degraded",
    "project-recovered",
    "report-to-look-at",
    "report-well",
    "stack-degraded",
    "test",
]
"""For Teams only these are stored: its cards are long. They have every colour and every part."""

STORED = [(one, name) for one in Channel for name in NOTICES if one != "teams" or name in CARDS]

DOCUMENTS: dict[Channel, Callable[[Notice], Any]] = {
    Channel.CHAT: chat_message,
    Channel.SLACK: slack_message,
    Channel.TEAMS: teams_message,
    Channel.PAGER: pagerduty_events,
}


class TextFile(SingleFileSnapshotExtension):
    """An e-mail, as people read it."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.mark.parametrize(("channel", "name"), STORED)
def test_people_get_what_is_stored(
    channel: Channel, name: str, snapshot: SnapshotAssertion
) -> None:
    if channel is Channel.EMAIL:
        subject, text = mail([notice(name)])
        assert f"Subject: {subject}\n\n{text}" == snapshot(extension_class=TextFile)
    else:
        document = DOCUMENTS[channel](notice(name))
        assert document == snapshot(extension_class=JSONSnapshotExtension)


def test_an_email_of_several_notices_is_what_is_stored(snapshot: SnapshotAssertion) -> None:
    names = ("dedicated-completed", "project-degraded", "another-failed-restore", "flex-completed")
    subject, text = mail([notice(name) for name in (*names, "dedicated-download-ready", "test")])

    assert f"Subject: {subject}\n\n{text}" == snapshot(extension_class=TextFile)


def test_an_email_has_no_advice_for_what_is_over() -> None:
    over = [notice(name) for name in ("project-recovered", "project-degraded", "flex-failed")]
    _, text = mail(over)

    assert all(one.title in text for one in over)
    assert over[1].detail not in text
    assert over[2].detail in text


def test_an_email_counts_differences_before_what_is_well_and_after_what_is_worse() -> None:
    names = ("dedicated-completed", "measured-differs", "validation-failed")
    subject, text = mail([notice(name) for name in names])

    assert subject == "1 validation FAILED, 1 restore with data that differs, 1 completed"
    assert "- Restored data differs: production -> staging\n" in text
    assert "Difference 1:   invoices (missing)\n" in text


def test_an_email_with_a_report_says_at_its_top_whether_anything_needs_a_look() -> None:
    made = [notice(name) for name in ("flex-completed", "report-to-look-at")]
    subject, text = mail(made)

    assert subject == "1 report to look at, 1 restore completed"
    assert text.startswith("- 2 of 3 clusters need a look\n")
    assert "Open the report" in text


MISSING = {
    "pending": EmailSubscriptions(EmailOf.NOTICES, TOPIC, 0, 1),
    "one-of-two": EmailSubscriptions(EmailOf.NOTICES, TOPIC, 1, 1),
    "gone": EmailSubscriptions(EmailOf.NOTICES, TOPIC, problem="email: SNS answered NotFound"),
    "alarms-pending": EmailSubscriptions(EmailOf.ALARMS, ALARM_TOPIC, 0, 1),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_notice_about_email_is_what_is_stored(name: str, snapshot: SnapshotAssertion) -> None:
    said = missing_subscription_notice(MISSING[name], AT, STACK)

    judge(said)
    document = DOCUMENTS[Channel.SLACK](said)
    assert document == snapshot(extension_class=JSONSnapshotExtension)


def test_nothing_else_is_stored() -> None:
    stored = (Path(__file__).parent / "__snapshots__" / "test_golden").iterdir()
    names = [f"test_people_get_what_is_stored[{channel}-{name}]" for channel, name in STORED]
    names += ["test_an_email_of_several_notices_is_what_is_stored"]
    names += [f"test_a_notice_about_email_is_what_is_stored[{name}]" for name in MISSING]

    assert sorted(path.stem for path in stored) == sorted(names)


def form(channel: Channel) -> Draft202012Validator:
    schema = json.loads((Path(__file__).parent / "forms" / f"{channel}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


FORMS = {channel: form(channel) for channel in DOCUMENTS}


def judge(made: Notice) -> None:
    """Compare what each channel gets with the form that its service documents."""
    for channel in (Channel.CHAT, Channel.SLACK, Channel.TEAMS):
        FORMS[channel].validate(DOCUMENTS[channel](made))
    for one in pagerduty_events(made):
        FORMS[Channel.PAGER].validate(one | {"routing_key": "0" * 32})
    card = json.dumps(teams_message(made), ensure_ascii=False)
    assert len(card.encode()) < 20_000, "Teams takes 28 KB"
    header = slack_message(made)["blocks"][0]["text"]["text"]
    assert len(header.encode("utf-16-le")) // 2 <= 150, "Slack counts UTF-16 code units"
    subject, _ = mail([made])
    assert re.fullmatch(r"[A-Za-z0-9][\x20-\x7e]{1,98}", subject), "SNS takes 99 of ASCII"


@pytest.mark.parametrize("name", MESSAGES)
def test_what_channels_get_has_the_documented_forms(name: str) -> None:
    judge(notice(name))


TEXTS = (
    *("kind", "deliveryType", "atlasStatus", "targetProjectId", "targetDeploymentItemName"),
    "projectName",
)


@pytest.mark.parametrize("name", ["flex-failed", "collection-unknown-end", "flex-started"])
@pytest.mark.parametrize("letter", ["\N{PILE OF POO}", "<", "*", "x"])
def test_the_longest_texts_fit_every_form(name: str, letter: str) -> None:
    judge(notice(name, **dict.fromkeys(TEXTS, letter * 900)))


@pytest.mark.parametrize("name", ["flex-failed", "collection-unknown-end", "validation-failed"])
def test_ten_of_the_longest_notices_fit_an_email(name: str) -> None:
    long = "\N{PILE OF POO}" * 900
    report = dict.fromkeys(("verdict", "validatedBy", "detail"), long)

    subject, text = mail([notice(name, **dict.fromkeys(TEXTS, long), validation=report)] * 10)

    assert len(text.encode()) < 200_000, "SNS takes 256 KB with all that belongs to it"
    assert re.fullmatch(r"10 [\x20-\x7e]{1,96}", subject)


@pytest.mark.parametrize("letter", ["\N{PILE OF POO}", "<", "*", "x"])
def test_a_report_of_twenty_of_the_longest_names_fits_every_form(letter: str) -> None:
    texts = dict.fromkeys(("groupId", "clusterName", "state"), letter * 900)
    made = notice(
        "report-to-look-at",
        needAttention=[texts | {"days": 10**14}] * 20,
        degraded=[letter * 900] * 20,
        clusters={f"{letter * 900}{number}": 10**14 for number in range(20)},
    )

    judge(made)
    size = len("".join(mail([made] * 10)).encode())
    assert size < 200_000, "SNS takes 256 KB"


HUGE = 10**18


def ten_that_differ(letter: str, number: int = HUGE) -> dict[str, Any]:
    """A measurement of ten databases that differ in all that is counted, and of many more."""
    figures = [
        {"figure": "collections", "least": 9_999, "found": 9_998},
        {"figure": "documents", "least": number, "most": number + 1, "found": number - 1},
        {"figure": "indexes", "least": 9_999, "found": 9_998},
    ]
    named = [{"name": f"{place}{letter * 62}", "figures": figures} for place in range(10)]
    counts = {"found": 10**14, "expected": 2 * 10**14}
    return {"outcome": "differs", "databases": counts, "differing": named}


@pytest.mark.parametrize("letter", ["\N{PILE OF POO}", "<", "*", "x"])
@pytest.mark.parametrize("number", [HUGE, 10**400], ids=["as large as Atlas's", "larger"])
def test_a_difference_of_the_longest_names_and_numbers_fits_every_form(
    letter: str, number: int
) -> None:
    texts = dict.fromkeys(("targetDeploymentItemName", "targetProjectId"), letter * 900)
    measurement = ten_that_differ(letter, number)
    made = notice("measured-differs", **texts, projectName=letter * 900, measurement=measurement)

    judge(made)
    size = len("".join(mail([made] * 10)).encode())
    assert size < 200_000, "SNS takes 256 KB"


LONGEST_NAMES = {
    "clusterName": "s" * 64,
    "targetDeploymentItemName": "t" * 64,
    "targetProjectId": "5f0000000000000000000a01",
    "projectName": "p" * 64,
}


@pytest.mark.parametrize("channel", [Channel.CHAT, Channel.SLACK, Channel.TEAMS])
def test_each_of_ten_databases_that_differ_is_named_with_its_documents(channel: Channel) -> None:
    """And nothing that stands below them is left out of a message of Slack."""
    made = notice("measured-differs", **LONGEST_NAMES, measurement=ten_that_differ("x"))
    message = json.dumps(DOCUMENTS[channel](made))
    _, text = mail([made])

    for shown in (message, text):
        for place in range(10):
            name = f"{place}{'x' * 62} (collections: 9,998 instead of 9,999; documents: 999,999,"
            assert name in shown
        assert "100,000,000,000,000 of 200,000,000,000,000 databases" in shown
        assert "99,999,999,999,990" in shown
        assert made.facts["Restore job"] in shown


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("stack-degraded", "the secret cannot be used"),
        ("credentials-expiring-soon", f"stack {'s' * 29}..."),
        ("credentials-renewed", f"stack {'s' * 29}..."),
    ],
)
def test_the_longest_name_of_a_stack_fits_every_form(name: str, end: str) -> None:
    texts = dict.fromkeys(("message", "clientId", "fix"), "m" * 900)
    message = event(name, stack="s" * 128, **texts) | {"subject": "s" * 128}

    made = notice_of(read_message(json.dumps(message)), "https://cloud.mongodb.com", STACK)

    judge(made)
    assert mail([made])[0].endswith(end)


@pytest.mark.parametrize("name", ["project-degraded", "project-recovered", "project-removed"])
@pytest.mark.parametrize(
    "error",
    ["UnexpectedAtlasResponseError", "SomethingElse" * 8 + "Error"],
    ids=["a known error", "a long name"],
)
def test_no_subject_is_cut_within_the_id_of_a_project(name: str, error: str) -> None:
    assert PROJECT in mail([notice(name, error=error)])[0]


ODD_REPORT = dict.fromkeys(("verdict", "validatedBy", "detail"), ODD_NAME)
ODD_FIGURE = {"figure": ODD_NAME, "least": 2, "found": 1, "mayBe": ODD_NAME}
ODD_MEASUREMENT = {
    "outcome": "differs",
    "databases": {"found": 1, "expected": 2},
    "differing": [{"name": ODD_NAME, "figures": [ODD_FIGURE]}],
}


@pytest.mark.parametrize("render", [chat_message, slack_message])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flex-odd-name", {}),
        ("validation-failed", {"validation": ODD_REPORT}),
        ("measured-differs", {"measurement": ODD_MEASUREMENT}),
        ("report-to-look-at", {}),
        *((one, {"projectName": ODD_NAME}) for one in ("flex-failed", "validation-passed")),
        ("odd-named-degraded", {}),
    ],
    ids=[
        "a restore",
        "a verdict",
        "a difference",
        "a report",
        "a project",
        "its data",
        "a blind watch",
    ],
)
def test_nothing_of_an_odd_name_means_anything_in_mrkdwn(
    render: Callable[[Notice], Any], name: str, said: dict[str, Any]
) -> None:
    text = json.dumps(render(notice(name, **said)), ensure_ascii=False)
    text = re.sub(r'"type": "plain_text", "text": ".*?"', "", text)

    assert "everyone&gt;" in text
    text = re.sub(r"<https://(cloud\.mongodb|eu-west-1\.console\.aws\.amazon)\.com/", "", text)
    assert not re.search(r"@|:fire:|\{\{|&(?!amp;|lt;|gt;)|<", text)


@pytest.mark.parametrize("field", ["targetDeploymentItemName", "projectName"])
@pytest.mark.parametrize("name", [ODD_NAME, "{{{DATE(2017-02-14T06:08:00Z, SHORT)}}}"])
def test_teams_reads_no_date_from_a_name(name: str, field: str) -> None:
    card = json.dumps(teams_message(notice(**{field: name})))

    assert "DATE(2017" in card
    assert "{{" not in card
