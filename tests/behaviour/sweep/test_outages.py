"""Two hours without Atlas, SNS, DynamoDB or Secrets Manager, alone and in pairs."""

from contextlib import suppress
from itertools import combinations

import pytest

from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.aws import aws_error
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Close
from local_stack.steps import PUBLISH
from local_stack.wire import Selection
from local_stack.world import Stored, World

OUTAGES: dict[str, Action] = {
    "atlas": Answer(503),
    "sns": aws_error("sns", "InternalError", status=500),
    "dynamodb": Close(),
    "secretsmanager": aws_error("secretsmanager", "InternalServiceError", status=500),
}
MINUTES = [1.0] * 4 + [14.5] * 8
"""Before each tick of two hours: every minute first, then less often, to save time."""

TOGETHER = [*combinations(OUTAGES, 1), *combinations(OUTAGES, 2)]


@pytest.mark.fault("F74")
@pytest.mark.parametrize(
    "services", rows({"-".join(names): (names,) for names in TOGETHER}, "dynamodb")
)
def test_two_hours_of_outage_are_caught_up_within_two_sweeps(
    world: World, environment: Environment, services: tuple[str, ...]
) -> None:
    """Restores begin before the outage and end during it."""
    flex = world.recorded_job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    dedicated = world.recorded_job("dedicated", timeline=["running", "finished"])
    assert environment.tick()["checked"] == 2
    for service in services:
        world.inject(Selection(service), OUTAGES[service], times=None)
    moves = {2: flex, 6: dedicated, 9: flex}
    for number, minutes in enumerate(MINUTES):
        if number in moves:
            moves[number].advance()
        with suppress(ApplicationError):
            environment.tick(minutes)
    world.heal()
    results = environment.ticks(2)

    assert results[-1] != {"skipped": True}
    steps = {flex: ["PENDING", "RUNNING", "COMPLETED"], dedicated: ["RUNNING", "COMPLETED"]}
    for job, words in steps.items():
        item = world.item(job) or {}
        recorded = [entry["status"] for entry in item["history"]]
        # What nobody could see is skipped. The rest is in order, each under one id.
        assert recorded == [word for word in words if word in recorded]
        assert recorded[-1] == "COMPLETED"
        assert list(dict.fromkeys(world.published(job))) == recorded
        assert world.stored(job) == Stored("COMPLETED", len(recorded), len(recorded))
    assert environment.tick()["open"] == 0
    assert world.count(PUBLISH) == 0
