"""The emulated Atlas in a process of its own: it does not share an interpreter with others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.managers import BaseManager

from bench.open_jobs import Fleet
from local_stack.atlas import AtlasEmulator
from local_stack.stack import CREDENTIALS


class FarAtlas:
    """What the process holds. Each method returns when its effect is complete."""

    def __init__(self, seconds_away: float) -> None:
        self._atlas = AtlasEmulator().__enter__()
        self._seconds_away = seconds_away
        account = CREDENTIALS["service_account"]
        self._atlas.add_service_account(account["client_id"], account["client_secret"])

    def url(self) -> str:
        return self._atlas.url

    def furnish(self, fleet: Fleet, *, lift_limits: bool) -> None:
        """Replace everything that Atlas has by these jobs."""
        self._atlas.clear()
        if lift_limits:
            self._atlas.behaviour.lift_limits()
        self._atlas.behaviour.latency = self._seconds_away
        for target in fleet.targets:
            self._atlas.start_restore(
                target["groupId"],
                target["clusterName"],
                "flex",
                restore_id=target["restoreId"],
                timeline=("RUNNING", "COMPLETED"),
                at=fleet.began,
            )

    def take_calls(self) -> Counter[str]:
        """Return how often each operation was called since the last call of this method."""
        counted = Counter(call.operation for call in self._atlas.wire.calls)
        self._atlas.wire.clear()
        return counted


class _Manager(BaseManager):
    """Starts the process, and ends it with its block."""


_Manager.register("atlas", FarAtlas)


@contextmanager
def far_atlas(seconds_away: float) -> Iterator[FarAtlas]:
    """Run Atlas in a new process. It accepts the service account of the local stack."""
    with _Manager(ctx=get_context("spawn")) as manager:
        atlas: FarAtlas = manager.atlas(seconds_away)  # type: ignore[attr-defined]
        yield atlas
