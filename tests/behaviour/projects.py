"""Watched projects: their restores, what sweeps ask and remember of them, and odd lists."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.faults import Answer, Ask
from local_stack.loopback import Line
from local_stack.steps import QUESTION, about
from local_stack.wire import Selection
from local_stack.world import Stored, World, within

KINDS: tuple[Kind, ...] = ("flex", "dedicated", "collection")

ENDED = Stored("COMPLETED", 1, 1)
"""A job that had ended when it was found."""


def project_with(world: World, *flex: str, **kinds: Kind) -> str:
    """A new project with these clusters."""
    group = secrets.token_hex(12)
    world.atlas.add_project(group)
    clusters: dict[str, Kind] = {**dict.fromkeys(flex, "flex"), **kinds}
    for name, kind in clusters.items():
        world.atlas.add_cluster(group, name, kind)
    return group


def ended_jobs(world: World, *kinds: Kind, cluster: str = "orders") -> list[EmulatedRestore]:
    """Restores that begin and end now, one of each kind."""
    return [world.finished_job(kind, cluster=f"{cluster}-{kind}") for kind in kinds or KINDS]


def reported_once(world: World, jobs: Sequence[EmulatedRestore]) -> bool:
    """True if each job had ended when it was found, and there is one message about it."""
    return all(world.stored(job) == ENDED and world.published(job) == ["COMPLETED"] for job in jobs)


def unknown(world: World, jobs: Sequence[EmulatedRestore]) -> bool:
    """True if nothing is stored and nothing was sent about these jobs."""
    return all(world.item(job) is None and world.published(job) == [] for job in jobs)


def behind(world: World) -> set[str]:
    """The parts of the test's project that have marks of their own."""
    return set(world.bookkeeping().get("behind", ()))


def mark(world: World) -> datetime:
    """The moment up to which the restores of the test's project are known."""
    return datetime.fromisoformat(world.bookkeeping()["mark"])


def asked(world: World) -> list[str]:
    """What the last tick asked Atlas, in the order of names."""
    return sorted(call.operation for call in world.questions())


def listed(world: World) -> list[str]:
    """The clusters whose jobs the last tick listed, in order."""
    lists = (call.path for call in world.questions() if call.operation.endswith("_list"))
    return [path.partition("lusters/")[2].partition("/")[0] for path in lists]


def of(step: Selection, *names: str) -> Selection:
    """The calls of a step about these projects, clusters or jobs."""
    return within(step, about(*names))


BAD = of(QUESTION, "/bad")
"""Whatever is asked about clusters whose names begin so."""


@dataclass(frozen=True)
class Changed:
    """Atlas's own answer with these headers, and the fields that `change` makes of its JSON."""

    change: Callable[[dict[str, Any]], dict[str, Any]] = dict
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        body = json.loads(answer.body)
        headers = {**dict(answer.headers), **self.headers}
        return Answer(answer.status, headers, json.dumps(body | self.change(body)))


def each(change: Callable[[dict[str, Any]], Any]) -> Changed:
    """Each entry of a list is as `change` returns it."""
    return Changed(lambda body: {"results": [change(one) for one in body.get("results", ())]})


def with_fields(**fields: Any) -> Changed:
    """Each entry of a list has these fields."""
    return each(lambda entry: entry | fields)


def going_on(entries: Callable[[list[Any]], list[Any]] = list) -> Changed:
    """Every page of a list shows these of its entries, and says that another page follows."""
    link = [{"rel": "next", "href": "?pageNum=2"}]
    return Changed(lambda body: {"results": entries(body["results"]), "links": link})
