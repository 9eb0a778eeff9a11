"""What every channel gets for every kind and outcome, as it is stored in tests/golden."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from golden.notify_people.cases import (
    FOLDER,
    ODD_NAME,
    PROJECT,
    RESTORE,
    STACK,
    TROUBLES,
    Case,
    cases,
    golden_files,
    golden_path,
    rendered,
)
from notify_people.channels.channel import Channel
from notify_people.forms.mail import mail
from notify_people.forms.pager import events
from unit.notify_people.messages import notice

CASES = {case.name: case for case in cases()}
EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())

_EVENTS = Path(__file__).parents[3] / "events"
_FORMS = Path(__file__).parent / "forms"


def validator(path: Path) -> Draft202012Validator:
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


STATUS = validator(_EVENTS / "restore-status-changed.schema.json")
VALIDATION = validator(_EVENTS / "validation-recorded.schema.json")
WATCH = validator(_EVENTS / "watch-changed.schema.json")
FORMS = {
    channel: validator(_FORMS / f"{channel}.schema.json")
    for channel in (Channel.CHAT, Channel.SLACK, Channel.TEAMS, Channel.PAGER)
}


def documents(channel: Channel, case: Case) -> list[Any]:
    """What a channel gets for a case, as it goes over the wire."""
    text = rendered(channel, case)
    if text is None:
        return []
    value = json.loads(text)
    return [one | {"routing_key": "0" * 32} for one in value] if channel == "pager" else [value]


def test_every_case_has_a_name_that_no_other_has() -> None:
    assert len(CASES) == len(list(cases()))


@EVERY_CASE
def test_the_messages_fit_the_published_schemas(case: Case) -> None:
    if case.name in {"test", "flex-odd-name"}:
        return
    schemas = {
        "atlas-restore-watch.status-changed.v1": STATUS,
        "atlas-restore-watch.validation-recorded.v1": VALIDATION,
    }
    schema = schemas.get(case.message["type"], WATCH)

    schema.validate(json.loads(case.body))


@EVERY_CASE
@pytest.mark.parametrize("channel", Channel)
def test_each_channel_gets_what_is_stored(channel: Channel, case: Case) -> None:
    """`python -m golden.notify_people --write` stores what was changed on purpose."""
    path = golden_path(channel, case)
    stored = path.read_text() if path.exists() else None

    assert stored == rendered(channel, case)


def test_no_other_file_is_stored() -> None:
    stored = {path for channel in Channel for path in (FOLDER / channel).iterdir()}

    assert stored == set(golden_files())


@EVERY_CASE
@pytest.mark.parametrize("channel", FORMS)
def test_what_a_channel_gets_has_the_documented_form(channel: Channel, case: Case) -> None:
    for document in documents(channel, case):
        FORMS[channel].validate(document)


def size(document: object) -> int:
    return len(json.dumps(document, ensure_ascii=False).encode())


@EVERY_CASE
def test_a_teams_message_is_far_below_28_kilobytes(case: Case) -> None:
    (document,) = documents(Channel.TEAMS, case)

    assert size(document) < 8_000


@pytest.mark.parametrize("name", ["flex-failed", "collection-unknown-end", "flex-started"])
@pytest.mark.parametrize("letter", ["\N{PILE OF POO}", "<", "*", "x"])
def test_the_longest_texts_fit_every_form(name: str, letter: str) -> None:
    texts = ("kind", "deliveryType", "atlasStatus", "targetProjectId", "targetDeploymentItemName")
    message = CASES[name].message
    long = Case(name, {**message, "data": message["data"] | dict.fromkeys(texts, letter * 900)})

    assert size(documents(Channel.TEAMS, long)) < 20_000
    for channel, form in FORMS.items():
        for document in documents(channel, long):
            form.validate(document)
    (slack,) = documents(Channel.SLACK, long)
    header = slack["blocks"][0]["text"]["text"]
    assert len(header.encode("utf-16-le")) // 2 <= 150, "Slack counts UTF-16 code units"
    assert len(mail(long.notice()).subject) < 100


@EVERY_CASE
def test_a_subject_is_ascii_and_has_fewer_than_100_characters(case: Case) -> None:
    subject = mail(case.notice()).subject

    assert re.fullmatch(r"[A-Za-z][\x20-\x7e]{1,98}", subject)


@pytest.mark.parametrize("error", [*TROUBLES, "SomethingElse" * 8 + "Error"])
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("project-")])
def test_no_subject_is_cut_within_the_id_of_a_project(name: str, error: str) -> None:
    assert PROJECT in mail(notice(name, error=error)).subject


@EVERY_CASE
def test_the_first_line_of_an_email_completes_its_subject(case: Case) -> None:
    first, second, *_ = mail(case.notice()).text.splitlines()

    notice = case.notice()
    assert first == (notice.detail or notice.title)
    assert not second


@EVERY_CASE
@pytest.mark.parametrize("channel", Channel)
def test_every_channel_names_the_project_or_the_stack(channel: Channel, case: Case) -> None:
    text = rendered(channel, case)
    named = case.message["data"].get("groupId") or case.message["subject"]

    assert text is None or named in text


def test_all_notices_of_a_restore_are_one_thread_in_chat() -> None:
    threads = {
        documents(Channel.CHAT, case)[0]["metadata"]["threadId"]
        for name, case in CASES.items()
        if name.startswith(("flex", "dedicated", "tenant", "collection"))
    }

    assert threads == {f"{STACK}/{RESTORE}"}


def test_degraded_and_recovered_are_one_thread_and_one_alert() -> None:
    down = CASES["project-degraded-AtlasForbiddenError"]
    up = CASES["project-recovered-AtlasForbiddenError"]
    (opened,), (closed, _) = events(down.notice()), events(up.notice())

    assert opened["dedup_key"] == closed["dedup_key"]
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert down.notice().thread == up.notice().thread == PROJECT


def test_a_test_is_marked_as_one_everywhere() -> None:
    case = CASES["test"]
    opened, closed = events(case.notice())

    assert all("TEST" in str(rendered(channel, case)) for channel in Channel)
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == f"atlas-restore-watch/{case.notice().key}"


class TestAnOddName:
    """A name that tries to format, to link and to notify is only a name."""

    case = CASES["flex-odd-name"]

    @pytest.mark.parametrize("channel", [Channel.CHAT, Channel.SLACK])
    def test_nothing_of_it_means_anything_in_mrkdwn(self, channel: Channel) -> None:
        text = re.sub(
            r'"type": "plain_text",\s+"text": ".*"', "", str(rendered(channel, self.case))
        )

        assert "@" not in text
        assert "everyone&gt;" in text
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)
        assert not re.search(r"<(?!https://cloud\.mongodb\.com/)", text)
        assert ":fire:" not in text
        assert "{{" not in text

    def test_teams_shows_it_where_markdown_is_not_read(self) -> None:
        (document,) = documents(Channel.TEAMS, self.case)
        blocks = document["attachments"][0]["content"]["body"]

        assert {block["type"] for block in blocks} == {"RichTextBlock"}
        assert "{{" not in json.dumps(document)
        assert ODD_NAME.replace("{{", "{ {") in json.dumps(document, ensure_ascii=False)

    @pytest.mark.parametrize("braces", ["{{", "{{{", "{{{{"])
    def test_teams_reads_no_date_from_it(self, braces: str) -> None:
        (document,) = documents(Channel.TEAMS, self.case)
        name = f"{braces}DATE(2017-02-14T06:08:00Z, SHORT)}}}}"
        data = self.case.message["data"] | {"targetDeploymentItemName": name}
        (document,) = documents(Channel.TEAMS, Case("braces", {**self.case.message, "data": data}))

        assert "DATE(2017" in json.dumps(document)
        assert "{{" not in json.dumps(document)

    def test_email_and_pager_show_it_as_it_is(self) -> None:
        assert ODD_NAME in str(rendered(Channel.EMAIL, self.case))
        assert ODD_NAME in str(rendered(Channel.PAGER, self.case))
