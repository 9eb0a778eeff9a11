"""
`make demo`: restores that are named once and followed to their ends, in half a minute.

What runs is the built function in AWS's own Lambda runtime. DynamoDB, SNS and Secrets Manager are
moto's and Atlas is the emulator of the tests, all on loopback ports of this machine. The schedule
is in a hurry: its next tick comes as soon as a sweep has ended. The exit status is 0 only if a
subscriber received every expected message, each job's in order, and nothing else.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from rich.console import Console
from rich.panel import Panel

from local_stack.atlas import EmulatedRestore
from local_stack.stack import LocalStack, Received
from local_stack.wire import Close, Fault

GROUP = "6a1f3c9e5b7d204e8c61f0a3"
TIMEOUT = 8
"""Seconds of an invocation. A sweep that dies blocks the next ones for as long, and five more."""

PATIENCE = 60.0
"""Seconds until a message must have arrived."""

COLOURS = {
    "PENDING": "yellow",
    "QUEUED": "yellow",
    "RUNNING": "cyan",
    "COMPLETED": "green",
    "EXPIRED": "magenta",
    "CANCELLED": "red",
}

console = Console(highlight=False, width=100)


class Demo:
    """Moves restores on, shows each message that arrives, and keeps what was received."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.received: list[Received] = []
        self.sweeps: list[dict[str, Any]] = []

    def play_flex(self) -> dict[str, Sequence[str]]:
        """Run a Flex restore to its end; one sweep is killed. Return what must be received."""
        restore = self.stack.atlas.start_restore(
            GROUP, "orders-flex", "flex", target_cluster="orders-staging"
        )
        scene("1", "A Flex restore is named once", "orders-flex → orders-staging")
        self.stack.invoke(restore.event).result  # noqa: B018 - raises when there is none
        self.show(restore, "PENDING", "one event names it")
        with self.schedule():
            for status in ("QUEUED", "RUNNING", "COMPLETED"):
                if status == "RUNNING":
                    self.kill_before_publish(restore.advance)
                    tell("[red]killed[/] after RUNNING was stored, before it was published;")
                    tell("the sweep's lease runs out, then the next one publishes it")
                else:
                    restore.advance()
                self.show(restore, status, "by a sweep")
        calls = self.calls_of_a_sweep()
        tell(f"nothing is open now: a sweep is {calls} HTTP calls, all to DynamoDB")
        return {restore.restore_id: ("PENDING", "QUEUED", "RUNNING", "COMPLETED")}

    def play_downloads(self) -> dict[str, Sequence[str]]:
        """Follow two downloads of one cluster until nothing more can come of them."""
        ready, cancelled = (
            self.stack.atlas.start_restore(
                GROUP, "billing-production", "dedicated", delivery_type="download", timeline=steps
            )
            for steps in (("running", "download-ready", "expired"), ("running", "cancelled"))
        )
        scene("2", "Two downloads of a dedicated cluster are prepared", "billing-production")
        self.stack.invoke({"targets": [ready.event, cancelled.event]}).result  # noqa: B018
        self.show(ready, "RUNNING", "one event names both")
        self.show(cancelled, "RUNNING")
        with self.schedule():
            ready.advance()
            self.show(ready, "COMPLETED", "ready; its link is valid for an hour")
            cancelled.advance()
            self.show(cancelled, "CANCELLED", "one list call asks about both")
            ready.advance()
            self.show(ready, "EXPIRED", "nobody fetched it")
        return {
            ready.restore_id: ("RUNNING", "COMPLETED", "EXPIRED"),
            cancelled.restore_id: ("RUNNING", "CANCELLED"),
        }

    @contextmanager
    def schedule(self) -> Iterator[None]:
        """Within the block, one tick comes after the other."""
        is_over = Event()

        def tick() -> None:
            while not is_over.is_set():
                second = int(time.time())
                sweep = self.stack.tick()
                if isinstance(sweep.payload, dict):
                    self.sweeps.append(sweep.payload)
                # The function ignores a second tick of the same second.
                while int(time.time()) == second:
                    time.sleep(0.02)

        ticking = Thread(target=tick)
        ticking.start()
        try:
            yield
        finally:
            is_over.set()
            ticking.join()

    def show(self, restore: EmulatedRestore, status: str, comment: str = "") -> None:
        """Wait for a message and print it, with the seconds since the change."""
        begun = time.monotonic()
        wanted = f"{restore.restore_id}:{status}"
        while wanted not in {message.event["id"] for message in self.received}:
            if time.monotonic() - begun > PATIENCE:
                raise TimeoutError(f"{wanted} did not arrive within {PATIENCE:.0f} s")
            time.sleep(0.02)
            self.received.extend(self.stack.received())
        took = time.monotonic() - begun
        (data, *_) = (one.event["data"] for one in self.received if one.event["id"] == wanted)
        label = f"[bold {COLOURS[status]}]{status:<9}[/]"
        console.print(
            f"     {label}  [dim]{wanted:<34} {took:4.1f} s[/]  {details(data) or comment}"
        )

    def kill_before_publish(self, change: Callable[[], object]) -> None:
        """Kill the environment while a sweep publishes, before the request reaches SNS."""
        wire = self.stack.aws.wire
        with wire.hold("sns", "Publish") as gate:
            change()
            gate.wait_for(1, timeout=PATIENCE)
            self.stack.new_environments()
            wire.inject(Fault(service="sns", operation="Publish", action=Close()))

    def calls_of_a_sweep(self) -> int:
        """The HTTP calls of a sweep that has nothing to follow."""
        self.stack.forget_calls()
        self.stack.invoke({"action": "sweep"}).result  # noqa: B018
        return len(self.stack.http_calls())


def details(data: dict[str, Any]) -> str:
    """What else a message says, for people."""
    if data["durationSeconds"] is None or not data["succeeded"]:
        return ""
    age = data["snapshotAgeSeconds"] // 60
    return f"into {data['targetDeploymentItemName']}, snapshot {age} min old"


def scene(number: str, title: str, names: str) -> None:
    console.print(f"\n  [bold]{number}  {title}[/]  [dim]{names}[/]")


def tell(text: str) -> None:
    console.print(f"     [dim]{text}[/]")


def problems(received: Sequence[Received], expected: dict[str, Sequence[str]]) -> list[str]:
    """What differs between the messages, without repetitions, and what must arrive, in order."""
    got: dict[str, dict[str, int]] = defaultdict(dict)
    for message in received:
        got[message.event["subject"]][message.event["id"]] = message.event["data"]["sequence"]
    wanted = {
        job: {f"{job}:{status}": number for number, status in enumerate(statuses, start=1)}
        for job, statuses in expected.items()
    }
    return [
        f"{job}: {list(got[job])} instead of {list(wanted.get(job, {}))}"
        for job in {**wanted, **got}
        if list(got[job].items()) != list(wanted.get(job, {}).items())
    ]


def main() -> int:
    """Return the exit status."""
    console.print(
        Panel(
            "Follows MongoDB Atlas restores and publishes each change to every subscriber.\n"
            "[dim]The built function in AWS's Lambda runtime; AWS and Atlas emulated here.[/]",
            title="[bold]Atlas Restore Watch[/]",
            border_style="green",
        )
    )
    begun = time.monotonic()
    with LocalStack(parameters={"HotSeconds": "1"}, timeout_seconds=TIMEOUT) as stack:
        demo = Demo(stack)
        expected = {**demo.play_flex(), **demo.play_downloads()}
        start = stack.pool.runtimes[0].init_milliseconds
    wrong = problems(demo.received, expected)
    for problem in wrong:
        console.print(f"  [red]wrong[/] {problem}")
    if wrong:
        return 1
    ids = {message.event["id"] for message in demo.received}
    took = time.monotonic() - begun
    console.print(
        f"\n  [bold green]{len(ids)} changes, each reported under one id, in order[/]"
        f"  [dim]· {len(demo.sweeps)} sweeps · cold start {start:.0f} ms · {took:.0f} s[/]\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
