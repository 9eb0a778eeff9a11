"""The item of a job: its expiry, other versions, odd texts: F49 to F51."""

import json
import re
from datetime import UTC, datetime

import pytest
from boto3.dynamodb.types import TypeSerializer

from local_stack.atlas import Kind
from local_stack.wire import (
    Answer,
    Selection,
)
from reliability.campaign import Campaign, Stored, rewrite
from reliability.steps import ACKNOWLEDGE, PUBLISH
from restore_watch.errors import NotificationPendingError, RestoreWatchError, TableUnavailableError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

LONG = {
    "ascii": "x" * 100_000,
    "emoji": "\U0001f4a5" * 10_000,
    "controls": "".join(map(chr, range(32))) * 100,
    "crlf": "a\r\nb\r\n" * 1000,
    "quotes": '"\\' * 1000,
    "right-to-left": "\u202eabc\u0000" * 100,
}


@pytest.mark.fault("F49")
@cases("text", list(LONG.values()), ids=list(LONG))
def test_odd_texts_leave_the_message_and_the_item_valid(campaign: Campaign, text: str) -> None:
    job = campaign.job(cluster="c" * 64, timeline=["RUNNING", text, "COMPLETED"])
    job.set(
        deliveryType=text,
        snapshotId=text,
        targetDeploymentItemName=text,
        targetProjectId=text,
    )
    for advance in (False, True, True):
        if advance:
            job.advance()
        campaign.check(job)

    messages = campaign.messages(job)
    assert [message.event["data"]["status"] for message in messages] == [
        "RUNNING",
        "UNKNOWN",
        "COMPLETED",
    ]
    for message in messages:
        assert re.fullmatch(r"[\x20-\x7e]{1,99}", message.subject or "")
        assert len(json.dumps(message.event)) < 20_000
        assert len(message.attributes) <= 10
        for value in message.attributes.values():
            assert re.fullmatch(r"[\x20-\x7e]+", value)
    item = json.dumps(campaign.item(job), default=str, ensure_ascii=False)
    assert len(item.encode()) < 40_000
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F49", "F17")
@cases("field", ["status", "targetDeploymentItemName"])
def test_a_text_that_cannot_be_encoded_ends_in_a_result_or_a_typed_error(
    campaign: Campaign, field: str
) -> None:
    job = campaign.finished_job()
    job.set(**{field: "A\ud800"})
    answer = campaign.invoke(job)

    assert answer.error_type in {None, "UnexpectedAtlasResponseError"}
    assert (answer.error_type is None) is (campaign.stored(job) is not None)


@pytest.mark.fault("F50")
@cases(
    ("kind", "step", "error"),
    [
        ("flex", PUBLISH, NotificationPendingError),
        ("dedicated", ACKNOWLEDGE, TableUnavailableError),
    ],
    ids=["publication", "acknowledgement"],
)
def test_an_item_expires_only_when_nothing_is_open_or_pending(
    campaign: Campaign, kind: Kind, step: Selection, error: type[RestoreWatchError]
) -> None:
    job = campaign.job(kind)
    seen: set[tuple[bool, bool, bool]] = set()
    steps = [False, *([True] * (3 if kind == "flex" else 1))]
    for advance in steps:
        if advance:
            job.advance()
        for failing in (True, False):
            if failing:
                campaign.inject(step, Answer(400))
                campaign.refused(error, job)
            else:
                campaign.check(job)
            item = campaign.item(job) or {}
            open_or_pending = not item["terminal"] or item["publishedSequence"] < item["sequence"]
            assert ("expiresAt" in item) is not open_or_pending
            assert ("openShard" in item) is open_or_pending
            seen.add((item["terminal"], failing, "expiresAt" in item))

    assert (True, True, False) in seen
    assert (True, False, True) in seen


@pytest.mark.fault("F50")
def test_the_item_of_a_ready_download_does_not_expire_while_a_later_change_is_pending(
    campaign: Campaign,
) -> None:
    timeline = ["download-ready", "expired"]
    job = campaign.job("dedicated", delivery_type="download", timeline=timeline)
    campaign.check(job)
    assert "expiresAt" in (campaign.item(job) or {})

    job.advance()
    campaign.inject(PUBLISH, Answer(400))
    campaign.refused(NotificationPendingError, job)
    item = campaign.item(job) or {}
    assert "expiresAt" not in item
    assert "openShard" in item

    campaign.check(job)
    item = campaign.item(job) or {}
    assert item["expiresAt"] > datetime.now(UTC).timestamp() + 300 * 86_400
    assert "openShard" not in item


@pytest.mark.fault("F51")
def test_attributes_of_a_newer_version_are_kept(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    campaign.check(job)
    rewrite(
        campaign,
        job,
        "SET #novel = :novel, #history[0].#novel = :novel, #taskTokens = :tokens",
        novel={"M": {"deep": {"L": [{"NULL": True}, {"N": "1.5"}]}}},
        tokens={"SS": ["a", "b"]},
    )
    assert not campaign.check(job).changed

    job.advance()
    assert campaign.check(job).changed
    item = campaign.item(job) or {}
    assert item["novel"] == item["history"][0]["novel"]
    assert item["taskTokens"] == {"a", "b"}
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F51")
@cases(
    "expression",
    [
        "REMOVE #durationSeconds, #snapshotAgeSeconds, #terminal, #downloadAvailable, #atlasStatus",
        "REMOVE #deliveryType, #snapshotId, #expirationDate, #targetProjectId, #openShard",
        "REMOVE #history[0].#terminal, #history[0].#downloadAvailable, #history[0].#atlasStatus",
        "REMOVE #publishedSequence",
    ],
    ids=["derived", "optional", "history-entries", "outbox-mark"],
)
def test_attributes_that_an_older_version_did_not_write_are_not_needed(
    campaign: Campaign, expression: str
) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    campaign.check(job)
    rewrite(campaign, job, expression)
    campaign.check(job)
    job.advance()
    for _ in range(2):
        campaign.check(job)

    assert campaign.published(job)[-1] == "COMPLETED"
    stored = campaign.stored(job)
    assert stored is not None
    assert (stored.status, stored.published) == ("COMPLETED", stored.sequence)


@pytest.mark.fault("F51")
def test_a_status_of_a_newer_version_is_replaced_by_the_next_one(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    campaign.check(job)
    rewrite(
        campaign,
        job,
        "SET #status = :paused, #history[0].#status = :paused",
        paused={"S": "PAUSED"},
    )
    job.advance()
    for _ in range(2):
        campaign.check(job)

    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F51")
@cases(
    ("damage", "repair", "value"),
    [
        ("SET #kind = :value", "SET #kind = :value", {"S": "serverless"}),
        ("SET #history[0] = :value", "SET #history = :value", {"S": "PENDING"}),
        ("SET #publishedSequence = :value", "SET #publishedSequence = :value", {"S": "all"}),
        ("SET #history = :value", "SET #history = :value", {"NULL": True}),
    ],
    ids=["kind", "entry", "mark", "no-history"],
)
def test_an_unreadable_item_is_not_changed_until_it_is_repaired(
    campaign: Campaign, damage: str, repair: str, value: dict[str, str]
) -> None:
    """tests/unit/test_item.py has every other kind of damage."""
    job = campaign.job()
    campaign.check(job)
    before = campaign.item(job) or {}
    rewrite(campaign, job, damage, value=value)
    error = campaign.refused(TableUnavailableError, job)
    assert "this version cannot read" in str(error)
    assert campaign.count(PUBLISH) == 1

    (name,) = re.findall(r"^SET #(\w+)", repair)
    rewrite(campaign, job, repair, value=TypeSerializer().serialize(before[name]))
    job.run_to_end()
    campaign.check(job)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F51")
@cases(
    ("written", "published"),
    [
        ("2026-05-04T14:00:00+02:00", "2026-05-04T12:00:00.000000Z"),
        ("2026-05-04T12:00:00", "2026-05-04T12:00:00.000000Z"),
    ],
    ids=["zone", "no-zone"],
)
def test_a_date_in_another_form_is_published_in_utc(
    campaign: Campaign, written: str, published: str
) -> None:
    job = campaign.job()
    campaign.check(job)
    rewrite(
        campaign,
        job,
        "SET #history[0].#observedAt = :moment, #publishedSequence = :none",
        moment={"S": written},
        none={"N": "0"},
    )
    campaign.check(job)
    message = campaign.messages(job)[-1]

    assert message.event["time"] == message.event["data"]["observedAt"] == published
    assert campaign.stored(job) == Stored("PENDING", 1, 1)
