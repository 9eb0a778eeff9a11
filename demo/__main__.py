"""
`make demo`: restores that nobody names are found and followed to their ends, in a minute.

What runs is the built function in AWS's own Lambda runtime. DynamoDB, SNS and Secrets Manager are
moto's and Atlas is the emulator of the tests, all on loopback ports of this machine. The schedule
is in a hurry: its next tick comes as soon as a sweep has ended. The exit status is 0 only if a
subscriber received every expected message, each job's in order, and nothing else, if each workflow
took its branch, if people got theirs, if a copy that lacks something is the only one that differs
from its source, and if the report says what the fleet is like.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rich.console import Console
from rich.panel import Panel

from demo.fleet import (
    DATA,
    FLEET,
    OUTCOMES,
    STATES,
    WEEK,
    furnish_data,
    furnish_fleet,
    validation,
)
from demo.readers import show_chat, show_email, show_measurement, show_pages
from demo.workflow import COMPLETED, OTHERWISE, refresh_workflow
from foundation.clock import utc_text
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.readers import Readers
from local_stack.stack import CREDENTIALS, LocalStack, Received
from local_stack.template import STACK_NAME
from local_stack.wire import Close, Fault
from restore_watch.model.credentials_expiry import DAY
from restore_watch.sweep.judging.health_after_sweep import DEGRADED_AFTER
from restore_watch.table.stored_fields import project_key

GROUP = "6a1f3c9e5b7d204e8c61f0a3"
TIMEOUT = 8
"""Seconds of an invocation. A sweep that dies blocks the next sweeps for as long, and five more."""

PATIENCE = 60.0
"""Seconds until a message must have arrived."""

TOLD = (5, 11, [*2 * ("trigger", "resolve", "resolve"), "trigger"])
"""
What people get of all that: an e-mail for each batch, messages in chat, and what the pager does.

A page is closed under its own key, and under the key that 1.0.0 would have given it.
"""

BRANCHES = {"COMPLETED": COMPLETED, "FAILED": OTHERWISE}
"""The state in which the workflow that waited for a restore must end."""

REPORT = Path("demo") / "report"
"""The folder of the report."""

PAGE = "report.html"

COLOURS = defaultdict(
    lambda: "red",
    {
        "PENDING": "yellow",
        "7": "yellow",
        "QUEUED": "yellow",
        "RUNNING": "cyan",
        "EXPIRED": "magenta",
    }
    | dict.fromkeys(("COMPLETED", "recovered", "renewed"), "green"),
)

console = Console(highlight=False, width=100)


class Demo:
    """Moves restores on, shows each message that arrives, and keeps what was received."""

    def __init__(self, stack: LocalStack, readers: Readers) -> None:
        self.stack = stack
        self.readers = readers
        self.branches: dict[str, str] = {}
        self.told: tuple[int, int, list[str]] = (0, 0, [])
        self.measured: dict[str, str] = {}
        self.reported: dict[str, int] = {}
        self.received: list[Received] = []
        self.sweeps = 0
        self.expected: dict[str, Sequence[str]] = {}

    def play_collection(self) -> None:
        """Follow a collection restore that runs when the stack is deployed."""
        steps = ("INITIALIZING", "IN_PROGRESS", "SUCCESSFUL")
        restore = self.start("billing-production", "collection", timeline=steps)
        scene("1", "A collection restore is under way when the stack is deployed")
        with self.schedule():
            self.show(restore, "PENDING", "found by the first sweep; Atlas has no event for it")
            self.follow(restore, "RUNNING", "COMPLETED")
        tell(f"nothing is open now: a sweep is {self.calls_of_an_idle_sweep()}")
        self.expected[restore.restore_id] = ("PENDING", "RUNNING", "COMPLETED")

    def play_flex(self) -> None:
        """Follow a Flex restore to its end; one sweep is killed."""
        restore = self.start("orders-flex", "flex", target_cluster="orders-staging")
        scene("2", "A colleague starts a Flex restore", "orders-flex → orders-staging")
        with self.schedule():
            self.show(restore, "PENDING", "an event woke the project; its list named the job")
            self.follow(restore, "QUEUED")
            self.kill_before_publish(restore.advance)
            tell("[red]killed[/] after RUNNING was stored, before it was published;")
            tell("the sweep's lease runs out, then the next one publishes it")
            self.show(restore, "RUNNING", "by the next sweep")
            self.follow(restore, "COMPLETED")
        self.expected[restore.restore_id] = ("PENDING", "QUEUED", "RUNNING", "COMPLETED")

    def play_dedicated(self) -> None:
        """Follow a download until its link has expired, and beside it a restore."""
        steps = ("running", "download-ready", "expired")
        cluster = "billing-production"
        ready = self.start(cluster, "dedicated", delivery_type="download", timeline=steps)
        restore = self.start(cluster, "dedicated", target_cluster="billing-drill")
        scene("3", "A script starts a download and a restore", cluster)
        with self.schedule():
            self.show(ready, "RUNNING", "found by a sweep")
            self.show(restore, "RUNNING", "found by a sweep")
            self.follow(restore, "COMPLETED")
            ready.advance()
            self.show(ready, "COMPLETED", "ready; its link is valid for an hour")
            ready.advance()
            self.show(ready, "EXPIRED", "nobody fetched it")
        self.expected[ready.restore_id] = ("RUNNING", "COMPLETED", "EXPIRED")
        self.expected[restore.restore_id] = ("RUNNING", "COMPLETED")

    def play_lock_out(self) -> None:
        """Lock the project out until the watch says so, and let it in again."""
        scene("4", "Somebody takes the role away, and gives it back")
        self.stack.atlas.lock_out(GROUP)
        self.stack.tick().result  # noqa: B018 - a project that cannot be seen fails no sweep
        self.let_pass(DEGRADED_AFTER, GROUP, "failingSince", "lastSuccessAt")
        tell("three minutes pass: the demo sets back the stored moment of the first failure")
        with self.schedule():
            self.show(GROUP, "degraded")
        self.notify_people()
        self.stack.atlas.admit(GROUP)
        self.stack.tick().result  # noqa: B018 - as above
        self.let_pass(DEGRADED_AFTER, GROUP, "recoveringSince")
        tell("three minutes pass without a failure: the demo sets back when they began")
        with self.schedule():
            self.show(GROUP, "recovered")
        self.expected[GROUP] = ("degraded", "recovered")

    def play_rotation(self) -> None:
        """Let the secret of the service account come to its end, and renew it."""
        scene("5", "The secret with which the watch asks Atlas expires, and is renewed")
        client_id, secret = CREDENTIALS["service_account"].values()
        for number, (life, age, word) in enumerate(((30, 25, "7"), (365, 0, "renewed"))):
            secret += str(number)
            self.stack.atlas.rotate_service_account(client_id, secret, timedelta(days=life))
            (made,) = self.stack.atlas.secrets_of(client_id)
            made.created_at -= timedelta(days=age)
            made.expires_at -= timedelta(days=age)
            self.stack.put_secret({"client_id": client_id, "client_secret": secret})
            self.stack.new_environments()
            self.let_pass(DAY, None, "askedAt")
            tell("a day passes: the demo sets back when Atlas was last asked")
            with self.schedule():
                self.show(STACK_NAME, word)
            self.notify_people()
        self.expected[STACK_NAME] = ("credentials", "credentials")

    def play_workflows(self) -> None:
        """Let two workflows wait, without a call, for restores that end in different ways."""
        scene("6", "Two workflows wait for restores, and take the branch of how each ended")
        ends = {"COMPLETED": "invoices-flex", "FAILED": "reports-flex"}
        restores = {
            end: self.start(cluster, "flex", timeline=("RUNNING", end), target_cluster="drill")
            for end, cluster in ends.items()
        }
        workflow = refresh_workflow(self.stack)
        with self.schedule():
            waits = {end: workflow.start(restore.event) for end, restore in restores.items()}
            for restore in restores.values():
                self.show(restore, "RUNNING", "a workflow waits for it, and nothing of it runs")
                self.wait_for_token(restore)
            for end, restore in restores.items():
                self.follow(restore, end)
                waits[end].output()
                self.branches[end] = waits[end].states()[-1]
                tell(f"its workflow goes on by its token: [bold]{self.branches[end]}[/]")
                self.expected[restore.restore_id] = ("RUNNING", end)

    def notify_people(self) -> None:
        """Deliver the messages that wait. Nobody is paged for what ends in the same delivery."""
        while self.stack.notices.deliver():
            pass

    def play_people(self) -> None:
        """Deliver the messages to people, and show some as they are read."""
        scene("7", "What people read", "in e-mail, chat and pager")
        self.notify_people()
        emails, chat = self.stack.emails(), self.stack.chat()
        pages = self.readers.got("pager")
        for subject, text in emails:
            if "orders-staging" in text:
                show_email(console, subject, text)
        for message in chat:
            if message["metadata"]["eventType"] == "watch-degraded":
                show_chat(console, message)
        show_pages(console, pages)
        tell(f"{len(emails)} e-mails, {len(chat)} messages in chat, and as many by webhook;")
        tell(f"the pager was called {len(pages)} times")
        self.told = (len(emails), len(chat), [page["event_action"] for page in pages])

    def play_measurements(self) -> None:
        """Give the fleet a year of restore tests, and have the newest of two clusters measured."""
        scene("8", "Did the data come back?", "as Atlas counts them in source and target")
        seen = furnish_fleet(self.stack.atlas, GROUP)
        tell(f"the fleet gets a past; the watch records {len(seen)} restores, and verdicts on data")
        newest = {restore.cluster: restore for restore, _ in reversed(seen)}
        measurable = [newest[cluster] for cluster in DATA]
        self.check(restore for restore, _ in seen if restore not in measurable)
        tell("a restore waits 15 minutes for Atlas's figures; two of the past need not wait")
        self.measure(measurable)
        for restore, verdict in seen:
            if verdict:
                self.stack.invoke(validation(restore, verdict)).result  # noqa: B018 - raises if it failed

    def measure(self, restores: Sequence[EmulatedRestore]) -> None:
        """Let the queue deliver restores at once, and show what is published of each."""
        for restore in restores:
            furnish_data(self.stack.atlas, restore)
        queue = self.stack.measurements
        self.check(restores)
        while queue.deliver():
            pass
        for message in self.stack.received():
            data = message.event["data"]
            if "measurement" in data:
                self.measured[data["clusterName"]] = data["measurement"]["outcome"]
                show_measurement(console, data)
        # Nobody keeps the clusters of a drill.
        for restore in restores:
            self.stack.atlas.remove_cluster(restore.target_group, restore.target_cluster)

    def check(self, restores: Iterable[EmulatedRestore]) -> None:
        """Name restores to the watch."""
        self.stack.invoke({"targets": [restore.event for restore in restores]}).result  # noqa: B018 - raises if it failed

    def play_report(self) -> None:
        """Have the function of reports tell of the fleet."""
        scene("9", "A report says which clusters had a restore test")
        today = datetime.now(UTC).date()
        days = {"from": str(today - timedelta(WEEK)), "to": str(today)}
        made = self.stack.reports.invoke({"action": "report", **days}).result
        REPORT.mkdir(parents=True, exist_ok=True)
        for name in made["files"]:
            place = {"Bucket": made["bucket"], "Key": made["prefix"] + name}
            body = self.stack.aws.client("s3").get_object(**place)["Body"].read()
            (REPORT / name).write_bytes(body)
        self.reported = {
            state: count for state, count in made["counts"]["clusters"].items() if count
        }
        counts = ", ".join(f"{count} {state}" for state, count in self.reported.items())
        tell(f"{len(FLEET)} clusters: {counts}")

    def start(self, cluster: str, kind: Kind, **how: Any) -> EmulatedRestore:
        """Start a restore as people do, in Atlas. Nobody tells the function."""
        return self.stack.atlas.start_restore(GROUP, cluster, kind, **how)

    def follow(self, restore: EmulatedRestore, *statuses: str) -> None:
        """Move a restore on step by step, and show what is reported."""
        for status in statuses:
            restore.advance()
            self.show(restore, status, "by a sweep")

    def let_pass(self, time: timedelta, group_id: str | None, *names: str) -> None:
        """Let time pass since these moments, in what the table has of the project or the stack."""
        table = self.stack.aws.client("dynamodb")
        place = {"TableName": self.stack.table_name, "Key": project_key(group_id)}
        item = table.get_item(**place, ConsistentRead=True)["Item"]
        known = item if group_id else item["credentials"]["M"]
        for name in names:
            known[name] = {"S": utc_text(datetime.fromisoformat(known[name]["S"]) - time)}
        table.put_item(TableName=self.stack.table_name, Item=item)

    @contextmanager
    def schedule(self) -> Iterator[None]:
        """Within the block, one tick comes after the other."""
        is_over = Event()

        def tick() -> None:
            while not is_over.is_set():
                second = int(time.time())
                self.sweeps += isinstance(self.stack.tick().payload, dict)
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

    def show(self, subject: EmulatedRestore | str, word: str, comment: str = "") -> None:
        """Wait for a message about a job or the project. Print it, and how long that took."""
        name = subject if isinstance(subject, str) else subject.restore_id

        def arrived() -> dict[str, Any] | None:
            self.received.extend(self.stack.received())
            ids = {message.event["id"]: message.event for message in self.received}
            about = (key for key in ids if key.startswith(name) and word in key.split(":"))
            return next((ids[key] for key in about), None)

        begun = time.monotonic()
        data = wait_until(arrived, f"{name}:{word}")["data"]
        label = f"[bold {COLOURS[word]}]{word + ' days' * word.isdigit():<9}[/]"
        took = time.monotonic() - begun
        comment = details(word, data) or comment
        console.print(f"     {label}  [dim]{name} {took:4.1f} s[/]  {comment}")

    def wait_for_token(self, restore: EmulatedRestore) -> None:
        """Return once the task token of a workflow is stored with the job."""
        place = (restore.group_id, restore.cluster, restore.restore_id)
        wait_until(lambda: (self.stack.item(*place) or {}).get("waiting"), "a task token")

    def kill_before_publish(self, change: Callable[[], object]) -> None:
        """Kill the environment while a sweep publishes, before the request reaches SNS."""
        wire = self.stack.aws.wire
        with wire.hold("sns", "Publish") as gate:
            change()
            gate.wait_for(1, timeout=PATIENCE)
            self.stack.new_environments()
            wire.inject(Fault(service="sns", operation="Publish", action=Close()))

    def calls_of_an_idle_sweep(self) -> str:
        """The HTTP calls of a sweep that finds nothing new."""
        for _ in range(3):  # the first two still list what the last event woke
            self.stack.forget_calls()
            tick = utc_text(datetime.now(UTC))
            self.stack.invoke({"action": "sweep", "scheduledTime": tick}).result  # noqa: B018 - raises if it failed
        services = Counter(call.service for call in self.stack.http_calls())
        return f"{services['dynamodb']} calls to DynamoDB and {services['atlas']} to Atlas"

    def problems(self) -> Iterator[str]:
        """What is not as it must be. A repetition of a message is not wrong."""
        got: dict[str, dict[str, str]] = defaultdict(dict)
        for message in self.received:
            event = message.event
            got[event["subject"]][event["id"]] = event["id"].split(":")[1]
        for subject in {**self.expected, **got}:
            words, expected = list(got[subject].values()), list(self.expected.get(subject, ()))
            if words != expected:
                yield f"{subject}: {words} instead of {expected}"
        if self.told != TOLD:
            yield f"people got {self.told} instead of {TOLD}"
        if self.branches != BRANCHES:
            yield f"workflows ended in {self.branches} instead of {BRANCHES}"
        if self.measured != OUTCOMES:
            yield f"measurements say {self.measured} instead of {OUTCOMES}"
        if self.reported != STATES:
            yield f"the report has {self.reported} instead of {STATES}"


def wait_until[T](look: Callable[[], T | None], what: str) -> T:
    """Return what there is, once there is something."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        if found := look():
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{what} did not come within {PATIENCE:.0f} s")


def details(word: str, data: dict[str, Any]) -> str:
    """What else a message says, for people."""
    if "expiresAt" in data:
        return f"the secret in use expires on {data['expiresAt'][:10]}"
    if word == "degraded":
        return str(data["error"])
    if word == "recovered":
        return f"not seen since {data['since'][11:19]}"
    if data["durationSeconds"] is None or not data["succeeded"]:
        return ""
    age = data["snapshotAgeSeconds"]
    snapshot = "" if age is None else f", snapshot {age // 60} min old"
    return f"into {data['targetDeploymentItemName']}{snapshot}"


def scene(number: str, title: str, names: str = "") -> None:
    console.print(f"\n  [bold]{number}  {title}[/]" + (f"  [dim]{names}[/]" if names else ""))


def tell(text: str) -> None:
    console.print(f"     [dim]{text}[/]")


def main() -> int:
    """Return the exit status."""
    begun = time.monotonic()
    text = (
        "Finds MongoDB Atlas restores and publishes each change to every subscriber.\n"
        "[dim]The built function in AWS's Lambda runtime; AWS and Atlas emulated here.[/]"
    )
    console.print(Panel(text, title="[bold]Atlas Restore Watch[/]", border_style="green"))
    readers = Readers()
    with LocalStack(
        # A second environment: a workflow need not wait for the sweep that is at work.
        environments=2,
        parameters={
            "AtlasProjectIds": GROUP,
            "RtoMinutes": "60",
            "RpoMinutes": "1440",
        },
        timeout_seconds=TIMEOUT,
        readers=readers,
    ) as stack:
        tell(f"the stack was given one project id, {GROUP}")
        demo = Demo(stack, readers)
        demo.play_collection()
        demo.play_flex()
        demo.play_dedicated()
        demo.play_lock_out()
        demo.play_rotation()
        demo.play_workflows()
        demo.play_people()
        demo.play_measurements()
        demo.play_report()
        start = stack.pool.runtimes[0].init_milliseconds
    wrong = list(demo.problems())
    for problem in wrong:
        console.print(f"  [red]wrong[/] {problem}")
    if wrong:
        return 1
    ids = {message.event["id"] for message in demo.received}
    took = time.monotonic() - begun
    console.print(
        f"\n  [bold green]{len(ids)} changes, each reported under one id, in order[/]"
        f"  [dim]· {demo.sweeps} sweeps · cold start {start:.0f} ms · {took:.0f} s[/]\n"
    )
    # The last line is the path alone.
    console.print(str(REPORT / PAGE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
