"""Clients of AWS that raise what nobody foresaw, as a part of our own code would."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local_stack.canaries import CANARY_PRIVATE_KEY
from local_stack.refusal import atlas_error
from local_stack.wire import Selection
from local_stack.world import World

REFUSED = atlas_error(401, "INVALID_KEY", "No.")


@contextmanager
def failing(client: Any, name: str = "") -> Iterator[None]:
    """Within the block, each call of a client fails that names this."""

    def strike(params: dict[str, Any], **_: object) -> None:
        # SNS takes a form, which is not bytes yet.
        body = params["body"]
        if name in (body.decode() if isinstance(body, bytes) else str(body)):
            raise RuntimeError(f"can't start new thread: {CANARY_PRIVATE_KEY}")

    client.meta.events.register("before-call", strike)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call", strike)


@contextmanager
def refused_and_failing(world: World, step: Selection) -> Iterator[None]:
    """Atlas refuses this step. After a refusal the secret is read again, and that fails."""
    with failing(world.connections.secretsmanager), world.inject(step, REFUSED, times=None):
        yield
