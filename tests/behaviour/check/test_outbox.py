"""The outbox: a recorded change is published at least once, in order, and under one id."""

from collections.abc import Iterator

import pytest

from behaviour.rows import case, rows, when
from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.aws_faults import aws_faults
from local_stack.connections import Connections
from local_stack.environment import Environment, target_of
from local_stack.refusal import atlas_error, oauth_error
from local_stack.steps import (
    ACKNOWLEDGE,
    FLEX,
    MISSING_ROLE,
    PUBLISH,
    RECALL,
    RECORD,
    SECRET,
    TOKEN,
    UNKNOWN_JOB,
    too_many_requests,
)
from local_stack.wire import Action, Answer, Close, Phase, Selection
from local_stack.world import Stored, World
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    NotificationPendingError,
    RestoreJobNotFoundError,
    TableUnavailableError,
)

cases = pytest.mark.parametrize

STEPS = {"flex": FLEX, "record": RECORD, "publish": PUBLISH, "acknowledge": ACKNOWLEDGE}
"""The steps of a check after it has its token. All but the first change something."""

ERRORS: dict[str, type[ApplicationError]] = {
    "flex": AtlasUnavailableError,
    "record": TableUnavailableError,
    "publish": NotificationPendingError,
    "acknowledge": TableUnavailableError,
}
"""What a check raises that gets no answer at a step."""

OPERATIONS = ["GetSecretValue", "token", "flex", "UpdateItem", "Publish", "UpdateItem"]


def effects_of(step: str, phase: Phase) -> int:
    """How many of the three steps have taken effect when a check ends at this one."""
    return max(0, list(STEPS).index(step) - 1 + (phase == "after"))


def is_made_good(world: World, job: EmulatedRestore, effects: int) -> None:
    """
    A finished job is recorded and published as far as the first check came.

    The next one does the rest, and publishes again what is not known to be published.
    """
    recorded, published, acknowledged = (number < effects for number in range(3))
    assert world.stored(job) == (Stored("COMPLETED", 1, int(acknowledged)) if recorded else None)
    assert world.published(job) == ["COMPLETED"] * published

    assert world.check(job).changed is not recorded
    first, *again = world.messages(job)
    assert again == [first] * (published and not acknowledged)
    assert world.stored(job) == Stored("COMPLETED", 1, 1)

    assert not world.check(job).changed
    assert len(world.messages(job)) == 1 + len(again)


@pytest.mark.fault("F1", "F2", "F45")
@cases("phase", ["before", "after"])
@cases("step", list(STEPS))
def test_a_check_may_die_at_any_step(world: World, step: str, phase: Phase) -> None:
    job = world.finished_job()
    dying = world.environment()
    with world.death(dying, STEPS[step], phase):
        world.refused(ERRORS[step], job, dying)

    is_made_good(world, job, effects_of(step, phase))


def failing_calls() -> Iterator[object]:
    rows = {"record": "F5", "publish": "F3", "acknowledge": "F10"}
    for step, row in rows.items():
        service = "sns" if step == "publish" else "dynamodb"
        for name, (action, phase) in aws_faults(service).items():
            often = when(name, ("500-after", "denied"))
            yield case(f"{step}-{name}", step, action, phase, faults=row, when=often)


@cases(("step", "action", "phase"), list(failing_calls()))
def test_a_call_to_aws_that_fails_ends_the_check_and_the_next_one_makes_it_good(
    world: World, step: str, action: Action, phase: Phase
) -> None:
    job = world.finished_job()
    world.inject(STEPS[step], action, phase=phase)
    error = world.refused(ERRORS[step], job)

    assert world.operations() == OPERATIONS[: 3 + list(STEPS).index(step)]
    assert step != "acknowledge" or "nothing was published" not in str(error)
    is_made_good(world, job, effects_of(step, phase))


@pytest.mark.campaign
@pytest.mark.fault("F3", "F5", "F10")
@cases("fault", rows({one: one for one in ("reset-after", "throttled", "500-after")}, "500-after"))
@cases("step", ["record", "publish", "acknowledge"])
def test_a_call_to_aws_that_fails_is_repeated_within_the_check(
    world: World, patient: Connections, step: str, fault: str
) -> None:
    job = world.finished_job()
    action, phase = aws_faults("sns" if step == "publish" else "dynamodb")[fault]
    injected = world.inject(STEPS[step], action, phase=phase)
    result = world.check(job, world.environment(by=patient))

    assert injected.hits == 1
    assert world.count(STEPS[step]) == 2
    # A check recognises its own write.
    assert (result.changed, result.previous_status, result.sequence) == (True, None, 1)
    assert set(world.published(job)) == {"COMPLETED"}
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F4")
@cases(
    ("code", "status"),
    [("NotFound", 404), ("AuthorizationError", 403), ("KMSDisabled", 400)],
    ids=["no-topic", "not-authorised", "key-disabled"],
)
def test_a_topic_that_refuses_gets_one_request_per_check_until_it_is_repaired(
    world: World, patient: Connections, code: str, status: int
) -> None:
    job = world.job(timeline=["PENDING", "COMPLETED"])
    environment = world.environment(by=patient)
    world.inject(PUBLISH, aws_error("sns", code, status=status), times=None)
    world.refused(NotificationPendingError, job, environment)
    job.advance()
    for asked in (2, 3):
        world.refused(NotificationPendingError, job, environment)
        assert world.count(PUBLISH) == asked
        assert world.stored(job) == Stored("COMPLETED", 2, 0)
    assert world.published(job) == []

    world.heal()
    world.check(job, environment)
    assert world.published(job) == ["PENDING", "COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F9")
def test_an_invocation_delivered_ten_times_gives_one_message(world: World) -> None:
    job = world.finished_job()
    results = [world.invoke(job).result for _ in range(10)]

    assert [result["changed"] for result in results] == [True] + [False] * 9
    assert world.published(job) == ["COMPLETED"]
    assert world.count(PUBLISH) == 1


# Several pending messages

STATUSES = ["PENDING", "RUNNING", "COMPLETED"]


@pytest.mark.fault("F10", "F64")
@cases(
    ("step", "action", "acknowledged"),
    [(None, None, 1), (FLEX, MISSING_ROLE, 1), (ACKNOWLEDGE, Answer(500), 0)],
    ids=["nothing-else", "atlas-refuses", "the-table-fails"],
)
def test_messages_before_a_refused_one_are_acknowledged_and_not_repeated(
    world: World, step: Selection | None, action: Action | None, acknowledged: int
) -> None:
    job = world.job(timeline=STATUSES)
    with world.inject(PUBLISH, Answer(400), times=None):
        world.refused(NotificationPendingError, job)
        for _ in range(2):
            job.advance()
            world.refused(NotificationPendingError, job)
    world.inject(PUBLISH, Answer(400), skip=1)
    if step and action:
        world.inject(step, action)
    world.refused(NotificationPendingError, job)
    assert world.operations()[-3:] == ["Publish", "Publish", "UpdateItem"]
    assert world.published(job) == ["PENDING"]
    assert world.stored(job) == Stored("COMPLETED", 3, acknowledged)
    assert "expiresAt" not in (world.item(job) or {})

    world.check(job)
    assert world.published(job) == ["PENDING", *STATUSES[acknowledged:]]
    assert [one.event["data"]["sequence"] for one in world.messages(job)[-3:]][-2:] == [2, 3]
    assert world.stored(job) == Stored("COMPLETED", 3, 3)


# A pending change while Atlas gives no job


def pending_job(world: World) -> EmulatedRestore:
    """A restore whose end is recorded, but SNS refused its message."""
    job = world.recorded_job(timeline=["RUNNING", "COMPLETED"])
    job.advance()
    world.inject(PUBLISH, Answer(400))
    world.refused(NotificationPendingError, job)
    world.pass_time(120)
    world.stack.forget_calls()
    assert world.stored(job) == Stored("COMPLETED", 2, 1)
    return job


NO_JOB: dict[str, tuple[Selection, Action, type[ApplicationError]]] = {
    "404": (FLEX, UNKNOWN_JOB, RestoreJobNotFoundError),
    "401": (FLEX, MISSING_ROLE, AtlasUnauthorizedError),
    "403": (FLEX, atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "No."), AtlasForbiddenError),
    "429": (FLEX, too_many_requests({"Retry-After": "60"}), AtlasRateLimitError),
    "503": (FLEX, Answer(503), AtlasUnavailableError),
    "closed": (FLEX, Close(), AtlasUnavailableError),
    "token": (TOKEN, oauth_error(401, "invalid_client", "Deleted."), AtlasUnauthorizedError),
    "no-token": (TOKEN, Close(), AtlasUnavailableError),
    "secret": (SECRET, aws_error("secretsmanager", "AccessDeniedException"), CredentialsError),
}


@pytest.mark.fault("F55")
@cases(("step", "fault", "error"), rows(NO_JOB, "404", "no-token", "secret"))
def test_a_pending_change_is_published_before_the_error_is_raised(
    world: World, step: Selection, fault: Action, error: type[ApplicationError]
) -> None:
    job = pending_job(world)
    world.inject(step, fault, times=None)
    world.refused(error, target_of(job, "flex"))
    assert world.operations()[-3:] == ["UpdateItem", "Publish", "UpdateItem"]
    assert world.count(RECALL) == 1
    assert world.published(job) == ["RUNNING", "COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 2, 2)
    item = world.item(job) or {}
    assert ("openShard" in item, "expiresAt" in item) == (False, True)

    world.refused(error, target_of(job, "flex"))
    world.heal()
    assert not world.check(job).changed
    assert world.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F55")
def test_the_change_stays_pending_while_sns_and_atlas_both_refuse(world: World) -> None:
    job = pending_job(world)
    world.inject(FLEX, MISSING_ROLE, times=None)
    with world.inject(PUBLISH, Answer(400), times=None):
        for _ in range(2):
            pending = world.refused(NotificationPendingError, job)
            assert isinstance(pending.__cause__, AtlasUnauthorizedError)
    assert world.stored(job) == Stored("COMPLETED", 2, 1)
    assert "openShard" in (world.item(job) or {})

    world.refused(AtlasUnauthorizedError, job)
    assert world.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F55")
def test_the_log_names_the_table_if_both_the_table_and_atlas_fail(
    world: World, environment: Environment
) -> None:
    job = pending_job(world)
    world.inject(FLEX, MISSING_ROLE, times=None)
    with world.inject(RECALL, aws_error("dynamodb", "InternalServerError", status=500)):
        world.raised(AtlasUnauthorizedError, lambda: environment.answer(job.event))
    (line,) = environment.lines(level="ERROR")
    assert line["error"] == "AtlasUnauthorizedError"
    assert ["InternalServerError" in note for note in line["notes"]] == [True]
    assert world.stored(job) == Stored("COMPLETED", 2, 1)

    world.refused(AtlasUnauthorizedError, job)
    assert world.published(job) == ["RUNNING", "COMPLETED"]
