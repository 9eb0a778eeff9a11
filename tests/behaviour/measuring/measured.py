"""Restores of the emulated Atlas that the table knows as completed, and deliveries of the queue."""

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from local_stack.cluster_data import ClusterData, Held
from local_stack.environment import PLENTY, Environment, target_of
from local_stack.function_queue import sqs_record
from local_stack.world import World
from restore_watch.measuring.measurer import Measurer

QUARTER_HOUR = 900.0
UNTIL_MEASURED = 12 * 3600 + 1200 + 3 * QUARTER_HOUR
"""Seconds that pass while a `Measured` is made."""

LAST = 6
"""The delivery at which nobody waits any longer."""

DATABASES = {"sales": Held(1_200_000, 12, 31), "stock": Held(150, 2, 3)}


class Measured:
    """
    A restore of `orders` into a cluster of another project, recorded as completed and published.

    The snapshot is six hours older than the restore, which took twenty minutes.
    Three quarters of an hour after `ended_at`, Atlas has counted the target at least twice.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        other = secrets.token_hex(12)
        self.source = world.atlas.hold(world.group, "orders", DATABASES)
        self.target: ClusterData = world.atlas.hold(other, "copy", {"sales": Held(7)})
        world.pass_time(12 * 3600)
        self.job = world.job(
            "dedicated",
            "orders",
            target_group=other,
            target_cluster="copy",
            snapshot_age=timedelta(hours=6),
        )
        world.pass_time(1200)
        self.job.run_to_end()
        self.ended_at = world.clock()
        self.target.become(self.source, self.job.snapshot_at, self.ended_at)
        self.other = other
        world.watching().check(target_of(self.job))
        (message,) = world.messages(self.job)
        self.message = message
        world.pass_time(3 * QUARTER_HOUR)
        world.stack.forget_calls()

    def deliver(
        self,
        number: int = 1,
        environment: Environment | None = None,
        *,
        body: str | None = None,
        seconds: float = PLENTY,
    ) -> bool:
        """Deliver the message of the completion so often. True if it need not come again."""
        event = {"Records": [record(body or json.dumps(self.message.event), number)]}
        failures = self.answer(event, environment, seconds)["batchItemFailures"]
        assert failures in ([], [{"itemIdentifier": "message-0"}])
        return not failures

    def answer(
        self, event: object, environment: Environment | None = None, seconds: float = PLENTY
    ) -> Mapping[str, Any]:
        """Invoke the measuring function with an event, in a new environment unless one is named."""
        return answered(event, environment or self.world.watching(), seconds)

    def recorded(self) -> dict[str, Any] | None:
        """The measurement in the table, of which there is one at most."""
        history = self.world.known_item(self.job)["history"]
        found = [entry["measurement"] for entry in history if "measurement" in entry]
        assert len(found) <= 1
        return found[0] if found else None

    def published(self) -> list[str]:
        """The ids of the messages about the restore, without its own id."""
        return self.world.published(self.job)


def answered(event: object, environment: Environment, seconds: float = PLENTY) -> Mapping[str, Any]:
    """Invoke the measuring function with an event."""
    result = Measurer(environment.wires).answer(event, environment.deadline(seconds))
    environment.world.said.append(json.dumps(result))
    return result


def record(body: str, number: int, place: int = 0) -> dict[str, Any]:
    """A record of the queue. `number`: how often it was delivered by now."""
    return sqs_record(f"message-{place}", body, number)
