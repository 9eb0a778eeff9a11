"""
`make demo`: one Flex restore and one dedicated download, from start to end, in a few seconds.

What runs is the built function in AWS's own Lambda runtime. DynamoDB, SNS and Secrets Manager are
moto's and Atlas is the emulator of the tests, all on loopback ports of this machine. The exit
status is 0 only if a subscriber received every expected message, in order, and nothing else.
"""

import sys
import time
from threading import Thread
from typing import Any

from rich.console import Console
from rich.panel import Panel

from local_stack.atlas import EmulatedRestore
from local_stack.stack import LocalStack, Received
from local_stack.wire import Close, Fault

GROUP = "6a1f3c9e5b7d204e8c61f0a3"
FLEX = ("PENDING", "QUEUED", "RUNNING", "COMPLETED")
DOWNLOAD = ("RUNNING", "COMPLETED")
COLOURS = {"PENDING": "yellow", "QUEUED": "yellow", "RUNNING": "cyan", "COMPLETED": "green"}

console = Console(highlight=False, width=100)


class Demo:
    """Runs restores, prints each step, and keeps the messages that the subscriber received."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.received: list[Received] = []

    def play_flex(self) -> EmulatedRestore:
        """Run a Flex restore to its end, with one unchanged check and one kill."""
        restore = self.stack.atlas.start_restore(
            GROUP, "orders-flex", "flex", target_cluster="orders-staging"
        )
        scene("1", "A Flex restore begins", "orders-flex → orders-staging")
        self.check(restore)
        restore.advance()
        self.check(restore)
        self.check(restore)
        calls = len(self.stack.http_calls())
        tell(
            f"checked again, nothing changed: no message; {calls} HTTP calls, to Atlas and DynamoDB"
        )
        restore.advance()
        self.kill_before_publish(restore)
        tell("[red]killed[/] after RUNNING was stored, before it was published; the next check:")
        self.check(restore)
        restore.advance()
        self.check(restore)
        return restore

    def play_download(self) -> EmulatedRestore:
        """Wait for a download of a dedicated cluster."""
        restore = self.stack.atlas.start_restore(
            GROUP, "billing-production", "dedicated", delivery_type="download"
        )
        scene("2", "A download of a dedicated cluster is prepared", "billing-production")
        self.check(restore)
        restore.advance()
        self.check(restore)
        tell("its URL gives access to all data for an hour: it is not stored, get it from Atlas")
        return restore

    def check(self, restore: EmulatedRestore) -> None:
        """Invoke the function once, as a schedule would, and show what the subscriber received."""
        self.stack.forget_calls()
        self.stack.invoke(restore.event).result  # noqa: B018 - raises when there is none
        for message in self.stack.received():
            self.received.append(message)
            data = message.event["data"]
            status = f"[bold {COLOURS[data['status']]}]{data['status']:<9}[/]"
            console.print(f"     {status}  [dim]{message.event['id']}[/]  {details(data)}")

    def kill_before_publish(self, restore: EmulatedRestore) -> None:
        """Kill the environment during its publication, before the request reaches SNS."""
        wire = self.stack.aws.wire
        with wire.hold("sns", "Publish") as gate:
            dying = Thread(target=self.stack.invoke, args=[restore.event])
            dying.start()
            gate.wait_for(1)
            self.stack.new_environments()
            wire.inject(Fault(service="sns", operation="Publish", action=Close()))
        dying.join()


def details(data: dict[str, Any]) -> str:
    """A message in one line, for people."""
    if data["durationSeconds"] is not None:
        age = data["snapshotAgeSeconds"] // 60
        return f"restored into {data['targetDeploymentItemName']}, from a snapshot {age} min old"
    return "download ready" if data["downloadAvailable"] else ""


def scene(number: str, title: str, names: str) -> None:
    console.print(f"\n  [bold]{number}  {title}[/]  [dim]{names}[/]")


def tell(text: str) -> None:
    console.print(f"     [dim]{text}[/]")


def expected(restores: dict[str, tuple[str, ...]]) -> list[tuple[str, int, str | None]]:
    """Event id, sequence and previous status of every message that must arrive."""
    return [
        (f"{restore_id}:{status}", number, statuses[number - 2] if number > 1 else None)
        for restore_id, statuses in restores.items()
        for number, status in enumerate(statuses, start=1)
    ]


def main() -> int:
    """Return the exit status."""
    console.print(
        Panel(
            "Publishes each status change of a MongoDB Atlas restore to every subscriber.\n"
            "[dim]The built function in AWS's Lambda runtime; AWS and Atlas emulated here.[/]",
            title="[bold]Atlas Restore Watch[/]",
            border_style="green",
        )
    )
    begun = time.monotonic()
    with LocalStack() as stack:
        demo = Demo(stack)
        flex, download = demo.play_flex(), demo.play_download()
        start = stack.pool.runtimes[0].init_milliseconds
    wanted = expected({flex.restore_id: FLEX, download.restore_id: DOWNLOAD})
    got = [
        (
            message.event["id"],
            message.event["data"]["sequence"],
            message.event["data"]["previousStatus"],
        )
        for message in demo.received
    ]
    for missing in [one for one in wanted if one not in got]:
        console.print(f"  [red]missing[/] {missing}")
    for surplus in [one for one in got if one not in wanted]:
        console.print(f"  [red]not expected[/] {surplus}")
    if got != wanted:
        console.print(f"\n  [bold red]{len(got)} messages, expected {len(wanted)} in order[/]")
        return 1
    took = time.monotonic() - begun
    console.print(
        f"\n  [bold green]{len(got)} messages, each once and in order[/]"
        f"  [dim]· cold start {start:.0f} ms · all of this {took:.1f} s[/]\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
