"""The emulated Atlas in a separate process: it does not share an interpreter with others."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from local_stack.atlas import AtlasEmulator, EmulatedRestore
from local_stack.stack import CREDENTIALS


class AtlasProcess:
    """Commands the process. Each method returns when its effect is complete."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.url: str = connection.recv()

    def furnish(self, restores: Iterable[EmulatedRestore], *, lift_limits: bool = False) -> None:
        """Replace everything that Atlas has by these Flex restores."""
        self._command("furnish", (list(restores), lift_limits))

    def answer_after(self, seconds: float) -> None:
        """From now on, each answer comes late by this many seconds."""
        self._command("answer_after", seconds)

    def take_calls(self) -> Counter[str]:
        """Return how often each operation was called since the last call of this method."""
        calls: Counter[str] = self._command("take_calls", None)
        return calls

    def _command(self, name: str, argument: Any) -> Any:
        self._connection.send((name, argument))
        return self._connection.recv()


@contextmanager
def atlas_process() -> Iterator[AtlasProcess]:
    """Run Atlas in a new process. It accepts the credentials of the local stack."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield AtlasProcess(ours)
    finally:
        ours.close()
        process.join(5)
        process.kill()


def _serve(connection: Connection) -> None:
    account, key = CREDENTIALS["service_account"], CREDENTIALS["api_key"]
    with AtlasEmulator() as atlas:
        atlas.add_service_account(account["client_id"], account["client_secret"])
        atlas.add_api_key(key["public_key"], key["private_key"])
        connection.send(atlas.url)
        while True:
            try:
                name, argument = connection.recv()
            except EOFError:
                return
            connection.send(_COMMANDS[name](atlas, argument))


def _furnish(atlas: AtlasEmulator, given: tuple[list[EmulatedRestore], bool]) -> None:
    restores, lift_limits = given
    atlas.clear()
    if lift_limits:
        atlas.behaviour.lift_limits()
    for restore in restores:
        atlas.add_cluster(restore.group_id, restore.cluster, "flex")
        atlas.show_restore(restore)


def _answer_after(atlas: AtlasEmulator, seconds: float) -> None:
    atlas.behaviour.latency = seconds


def _take_calls(atlas: AtlasEmulator, _: None) -> Counter[str]:
    counted = Counter(call.operation for call in atlas.wire.calls)
    atlas.wire.clear()
    return counted


_COMMANDS: dict[str, Callable[[AtlasEmulator, Any], Any]] = {
    "furnish": _furnish,
    "answer_after": _answer_after,
    "take_calls": _take_calls,
}
