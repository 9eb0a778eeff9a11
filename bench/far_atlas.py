"""The emulated Atlas in a process of its own: it does not share an interpreter with others."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.managers import BaseManager

from bench.open_jobs import Fleet, Past
from local_stack.atlas import AtlasEmulator, Clock, Kind
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
        """Replace everything that Atlas has by these clusters and jobs."""
        self._atlas.clear()
        if lift_limits:
            self._atlas.behaviour.lift_limits()
        self._atlas.behaviour.latency = self._seconds_away
        for place in fleet.places:
            self._atlas.add_cluster(*place)
        for target in fleet.targets:
            self._atlas.start_restore(
                target["groupId"],
                target["clusterName"],
                "flex",
                restore_id=target["restoreId"],
                timeline=("RUNNING", "COMPLETED"),
                at=fleet.began,
            )

    def end_restores(self, places: Iterable[tuple[str, str, Kind]], ago: timedelta) -> None:
        """Let a restore of each cluster have ended so long ago, of collections in some of them."""
        for number, (group, name, kind) in enumerate(places):
            of: Kind = "collection" if kind == "dedicated" and number % 2 else kind
            self._atlas.add_ended_restores(group, name, of, 1, newest=self._atlas.now() - ago)

    def add_past(self, past: Past) -> None:
        """Let all clusters be old, each with a snapshot, and with these restores behind them."""
        for group, name, kind in past.fleet.places:
            self._atlas.add_cluster(group, name, kind).created = past.began
            self._atlas.add_snapshot(group, name, kind=kind)
        for (group, name, kind), restore_id, began in past.restores:
            restore = self._atlas.start_restore(group, name, kind, restore_id=restore_id, at=began)
            restore.clock = Clock(began + past.took)
            restore.run_to_end()

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
