"""Items that somebody has changed by hand, and bookkeeping that nobody has read for weeks."""

import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Answer, Reworded
from local_stack.steps import QUESTION, about
from local_stack.template import STACK_NAME
from local_stack.wire import Selection
from local_stack.world import Stored, World, item_key, within

DAY = 24 * 3600.0
ENDED = Stored("COMPLETED", 1, 1)
CHANGE = {
    **dict.fromkeys(("since", "at"), "2026-01-01T00:00:00.000000Z"),
    "state": "degraded",
    "error": "AtlasUnavailableError",
    "message": "Atlas was silent.",
}
"""A change of the watch that was not sent, as the table has it."""

POISONS: dict[str, Any] = {
    "a huge number": 10**17,
    "the first year": "0001-01-01T00:00:00+14:00",
    "the year 2099": "2099-01-01T00:00:00.000000Z",
    "a set of numbers": {1, 2},
    "no moment": "yesterday",
    "null": None,
    "a map of maps": {"flex": {"since": {"at": [1]}}, "dedicated/a/../b": 10**37},
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
TOO_LONG: Any = {"N": "1" + 38 * "0"}
"""1E+38. DynamoDB gives it back with all of its 39 digits, and boto3 keeps 38."""
PLACEHOLDER = 7_777_777
FIELDS = (*JOB, "note")
DECISIVE = {"history", "waiting"}
"""Without these, nothing can be told of a job: it is a failure of its own."""
TELLING = ("publishedSequence", "history")
UNREADABLE = 5
"""So many of these attributes make that the item, or its kind, cannot be read at the most."""


def write(world: World, key: dict[str, Any], *names: str, value: Any) -> None:
    """Somebody gives these attributes of an item this value."""
    write_typed(world, key, *names, value=TypeSerializer().serialize(value))


def write_typed(world: World, key: dict[str, Any], *names: str, value: Any) -> None:
    """The same, with a value in DynamoDB's types."""
    world.aws.client("dynamodb").update_item(
        TableName=world.stack.table_name,
        Key=key,
        UpdateExpression=f"SET {', '.join(f'#{name} = :value' for name in names)}",
        ExpressionAttributeNames={f"#{name}": name for name in names},
        ExpressionAttributeValues={":value": value},
    )


def sweeps_key(name: str) -> dict[str, Any]:
    return {"cluster": {"S": "sweeps"}, "restoreId": {"S": name}}


def write_bookkeeping(world: World, groups: Mapping[str, str], value: Any, *more: str) -> None:
    """
    Give each attribute of the bookkeeping this value, in DynamoDB's types.

    `groups`: the projects by the attribute of theirs that changes; the healthy one keeps all.
    `more`: further attributes of the items of the stack and the lease.
    """
    for name, group in groups.items():
        if name != "healthy":
            write_typed(world, sweeps_key(f"project/{group}"), name, value=value)
    write_typed(world, sweeps_key("stack"), *SEEN, *more, value=value)
    write_typed(world, sweeps_key("lease"), *LEASE, *more, value=value)


def find_a_restore_of_each(
    world: World, environment: Environment, groups: Mapping[str, str]
) -> list[EmulatedRestore]:
    """Two sweeps find and report a restore of each project, without a failure."""
    jobs = [world.finished_job(group=group) for group in groups.values()]
    result = environment.tick()
    assert (result["failures"], result["notReached"]) == ([], 0)
    environment.tick()  # what an event woke is listed once more
    assert all_reported(world, *jobs)
    return jobs


def all_reported(world: World, *jobs: EmulatedRestore) -> bool:
    return all(world.stored(job) == ENDED and world.published(job) == ["COMPLETED"] for job in jobs)


@pytest.mark.fault("F89")
@pytest.mark.parametrize("poison", rows(POISONS, campaign=("a huge number", "a map of maps")))
def test_what_somebody_wrote_into_the_bookkeeping_holds_up_nobody_and_heals(
    world: World, poison: Any
) -> None:
    groups = {name: secrets.token_hex(12) for name in (*LISTED, *SEEN, "healthy")}
    environment = world.watching(*groups.values())
    before = world.finished_job(group=groups["mark"])
    world.pass_time(6.5 * DAY)
    environment.tick()
    assert world.item(before) is None
    write_bookkeeping(world, groups, TypeSerializer().serialize(poison))

    jobs = find_a_restore_of_each(world, environment, groups)
    environment.tick(15)
    # A mark of the first year is of no use, and the restores of seven days are looked for.
    assert all_reported(world, before)
    for name in (*LISTED, "expiresAt"):
        assert world.bookkeeping(groups[name])[name] != poison

    # What is seen of a project is recorded in spite of what stands there.
    hard = [groups[name] for name in SEEN]
    world.inject(within(QUESTION, about(*hard)), Answer(403), times=None)
    environment.ticks(6)
    assert [len(world.published(group)) for group in hard] == [1] * len(hard)
    assert world.published(STACK_NAME) == []
    assert all_reported(world, *jobs, before)


@pytest.mark.fault("F89")
@pytest.mark.parametrize("poison", rows(POISONS, "a set of numbers", campaign=("the year 2099",)))
def test_an_open_job_that_somebody_has_changed_holds_up_no_other(
    world: World, environment: Environment, poison: Any
) -> None:
    jobs = world.recorded_jobs(len(JOB) + 2, timeline=["RUNNING", "COMPLETED"])
    for name, job in zip(JOB, jobs, strict=False):
        write(world, item_key(job), name, value=poison)
    for job in jobs:
        job.advance()

    for minutes in (0, 5, 24 * 60):
        assert len(environment.tick(minutes)["failures"]) <= UNREADABLE
    assert [world.stored(job) for job in jobs[len(JOB) :]] == [Stored("COMPLETED", 2, 2)] * 2
    statuses = [(world.item(job) or {})["status"] for job in jobs]
    assert statuses.count("COMPLETED") >= len(jobs) - UNREADABLE


@pytest.mark.campaign
@pytest.mark.fault("F116")
def test_a_number_of_more_digits_than_boto3_keeps_holds_up_no_restore(world: World) -> None:
    with pytest.raises(ArithmeticError):
        TypeDeserializer().deserialize(TOO_LONG)
    groups = {name: secrets.token_hex(12) for name in (*LISTED, *SEEN, "note", "healthy")}
    environment = world.watching(*groups.values())
    environment.tick()
    write_bookkeeping(world, groups, TOO_LONG, "note")
    write_typed(world, sweeps_key("stack"), "credentials", value=TOO_LONG)
    write_typed(world, sweeps_key("somebody's"), "note", value=TOO_LONG)

    find_a_restore_of_each(world, environment, groups)
    environment.tick(15)
    for name in LISTED:
        assert world.bookkeeping(groups[name])[name] != TOO_LONG


@pytest.mark.fault("F116")
@pytest.mark.parametrize("name", rows({name: name for name in FIELDS}, *TELLING))
def test_too_many_digits_in_a_field_of_an_open_job_spoil_no_other_field(
    world: World, environment: Environment, name: str
) -> None:
    odd, other = world.recorded_jobs(2, timeline=["RUNNING", "COMPLETED"])
    # moto keeps 38 digits as well, so its answers get the others on their way.
    write(world, item_key(odd), name, value=PLACEHOLDER)
    too_long = Reworded(b'"%d"' % PLACEHOLDER, TOO_LONG["N"].join('""').encode())
    world.inject(Selection("dynamodb"), too_long, times=None)
    odd.advance()
    other.advance()

    result = environment.tick()
    environment.tick()
    assert len(result["failures"]) == (1 if name in DECISIVE else 0)
    assert world.published(other) == ["RUNNING", "COMPLETED"]
    assert (world.published(odd)[-1] == "COMPLETED") == (name not in DECISIVE)
    # Without a number, all changes of a job count as pending, and are told again by their ids.
    assert len(world.published(odd)) <= (3 if name == "publishedSequence" else 2)
    world.heal()
    assert world.is_open(odd) == (name in {*DECISIVE, "sequence"})


@pytest.mark.campaign
@pytest.mark.fault("F90")
@pytest.mark.parametrize("days", [8, 45])
def test_when_the_schedule_was_off_for_long_the_restores_of_the_last_seven_days_are_found(
    world: World, watching: Environment, days: int
) -> None:
    watching.tick()
    watching.tick(15)
    kinds: tuple[Kind, ...] = ("flex", "dedicated", "collection")
    first = [world.finished_job(kind, cluster=f"first-{kind}") for kind in kinds]
    world.pass_time((days - 6.9) * DAY)
    later = [world.finished_job(kind, cluster=f"later-{kind}") for kind in kinds]
    world.pass_time(6.9 * DAY)
    expire_items(world)

    world.watching().tick()
    assert all_reported(world, *later)
    assert [world.item(job) for job in first] == [None] * 3


def expire_items(world: World) -> None:
    """Delete what DynamoDB would have deleted by now."""
    now = world.clock().timestamp()
    for item in world.stack.items():
        if float(item.get("expiresAt", now)) < now:
            key = {name: {"S": item[name]} for name in ("cluster", "restoreId")}
            world.aws.client("dynamodb").delete_item(TableName=world.stack.table_name, Key=key)
