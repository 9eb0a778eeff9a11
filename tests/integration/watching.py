"""An environment that watches projects, and what subscribers receive about them."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from integration.checking import ROOT, SCHEMA
from integration.sweeping import Sweeping
from local_stack.atlas import Kind
from local_stack.aws import TEST_KEY_ID, key_id_of
from local_stack.clock import Clock
from local_stack.faults import Answer, Ask
from local_stack.in_process import Clients
from local_stack.loopback import Line
from local_stack.stack import LocalStack, Received
from local_stack.wire import Fault, Injected
from restore_watch.sweep.find.watched_projects import ProjectIds

WATCH_SCHEMA = ROOT / "events" / "watch-changed.schema.json"

MINUTE = 60.0

RECOVERY = 4
"""Sweeps, a minute apart, from the first one without a failure to the one that reports it."""

OUT_OF_ORDER = Answer(503)

CLUSTER_LISTS = ("dedicated_clusters", "flex_clusters")

STATUS, DEGRADED, RECOVERED = (
    f"atlas-restore-watch.{name}.v1"
    for name in ("status-changed", "watch-degraded", "watch-recovered")
)

type WatchingWith = Callable[..., "Watching"]


class Watching(Sweeping):
    """One environment that watches projects. The seconds `passed` pass for Atlas as well."""

    passed = 0.0

    def pass_time(self, seconds: float) -> None:
        """`environments` sets Atlas's clock back."""
        super().pass_time(seconds)
        self.passed += seconds
        atlas_clock(self.stack).advance(seconds)

    def tick(self, minutes: float = 1) -> Mapping[str, Any]:
        """Sweep when these minutes have passed."""
        self.pass_time(minutes * MINUTE)
        return self.sweep()

    def ticks(self, count: int, minutes: float = 1) -> list[Mapping[str, Any]]:
        return [self.tick(minutes) for _ in range(count)]


@contextmanager
def environments(stack: LocalStack, by: Clients) -> Iterator[WatchingWith]:
    """Start environments that watch projects, one after the other, with one clock."""
    clock = Clock()
    made: list[Watching] = []

    def make(project_ids: ProjectIds = (), **how: Any) -> Watching:
        how = {"by": by, "project_ids": project_ids, "clock": clock, **how}
        made.append(Watching(stack, **how))
        return made[-1]

    yield make
    atlas_clock(stack).advance(-sum(one.passed for one in made))


def bad_clusters(stack: LocalStack, answer: Answer = OUT_OF_ORDER) -> Injected:
    """The clusters whose names begin with `bad` always answer this."""
    return stack.atlas.wire.inject(
        Fault(action=answer, when=lambda call: "/bad" in call.path, times=None)
    )


def project_with(stack: LocalStack, *flex: str, **kinds: Kind) -> str:
    """A new project with these clusters."""
    group = secrets.token_hex(12)
    stack.atlas.add_project(group)
    clusters: dict[str, Kind] = dict.fromkeys(flex, "flex")
    for name, kind in (clusters | kinds).items():
        stack.atlas.add_cluster(group, name, kind)
    return group


@dataclass(frozen=True)
class OddEntries:
    """A list shows these entries, of any JSON, before its own."""

    entries: Sequence[Any]

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        body = json.loads(answer.body)
        body["results"] = [*self.entries, *body["results"]]
        return Answer(answer.status, answer.headers, json.dumps(body))


def atlas_clock(stack: LocalStack) -> Clock:
    clock = stack.atlas.clock
    assert isinstance(clock, Clock)
    return clock


def messages(stack: LocalStack) -> list[Received]:
    """New messages, each of which fits the schema of its type."""
    received = stack.received()
    for message in received:
        _validator(message.event["type"]).validate(message.event)
    return received


def job_messages(stack: LocalStack) -> list[Received]:
    """New messages about restore jobs; those about the watch are checked and left out."""
    return [one for one in messages(stack) if one.event["type"] == STATUS]


def watch_messages(stack: LocalStack) -> list[tuple[str, str | None]]:
    """What new messages say about the watch, and about which project; None for the stack."""
    return [_said(one.event) for one in messages(stack) if one.event["type"] != STATUS]


def project_item(stack: LocalStack, group: str | None) -> dict[str, Any]:
    """What the table remembers of a project, or of the stack."""
    name = "stack" if group is None else f"project/{group}"
    found = [one for one in stack.items() if (one["cluster"], one["restoreId"]) == ("sweeps", name)]
    return found[0] if found else {}


def called(stack: LocalStack) -> list[str]:
    """What these environments called in AWS since the calls were forgotten, in order."""
    calls = (call for call in stack.aws.wire.calls if key_id_of(call) != TEST_KEY_ID)
    return [call.operation for call in calls]


def writes(stack: LocalStack) -> int:
    """How often these environments wrote to the table since the calls were forgotten."""
    return called(stack).count("UpdateItem")


def _said(event: Mapping[str, Any]) -> tuple[str, str | None]:
    return {DEGRADED: "degraded", RECOVERED: "recovered"}[event["type"]], event["data"]["groupId"]


@cache
def _validator(event_type: str) -> Draft202012Validator:
    schema = SCHEMA if event_type == STATUS else json.loads(WATCH_SCHEMA.read_text())
    assert event_type in {STATUS, DEGRADED, RECOVERED}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
