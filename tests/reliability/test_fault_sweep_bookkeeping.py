"""Bookkeeping that somebody has changed by hand, and that nobody has read for weeks: F89, F90."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from integration.sweeping import break_project
from local_stack.atlas import EmulatedRestore
from local_stack.faults import Answer
from reliability.campaign import Campaign, always
from reliability.finding import ENDED, MINUTE, Finds
from reliability.sweeping import Sweeps, ended, many_jobs
from restore_watch.table.lease import KEY
from restore_watch.table.project_item import project_key

pytestmark = pytest.mark.timeout(120)
cases = pytest.mark.parametrize

_serialize = TypeSerializer().serialize

DAY = 24 * 60 * MINUTE
CHANGE = {
    **dict.fromkeys(("since", "at"), "2026-01-01T00:00:00.000000Z"),
    "state": "degraded",
    "error": "AtlasUnavailableError",
    "message": "Atlas was silent.",
}
"""A change of the watch that was not sent, as the table has it."""
POISONS: dict[str, Any] = {
    "a huge number": 10**17,
    "a number below zero": -1.5,
    "the first year": "0001-01-01T00:00:00+14:00",
    "the last year": "9999-12-31T23:59:59-14:00",
    "the year 2099": "2099-01-01T00:00:00.000000Z",
    "no moment": "yesterday",
    "nothing": "",
    "null": None,
    "a list": [[{"since": 5}], None],
    "a map of maps": {"flex": {"since": {"at": [1]}}, "dedicated/a/../b": 10**37},
    "a set of numbers": {1, 2},
    "a change of an odd state": [CHANGE | {"state": ["degraded"]}],
}
LISTED = ("mark", "firstMark", "behind", "listedAt", "readable")
SEEN = ("troubles", "degraded", "lastSuccessAt", "unsent", "watchVersion", "expiresAt")
LEASE = ("owner", "validUntil", "lastTick", "succeededAt", "waitingUntil", "waitingTick")
JOB = (
    *("kind", "status", "atlasStatus", "deliveryType", "expirationDate", "restoreScheduledDate"),
    *("firstObservedAt", "observedAt", "sequence", "publishedSequence", "missingSince"),
    *("history", "waiting", "unansweredSince", "expiresAt"),
)


UNREADABLE = 5
"""So many of these attributes make that the item, or its kind, cannot be read at the most."""


def write(campaign: Campaign, key: dict[str, Any], *names: str, value: Any) -> None:
    """Somebody changes these attributes of an item."""
    stored = {"N": str(value)} if isinstance(value, float) else _serialize(value)
    campaign.aws.client("dynamodb").update_item(
        TableName=campaign.stack.table_name,
        Key=key,
        UpdateExpression=f"SET {', '.join(f'#{name} = :value' for name in names)}",
        ExpressionAttributeNames={f"#{name}": name for name in names},
        ExpressionAttributeValues={":value": stored},
    )


def ended_job(campaign: Campaign, group: str, age: float = 0) -> EmulatedRestore:
    at = campaign.atlas.now() - timedelta(seconds=age)
    job = campaign.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"], at=at)
    assert job.restore_id
    return job


def is_reported(campaign: Campaign, *jobs: EmulatedRestore) -> bool:
    return all(
        campaign.stored(job) == ENDED and campaign.published(job) == ["COMPLETED"] for job in jobs
    )


@pytest.mark.fault("F89")
@cases("poison", always(POISONS, "a huge number", "the first year", "a set of numbers"))
def test_what_somebody_wrote_into_the_bookkeeping_holds_up_nobody_and_heals(
    campaign: Campaign, sweeps: Sweeps, poison: Any
) -> None:
    groups = {name: secrets.token_hex(12) for name in (*LISTED, *SEEN, "healthy")}
    finds = Finds(campaign, sweeps, *groups.values())
    before = ended_job(campaign, groups["mark"], 6.5 * DAY)
    finds.tick()
    assert finds.unknown([before])
    for name, group in groups.items():
        if name != "healthy":
            write(campaign, project_key(group), name, value=poison)
    write(campaign, project_key(None), *SEEN, value=poison)
    write(campaign, KEY, *LEASE, value=poison)
    jobs = [ended_job(campaign, group) for group in groups.values()]

    result = finds.tick()

    assert (result["failures"], result["notReached"]) == ([], 0)
    finds.tick()  # what an event woke is listed once more
    assert is_reported(campaign, *jobs)
    finds.tick(15)
    # A mark of the first year is of no use, and the restores of seven days are looked for.
    assert is_reported(campaign, before)
    for name in (*LISTED, "expiresAt"):
        assert finds.item(groups[name])[name] != poison

    # What is seen of a project is recorded in spite of what stands there.
    hard = [groups[name] for name in SEEN]
    for group in hard:
        break_project(campaign.stack, group, Answer(403), times=None)
    for _ in range(6):
        finds.tick()
    assert [len(finds.said(group)) for group in hard] == [1] * len(hard)
    assert is_reported(campaign, *jobs, before)


@pytest.mark.fault("F89")
@cases("poison", always(POISONS, "a huge number", "the first year", "the year 2099"))
def test_an_open_job_that_somebody_has_changed_holds_up_no_other(
    campaign: Campaign, sweeps: Sweeps, poison: Any
) -> None:
    changed = many_jobs(campaign, len(JOB), timeline=["RUNNING", "COMPLETED"])
    others = many_jobs(campaign, 2, timeline=["RUNNING", "COMPLETED"])
    for name, job in zip(JOB, changed, strict=True):
        key = {
            "cluster": {"S": f"{job.group_id}/{job.cluster}"},
            "restoreId": {"S": job.restore_id},
        }
        write(campaign, key, name, value=poison)
    for job in (*changed, *others):
        job.advance()

    for minutes in (0, 5, 24 * 60):
        campaign.pass_time(minutes * MINUTE)
        assert len(sweeps.tick()["failures"]) <= UNREADABLE

    assert ended(campaign, *others)
    statuses = [(campaign.item(job) or {})["status"] for job in changed]
    assert statuses.count("COMPLETED") >= len(JOB) - UNREADABLE


@pytest.mark.fault("F90")
@cases("days", [8, 45])
def test_when_the_schedule_was_off_for_long_the_restores_of_the_last_seven_days_are_found(
    campaign: Campaign, finds: Finds, days: int
) -> None:
    finds.tick()
    finds.tick(15)
    first = finds.ended_jobs(cluster="first")
    campaign.pass_time((days - 6.9) * DAY)
    later = finds.ended_jobs(cluster="later")
    campaign.pass_time(6.9 * DAY)
    expire_items(campaign)

    finds.tick(application=finds.environment())

    assert finds.reported_once(later)
    assert finds.unknown(first)


def expire_items(campaign: Campaign) -> None:
    """Delete what DynamoDB would have deleted by now."""
    now = campaign.clock().timestamp()
    client, table = campaign.aws.client("dynamodb"), campaign.stack.table_name
    for item in campaign.stack.items():
        if float(item.get("expiresAt", now)) < now:
            key = {name: {"S": item[name]} for name in ("cluster", "restoreId")}
            client.delete_item(TableName=table, Key=key)
