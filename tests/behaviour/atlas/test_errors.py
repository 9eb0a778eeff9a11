"""What Atlas refuses, with or without an envelope, as its caller sees it."""

import json
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore
from local_stack.environment import Environment, target_of
from local_stack.faults import Ask
from local_stack.loopback import Line
from local_stack.refusal import atlas_error
from local_stack.steps import FLEX, MISSING_ROLE, UNKNOWN_JOB, too_many_requests
from local_stack.wire import Answer
from local_stack.world import Stored, World
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_target import RestoreTarget

cases = pytest.mark.parametrize


@dataclass(frozen=True)
class Enveloped:
    """An answer in the envelope of `envelope=true`, with HTTP 200 outside."""

    answer: Answer

    def play(self, _line: Line, _ask: Ask, /) -> Answer:
        content = json.loads(self.answer.body) if self.answer.body else {}
        headers = [pair for pair in self.answer.headers if pair[0].lower() != "content-length"]
        return Answer(200, headers, json.dumps({"status": self.answer.status, "content": content}))


def enveloped(job: EmulatedRestore) -> RestoreTarget:
    return target_of(job, "flex", envelope=True)


class Refusal(NamedTuple):
    """An answer of Atlas, the error, words of its text, and the calls before it is raised."""

    answer: Answer
    error: type[AtlasError]
    words: str = ""
    calls: str = "flex"


def coded(status: int, code: str, *parameters: str | int, **headers: str) -> Answer:
    return atlas_error(status, code, "For some reason.", parameters, headers)


INVALID = {
    "errorCode": "VALIDATION_ERROR",
    "detail": "Not valid.",
    "badRequestDetail": {"fields": [{"field": "restoreJobId", "description": "must be an id"}]},
}
FOUR_TIMES = "flex flex flex flex"

REFUSALS = {
    "400": Refusal(
        Answer.json(400, INVALID),
        AtlasBadRequestError,
        "VALIDATION_ERROR: Not valid.; restoreJobId: must be an id",
    ),
    # The token may have been revoked, and the credentials rotated.
    "401": Refusal(
        MISSING_ROLE, AtlasUnauthorizedError, "Project Read Only", "flex token flex GetSecretValue"
    ),
    "403": Refusal(
        coded(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "203.0.113.7"),
        AtlasForbiddenError,
        "Add 203.0.113.7 to Atlas's API access list",
    ),
    "404": Refusal(UNKNOWN_JOB, RestoreJobNotFoundError, "RESOURCE_NOT_FOUND"),
    "404-without-a-body": Refusal(Answer(404), RestoreJobNotFoundError),
    "410": Refusal(coded(410, "VERSION_GONE"), EndpointRetiredError, "no longer offers"),
    "429": Refusal(too_many_requests({"Retry-After": "120"}), AtlasRateLimitError),
    "500": Refusal(coded(500, "UNEXPECTED_ERROR"), AtlasUnavailableError, calls=FOUR_TIMES),
    "503": Refusal(Answer(503), AtlasUnavailableError, calls=FOUR_TIMES),
    "503-with-a-long-wait": Refusal(Answer(503, {"Retry-After": "120"}), AtlasUnavailableError),
    "html": Refusal(Answer(200, body="<html>"), UnexpectedAtlasResponseError, "not JSON"),
    "500-unknown-project": Refusal(
        coded(500, "GROUP_NOT_FOUND"),
        RestoreJobNotFoundError,
        "Atlas has no project {}: correct groupId, or AtlasProjectIds",
    ),
    # A code that decides, with another HTTP status than usual; the unit tests have the others.
    "503-rate-limited": Refusal(coded(503, "RATE_LIMITED"), AtlasRateLimitError, calls="flex flex"),
}

IN_ENVELOPES = ["401", "403", "404", "404-without-a-body", "410", "429", "500"]


OFTEN = (*("401", "404", "429", "html", "503-rate-limited"),)


@pytest.mark.fault("F16", "F19", "F29", "F60", "F62")
@cases(
    ("name", "in_envelope"),
    rows(
        {
            **{name: (name, False) for name in REFUSALS},
            **{f"{name} in an envelope": (name, True) for name in IN_ENVELOPES},
        },
        *OFTEN,
    ),
)
def test_a_refusal_is_a_typed_error_and_changes_nothing(
    world: World,
    environment: Environment,
    name: str,
    in_envelope: bool,  # noqa: FBT001
) -> None:
    refusal = REFUSALS[name]
    job = world.job(timeline=["RUNNING", "COMPLETED"])
    target = enveloped(job) if in_envelope else target_of(job, "flex")
    assert world.check(target, environment).changed
    job.advance()
    world.pass_time(120)
    world.stack.forget_calls()
    action = Enveloped(refusal.answer) if in_envelope else refusal.answer
    with world.inject(FLEX, action, times=None):
        error = world.refused(refusal.error, target, environment)

    # The table is asked for what may be pending.
    assert world.operations() == [*refusal.calls.split(), "UpdateItem"]
    assert len(world.naps) == (0 if name == "401" else refusal.calls.count("flex") - 1)
    assert refusal.words.format(job.group_id) in str(error)
    assert world.published(job) == ["RUNNING"]
    assert world.stored(job) == Stored("RUNNING", 1, 1)

    world.pass_time(600)
    world.check(target, environment)
    assert world.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F26", "F28", "F60")
def test_a_401_in_an_envelope_without_a_challenge_is_the_answer_for_an_api_key(
    world: World, environment: Environment
) -> None:
    world.use("api_key")
    job = enveloped(world.job())
    world.check(job, environment)
    world.stack.forget_calls()
    world.inject(FLEX, Enveloped(MISSING_ROLE))
    world.refused(AtlasUnauthorizedError, job, environment)

    assert world.count(FLEX) == 1
    assert not world.check(job, environment).changed
